"""The rows of one CSV file as canonical rows: cells read by their column, a document's lines gathered.

What is wrong is told by line and column, and takes its own record with it, never another. No rule of billing is here.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from xerotui.model.money import rounded
from xerotui_nethelpdesk import csv_format, values
from xerotui_nethelpdesk.csv_canon import SINGLES, Canonical, Cells, document
from xerotui_nethelpdesk.csv_columns import NUMBERS, As, Header, Table, understood
from xerotui_nethelpdesk.csv_format import BadFile, Format

# The signs that begin a formula in a spreadsheet; an apostrophe before one of them is its mark of plain text.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
_WRAPPED = ("=", "'")
_QUOTED = re.compile(r'="(.*)"', re.DOTALL)
_TIME = re.compile(r"[T ]+\d{1,2}[:.]\d\d([:.]\d\d([.,]\d+)?)?( ?[AaPp]\.?[Mm]\.?)?( ?(Z|[+-]\d\d:?\d\d))?$")
# Three zeros may as well be thousands.
_KEY = re.compile(r"([0-9]+)[.,](?!000$)0+")
_YES = {"1", "-1", "yes", "y", "true", "t", "on", "x", "active"}
_NO = {"0", "no", "n", "false", "f", "off", "inactive"}
# A unit price, quantity or percentage has so many decimals; amounts are added up before they are rounded (`lines`).
_PLACES = {As.PRICE: values.PLACES, As.PERCENT: values.PLACES, As.RATE: 6}


class Flaw(msgspec.Struct, frozen=True):
    """What is wrong at one place; `id` is that of the record it takes with it, "" where none can be told."""

    line: int
    column: str
    words: str
    id: str = ""

    def told(self) -> str:
        """It as a sentence's end."""
        return f"line {self.line}, {self.column}: {self.words}" if self.column else f"line {self.line}: {self.words}"


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a file: its row, or its flaws. `numbers` are a document's lines, `counted` that they are all."""

    id: str
    line: int
    row: Canonical | None = None
    flaws: tuple[Flaw, ...] = ()
    numbers: tuple[int, ...] = ()
    counted: bool = False


def cleaned(cell: str) -> str:
    """A cell's text: trimmed, line ends alike, without the wrappings that keep spreadsheets from calculating."""
    text = cell.strip()
    if text[:1] not in _WRAPPED and "\r" not in text:
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if match := _QUOTED.fullmatch(text):
        text = match[1].strip()
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA and len(text) > 1 else text


def key(text: str) -> str:
    """A key's text; 12.0 is 12, as keys that are FLOAT come."""
    match = _KEY.fullmatch(text)
    return match[1] if match else text


def _named(table: Table) -> Callable[[str], str]:
    """What a cell of the key column says: 12.0 is the id 12, but a code is what it is."""
    column = table.column(table.key)
    return (lambda cell: key(cleaned(cell))) if column and column.kind is As.KEY else cleaned


def _whole(text: str) -> int | None:
    if not text:
        return None
    found = key(text)
    if not re.fullmatch(r"-?[0-9]{1,9}", found):
        raise ValueError("is no whole number")
    return int(found)


def _flag(text: str) -> bool | None:
    low = text.casefold()
    if low in _YES:
        return True
    if low in _NO:
        return False
    if not low:
        return None
    raise ValueError("is neither yes nor no")


def _dates(pattern: str) -> Callable[[str], dt.date | None]:
    """A reader of dates: by the pattern (strptime's), or ISO; times of day are cut off, never converted."""

    @lru_cache(maxsize=4096)
    def read(text: str) -> dt.date | None:
        if not text or text == "0":
            return None
        found = _parsed(text, pattern) or _parsed(_TIME.sub("", text), pattern)
        if found is None:
            hint = f"is no date as {pattern}" if pattern else "is no date as 2026-01-31"
            raise ValueError(f"{hint}; the settings say how dates are written")
        return found if found.year >= values.FIRST_YEAR else None

    return read


def _parsed(text: str, pattern: str) -> dt.date | None:
    for form in (pattern, "%Y-%m-%d"):
        try:
            if form:
                return dt.datetime.strptime(text, form).date()  # noqa: DTZ007
        except ValueError:
            continue
    return None


def _converters(format: Format) -> Mapping[As, Callable[[str], Any]]:
    def number(kind: As) -> Callable[[str], Decimal | None]:
        places = _PLACES.get(kind)

        @lru_cache(maxsize=4096)
        def read(text: str) -> Decimal | None:
            if not text:
                return None
            found = csv_format.number(text, format.decimal)
            return found if places is None else rounded(found, places)

        return read

    made: dict[As, Callable[[str], Any]] = {kind: number(kind) for kind in NUMBERS}
    percent = number(As.PERCENT)
    made[As.PERCENT] = lambda text: None if (found := percent(text)) is None else values.plain(found)
    return {**made, As.TEXT: str, As.KEY: key, As.WHOLE: _whole, As.DATE: _dates(format.dates), As.FLAG: _flag}


