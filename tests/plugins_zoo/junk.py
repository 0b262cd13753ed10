"""A plugin whose hooks answer anything but what was asked."""

from typing import Any

from xerotui.model.records import Record
from xerotui.source.contract import FieldChange
from xerotui.source.hooks import hookimpl

XEROTUI_CONTRACT = 1
ANSWERS: dict[str, Any] = {
    "text": "reference",
    "number": 7,
    "things": [object()],
    "untyped": [FieldChange("reference", 5, "why")],  # type: ignore[arg-type]
    "nothing": None,
}


@hookimpl
def xerotui_resolve(record: Record) -> Any:
    """Junk of the record's choosing."""
    return ANSWERS[record.id]


@hookimpl
async def xerotui_check(record: Record) -> Any:
    """A coroutine that nobody awaits."""
    return ()
