"""NetHelpDesk as a source: what it declares; reading is left to the database or the CSV folder, by the settings."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from xerotui.model.kinds import Kind, Trade
from xerotui.model.records import Record
from xerotui.model.settling import Settlement
from xerotui.net.limits import Limits
from xerotui.source.abilities import Abilities
from xerotui.source.contract import (
    Attachment,
    Capability,
    Context,
    Fact,
    Keys,
    MappingSpec,
    Page,
    ReadinessStep,
    Source,
    SourceRefused,
    Target,
    TextField,
)
from xerotui_nethelpdesk.reader import CHARGE_RATE, CLOSED, KINDS, Hander, Reader, Writer
from xerotui_nethelpdesk.settings import NetHelpDeskSettings

# What can be handed to NetHelpDesk's own importer as a file.
HANDED = (Kind.CUSTOMER, Kind.SUPPLIER, Kind.ITEM, Kind.TAX_RATE)
# What can be created in its database.
CREATED = (Kind.CUSTOMER, Kind.SUPPLIER, Kind.TAX_RATE)
# Links of one call: one transaction, and files of as many rows.
ATTACHED = 50
_READS = frozenset({Capability.FIND, Capability.DELTA, Capability.GONE, Capability.NATIVE})
_TELLS = frozenset({Capability.ATTACH, Capability.SETTLE})


class NetHelpDeskSource(Source):
    """One NetHelpDesk: its database, or a folder that its files go through."""

    name = "nethelpdesk"
    title = "NetHelpDesk"
    beforehand = (
        "Do you open it in a browser? Then it is the successor, whatever your staff call it: connect HaloPSA instead. "
        "This is for the Windows program."
    )
    settings_type = NetHelpDeskSettings
    kinds = KINDS
    # The most that any connection can do; what one can is told by `abilities`.
    capabilities = frozenset({
        Capability.FIND, Capability.HAND_OVER, Capability.ATTACH, Capability.DELTA, Capability.GONE, Capability.NATIVE,
        Capability.SETTLE, Capability.SAVE,
    })  # fmt: skip
    handed = HANDED
    importable = CREATED
    attach_batch = ATTACHED
    specs = (
        MappingSpec(
            id=CHARGE_RATE,
            title="Charge types",
            source_title="Charge type",
            target=Target.ITEM,
            kinds=(Kind.INVOICE,),
            trades=(Trade.SALES,),
            help="Labour is invoiced under the item of its charge type: by its accounts code, or as mapped here.",
        ),
    )
    text_fields = (TextField("short", "Short description"), TextField("long", "Long description"))
    # In the order of the vendor's own guide: taxes first, then who is billed, then what is posted.
    readiness = (
        ReadinessStep(id="connect", title="Connect NetHelpDesk", what="connect", command="source.connect"),
        ReadinessStep(id="tenant", title="Connect Xero and organisations", what="tenant", command="tenant.connect"),
        ReadinessStep(id="tax", title="Import or map tax codes", what="map", spec="tax"),
        ReadinessStep(id="customers", title="Link or import customers", what="import", kind=Kind.CUSTOMER,
                      optional=True),
        ReadinessStep(id="suppliers", title="Link or import suppliers", what="import", kind=Kind.SUPPLIER,
                      optional=True),
        ReadinessStep(id="items", title="Link items", what="import", kind=Kind.ITEM, optional=True),
        ReadinessStep(id="charge_rates", title="Map charge types", what="map", spec=CHARGE_RATE),
        ReadinessStep(id="entities", title="Choose what is synced", what="entities", optional=True),
        ReadinessStep(id="settings", title="General settings, start dates", what="settings", optional=True),
        ReadinessStep(id="start", title="Make the first plan", what="start"),
    )  # fmt: skip

    settings: NetHelpDeskSettings

    def __init__(self, settings: Any, context: Context) -> None:
        super().__init__(settings, context)
        self._reader: Reader | None = None

    @classmethod
    def limits(cls, settings: Any) -> tuple[str, Limits]:
        """No vendor counts anything here: one connection at a time, so that the help desk is left in peace."""
        if settings.mode == "csv":
            return f"nethelpdesk:{settings.csv_inbox}", Limits((), in_flight=1)
        parts = urlsplit(settings.url)
        where = f"{parts.netloc.rpartition('@')[2]}{parts.path}"
        return f"nethelpdesk:{where}", Limits((), in_flight=1)

    @classmethod
    def abilities(cls, settings: Any) -> Abilities:
        """What the folders, or the two switches of the database, allow; a file for the importer needs a folder."""
        if settings.mode == "csv":
            from xerotui_nethelpdesk import csv_reader

            return csv_reader.abilities(settings)
        # Which columns there are isn't known here: where one lacks, links of that kind stay with XeroTUI, as the check
        # says.
        can = _READS | (_TELLS if settings.writeback else frozenset())
        handed = HANDED if settings.csv_outbox.strip() else ()
        created = CREATED if settings.allow_insert else ()
        return Abilities(
            capabilities=can
            | ({Capability.HAND_OVER} if handed else set())
            | ({Capability.SAVE} if created else set()),
            importable=created,
            handed=handed,
            attach_batch=ATTACHED if settings.writeback else 1,
            closed="" if handed or created else f"Switch on Create records. {CLOSED}",
        )

    @property
    def reader(self) -> Reader:
        """What this connection reads through.

        Raises SourceRefused naming the setting that is missing.
        """
        if self._reader is None:
            self._reader = self._made()
        return self._reader

    def _made(self) -> Reader:
        if self.settings.mode == "csv":
            if not self.settings.csv_inbox.strip():
                raise SourceRefused("Folder read: name the folder that NetHelpDesk's files are dropped into.")
            from xerotui_nethelpdesk.csv_reader import CsvReader

            return CsvReader(self.settings, self.context)
        if not self.settings.url:
            raise SourceRefused("Database URL: name the database, as mssql+pymssql://user@host:1433/NetHelpDesk.")
        from xerotui_nethelpdesk.reading import SqlReader

        return SqlReader(self.settings, self.context)

    async def check(self) -> tuple[Fact, ...]:
        """Login, age of the database, what of it is found and what isn't, and NetHelpDesk's own Xero tick box."""
        return await self.reader.check()

    async def pages(self, kind: Kind, cursor: str) -> AsyncIterator[Page]:
        """What changed since the cursor."""
        if kind not in KINDS:
            raise SourceRefused(f"NetHelpDesk's {kind.plural} aren't read")
        async with aclosing(self.reader.pages(kind, cursor)) as pages:
            async for page in pages:
                yield page
                if self.context.cancelled():
                    return

    async def choices(self, spec: str) -> tuple[Record, ...]:
        """The charge types with code and price."""
        return await self.reader.choices(spec)

    async def get(self, kind: Kind, id: str) -> Record:
        """One record as it is now."""
        if kind not in KINDS:
            raise SourceRefused(f"NetHelpDesk's {kind.plural} aren't read")
        return await self.reader.get(kind, id)

    async def vanished(self, kind: Kind, ids: Sequence[str]) -> tuple[str, ...]:
        """Those of the ids that NetHelpDesk doesn't list any more."""
        return await self.reader.vanished(kind, ids)

    async def native_sync(self) -> Mapping[str, tuple[Kind, ...]]:
        """The kinds that NetHelpDesk posts to Xero itself."""
        return await self.reader.native_sync()

    @property
    def writer(self) -> Writer:
        """What links and payments are written through. Raises SourceRefused where nothing is written."""
        from xerotui_nethelpdesk.reading import SqlReader

        found = self.reader
        if isinstance(found, SqlReader):
            if not self.settings.writeback:
                raise SourceRefused("NetHelpDesk's database is only read by this connection.")
            return found.writer
        if not isinstance(found, Writer):
            raise SourceRefused("Nothing is written by this connection.")
        return found

    async def save(self, kind: Kind, record: Record) -> str:
        """Create a customer, supplier or tax code in the database; its id."""
        from xerotui_nethelpdesk.writing import SqlWriter

        writer = self.writer
        if not isinstance(writer, SqlWriter):
            raise SourceRefused(f"NetHelpDesk takes new {kind.plural} as a file alone.")
        return await writer.save(kind, record)

    async def attach(self, attachments: Sequence[Attachment]) -> None:
        """Write links back, into the database or a results file."""
        await self.writer.attach(attachments)

    async def settle(self, kind: Kind, id: str, settlement: Settlement) -> tuple[str, ...]:
        """Tell what was paid: amounts and date, never NetHelpDesk's own number of a state, whose meaning is unknown."""
        return await self.writer.settle(kind, id, settlement)

    async def hand_over(self, kind: Kind, records: Sequence[Record]) -> str:
        """New records of Xero as a file for NetHelpDesk's own importer."""
        if isinstance(self.reader, Hander):
            return await self.reader.hand_over(kind, records)
        if not self.settings.csv_outbox.strip():
            raise SourceRefused("Folder written: name the folder that new records are laid into.")
        from xerotui_nethelpdesk.outputs import Outbox

        outbox = Outbox(Path(self.settings.csv_outbox.strip()).expanduser())
        return await asyncio.to_thread(outbox.hand_over, kind, records)

    async def find(self, kind: Kind, keys: Keys) -> tuple[Record, ...]:
        """Every record of that Xero id, accounts code or name, inactive ones included."""
        return await self.reader.find(kind, keys)
