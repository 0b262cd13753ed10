"""The log of CSV files: each is read once, its records are kept beside it, and the newest of each id is found again.

A file's records lie in `done/.rows/` as JSON lines with a head file, made before the file itself enters `done/`; they
are a cache that is made again from the file, read as it was read then, where they are missing or of another shape.
"""

import contextlib
import csv
import datetime as dt
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from xerotui.model.money import rounded
from xerotui_nethelpdesk import csv_format, csv_rows
from xerotui_nethelpdesk.csv_canon import Canonical
from xerotui_nethelpdesk.csv_columns import TABLES, Table
from xerotui_nethelpdesk.csv_format import BadFile, Format, Scan
from xerotui_nethelpdesk.csv_rows import Flaw, Made
from xerotui_nethelpdesk.folder import Folder, Taken, write
from xerotui_nethelpdesk.outputs import sheet
from xerotui_nethelpdesk.rows import ZERO, ChargeRow, DocumentRow, ItemRow, PartyRow, TaxRow

# Raise when kept rows change meaning: files are read again then.
SHAPE = 2
_ERRORS = ("file", "line", "column", "id", "reason")
# A file where every row is wrong needn't be listed to its end.
_LISTED = 5000
# How long after it was taken a file may still be written on, by a slow network copy for one.
_WATCHED = dt.timedelta(days=2)
_SIGNS = {"dot": ".", "comma": ",", "auto": ""}
_ROWS: Mapping[str, type[Canonical]] = {
    "customers": PartyRow, "suppliers": PartyRow, "items": ItemRow, "taxes": TaxRow, "charges": ChargeRow,
    "invoices": DocumentRow, "purchase_orders": DocumentRow,
}  # fmt: skip
# Where the newest row of an id lies: number of the file, offset of its line.
Spot = tuple[int, int]
# Told of the records that a file is about to lose: kind of file, then (id, words) of each.
Refusals = Callable[[str, Sequence[tuple[str, str]]], None]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How files are read by the settings: dates by strptime ("" for ISO), decimal auto, dot or comma, more headers."""

    dates: str = ""
    decimal: str = "auto"
    headers: dict[str, str] = {}


class Kept(msgspec.Struct, omit_defaults=True):
    """A record as a file had it: its row, or why it was refused. `numbers` are a document's line numbers.

    `split` says that lines of it came in several files; `numbers` are all of them then.
    """

    id: str
    row: msgspec.Raw = msgspec.Raw(b"")
    refused: str = ""
    numbers: tuple[int, ...] = ()
    split: bool = False


class _Id(msgspec.Struct):
    id: str


class Head(msgspec.Struct, kw_only=True):
    """What is known of a taken file as a whole.

    `nameless` counts bad rows that belong to no record, `first` tells one; `size` is that of the kept rows in bytes.
    `totals` are the net amounts of its good documents by currency, "" for those that name none. `mark` is the size and
    time of the file as it was read last.
    """

    shape: int
    table: str
    digest: str
    format: Format
    options: Options
    at: dt.datetime
    records: int
    refused: int
    nameless: int
    first: str
    unused: tuple[str, ...]
    size: int
    totals: dict[str, Decimal] = {}
    mark: tuple[int, int] = (0, 0)


_encode = msgspec.json.Encoder().encode
_kept = msgspec.json.Decoder(Kept)
_id = msgspec.json.Decoder(_Id)
_decoders = {name: msgspec.json.Decoder(type_) for name, type_ in _ROWS.items()}


class CsvLog:
    """All that was ever taken out of one folder. Made for several threads."""

    def __init__(
        self, folder: Folder, options: Options, now: Callable[[], dt.datetime], refusals: Refusals | None = None
    ) -> None:
        self.folder, self.options, self.now, self.refusals = folder, options, now, refusals
        self._guard = threading.RLock()
        self._forget()

    def _forget(self) -> None:
        self.files: dict[int, tuple[Taken, Head]] = {}
        self.spoilt: dict[int, tuple[Taken, str]] = {}
        self._newest: dict[str, dict[str, Spot]] = {name: {} for name in TABLES}

    # --------------------------------------------------------------------------------------------------------- taking

    def take(self) -> int:
        """Read every file that is ready and move it into the log, or to `failed/`; how many were ready.

        Nothing of a file counts before its move, and all of it after: a process killed in between reads it again.
        """
        count = 0
        with self._guard, self.folder.lock():
            self._load()
            self._written_on()
            for claimed in self.folder.claim():
                count += 1
                self._take(claimed)
        return count

    def _take(self, claimed: Path) -> None:
        table = TABLES[self.folder.table(claimed.name)]
        before = _mark(claimed)
        told: list[tuple[str, str]] = []
        try:
            found = csv_format.scan(claimed)
            if self._twin(found.digest):
                self.folder.drop(claimed)
                return
            taken = self.folder.next(claimed, found.digest)
            head = self._read(claimed, table, taken, found, self._fresh(claimed, found), told)
        except BadFile as bad:
            if _mark(claimed) == before:
                flaw = Flaw(bad.line, bad.column, bad.words)
                digest = _digest(claimed)
                self.folder.refuse(claimed, digest, _errors(claimed.name, [flaw], 0))
            return
        if _mark(claimed) != before:
            # Whoever writes it holds it open still: it stays claimed, and is read again.
            return
        if told and self.refusals:
            self.refusals(table.name, told)
        self.folder.accept(claimed, taken)
        self._add(taken, head)

    def _written_on(self) -> None:
        """Take again what somebody wrote on after it was taken: whoever holds a file open isn't stopped by its move."""
        for seq, (taken, head) in list(self.files.items()):
            path = self.folder.done / taken.file
            with contextlib.suppress(FileNotFoundError, msgspec.MsgspecError):
                if self.now() - head.at > _WATCHED or head.mark == (mark := _mark(path)):
                    continue
                # Another process may have seen to it.
                head = msgspec.json.decode(self.folder.beside(taken, ".json").read_bytes(), type=Head)
                if head.mark != mark and _digest(path) != head.digest and not self.folder.again(taken):
                    continue
                head.mark = mark
                write(self.folder.beside(taken, ".json"), _encode(head))
                self.files[seq] = (taken, head)

    def _twin(self, digest: str) -> bool:
        """Whether these very bytes, read in this very way, are in the log already.

        Raises BadFile when a newer file named some of the same records: then this one may be meant to hold again, or
        be an old one that came back, which nobody can tell from here.
        """
        for taken, head in self.files.values():
            if head.digest != digest or head.options != self.options:
                continue
            newest = self._newest[head.table]
            over = next((id for id in self._ids(taken) if newest[id][0] != taken.seq), "")
            if not over:
                return True
            by = self.files[newest[over][0]][0].name
            raise BadFile(
                f"was taken already on {head.at:%Y-%m-%d} as {taken.name}, and {by} after it has {over[:40]} too; "
                "if this one is to hold again, change anything in it"
            )
        return False

    def _ids(self, taken: Taken) -> Iterator[str]:
        with self.folder.beside(taken, ".jsonl").open("rb") as file:
            yield from (_id.decode(line).id for line in file)

    def _fresh(self, claimed: Path, found: Scan) -> Format:
        sign = csv_format.delimiter(claimed, found.encoding)
        return Format(
            encoding=found.encoding, delimiter=sign, decimal="", dates=self.options.dates, headers=self.options.headers
        )

    def _read(
        self, path: Path, table: Table, taken: Taken, found: Scan, format: Format, told: list[tuple[str, str]]
    ) -> Head:
        """Keep a file's records beside the log; what is refused is added to `told`."""
        options, mark = self.options, _mark(path)
        looked = csv_rows.survey(path, table, format, format.decimal or _SIGNS[options.decimal])
        target = self.folder.beside(taken, ".jsonl")
        part = target.with_name(f".{target.name}.part")
        flaws: list[Flaw] = []
        records = nameless = more = 0
        totals: dict[str, Decimal] = {}
        with part.open("wb") as out:
            for made in csv_rows.made(path, table, looked):
                kept, wrong = self._judged(table, taken, made)
                more += max(0, len(flaws) + len(wrong) - _LISTED)
                flaws += wrong[: max(0, _LISTED - len(flaws))]
                if not made.id:
                    nameless += 1
                    continue
                records += 1
                if kept.refused:
                    told.append((kept.id, kept.refused))
                elif isinstance(made.row, DocumentRow):
                    currency = made.row.currency
                    totals[currency] = totals.get(currency, ZERO) + net_of(made.row)
                out.write(_encode(kept) + b"\n")
            size = out.tell()
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, target)
        self._list(taken, flaws, more)
        first = next((one.told() for one in flaws if not one.id), "")
        head = Head(
            shape=SHAPE, table=table.name, digest=found.digest, format=looked.format, options=options, at=self.now(),
            records=records, refused=len(told), nameless=nameless, first=first, unused=looked.header.unused, size=size,
            totals=totals, mark=mark,
        )  # fmt: skip
        write(self.folder.beside(taken, ".json"), _encode(head))
        return head

    def _list(self, taken: Taken, flaws: Sequence[Flaw], more: int) -> None:
        path = self.folder.errors(taken)
        if flaws:
            write(path, _errors(taken.name, flaws, more))
        else:
            path.unlink(missing_ok=True)

    def _judged(self, table: Table, taken: Taken, made: Made) -> tuple[Kept, tuple[Flaw, ...]]:
        """A record as it is kept: a document whose lines are split over files is refused whole."""
        if made.flaws:
            words = f"{taken.name}, {made.flaws[0].told()}"
            words += f" (and {len(made.flaws) - 1} more)" if len(made.flaws) > 1 else ""
            return Kept(id=made.id, refused=words, numbers=made.numbers), made.flaws
        kept = Kept(id=made.id, row=msgspec.Raw(_encode(made.row)), numbers=made.numbers)
        spot = self._newest[table.name].get(made.id)
        if made.counted or not made.numbers or spot is None:
            return kept, ()
        before = self._at(spot)
        old, new = set(before.numbers), set(made.numbers)
        # A document that was split is whole again when all its lines come; else one shared line makes it a new version.
        if not old or (new >= old if before.split else new & old):
            return kept, ()
        where = self.files[spot[0]][0].name
        words = f"its lines are split over {where} and {taken.name}: send all of them in one file"
        flaw = Flaw(made.line, table.key, words, made.id)
        return Kept(id=made.id, refused=words, numbers=tuple(sorted(old | new)), split=True), (flaw,)

    # -------------------------------------------------------------------------------------------------------- loading

    def load(self) -> None:
        """Know what others took meanwhile."""
        with self._guard:
            fresh = [one for one in self.folder.taken() if one.seq not in self.files and one.seq not in self.spoilt]
            if fresh or self._shrunk():
                # Rows may have to be made again, which only one may do.
                with self.folder.lock():
                    self._load()

    def _shrunk(self) -> bool:
        known = {taken for taken, _ in self.files.values()} | {taken for taken, _ in self.spoilt.values()}
        return not known.issubset(self.folder.taken())

    def _load(self) -> None:
        if self._shrunk():
            self._forget()
        for taken in self.folder.taken():
            if taken.seq in self.files or taken.seq in self.spoilt:
                continue
            try:
                self._add(taken, self._head(taken))
            except BadFile as bad:
                self.spoilt[taken.seq] = (taken, bad.words)

    def _head(self, taken: Taken) -> Head:
        """The head of a taken file; its rows are made again where they aren't whole."""
        head: Head | None = None
        with contextlib.suppress(OSError, msgspec.DecodeError, msgspec.ValidationError):
            head = msgspec.json.decode(self.folder.beside(taken, ".json").read_bytes(), type=Head)
            if head.shape == SHAPE and self.folder.beside(taken, ".jsonl").stat().st_size == head.size:
                return head
        path = self.folder.done / taken.file
        table = TABLES[self.folder.table(taken.name)]
        found = csv_format.scan(path)
        return self._read(path, table, taken, found, head.format if head else self._fresh(path, found), [])

    def _add(self, taken: Taken, head: Head) -> None:
        newest = self._newest[head.table]
        self.files[taken.seq] = (taken, head)
        with self.folder.beside(taken, ".jsonl").open("rb") as file:
            offset = 0
            for line in file:
                newest[_id.decode(line).id] = (taken.seq, offset)
                offset += len(line)

    # ------------------------------------------------------------------------------------------------------- the rows

    def last(self) -> int:
        """The number of the newest file, 0 when none was ever taken."""
        with self._guard:
            return max([0, *self.files, *self.spoilt])

    def _at(self, spot: Spot) -> Kept:
        with self.folder.beside(self.files[spot[0]][0], ".jsonl").open("rb") as file:
            file.seek(spot[1])
            return _kept.decode(file.readline())

    def one(self, table: str, id: str) -> Kept | None:
        """The newest of an id, None where no file names it."""
        with self._guard:
            spot = self._newest[table].get(id)
            return self._at(spot) if spot else None

    def since(self, table: str, seq: int) -> Iterator[Kept]:
        """The newest of each id that files after that number name, each id once."""
        with self._guard:
            files = [(n, one) for n, (one, head) in sorted(self.files.items()) if n > seq and head.table == table]
            newest = dict(self._newest[table])
        for number, taken in files:
            with self.folder.beside(taken, ".jsonl").open("rb") as file:
                offset = 0
                for line in file:
                    if newest.get(_id.decode(line).id) == (number, offset):
                        yield _kept.decode(line)
                    offset += len(line)

    def newest(self, table: str) -> int:
        """The number of the newest file of a kind, 0 for none."""
        with self._guard:
            return max((seq for seq, (_, head) in self.files.items() if head.table == table), default=0)

    def trouble(self, table: str) -> tuple[str, ...]:
        """What files of a kind nobody can use, in words, until they are answered.

        A refused file is answered by a file of its name, or by taking it away; so are rows without a key by taking
        away the list of errors.
        """
        words = []
        with self._guard:
            for one in self.folder.refused():
                if self.folder.table(one.name) == table:
                    words.append(f"{one.name} was refused: {_reason(one.errors)}")
            latest = {taken.name: seq for seq, (taken, _) in sorted(self.files.items())}
            for seq, (taken, head) in sorted(self.files.items()):
                open_ = head.table == table and head.nameless and latest[taken.name] == seq
                if open_ and self.folder.errors(taken).exists():
                    rows = f"{head.nameless} row{'s' if head.nameless > 1 else ''}"
                    words.append(f"{taken.name} has {rows} that belong to no record: {head.first}")
            words += [
                f"{taken.file} can't be read any more: {why}"
                for taken, why in self.spoilt.values() if self.folder.table(taken.name) == table
            ]  # fmt: skip
        return tuple(words)


def net_of(document: DocumentRow) -> Decimal:
    """What a document's lines and carriage come to without tax: as the file says, else quantity by price."""
    nets = (rounded(x.quantity * x.unit_price) if x.net is None else x.net for x in document.lines)
    return rounded(sum(nets, document.carriage))


def row(table: str, kept: Kept) -> Canonical:
    """The canonical row of a record that wasn't refused."""
    return _decoders[table].decode(kept.row)


def _mark(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _errors(name: str, flaws: Sequence[Flaw], more: int) -> bytes:
    rows = [
        {"file": name, "line": str(one.line or ""), "column": one.column, "id": one.id, "reason": one.words}
        for one in flaws
    ]
    if more:
        rows.append({"file": name, "reason": f"and {more} more"})
    return sheet(_ERRORS, rows)


def _reason(errors: Path) -> str:
    """The first error of a list."""
    with (
        contextlib.suppress(OSError, csv.Error, UnicodeDecodeError),
        errors.open(encoding="utf-8-sig", newline="") as f,
    ):
        for cells in csv.DictReader(f):
            return cells.get("reason") or ""
    return "see its list of errors"


__all__ = ["CsvLog", "Head", "Kept", "Options", "row"]
