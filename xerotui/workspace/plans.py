"""Plans, their rows and the queue: pages over operations and over the records that a plan leaves alone."""

import msgspec

from xerotui.model.kinds import Kind, Side
from xerotui.model.paging import Page, View
from xerotui.model.postings import Posting, decode, differences
from xerotui.model.problems import Problem, SyncError
from xerotui.model.work import Operation, Plan, PlanState
from xerotui.store import BlockedRow
from xerotui.sync.plan import SKIPS
from xerotui.workspace.base import REFUSED, operation_row, totalled
from xerotui.workspace.connect import Connecting
from xerotui.workspace.listing import flat
from xerotui.workspace.naming import names_for
from xerotui.workspace.pages import OperationRow, PlanRow, Story

# Words of rows that are no operations; `blocked` also stands for conflicts.
STAYING = ("blocked", "skip", "conflict")
CONFLICTS = ("core.conflict", "core.locked_document")
# Parts an anchor of the second half of a plan's rows from one of the first.
_SECOND = "rest:"


class Plans(Connecting):
    """The Plan and Sync queue screens."""

    async def plans(self) -> tuple[Plan, ...]:
        """The last plans, newest first."""
        async with self.wiring.ledger.read() as tx:
            return tuple(await self.wiring.ledger.plans.list(tx, 50))

    async def plan(self, id: str = "") -> Plan | None:
        """One plan; without an id the latest that wasn't thrown away."""
        async with self.wiring.ledger.read() as tx:
            if id:
                return await self.wiring.ledger.plans.get(tx, id)
            kept = [state for state in PlanState if state is not PlanState.DISCARDED]
            return await self.wiring.ledger.plans.latest(tx, states=kept)

    async def plan_rows(self, id: str, view: View) -> Page[PlanRow]:
        """A page of a plan: its operations first, then what stays; fields verb, kind, tenant, code, state."""
        verb, code = view.fields.get("verb", ""), view.fields.get("code", "")
        if verb in STAYING or code:
            return await self._staying(id, view)
        if view.anchor.startswith(_SECOND):
            rest = await self._staying(id, view)
            ahead = await self._operations(id, msgspec.structs.replace(view, anchor="", limit=1))
            return msgspec.structs.replace(rest, total=ahead.total + rest.total)
        first = await self._operations(id, view)
        if verb:
            return first
        if not first.rows:
            return await self._staying(id, view)
        rest = await self._staying(id, msgspec.structs.replace(view, anchor="", limit=1))
        if not rest.total:
            return first
        return msgspec.structs.replace(first, total=first.total + rest.total, next=first.next or _SECOND)

    async def _operations(self, id: str, view: View) -> Page[PlanRow]:
        fields = {name: value for name, value in view.fields.items() if name in ("kind", "tenant", "verb", "state")}
        if fields.get("verb") == "link":
            fields["verb"] = "attach"
        async with self.wiring.ledger.read() as tx:
            page = await self.wiring.ledger.work.page(
                tx, msgspec.structs.replace(view, fields={**fields, "plan": id}, sort=view.sort or "created")
            )
        return page.map(_operation_row)

    async def _staying(self, id: str, view: View) -> Page[PlanRow]:
        verb = view.fields.get("verb", "")
        fields = {name: value for name, value in view.fields.items() if name in ("kind", "tenant", "code")}
        plan = await self.plan(id)
        if verb in STAYING and "code" not in fields:
            blocking = set(plan.problems if plan else ()) - set(CONFLICTS)
            codes = {"skip": set(SKIPS), "conflict": set(CONFLICTS), "blocked": blocking}[verb]
            fields["code"] = ",".join(sorted(codes)) or "-"
        anchor = view.anchor.removeprefix(_SECOND)
        async with self.wiring.ledger.read() as tx:
            page = await self.wiring.ledger.plans.blocked_page(
                tx, id, msgspec.structs.replace(view, fields=fields, anchor=anchor, sort="position", descending=False)
            )
        return Page(
            rows=tuple(_blocked_row(row) for row in page.rows),
            total=page.total,
            next=_SECOND + page.next if page.next else "",
            previous=_SECOND + page.previous if page.previous else "",
        )

    async def plan_row(self, plan: str, row: str) -> Story:
        """What one row of a plan would do, field by field, or why it stays.

        Raises SyncError for an unknown row.
        """
        ledger = self.wiring.ledger
        async with ledger.read() as tx:
            found = await ledger.work.get(tx, [row])
        if found and found[0].plan == plan:
            return await self._told(found[0])
        parts = row.split("|")
        if len(parts) == 4 and parts[1] in set(Kind):
            return await self.story(parts[0], Kind(parts[1]), parts[2], parts[3])
        raise SyncError(
            "The plan has no such row", "List them: xerotui plan --show --rows.", code="core.row", exit_code=REFUSED
        )

    async def queue(self, view: View) -> Page[OperationRow]:
        """A page of the queue; fields state, side, kind, tenant, plan."""
        async with self.wiring.ledger.read() as tx:
            return (await self.wiring.ledger.work.page(tx, view)).map(operation_row)

    async def queue_counts(self, plan: str = "", tenant: str = "") -> dict[str, int]:
        """Operations by state, of one plan or of all, of one organisation or of all."""
        async with self.wiring.ledger.read() as tx:
            numbers = await self.wiring.ledger.work.counts(tx, plan=plan or None, tenant=tenant or None)
        return totalled(numbers, 3)

    async def operation(self, id: str) -> Story:
        """One operation's story.

        Raises SyncError for an unknown id.
        """
        async with self.wiring.ledger.read() as tx:
            found = await self.wiring.ledger.work.get(tx, [id])
        if not found:
            raise SyncError(
                "There is no such operation", "List them: xerotui queue.", code="core.row", exit_code=REFUSED
            )
        return await self._told(found[0])

    async def _told(self, operation: Operation) -> Story:
        history, problems = await self._about(operation.connection, operation.kind, operation.record, operation.tenant)
        told = Story(
            title=operation.title,
            kind=operation.kind,
            connection=operation.connection,
            record=operation.record,
            tenant=operation.tenant,
            state=operation.state.value,
            fields=_fields(operation),
            changes=operation.changes,
            problems=problems,
            operations=history,
            said=operation.error,
        )
        return await self._named(told)

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

    async def story(self, connection: str, kind: Kind, record: str, tenant: str = "") -> Story:
        """Why a record is where it is: what the source says, what was sent, problems, operations.

        Raises SyncError when nobody knows the record.
        """
        ledger = self.wiring.ledger
        async with ledger.read() as tx:
            known = await ledger.snapshots.get(tx, Side.SOURCE, connection, kind, record)
            where = tenant or (known.tenant if known else "")
            link = await ledger.links.get(tx, connection, kind, record, where) if where else None
            latest = await ledger.work.find(
                tx, connection=connection, kind=kind, record=record, tenant=where or None, limit=1, order="updated"
            )
        history, problems = await self._about(connection, kind, record, where)
        if known is None and link is None and not history and not problems:
            raise SyncError("Nobody knows this record", "Read both sides again.", code="core.record", exit_code=REFUSED)
        fields: list[tuple[str, str, str]] = []
        if known is not None:
            fields += [(path, value, "source") for path, value in flat(known) if path not in ("modified", "kind", "id")]
        if link is not None:
            fields.append(("xero id", link.xero_id, link.how))
            if link.posting:
                fields += [(c.path, c.after, "as last sent") for c in differences(None, decode(link.posting))]
        if not fields and latest:
            fields += list(_fields(latest[0]))
        told = Story(
            title=_title(known, problems, history) or record,
            kind=kind,
            connection=connection,
            record=record,
            tenant=where,
            state=_state(link is not None, problems, history),
            fields=tuple(fields),
            changes=latest[0].changes if latest else (),
            problems=problems,
            operations=history,
            said=latest[0].error if latest else "",
        )
        return await self._named(told)


