"""Plan: what a sync or an import would do, row by row and field by field, before it is approved."""

from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult

from xerotui.console.rows import plan as rows
from xerotui.console.rows import story
from xerotui.console.screens.listing import ListScreen
from xerotui.console.screens.reason import ReasonScreen
from xerotui.console.screens.story import PlanRowScreen
from xerotui.console.text import clean, count, safe, when
from xerotui.console.widgets.columns import Column, Row
from xerotui.console.widgets.lines import Detail
from xerotui.console.widgets.picker import Choice
from xerotui.model.paging import Page, View
from xerotui.model.work import Plan, PlanKind, PlanState
from xerotui.workspace.listing import superseded
from xerotui.workspace.pages import Place, PlanRow


class PlanScreen(ListScreen):
    """One plan: its totals above, its rows below; a approves."""

    AREA = "plan"
    NAME = "Plan"
    HELP = (
        "What would be written, to the penny, before anything is: totals for each organisation and currency, every "
        "change field by field, and what is blocked and why. Nothing is sent until you approve with a."
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset({"plans"})
    FIELDS = ("verb", "kind", "code")
    EMPTY = "This plan has nothing in it."

    def __init__(self) -> None:
        super().__init__()
        self.plan: Plan | None = None
        self.overtaken = False
        self.newer = False
        self.wanted = ""
        self.parties = True

    def columns(self) -> tuple[Column, ...]:
        """Change first."""
        return rows.columns()

    def above(self) -> ComposeResult:
        """The head of the plan."""
        yield Detail(id="summary")

    async def page(self, view: View) -> Page[Any]:
        """The plan, then a page of its rows."""
        self.plan = plan = await self.ws.plan(self.wanted)
        if plan is None:
            return Page(rows=(), total=0)
        plans = await self.ws.plans()
        self.overtaken = superseded(plan, plans)
        self.newer = not self.overtaken and any(p.state is PlanState.READY and p.created > plan.created for p in plans)
        return await self.ws.plan_rows(plan.id, self.scoped(view))

    def row_of(self, item: PlanRow) -> Row:
        """One change."""
        return rows.row(item, self.console_app.names, parties=self.parties)

    def paint(self, data: Page[Any]) -> None:
        """Totals, then rows."""
        status = self.console_app.status
        head = (
            rows.summary(
                self.plan,
                self.console_app.names,
                status.budget if status is not None else "",
                overtaken=self.overtaken,
            )
            if self.plan is not None
            else safe("There is no plan. n works one out: both sides are read, nothing is written.", "bold")
        )
        self.query_one("#summary", Detail).say(head)
        titles, self.parties = rows.shape(data.rows)
        self.table.head(rows.columns(titles, parties=self.parties))
        super().paint(data)

    def title_parts(self) -> list[object]:
        """Another plan that came since then waits for approval; this one stays until it is chosen."""
        return [*super().title_parts(), *([safe("newer plan: o", "bold yellow")] if self.newer else [])]

    def empty_words(self) -> str:
        """Without a plan the head says it all."""
        return super().empty_words() if self.plan is not None else ""

    async def detail_of(self, item: PlanRow) -> Text:
        """The fields of the change."""
        assert self.plan is not None
        return story.text(
            await self.ws.plan_row(self.plan.id, item.id), self.app.size.width * 38 // 100 - 5, self.console_app.names
        )

    def unavailable(self, command: str) -> str:
        """A plan that isn't ready can't be approved; say what it is instead."""
        plan = self.plan
        if command in ("plan.approve", "plan.discard") and plan is None:
            return "There is no plan: n makes one."
        if command == "plan.approve" and plan is not None:
            if plan.state is not PlanState.READY:
                return f"This plan is {plan.state.value}: n makes a new one, o shows the others."
            if not rows.operations_of(plan):
                return "Nothing in this plan would be written."
        if command == "plan.discard" and plan is not None and plan.state is not PlanState.READY:
            return f"This plan is {plan.state.value} already."
        return ""

    def do_plan_open(self) -> None:
        """Field by field, full screen."""
        if self.current is not None and self.plan is not None:
            self.app.push_screen(PlanRowScreen(self.plan.id, self.current.id))

    def do_plan_verb(self) -> None:
        """Go on to the next verb of this plan; after the last one, all."""
        order = ["", *(verb for verb, number in (self.plan.counts if self.plan else {}).items() if number)]
        order = [verb for verb in order if verb != "unchanged"]
        now = self.view.fields.get("verb", "")
        following = order[(order.index(now) + 1) % len(order)] if now in order else ""
        fields = {k: v for k, v in self.view.fields.items() if k != "verb"}
        self.look(fields=fields | ({"verb": following} if following else {}))

    def do_plan_drift(self) -> None:
        """Where both sides differ: the record under the cursor, or all that drifted."""
        item: PlanRow | None = self.current
        record = item.id.split("|")[2] if item is not None and item.verb == "conflict" else ""
        args = {"what": "drift"} | ({"record": record} if record else {})
        self.console_app.visit(Place("go.drift", args))

    async def do_plan_pick(self) -> None:
        """Choose among the plans that are kept."""
        plans = await self.ws.plans()
        if not plans:
            self.notice("No plan is kept.", "quiet")
            return
        choices = tuple(
            Choice(
                p.id,
                f"{when(p.created)}  {p.title or p.kind.value}  {rows.stands(p, superseded(p, plans))}",
                rows.totals_of(p),
            )
            for p in plans
        )
        key = await self.pick("plans", "Plans, newest first", choices, self.plan.id if self.plan else "")
        if key is not None:
            self.wanted = key
            self.look(text="", fields={})

    async def do_plan_make(self) -> None:
        """Ask the worker for a new plan."""
        app = self.console_app
        if not app.sources or not app.names:
            self.notice("A plan needs a source and an organisation: connect both on Tenants (2).", "warn")
            return
        if self.marks and self.plan is not None and self.plan.kind is PlanKind.SYNC:
            self._make_only(self.plan)
            return
        source = app.source
        if len(app.sources) > 1:
            choices = tuple(Choice(id, name) for id, name in app.sources.items())
            picked = await self.pick("source", "Which source?", choices, app.source)
            if picked is None:
                return
            source = picked
        if self.shown_tenant:
            app.send("plan", "New plan", self._made, connection=source, tenant=self.shown_tenant)
            return
        # Without a chosen organisation the plan covers all of them.
        app.send("plan", "New plan", self._made, connection=source)

    def _make_only(self, plan: Plan) -> None:
        """A plan of the marked documents and what they need; this one goes on waiting."""
        only = "\n".join(sorted(self.marks))
        tenant = plan.tenants[0] if len(plan.tenants) == 1 else ""
        words = f"Plan of {len(self.marks):,} marked"
        self.console_app.send("plan", words, self._made, connection=plan.connection, tenant=tenant, only=only)
        self.marks = frozenset()
        self.table.mark(self.marks)

    async def _made(self, answer: dict[str, str]) -> None:
        await self.console_app.go_to("plan", {"plan": answer.get("plan", "")})
        if waits := answer.get("waits"):
            self.notice(f"Plan {clean(waits, 60)} goes on waiting (o), and is worked out anew when approved.", "quiet")

    async def do_plan_approve(self) -> None:
        """Ask, then let it run; f approves follow-ups in advance."""
        plan = self.plan
        assert plan is not None
        command = f"xerotui apply {clean(plan.id, 60)}"
        choices: tuple[tuple[str, str], ...] = (("y", "yes"),)
        chosen = bool(plan.options.get("only"))
        if not chosen and (plan.problems or plan.counts.get("blocked")):
            command += "  (f: with --follow)"
            choices = (("y", "yes"), ("f", "yes + follow-ups"))
        if plan.removals:
            if plan.removals == rows.operations_of(plan):
                self._ask_reason(plan)
                return
            choices = (*choices, ("v", f"yes + {count(plan.removals, 'removal')}"))
        question: Text | str = rows.question(plan, self.console_app.names, self.app.size.width)
        only = sorted(self.marks) if plan.kind is PlanKind.IMPORT else []
        if only:
            question = (
                f"Approve the {len(only):,} marked of {count(rows.operations_of(plan), 'operation')}? The rest stays."
            )
            command, choices = f"xerotui import {plan.options.get('kind', '')} --only ROW", (("y", "yes"),)
        answer = await self.ask(question, command, choices)
        if answer == "n":
            self.notice("Not approved.", "quiet")
            return
        if answer == "v":
            self._ask_reason(plan)
            return
        self.marks = frozenset()
        self.table.mark(self.marks)
        follow = "1" if answer == "f" else ""
        # Should it turn out stale, this plan must stay on the screen with what moved, not the one offered instead.
        self.wanted = plan.id
        self.console_app.send(
            "apply", "Approval", self._approved, plan=plan.id, hash=plan.hash, follow=follow, only=",".join(only)
        )

    def _ask_reason(self, plan: Plan) -> None:
        """Removals go with a reason alone."""
        about = f"{count(plan.removals, 'document')} will be voided or deleted in Xero for good. Why?"

        def given(reason: object) -> None:
            if not isinstance(reason, str) or not reason:
                self.notice("Not approved.", "quiet")
                return
            self.wanted = plan.id
            send = self.console_app.send
            send("apply", "Approval", self._approved, plan=plan.id, hash=plan.hash, removals=reason)

        cli = f"xerotui apply {clean(plan.id, 60)} --removals --reason TEXT"
        self.app.push_screen(ReasonScreen(about, "approves", cli), given)

    async def _approved(self, answer: dict[str, str]) -> None:
        assert self.plan is not None
        app = self.console_app
        app.awaited.add(self.plan.id)
        await app.go_to("queue", {"plan": self.plan.id})
        await app.look_for_ends()

    async def do_plan_discard(self) -> None:
        """Throw it away, after a question."""
        plan = self.plan
        assert plan is not None
        if await self.ask("Throw this plan away?", f"xerotui plan --discard {clean(plan.id, 60)}") == "y":
            self.wanted = ""
            self.console_app.send("discard", "Discard", None, plan=plan.id)

    async def arrive(self, args: dict[str, str]) -> None:
        """Come with a plan to look at; else the latest one."""
        self.wanted = args.get("plan", "")
        self.look(text="", fields={k: v for k, v in args.items() if k in self.FIELDS})
