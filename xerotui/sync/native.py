"""The guard against two writers: what a source syncs with Xero by itself waits until a person says so (B15).

What the source's own sync writes is read with the source. Planning goes on, to compare; approving the kinds that both
would write is refused until it is switched off at the source, or a person confirmed it with a reason.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from xerotui.model.kinds import SYNCED, Kind, Side
from xerotui.model.problems import CORE, Place, Problem, RecordRef, SyncError
from xerotui.model.work import Operation
from xerotui.source.contract import Capability, SourceRefused
from xerotui.store import Db, Native, Tx
from xerotui.sync.ports import Ports
from xerotui.sync.pull import WHOLE_LIST, words

# The ledger's mark of what a source connection answered last.
_MARK = "native:"
# That mark where the source has never let it be seen.
_UNSEEN = "unseen"
_PHASE = "native"
REFUSED = 4


class Guarded(msgspec.Struct, frozen=True, kw_only=True):
    """Kinds of a pair that the source's own sync writes too, and the confirmation that still holds for them.

    Not `seen`: it may write them, as the source never let that be looked at.
    """

    source: str
    tenant: str
    kinds: tuple[Kind, ...]
    confirmed: Native | None = None
    seen: bool = True


async def look(ports: Ports, connection: str) -> None:
    """Read what the source's own sync writes, and keep it with a problem for each organisation that it concerns.

    Where the source doesn't let that be seen, what was known stays; where nothing was, it may write anything. Raises
    SyncError when it can't be reached.
    """
    source = await ports.source(connection)
    if not source.can.has(Capability.NATIVE):
        return
    try:
        answer = await source.native_sync()
    except SourceRefused as error:
        ports.log.warning("the source's own sync can't be seen", connection=connection, reason=error.said)
        await _unseen(ports, connection, source.title)
        return
    except Exception as error:
        raise words(error, source.title) from None
    found = {tenant: [k.value for k in SYNCED if k in kinds] for tenant, kinds in sorted(answer.items()) if kinds}
    text = msgspec.json.encode(found, order="sorted").decode()
    async with ports.ledger.read() as tx:
        before = await ports.ledger.marks.get(tx, _MARK + connection)
    db = await ports.book.read()
    async with ports.ledger.write() as tx:
        if before != text:
            await ports.ledger.marks.set(tx, _MARK + connection, text)
        await _tell(ports, tx, db, connection, source.title)
        mine = await guarded(ports, tx, db, connection)
    held = {tenant for tenant, one in mine.items() if one.confirmed is not None}
    fallen = [p.tenant for p in db.pairs(connection) if db.native(connection, p.tenant) and p.tenant not in held]
    if fallen:
        # Switched off, or on for other kinds: the word was about something else.
        def drop(book: Db) -> None:
            for tenant in fallen:
                book.drop_native(connection, tenant)

        await ports.book.change(drop)


async def _unseen(ports: Ports, connection: str, title: str) -> None:
    """Nothing can be seen: what was known stays, and where nothing was, that is told."""
    db = await ports.book.read()
    async with ports.ledger.write() as tx:
        if not await ports.ledger.marks.get(tx, _MARK + connection):
            await ports.ledger.marks.set(tx, _MARK + connection, _UNSEEN)
        await _tell(ports, tx, db, connection, title)


async def guarded(ports: Ports, tx: Tx, db: Db, connection: str) -> dict[str, Guarded]:
    """The organisations of a connection that its own sync writes to, by tenant."""
    text = await ports.ledger.marks.get(tx, _MARK + connection)
    if not text:
        return {}
    if text == _UNSEEN:
        return of({"": SYNCED}, db, connection, seen=False)
    return of(msgspec.json.decode(text, type=dict[str, list[Kind]]), db, connection)


def of(answer: Mapping[str, Sequence[Kind]], db: Db, connection: str, *, seen: bool = True) -> dict[str, Guarded]:
    """The same from what the source answered, by tenant."""
    found: dict[str, Guarded] = {}
    for pair in db.pairs(connection):
        named = {*answer.get(pair.tenant, ()), *answer.get("", ())}
        if named:
            kinds = tuple(kind for kind in SYNCED if kind in named)
            confirmed = db.native(connection, pair.tenant)
            # What was confirmed is this set of kinds: more of them, or fewer, is another question.
            holds = confirmed is not None and set(confirmed.kinds) == set(kinds)
            found[pair.tenant] = Guarded(
                source=connection,
                tenant=pair.tenant,
                kinds=kinds,
                confirmed=confirmed if holds else None,
                seen=seen,
            )
    return found


async def _tell(ports: Ports, tx: Tx, db: Db, connection: str, title: str) -> None:
    mine = await guarded(ports, tx, db, connection)
    for pair in db.pairs(connection):
        one = mine.get(pair.tenant)
        said = [_problem(db, one, title)] if one is not None and one.confirmed is None else []
        await ports.ledger.problems.replace(tx, connection, pair.tenant, Kind.INVOICE, [WHOLE_LIST], said, phase=_PHASE)


def _problem(db: Db, one: Guarded, title: str) -> Problem:
    ref = RecordRef(
        connection=one.source, kind=Kind.INVOICE, id=WHOLE_LIST, title=f"{title}'s own sync", tenant=one.tenant
    )
    return Problem(
        code="core.native_sync",
        subject=f"native:{one.tenant}",
        record=ref,
        sentence=sentence(db, one, title),
        remedy=CORE["core.native_sync"].remedy,
        place=Place("go.tenants", {"tenant": one.tenant}),
        blocks=False,
    )


def sentence(db: Db, one: Guarded, title: str) -> str:
    """What is on, for whom, and what comes of it."""
    document = db.tenant(one.tenant)
    name = document.name if document and document.name else one.tenant
    if not one.seen:
        return (
            f"{title} doesn't let it be seen whether it syncs with {name} by itself: two writers make duplicates, "
            "so nothing is sent until somebody has looked."
        )
    kinds = ", ".join(kind.plural for kind in one.kinds)
    return f"{title} syncs {kinds} with {name} by itself: two writers make duplicates, so nothing of these is sent."


async def refuse(ports: Ports, connection: str, operations: Iterable[Operation]) -> None:
    """Let nothing of the kinds go that the source's own sync writes to the same organisation, unless confirmed.

    Raises SyncError with the reason and the ways out.
    """
    db = await ports.book.read()
    async with ports.ledger.read() as tx:
        mine = await guarded(ports, tx, db, connection)
    for o in operations:
        one = mine.get(o.tenant)
        if one is None or one.confirmed is not None or o.kind not in one.kinds:
            continue
        document, tenant = db.source(connection), db.tenant(o.tenant)
        title = document.name if document else connection
        name = tenant.name if tenant and tenant.name else o.tenant
        raise SyncError(
            sentence(db, one, title),
            f'Switch it off there and read again; or, if you are sure: xerotui tenants confirm-native "{name}" '
            "--reason TEXT.",
            code="core.native_sync",
            exit_code=REFUSED,
        )


async def waits(ports: Ports, operations: Sequence[Operation]) -> dict[str, str]:
    """Of writes to Xero those that were approved before the source's own sync was switched on: id and reason."""
    db = await ports.book.read()
    found: dict[str, str] = {}
    for connection in {o.connection for o in operations if o.side is Side.XERO}:
        async with ports.ledger.read() as tx:
            mine = await guarded(ports, tx, db, connection)
        document = db.source(connection)
        title = document.name if document else connection
        for o in operations:
            one = mine.get(o.tenant) if (o.side, o.connection) == (Side.XERO, connection) else None
            if one is not None and one.confirmed is None and o.kind in one.kinds:
                found[o.id] = sentence(db, one, title)
    return found


