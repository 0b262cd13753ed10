"""What people chose for one document, or for all documents of one template, instead of what the ladder gives.

Writes `overrides`: a row a chosen field.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec
from sqlalchemy import select

from xerotui.model.kinds import Kind
from xerotui.model.work import Topic
from xerotui.store import tables
from xerotui.store.keys import chunks, micros, moment
from xerotui.store.tx import Tx

_table = tables.overrides
_KEY = ("connection", "tenant", "kind", "record", "line", "field")
# Before the id of a template, which is no record of its own.
TEMPLATE = "template:"


class Override(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One chosen value. `record` is the document's id, or a template's after `TEMPLATE`; `line` a line's id or blank.

    `field` is status, theme, number or date, of a line account, tax, item, or `tracking:` and a category's id. `title`
    is the value as people read it.
    """

    connection: str
    tenant: str
    kind: Kind
    record: str
    field: str
    value: str
    line: str = ""
    title: str = ""
    actor: str = ""
    at: dt.datetime | None = None

    @property
    def path(self) -> tuple[str, str]:
        """What of the document it is about."""
        return (self.line, self.field)


def digest(overrides: Iterable[Override]) -> str:
    """A mark of what is chosen, blank for nothing: an operation made under another one is out of date."""
    chosen = sorted((o.record, o.line, o.field, o.value) for o in overrides)
    return sha256(msgspec.json.encode(chosen)).hexdigest()[:16] if chosen else ""


@dataclass(frozen=True)
class Chosen:
    """The choices of one document, and those of its template."""

    own: tuple[Override, ...] = ()
    template: tuple[Override, ...] = ()

    @property
    def mark(self) -> str:
        """What a basis keeps of them."""
        return digest((*self.own, *self.template))

    def of(self, field: str, line: str = "") -> Override | None:
        """The choice of one field."""
        for o in (*self.own, *self.template):
            if o.path == (line, field):
                return o
        return None

    def all(self) -> tuple[Override, ...]:
        """Those that hold: the document's own, and of its template's what it hasn't chosen itself."""
        mine = {o.path for o in self.own}
        return (*self.own, *(o for o in self.template if o.path not in mine))

    def lines(self) -> set[str]:
        """The lines that something is chosen for."""
        return {o.line for o in self.own if o.line}


class Overrides:
    """Chosen values of documents."""

    async def put(self, tx: Tx, overrides: Sequence[Override]) -> None:
        """Keep these, each in place of the one before of its field."""
        await tx.upsert(_table, [_values(o, tx.now()) for o in overrides])
        if overrides:
            tx.bump(Topic.PROBLEMS, Topic.PLANS)

    async def drop(self, tx: Tx, overrides: Sequence[Override]) -> None:
        """Take these away."""
        for o in overrides:
            values = _values(o, 0)
            await tx.run(_table.delete().where(*(_table.c[name] == values[name] for name in _KEY)))
        if overrides:
            tx.bump(Topic.PROBLEMS, Topic.PLANS)

    async def for_pair(self, tx: Tx, connection: str, tenant: str) -> dict[tuple[Kind, str], tuple[Override, ...]]:
        """All of a pair, by kind and record."""
        query = select(_table).where(_table.c.connection == connection, _table.c.tenant == tenant)
        return _grouped([_override(row) for row in await tx.all(query.order_by(*(_table.c[name] for name in _KEY)))])

    async def many(
        self, tx: Tx, connection: str, tenant: str, kind: Kind, records: Sequence[str]
    ) -> dict[str, tuple[Override, ...]]:
        """Those of some records, by record."""
        found: list[Override] = []
        mine = (_table.c.connection == connection, _table.c.tenant == tenant, _table.c.kind == kind.value)
        for some in chunks(list(dict.fromkeys(records))):
            query = select(_table).where(*mine, _table.c.record.in_(some))
            found += [_override(row) for row in await tx.all(query.order_by(*(_table.c[name] for name in _KEY)))]
        return {record: overrides for (_, record), overrides in _grouped(found).items()}


def _grouped(found: Iterable[Override]) -> dict[tuple[Kind, str], tuple[Override, ...]]:
    grouped: dict[tuple[Kind, str], tuple[Override, ...]] = {}
    for o in found:
        key = (o.kind, o.record)
        grouped[key] = (*grouped.get(key, ()), o)
    return grouped


def _values(o: Override, now: int) -> dict[str, object]:
    return {
        "connection": o.connection,
        "tenant": o.tenant,
        "kind": o.kind.value,
        "record": o.record,
        "line": o.line,
        "field": o.field,
        "value": o.value,
        "title": o.title,
        "actor": o.actor,
        "at": micros(o.at) if o.at else now,
    }


def _override(row: object) -> Override:
    values = {name: getattr(row, name) for name in (*_KEY, "value", "title", "actor")}
    return Override(**{**values, "kind": Kind(values["kind"])}, at=moment(getattr(row, "at")))  # noqa: B009
