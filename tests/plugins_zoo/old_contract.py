"""A plugin that was built for a contract of the past."""

from collections.abc import Sequence

from xerotui.source.contract import Source
from xerotui.source.hooks import hookimpl

XEROTUI_CONTRACT = 0


@hookimpl
def xerotui_sources() -> Sequence[type[Source]]:
    """None."""
    return ()