async def confirm(ports: Ports, connection: str, tenant: str, actor: str, reason: str, now: dt.datetime) -> Native:
    """Note that a person takes both writers upon them, for the kinds as they are now.

    Raises SyncError where the source's own sync is off, or the reason is blank.
    """
    db = await ports.book.read()
    async with ports.ledger.read() as tx:
        one = (await guarded(ports, tx, db, connection)).get(tenant)
    text = " ".join(reason.split())[:500]
    if one is None:
        raise SyncError(
            "The source's own sync is off for this organisation", "There is nothing to confirm.", exit_code=REFUSED
        )
    if not text:
        raise SyncError("Say why: two writers make duplicates", "Give a reason.", exit_code=REFUSED)
    made = Native(source=connection, tenant=tenant, kinds=one.kinds, actor=actor, reason=text, at=now)
    await ports.book.change(lambda book: book.put_native(made))
    async with ports.ledger.write() as tx:
        await ports.ledger.problems.replace(tx, connection, tenant, Kind.INVOICE, [WHOLE_LIST], [], phase=_PHASE)
        detail = {"source": connection, "kinds": ", ".join(kind.value for kind in one.kinds), "reason": text}
        await ports.ledger.audit.append(tx, actor, "native.confirm", f"{connection}:{tenant}", detail, now)
    return made


__all__ = ["Guarded", "confirm", "guarded", "look", "refuse", "sentence", "waits"]
