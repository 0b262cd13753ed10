"""The suite that plugin authors subclass: what it needs to be told, and the checks of all parts together."""

from xerotui.source.conformance.declaring import Declaring
from xerotui.source.conformance.reading import Reading
from xerotui.source.conformance.writing import Writing


class SourceSuite(Declaring, Reading, Writing):
    """Every check of a source plugin, as pytest tests.

    A subclass named `Test…` sets `source`, `emulator`, `world` and `clock`, and tells by `touch`, `remove` and `spoil`
    what a person does at the source's own screens. What a source doesn't declare is skipped with that reason.
    """