# -------------------------------------------------------------------------------------------------------- the survey


class Survey(msgspec.Struct, frozen=True):
    """A file looked through once: its header, its format with the decimal sign, and how often each key begins a run."""

    header: Header
    format: Format
    runs: dict[str, int]
    rows: int


def survey(path: Path, table: Table, format: Format, decimal: str) -> Survey:
    """Look a whole file through; `decimal` is "." or "," where it is known, "" to find it out.

    Raises BadFile when it can't be read as a whole, or its numbers leave the decimal sign open.
    """
    found = csv_format.rows(path, format.encoding, format.delimiter)
    first = next(found, None)
    if first is None:
        raise BadFile("is empty; a file without rows still has its headers")
    header = understood(table, first[1], format.headers)
    at = next(n for n, one in enumerate(header.columns) if one and one.name == table.key)
    named = _named(table)
    numeric = [] if decimal else [n for n, one in enumerate(header.columns) if one and one.kind in NUMBERS]
    seen: dict[str, tuple[int, str]] = {}
    runs: dict[str, int] = {}
    last, count = None, 0
    for line, cells in found:
        count += 1
        id = named(cells[at]) if at < len(cells) else ""
        if id != last or not table.heads:
            runs[id] = runs.get(id, 0) + 1
            last = id
        for n in numeric:
            cell = cells[n] if n < len(cells) else ""
            # Most numbers say nothing new.
            if "," not in cell and ("." not in cell or "." in seen):
                continue
            if (evidence := csv_format.decimal_evidence(cell)) and evidence not in seen:
                seen[evidence] = (line, cell.strip()[:30])
    sign = decimal or _decimal(seen, format.delimiter)
    return Survey(header, msgspec.structs.replace(format, decimal=sign), runs, count)


def _decimal(seen: Mapping[str, tuple[int, str]], delimiter: str) -> str:
    choose = "choose the decimal sign in the settings"
    if "." in seen and "," in seen:
        (a, dot), (b, comma) = seen["."], seen[","]
        raise BadFile(f"has numbers with decimal points ({dot}, line {a}) and commas ({comma}, line {b}); {choose}")
    if sign := next((one for one in (".", ",") if one in seen), ""):
        return sign
    if "?" in seen:
        line, text = seen["?"]
        # Between commas a decimal comma would have to be quoted every time.
        if delimiter == "," and "." in text:
            return "."
        raise BadFile(f"leaves open whether {text} is a thousand or a fraction; {choose}", line)
    return "."


# --------------------------------------------------------------------------------------------------------- the making


def made(path: Path, table: Table, looked: Survey) -> Iterator[Made]:
    """The records of a file, each once; rows without a key come as `Made` with the id ""."""
    reader = _Reader(table, looked)
    found = csv_format.rows(path, looked.format.encoding, looked.format.delimiter)
    next(found)
    yield from reader.documents(found) if table.heads else reader.singles(found)


