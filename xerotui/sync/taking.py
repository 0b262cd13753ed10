"""Taking one side where both differ: a person's choice for a field of a contact or item, or for a document."""

from collections.abc import Awaitable, Callable

import msgspec

from xerotui.model.kinds import DOCUMENTS, PARTIES, Kind, Side
from xerotui.model.postings import encode
from xerotui.model.problems import SyncError
from xerotui.model.work import Plan
from xerotui.store import Taken
from xerotui.sync import back, back_documents, back_parties, backing, drift, owning
from xerotui.sync.plan import new_id
from xerotui.sync.planning import draft_pair, read_sides
from xerotui.sync.ports import Ports
from xerotui.sync.resolve import Resolved

REFUSED = 4


class Taking(msgspec.Struct, frozen=True, kw_only=True):
    """One choice as it would be made: what either side says, and what comes of it in a sentence."""

    field: str
    source: str
    xero: str
    then: str
    version: str


async def preview(
    ports: Ports, connection: str, tenant: str, kind: Kind, record: str, side: Side, field: str = ""
) -> tuple[Taking, ...]:
    """What taking a side would mean, by what is known now; nothing is kept.

    Raises SyncError where nothing differs, or where that side can't be taken.
    """
    draft, resolved = await draft_pair(ports, connection, tenant, new_id("plan"))
    del draft
    if kind in DOCUMENTS:
        return (_document(resolved, kind, record, side),)
    if kind not in (*PARTIES, Kind.ITEM):
        raise SyncError(f"There are no sides to take of {kind.plural}", code="core.take", exit_code=REFUSED)
    return await _fields(ports, resolved, kind, record, side, field)


def _document(resolved: Resolved, kind: Kind, record: str, side: Side) -> Taking:
    found = back_documents.edited(resolved, kind, record)
    if found is None:
        raise _nothing(kind)
    sent, held, now, fields = found
    if side is Side.SOURCE and (why := drift.closed(held)):
        raise SyncError(
            f"The {kind.label} can't be changed in Xero any more: {why}",
            "Take Xero's side, or correct it with a credit note.",
            code="core.locked_document",
            exit_code=REFUSED,
        )
    then = "the source's document goes to Xero, over what was edited there"
    if side is Side.XERO:
        then = "it stays in Xero as it is; nothing is written at the source"
    version = owning.digest(back_documents.said(held), encode(now))
    return Taking(
        field=", ".join(fields),
        source=back_documents.shown(now, fields),
        xero=back_documents.shown(back_documents.as_held(sent, held), fields),
        then=then,
        version=version,
    )


async def _fields(
    ports: Ports, resolved: Resolved, kind: Kind, record: str, side: Side, field: str
) -> tuple[Taking, ...]:
    link = resolved.data.link(kind, record)
    about = await back.known(ports, resolved.data)
    if field and field not in owning.shared(kind):
        known = ", ".join(owning.shared(kind))
        raise SyncError(f"{kind.plural.capitalize()} have no field {field}", f"There are {known}.", exit_code=1)
    fields = list(back_parties.differing(resolved, link, {}, about.amendable)) if link is not None else []
    fields = [f for f in fields if not field or f.name == field]
    if not fields:
        raise _nothing(kind)
    stuck = [f.name for f in fields if side is Side.XERO and f.value is None]
    if stuck:
        names = ", ".join(owning.TITLES.get(name, name) for name in stuck)
        raise SyncError(
            f"{about.source_title} can't take Xero's {names} by its interface",
            "Change it there by hand, or take the fields one by one with --field.",
            code="core.take",
            exit_code=REFUSED,
        )
    then = "Xero's value is written into the source" if side is Side.XERO else "the source's value goes to Xero"
    return tuple(
        Taking(
            field=f.name,
            source=owning.spoken(f.ours),
            xero=owning.spoken(f.theirs),
            then=then,
            version=owning.digest(f.theirs, f.ours),
        )
        for f in fields
    )


def _nothing(kind: Kind) -> SyncError:
    return SyncError(
        f"Both sides say the same of this {kind.label}",
        "See where they differ: xerotui drift.",
        code="core.take",
        exit_code=REFUSED,
    )


async def take(
    ports: Ports,
    args: dict[str, str],
    actor: str,
    progress: Callable[[str], Awaitable[None]],
) -> Plan | None:
    """Keep a person's choice and lay before them the plan that it comes to; None where nothing is to be written.

    `args`: connection, tenant, kind, record, side, and field where only one is meant. Raises SyncError as `preview`
    does.
    """
    connection, tenant, kind, record = args["connection"], args["tenant"], Kind(args["kind"]), args["record"]
    side = Side(args["side"])
    await read_sides(ports, connection, (tenant,), progress)
    chosen = await preview(ports, connection, tenant, kind, record, side, args.get("field", ""))
    whole = kind in DOCUMENTS
    choices = [
        Taken(
            connection=connection,
            tenant=tenant,
            kind=kind,
            record=record,
            field=back_documents.WHOLE if whole else one.field,
            side=side,
            version=one.version,
            actor=actor,
        )
        for one in chosen
    ]
    detail = {"side": side.value, "kind": kind.value, "record": record, "tenant": tenant}
    detail |= {"fields": ", ".join(one.field for one in chosen)}
    async with ports.ledger.write() as tx:
        await ports.ledger.backs.take(tx, choices)
        await ports.ledger.audit.append(
            tx, actor, "side taken", args.get("title", record), detail, ports.clock.now()
        )  # fmt: skip
    return await backing.only(ports, connection, tenant, {(kind, record)}, actor)


__all__ = ["Taking", "preview", "take"]
