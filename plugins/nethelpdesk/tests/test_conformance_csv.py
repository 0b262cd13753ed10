"""The published suite on the folder of CSV files."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from nhd_handed import names

from xerotui.model.kinds import Kind
from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.world import build
from xerotui.source.conformance import SourceSuite, Stand
from xerotui_nethelpdesk.emulator import NetHelpDeskFolder
from xerotui_nethelpdesk.source import NetHelpDeskSource

# Kind of file and column in which a person's words are seen.
SHOWN = {
    Kind.CUSTOMER: ("customers", "name"),
    Kind.SUPPLIER: ("suppliers", "name"),
    Kind.ITEM: ("items", "name"),
    Kind.INVOICE: ("invoices", "reference"),
    Kind.PURCHASE_ORDER: ("purchase_orders", "reference"),
}
WORLD = build(scale=0.1)
_looks: list[str] = []
_listening = False


def _heard(what: str, arguments: tuple[Any, ...]) -> None:
    if _listening and what in ("open", "os.listdir", "os.scandir"):
        _looks.append(str(arguments[0]))


# A hook of the interpreter stays for ever; it only listens while a check of this module runs.
sys.addaudithook(_heard)


class TestFolder(SourceSuite):
    """NetHelpDesk through the files that it exports."""

    source: ClassVar = NetHelpDeskSource
    emulator: ClassVar[Any] = NetHelpDeskFolder
    world: ClassVar = staticmethod(lambda: WORLD)
    clock: ClassVar = WorldClock
    edits: ClassVar = tuple(SHOWN)
    spoils: ClassVar = (Kind.INVOICE, Kind.PURCHASE_ORDER)
    # A folder counts nobody's calls.
    refusal: ClassVar = None

    @pytest.fixture(autouse=True)
    def counted(self) -> Iterator[None]:
        """Note which files and folders are opened."""
        global _listening
        _looks.clear()
        _listening = True
        yield
        _listening = False

    async def touch(self, stand: Stand, kind: Kind, id: str, words: str) -> None:
        table, column = SHOWN[kind]
        await stand.control(f"edit/{table}/{id}", {column: words})

    async def remove(self, stand: Stand, kind: Kind, id: str) -> None:
        await stand.control(f"remove/{SHOWN[kind][0]}/{id}", {})

    async def spoil(self, stand: Stand, kind: Kind, id: str) -> None:
        await stand.control(f"edit/{SHOWN[kind][0]}/{id}", {"unit_price": "a lot"})

    async def handed(self, stand: Stand, kind: Kind) -> Sequence[str]:
        return names(stand.emulator.outbox, kind)

    # A folder has no line that could be cut, and nobody in it who could refuse.

    async def cut_before(self, stand: Stand) -> bool:
        return False

    async def cut_after(self, stand: Stand) -> bool:
        return False

    async def fail(self, stand: Stand) -> bool:
        return False

    async def refuse(self, stand: Stand, words: str) -> bool:
        return False

    async def forbid(self, stand: Stand) -> bool:
        inbox: Path = stand.emulator.inbox
        inbox.rename(inbox.with_name("away"))
        return True

    async def garble(self, stand: Stand) -> bool:
        await self.forbid(stand)
        stand.emulator.inbox.write_text("<html>maintenance</html>")
        return True

    async def mend(self, stand: Stand) -> None:
        inbox: Path = stand.emulator.inbox
        if inbox.is_file():
            inbox.unlink()
        inbox.with_name("away").rename(inbox)

    def wrong(self, stand: Stand) -> Sequence[Mapping[str, str]]:
        # A folder asks for no login.
        return ()

    def dead(self, stand: Stand) -> Mapping[str, str]:
        return {"csv_inbox": "/nowhere/at/all"}

    def asked(self, stand: Stand) -> int:
        inbox = str(stand.emulator.inbox)
        return sum(path.startswith(inbox) for path in _looks)
