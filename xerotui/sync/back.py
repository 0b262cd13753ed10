"""Back from Xero, joined: what a plan writes into the source because of what happened there, and where the sides stand
apart. Each sort has its own module and its own switch in the pair; nothing is written unasked."""

from collections.abc import Collection, Iterable

import msgspec

from xerotui.model import records, settling
from xerotui.model.kinds import PARTIES, Kind, Side
from xerotui.model.problems import SyncError
from xerotui.model.records import Document, Record
from xerotui.model.settling import Settlement
from xerotui.model.work import FAILED, OPEN, Operation, Verb
from xerotui.source.contract import Abilities, Capability, SourceLocked, SourceRefused, SourceUnreachable
from xerotui.source.guard import PluginFault
from xerotui.store import Apart, Tx
from xerotui.sync import back_documents, back_parties, back_payments, back_voids, owning
from xerotui.sync.back_told import VERBS, from_xero
from xerotui.sync.owning import Choices
from xerotui.sync.pair import PairData
from xerotui.sync.plan import Draft
from xerotui.sync.ports import Ports
from xerotui.sync.pull import words
from xerotui.sync.resolve import Resolved

MOVED = "it changed in Xero since it was planned"


# What tells one write into a source from another, whenever it was planned.
Sign = tuple[Verb, Kind, str, bytes, str, str, str]


def _sign(o: Operation) -> Sign:
    why = "\x1f".join(f"{field}={rung}" for field, rung in sorted(o.rungs.items()))
    return (o.verb, o.kind, o.record, o.body, o.basis.xero_version, o.basis.fingerprint, why)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger knows of a pair's way back, and what its source can do."""

    told: dict[tuple[Kind, str], tuple[Settlement, str]]
    choices: Choices
    busy: dict[Verb, set[tuple[Kind, str]]]
    refused: frozenset[Sign]
    elsewhere: dict[Kind, set[str]]
    can: frozenset[Capability]
    amendable: dict[Kind, tuple[str, ...]]
    source_title: str


async def known(ports: Ports, data: PairData) -> Known:
    """Read what is known of a pair."""
    able, title = await _able(ports, data)
    ledger = ports.ledger
    others = [p.source for p in (await ports.book.read()).all_pairs() if p.tenant == data.tenant]
    elsewhere: dict[Kind, set[str]] = {}
    busy: dict[Verb, set[tuple[Kind, str]]] = {verb: set() for verb in VERBS}
    async with ledger.read() as tx:
        told = await ledger.backs.told(tx, data.connection, data.tenant)
        choices = await ledger.backs.taken(tx, data.connection, data.tenant)
        found = await ledger.work.find(
            tx, connection=data.connection, tenant=data.tenant, side=Side.SOURCE, states=(*OPEN, *FAILED)
        )
        for other in others:
            if other != data.connection:
                for kind in (*PARTIES, Kind.INVOICE):
                    links = await ledger.links.for_pair(tx, other, data.tenant, kind)
                    elsewhere.setdefault(kind, set()).update(link.xero_id for link in links)
    for o in found:
        if o.verb in busy and o.state in OPEN:
            busy[o.verb].add((o.kind, o.record))
    return Known(
        told=told,
        choices=choices,
        busy=busy,
        refused=frozenset(_sign(o) for o in found if o.state in FAILED),
        elsewhere=elsewhere,
        can=able.capabilities,
        amendable=dict(able.amendable) if able.has(Capability.AMEND) else {},
        source_title=title,
    )


async def _able(ports: Ports, data: PairData) -> tuple[Abilities, str]:
    """What the pair's source can do, and its title; nothing where its plugin or its settings can't be used."""
    try:
        title = ports.registry.source_type(data.source_name).title
        return await ports.abilities(data.connection), title
    except PluginFault:
        return Abilities(), data.source_name
    except SyncError:
        return Abilities(), title


