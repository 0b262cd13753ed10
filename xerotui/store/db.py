"""One state of the book in memory: a TinyDB over a dictionary, and typed ways into its tables."""

from collections.abc import Mapping as Mapped
from typing import Any, TypeVar

import msgspec
from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Document, Table

from xerotui.model.problems import SyncError
from xerotui.store.documents import (
    Mapping,
    Native,
    Pair,
    SourceConnection,
    TenantDoc,
    Tick,
    XeroConnectionDoc,
    mapping_key,
    pair_key,
)

D = TypeVar("D", SourceConnection, XeroConnectionDoc, TenantDoc, Pair, Mapping, Tick, Native)
Tables = dict[str, dict[str, Any]]


class _Held(Storage):
    """TinyDB's storage: the dictionary itself. Writing the file is the book's."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    def read(self) -> Tables:
        return self.tables

    def write(self, data: Mapped[str, Any]) -> None:
        self.tables = {name: dict(table) for name, table in data.items()}


class _Table(Table):
    # Numbers from a counter would collide between processes.
    document_id_class = str  # type: ignore[assignment]

    def __init__(self, storage: Storage, name: str, cache_size: int = 0, persist_empty: bool = False) -> None:
        # No query cache: it outlives what another process writes.
        super().__init__(storage, name, cache_size=0, persist_empty=persist_empty)


class _Tiny(TinyDB):
    table_class = _Table


class Db:
    """The book as read at one revision. Changes are kept only when made through `Book.change` or `Book.edit`.

    `read_only` says in words why it can't be changed, blank when it can.
    """

    def __init__(self, tables: Tables, revision: int, read_only: str = "") -> None:
        self._held = _Held(tables)
        self.tiny = _Tiny(tables, storage=_as_is(self._held))
        self.revision = revision
        self.read_only = read_only

    @property
    def tables(self) -> Tables:
        """What would be written."""
        return self._held.tables

    def sources(self) -> list[SourceConnection]:
        """Every source connection, by id."""
        return self._all("sources", SourceConnection)

    def source(self, id: str) -> SourceConnection | None:
        """One source connection."""
        return self._get("sources", SourceConnection, id)

    def put_source(self, document: SourceConnection) -> None:
        """Save a source connection."""
        self._put("sources", document)

    def drop_source(self, id: str) -> None:
        """Remove a source connection with its pairs, mappings and ticks."""
        self._drop("sources", id)
        for tick in self.ticks(id):
            self._drop("ticks", tick.key)
        for pair in self.pairs(id):
            self._drop("pairs", pair.key)
        for mapping in self._all("mappings", Mapping):
            if mapping.connection == id:
                self._drop("mappings", mapping.key)

    def xeros(self) -> list[XeroConnectionDoc]:
        """Every Xero connection, by id."""
        return self._all("xero", XeroConnectionDoc)

    def xero(self, id: str) -> XeroConnectionDoc | None:
        """One Xero connection."""
        return self._get("xero", XeroConnectionDoc, id)

    def put_xero(self, document: XeroConnectionDoc) -> None:
        """Save a Xero connection."""
        self._put("xero", document)

    def drop_xero(self, id: str) -> None:
        """Remove a Xero connection; its tenants stay, unreachable."""
        self._drop("xero", id)

    def tenants(self) -> list[TenantDoc]:
        """Every tenant, by id."""
        return self._all("tenants", TenantDoc)

    def tenant(self, tenant: str) -> TenantDoc | None:
        """One tenant."""
        return self._get("tenants", TenantDoc, tenant)

    def put_tenant(self, document: TenantDoc) -> None:
        """Save a tenant."""
        self._put("tenants", document)

    def drop_tenant(self, tenant: str) -> None:
        """Remove a tenant with its pairs and mappings."""
        self._drop("tenants", tenant)
        for pair in self.all_pairs():
            if pair.tenant == tenant:
                self._drop("pairs", pair.key)
        for mapping in self._all("mappings", Mapping):
            if mapping.tenant == tenant:
                self._drop("mappings", mapping.key)

    def all_pairs(self) -> list[Pair]:
        """Every pair, by source connection and tenant."""
        return self._all("pairs", Pair)

    def pairs(self, source: str) -> list[Pair]:
        """The pairs of a source connection."""
        return [pair for pair in self.all_pairs() if pair.source == source]

    def pair(self, source: str, tenant: str) -> Pair | None:
        """One pair."""
        return self._get("pairs", Pair, pair_key(source, tenant))

    def put_pair(self, document: Pair) -> None:
        """Save a pair."""
        self._put("pairs", document)

    def drop_pair(self, source: str, tenant: str) -> None:
        """Remove a pair; its mappings stay."""
        self._drop("pairs", pair_key(source, tenant))

    def ticks(self, source: str) -> list[Tick]:
        """The steps of a source connection's setup that somebody looked at."""
        return [tick for tick in self._all("ticks", Tick) if tick.source == source]

    def put_tick(self, document: Tick) -> None:
        """Save that a step was looked at."""
        self._put("ticks", document)

    def drop_tick(self, document: Tick) -> None:
        """Forget that a step was looked at."""
        self._drop("ticks", document.key)

    def mappings(self, connection: str, tenant: str, spec: str | None = None) -> list[Mapping]:
        """The mappings of a pair, or those of one spec."""
        mine = (m for m in self._all("mappings", Mapping) if (m.connection, m.tenant) == (connection, tenant))
        return [m for m in mine if spec in (None, m.spec)]

    def mapping(self, spec: str, connection: str, value: str, trade: str, tenant: str) -> Mapping | None:
        """One mapping."""
        return self._get("mappings", Mapping, mapping_key(spec, connection, value, trade, tenant))

    def put_mapping(self, document: Mapping) -> None:
        """Save a mapping; it gets a new revision unless its target is what it was."""
        old = self._get("mappings", Mapping, document.key)
        # The book's own number: it grows with every save, also when a mapping was removed in between.
        same = old is not None and old.target == document.target
        revision = old.revision if old is not None and same else self.revision + 1
        self._put("mappings", msgspec.structs.replace(document, revision=revision))

    def drop_mapping(self, spec: str, connection: str, value: str, trade: str, tenant: str) -> None:
        """Remove a mapping."""
        self._drop("mappings", mapping_key(spec, connection, value, trade, tenant))

    def native(self, source: str, tenant: str) -> Native | None:
        """A person's word about the source's own sync with a tenant."""
        return self._get("native", Native, pair_key(source, tenant))

    def put_native(self, document: Native) -> None:
        """Save such a word."""
        self._put("native", document)

    def drop_native(self, source: str, tenant: str) -> None:
        """Take it back."""
        self._drop("native", pair_key(source, tenant))

    def _all(self, table: str, type_: type[D]) -> list[D]:
        rows = self.tiny.table(table).all()
        return [_typed(table, row, type_) for row in sorted(rows, key=lambda row: str(row.doc_id))]

    def _get(self, table: str, type_: type[D], key: str) -> D | None:
        row = self.tiny.table(table).get(doc_id=key)  # type: ignore[call-overload]
        return _typed(table, row, type_) if row is not None else None

    def _put(self, table: str, document: D) -> None:
        self._drop(table, document.key)
        plain = msgspec.to_builtins(document)
        self.tiny.table(table).insert(Document(plain, doc_id=document.key))  # type: ignore[arg-type]

    def _drop(self, table: str, key: str) -> None:
        found = self.tiny.table(table)
        if found.contains(doc_id=key):  # type: ignore[arg-type]
            found.remove(doc_ids=[key])  # type: ignore[list-item]


def mappings(db: Db, connection: str, tenant: str) -> list[Mapping]:
    """The mappings of a pair."""
    return db.mappings(connection, tenant)


def _as_is(held: _Held) -> Any:
    return lambda _: held


def _typed(table: str, row: Any, type_: type[D]) -> D:
    try:
        return msgspec.convert(dict(row), type_)
    except msgspec.ValidationError as error:
        raise SyncError(
            f"The book holds an entry of {table} that can't be read: {error}.",
            "Correct it in the file, or restore a backup.",
            code="core.book",
        ) from None
