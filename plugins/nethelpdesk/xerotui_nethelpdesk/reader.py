"""What NetHelpDesk is read through: one protocol, which the database and the CSV folder both fulfil."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

from xerotui.model.kinds import Kind
from xerotui.model.records import Record
from xerotui.source.contract import Fact, Keys, Page

# The mapping spec of NetHelpDesk's own: kinds of labour, LOOKUP 17 (nethelpdesk section 7.3).
CHARGE_RATE = "charge_rate"
KINDS = (Kind.TAX_RATE, Kind.CUSTOMER, Kind.SUPPLIER, Kind.ITEM, Kind.INVOICE, Kind.PURCHASE_ORDER)
PARTIES = (Kind.CUSTOMER, Kind.SUPPLIER)
DOCUMENTS = (Kind.INVOICE, Kind.PURCHASE_ORDER)


class Reader(Protocol):
    """The reading half of the contract; each method does and raises what `Source` says of its namesake."""

    async def check(self) -> tuple[Fact, ...]:
        """What the connection is, what of it works, and what is missing with its remedy."""
        ...

    def pages(self, kind: Kind, cursor: str) -> AsyncGenerator[Page, None]:
        """Stream records of `KINDS`; the cursor is the reader's own."""
        ...

    async def choices(self, spec: str) -> tuple[Record, ...]:
        """The kinds of labour for `CHARGE_RATE`, none for any other spec."""
        ...

    async def get(self, kind: Kind, id: str) -> Record:
        """One record as it is now. Raises Gone only where this very id is gone."""
        ...

    async def vanished(self, kind: Kind, ids: Sequence[str]) -> tuple[str, ...]:
        """Those of the ids that a cheap listing doesn't show."""
        ...

    async def find(self, kind: Kind, keys: Keys) -> tuple[Record, ...]:
        """Records by Xero id, accounts code or name, inactive ones included."""
        ...

    async def native_sync(self) -> Mapping[str, tuple[Kind, ...]]:
        """What NetHelpDesk's own sync with Xero writes, by tenant."""
        ...
