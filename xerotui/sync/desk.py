"""The desk: takes requests one after the other and answers each. What needs the network happens here or in lanes."""

import contextlib
from collections.abc import Awaitable, Callable, Collection, Sequence

from xerotui.model.kinds import PARTIES, Kind, Side
from xerotui.model.problems import SyncError
from xerotui.model.work import FAILED, Link, Operation, PlanState, Request, State, Verb
from xerotui.net.governor import for_people
from xerotui.store import Tx
from xerotui.sync import charting, demand, moving, native, policy_runs, taking
from xerotui.sync import pair as pairs
from xerotui.sync.applying import apply
from xerotui.sync.choosing import choose
from xerotui.sync.current import by_reason, mappings_now, outdated
from xerotui.sync.drift import held_record
from xerotui.sync.import_plans import make_import
from xerotui.sync.mailing import mail
from xerotui.sync.plan import new_id, source_lane
from xerotui.sync.planning import follow_up, make_plan, read_sides, tenants_of
from xerotui.sync.ports import Ports
from xerotui.sync.switched import working

Answer = dict[str, str]


class Desk:
    """Handlers by verb: refresh, plan, import, apply, discard, retry, link, recheck."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self._handlers: dict[str, Callable[[Request], Awaitable[Answer]]] = {
            "refresh": self.refresh,
            "plan": self.plan,
            "import": self.import_,
            "apply": self.apply,
            "discard": self.discard,
            "retry": self.retry,
            "link": self.link,
            "move": self.move,
            "recheck": self.recheck,
            "take": self.take,
            "override": self.override,
            "mail": self.mail,
            policy_runs.VERB: self.automatic,
        }

    async def work(self) -> bool:
        """Take and answer the oldest request; False when none waits."""
        ledger = self.ports.ledger
        async with ledger.write() as tx:
            await ledger.requests.retake(tx, self.ports.identity)
            request = await ledger.requests.take(tx, self.ports.identity)
        if request is None:
            return False
        answer: Answer = {}
        error = remedy = ""
        try:
            handler = self._handlers.get(request.verb)
            if handler is None:
                raise SyncError(f"Nobody knows how to {request.verb}", "Upgrade the worker: `xerotui worker stop`.")
            # What a policy does is nobody's waiting: people's share of the limits is left to them.
            with contextlib.nullcontext() if request.actor == policy_runs.POLICY else for_people():
                answer = await handler(request)
        except SyncError as trouble:
            error, remedy = trouble.sentence, trouble.remedy
            answer = {"code": trouble.code, "exit": str(trouble.exit_code)}
            if offer := getattr(trouble, "offer", ""):
                answer["plan"] = offer
        except Exception as trouble:
            self.ports.log.error("request failed", verb=request.verb, error=repr(type(trouble)), exc_info=True)
            error, remedy = f"The worker stumbled ({type(trouble).__name__})", "See the log: `xerotui doctor`."
        async with ledger.write() as tx:
            await ledger.requests.finish(tx, request.id, answer=answer, error=error, remedy=remedy)
        return True

    def _progress(self, request: Request) -> Callable[[str], Awaitable[None]]:
        async def tell(text: str) -> None:
            with contextlib.suppress(Exception):
                async with self.ports.ledger.write() as tx:
                    await self.ports.ledger.requests.progress(tx, request.id, text)

        return tell

    async def refresh(self, request: Request) -> Answer:
        """Read both sides again."""
        db = await self.ports.book.read()
        wanted = request.args.get("connection", "")
        connections = [wanted] if wanted else [c.id for c in db.sources() if c.enabled]
        tenant = request.args.get("tenant", "")
        for connection in connections:
            tenants = await tenants_of(self.ports, connection, tenant)
            await read_sides(self.ports, connection, tenants, self._progress(request))
            for one in tenants:
                await charting.note(self.ports, await pairs.load(self.ports, connection, one))
        return {}

    async def plan(self, request: Request) -> Answer:
        """Make a sync plan; with `only` of these documents alone: `waits` names the whole one that goes on waiting."""
        connection = request.args["connection"]
        tenants = await tenants_of(self.ports, connection, request.args.get("tenant", ""))
        progress = self._progress(request)
        only = request.args.get("only", "").split(demand.BETWEEN)
        if not any(only):
            plan = await make_plan(self.ports, connection, tenants, request.actor, progress)
            return {"plan": plan.id, "hash": plan.hash}
        plan = await demand.make_only(self.ports, connection, tenants, only, request.actor, progress)
        return {"plan": plan.id, "hash": plan.hash, "waits": await demand.waiting(self.ports, plan)}

    async def import_(self, request: Request) -> Answer:
        """Make an import plan."""
        connection, tenant = request.args["connection"], request.args["tenant"]
        await tenants_of(self.ports, connection, tenant)
        plan = await make_import(self.ports, connection, tenant, request.args, request.actor, self._progress(request))
        return {"plan": plan.id, "hash": plan.hash}

    async def apply(self, request: Request) -> Answer:
        """Approve a plan and begin its run."""
        follow = request.args.get("follow", "") == "1"
        run = await apply(
            self.ports,
            request.args["plan"],
            request.args.get("hash", ""),
            request.actor,
            follow=follow,
            removals=" ".join(request.args.get("removals", "").split())[:500],
            only=frozenset(filter(None, request.args.get("only", "").split(","))),
            progress=self._progress(request),
        )
        return {"run": run.id, "plan": run.plan}

    async def automatic(self, request: Request) -> Answer:
        """One pass of an automatic pair."""
        args = request.args
        return await policy_runs.run(self.ports, args["connection"], args["tenant"], self._progress(request))

    async def discard(self, request: Request) -> Answer:
        """Throw a plan away."""
        ledger = self.ports.ledger
        async with ledger.write() as tx:
            done = await ledger.plans.set_state(
                tx, request.args["plan"], PlanState.DISCARDED, frm=(PlanState.READY,), actor=request.actor
            )
            if not done:
                raise SyncError("Only a plan that waits for approval can be discarded", "See `xerotui plan`.")
            await ledger.work.move_plan(tx, request.args["plan"], State.CANCELLED, frm=(State.PLANNED,))
        return {"plan": request.args["plan"]}

    async def retry(self, request: Request) -> Answer:
        """Try again: an operation, all of a cause, or everything that waits.

        What only didn't get through goes again as it is, while it still is what would be planned now. What was
        refused, alone or as the culprit of a call, and what is out of date is let go, and its record resolved anew
        from what both sides say now; what can go becomes a follow-up plan.
        """
        ledger = self.ports.ledger
        async with ledger.read() as tx:
            operations = await self._waiting(tx, request)
        # Judged by what the source says now, not by what it said when the plan was made.
        fresh = await self._read_again(operations, self._progress(request))
        for connection in sorted({o.connection for o in operations}):
            mine = [o for o in operations if o.connection == connection and o.side is Side.XERO]
            await native.refuse(self.ports, connection, (o for o in mine if o.state is State.PARKED))
        mappings = await mappings_now(self.ports, operations)
        async with ledger.write() as tx:
            operations = [o for o in await ledger.work.get(tx, [o.id for o in operations]) if o.state in FAILED]
            parked = [o for o in operations if o.state is State.PARKED and not await self._culprit(tx, o)]
            stale = await outdated(self.ports, tx, parked, mappings)
            again = [o.id for o in parked if o.id not in stale]
            refused = {o.id: stale.get(o.id, "tried again") for o in operations if o.id not in again}
            await ledger.work.move(tx, again, State.READY, attempts=0)
            for why, ids in by_reason(refused).items():
                await ledger.work.move(tx, ids, State.CANCELLED, error=why)
            await self._reopen_runs(tx, {o.plan for o in operations if o.id in again})
        plans = await self._follow_ups(request, read=True, fresh=fresh)
        answer = {"parked": str(len(again)), "count": str(len(operations))}
        if plans:
            answer["plan"] = plans[-1]
        return answer

    async def _waiting(self, tx: Tx, request: Request) -> list[Operation]:
        """The failed operations that a request to try again is about."""
        work = self.ports.ledger.work
        if id := request.args.get("operation"):
            return [o for o in await work.get(tx, [id]) if o.state in FAILED]
        if not request.args.get("code"):
            return await work.find(tx, plan=request.args.get("plan"), states=FAILED)
        found: list[Operation] = []
        cause = (request.args["code"], request.args.get("subject", ""))
        for ref in await self.ports.ledger.problems.records_of_causes(tx, [cause]):
            found += await work.find(
                tx, connection=ref.connection, tenant=ref.tenant, kind=ref.kind, record=ref.id, states=FAILED
            )
        return found

    async def _read_again(
        self, operations: Sequence[Operation], progress: Callable[[str], Awaitable[None]]
    ) -> set[tuple[str, str]]:
        """Read both sides of the pairs with writes to Xero among these; the pairs that were read."""
        pairs = sorted({(o.connection, o.tenant) for o in operations if o.side is Side.XERO})
        for connection in sorted({connection for connection, _ in pairs}):
            tenants = [tenant for of, tenant in pairs if of == connection]
            await read_sides(self.ports, connection, tenants, progress)
            await native.look(self.ports, connection)
        return set(pairs)

    async def _culprit(self, tx: Tx, operation: Operation) -> bool:
        """True for a parked write to Xero that was refused for what it says: the same bytes would be refused again."""
        if operation.side is not Side.XERO:
            return False
        said = await self.ports.ledger.problems.open(
            tx,
            connection=operation.connection,
            tenant=operation.tenant,
            kind=operation.kind,
            record=operation.record,
            phase="send",
        )
        return any(p.blocks and p.code != "core.parked" for p in said)

    async def _reopen_runs(self, tx: Tx, plans: set[str]) -> None:
        """A run whose parked operation goes again is under way once more."""
        ledger = self.ports.ledger
        for id in plans:
            run = await ledger.runs.of_plan(tx, id)
            if run is not None:
                await ledger.plans.set_state(tx, id, PlanState.APPLYING, frm=(PlanState.DONE,))

    async def recheck(self, request: Request) -> Answer:
        """Resolve again what waits, from the snapshots as they are."""
        plans = await self._follow_ups(request, read=False)
        return {"plan": plans[-1]} if plans else {}

    async def override(self, request: Request) -> Answer:
        """Keep what a person chose for a document; where that releases it, a follow-up plan holds it."""
        found = await choose(self.ports, request.args, request.actor)
        answer = {"changes": str(len(found.changes))}
        return answer | await self.recheck(request) if found.changes else answer

    async def mail(self, request: Request) -> Answer:
        """Let Xero mail one invoice."""
        return await mail(self.ports, request.id, request.args, request.actor)

    async def _follow_ups(self, request: Request, *, read: bool, fresh: Collection[tuple[str, str]] = ()) -> list[str]:
        db = await self.ports.book.read()
        plans = []
        for pair in working(db):
            connection, tenant = pair.source, pair.tenant
            if request.args.get("connection", connection) != connection:
                continue
            if request.args.get("tenant", tenant) != tenant:
                continue
            anew = read and (connection, tenant) not in fresh
            plan = await follow_up(self.ports, connection, tenant, request.actor, read=anew)
            if plan is not None:
                plans.append(plan.id)
        return plans

    async def move(self, request: Request) -> Answer:
        """Move the link of a record to another contact or organisation, as a person saw it before."""
        args = request.args
        where = (args["connection"], Kind(args["kind"]), args["record"], args["tenant"])
        shown = await moving.preview(self.ports, *where, args["to"])
        if args.get("contact", shown.to) != shown.to:
            raise SyncError(f"{shown.title} would go to another contact than the one shown", "Look again.", exit_code=4)
        moved = await moving.move(self.ports, shown, request.actor)
        answer = await self.recheck(request)
        return {"to": moved.to, "to_tenant": moved.to_tenant} | answer

    async def take(self, request: Request) -> Answer:
        """Keep which side a person takes; what it comes to is a plan to approve."""
        plan = await taking.take(self.ports, request.args, request.actor, self._progress(request))
        return {"plan": plan.id, "hash": plan.hash} if plan is not None else {}

    async def link(self, request: Request) -> Answer:
        """Link a source record with the Xero record that a person chose, and write the link back."""
        args = request.args
        connection, tenant, kind = args["connection"], args["tenant"], Kind(args["kind"])
        record, xero_id = args["record"], args["xero_id"]
        data = await pairs.load(self.ports, connection, tenant)
        source, held = data.record(kind, record), held_record(data, kind, xero_id)
        if source is None or kind not in (*PARTIES, Kind.ITEM):
            raise SyncError(f"There is no {kind.label} {record} at {connection}", "Read the source again.")
        if held is None or getattr(held, "status", "") == "ARCHIVED":
            raise SyncError("Xero has no such active record", "Read the organisation again, then choose another.")
        other = data.linked(kind).get(xero_id)
        if other is not None and other.record != record:
            raise SyncError(
                f"That Xero record is linked with {kind.label} {other.record} already", "Unlink it there first."
            )
        ledger = self.ports.ledger
        async with ledger.write() as tx:
            link = Link(
                connection=connection,
                kind=kind,
                record=record,
                tenant=tenant,
                xero_id=xero_id,
                how="chosen",
                at=self.ports.clock.now(),
            )
            await ledger.links.put(tx, [link])
            attach = Operation(
                id=new_id("op"),
                plan="",
                side=Side.SOURCE,
                lane=source_lane(connection),
                kind=kind,
                verb=Verb.ATTACH,
                state=State.READY,
                connection=connection,
                tenant=tenant,
                record=record,
                title=source.name[:200],
                target=xero_id,
            )
            await ledger.work.add(tx, [attach])
            detail = {"record": record, "xero_id": xero_id, "tenant": tenant}
            await ledger.audit.append(tx, request.actor, "linked", source.name[:200], detail, self.ports.clock.now())
        return await self.recheck(request)
