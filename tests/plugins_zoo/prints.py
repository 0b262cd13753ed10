"""A plugin that prints, at import and in its hooks."""

from collections.abc import Sequence

from xerotui.model.records import Record
from xerotui.source.contract import FieldChange
from xerotui.source.hooks import hookimpl

XEROTUI_CONTRACT = 1
print("hello from the import")  # noqa: T201


@hookimpl
def xerotui_resolve(record: Record) -> Sequence[FieldChange]:
    """Prints, and changes nothing."""
    print("hello from the hook")  # noqa: T201
    return ()
