"""Contacts that look twice in Xero, pushed over Imports; it shows, and changes nothing."""

from typing import Any, ClassVar

from rich.text import Text

from xerotui.console.rows import duplicates as rows
from xerotui.console.screens.listing import ListScreen
from xerotui.console.widgets.columns import Column, Row
from xerotui.model.paging import Page, View
from xerotui.workspace.duplicates import ADVICE, DuplicateRow


class DuplicatesScreen(ListScreen):
    """One row a contact, group by group."""

    AREA = "duplicates"
    NAME = "Looks twice in Xero"
    HELP = (
        "Contacts of an organisation that share a name, an account, contact or tax number, or an e-mail address: "
        "best settled before they are imported. " + ADVICE
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset({"snapshots", "links", "book"})
    EMPTY = "No contact looks twice."

    def columns(self) -> tuple[Column, ...]:
        """Group, contact, what is alike."""
        return rows.COLUMNS

    async def page(self, view: View) -> Page[Any]:
        """A page of the chosen organisation, or of all."""
        return await self.ws.duplicates(self.scoped(view))

    def row_of(self, item: DuplicateRow) -> Row:
        """One contact."""
        return rows.row(item)

    def detail(self, item: DuplicateRow) -> Text | None:
        """All of it is known already."""
        return rows.detail(item)

    def paint(self, data: Page[Any]) -> None:
        """What can be done about them stands below, where there are any."""
        super().paint(data)
        if data.rows:
            self.notice("Merge them in Xero, then read it again; nothing is merged here. ? says more.", "quiet")
