"""The documents of the book: what people decided. No secret is ever in one, and no amount is a float."""

import datetime as dt
from decimal import Decimal

import msgspec

from xerotui.model.kinds import SYNCED, Kind

MANUAL = "manual"
AUTOMATIC = "automatic"


class SourceConnection(msgspec.Struct, frozen=True, kw_only=True):
    """A saved way into a source; `source` names its plugin's source, `settings` hold no secrets."""

    id: str
    name: str
    source: str
    settings: dict[str, str] = {}
    created: dt.datetime | None = None
    enabled: bool = True

    @property
    def key(self) -> str:
        """The document's id in the book."""
        return self.id


class XeroConnectionDoc(msgspec.Struct, frozen=True, kw_only=True):
    """A saved login to Xero; unsaved ones (`saved` False) are in the making and sync nothing.

    `granted` are the scopes of the last consent, blank separated.
    """

    id: str
    name: str
    settings: dict[str, str] = {}
    created: dt.datetime | None = None
    saved: bool = False
    granted: str = ""
    consented: dt.datetime | None = None

    @property
    def key(self) -> str:
        """The document's id in the book."""
        return self.id


class TenantDoc(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation; `connection` the Xero connection that reaches it, `connection_row_id` Xero's id of that.

    `organisation` is its own id, the same whichever way it is reached. A blank `connection`: it was disconnected,
    and what is known of it stays.
    """

    tenant: str
    connection: str
    connection_row_id: str = ""
    organisation: str = ""
    name: str = ""
    country: str = ""
    currency: str = ""
    read_only: bool = False
    accent: str = ""
    demo: bool = False
    # How often a living worker reads what changed in Xero, in world minutes; 0 = never by itself.
    poll_minutes: int = 15
    # How old accounts, tax rates, tracking, themes and currencies may be when a plan is made, in world minutes.
    reread_minutes: int = 5

    @property
    def key(self) -> str:
        """The document's id in the book."""
        return self.tenant


class Ceilings(msgspec.Struct, frozen=True, kw_only=True):
    """What an automatic pair may do unasked: voids (none: always a person), documents, percent of updates, sum.

    None sets no ceiling; `total` is in the organisation's base currency.
    """

    voids: int = 0
    documents: int | None = None
    updates_percent: int | None = None
    total: Decimal | None = None


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """What is synced between a source connection and a tenant, and how.

    Dictionaries go by kind (`start`, `entities`, `statuses`, `numbers`, `generate`) or by trade (`default_item`,
    `default_account`). `zero_totals` is "skip" or "send"; documents are left alone until `settle_minutes` after their
    last change, and on or before `closed_through`. `default_tenant`: records that name no tenant belong to this one.

    `numbers` are "source", "xero" (Xero gives one) or a template with `{number}` and `{id}`; `rate` says whose exchange
    rate is used, "source" or "xero". `generate` holds the template by which a blank account number or item code is
    made, blank where none is; `generate_unasked` makes them with each plan. `removals` is "ask" or "automatic".
    `back` switches what of Xero is written into the source: "payments", "voids", "contacts", "invoices"; `owners` names
    the side that owns a shared field ("contact.email": "source" or "xero").
    """

    source: str
    tenant: str
    mode: str = MANUAL
    start: dict[str, dt.date] = {}
    entities: dict[str, bool] = {}
    statuses: dict[str, str] = {}
    default_item: dict[str, str] = {}
    default_account: dict[str, str] = {}
    ceilings: Ceilings = Ceilings()
    zero_totals: str = "skip"
    settle_minutes: int = 10
    closed_through: dt.date | None = None
    default_tenant: bool = False
    numbers: dict[str, str] = {}
    # Whether the number of a single document may be chosen here.
    number_overrides: bool = False
    rate: str = "source"
    generate: dict[str, str] = {}
    generate_unasked: bool = False
    archive_inactive: bool = False
    removals: str = "ask"
    supplier_codes: bool = False
    supplier_addresses: bool = False
    # Whether the tracking that the source's lines carry is sent.
    tracking: bool = True
    allocate_credit: bool = True
    history_notes: bool = False
    announce: bool = False
    back: dict[str, bool] = {}
    owners: dict[str, str] = {}

    @property
    def key(self) -> str:
        """The document's id in the book."""
        return _joined(self.source, self.tenant)

    def syncs(self, kind: Kind) -> bool:
        """Whether the kind is synced; all of them are unless switched off."""
        return kind in SYNCED and self.entities.get(kind.value, True)


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """A source value and the Xero value that it becomes; `trade` is sales or purchase.

    `revision` is given by the book whenever the target changes, and never twice.
    """

    spec: str
    connection: str
    value: str
    trade: str = "sales"
    tenant: str
    target: str
    target_title: str = ""
    revision: int = 0
    actor: str = ""
    at: dt.datetime | None = None

    @property
    def key(self) -> str:
        """The document's id in the book."""
        return mapping_key(self.spec, self.connection, self.value, self.trade, self.tenant)


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """A person's word that an optional step of the setup was looked at, for the tenants that there were then."""

    source: str
    step: str
    tenants: tuple[str, ...] = ()
    actor: str = ""
    at: dt.datetime | None = None

    @property
    def key(self) -> str:
        """The document's id in the book."""
        return _joined(self.source, self.step)


class Native(msgspec.Struct, frozen=True, kw_only=True):
    """A person's word that a source may go on syncing these kinds with a tenant by itself, beside XeroTUI.

    It holds for exactly these kinds.
    """

    source: str
    tenant: str
    kinds: tuple[Kind, ...] = ()
    reason: str = ""
    actor: str = ""
    at: dt.datetime | None = None

    @property
    def key(self) -> str:
        """The document's id in the book."""
        return _joined(self.source, self.tenant)


def mapping_key(spec: str, connection: str, value: str, trade: str, tenant: str) -> str:
    """The id of a mapping's document."""
    return _joined(spec, connection, value, trade, tenant)


def pair_key(source: str, tenant: str) -> str:
    """The id of a pair's document."""
    return _joined(source, tenant)


def _joined(*parts: str) -> str:
    # As JSON, because the parts come from other systems and may hold any separator.
    return msgspec.json.encode(parts).decode()
