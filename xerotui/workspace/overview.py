"""The Overview: what is still to be done, in the order that the source declares; budgets, runs, the status line."""

import datetime as dt

from xerotui.model.work import DONE, OPEN, PlanState, State
from xerotui.store.documents import AUTOMATIC
from xerotui.workspace.base import totalled
from xerotui.workspace.listing import superseded
from xerotui.workspace.pages import BudgetRow, Overview, StatusLine
from xerotui.workspace.setup import Setup


class Overviews(Setup):
    """The first screen."""

    async def overview(self) -> Overview:
        """Readiness, budgets, last runs, plans that wait for approval, counts."""
        ledger = self.wiring.ledger
        async with ledger.read() as tx:
            runs = await ledger.runs.list(tx, 5)
            plans = await ledger.plans.list(tx, 50)
            problems = await ledger.problems.counts(tx)
            numbers = await ledger.work.counts(tx)
        return Overview(
            steps=await self.setup(),
            budgets=await self._budgets(),
            runs=tuple(runs),
            plans_waiting=tuple(p for p in plans if p.state is PlanState.READY and not superseded(p, plans))[:5],
            counts=totalled(numbers, 3),
            problems=problems,
            plugin_faults=self.plugin_faults(),
        )

    async def _budgets(self) -> tuple[BudgetRow, ...]:
        db = await self.wiring.book.read()
        rows: list[BudgetRow] = []
        for document in db.tenants():
            rows += await self._tenant_budgets(document)
        for source in db.sources():
            rows += await self._source_budgets(source.id)
        return tuple(rows)

    async def status(self, tenant: str = "") -> StatusLine:
        """The one line that is always on screen; cheap enough to be read at every repaint."""
        ledger = self.wiring.ledger
        db = await self.wiring.book.read()
        document = db.tenant(tenant) if tenant else None
        async with ledger.read() as tx:
            states = totalled(await ledger.work.counts(tx, tenant=tenant or None), 3)
            problems = sum((await ledger.problems.counts(tx, tenant=tenant or None)).values())
            requests = await ledger.requests.open(tx)
            runs = await ledger.runs.list(tx, 1)
            cursors = await ledger.snapshots.cursors(tx)
        running = runs[0] if runs and runs[0].ended is None else None
        done = sum(running.counts.get(s, 0) for s in (*DONE, State.REJECTED, State.PARKED)) if running else 0
        day = [b for b in await self._tenant_budgets(document) if b.window == "day"] if document else []
        mine = [c.at for c in cursors if not tenant or c.connection == tenant]
        activity = next((r.progress or r.verb for r in requests if r.state.value == "taken"), "")
        return StatusLine(
            tenant=document.name if document else "",
            accent=document.accent if document else "",
            read_only=self.read_only or bool(document and document.read_only),
            automatic=any(p.mode == AUTOMATIC and tenant in ("", p.tenant) for p in db.all_pairs()),
            worker=await self.worker(),
            waiting=sum(states.get(s, 0) for s in OPEN) - states.get(State.SENDING, 0),
            sending=states.get(State.SENDING, 0),
            done=done,
            total=running.total if running else 0,
            problems=problems,
            budget=_budget(day[0]) if day else "",
            data_age=_age(self.wiring.clock.now() - min(mine)) if mine else "",
            activity=activity,
            clock_rate=self.wiring.clock.rate,
            trouble=running.error if running else "",
            login_days=await self.login_days(tenant),
        )


def _budget(row: BudgetRow) -> str:
    """Calls of a day: used and allowed, and the clock time until which there are none."""
    until = f" until {row.until.astimezone(dt.UTC):%H:%M} UTC" if row.until else ""
    return f"{row.used}/{row.limit}{until}"


def _age(span: dt.timedelta) -> str:
    """How old something is, in its largest unit."""
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
