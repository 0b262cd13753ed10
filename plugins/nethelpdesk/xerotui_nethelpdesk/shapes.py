"""The columns of a table as the database itself describes them, and values made to fit their types.

Asked for only before something is written; reading goes by names alone.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.types import TypeEngine

from xerotui.source.contract import SourceRefused
from xerotui_nethelpdesk.mapping import Found

# What NetHelpDesk itself writes for "no date" (nethelpdesk section 5.1).
NO_DATE = dt.datetime(1900, 1, 1)  # noqa: DTZ001


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One column: its type, whether a row needs a value for it, and whether the database fills it by itself."""

    type: TypeEngine[Any]
    needed: bool = False
    filled: bool = False

    @property
    def length(self) -> int:
        """How many characters it takes; 0 for no limit."""
        return getattr(self.type, "length", None) or 0


Shapes = Mapping[str, Shape]


def shapes(connection: Connection, found: Found) -> dict[str, Shape]:
    """The columns of an entity's table by their real name. Raises SourceRefused where it isn't there any more."""
    try:
        columns = sa.inspect(connection).get_columns(found.table, schema=found.schema or None)
    except sa.exc.NoSuchTableError:
        raise SourceRefused(f"The table {found.table} isn't there any more; nothing is written.") from None
    return {
        str(one["name"]): Shape(
            type=one["type"],
            needed=not one.get("nullable", True) and one.get("default") is None,
            filled=bool(one.get("identity") or one.get("computed")),
        )
        for one in columns
    }


def fitted(shape: Shape | None, value: Any) -> Any:
    """A value as the column's type takes it: bits of a mirror may be numbers, dates of SQLite are texts.

    An amount becomes a float only where the column is one; the line rule of `values` reads the same decimal back.
    """
    kind = shape.type if shape else None
    if value is None:
        return None
    if isinstance(value, bool):
        return value if isinstance(kind, sa.Boolean) else int(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", "microseconds") if isinstance(kind, sa.String) else value
    if isinstance(value, Decimal):
        return value if isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float) else float(value)
    if isinstance(value, int) and isinstance(kind, sa.Float):
        return float(value)
    return value


def nothing(found: Found, column: str, shape: Shape) -> Any:
    """What stands for nothing in a column that needs a value. Raises SourceRefused for a type that has no such."""
    if isinstance(shape.type, sa.Boolean):
        return False
    if isinstance(shape.type, sa.Integer | sa.Numeric):
        return 0
    if isinstance(shape.type, sa.String):
        return ""
    if isinstance(shape.type, sa.DateTime | sa.Date):
        return NO_DATE
    raise SourceRefused(
        f"NetHelpDesk's column {found.table}.{column} needs a value of a type that XeroTUI has none for; nothing is "
        "created there."
    )
