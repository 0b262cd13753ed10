"""What the ledger's tables are made of: their metadata, the sorts of columns, the conditions of indexes.

Texts and numbers are never NULL, so that keysets work: blank and 0 stand for none. Instants are microseconds since
1970 in UTC; amounts are exact text, beside them millionths for sorting and sums. Lasting structs are JSON text.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, MetaData, Text, text

metadata = MetaData()


def chars(name: str, **more: Any) -> Column[str]:
    """Text, blank for none."""
    return Column(name, Text, nullable=False, **more)


def whole(name: str, **more: Any) -> Column[int]:
    """A whole number of 64 bits: counts, instants, amounts in millionths."""
    return Column(name, BigInteger, nullable=False, **more)


def blob(name: str) -> Column[bytes]:
    """Bytes, none of them for none."""
    return Column(name, LargeBinary, nullable=False)


def flag(name: str) -> Column[bool]:
    """True or false."""
    return Column(name, Boolean(create_constraint=False), nullable=False)


def key(*names: str) -> list[Column[str]]:
    """The texts that a row is found by."""
    return [chars(name, primary_key=True) for name in names]


def where(condition: str) -> dict[str, Any]:
    """An index's condition, as both databases take it."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def among(column: str, values: tuple[str, ...]) -> str:
    """The condition that a column holds one of these values."""
    return f"{column} IN ({', '.join(repr(str(v)) for v in values)})"
