"""Plans, their rows and the queue: pages over operations and over the records that a plan leaves alone."""

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.paging import Page, View
from xerotui.model.problems import SyncError
from xerotui.model.work import Operation, Plan, PlanState, Verb
from xerotui.store import BlockedRow
from xerotui.sync.charting import CODES as CHARTED
from xerotui.sync.demand import CONFLICTS
from xerotui.sync.originals import UNALLOCATED
from xerotui.sync.promising import FIELD, given
from xerotui.sync.readiness import SKIPS
from xerotui.sync.repeating import CODE as REPEATING
from xerotui.workspace.base import REFUSED, operation_row, totalled
from xerotui.workspace.pages import OperationRow, PlanRow, Story
from xerotui.workspace.stories import Stories, operation_fields

# Words of rows that are no operations; `blocked` also stands for conflicts.
STAYING = ("blocked", "skip", "conflict", "repeats", "unallocated", "mapping")
_CODES = {"skip": set(SKIPS), "conflict": set(CONFLICTS), "repeats": {REPEATING}, "unallocated": {UNALLOCATED}}
_CODES["mapping"] = set(CHARTED)
# Parts an anchor of the second half of a plan's rows from one of the first.
_SECOND = "rest:"


class Plans(Stories):
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
            handed = [o.id for o in page.rows if o.verb is Verb.HAND_OVER]
            files = await self.wiring.ledger.work.results(tx, handed) if handed else {}
        return page.map(lambda o: _operation_row(o, f"handed over in {files[o.id].number}" if o.id in files else ""))

    async def _staying(self, id: str, view: View) -> Page[PlanRow]:
        verb = view.fields.get("verb", "")
        fields = {name: value for name, value in view.fields.items() if name in ("kind", "tenant", "code")}
        plan = await self.plan(id)
        if verb in STAYING and "code" not in fields:
            blocking = set(plan.problems if plan else ()) - set(CONFLICTS)
            codes = _CODES.get(verb, blocking)
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
            fields=operation_fields(operation),
            changes=operation.changes,
            problems=problems,
            operations=history,
            said=operation.error,
        )
        return await self._named(told)


def _operation_row(operation: Operation, reason: str = "") -> PlanRow:
    row = operation_row(operation)
    numbers = [f"{FIELD[operation.kind]} {number}" for _, number in given([operation])]
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
        reason=row.error or reason or "".join(numbers),
    )


def _blocked_row(row: BlockedRow) -> PlanRow:
    ref = row.record
    verb = "skip" if row.code in SKIPS else "conflict" if row.code in CONFLICTS else "blocked"
    verb = {REPEATING: "repeats", UNALLOCATED: "unallocated"}.get(row.code, verb)
    verb = "mapping" if row.code in CHARTED else verb
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
