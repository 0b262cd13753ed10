"""The statements that read NetHelpDesk, in SQLAlchemy Core: portable, and never more than the mapped columns."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from xerotui_nethelpdesk.mapping import Found

Raw = Mapping[str, Any]
Statement = sa.Select[Any]
# Rows of a page, and values of an IN list: SQL Server takes 2100 parameters (nethelpdesk section 9).
SIZE = 500
# DATETIME columns default to 1900-01-01, which is no date.
_NO_DATE = dt.datetime(1902, 1, 1)  # noqa: DTZ001


def origin(found: Found) -> sa.FromClause:
    """The table, or the query of the mapping file as a subquery."""
    columns: list[Any] = [sa.column(name) for name in dict.fromkeys(found.columns.values())]
    if found.query:
        return sa.text(found.query.replace(":", "\\:")).columns(*columns).subquery("q")
    return sa.table(found.table, *columns, schema=found.schema or None)


def _columns(found: Found, source: sa.FromClause, names: Sequence[str]) -> list[Any]:
    long = {one.name for one in found.entity.columns if one.long and not found.query}
    made: list[Any] = []
    for name in names:
        if name in found.columns:
            column = source.c[found.columns[name]]
            # NTEXT can be neither compared nor sorted.
            made.append((sa.cast(column, sa.Unicode()) if name in long else column).label(name))
    return made


def base(found: Found, names: Sequence[str] = ()) -> tuple[Statement, Mapping[str, Any]]:
    """A SELECT of these columns, all where none are named, and its columns by canonical name for conditions."""
    source = origin(found)
    by_name = {name: source.c[column] for name, column in found.columns.items()}
    statement = sa.select(*_columns(found, source, names or found.entity.names))
    if found.entity.positive and not found.query:
        # Ids below zero are templates (nethelpdesk section 5.1).
        statement = statement.where(by_name["id"] > 0)
    return statement, by_name


def whole(found: Found, names: Sequence[str] = ()) -> Statement:
    """Every row of a short list."""
    return base(found, names)[0]


def page(
    found: Found, *, after: Any = None, since: Any = None, dated: Any = None, names: Sequence[str] = ()
) -> Statement:
    """A page in the order of the key, after a key; `since` narrows by stamp, `dated` by document date.

    With both a row comes for either. One without a stamp, or one of 1900, might have changed: it always comes. So does
    one without a date.
    """
    statement, columns = base(found)
    key = columns["id"]
    statement = statement.where(key.is_not(None)) if after is None else statement.where(key > after)
    either: list[sa.ColumnElement[bool]] = []
    for name, floor in (("modified", since), ("date", dated)):
        if floor is not None:
            either += [columns[name] >= floor, columns[name].is_(None), columns[name] < _NO_DATE]
    if either:
        statement = statement.where(sa.or_(*either))
    return statement.order_by(key).limit(SIZE)


def newest(found: Found) -> Statement:
    """The row of the highest key."""
    statement, columns = base(found)
    return statement.order_by(columns["id"].desc()).limit(1)


def among(found: Found, name: str, values: Sequence[Any], names: Sequence[str] = ()) -> list[Statement]:
    """The rows whose column is one of the values, in as many statements as that takes."""
    statement, columns = base(found, names)
    parts = [values[n : n + SIZE] for n in range(0, len(values), SIZE)]
    return [statement.where(columns[name].in_(part)) for part in parts]


def equal(found: Found, name: str, value: Any, names: Sequence[str] = ()) -> Statement:
    """The rows whose column has the value."""
    statement, columns = base(found, names)
    return statement.where(columns[name] == value)


def orphans(lines: Found, headers: Found) -> Statement:
    """How many lines belong to no header: no foreign key forbids it (nethelpdesk section 5.1)."""
    line, header = origin(lines), origin(headers)
    own = line.c[lines.columns["document"]]
    match = sa.select(sa.literal(1)).select_from(header).where(header.c[headers.columns["id"]] == own).exists()
    return sa.select(sa.func.count()).select_from(line).where(~match)


def summary(found: Found) -> Statement:
    """The number of rows, and the newest date where the entity has one."""
    source = origin(found)
    newest: list[Any] = [sa.func.max(source.c[found.columns["date"]])] if found.has("date") else []
    statement = sa.select(sa.func.count(), *newest).select_from(source)
    real = found.entity.positive and not found.query
    return statement.where(source.c[found.columns["id"]] > 0) if real else statement


def fetched(connection: Connection, statements: Statement | Sequence[Statement]) -> list[Raw]:
    """The rows of one statement or several, by canonical name."""
    several = statements if isinstance(statements, Sequence) else (statements,)
    return [dict(row) for one in several for row in connection.execute(one).mappings()]
