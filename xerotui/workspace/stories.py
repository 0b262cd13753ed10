"""Any record's story, found by number or name: its state, and in a sentence why it is there or isn't (B4, H33)."""

import msgspec

from xerotui.model.kinds import Kind, Side
from xerotui.model.postings import Posting, decode, differences
from xerotui.model.problems import CORE, Problem, SyncError
from xerotui.model.records import Document
from xerotui.model.work import DONE, FAILED, OPEN, Link, Operation, State
from xerotui.store import Db, standing
from xerotui.store.overrides import TEMPLATE
from xerotui.store.standing import Known, Standing
from xerotui.sync.overriding import chosen_of, rung
from xerotui.sync.settle import REMOVED
from xerotui.workspace.back import back_of
from xerotui.workspace.base import REFUSED, operation_row
from xerotui.workspace.connect import Connecting
from xerotui.workspace.credits import laid_on
from xerotui.workspace.listing import flat
from xerotui.workspace.naming import names_for
from xerotui.workspace.pages import OperationRow, SearchRow, Story

NOT_SET, SKIPPED, GONE, VOIDED = "not set", "skipped", "gone", "voided in Xero"


class Stories(Connecting):
    """What is known of a record, from the source to Xero."""

    async def search(self, text: str, limit: int = 20) -> tuple[SearchRow, ...]:
        """Source records in any state whose name, number or id holds the text, one row for each organisation.

        Those that fit to the letter come first; each says its state and the reason.
        """
        if not text.strip():
            return ()
        db = await self.wiring.book.read()
        async with self.wiring.ledger.read() as tx:
            found = await standing.find(tx, [source.id for source in db.sources()], text, limit)
            held = await standing.standing(tx, found)
            plans = await standing.covering(tx)
            voids = await self.wiring.ledger.backs.voided(tx)
        rows: list[SearchRow] = []
        for known in found:
            at = held[known.key]
            for tenant in _tenants(known, at):
                planned = (known.connection, tenant) in plans
                state, reason = why(db, known, at.get(tenant, Standing()), tenant, planned=planned)
                gone = voids.get((known.connection, tenant, known.kind, known.id), "")
                if gone and state != "blocked":
                    state, reason = VOIDED, gone
                rows.append(
                    SearchRow(
                        title=known.title or known.id,
                        kind=known.kind,
                        connection=known.connection,
                        record=known.id,
                        tenant=tenant,
                        state=state,
                        reason=reason,
                    )
                )
        return tuple(rows[:limit])

    async def story(self, connection: str, kind: Kind, record: str, tenant: str = "") -> Story:
        """Why a record is where it is: what the source says, what was sent, problems, operations.

        Raises SyncError when nobody knows the record.
        """
        ledger = self.wiring.ledger
        db = await self.wiring.book.read()
        async with ledger.read() as tx:
            known = await ledger.snapshots.get(tx, Side.SOURCE, connection, kind, record)
            where = tenant or (known.tenant if known else "")
            link = await ledger.links.get(tx, connection, kind, record, where) if where else None
            latest = await ledger.work.find(
                tx, connection=connection, kind=kind, record=record, tenant=where or None, limit=1, order="updated"
            )
            theirs = await ledger.snapshots.get(tx, Side.XERO, where, kind, link.xero_id) if link else None
            ref = await standing.one(tx, connection, kind, record)
            departed = (await ledger.departures.of(tx, connection, kind, [record])).get(record)
            held = (await standing.standing(tx, [ref]))[ref.key]
            planned = (connection, where) in await standing.covering(tx)
            back, voided = await back_of(ledger, tx, link, theirs, kind, record)
        history, problems = await self._about(connection, kind, record, where)
        if known is None and link is None and not history and not problems and ref.at is None:
            raise SyncError("Nobody knows this record", "Read both sides again.", code="core.record", exit_code=REFUSED)
        fields: list[tuple[str, str, str]] = []
        if departed is not None:
            fields.append(("left the source", departed.at.isoformat(timespec="seconds"), departed.how))
            if departed.reason:
                fields.append(("removal approved", departed.reason, departed.actor))
        if known is not None:
            fields += [(path, value, "source") for path, value in flat(known) if path not in ("modified", "kind", "id")]
        if link is not None:
            fields.append(("xero id", link.xero_id, link.how))
            fields += (*laid_on(theirs), *back)
            if link.posting:
                fields += [(c.path, c.after, "as last sent") for c in differences(None, decode(link.posting))]
        fields += await self._chosen(connection, known, link, where)
        if not fields and latest:
            fields += list(operation_fields(latest[0]))
        state, reason = why(db, ref, held.get(where, Standing()), where, planned=planned)
        if voided and not problems:
            state, reason = VOIDED, voided
        told = Story(
            title=_title(known, problems, history) or ref.title or record,
            kind=kind,
            connection=connection,
            record=record,
            tenant=where,
            state=state,
            reason=reason,
            fields=tuple(fields),
            changes=latest[0].changes if latest else (),
            problems=problems,
            operations=history,
            said=latest[0].error if latest else "",
        )
        return await self._named(told)

    async def _chosen(
        self, connection: str, known: object, link: Link | None, tenant: str
    ) -> list[tuple[str, str, str]]:
        """What people chose for a document, and whether Xero mailed it at their word."""
        if not isinstance(known, Document) or not tenant:
            return []
        ledger = self.wiring.ledger
        asked = [known.id, *([TEMPLATE + known.template] if known.template else [])]
        async with ledger.read() as tx:
            found = await ledger.overrides.many(tx, connection, tenant, known.kind, asked)
            mail = await ledger.mails.get(tx, tenant, link.xero_id) if link is not None else None
        told = [
            (f"chosen {o.field.partition(':')[0]}" + (f" of line {o.line}" if o.line else ""), o.title, rung(o))
            for o in chosen_of({(known.kind, record): some for record, some in found.items()}, known).all()
        ]
        if mail is not None:
            told.append(("mail", f"{mail.state} {mail.at.date().isoformat()}", f"asked by {mail.actor}"))
        return told

    async def _named(self, story: Story) -> Story:
        async with self.wiring.ledger.read() as tx:
            return msgspec.structs.replace(story, names=await names_for(self.wiring.ledger, tx, story))

    async def _about(
        self, connection: str, kind: Kind, record: str, tenant: str
    ) -> tuple[tuple[OperationRow, ...], tuple[Problem, ...]]:
        """The operations of a record, last first, and its open problems."""
        ledger = self.wiring.ledger
        async with ledger.read() as tx:
            operations = await ledger.work.find(
                tx, connection=connection, kind=kind, record=record, tenant=tenant or None, limit=20, order="updated"
            )
            problems = await ledger.problems.open(
                tx, connection=connection, kind=kind, record=record, tenant=tenant or None
            )
        return tuple(operation_row(o) for o in operations), tuple(problems)


