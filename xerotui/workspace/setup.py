"""The setup as one path, in the order that the source declares: derived from what is there, never stored, save for
a person's word that an optional step was looked at."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from xerotui.model.kinds import SYNCED, Kind
from xerotui.model.paging import View
from xerotui.model.problems import SyncError
from xerotui.model.work import PlanKind, PlanState
from xerotui.source.contract import ReadinessStep
from xerotui.source.guard import PluginFault
from xerotui.store import Db, Pair, SourceConnection, Tick, waiting
from xerotui.sync import native
from xerotui.workspace.base import REFUSED
from xerotui.workspace.pages import MappingRow, Step
from xerotui.workspace.plugins import Plugins

# What every source needs, for those that declare no order of their own.
USUAL = (
    ReadinessStep(id="tenant", title="Connect Xero", what="tenant"),
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
    "entities": "pair.open",
    "settings": "pair.open",
}
# Steps that all later ones wait for.
_GATES = ("connect", "tenant", "reference")
# What problems name that belongs to a step of another name: products bring codes and accounts.
_BELONGS = {Kind.ITEM.value: ("code", "line", "account", "default_item")}
_BEGUN = (PlanState.APPROVED, PlanState.APPLYING, PlanState.DONE)


class Found(msgspec.Struct, kw_only=True):
    """How far a step is by itself, before anything is said about documents."""

    done: bool
    detail: str = ""
    missing: dict[str, int] = {}
    lacking: list[str] = []
    command: str = ""
    # Whether it must be done, though the step as such is optional.
    must: bool = False

    def lack(self, tenant: str, **numbers: int) -> None:
        """Count what is missing, and remember where."""
        given = {word.replace("_", " "): n for word, n in numbers.items() if n}
        for word, n in given.items():
            self.missing[word] = self.missing.get(word, 0) + n
        if given and tenant not in self.lacking:
            self.lacking.append(tenant)


class Setup(Plugins):
    """The setup path."""

    async def setup(self) -> tuple[Step, ...]:
        """Every step of every source connection, in order; before there is one, the first two steps."""
        db = await self.wiring.book.read()
        if not db.sources():
            return await self._bare(db)
        steps: list[Step] = []
        for source in db.sources():
            steps += await self._steps_of(db, source, several=len(db.sources()) > 1)
        return tuple(steps)

    async def setup_look(self, step: str, *, looked: bool = True) -> Step:
        """Keep, or take back, that an optional step was looked at, for the organisations that there are now.

        Raises SyncError for an unknown step, a compulsory one, and one that waits for an earlier one.
        """
        self.gate("setup.look")
        found = next((s for s in await self.setup() if s.id == step), None)
        if found is None:
            raise SyncError(
                f"There is no step {step}", "List them: xerotui setup.", code="core.setup", exit_code=REFUSED
            )
        if looked and (found.compulsory or found.state == "waiting"):
            why = "documents wait for it" if found.documents else "nothing can be sent without it"
            why = "an earlier one comes first" if found.state == "waiting" else why
            raise SyncError(
                f"{found.title} can't be left as it is: {why}",
                "Do it: enter on Setup, or the command that xerotui setup names.",
                code="core.setup",
                exit_code=REFUSED,
            )

        def write(db: Db) -> None:
            tenants = tuple(pair.tenant for pair in _pairs(db, found.connection))
            tick = Tick(
                source=found.connection,
                step=step.removeprefix(f"{found.connection}:"),
                tenants=tenants,
                actor=self.actor,
                at=self.wiring.clock.now(),
            )
            if looked:
                db.put_tick(tick)
            else:
                db.drop_tick(tick)

        await self.wiring.book.change(write)
        await self._news("setup.look" if looked else "setup.unlook", step)
        return next(s for s in await self.setup() if s.id == step)

    async def _bare(self, db: Db) -> tuple[Step, ...]:
        tenants = any(t.connection for t in db.tenants())
        names = ", ".join(title for _, title in await self.source_types())
        return (
            Step(id="connect", title="Connect a source", state="todo", detail=names, command="source.connect"),
            Step(
                id="tenant",
                title="Connect Xero",
                state="done" if tenants else "todo",
                command="tenant.connect",
                what="tenant",
            ),
        )

    async def _steps_of(self, db: Db, source: SourceConnection, *, several: bool) -> list[Step]:
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
                    connection=source.id,
                )
            ]
        async with self.wiring.ledger.read() as tx:
            stopped = await waiting.documents(tx, source.id, {step.id: _words(step) for step in declared})
        ticks = {tick.step: tick for tick in db.ticks(source.id)}
        steps, gated = [], False
        for step in declared:
            found = Found(done=False) if gated else await self._found(db, source, step)
            waits = stopped.get(step.id, waiting.Waiting())
            made = _step(source, step, found, waits, _looked(db, source.id, ticks.get(step.id)), gated=gated)
            gated = gated or (not found.done and step.what in _GATES)
            steps.append(
                msgspec.structs.replace(made, title=f"{source.name}: {made.title}") if several else made,
            )
        return steps

    async def _found(self, db: Db, source: SourceConnection, step: ReadinessStep) -> Found:
        """How far one step is, from what book and ledger hold."""
        pairs = _pairs(db, source.id)
        if step.what == "connect":
            return Found(
                done=source.enabled, detail=source.name if source.enabled else f"{source.name} is switched off"
            )
        if step.what in ("tenant", "reference"):
            return await self._tenants_found(db, source.id, pairs)
        if step.what == "import":
            return await self._imports_found(source.id, step.kind, pairs)
        if step.what == "map":
            return await self._mapped_found(source.id, step.spec or "tax", pairs)
        if step.what in ("entities", "settings"):
            return await self._policies_found(db, source.id, step.what, pairs)
        return await self._start_found(source.id)

    async def _tenants_found(self, db: Db, source: str, pairs: list[Pair]) -> Found:
        rows = [row for row in await self.tenants() if row.state != "disconnected"]
        found = Found(done=False, detail=", ".join(row.name for row in rows))
        if not rows:
            return found
        for row in rows:
            if row.state in ("unsaved", "expired"):
                found.lack(row.tenant, **{f"login {row.state}": 1})
        async with self.wiring.ledger.read() as tx:
            read = await self.wiring.ledger.snapshots.organisations(tx)
            cursors = await self.wiring.ledger.snapshots.cursors(tx)
        if not found.missing:
            found.command = "tenant.refresh"
            for pair in pairs:
                found.lack(pair.tenant, not_read=int(pair.tenant not in read))
            if source not in {c.connection for c in cursors if c.side.value == "source"}:
                found.lack("", source_not_read=1)
        found.done = bool(pairs) and not found.missing
        if found.done:
            found.command = ""
        return found

    async def _imports_found(self, connection: str, kind: Kind | None, pairs: list[Pair]) -> Found:
        wanted = {pair.tenant for pair in pairs if kind is None or pair.syncs(kind)}
        mine = [r for r in await self.imports() if r.connection == connection and r.kind is kind]
        rows = [row for row in mine if row.supported and row.tenant in wanted]
        found = Found(done=True, detail=f"{sum(row.linked for row in rows):,} linked")
        for row in rows:
            left = row.new - row.handed
            found.lack(row.tenant, to_link=row.exact, only_in_Xero=left, handed_over=row.handed, unclear=row.unclear)
        if not rows:
            found.detail = next((row.reason for row in mine if row.reason), "") if wanted else "switched off"
        found.done = not found.missing
        return found

    async def _mapped_found(self, connection: str, spec: str, pairs: list[Pair]) -> Found:
        found, mapped, any_value = Found(done=False), 0, False
        for pair in pairs:
            rows: list[MappingRow] = []
            view = View(limit=500)
            while True:
                try:
                    page = await self.mapping(spec, connection, pair.tenant, view)
                except SyncError as error:
                    return Found(done=False, detail=error.sentence)
                rows += page.rows
                if not page.next:
                    break
                view = msgspec.structs.replace(view, anchor=page.next)
            any_value = any_value or bool(rows)
            # A rate may be for one side of the books alone: what is mapped on one of them is dealt with.
            dealt = {row.value for row in rows if row.state == "mapped"}
            mapped += sum(row.state == "mapped" for row in rows)
            left = {row.value: row.state for row in rows if row.state == "broken" or row.value not in dealt}
            for state in left.values():
                found.lack(pair.tenant, **{state: 1})
        found.detail = f"{mapped:,} mapped" if any_value else "there are none"
        found.done = not found.missing and (any_value or spec != "tax")
        return found

    async def _policies_found(self, db: Db, connection: str, what: str, pairs: list[Pair]) -> Found:
        """What people chose for the pairs; where the source syncs the same kinds itself, somebody has to decide."""
        found = _chosen(db, what, pairs)
        if what == "entities":
            async with self.wiring.ledger.read() as tx:
                guarded = await native.guarded(self.wiring.ports(), tx, db, connection)
            for pair in pairs:
                one = guarded.get(pair.tenant)
                found.lack(pair.tenant, two_writers=int(one is not None and one.confirmed is None))
            if "two writers" in found.missing:
                found.done, found.must, found.command = False, True, "go.tenants"
        return found

    async def _start_found(self, connection: str) -> Found:
        async with self.wiring.ledger.read() as tx:
            plans = await self.wiring.ledger.plans.list(tx, 200)
        mine = [p for p in plans if p.connection == connection and p.kind is PlanKind.SYNC]
        if any(plan.state in _BEGUN for plan in mine):
            return Found(done=True)
        ready = next((plan for plan in mine if plan.state is PlanState.READY), None)
        return Found(done=False, detail="a plan waits for approval" if ready else "", command="go.plan")


def _words(step: ReadinessStep) -> tuple[str, ...]:
    """What stands before the colon in the subjects of problems that this step mends."""
    if step.what == "map":
        return (step.spec or "tax",)
    if step.what == "import" and step.kind is not None:
        return (step.kind.value, *_BELONGS.get(step.kind.value, ()))
    return ("kind",) if step.what == "entities" else ()


def _pairs(db: Db, connection: str) -> list[Pair]:
    """The pairs of a source with organisations that are connected."""
    connected = {tenant.tenant for tenant in db.tenants() if tenant.connection}
    return [pair for pair in db.pairs(connection) if pair.tenant in connected]


def _looked(db: Db, connection: str, tick: Tick | None) -> str:
    """Who looked at a step; "" when nobody did since the newest organisation came."""
    if tick is None or {pair.tenant for pair in _pairs(db, connection)} - set(tick.tenants):
        return ""
    return tick.actor or "somebody"


def _chosen(db: Db, what: str, pairs: list[Pair]) -> Found:
    """What people chose for the pairs of a source; nothing chosen is a choice only once somebody looked at it."""
    names = {tenant.tenant: tenant.name for tenant in db.tenants()}
    found, said = Found(done=False), []
    for pair in pairs:
        if what == "entities":
            off = [kind.plural for kind in SYNCED if not pair.syncs(kind)]
            chosen = bool(pair.entities)
            said += [f"{names.get(pair.tenant, pair.tenant)} without {', '.join(off)}"] * bool(off)
        else:
            plain = Pair(source=pair.source, tenant=pair.tenant, entities=pair.entities)
            chosen = pair != plain
            said += [f"{names.get(pair.tenant, pair.tenant)}: {pair.mode}"] * chosen
        found.lack(pair.tenant, not_looked_at=int(not chosen))
    found.detail = ", ".join(said) or ("all kinds" if what == "entities" else "as they come")
    found.done = bool(pairs) and not found.missing
    return found


def _step(
    source: SourceConnection,
    step: ReadinessStep,
    found: Found,
    waits: waiting.Waiting,
    looked: str,
    *,
    gated: bool,
) -> Step:
    done = found.done and not waits.documents
    compulsory = not step.optional or found.must or bool(waits.documents)
    looked = looked if not compulsory and not done else ""
    state = "waiting" if gated else "done" if done else "looked" if looked else "todo"
    lacking = tuple(dict.fromkeys((*found.lacking, *waits.tenants)))
    command, args = _place(source.id, step, found, next((t for t in lacking if t), ""))
    return Step(
        id=f"{source.id}:{step.id}",
        title=step.title,
        state=state,
        detail=_said(found),
        command=command,
        args=args,
        connection=source.id,
        what=step.what,
        compulsory=compulsory,
        missing=found.missing,
        lacking=tuple(t for t in lacking if t),
        documents=waits.documents,
        totals={currency: Decimal(total) for currency, total in waits.totals.items()},
        codes=waits.codes,
        looked=looked,
    )


def _said(found: Found) -> str:
    """How far it is, in a line."""
    return ", ".join([found.detail] * bool(found.detail) + [f"{n:,} {word}" for word, n in found.missing.items()])


def _place(connection: str, step: ReadinessStep, found: Found, tenant: str) -> tuple[str, dict[str, str]]:
    """Where a step is done: a registry command with its arguments, at the first organisation that lacks something."""
    args = {"connection": connection} | ({"tenant": tenant} if tenant else {})
    if step.what == "map":
        args["spec"] = step.spec or "tax"
    if step.kind is not None:
        args["kind"] = step.kind.value
    return found.command or step.command or _COMMANDS.get(step.what, "go.plan"), args


def open_steps(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The compulsory ones that aren't done."""
    return tuple(step for step in steps if step.compulsory and step.state not in ("done", "looked"))


__all__ = ["USUAL", "Setup", "open_steps"]
