"""Reading NetHelpDesk through a folder of CSV files, and answering it through another (nethelpdesk section 8.1).

What files say is in `csv_log`; here it becomes the contract's pages, single records and facts. The cursor is the number
of the newest file of the log; one of another log, or of other settings, reads everything again.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.records import Record
from xerotui.model.settling import Settlement
from xerotui.source.contract import (
    Abilities,
    Attachment,
    Capability,
    Context,
    Fact,
    Keys,
    Page,
    SourceRefused,
)
from xerotui_nethelpdesk import outputs, records
from xerotui_nethelpdesk.csv_canon import Canonical
from xerotui_nethelpdesk.csv_columns import TABLES, headers_of
from xerotui_nethelpdesk.csv_log import CsvLog, Kept, Options, row
from xerotui_nethelpdesk.folder import Folder
from xerotui_nethelpdesk.outputs import HANDED, Outbox, Outcome
from xerotui_nethelpdesk.reader import CHARGE_RATE, CLOSED, DOCUMENTS
from xerotui_nethelpdesk.records import Desk
from xerotui_nethelpdesk.rows import ChargeRow, DocumentRow, ItemRow, LineRow, PartyRow, TaxRow
from xerotui_nethelpdesk.settings import NetHelpDeskSettings, tenants_of
from xerotui_nethelpdesk.values import Unreadable, guid, name_key

TABLE = {
    Kind.TAX_RATE: "taxes", Kind.CUSTOMER: "customers", Kind.SUPPLIER: "suppliers", Kind.ITEM: "items",
    Kind.INVOICE: "invoices", Kind.PURCHASE_ORDER: "purchase_orders",
}  # fmt: skip
_KIND_OF = {table: kind.value for kind, table in TABLE.items()} | {"charges": "charge"}
# Records of the left are read against files of the right: when those are newer, all of the left are read again.
_AGAINST = {
    "customers": ("taxes",), "suppliers": ("taxes",), "items": ("taxes",),
    "invoices": ("customers", "items", "taxes", "charges"), "purchase_orders": ("suppliers", "items", "taxes"),
}  # fmt: skip
# What records are read against, and ids by folded name, by the kind of file that uses the names.
_Against = tuple[Desk, dict[str, dict[str, list[str]]]]
_R = TypeVar("_R", TaxRow, ChargeRow, ItemRow, PartyRow)
_DOCUMENTS = tuple(TABLE[kind] for kind in DOCUMENTS)
# Of so many files the check tells the totals.
_SHOWN = 6
_PAGE = 200
# A pull waits so many seconds at most for files to get still; those of longer settings are taken by a later one.
_WAIT = 30.0
HANDED_KINDS = tuple(HANDED)
_READS = frozenset({Capability.FIND, Capability.DELTA})
_TELLS = frozenset({Capability.ATTACH, Capability.SETTLE, Capability.HAND_OVER})


def abilities(settings: NetHelpDeskSettings) -> Abilities:
    """What a connection through files can do: nothing is ever told as gone, links need a folder to be written to."""
    if not settings.csv_outbox.strip():
        return Abilities(capabilities=_READS, closed=CLOSED)
    return Abilities(capabilities=_READS | _TELLS, handed=HANDED_KINDS, attach_batch=50)


class CsvReader:
    """The reader of one inbox; with an outbox it tells results and hands new records over."""

    def __init__(self, settings: NetHelpDeskSettings, context: Context) -> None:
        self.settings, self.context = settings, context
        self.folder = Folder(_path("Folder read", settings.csv_inbox), tuple(TABLES), settings.csv_settle_seconds)
        options = Options(
            dates=settings.csv_date_format.strip(),
            decimal=settings.csv_decimal,
            headers=headers_of(settings.csv_headers),
        )
        self.outbox: Outbox | None = None
        if settings.csv_outbox.strip():
            self.outbox = Outbox(_path("Folder written", settings.csv_outbox))
        self.log = CsvLog(self.folder, options, context.now, self._refused if self.outbox else None)
        self._desk: tuple[tuple[str, int], _Against] | None = None
        told = msgspec.json.encode({k: v for k, v in msgspec.structs.asdict(settings).items() if k != "password"})
        self._mark = hashlib.sha256(told).hexdigest()[:8]

    # -------------------------------------------------------------------------------------------------------- reading

    async def pages(self, kind: Kind, cursor: str) -> AsyncGenerator[Page, None]:
        """Take what is ready, then tell what files after the cursor named, each record as the newest file has it."""
        table = TABLE[kind]
        await self._still()
        await asyncio.to_thread(self._take)
        mark, found, trouble = await asyncio.to_thread(self._begin, table, cursor)
        while True:
            page, more = await asyncio.to_thread(self._page, kind, found)
            if not more:
                break
            yield page
        yield msgspec.structs.replace(page, cursor=mark, trouble="; ".join(trouble))

    async def _still(self) -> None:
        """Give files that were just dropped the time to get still."""
        waited = 0.0
        while 0 < (left := await asyncio.to_thread(self._unsettled)) <= _WAIT:
            if waited > left + self.folder.settle or self.context.cancelled():
                self.folder.gave_up()
                return
            pause = min(left, 1.0)
            await asyncio.sleep(pause)
            waited += pause

    def _unsettled(self) -> float:
        self.folder.reach()
        try:
            return self.folder.unsettled()
        except OSError as error:
            raise self.folder.failure(error) from None

    def _take(self) -> None:
        if count := self.log.take():
            self.context.log.info("nethelpdesk_files_taken", files=count)
        self._load()

    def _load(self) -> None:
        """Know what other processes took and told."""
        self.log.load()
        if self.outbox:
            self.outbox.load()

    def _begin(self, table: str, cursor: str) -> tuple[str, Iterator[Kept], tuple[str, ...]]:
        log, last = self.folder.log(), self.log.last()
        known, _, rest = cursor.partition(".")
        seq, _, settings = rest.partition(".")
        since = int(seq) if known == log and settings == self._mark and seq.isdigit() and int(seq) <= last else 0
        if any(self.log.newest(one) > since for one in _AGAINST.get(table, ())):
            since = 0
        return f"{log}.{last}.{self._mark}", self.log.since(table, since), self.log.trouble(table)

    def _page(self, kind: Kind, found: Iterator[Kept]) -> tuple[Page, bool]:
        """The next page, and whether another may follow."""
        made: list[Record] = []
        skipped: list[tuple[str, str]] = []
        count = 0
        against = self._read_against()
        for kept in islice(found, _PAGE):
            count += 1
            try:
                made.append(self._record(kind, kept, against))
            except Unreadable as error:
                skipped.append((kept.id, str(error)))
        return Page(records=tuple(made), skipped=tuple(skipped)), count == _PAGE

    async def get(self, kind: Kind, id: str) -> Record:
        """One record as the newest file has it; what no file names is refused, never told as gone."""
        return await asyncio.to_thread(self._get, kind, id)

    def _get(self, kind: Kind, id: str) -> Record:
        self.folder.reach()
        self._load()
        kept = self.log.one(TABLE[kind], id)
        if kept is None:
            raise SourceRefused(f"no file in {self.folder.done} names {kind.label} {id[:40]}")
        against = self._read_against()
        try:
            return self._record(kind, kept, against)
        except Unreadable as error:
            raise SourceRefused(f"{kind.label.capitalize()} {id[:40]} can't be read: {error}") from None

    async def vanished(self, kind: Kind, ids: Sequence[str]) -> tuple[str, ...]:
        """None: that a file doesn't name a record any more says nothing."""
        return ()

    async def find(self, kind: Kind, keys: Keys) -> tuple[Record, ...]:
        """Every record of that Xero id, number, code or name, by the newest file of each."""
        return await asyncio.to_thread(self._find, kind, keys)

    def _find(self, kind: Kind, keys: Keys) -> tuple[Record, ...]:
        self._take()
        found = []
        against = self._read_against()
        for kept in self.log.since(TABLE[kind], 0):
            try:
                record = self._record(kind, kept, against)
            except Unreadable:
                continue
            number = getattr(record, "number", "") or getattr(record, "code", "")
            if (
                (keys.xero_id and record.xero_id == keys.xero_id.lower())
                or (keys.number and number.casefold() == keys.number.casefold())
                or (keys.name and name_key(record.name) == name_key(keys.name))
            ):
                found.append(record)
        return tuple(found)

    async def choices(self, spec: str) -> tuple[Record, ...]:
        """The kinds of labour of the charges files."""
        if spec != CHARGE_RATE:
            return ()
        await asyncio.to_thread(self._take)
        desk, _ = await asyncio.to_thread(self._read_against)
        return tuple(records.charge(one) for one in desk.charges.values())

    async def native_sync(self) -> Mapping[str, tuple[Kind, ...]]:
        """Files can't tell."""
        return {}

    # ------------------------------------------------------------------------------------------------- rows to records

    def _read_against(self) -> _Against:
        """What records are read against, made anew when a file was taken."""
        now = (self.folder.log(), self.log.last())
        held = self._desk
        if held is None or held[0] != now:
            desk = Desk(self.settings)
            desk.taxes = _of(TaxRow, self._rows("taxes"))
            desk.charges = _of(ChargeRow, self._rows("charges"))
            desk.items = _of(ItemRow, self._rows("items"))
            desk.customers = {id: self._party(one) for id, one in _of(PartyRow, self._rows("customers")).items()}
            desk.suppliers = {id: self._party(one) for id, one in _of(PartyRow, self._rows("suppliers")).items()}
            names: dict[str, dict[str, list[str]]] = {"invoices": {}, "purchase_orders": {}}
            for table, parties in (("invoices", desk.customers), ("purchase_orders", desk.suppliers)):
                for one in parties.values():
                    names[table].setdefault(name_key(one.name), []).append(one.id)
            held = self._desk = (now, (desk, names))
        return held[1]

    def _rows(self, table: str) -> Iterator[Canonical]:
        return (row(table, kept) for kept in self.log.since(table, 0) if not kept.refused)

    def _party(self, one: PartyRow) -> PartyRow:
        """A party with its organisation's id; where that is unknown it has none, and its own record says why."""
        try:
            return msgspec.structs.replace(one, tenant=self._tenant(one.tenant))
        except Unreadable:
            return msgspec.structs.replace(one, tenant="")

    def _tenant(self, organisation: str) -> str:
        if not organisation or (id := guid(organisation)):
            return id if organisation else ""
        known = tenants_of(self.settings)
        if organisation.casefold() not in known:
            raise Unreadable(f"organisation {organisation[:40]} isn't among the connection's Organisations")
        return known[organisation.casefold()]

    def _record(self, kind: Kind, kept: Kept, against: _Against) -> Record:
        """A kept row as a record, with what was told of it. Raises Unreadable."""
        if kept.refused:
            raise Unreadable(kept.refused)
        desk, names = against
        one = row(TABLE[kind], kept)
        link = self.outbox.links.get((kind.value, kept.id)) if self.outbox else None
        if isinstance(one, TaxRow):
            return records.tax(one)
        if isinstance(one, ItemRow):
            tenant = (link.tenant if link else "") or one.tenant
            made = records.item(desk, msgspec.structs.replace(one, tenant=tenant))
            return msgspec.structs.replace(made, xero_id=link.xero_id) if link else made
        assert isinstance(one, PartyRow | DocumentRow)
        tenant = (link.tenant if link else "") or self._tenant(one.tenant)
        one = msgspec.structs.replace(one, tenant=tenant, xero_id=link.xero_id if link else one.xero_id)
        if isinstance(one, PartyRow):
            return records.party(desk, kind, one)
        if not one.party:
            one = msgspec.structs.replace(one, party=_named(names[TABLE[kind]], one.party_name))
        if link:
            one = msgspec.structs.replace(one, xero_status=link.status)
        # Files name items by code alone; its item is what a line takes tax and account from.
        lines = tuple(_with_item(desk, line) for line in one.lines)
        one = msgspec.structs.replace(one, lines=lines)
        return (records.invoice if kind is Kind.INVOICE else records.order)(desk, one)

    # -------------------------------------------------------------------------------------------------------- telling

    def _refused(self, table: str, told: Sequence[tuple[str, str]]) -> None:
        if self.outbox:
            outcomes = [Outcome(kind=_KIND_OF[table], id=id, status="refused", error=why) for id, why in told]
            self.outbox.tell(outcomes, self.context.now())

    def _out(self) -> Outbox:
        if self.outbox is None:
            raise SourceRefused("Folder written: name the folder that results and new records are laid into.")
        return self.outbox

    async def attach(self, attachments: Sequence[Attachment]) -> None:
        """Tell links in one results file; those told before are not told again."""
        outcomes = [outputs.posted(one) for one in attachments]
        await asyncio.to_thread(self._out().tell, outcomes, self.context.now())

    async def settle(self, kind: Kind, id: str, settlement: Settlement) -> tuple[str, ...]:
        """Tell how a document stands in a results file; credit is no money, and is said in words here."""
        if kind not in DOCUMENTS:
            raise SourceRefused(f"NetHelpDesk keeps no payments of {kind.plural}")
        await asyncio.to_thread(self._out().tell, [outputs.settled(kind, id, settlement)], self.context.now())
        if settlement.by_credit:
            return (f"{settlement.credited} {settlement.currency} was settled by credit, which results don't show.",)
        return ()

    async def hand_over(self, kind: Kind, new: Sequence[Record]) -> str:
        """All new records of a kind as a file for the help desk's own importer; its name."""
        return await asyncio.to_thread(self._out().hand_over, kind, new)

    # -------------------------------------------------------------------------------------------------------- checking

    async def check(self) -> tuple[Fact, ...]:
        """The folders, what lies in them, and what can't be used; nothing is taken."""
        return await asyncio.to_thread(self._check)

    def _check(self) -> tuple[Fact, ...]:
        self.folder.reach()
        self.log.load()
        facts = [Fact("Folder read", f"{self.folder.inbox}: {_count(len(self.log.files), 'file')} taken so far")]
        if waiting := self.folder.waiting():
            facts.append(Fact("Waiting", f"{_count(len(waiting), 'file')}: {', '.join(waiting[:5])}"))
        for table in TABLES:
            heads = [head for _, head in self.log.files.values() if head.table == table]
            if heads:
                unused = sorted({name for head in heads for name in head.unused})
                words = f"{_count(len(heads), 'file')}, the last on {max(head.at for head in heads):%Y-%m-%d %H:%M} UTC"
                facts.append(Fact(_title(table), words + (f"; not used: {', '.join(unused[:8])}" if unused else "")))
            remedy = f"See its list of errors in {self.folder.inbox}; drop a mended file under the same name."
            facts += [Fact(_title(table), words, False, remedy) for words in self.log.trouble(table)]
        facts += self._totals()
        if strangers := self.folder.strangers():
            names = ", ".join(strangers[:5])
            remedy = f"Names begin with {', '.join(TABLES)}, and don't end in _new.csv."
            facts.append(Fact("Not taken", f"{names} fit no kind of file", False, remedy))
        if self.outbox:
            self.outbox.check()
            facts.append(Fact("Folder written", str(self.outbox.outbox)))
        else:
            facts.append(Fact("Folder written", "none: links and payments are kept by XeroTUI alone"))
        facts.append(Fact("Own Xero sync", "can't be seen from files: its tick box in NetHelpDesk must be off"))
        return tuple(facts)

    def _totals(self) -> Iterator[Fact]:
        """What the newest files of documents come to, to be compared with the help desk before anything is posted."""
        files = [(taken, head) for _, (taken, head) in sorted(self.log.files.items()) if head.table in _DOCUMENTS]
        for taken, head in files[-_SHOWN:]:
            sums = ", ".join(f"{total:,.2f} {currency}".strip() for currency, total in sorted(head.totals.items()))
            words = f"{_count(head.records - head.refused, 'document')}, net {sums or '0.00'}"
            yield Fact(taken.name, words + (f"; {head.refused} refused" if head.refused else ""))


def _path(title: str, text: str) -> Path:
    path = Path(text.strip()).expanduser()
    if not path.is_absolute():
        raise SourceRefused(f"{title}: write the whole path, as /srv/nethelpdesk/out.")
    return path


def _of(type_: type[_R], rows: Iterator[Canonical]) -> dict[str, _R]:
    return {one.id: one for one in rows if isinstance(one, type_)}


def _with_item(desk: Desk, line: LineRow) -> LineRow:
    item = desk.codes.get(line.item_code.casefold()) if line.item_code else None
    return msgspec.structs.replace(line, item=item.id) if item else line


def _named(names: Mapping[str, list[str]], name: str) -> str:
    """The id of a name. Raises Unreadable where nobody or more than one has it."""
    ids = names.get(name_key(name), [])
    if len(ids) == 1:
        return ids[0]
    if not ids:
        raise Unreadable(f"nobody is called {name[:60]} in the files so far")
    raise Unreadable(f"{name[:60]} is the name of {', '.join(ids[:5])}: files must give the id")


def _count(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def _title(table: str) -> str:
    return table.replace("_", " ").capitalize()


__all__ = ["CsvReader", "abilities"]
