"""A suite for plugin authors to run against their source: `xerotui.source.conformance` under its short name."""

from xerotui.source.conformance import SourceSuite, Stand

__all__ = ["SourceSuite", "Stand"]
