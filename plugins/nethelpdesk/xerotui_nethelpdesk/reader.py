"""What NetHelpDesk is read and written through: protocols that the database and the CSV folder fulfil, as they can."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from xerotui.model.kinds import Kind
from xerotui.model.records import Record
from xerotui.model.settling import Settlement
from xerotui.source.contract import Attachment, Fact, Keys, Page

# The mapping spec of NetHelpDesk's own: kinds of labour, LOOKUP 17 (nethelpdesk section 7.3).
CHARGE_RATE = "charge_rate"
# Where new records of Xero have no way into the help desk.
CLOSED = "Set Folder written for files to its own importer, or create them there by hand."
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


@runtime_checkable
class Writer(Protocol):
    """The writing half of the contract, of a reader that can; as `Reader`."""

    async def attach(self, attachments: Sequence[Attachment]) -> None:
        """Keep links; repeating it changes nothing."""
        ...

    async def settle(self, kind: Kind, id: str, settlement: Settlement) -> tuple[str, ...]:
        """Tell what was paid; what of it can't be held, as sentences."""
        ...


@runtime_checkable
class Hander(Protocol):
    """What lays new records for the help desk's importer itself; as `Reader`."""

    async def hand_over(self, kind: Kind, new: Sequence[Record]) -> str:
        """New records as a file for the help desk's own importer; its name."""
        ...
