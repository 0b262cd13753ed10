"""Everything that is known of one pair (source connection, tenant), loaded once for planning and matching."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Mapping as Mapped
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

from xerotui.model.kinds import DOCUMENTS, PARTIES, Kind, Side, Trade
from xerotui.model.problems import SyncError
from xerotui.model.records import (
    Account,
    Choice,
    Currency,
    Document,
    Item,
    Organisation,
    Party,
    Record,
    Repeating,
    TaxRate,
    Theme,
    Tracking,
)
from xerotui.model.work import Link
from xerotui.store import Departure, Ledger, Mapping, Override, Pair, name_key
from xerotui.sync import former
from xerotui.sync.ports import Ports

# The core's own mapping specs; a source adds its own.
TAX = "tax"
ACCOUNT = "account"
ITEM = "default_item"
# The one source value of the default item.
ANY = "*"
# The target of a mapping that says: on purpose nothing.
NOT_SENT = "-"

T = TypeVar("T", bound=Record)


def code_key(code: str) -> str:
    """Codes, numbers and account numbers compare without regard to case or outer blanks, as Xero does."""
    return code.strip().casefold()


@dataclass
class Contacts:
    """Xero contacts by id, account number and name; lists, because Xero itself holds duplicates (xero-api 9.2)."""

    by_id: dict[str, Party] = field(default_factory=dict)
    by_number: dict[str, list[Party]] = field(default_factory=lambda: defaultdict(list))
    by_name: dict[str, list[Party]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, records: Iterable[Party]) -> "Contacts":
        """The index of these contacts."""
        index = cls()
        for party in records:
            index.by_id[party.id] = party
            if party.number:
                index.by_number[code_key(party.number)].append(party)
            index.by_name[name_key(party.name)].append(party)
        return index


@dataclass
class PairData:
    """One pair's records of both sides, links and mappings, all in memory."""

    connection: str
    source_name: str
    settings: dict[str, str]
    tenant: str
    policy: Pair
    organisation: Organisation
    accounts: dict[str, Account]
    tax_rates: dict[str, TaxRate]
    currencies: frozenset[str]
    tracking: tuple[Tracking, ...]
    themes: tuple[Theme, ...]
    repeating: tuple[Repeating, ...]
    contacts: Contacts
    xero_items: dict[str, Item]
    xero_items_by_id: dict[str, Item]
    xero_documents: dict[Kind, dict[str, Document]]
    xero_numbers: dict[Kind, dict[str, list[Document]]]
    parties: dict[tuple[Kind, str], Party]
    items: dict[str, Item]
    documents: dict[tuple[Kind, str], Document]
    source_taxes: dict[str, TaxRate]
    choices: dict[tuple[str, str], Choice]
    links: dict[tuple[Kind, str], Link]
    mappings: dict[tuple[str, str, str], Mapping]
    # What the source answered to be gone.
    departed: dict[tuple[Kind, str], Departure] = field(default_factory=dict)
    # Contacts that other source connections are linked with.
    shared: frozenset[str] = frozenset()
    # What people chose for single documents and for those of a template.
    overrides: dict[tuple[Kind, str], tuple[Override, ...]] = field(default_factory=dict)
    # Contacts that moved records were linked with before, by `kind:id`.
    former: dict[str, list[str]] = field(default_factory=dict)
    # Xero ids that the source keeps and this organisation hasn't, with the name of the one that has them.
    elsewhere: dict[str, str] = field(default_factory=dict)
    # Documents that were sent to another organisation from here, with its name.
    billed: dict[tuple[Kind, str], str] = field(default_factory=dict)
    # Records that needn't settle again, with the fingerprint for which that holds; a blank one is any: somebody said
    # that it is mended.
    vouched: Mapped[tuple[Kind, str], str] = field(default_factory=dict)

    def mapping(self, spec: str, value: str, trade: Trade) -> Mapping | None:
        """The stored mapping of a value; one made for the other side of the books serves where there is none.

        A tax rate does so only when Xero allows it on this side: income tax must never land on a purchase. Default
        items and accounts are apart.
        """
        mine = self.mappings.get((spec, value, trade.value))
        if mine is not None or spec in (ITEM, ACCOUNT):
            return mine
        other = Trade.PURCHASE if trade is Trade.SALES else Trade.SALES
        theirs = self.mappings.get((spec, value, other.value))
        if theirs is None or spec != TAX:
            return theirs
        rate = self.tax_rates.get(theirs.target)
        needed = "REVENUE" if trade is Trade.SALES else "EXPENSE"
        return theirs if rate is not None and (not rate.classes or needed in rate.classes) else None

    def link(self, kind: Kind, record: str) -> Link | None:
        """The link of a source record in this tenant."""
        return self.links.get((kind, record))

    def linked(self, kind: Kind) -> dict[str, Link]:
        """Links of a kind by Xero id."""
        return {link.xero_id: link for (k, _), link in self.links.items() if k is kind}

    @cached_property
    def free(self) -> dict[tuple[Kind, str, dt.date | None, Decimal | None], list[Document]]:
        """Documents of Xero that no link names, by kind, contact, date and total."""
        found: dict[tuple[Kind, str, dt.date | None, Decimal | None], list[Document]] = {}
        for kind, documents in self.xero_documents.items():
            linked = self.linked(kind)
            for d in documents.values():
                if d.id not in linked:
                    found.setdefault((kind, d.party, d.date, d.total), []).append(d)
        return found

    @cached_property
    def by_contact(self) -> dict[str, list[Document]]:
        """Every document of Xero by its contact."""
        found: dict[str, list[Document]] = {}
        for documents in self.xero_documents.values():
            for d in documents.values():
                found.setdefault(d.party, []).append(d)
        return found

    def mine(self, record: Party | Item | Document) -> bool:
        """True when the record belongs to this tenant: by its own word, its party's, or the pair's default."""
        tenant = record.tenant
        if not tenant and isinstance(record, Document):
            party = self.party_of(record)
            tenant = party.tenant if party else ""
        return tenant == self.tenant or (not tenant and self.policy.default_tenant)

    def record(self, kind: Kind, id: str) -> Record | None:
        """A source record by kind and id."""
        if kind in PARTIES:
            return self.parties.get((kind, id))
        return self.items.get(id) if kind is Kind.ITEM else self.documents.get((kind, id))

    def party_of(self, document: Document) -> Party | None:
        """The customer or supplier of a document."""
        kind = Kind.SUPPLIER if document.kind is Kind.PURCHASE_ORDER else Kind.CUSTOMER
        return self.parties.get((kind, document.party))


