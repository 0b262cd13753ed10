"""A plugin whose source raises what it mustn't; the plugin itself is in order."""

from collections.abc import AsyncIterator, Sequence

from tests.plugins_zoo.sound import SoundSource
from xerotui.model.kinds import Kind
from xerotui.source.contract import Fact, Page, Source
from xerotui.source.hooks import hookimpl

XEROTUI_CONTRACT = 1


class RaisingSource(SoundSource):
    """Fails at everything, half-way through a listing too."""

    name = "raising"

    async def check(self) -> tuple[Fact, ...]:
        """No."""
        raise ZeroDivisionError("check")

    async def pages(self, kind: Kind, cursor: str) -> AsyncIterator[Page]:
        """One page, then no more."""
        yield Page(cursor="1")
        raise ZeroDivisionError("pages")


@hookimpl
def xerotui_sources() -> Sequence[type[Source]]:
    """The one source."""
    return [RaisingSource]
