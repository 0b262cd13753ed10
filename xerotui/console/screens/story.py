"""A record's story, full screen: why it is where it is, and what can be done about it."""

from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult

from xerotui.console import clip
from xerotui.console.places import leads, record_of
from xerotui.console.rows import story as rows
from xerotui.console.screens.base import AreaScreen
from xerotui.console.screens.override import OverrideScreen
from xerotui.console.text import argument, clean, safe, short
from xerotui.console.widgets.lines import Detail
from xerotui.model.kinds import DOCUMENTS, Kind
from xerotui.workspace.pages import Place, Story


class StoryScreen(AreaScreen):
    """Shows a `Story`; subclasses say which."""

    AREA = "story"
    NAME = "Record"
    HELP = (
        "The whole story of one record: each field with where its value comes from, what would change, "
        "problems with their remedy, and everything that was sent. g goes to where the problem is mended."
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset({"queue", "problems", "plans", "links"})

    def __init__(self) -> None:
        super().__init__()
        self.story: Story | None = None

    def body(self) -> ComposeResult:
        """One long text."""
        yield Detail(id="story")

    async def fetch(self) -> Story:
        """The story from the workspace."""
        raise NotImplementedError

    async def load(self) -> Story:
        """Fetch it."""
        return await self.fetch()

    def paint(self, data: Any) -> None:
        """Show it."""
        self.story = data
        pane = self.query_one("#story", Detail)
        pane.say(rows.text(data, self.app.size.width - 5, self.console_app.names))
        if self.focused is None:
            pane.focus()

    def on_resize(self, event: events.Resize) -> None:
        """Lines are broken anew."""
        self.call_after_refresh(self.repaint)

    def show_fault(self, words: str) -> None:
        """Say that it could not be read."""
        self.query_one("#story", Detail).say(safe(words, "bold red"))

    def title_parts(self) -> list[object]:
        """Which record, of which organisation."""
        if self.story is None:
            return []
        tenant = self.console_app.names.get(self.story.tenant, "")
        return [safe(short(self.story.title, 40)), safe(tenant, "dim", 40)]

    def place(self) -> Place | None:
        """Where the first problem is mended that has a place, other than this story itself."""
        story = self.story
        if story is None:
            return None
        own = (story.connection, story.kind, story.record)
        found = (p.place for p in story.problems if p.place is not None and leads(p.place))
        return next((place for place in found if (record_of(place) or ())[:3] != own), None)

    def unavailable(self, command: str) -> str:
        """Nothing to mend, nothing to retry."""
        if command == "story.fix" and self.place() is None:
            return "Nothing here is mended inside XeroTUI."
        if command == "story.mail" and (self.story is None or self.story.kind is not Kind.INVOICE):
            return "Xero mails invoices alone."
        if command == "story.choose" and (
            self.story is None or self.story.kind not in DOCUMENTS or not self.story.tenant
        ):
            return "Only documents of an organisation have something to choose."
        if command == "story.retry" and self.retry_args() is None:
            return "Nothing here waits for another try."
        return ""

    async def do_story_mail(self) -> None:
        """Ask, once more where it was mailed before, then let Xero mail it."""
        story = self.story
        assert story is not None
        question, before = await self.ws.mail_question(story.connection, story.record, story.tenant)
        if (
            await self.ask(f"{before}. {question}" if before else question, f"xerotui mail {argument(story.title)}")
            != "y"
        ):
            self.notice("Not mailed.", "quiet")
            return
        where = {"connection": story.connection, "record": story.record, "tenant": story.tenant}
        self.console_app.send("mail", "Mail", self._mailed, **where, again="1" if before else "")

    async def _mailed(self, answer: dict[str, str]) -> None:
        self.console_app.tell(f"Xero mails invoice {clean(answer.get('number', ''), 60)}.", "good")

    def do_story_choose(self) -> None:
        """Choose for this document, or for one of its lines."""
        if self.story is not None:
            self.app.push_screen(OverrideScreen(self.story), lambda _: self.reload())

    def retry_args(self) -> dict[str, str] | None:
        """What a retry would name: the operation that failed, else the cause of the problem."""
        if self.story is None:
            return None
        failed = [o for o in self.story.operations if o.state in ("rejected", "parked", "unknown", "blocked")]
        if failed:
            return {"operation": failed[0].id}
        if self.story.problems:
            return {"code": self.story.problems[0].code, "subject": self.story.problems[0].subject}
        return None

    def do_story_fix(self) -> None:
        """Go where it is mended."""
        place = self.place()
        if place is not None:
            self.console_app.visit(place, mending=True)

    def do_story_retry(self) -> None:
        """Ask for another try."""
        args = self.retry_args()
        if args is not None:
            self.console_app.send("retry", "Retry", None, **args)

    def do_story_copy(self) -> None:
        """Send the text to the terminal's clipboard."""
        self.notice(clip.send(self.console_app, self.query_one("#story", Detail).said.plain), "quiet")


class RecordScreen(StoryScreen):
    """The story of a source record."""

    def __init__(self, connection: str, kind: Kind, record: str, tenant: str) -> None:
        super().__init__()
        self._which = (connection, kind, record, tenant)

    async def fetch(self) -> Story:
        """By connection, kind and id."""
        return await self.ws.story(*self._which)


class OperationScreen(StoryScreen):
    """The story around one operation."""

    def __init__(self, operation: str) -> None:
        super().__init__()
        self._operation = operation

    async def fetch(self) -> Story:
        """By the operation's id."""
        return await self.ws.operation(self._operation)


class PlanRowScreen(StoryScreen):
    """A line of a plan: what would change, field by field."""

    NAME = "Planned change"

    def __init__(self, plan: str, row: str) -> None:
        super().__init__()
        self._which = (plan, row)

    async def fetch(self) -> Story:
        """By plan and row."""
        return await self.ws.plan_row(*self._which)
