"""A plugin whose source has the name of another plugin's."""

from collections.abc import Sequence

from tests.plugins_zoo.sound import SoundSource
from xerotui.source.contract import Source
from xerotui.source.hooks import hookimpl

XEROTUI_CONTRACT = 1


class Twin(SoundSource):
    """Another class, the same name."""


@hookimpl
def xerotui_sources() -> Sequence[type[Source]]:
    """The twin."""
    return [Twin]
