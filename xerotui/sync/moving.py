"""Moving the link of a customer or supplier to another contact or organisation: shown first, done on a person's word.

Never in passing (H11): what is in Xero under the former contact stays there, only what isn't there yet goes to the new
one.
"""

from collections import defaultdict
from decimal import Decimal

import msgspec

from xerotui.model.kinds import PARTIES, Kind, Side
from xerotui.model.moves import Move, Sum
from xerotui.model.problems import SyncError
from xerotui.model.records import Party
from xerotui.model.work import OPEN, Link, Operation, State, Verb
from xerotui.source.contract import Attachment, Capability
from xerotui.store import name_key
from xerotui.sync import former
from xerotui.sync import pair as pairs
from xerotui.sync.match import Fit, contact_for
from xerotui.sync.pair import PairData, code_key
from xerotui.sync.plan import new_id, source_lane
from xerotui.sync.ports import Ports
from xerotui.sync.pull import words

# How a moved link came to be.
MOVED = "moved"
REFUSED = 4


async def preview(ports: Ports, connection: str, kind: Kind, record: str, tenant: str, to: str) -> Move:
    """What moving the link of a record to `to` would do: another paired organisation, or a contact of this one.

    A contact is given by id, account number or name. Raises SyncError when the record isn't linked in `tenant`, or
    when nothing is called `to`.
    """
    data = await pairs.load(ports, connection, tenant)
    party = data.parties.get((kind, record)) if kind in PARTIES else None
    link = data.link(kind, record)
    if party is None or link is None:
        what = f"There is no {kind.label} {record}" if party is None else f"{party.name} isn't linked with a contact"
        raise SyncError(what, "Customers and suppliers that are linked can be moved.", exit_code=REFUSED)
    move = Move(
        connection=connection,
        kind=kind,
        record=record,
        title=party.name,
        tenant=tenant,
        tenant_name=data.organisation.name,
        contact=link.xero_id,
        contact_name=_name(data, link.xero_id),
        to_tenant=tenant,
        to_tenant_name=data.organisation.name,
        to="",
        to_name="",
        stays=_sums(data, party, linked=True),
        goes=_sums(data, party, linked=False),
    )
    paired = {p.tenant for p in (await ports.book.read()).pairs(connection)}
    if to in paired - {tenant}:
        move = await _elsewhere(ports, move, party, to)
    else:
        move = _here(data, move, to)
    async with ports.ledger.read() as tx:
        busy = await ports.ledger.work.find(tx, connection=connection, kind=kind, record=record, states=OPEN)
        going = await ports.ledger.work.find(tx, connection=connection, side=Side.XERO, states=OPEN)
    if move.obstacle:
        return move
    if busy:
        return msgspec.structs.replace(
            move, obstacle="a write of it is under way", remedy="Wait until the run has ended."
        )
    if number := sum(_of(data, party, o) for o in going):
        # Their bytes name the former contact already.
        return msgspec.structs.replace(
            move, obstacle=f"{number} of its documents are on their way to Xero", remedy="Wait until the run has ended."
        )
    return move


def _of(data: PairData, party: Party, operation: Operation) -> bool:
    """Whether a write is of a document of that customer or supplier."""
    document = data.documents.get((operation.kind, operation.record))
    owner = Kind.SUPPLIER if operation.kind is Kind.PURCHASE_ORDER else Kind.CUSTOMER
    return document is not None and owner is party.kind and document.party == party.id


def _name(data: PairData, xero_id: str) -> str:
    held = data.contacts.by_id.get(xero_id)
    return held.name if held is not None else xero_id


def _sums(data: PairData, party: Party, *, linked: bool) -> tuple[Sum, ...]:
    kind = party.kind
    found: dict[str, list[Decimal]] = defaultdict(list)
    for (of, id), document in data.documents.items():
        owner = Kind.SUPPLIER if of is Kind.PURCHASE_ORDER else Kind.CUSTOMER
        if owner is not kind or document.party != party.id or document.excluded:
            continue
        if (data.link(of, id) is not None) is linked:
            found[document.currency].append(document.total or Decimal(0))
    return tuple(Sum(currency, len(totals), sum(totals, Decimal(0))) for currency, totals in sorted(found.items()))


