"""The one door for console and command line: `Workspace`, composed of the areas. No logic of its own."""

from pathlib import Path

from xerotui.workspace import home as homes
from xerotui.workspace.announcing import Announcing
from xerotui.workspace.back import Back
from xerotui.workspace.credits import Credits
from xerotui.workspace.doctor import Doctor
from xerotui.workspace.map_sheet import MapSheets
from xerotui.workspace.native import NativeSync
from xerotui.workspace.webhooks import Webhooks
from xerotui.workspace.wiring import Wiring


class Workspace(Back, Credits, Doctor, Announcing, NativeSync, Webhooks, MapSheets):
    """One installation, opened: pages to look at, requests to make, settings to edit.

    Pages never use the network; requests return at once. Errors that people must read are `SyncError`.
    """

    @classmethod
    async def open(
        cls, home: Path | None = None, *, read_only: bool = False, attached: bool = False, wake: bool = True
    ) -> "Workspace":
        """Open a home (XEROTUI_HOME, else the platform's), making it where it is missing.

        With `wake` a worker is started where one went away from unfinished work, now and later. `attached` binds
        workers started from here to this process. Raises SyncError when the home or a store can't be used.
        """
        place = homes.prepare(home)
        wiring = await Wiring.open(place)
        space = cls(wiring, place, homes.actor(), read_only=read_only, attached=attached)
        if wake:
            # Work that a killed worker left behind goes on as soon as somebody looks.
            await space.worker()
            space.watch()
        return space

    async def close(self) -> None:
        """Give everything back; a detached worker goes on."""
        await self.leave()
        await self.wiring.close()
