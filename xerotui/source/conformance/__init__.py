"""A published suite that every source plugin passes with its emulator: subclass `SourceSuite` in a test module.

It needs pytest and pytest-asyncio (extra `testing`). `xerotui.conformance` is the same under its short name.
"""

import pytest

pytest.register_assert_rewrite(
    "xerotui.source.conformance.told",
    "xerotui.source.conformance.declaring",
    "xerotui.source.conformance.reading",
    "xerotui.source.conformance.writing",
)

from xerotui.source.conformance.stand import Stand  # noqa: E402
from xerotui.source.conformance.suite import SourceSuite  # noqa: E402

__all__ = ["SourceSuite", "Stand"]
