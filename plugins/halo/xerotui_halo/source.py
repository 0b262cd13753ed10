"""Halo as a source: what it declares, and each of the contract's methods in Halo's terms."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from xerotui.model.kinds import Kind, Trade
from xerotui.model.records import Record
from xerotui.model.settling import Settlement
from xerotui.net.http import Response
from xerotui.net.limits import Limits, Throttled, Window
from xerotui.source.contract import (
    TRACKING,
    Attachment,
    Capability,
    Context,
    Fact,
    Gone,
    Keys,
    MappingSpec,
    Page,
    ReadinessStep,
    Source,
    SourceRefused,
    SourceUnreachable,
    Target,
    TextField,
)
from xerotui_halo import amending, documents, leaving, listings, native, parties, probes, writing
from xerotui_halo.answers import WINDOW, throttled
from xerotui_halo.client import HaloClient, NotThere, Tally
from xerotui_halo.credits import is_credit
from xerotui_halo.customers import Customers
from xerotui_halo.finding import Finder
from xerotui_halo.listings import LISTINGS, VERSION, Details, Mark
from xerotui_halo.reference import CHARGE_RATE, ITEM_GROUP, Reference, tax_rate
from xerotui_halo.settings import HaloSettings, host_of
from xerotui_halo.settling import Settler
from xerotui_halo.usage import Usage
from xerotui_halo.values import Row, Unreadable, ident, instant

WINDOW_SECONDS = 300
# Two kinds in one list of Halo's.
INVOICES = (Kind.INVOICE, Kind.CREDIT_NOTE)


class HaloSource(Source):
    """One connection to HaloPSA, HaloITSM or HaloServiceDesk, which share their API (halo-api section 1)."""

    name = "halo"
    title = "HaloPSA"
    settings_type = HaloSettings
    kinds = (Kind.TAX_RATE, Kind.CUSTOMER, Kind.SUPPLIER, Kind.ITEM, Kind.INVOICE, Kind.CREDIT_NOTE,
             Kind.PURCHASE_ORDER)  # fmt: skip
    capabilities = frozenset({
        Capability.FIND, Capability.SAVE, Capability.ATTACH, Capability.DELTA, Capability.GONE, Capability.NATIVE,
        Capability.AMEND, Capability.NUMBER, Capability.SETTLE, Capability.VOID,
         Capability.REMOVE,
    })  # fmt: skip
    amendable = {kind: tuple(fields) for kind, fields in amending.FIELDS.items()}
    numbering = amending.NUMBERED
    specs = (
        MappingSpec(
            id=CHARGE_RATE,
            title="Charge rates",
            source_title="Charge rate",
            target=Target.ITEM,
            kinds=(Kind.INVOICE,),
            trades=(Trade.SALES,),
            help="Labour is invoiced under the item of its charge rate: by its accounts code, or as mapped here.",
        ),
        TRACKING,
    )
    text_fields = (TextField("short", "Short description"), TextField("long", "Long description"))
    importable = (Kind.CUSTOMER, Kind.SUPPLIER, Kind.ITEM, Kind.TAX_RATE)
    removable = (Kind.TAX_RATE,)
    item_groups = ITEM_GROUP
    attach_batch = 50
    # In the order of Halo's own guide.
    readiness = (
        ReadinessStep(id="connect", title="Connect Halo", what="connect", command="source.connect"),
        ReadinessStep(id="tenant", title="Connect Xero and organisations", what="tenant", command="tenant.connect"),
        ReadinessStep(id="tax", title="Map tax rates", what="map", spec="tax"),
        ReadinessStep(id="customers", title="Link or import customers", what="import", kind=Kind.CUSTOMER,
                      optional=True),
        ReadinessStep(id="tracking", title="Map tracking categories", what="map", spec=TRACKING.id, optional=True),
        ReadinessStep(id="items", title="Link or import products", what="import", kind=Kind.ITEM, optional=True),
        ReadinessStep(id="charge_rates", title="Map charge rates", what="map", spec=CHARGE_RATE),
        ReadinessStep(id="suppliers", title="Link or import suppliers", what="import", kind=Kind.SUPPLIER,
                      optional=True),
        ReadinessStep(id="entities", title="Choose what is synced", what="entities", optional=True),
        ReadinessStep(id="settings", title="General settings, start dates", what="settings", optional=True),
        ReadinessStep(id="start", title="Make the first plan", what="start"),
    )  # fmt: skip

    settings: HaloSettings

    def __init__(self, settings: Any, context: Context) -> None:
        super().__init__(settings, context)
        self.client = HaloClient(settings, context)
        self.reference = Reference(self.client, context, settings.charge_rate_code_field, settings.exchange_rates)
        self.finder = Finder(self.client, context)
        self.settler = Settler(self.client)
        self.usage = Usage(self.client, context)
        # What Halo answered to our own links: changes that needn't be read again.
        self.echoes: dict[tuple[Kind, str], Row] = {}
        self.customers = Customers(self.client, context, self.echoes)

    @classmethod
    def limits(cls, settings: Any) -> tuple[str, Limits]:
        """One rolling window an instance, shared by all who call it; a tenth is kept for people."""
        calls = max(10, settings.calls_per_window)
        window = Window(WINDOW, calls, WINDOW_SECONDS, reserve=min(20, calls // 10))
        return f"halo:{host_of(settings.url)}", Limits((window,), in_flight=4)

    @classmethod
    def throttled(cls, response: Response) -> Throttled | None:
        """A 429, read by its header or by the numbers in its words."""
        return throttled(response)

    async def check(self) -> tuple[Fact, ...]:
        """Product, login, what the application may read, and whether Halo's own Xero sync is on."""
        return await probes.facts(self.settings, self.context)

    async def choices(self, spec: str) -> tuple[Record, ...]:
        """The charge rates with code and global price, the tracking placeholders, or the item groups."""
        if spec == TRACKING.id:
            return await self.reference.placeholders()
        if spec == ITEM_GROUP:
            return await self.reference.item_groups()
        return await self.reference.charge_rates() if spec == CHARGE_RATE else ()

    async def pages(self, kind: Kind, cursor: str) -> AsyncIterator[Page]:
        """What changed since the cursor; pages before the last carry no cursor, so that a broken read begins again."""
        mark = listings.mark_of(cursor)
        if kind is Kind.TAX_RATE:
            yield await self._taxes()
            return
        if kind not in LISTINGS:
            raise SourceRefused(f"Halo's {kind.plural} aren't read")
        tally = Tally()
        parts = self.customers.changed(mark, tally) if kind is Kind.CUSTOMER else self._listed(kind, mark, tally)
        async for found, next_mark in parts:
            records, skipped = await self._records(kind, found.rows)
            # An invoice that became a credit is no invoice any more.
            others = [ident(row, "id") for row in found.rows if kind is Kind.INVOICE and not _is_of(kind, row)]
            yield Page(
                records=records,
                gone=(*found.gone, *others),
                skipped=(*skipped, *found.skipped),
                cursor=next_mark.text() if next_mark else "",
                trouble=tally.words() if next_mark else "",
            )
            if self.context.cancelled():
                return

    async def get(self, kind: Kind, id: str) -> Record:
        """One record as it is now; Gone only when the very route answers and this id alone is unknown."""
        if kind is Kind.TAX_RATE:
            return await self._tax(id)
        if kind not in LISTINGS or not id.isdigit():
            raise SourceRefused(f"Halo has no {kind.label} {id[:40]}")
        path = LISTINGS[kind].path
        try:
            row = await self.client.one(path, id)
        except NotThere:
            await self.client.get(path, {"count": "1"})
            raise Gone(f"Halo has no {kind.label} {id}") from None
        if not _is_of(kind, row):
            raise Gone(f"What Halo has under {id} is no {kind.label} any more")
        try:
            return await self._record(kind, row)
        except Unreadable as error:
            raise SourceRefused(f"{kind.label.capitalize()} {id} can't be read: {error}") from None

    async def vanished(self, kind: Kind, ids: Sequence[str]) -> tuple[str, ...]:
        """Those of the ids that Halo's list doesn't show any more."""
        return await leaving.vanished(self.client, kind, ids)

    async def native_sync(self) -> Mapping[str, tuple[Kind, ...]]:
        """The kinds that Halo's own sync writes, by organisation."""
        return await native.kinds(self.client)

    async def find(self, kind: Kind, keys: Keys) -> tuple[Record, ...]:
        """Every record of that Xero id, number or name, inactive ones included, of whichever tenant."""
        if kind is Kind.TAX_RATE:
            page = await self._taxes()
            return tuple(t for t in page.records if _is_tax(t, keys))
        found: list[Record] = []
        for id in await self.finder.ids(kind, keys):
            try:
                found.append(await self._record(kind, await self.client.one(LISTINGS[kind].path, id)))
            except NotThere:
                continue
        return tuple(found)

    async def save(self, kind: Kind, record: Record) -> str:
        """Create one record, its Xero id and tenant in it; the new id."""
        body = await writing.creation(self.reference, kind, record)
        try:
            answer = await self.client.post(writing.PATHS[kind], [body])
        except (SourceRefused, SourceUnreachable):
            self.finder.forget(kind)
            raise
        rows = writing.answered(answer)
        new = next((id for id in rows if id.isdigit() and int(id) > 0), "")
        if not new:
            self.finder.forget(kind)
            raise SourceUnreachable(f"Halo's answer to the new {kind.label} names no id", sent=True)
        self.finder.remember(kind, {**body, "id": int(new)})
        if kind in writing.XERO_ID and writing.kept(body, rows[new], writing.XERO_ID[kind]) is False:
            self.context.log.warning("halo_xero_id_not_kept", kind=kind.value, id=new)
        return new

    async def uses(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, str]:
        """What of Halo uses these tax rates beyond the records that are read here."""
        return await self.usage.of(ids) if kind is Kind.TAX_RATE else {}

    async def remove(self, kind: Kind, id: str) -> None:
        """Take a tax rate away that nothing uses; Halo's other records are never removed."""
        if kind is not Kind.TAX_RATE or not id.isdigit():
            raise SourceRefused(f"Halo's {kind.plural} are never removed by XeroTUI")
        await self.usage.remove(id)

    async def amend(self, kind: Kind, id: str, changes: Mapping[str, Any]) -> Record:
        """Set fields of one record, then read it back: whether Halo keeps what it is sent isn't certain."""
        body = amending.amendment(kind, id, changes)
        await self.client.post(writing.PATHS[kind], [body])
        self.finder.forget(kind)
        return await self.get(kind, id)

    async def new_number(self, kind: Kind, record: Record) -> str:
        """The next account number or code of Halo's own series."""
        return await amending.new_number(self.client, kind, record)

    async def settle(self, kind: Kind, id: str, settlement: Settlement) -> tuple[str, ...]:
        """Payments of an invoice, each looked for by its Xero id first, and its state where Halo names its states."""
        if kind is not Kind.INVOICE:
            raise SourceRefused(f"Halo keeps no payments of {kind.plural}")
        return await self.settler.settle(id, settlement)

    async def void(self, kind: Kind, id: str) -> None:
        """Void an invoice unless it is void."""
        if kind is not Kind.INVOICE:
            raise SourceRefused(f"Halo can't void {kind.plural}")
        await self.settler.void(id)

    async def void_effect(self, kind: Kind) -> str:
        """Whether billed tickets go back to ready for invoicing, by Halo's own switch."""
        return await self.settler.void_effect()

    async def attach(self, attachments: Sequence[Attachment]) -> None:
        """Write links back, one call for each kind, and read the answer back.

        Raises SourceRefused naming the records that didn't keep the Xero id.
        """
        now = self.context.now()
        for kind in dict.fromkeys(one.kind for one in attachments):
            bodies = [writing.linking(one, now) for one in attachments if one.kind is kind]
            rows = writing.answered(await self.client.post(writing.PATHS[kind], bodies))
            self.echoes |= {(kind, id): row for id, row in rows.items() if kind in LISTINGS}
            lost = [str(b["id"]) for b in bodies if not await self._kept(kind, b, rows.get(str(b["id"]), {}))]
            if lost:
                raise SourceRefused(f"Halo didn't keep the Xero id of {kind.label} {', '.join(lost[:20])}")

    async def _kept(self, kind: Kind, body: writing.Body, row: Row) -> bool:
        name, path = writing.XERO_ID[kind], writing.PATHS[kind]
        verdict = writing.kept(body, row, name)
        if verdict is None:
            row = await self.client.one(path, str(body["id"]))
            verdict = bool(writing.kept(body, row, name))
        others = writing.unkept(body, row, (name,))
        if others or not verdict:
            names = [*([] if verdict else [name]), *others]
            self.context.log.warning("halo_fields_not_kept", kind=kind.value, id=body["id"], fields=names)
        # Nobody says that a product's third_party_id is the Xero item: our own link is enough there.
        return verdict or kind is Kind.ITEM

    async def _record(self, kind: Kind, row: Row) -> Record:
        if kind is Kind.CUSTOMER:
            return await parties.customer(self.reference, row)
        if kind is Kind.SUPPLIER:
            return await parties.supplier(self.reference, row)
        if kind is Kind.ITEM:
            return await parties.item(self.reference, row, detailed=self.settings.item_details == "yes")
        if documents.is_template(row):
            raise Unreadable("a recurring template")
        made = {Kind.INVOICE: documents.invoice, Kind.CREDIT_NOTE: documents.credit_note}
        return await made.get(kind, documents.purchase_order)(self.reference, row)

    async def _records(self, kind: Kind, rows: Sequence[Row]) -> tuple[tuple[Record, ...], list[tuple[str, str]]]:
        records: list[Record] = []
        skipped: list[tuple[str, str]] = []
        for row in rows:
            if kind in INVOICES and (documents.is_template(row) or not _is_of(kind, row)):
                continue
            try:
                records.append(await self._record(kind, row))
            except Unreadable as error:
                skipped.append((ident(row, "id"), str(error)))
        return tuple(records), skipped

    async def _listed(self, kind: Kind, mark: Mark, tally: Tally) -> AsyncIterator[tuple[Details, Mark | None]]:
        listing = LISTINGS[kind]
        unread: list[str] = []
        async for rows, next_mark in listings.newest_first(self.client, listing, mark, self.context.now(), tally):
            rows = [self._echo(kind, row) for row in rows]
            whole = [row for row in rows if self._enough(kind, row)]
            if whole or next_mark:
                yield Details(rows=whole), next_mark.without(unread) if next_mark else None
            rest = [ident(row, "id") for row in rows if not self._enough(kind, row)]
            async for part in listings.details(self.client, listing.path, [id for id in rest if id]):
                unread += [id for id, _ in part.skipped]
                yield part, None

    def _echo(self, kind: Kind, row: Row) -> Row:
        """What Halo answered when we linked it, where the list's row is no newer."""
        echo = self.echoes.pop((kind, ident(row, "id")), None)
        stamp = LISTINGS[kind].stamp
        return row if echo is None or not row.get(stamp) or instant(echo, stamp) != instant(row, stamp) else echo

    def _enough(self, kind: Kind, row: Row) -> bool:
        wanted = kind is Kind.ITEM and self.settings.item_details == "yes" and parties.needs_details(row)
        return not wanted and LISTINGS[kind].enough(row)

    async def _taxes(self) -> Page:
        records: list[Record] = []
        skipped: list[tuple[str, str]] = []
        for row in await self.client.whole("Tax", "taxes"):
            try:
                records.append(tax_rate(row))
            except Unreadable as error:
                skipped.append((ident(row, "id"), str(error)))
        return Page(records=tuple(records), skipped=tuple(skipped), cursor=Mark(VERSION).text())

    async def _tax(self, id: str) -> Record:
        for record in (await self._taxes()).records:
            if record.id == id:
                return record
        raise Gone(f"Halo has no tax rate {id[:40]}")


def _is_of(kind: Kind, row: Row) -> bool:
    """Whether a row of the list that invoices and credits share is of that kind."""
    return kind not in INVOICES or is_credit(row) is (kind is Kind.CREDIT_NOTE)


def _is_tax(rate: Record, keys: Keys) -> bool:
    linked = getattr(rate, "linked_code", "")
    named = bool(keys.name) and rate.name.casefold() == keys.name.casefold()
    return named or bool(linked and linked in (keys.xero_id, keys.number))