def _here(data: PairData, move: Move, to: str) -> Move:
    """To another contact of the same organisation."""
    contacts = data.contacts
    hits = [contacts.by_id[to]] if to in contacts.by_id else []
    hits = hits or contacts.by_number.get(code_key(to), []) or contacts.by_name.get(name_key(to), [])
    if len(hits) != 1:
        what = f"several contacts are called {to}" if hits else f"no contact or organisation is called {to}"
        raise SyncError(f"In {move.tenant_name} {what}"[:200], "Give the contact by its Xero id.", exit_code=REFUSED)
    held = hits[0]
    other = data.linked(move.kind).get(held.id)
    obstacle = remedy = ""
    if held.id == move.contact:
        obstacle, remedy = "it is linked with that contact already", "Choose another contact."
    elif held.status == "ARCHIVED":
        obstacle, remedy = "that contact is archived in Xero", "Restore it in Xero, or choose another contact."
    elif other is not None:
        obstacle = f"that contact is linked with {move.kind.label} {other.record} already"
        remedy = "Move that one first."
    return msgspec.structs.replace(move, to=held.id, to_name=held.name, obstacle=obstacle, remedy=remedy)


async def _elsewhere(ports: Ports, move: Move, party: Party, tenant: str) -> Move:
    """To another organisation: the contact that it has there already, else one that the next plan makes."""
    there = await pairs.load(ports, move.connection, tenant)
    match = contact_for(there, msgspec.structs.replace(party, xero_id="", tenant=tenant))
    name = there.organisation.name
    obstacle = remedy = ""
    hit = match.one if match.fit is Fit.EXACT else None
    if match.fit in (Fit.SEVERAL, Fit.CONTRADICTS, Fit.ARCHIVED):
        obstacle = f"{name} has {len(match.found)} contacts that it could be, or an archived one"
        remedy = "Make them one in Xero first, then move it."
    elif hit is not None and (other := there.linked(move.kind).get(hit.id)) is not None and other.record != party.id:
        obstacle, remedy = (
            f"that contact is linked with {move.kind.label} {other.record} already",
            "Move that one first.",
        )
    return msgspec.structs.replace(
        move,
        to_tenant=tenant,
        to_tenant_name=name,
        to=hit.id if hit else "",
        to_name=hit.name if hit else "",
        obstacle=obstacle,
        remedy=remedy,
    )


async def move(ports: Ports, wanted: Move, actor: str) -> Move:
    """Do it: the link, what the source keeps of it, and the audit. Repeating it changes nothing more.

    Raises SyncError where it can't be done any more, or where the source refuses to let the organisation be changed.
    """
    to = wanted.to if wanted.to_tenant == wanted.tenant else wanted.to_tenant
    now = await preview(ports, wanted.connection, wanted.kind, wanted.record, wanted.tenant, to)
    if now.obstacle:
        raise SyncError(f"{now.title} can't be moved: {now.obstacle}", now.remedy, exit_code=REFUSED)
    abroad = now.to_tenant != now.tenant
    if abroad:
        # The source decides to which organisation its records belong: without its yes nothing is moved here.
        await _tell_source(ports, now)
    attach = not abroad and await ports.keeps_links(now.connection)
    ledger = ports.ledger
    async with ledger.write() as tx:
        if not abroad:
            await former.remember(ledger, tx, now.connection, now.tenant, f"{now.kind}:{now.record}", now.contact)
        if now.to:
            await ledger.links.put(tx, [_link(ports, now, attached=abroad)])
        if attach:
            await ledger.work.add(tx, [_attachment(now)])
        detail = {"record": now.record, "from": now.contact, "to": now.to, "tenant": now.tenant}
        if abroad:
            detail["to tenant"] = now.to_tenant
        await ledger.audit.append(tx, actor, "moved the link of", now.title[:200], detail, ports.clock.now())
    return now


async def _tell_source(ports: Ports, move: Move) -> None:
    source = await ports.source(move.connection)
    if not source.can.has(Capability.ATTACH):
        raise SyncError(
            f"{source.title} can't be told the organisation of a {move.kind.label}",
            "Change it there.",
            exit_code=REFUSED,
        )
    told = Attachment(kind=move.kind, record=move.record, xero_id=move.to, tenant=move.to_tenant)
    try:
        await source.attach([told])
    except Exception as error:
        said = words(error, source.title)
        raise SyncError(
            f"{move.title} stays where it is: {said.sentence}",
            f"Make a new {move.kind.label} for {move.to_tenant_name} in {source.title}, and bill that one there.",
            code=said.code,
            exit_code=REFUSED,
        ) from None


def _link(ports: Ports, move: Move, *, attached: bool) -> Link:
    return Link(
        connection=move.connection,
        kind=move.kind,
        record=move.record,
        tenant=move.to_tenant,
        xero_id=move.to,
        how=MOVED,
        attached=attached,
        at=ports.clock.now(),
    )


def _attachment(move: Move) -> Operation:
    return Operation(
        id=new_id("op"),
        plan="",
        side=Side.SOURCE,
        lane=source_lane(move.connection),
        kind=move.kind,
        verb=Verb.ATTACH,
        state=State.READY,
        connection=move.connection,
        tenant=move.tenant,
        record=move.record,
        title=move.title[:200],
        target=move.to,
    )


__all__ = ["MOVED", "Move", "Sum", "move", "preview"]
