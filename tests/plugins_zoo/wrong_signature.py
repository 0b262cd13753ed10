"""A plugin whose hook asks for an argument that the contract doesn't give."""

from collections.abc import Sequence

from xerotui.source.contract import Source
from xerotui.source.hooks import hookimpl

XEROTUI_CONTRACT = 1


@hookimpl
def xerotui_sources(engine: object) -> Sequence[type[Source]]:
    """There is no engine to be had."""
    return ()
