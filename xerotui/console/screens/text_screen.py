"""A pushed screen of text alone: help, the detail of a row on a narrow terminal."""

from rich.text import Text
from textual.app import ComposeResult

from xerotui.console.screens.base import AreaScreen
from xerotui.console.widgets.lines import Detail


class TextScreen(AreaScreen):
    """Shows a finished text; esc closes."""

    AREA = "text"
    NAME = "Detail"
    HELP = "A text; arrows and page keys scroll, esc closes."

    def __init__(self, text: Text, name: str = "Detail") -> None:
        super().__init__()
        self.text = text
        self.NAME = name  # type: ignore[misc]

    def body(self) -> ComposeResult:
        """One long text."""
        yield Detail(id="text")

    async def load(self) -> Text:
        """It is here already."""
        return self.text

    def paint(self, data: Text) -> None:
        """Show it."""
        pane = self.query_one("#text", Detail)
        pane.say(data)
        pane.focus()
