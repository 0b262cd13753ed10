"""A plugin with a hook that doesn't exist."""

from collections.abc import Sequence

from xerotui.source.contract import Source
from xerotui.source.hooks import hookimpl

XEROTUI_CONTRACT = 1


@hookimpl
def xerotui_soruces() -> Sequence[type[Source]]:
    """Two letters the wrong way round."""
    return ()