def _title(known: object, problems: tuple[Problem, ...], history: tuple[OperationRow, ...]) -> str:
    for title in (getattr(known, "number", ""), getattr(known, "name", "")):
        if title:
            return str(title)
    if problems:
        return problems[0].record.title
    return history[0].title if history else ""


def _state(linked: bool, problems: tuple[Problem, ...], history: tuple[OperationRow, ...]) -> str:
    if any(p.blocks for p in problems):
        return "blocked"
    if history:
        return history[0].state
    return "linked" if linked else "not set"


def _fields(operation: Operation) -> tuple[tuple[str, str, str], ...]:
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


def _operation_row(operation: Operation) -> PlanRow:
    row = operation_row(operation)
    return PlanRow(
        id=row.id,
        verb=row.verb,
        kind=row.kind,
        title=row.title,
        party=row.party,
        tenant=row.tenant,
        currency=row.currency,
        total=row.total,
        state=row.state,
        reason=row.error,
    )


def _blocked_row(row: BlockedRow) -> PlanRow:
    ref = row.record
    verb = "skip" if row.code in SKIPS else "conflict" if row.code in CONFLICTS else "blocked"
    return PlanRow(
        id="|".join((ref.connection, ref.kind.value, ref.id, ref.tenant)),
        verb=verb,
        kind=ref.kind,
        title=ref.title,
        tenant=ref.tenant,
        currency=row.currency,
        total=row.total,
        state=verb,
        reason=row.sentence,
        code=row.code,
    )
