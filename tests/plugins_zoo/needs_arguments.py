"""A plugin that is a class which can't be made without arguments, and a source of that sort."""

from collections.abc import Sequence
from typing import Any

from tests.plugins_zoo.sound import SoundSource
from xerotui.source.contract import Context, Source
from xerotui.source.hooks import hookimpl


class Plugin:
    """Wants to know what nobody tells it."""

    XEROTUI_CONTRACT = 1

    def __init__(self, home: str) -> None:
        self.home = home

    @hookimpl
    def xerotui_sources(self) -> Sequence[type[Source]]:
        """None."""
        return ()


class GreedySource(SoundSource):
    """A source that wants more than settings and context."""

    name = "greedy"

    def __init__(self, settings: Any, context: Context, engine: object) -> None:
        super().__init__(settings, context)
        self.engine = engine


class GreedyPlugin:
    """Brings the greedy source."""

    XEROTUI_CONTRACT = 1

    @hookimpl
    def xerotui_sources(self) -> Sequence[type[Source]]:
        """The greedy one."""
        return [GreedySource]
