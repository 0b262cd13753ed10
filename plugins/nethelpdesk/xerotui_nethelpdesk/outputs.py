"""Files for the help desk: results of what was posted, and new records of Xero for its own importer.

Every file is written beside its place and renamed, so that who picks it up never sees half of one. The quote rule: all
cells are quoted; a text that begins with = + - @, tab or carriage return, which a spreadsheet would calculate, gets an
apostrophe in front, and the reader of this plugin takes it off again. Codes, ids, numbers, amounts, dates and telephone
numbers are never changed, unless they hold what only a formula that acts needs: brackets round letters, quotes, | or !.
"""

import contextlib
import csv
import datetime as dt
import hashlib
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.records import Item, Party, Record, TaxRate
from xerotui.model.settling import Settlement
from xerotui.source.contract import Attachment, SourceRefused, SourceUnreachable
from xerotui_nethelpdesk.csv_rows import FORMULA
from xerotui_nethelpdesk.folder import LOCK_SECONDS, write

RESULTS, IMPORT = "results", "import"
RESULT = ("source_kind", "source_id", "xero_number", "xero_id", "status", "amount_paid", "amount_due", "date_paid",
          "error")  # fmt: skip
# What of a result and of a new record is a code.
_CODES = frozenset({"id", "account_code", "code", "phone", "xero_id", "vat_no", "postcode", "currency", "rate",
                    "source_id", "xero_number", "sales_price", "cost_price", "sales_account", "purchase_account",
                    "amount_paid", "amount_due", "date_paid", "line"})  # fmt: skip
_PARTY = ("id", "name", "account_code", "email", "first_name", "last_name", "phone", "address1", "address2", "address3",
          "address4", "postcode", "country", "vat_no", "currency", "active", "xero_id", "organisation")  # fmt: skip
_ITEM = ("code", "name", "description", "sales_price", "cost_price", "sales_account", "purchase_account", "sales_tax",
         "purchase_tax", "active", "xero_id", "organisation")  # fmt: skip
_TAX = ("code", "description", "rate")
HANDED: Mapping[Kind, tuple[str, tuple[str, ...]]] = {
    Kind.CUSTOMER: ("customers_new.csv", _PARTY),
    Kind.SUPPLIER: ("suppliers_new.csv", _PARTY),
    Kind.ITEM: ("items_new.csv", _ITEM),
    Kind.TAX_RATE: ("taxes_new.csv", _TAX),
}
# A name that calls something, a quoted text, or one of the two signs that reach outside: never part of a code.
_ACTS = re.compile(r"[^\W\d_]\s*\(|[\"'|!]")


def safe(value: str, *, code: bool = False) -> str:
    """A cell by the quote rule; NULs and other controls, which no importer takes, are left out."""
    text = "".join(c for c in value.replace("\r\n", "\n") if c >= " " or c in "\n\t\r")
    if not text.startswith(FORMULA) or (code and not _ACTS.search(text)):
        return text
    return "'" + text