def _tenants(known: Known, at: dict[str, Standing]) -> tuple[str, ...]:
    """The organisations that a record has to do with; a blank one where there is none yet."""
    named = {tenant for tenant in at if tenant} | ({known.tenant} if known.tenant else set())
    return tuple(sorted(named)) or ("",)


def why(db: Db, known: Known, at: Standing, tenant: str, *, planned: bool) -> tuple[str, str]:
    """The state of a record in an organisation, and in a sentence why it isn't another one."""
    if known.gone:
        return GONE, f"Gone at the source.{_left(at)}"
    if at.how == REMOVED and not at.problem:
        return REMOVED, "It left the source and was removed in Xero."
    if at.problem:
        return "blocked", at.problem
    if at.state in {state.value for state in (*OPEN, *FAILED, State.PLANNED, State.BLOCKED)}:
        return at.state, at.said or _UNDER_WAY.get(at.state, "It is on its way.")
    if at.xero_id:
        return (at.state if at.state in {s.value for s in DONE} else "linked"), "It is in Xero."
    if at.stays:
        title = CORE[at.code].title if at.code in CORE else at.code
        return SKIPPED, f"{title}: {at.stays}"
    if at.state in {s.value for s in DONE}:
        return at.state, "It was sent; its link was taken away since."
    return NOT_SET, _untried(db, known, at, tenant, planned=planned)


def _left(at: Standing) -> str:
    """What is with Xero when the source has a record no more."""
    if at.how == REMOVED:
        return " It was removed in Xero."
    if not at.xero_id:
        return " It was never in Xero."
    under_way = {state.value for state in (*OPEN, State.PLANNED)}
    why = at.problem or (f"A plan holds its removal: {at.said}." if at.said and at.state in under_way else "")
    return f" It is still in Xero. {why}".rstrip()


_UNDER_WAY = {
    State.PLANNED.value: "A plan holds it and waits for approval.",
    State.REJECTED.value: "The other system refused it.",
    State.PARKED.value: "Set aside after repeated failures.",
    State.UNKNOWN.value: "What became of the last call is being found out.",
    State.BLOCKED.value: "It waits for a record that it needs.",
}


def _untried(db: Db, known: Known, at: Standing, tenant: str, *, planned: bool) -> str:
    """Why a record was never tried."""
    source = db.source(known.connection)
    if source is None or not source.enabled:
        return "Never tried: its source is switched off."
    pairs = {pair.tenant: pair for pair in db.pairs(known.connection)}
    document = db.tenant(tenant) if tenant else None
    name = document.name if document else tenant
    if not pairs:
        return "Never tried: no Xero organisation is connected with its source."
    if tenant and tenant not in pairs:
        return f"Never tried: its organisation {name} isn't connected."
    if tenant and not pairs[tenant].syncs(known.kind):
        return f"Never tried: {known.kind.plural} aren't synced with {name}; that is switched off."
    if at.state:
        return "Its plan was thrown away or replaced: make a new one."
    if planned:
        return "Never tried: it isn't in the newest plan, which is older than it or didn't concern it. Make a new one."
    return "Never tried: no plan has been made since it was read."


def _title(known: object, problems: tuple[Problem, ...], history: tuple[OperationRow, ...]) -> str:
    for title in (getattr(known, "number", ""), getattr(known, "name", "")):
        if title:
            return str(title)
    if problems:
        return problems[0].record.title
    return history[0].title if history else ""


def operation_fields(operation: Operation) -> tuple[tuple[str, str, str], ...]:
    """The posting of an operation, field by field, each with the rung that it came from."""
    if operation.side is Side.SOURCE or not operation.body:
        return tuple((c.path, c.after, operation.rungs.get(c.path, "")) for c in operation.changes)
    try:
        posting: Posting = decode(operation.body)
    except msgspec.ValidationError:
        return ()
    return tuple((c.path, c.after, _rung(operation, c.path)) for c in differences(None, posting))


def _rung(operation: Operation, path: str) -> str:
    short = path.removesuffix("_code")
    return operation.rungs.get(path) or operation.rungs.get(short) or ""
