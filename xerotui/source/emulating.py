"""What an emulated source brings to the sandbox and to the conformance suite; only the protocol may live here."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Emulator(Protocol):
    """A source emulated for the sandbox and the conformance suite; HTTP is no part of this protocol.

    World, clock and service are those of `xerotui.sandbox`, which the core doesn't import. `name` is the emulator's
    own, unique among all; `source` names the source that speaks to it, of which there may be several emulators (an old
    and a new release).
    """

    name: str
    source: str

    @property
    def service(self) -> Any:
        """The running `xerotui.sandbox.service.Service`: its control routes, journal, faults and violations."""
        ...

    def load(self, world: Any) -> None:
        """Take over the part of the demo world that this source holds."""
        ...

    async def start(self, clock: Any) -> None:
        """Begin to serve on loopback, in the world time of `clock`."""
        ...

    def settings(self) -> Mapping[str, str]:
        """What a connection to it needs, by field name of the source's settings."""
        ...

    def totals(self) -> Mapping[str, Any]:
        """Documents meant for Xero, `sent` and `blocked`, as `{tenant: {currency: {kind: {documents, total}}}}`."""
        ...

    def expected(self) -> Sequence[Mapping[str, Any]]:
        """The trouble seeded in it, one entry for each record that is stopped: `{code, kind, id, mended}`.

        `code` is the problem under which it must be found, `kind` and `id` those of the source's record; `mended` marks
        what the demo mends by mapping a tax rate. Such a rate has an entry of the kind `tax_rate` with its source value
        as id; the demo doesn't map it before it is mended.
        """
        ...

    async def stop(self) -> None:
        """Stop serving."""
        ...
