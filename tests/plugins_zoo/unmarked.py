"""A plugin whose hooks aren't marked."""

from collections.abc import Sequence

from xerotui.source.contract import Source

XEROTUI_CONTRACT = 1


def xerotui_sources() -> Sequence[type[Source]]:
    """Nobody will ever call this."""
    return ()