class _Reader:
    def __init__(self, table: Table, looked: Survey) -> None:
        self.table, self.runs = table, dict(looked.runs)
        self.columns = looked.header.columns
        convert = _converters(looked.format)
        self.parts = [(n, one, convert[one.kind]) for n, one in enumerate(self.columns) if one]
        self.at = next(n for n, one, _ in self.parts if one.name == table.key)
        self.named = _named(table)

    def singles(self, found: Iterator[tuple[int, list[str]]]) -> Iterator[Made]:
        """Records of one row; of two rows with one key neither counts, unless they say the same."""
        many = {id for id, count in self.runs.items() if count > 1 and id}
        twins: dict[str, list[tuple[int, list[str]]]] = {id: [] for id in many}
        for line, cells in found:
            id = self._key(cells)
            if id in twins:
                twins[id].append((line, cells))
            else:
                yield self._single(line, cells)
        for id, rows in twins.items():
            if all(cells == rows[0][1] for _, cells in rows):
                yield self._single(*rows[0])
            else:
                words = f"{id} is in several rows that differ: lines {', '.join(str(line) for line, _ in rows[:9])}"
                flaws = tuple(Flaw(line, self.table.key, words, id) for line, _ in rows)
                yield Made(id=id, line=rows[0][0], flaws=flaws)

    def _single(self, line: int, cells: list[str]) -> Made:
        got, flaws = self.read(line, cells)
        id = got.get(self.table.key) or ""
        flaws += [Flaw(line, c.name, "is blank", id) for _, c, _ in self.parts if c.needed and not _there(got, c.name)]
        if flaws:
            return Made(id=id, line=line, flaws=_once(flaws))
        return Made(id=id, line=line, row=SINGLES[self.table.name](got))

    def documents(self, found: Iterator[tuple[int, list[str]]]) -> Iterator[Made]:
        """Documents, each as soon as its last line was seen; only those whose lines lie apart are kept meanwhile."""
        open_: dict[str, list[tuple[int, list[str]]]] = {}
        last = None
        for line, cells in found:
            id = self._key(cells)
            if not id:
                _, flaws = self.read(line, cells)
                flaws += [Flaw(line, self.table.key, "is blank")] if len(cells) > self.at else []
                yield Made(id="", line=line, flaws=_once(flaws))
            if id != last:
                if last and self.runs[last] == 0:
                    yield self._document(last, open_.pop(last))
                self.runs[id] -= 1
                last = id
            if id:
                open_.setdefault(id, []).append((line, cells))
        if last:
            yield self._document(last, open_.pop(last))

    def _document(self, id: str, rows: Sequence[tuple[int, list[str]]]) -> Made:
        flaws: list[Flaw] = []
        heads: Cells = {}
        lines: list[tuple[int, Cells]] = []
        for line, cells in rows:
            got, wrong = self.read(line, cells)
            flaws += wrong
            for name in self.table.heads:
                value = got.get(name)
                if value in (None, ""):
                    continue
                if heads.setdefault(name, value) != value:
                    flaws.append(Flaw(line, name, f"differs from the document's other lines: {_shown(value)}", id))
            flaws += self._blank(line, got, id)
            lines.append((line, got))
        flaws += self._heads(rows[0][0], heads, id)
        flaws += _numbering(lines, heads, id)
        numbers = tuple(sorted({got["line_no"] for _, got in lines if got.get("line_no") is not None}))
        row = None if flaws else document(self.table, id, heads, [got for _, got in lines])
        counted = heads.get("line_count") is not None
        return Made(id=id, line=rows[0][0], row=row, flaws=_once(flaws), numbers=numbers, counted=counted)

    def _blank(self, line: int, got: Cells, id: str) -> Iterator[Flaw]:
        for _, column, _ in self.parts:
            name = column.name
            if not column.needed or name in self.table.heads or _there(got, name):
                continue
            # A heading has a text alone; so has a line that costs nothing a price alone.
            if not (got.get("heading") and name in ("quantity", "unit_price")):
                yield Flaw(line, name, "is blank", id)

    def _heads(self, line: int, heads: Cells, id: str) -> Iterator[Flaw]:
        for _, column, _ in self.parts:
            if column.needed and column.name in self.table.heads and not _there(heads, column.name):
                yield Flaw(line, column.name, "is blank, or no date" if column.kind is As.DATE else "is blank", id)
        for names in self.table.either:
            if not any(_there(heads, name) for name in names):
                yield Flaw(line, names[0], f"is blank, and {names[1]} too", id)

    def _key(self, cells: Sequence[str]) -> str:
        return self.named(cells[self.at]) if self.at < len(cells) else ""

    def read(self, line: int, cells: Sequence[str]) -> tuple[Cells, list[Flaw]]:
        """The cells by column name, and what is wrong with them."""
        id = self._key(cells)
        width = len(self.columns)
        # Blank cells too many aren't harmless: a delimiter in a text shifts what comes after it.
        if len(cells) != width:
            words = f"has {len(cells)} cells, the header has {width}"
            words += ": text with the delimiter in it needs quotes" if len(cells) > width else ": cut off?"
            return {self.table.key: id}, [Flaw(line, "", words, id)]
        got: Cells = {}
        flaws = []
        for n, column, convert in self.parts:
            try:
                got[column.name] = convert(cleaned(cells[n]))
            except ValueError as error:
                flaws.append(Flaw(line, column.name, f"{_shown(cells[n])} {error}", id))
        return got, flaws


def _there(got: Mapping[str, Any], name: str) -> bool:
    return got.get(name) not in (None, "")


def _shown(value: object) -> str:
    return " ".join(str(value).split())[:40]


def _once(flaws: Sequence[Flaw]) -> tuple[Flaw, ...]:
    """The first flaw of each place: a cell that is no number isn't blank besides."""
    first: dict[tuple[int, str], Flaw] = {}
    for one in flaws:
        first.setdefault((one.line, one.column), one)
    whole = {line for line, column in first if not column}
    return tuple(one for one in first.values() if not one.column or one.line not in whole)


def _numbering(lines: Sequence[tuple[int, Cells]], heads: Cells, id: str) -> Iterator[Flaw]:
    seen: dict[int, int] = {}
    for line, got in lines:
        number = got.get("line_no")
        if number is None:
            continue
        if number in seen:
            yield Flaw(line, "line_no", f"{number} is there already, on line {seen[number]}", id)
        seen.setdefault(number, line)
    count = heads.get("line_count")
    if count is not None and count != len(lines):
        words = f"says {count}, the file has {len(lines)} lines of it: all must be in one file"
        yield Flaw(lines[0][0], "line_count", words, id)


__all__ = ["Flaw", "Made", "Survey", "cleaned", "key", "made", "survey"]
