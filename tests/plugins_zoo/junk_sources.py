"""A plugin whose sources are no sources."""

from typing import Any

from xerotui.source.hooks import hookimpl

XEROTUI_CONTRACT = 1


@hookimpl
def xerotui_sources() -> Any:
    """A class of no kind."""
    return [dict]