async def operations(ports: Ports, resolved: Resolved, plan: str, about: Known) -> list[Operation]:
    """What is to be written into the source, by sort: payments, voids, then fields of contacts and items.

    What the source refused isn't asked again until something of it moves: its problem waits for a person's retry.
    """
    data = resolved.data

    def fresh(some: Iterable[Operation]) -> list[Operation]:
        return [o for o in some if _sign(o) not in about.refused]

    found: list[Operation] = []
    if data.policy.back.get("payments") and Capability.SETTLE in about.can:
        found += fresh(back_payments.operations(data, plan, about.told, about.busy[Verb.SETTLE]))
    voids = data.policy.back.get("voids") and Capability.VOID in about.can
    if voids and fresh(back_voids.operations(data, plan, "", about.busy[Verb.VOID])):
        effect = await _effect(ports, data)
        found += fresh(back_voids.operations(data, plan, effect, about.busy[Verb.VOID]))
    parties = back_parties.operations(resolved, plan, about.choices, about.amendable, about.busy[Verb.UPDATE])
    found += fresh(parties)
    return found


async def _effect(ports: Ports, data: PairData) -> str:
    """What else a void does at the source; where it can't be asked, that."""
    try:
        source = await ports.source(data.connection)
        return await source.void_effect(Kind.INVOICE)
    except (SyncError, SourceRefused, SourceUnreachable, SourceLocked) as error:
        return f"What else that does there isn't known: {words(error, data.connection).sentence}"


def apart(resolved: Resolved, about: Known) -> list[Apart]:
    """Every difference between the sides that a person may want to know of."""
    data = resolved.data
    rows = list(back_parties.rows(resolved, about.choices, about.amendable))
    rows += back_documents.drifted(resolved, about.choices)
    rows += back_voids.rows(data, can=Capability.VOID in about.can)
    rows += back_documents.lost(data, about.told)
    adopted: Collection[str] = set(resolved.adopt.values())
    cannot = f"{about.source_title} can't take invoices from outside safely, so it is listed only."
    rows += back_documents.born(data, about.elsewhere, adopted, can=cannot)
    if data.policy.back.get("contacts"):
        propose = "Proposed on Imports; nothing is made at the source unasked."
        rows += back_documents.born_contacts(data, about.elsewhere, adopted, can=propose)
    return rows


async def add(ports: Ports, draft: Draft, resolved: Resolved, about: Known) -> None:
    """Put what goes back into a plan in the making."""
    found = await operations(ports, resolved, draft.plan, about)
    draft.operations += found
    draft.counts.update(o.verb.value for o in found)


async def keep(ports: Ports, resolved: Resolved) -> None:
    """Let what a pair's sides differ in now be what is shown of it."""
    data = resolved.data
    rows = apart(resolved, await known(ports, data))
    async with ports.ledger.write() as tx:
        await ports.ledger.backs.replace(tx, data.connection, data.tenant, rows)


async def outdated(ports: Ports, tx: Tx, operations: Collection[Operation]) -> dict[str, str]:
    """Why some writes into a source must not leave: what they tell of changed in Xero meanwhile. By operation id."""
    found: dict[str, str] = {}
    for o in operations:
        if not from_xero(o):
            continue
        kind = Kind.CUSTOMER if o.kind in PARTIES else o.kind
        if not _still_so(o, await ports.ledger.snapshots.get(tx, Side.XERO, o.tenant, kind, o.target)):
            found[o.id] = MOVED
    return found


def _still_so(operation: Operation, held: Record | None) -> bool:
    """Whether Xero still says what an operation tells; its version alone moves with every mailing."""
    if operation.verb is Verb.UPDATE:
        wanted, values = records.decode(operation.body), owning.held(held)
        names = [c.path for c in operation.changes if not c.path.endswith("_tax")]
        return bool(values) and all(owning.same(values.get(name), getattr(wanted, name)) for name in names)
    if not isinstance(held, Document):
        return False
    if operation.verb is Verb.VOID:
        return held.status in back_voids.OVER
    then, now = settling.decode(operation.body), back_payments.settlement(held)
    return (then.status, then.paid, then.credited, then.due) == (now.status, now.paid, now.credited, now.due)


__all__ = ["VERBS", "Known", "add", "apart", "from_xero", "keep", "known", "operations", "outdated"]