def sheet(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """A CSV file: UTF-8 with the mark that spreadsheets need, commas, every cell quoted, Windows line ends."""
    text = io.StringIO(newline="")
    out = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    out.writerow(columns)
    for row in rows:
        out.writerow([safe(row.get(name, ""), code=name in _CODES) for name in columns])
    return text.getvalue().encode("utf-8-sig")


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row of a results file; `status` is Xero's, unpaid to paid, or refused with `error`."""

    kind: str
    id: str
    number: str = ""
    xero_id: str = ""
    status: str = ""
    paid: str = ""
    due: str = ""
    date: str = ""
    error: str = ""
    # Not part of the file: the organisation that a link belongs to.
    tenant: str = ""

    def row(self) -> dict[str, str]:
        """Its cells by column."""
        cells = (self.kind, self.id, self.number, self.xero_id, self.status, self.paid, self.due, self.date, self.error)
        return dict(zip(RESULT, cells, strict=True))


class _Told(msgspec.Struct, frozen=True):
    """A line of the journal: the outcomes that a file names."""

    file: str
    outcomes: tuple[Outcome, ...]


class Link(msgspec.Struct, frozen=True):
    """What was told of a record last: its link."""

    xero_id: str
    tenant: str
    status: str


class Outbox:
    """The folder that files are laid into.

    `results/.told.jsonl` is the journal of all outcomes ever told; it is what makes each be named once, also when a
    process is killed: a file is written whole under a temporary name, then its line goes into the journal, then it gets
    its name. A temporary file without a line was never told; one with a line only needs its name. Methods raise
    SourceUnreachable when the folder is away, SourceRefused when it may not be used.
    """

    def __init__(self, outbox: Path) -> None:
        self.outbox = outbox
        self._forget()

    @property
    def _journal(self) -> Path:
        return self.outbox / RESULTS / ".told.jsonl"

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only one who lays files here; errors of the file system come out in words."""
        from filelock import FileLock, Timeout

        try:
            if not self.outbox.is_dir():
                raise SourceUnreachable(f"the folder {self.outbox} isn't there", sent=False)
            for name in (RESULTS, IMPORT):
                (self.outbox / name).mkdir(exist_ok=True)
            with FileLock(self.outbox / RESULTS / ".lock", timeout=LOCK_SECONDS):
                yield
        except Timeout:
            raise SourceUnreachable(f"another process has been busy with {self.outbox} for long", sent=False) from None
        except PermissionError as error:
            raise SourceRefused(f"{error.filename or self.outbox} can't be written to") from None
        except OSError as error:
            words = error.strerror or type(error).__name__
            raise SourceUnreachable(f"{error.filename or self.outbox}: {words}", sent=True) from None

    def check(self) -> None:
        """Make sure that it is there and can be written to."""
        with self._alone():
            for name in ("", RESULTS, IMPORT):
                if not os.access(self.outbox / name, os.W_OK | os.X_OK):
                    raise PermissionError(13, "", str(self.outbox / name))

    # ------------------------------------------------------------------------------------------------------ results

    def tell(self, outcomes: Sequence[Outcome], stamp: dt.datetime) -> str:
        """Name what hasn't been named yet in one new file under `results/`; its name, "" when all is known.

        `stamp` begins the file's name.
        """
        with self._alone():
            self._recover()
            new = [one for one in dict.fromkeys(outcomes) if self._is_news(one)]
            if not new:
                return ""
            body = sheet(RESULT, (one.row() for one in new))
            digest = hashlib.sha256(body).hexdigest()[:12]
            name, n = f"results-{stamp:%Y%m%dT%H%M%S}-{digest}.csv", 1
            while (self.outbox / RESULTS / name).exists():
                n += 1
                name = f"results-{stamp:%Y%m%dT%H%M%S}-{digest}-{n}.csv"
            part = self._part(name)
            _flushed(part, "wb", body)
            _flushed(self._journal, "ab", msgspec.json.encode(_Told(name, tuple(new))) + b"\n")
            os.rename(part, self.outbox / RESULTS / name)
            self.load()
            return name

    def _part(self, name: str) -> Path:
        return self.outbox / RESULTS / f".{name}.part"

    def _recover(self) -> None:
        """Finish or undo what a killed process began."""
        if self._journal.exists() and (size := self._journal.stat().st_size):
            with self._journal.open("rb+") as file:
                file.seek(size - 1)
                if file.read(1) != b"\n":
                    # A line that was cut off was never told.
                    file.seek(0)
                    body = file.read()
                    file.truncate(body.rfind(b"\n") + 1)
        self.load()
        for part in (self.outbox / RESULTS).glob(".results-*.part"):
            name = part.name[1 : -len(".part")]
            if name in self._files:
                os.rename(part, self.outbox / RESULTS / name)
            else:
                part.unlink(missing_ok=True)

    def load(self) -> None:
        """Read what was added to the journal since it was read last."""
        with contextlib.suppress(FileNotFoundError), self._journal.open("rb") as file:
            if file.seek(0, os.SEEK_END) < self._read:
                self._forget()
            file.seek(self._read)
            while (line := file.readline()).endswith(b"\n"):
                self._read += len(line)
                with contextlib.suppress(msgspec.DecodeError, msgspec.ValidationError):
                    told = msgspec.json.decode(line, type=_Told)
                    self._files.add(told.file)
                    for one in told.outcomes:
                        self._remember(one)

    def _forget(self) -> None:
        self._read = 0
        self._errors: set[bytes] = set()
        self._latest: dict[tuple[str, str, bool], bytes] = {}
        self._files: set[str] = set()
        # What was told of a record last, by kind and id.
        self.links: dict[tuple[str, str], Link] = {}

    def _remember(self, one: Outcome) -> None:
        if one.error:
            self._errors.add(_mark(one))
            return
        self._latest[_about(one)] = _mark(one)
        if not one.paid:
            self.links[(one.kind, one.id)] = Link(one.xero_id, one.tenant, one.status)

    def _is_news(self, one: Outcome) -> bool:
        """An error is told once; how a record stands is told when it stands otherwise than was told last."""
        return _mark(one) not in self._errors if one.error else self._latest.get(_about(one)) != _mark(one)

    # ---------------------------------------------------------------------------------------------------- new records

    def hand_over(self, kind: Kind, records: Sequence[Record]) -> str:
        """All new records of a kind as one file under `import/`, replaced whole; its name, "" where it isn't a file.

        The same records leave it untouched; none at all take it away.
        """
        name, columns = HANDED[kind]
        path = self.outbox / IMPORT / name
        with self._alone():
            if not records:
                path.unlink(missing_ok=True)
                return ""
            rows = sorted((_new(one) for one in records), key=lambda row: (row.get("name", ""), sorted(row.items())))
            body = sheet(columns, rows)
            if not path.exists() or path.read_bytes() != body:
                write(path, body)
            return f"{IMPORT}/{name}"


def _flushed(path: Path, mode: str, body: bytes) -> None:
    with path.open(mode) as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _about(one: Outcome) -> tuple[str, str, bool]:
    """What an outcome is about: a record's link, or its payments."""
    return one.kind, one.id, bool(one.paid)


def _mark(one: Outcome) -> bytes:
    return hashlib.sha256(msgspec.json.encode(one)).digest()[:16]


def posted(one: Attachment) -> Outcome:
    """The outcome that a link is."""
    return Outcome(
        kind=one.kind.value, id=one.record, number=one.number, xero_id=one.xero_id, status=one.status, tenant=one.tenant
    )


def settled(kind: Kind, id: str, settlement: Settlement) -> Outcome:
    """The outcome that a settlement is: amounts in the document's currency, credit never among what was paid."""
    return Outcome(
        kind=kind.value,
        id=id,
        number=settlement.number,
        xero_id=settlement.xero_id,
        status=settlement.status,
        paid=format(settlement.paid, "f"),
        due=format(settlement.due, "f"),
        date=settlement.paid_on.isoformat() if settlement.paid_on else "",
    )


def _new(record: Record) -> dict[str, str]:
    """A record of Xero's as a row of the help desk's importer."""
    common = {"xero_id": record.xero_id, "organisation": record.tenant, "name": record.name}
    if isinstance(record, Party):
        where = record.address
        address = [one for one in (*where.lines, where.city, where.region) if one] if where else []
        # Four lines are what the help desk has: more go onto the last.
        lines = [*address[:3], ", ".join(address[3:])]
        return common | {
            "account_code": record.number,
            "email": record.email,
            "first_name": record.first_name,
            "last_name": record.last_name,
            "phone": record.phone,
            "postcode": where.postcode if where else "",
            "country": where.country if where else "",
            "vat_no": record.tax_number,
            "currency": record.currency,
            "active": "yes" if record.active else "no",
            **{f"address{n}": line for n, line in enumerate(lines, 1)},
        }
    if isinstance(record, Item):
        return common | {
            "code": record.code,
            "description": record.description,
            "sales_price": _plain(record.sales_price),
            "cost_price": _plain(record.purchase_price),
            "sales_account": record.sales_account,
            "purchase_account": record.purchase_account,
            "sales_tax": record.sales_tax,
            "purchase_tax": record.purchase_tax,
            "active": "yes" if record.active else "no",
        }
    if isinstance(record, TaxRate):
        return {"code": record.code or record.linked_code, "description": record.name, "rate": _plain(record.rate)}
    raise SourceRefused(f"NetHelpDesk takes no {record.kind.plural} as a file")


def _plain(value: Decimal | None) -> str:
    return "" if value is None else format(value, "f")


__all__ = ["HANDED", "Outbox", "Outcome", "posted", "safe", "settled", "sheet"]
