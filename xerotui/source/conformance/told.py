"""What is told to the suite: the parts of a plugin, what a person does at the source, and how its line is disturbed.

What a disturbance is for an HTTP service stands here as the default; a source that is something else overrides it.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from xerotui.model.kinds import Kind
from xerotui.model.settings import fields
from xerotui.source.conformance.stand import Stand, standing
from xerotui.source.contract import Capability, Source


class Told:
    """What a subclass tells.

    `emulator()` is a new emulator, `world()` the demo world (`xerotui.sandbox.world.build`, a small one), `clock(path)`
    a `xerotui.sandbox.clock.WorldClock`. `edits` are the kinds that `touch` can change and `remove` can remove,
    `spoils` those that `spoil` can. `refusal` is the throttle answer of the source, as a fault, and `refused_for` the
    world seconds that it asks for; None says that the source throttles nobody. `writes` says which requests of the
    source are writes. `address` is the setting that holds the address.
    """

    source: ClassVar[type[Source]]
    emulator: ClassVar[Any]
    world: ClassVar[Any]
    clock: ClassVar[Any]
    edits: ClassVar[tuple[Kind, ...]] = (Kind.CUSTOMER, Kind.INVOICE)
    spoils: ClassVar[tuple[Kind, ...]] = (Kind.INVOICE,)
    refusal: ClassVar[dict[str, Any] | None] = {"do": "status", "status": 429, "headers": {"retry-after": "7"}}
    refused_for: ClassVar[float] = 7.0
    writes: ClassVar[dict[str, str]] = {"method": "POST"}
    address: ClassVar[str] = "url"

    pytestmark = pytest.mark.asyncio
    _worlds: ClassVar[dict[type, Any]] = {}

    def standing(self, home: Path) -> AbstractAsyncContextManager[Stand]:
        """A stand on a new emulator; the world is made once a class."""
        made = type(self)
        if made not in self._worlds:
            self._worlds[made] = made.world()
        return standing(made.source, made.emulator(), self._worlds[made], made.clock, home)

    # What a person does at the source's own screens.

    async def touch(self, stand: Stand, kind: Kind, id: str, words: str) -> None:
        """A person puts `words` where the record shows them: a customer's name, an invoice's reference."""
        raise NotImplementedError("the suite must be told how a record is changed at the source: override touch()")

    async def remove(self, stand: Stand, kind: Kind, id: str) -> None:
        """A person deletes the record."""
        raise NotImplementedError("the suite must be told how a record is deleted at the source: override remove()")

    async def spoil(self, stand: Stand, kind: Kind, id: str) -> None:
        """The record becomes one that can't be read: an amount that is no number."""
        raise NotImplementedError("the suite must be told how a record is spoilt: override spoil()")

    async def handed(self, stand: Stand, kind: Kind) -> Sequence[str]:
        """The names of the records that the source's own importer finds after `hand_over`."""
        raise NotImplementedError("the suite must be told what was handed over: override handed()")

    # How the line is disturbed. Each answers whether it is so now: False where nothing of the sort can happen to the
    # source. `mend` ends what is still in force.

    async def cut_before(self, stand: Stand) -> bool:
        """The next write is cut off before it arrives."""
        return self._next_write(stand, do="cut_before")

    async def cut_after(self, stand: Stand) -> bool:
        """The next write is done, and cut off before that is said."""
        return self._next_write(stand, do="cut_after")

    async def fail(self, stand: Stand) -> bool:
        """The next write isn't done, by a fault of the source that leaves open whether it was."""
        return self._next_write(stand, do="status", status=500)

    async def refuse(self, stand: Stand, words: str) -> bool:
        """The next write is refused in these words."""
        return self._next_write(stand, do="status", status=400, text=words)

    async def throttle(self, stand: Stand, *, write: bool = False) -> bool:
        """The next read, or write, is answered with `refusal`."""
        if self.refusal is None:
            return False
        chosen = self.writes if write else {"method": "GET", "path": "."}
        stand.fault(**{**chosen, "times": 1, **self.refusal})
        return True

    async def forbid(self, stand: Stand) -> bool:
        """What is read is refused from now on, though the login is good."""
        stand.fault(do="status", status=403, method="GET", path=".")
        return True

    async def garble(self, stand: Stand) -> bool:
        """What is read is answered from now on with something that is no answer."""
        stand.fault(do="body", text="<html>maintenance</html>", headers={"content-type": "text/html"}, method="GET")
        return True

    async def mend(self, stand: Stand) -> None:
        """The line is sound again."""
        stand.mend()

    # How a wrong connection is told, and what contacts there were.

    def wrong(self, stand: Stand) -> Sequence[Mapping[str, str]]:
        """Settings, changed so that the login is refused; none where the emulated source asks for no login."""
        return [{f.name: f"wrong-{f.name}-0815"} for f in fields(stand.type.settings_type) if f.secret]

    def dead(self, stand: Stand) -> Mapping[str, str]:
        """Settings, changed so that there is nobody to be asked."""
        return {self.address: "http://127.0.0.1:9"} if self.address in stand.settings else {}

    def asked(self, stand: Stand) -> int:
        """How often the source has asked its system so far."""
        return stand.meter.taken

    def ungoverned(self, stand: Stand) -> int:
        """How many of its calls had no permit; 0 where the source counts none."""
        return len(stand.requests) - stand.meter.taken

    def declares(self, stand: Stand, capability: Capability) -> None:
        """Skip the check when the connection hasn't the capability."""
        if not stand.can.has(capability):
            pytest.skip(f"{self.source.title} doesn't declare {capability.value}")

    def _next_write(self, stand: Stand, **order: Any) -> bool:
        stand.fault(**{**self.writes, **order, "times": 1})
        return True
