"""Go anywhere: screens, commands and records behind one field; a light provider over the registry and the search."""

import asyncio
from typing import TYPE_CHECKING

from xerotui.console.keys import commands_for, shown
from xerotui.console.widgets.picker import Choice, Picker
from xerotui.model.kinds import Kind

if TYPE_CHECKING:
    from xerotui.console.app import XeroTUI
    from xerotui.console.screens.base import AreaScreen

RECORDS = 20
PAUSE = 0.15
_SKIPPED = ("app.palette", "list.mark")


class Palette:
    """What `:` offers. Records are asked for after a pause in typing, never per letter."""

    def __init__(self, app: "XeroTUI") -> None:
        self._app = app
        self._found: dict[str, tuple[str, Kind, str, str]] = {}

    def choices(self, screen: "AreaScreen") -> tuple[Choice, ...]:
        """The commands that this screen offers, places first; one that can't run says why."""
        listed = [c for c in commands_for(screen.AREA) if c.id not in _SKIPPED]
        listed.sort(key=lambda c: (not c.id.startswith("go."), c.where == ""))
        return tuple(
            Choice(
                key=c.id,
                title=("go: " if c.id.startswith("go.") else f"{c.where or 'console'}: ") + c.title,
                detail=c.sentence + (f"  ({shown(c.key)})" if c.key else ""),
                reason=screen.refused(c.id),
            )
            for c in listed
        )

    async def open(self, screen: "AreaScreen") -> None:
        """Offer, then go."""
        key = await screen.pick("palette", "Go anywhere: a screen, a command, a number or a name", self.choices(screen))
        if key is None:
            return
        if key in self._found:
            connection, kind, record, tenant = self._found[key]
            self._app.open_story(connection, kind, record, tenant)
        else:
            screen.action_command(key)

    async def find(self, screen: "AreaScreen", text: str) -> None:
        """Records whose number or name holds the text, below the commands."""
        await asyncio.sleep(PAUSE)
        picker = screen.query_one("#picker", Picker)
        if len(text.strip()) < 2:
            picker.offer(())
            return
        rows = await screen.ws.search(text.strip(), RECORDS)
        found: list[Choice] = []
        for index, row in enumerate(rows):
            key = f"record {index}"
            self._found[key] = (row.connection, row.kind, row.record, row.tenant)
            where = self._app.names.get(row.tenant, "")
            detail = "  ".join(part for part in (f"{row.state}: {row.reason}", where) if part)
            found.append(Choice(key=key, title=f"{row.kind.label}: {row.title}", detail=detail))
        if picker.is_open and picker.purpose == "palette":
            picker.offer(tuple(found))
