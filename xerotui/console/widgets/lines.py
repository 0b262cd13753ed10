"""Texts that change in place: they compare before they paint and never cause a new layout."""

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static


class Line(Static):
    """A text of fixed height; saying what it already says costs nothing."""

    DEFAULT_CSS = "Line { height: 1; width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(Text(""), id=id, classes=classes, markup=False)
        self.said = Text("")

    def say(self, text: Text) -> None:
        """Show `text` unless it is there already."""
        if text.plain == self.said.plain and text.spans == self.said.spans and text.style == self.said.style:
            return
        self.said = text
        self.update(text, layout=False)


class Notice(Line):
    """A line that grows to three where its words need them: a remedy that is cut off helps nobody."""

    DEFAULT_CSS = "Notice { text-wrap: wrap; }"
    MOST = 3

    def say(self, text: Text) -> None:
        """Show `text`; the height changes only when it must."""
        width = max(20, self.app.size.width)
        needed = min(self.MOST, len(text.wrap(self.app.console, width)) if text.plain else 1)
        if self.styles.height is None or self.styles.height.value != needed:
            self.styles.height = needed
        super().say(text)


class Detail(VerticalScroll, can_focus=True):
    """A pane of text that may be longer than the screen: the detail of a row, a story, help."""

    HELP = "Text: arrows and page keys scroll."
    DEFAULT_CSS = """
    Detail { height: 1fr; padding: 0 1; }
    Detail > Static { height: auto; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._static = Static(Text(""), markup=False)
        self.said = Text("")

    def compose(self) -> ComposeResult:
        """The one text inside."""
        yield self._static

    def say(self, text: Text) -> None:
        """Show `text` unless it is there already; another text starts at its top."""
        if text.plain == self.said.plain and text.spans == self.said.spans:
            return
        self.said = text
        self._static.update(text)
        self.scroll_home(animate=False)
