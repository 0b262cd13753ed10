"""Plugins: what is installed, what state it is in, and why one was left out."""

from typing import Any, ClassVar

from rich.text import Text

from xerotui.console.rows.signs import worded
from xerotui.console.screens.listing import ListScreen
from xerotui.console.text import join, safe, stack
from xerotui.console.widgets.columns import Column, Row
from xerotui.model.paging import Page, View
from xerotui.workspace.pages import PluginRow

COLUMNS = (
    Column("Plugin", 16),
    Column("State", 14),
    Column("Version", 10),
    Column("Brings", 18),
    Column("Why / hooks", 0),
)


class PluginsScreen(ListScreen):
    """One row a plugin; a failed one says why."""

    AREA = "plugins"
    NAME = "Plugins"
    HELP = (
        "The source plugins that are installed, where they come from and whether they work. "
        "A plugin that fails is left out and named here; the others go on."
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset({"book"})
    PAGED = False
    EMPTY = "No plugin is installed."

    def columns(self) -> tuple[Column, ...]:
        """Name and state first."""
        return COLUMNS

    async def page(self, view: View) -> Page[Any]:
        """All of them."""
        words = view.text.casefold()
        found = tuple(p for p in await self.ws.plugins() if words in p.name.casefold())
        return Page(rows=found, total=len(found))

    def row_of(self, item: PluginRow) -> Row:
        """One plugin."""
        why = safe(item.error, "red") if item.error else safe(", ".join(item.hooks), "dim")
        cells = (safe(item.name, "bold"), worded(item.state), safe(item.version), safe(", ".join(item.sources)), why)
        return Row(item.name, cells)

    def detail(self, item: PluginRow) -> Text | None:
        """All of it."""
        parts: list[object] = [
            join(safe(item.name, "bold"), "  ", worded(item.state)),
            safe(f"{item.origin} {item.version}", "dim"),
        ]
        if item.error:
            parts += ["", safe(item.error, "red")]
        if item.sources:
            parts += ["", Text("Sources", style="bold"), *map(safe, item.sources)]
        if item.hooks:
            parts += ["", Text("Hooks", style="bold"), *map(safe, item.hooks)]
        return stack(*parts)

    def on_paged_table_opened(self, message: Any) -> None:
        """Enter shows it in full."""
        from xerotui.console.screens.text_screen import TextScreen

        message.stop()
        if self.current is None:
            return
        text = self.detail(self.current)
        if text is not None:
            self.app.push_screen(TextScreen(text, "Plugin"))