def _only(records: Iterable[Record], type_: type[T]) -> list[T]:
    return [r for r in records if isinstance(r, type_)]


def _numbered(documents: Iterable[Document]) -> dict[str, list[Document]]:
    """Documents by number, live ones first: a deleted order must not hide the one that took its number."""
    found: dict[str, list[Document]] = defaultdict(list)
    for document in sorted(documents, key=lambda d: d.status in ("VOIDED", "DELETED")):
        if document.number:
            found[code_key(document.number)].append(document)
    return dict(found)


async def _reference(ledger: Ledger, tx: Any, tenant: str) -> dict[str, Any]:
    async def read(kind: Kind) -> list[Record]:
        return await ledger.snapshots.all(tx, Side.XERO, tenant, kind)

    accounts = _only(await read(Kind.ACCOUNT), Account)
    items = _only(await read(Kind.ITEM), Item)
    documents = {kind: _only(await read(kind), Document) for kind in DOCUMENTS}
    return {
        "accounts": {code_key(a.code): a for a in accounts if a.code},
        "tax_rates": {r.code: r for r in _only(await read(Kind.TAX_RATE), TaxRate)},
        "currencies": frozenset(c.code or c.id for c in _only(await read(Kind.CURRENCY), Currency)),
        "tracking": tuple(_only(await read(Kind.TRACKING), Tracking)),
        "themes": tuple(_only(await read(Kind.BRANDING_THEME), Theme)),
        "repeating": tuple(_only(await read(Kind.REPEATING_INVOICE), Repeating)),
        "contacts": Contacts.of(_only(await read(Kind.CUSTOMER), Party)),
        "xero_items": {code_key(i.code): i for i in items},
        "xero_items_by_id": {i.id: i for i in items},
        "xero_documents": {kind: {d.id: d for d in some} for kind, some in documents.items()},
        "xero_numbers": {kind: _numbered(some) for kind, some in documents.items()},
    }


async def _source(ledger: Ledger, tx: Any, connection: str) -> dict[str, Any]:
    async def read(kind: Kind) -> list[Record]:
        return await ledger.snapshots.all(tx, Side.SOURCE, connection, kind)

    parties = [p for kind in PARTIES for p in _only(await read(kind), Party)]
    documents = [d for kind in DOCUMENTS for d in _only(await read(kind), Document)]
    choices = _only(await read(Kind.CHOICE), Choice)
    return {
        "parties": {(p.kind, p.id): p for p in parties},
        "items": {i.id: i for i in _only(await read(Kind.ITEM), Item)},
        "documents": {(d.kind, d.id): d for d in documents},
        "source_taxes": {t.id: t for t in _only(await read(Kind.TAX_RATE), TaxRate)},
        "choices": {(c.spec, c.id.removeprefix(f"{c.spec}:")): c for c in choices},
    }


async def load(ports: Ports, connection: str, tenant: str) -> PairData:
    """All of one pair from the ledger and the book.

    Raises SyncError when the tenant was never read or the connection doesn't exist.
    """
    db = await ports.book.read()
    document = db.source(connection)
    if document is None:
        raise SyncError(f"There is no source connection {connection}", "See `xerotui tenants`.", exit_code=3)
    async with ports.ledger.read() as tx:
        organisation = await ports.ledger.snapshots.organisation(tx, tenant)
        if organisation is None:
            raise SyncError(f"The organisation {tenant} was never read", "Connect it on Tenants.", exit_code=3)
        links = await ports.ledger.links.for_pair(tx, connection, tenant)
        departed = await ports.ledger.departures.all(tx, connection)
        shared: set[str] = set()
        for other in (s.id for s in db.sources() if s.id != connection):
            for kind in PARTIES:
                shared |= {link.xero_id for link in await ports.ledger.links.for_pair(tx, other, tenant, kind)}
        overrides = await ports.ledger.overrides.for_pair(tx, connection, tenant)
        moved = await former.read(ports.ledger, tx, connection, tenant)
        reference = await _reference(ports.ledger, tx, tenant)
        source = await _source(ports.ledger, tx, connection)
    return PairData(
        connection=connection,
        source_name=document.source,
        settings=dict(document.settings),
        tenant=tenant,
        policy=db.pair(connection, tenant) or Pair(source=connection, tenant=tenant),
        organisation=organisation,
        links={(link.kind, link.record): link for link in links},
        departed=departed,
        shared=frozenset(shared),
        overrides=overrides,
        former=moved,
        mappings={(m.spec, m.value, m.trade): m for m in db.mappings(connection, tenant)},
        **reference,
        **source,
    )


def revised(mappings: Iterable[Mapping]) -> dict[str, int]:
    """Mapping revisions as a basis keeps them."""
    return {f"{m.spec}:{m.value}:{m.trade}": m.revision for m in mappings}


__all__ = ["ACCOUNT", "ANY", "ITEM", "NOT_SENT", "TAX", "Contacts", "PairData", "code_key", "load", "revised"]
