"""The Overview: what is still to be done, in the order that the source declares; budgets, runs, the status line."""

import datetime as dt

from xerotui.model.kinds import Kind
from xerotui.model.paging import View
from xerotui.model.problems import SyncError
from xerotui.model.work import DONE, OPEN, PlanState, State
from xerotui.source.contract import ReadinessStep
from xerotui.source.guard import PluginFault
from xerotui.store import SourceConnection
from xerotui.workspace.base import totalled
from xerotui.workspace.listing import superseded
from xerotui.workspace.pages import BudgetRow, Overview, StatusLine, Step
from xerotui.workspace.plugins import Plugins

# What every source needs, for those that declare no order of their own.
USUAL = (
    ReadinessStep(id="tenant", title="Connect Xero", what="tenant"),
    ReadinessStep(id="reference", title="Read both sides", what="reference"),
    ReadinessStep(id="tax", title="Map tax rates", what="map", spec="tax"),
    ReadinessStep(id="start", title="Make the first plan", what="start"),
)
# Where a step is done, unless its source says otherwise.
_COMMANDS = {
    "connect": "source.connect",
    "tenant": "tenant.connect",
    "reference": "tenant.refresh",
    "map": "go.mapping",
    "import": "go.imports",
}
# Steps that all later ones wait for.
_GATES = ("connect", "tenant", "reference")


class Overviews(Plugins):
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
            steps=await self._steps(started=bool(runs)),
            budgets=await self._budgets(),
            runs=tuple(runs),
            plans_waiting=tuple(p for p in plans if p.state is PlanState.READY and not superseded(p, plans))[:5],
            counts=totalled(numbers, 3),
            problems=problems,
            plugin_faults=self.plugin_faults(),
        )

    async def _steps(self, *, started: bool) -> tuple[Step, ...]:
        db = await self.wiring.book.read()
        sources = db.sources()
        if not sources:
            tenants = any(t.connection for t in db.tenants())
            return (
                Step(
                    id="connect",
                    title="Connect a source",
                    state="todo",
                    detail=", ".join(title for _, title in await self.source_types()),
                    command="source.connect",
                ),
                Step(
                    id="tenant",
                    title="Connect Xero",
                    state="done" if tenants else "todo",
                    command="tenant.connect",
                ),
            )
        steps: list[Step] = []
        for source in sources:
            steps += await self._steps_of(source, started=started, several=len(sources) > 1)
        return tuple(steps)

    async def _steps_of(self, source: SourceConnection, *, started: bool, several: bool) -> list[Step]:
        try:
            declared = self.wiring.registry.source_type(source.source).readiness or USUAL
        except PluginFault as fault:
            return [
                Step(
                    id=f"{source.id}:plugin",
                    title=source.name,
                    state="todo",
                    detail=fault.sentence,
                    command="go.plugins",
                )
            ]
        steps, gated = [], False
        for step in declared:
            done, detail = await self._done(source, step, started=started)
            state = "done" if done else "waiting" if gated else "todo"
            gated = gated or (not done and step.what in _GATES)
            command, args = _place(source.id, step)
            title = f"{source.name}: {step.title}" if several else step.title
            steps.append(
                Step(id=f"{source.id}:{step.id}", title=title, state=state, detail=detail, command=command, args=args)
            )
        return steps

    async def _done(self, source: SourceConnection, step: ReadinessStep, *, started: bool) -> tuple[bool, str]:
        """Whether a step is done, and how far it is."""
        db = await self.wiring.book.read()
        pairs = db.pairs(source.id)
        if step.what == "connect":
            return True, source.name
        if step.what == "tenant":
            names = [t.name for t in db.tenants() if t.connection]
            return bool(names), ", ".join(names)
        if step.what == "reference":
            async with self.wiring.ledger.read() as tx:
                read = await self.wiring.ledger.snapshots.organisations(tx)
                cursors = await self.wiring.ledger.snapshots.cursors(tx)
            sources = {c.connection for c in cursors if c.side.value == "source"}
            return bool(pairs) and all(p.tenant in read for p in pairs) and source.id in sources, ""
        if step.what == "import":
            return await self._imported(source.id, step.kind)
        if step.what == "map":
            return await self._mapped(source.id, step.spec or "tax", [p.tenant for p in pairs])
        return started, ""

    async def _imported(self, connection: str, kind: Kind | None) -> tuple[bool, str]:
        rows = [r for r in await self.imports() if r.connection == connection and r.kind is kind and r.supported]
        left = sum(r.exact + r.new for r in rows)
        linked = sum(r.linked for r in rows)
        unclear = sum(r.unclear for r in rows)
        words = [f"{linked} linked"] + [f"{left} to import"] * bool(left) + [f"{unclear} unclear"] * bool(unclear)
        return bool(rows) and not left, ", ".join(words) if rows else ""

    async def _mapped(self, connection: str, spec: str, tenants: list[str]) -> tuple[bool, str]:
        states: dict[str, int] = {}
        waiting = 0
        open_: set[tuple[str, str]] = set()
        for tenant in tenants:
            try:
                page = await self.mapping(spec, connection, tenant, View(limit=500))
            except SyncError:
                return False, ""
            for row in page.rows:
                states[row.state] = states.get(row.state, 0) + 1
                waiting += row.waiting if row.state != "mapped" else 0
            # A rate may be for one side of the books alone: what is mapped on one of them is dealt with.
            dealt = {row.value for row in page.rows if row.state == "mapped"}
            open_ |= {(tenant, r.value) for r in page.rows if r.state == "broken" or r.value not in dealt}
        words = [f"{n} {state}" for state, n in sorted(states.items())]
        words += [f"{waiting} records wait"] * bool(waiting)
        return bool(states) and not open_ and not waiting, ", ".join(words)

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


def _place(connection: str, step: ReadinessStep) -> tuple[str, dict[str, str]]:
    """Where a step is done: a registry command with its arguments."""
    args = {"connection": connection}
    if step.what == "map":
        args["spec"] = step.spec or "tax"
    if step.kind is not None:
        args["kind"] = step.kind.value
    return step.command or _COMMANDS.get(step.what, "go.plan"), args


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
