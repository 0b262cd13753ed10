"""The mapping of this installation: the usual names, what a TOML file changes, and what the database really has.

What may live here: reading the file, resolving names, saying what lacks. Nothing is asked of the database here but
what is handed in.
"""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from xerotui.source.contract import SourceRefused
from xerotui_nethelpdesk.schema import ENTITIES, LINK, NEVER, REQUIRED, Entity
from xerotui_nethelpdesk.statements import bare, fault

# Tables with their columns, both by folded name; values are the names as the database writes them.
Tables = Mapping[str, "Table"]


class Table(msgspec.Struct, frozen=True):
    """A table or view of the database: its name, its schema where that has to be named, its columns by folded name."""

    name: str
    schema: str = ""
    columns: Mapping[str, str] = {}


class Change(msgspec.Struct, frozen=True):
    """What the file says of one entity; a column of "" is one that isn't to be used."""

    table: str = ""
    query: str = ""
    columns: Mapping[str, str] = {}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An entity as it is here. `columns` are the real names by canonical name; `query` stands in for the table.

    `absent` says in words why it can't be read ("" when it can), `missing` are canonical names without a column.
    """

    entity: Entity
    table: str = ""
    schema: str = ""
    query: str = ""
    columns: Mapping[str, str] = {}
    absent: str = ""
    missing: tuple[str, ...] = ()

    def has(self, *names: str) -> bool:
        """Whether it can be read and all these columns are there."""
        return not self.absent and all(name in self.columns for name in names)

    @property
    def where(self) -> str:
        """What it is read from, for people."""
        return "the query of the mapping file" if self.query else self.table or self.entity.table


def _refuse(words: str) -> SourceRefused:
    return SourceRefused(f"Mapping file: {words}")


def load(path: str) -> Mapping[str, Change]:
    """The changes of a mapping file by entity; none for a blank path.

    One table for each entity (`[customer]`, or `[tables.customer]`) with `table`, `columns` or `query`. Raises
    SourceRefused with words for what can't be read or isn't known.
    """
    if not path.strip():
        return {}
    try:
        body = tomllib.loads(Path(path.strip()).expanduser().read_text("utf-8-sig"))
    except OSError as error:
        raise _refuse(f"it can't be read ({error.strerror or type(error).__name__})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _refuse(f"it is no TOML: {str(error)[:120]}") from None
    tables = body.get("tables", body)
    if not isinstance(tables, dict):
        raise _refuse("tables holds no tables")
    return {name: _change(name, value) for name, value in tables.items()}


def _change(name: str, value: Any) -> Change:
    if name not in ENTITIES:
        raise _refuse(f"there is no entity {name[:40]}{_nearest(name, ENTITIES)}")
    try:
        found = msgspec.convert(value, Change)
    except msgspec.ValidationError as error:
        raise _refuse(f"[{name}]: {str(error)[:120]}") from None
    if unknown := [one for one in value if one not in Change.__struct_fields__]:
        raise _refuse(f"[{name}] holds {unknown[0][:40]}; it takes table, columns and query")
    for one, column in found.columns.items():
        if one not in ENTITIES[name].names:
            raise _refuse(f"[{name}] has no column {one[:40]}{_nearest(one, ENTITIES[name].names)}")
        if column.casefold() in NEVER:
            raise _refuse(f"[{name}]: {column} holds a secret of NetHelpDesk's own and is never read")
    if found.query:
        if why := fault(found.query):
            raise _refuse(f"the query of [{name}] is refused: {why}")
        if words := [one for one in NEVER if one in found.query.casefold()]:
            raise _refuse(f"the query of [{name}] names {words[0]}, which holds a secret and is never read")
        if found.table or found.columns:
            raise _refuse(f"[{name}] has a query, which gives table and columns by itself")
    return found


def _nearest(word: str, known: Any) -> str:
    near = difflib.get_close_matches(word, list(known), 1)
    return f"; {near[0]} is one" if near else ""


def resolve(
    changes: Mapping[str, Change],
    tables: Tables,
    queries: Mapping[str, tuple[str, ...]],
    broken: Mapping[str, str] | None = None,
) -> dict[str, Found]:
    """Every entity as it is in this database; names are compared without regard to case.

    `queries` are the columns that the queries of the file return, by entity; `broken` are the words of those that fail.
    """
    found = {}
    for name, entity in ENTITIES.items():
        change = changes.get(name, Change())
        if broken and name in broken:
            found[name] = Found(entity=entity, query=bare(change.query), absent=broken[name], missing=entity.names)
            continue
        if change.query:
            columns = {one.casefold(): one for one in queries.get(name, ())}
            wanted = {one: one for one in entity.names}
            found[name] = _found(entity, wanted, columns, query=bare(change.query))
            continue
        name_here = (change.table or entity.table).casefold()
        # A table may be named with its schema.
        table = tables.get(name_here) or tables.get(name_here.rpartition(".")[2])
        if table is None:
            missing = tuple(entity.names)
            absent = f"there is no table {change.table or entity.table}"
            found[name] = Found(entity=entity, table=change.table or entity.table, absent=absent, missing=missing)
            continue
        wanted = {one.name: change.columns.get(one.name, one.column) for one in entity.columns}
        found[name] = _found(entity, wanted, table.columns, table=table.name, schema=table.schema)
    return found


def _found(entity: Entity, wanted: Mapping[str, str], there: Mapping[str, str], **source: str) -> Found:
    columns = {name: there[column.casefold()] for name, column in wanted.items() if column.casefold() in there}
    missing = tuple(name for name in entity.names if name not in columns)
    lacking = [wanted[one.name] or one.name for one in entity.columns if one.need == REQUIRED and one.name in missing]
    where = source.get("table") or "the query"
    absent = f"{where} has no column {', '.join(lacking)}" if lacking else ""
    if not columns and not absent:
        absent = f"{where} has none of the columns looked for"
    return Found(entity=entity, columns=columns, absent=absent, missing=missing, **source)


def without(found: Found, need: str) -> tuple[str, ...]:
    """The usual names of the missing columns of one need, for people."""
    columns = {one.name: one for one in found.entity.columns}
    return tuple(columns[name].column for name in found.missing if columns[name].need == need)


def keeps_links(found: Found) -> bool:
    """Whether the Xero id can be kept in the database itself."""
    return found.has("xero_id") and not found.query


__all__ = ["LINK", "Change", "Found", "Table", "Tables", "keeps_links", "load", "resolve", "without"]
