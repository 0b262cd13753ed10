"""How a CSV file is written: its digest, encoding, delimiter and decimal sign, and its rows one by one.

Files are streamed, never held whole. Nothing here knows what a column means.
"""

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import msgspec

_CHUNK = 1 << 20
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_DELIMITERS = ",;\t|"
_SEP = re.compile(r"sep=(.)\s*$", re.IGNORECASE)
# Blanks that programs put between thousands.
_BLANKS = re.compile(r"[\s\u00a0\u2007\u2009\u202f'’]")
_SIGNS = re.compile(r"^[£$€¥]|[£$€¥%]$")
_PLAIN = re.compile(r"[+-]?\d*\.?\d+([eE][+-]?\d{1,3})?|[+-]?\d+\.", re.ASCII)
_SIGNED = re.compile(r"[+-]?[\d.,]+", re.ASCII)
_GROUPED = {sign: re.compile(rf"[+-]?\d{{1,3}}(\{sign}\d{{3}})+", re.ASCII) for sign in ",."}
# As many digits as an amount can have without being a slip.
_DIGITS = 18


class BadFile(Exception):
    """The file as a whole can't be read; `line` is 0 where no line is at fault."""

    def __init__(self, words: str, line: int = 0, column: str = "") -> None:
        super().__init__(words)
        self.words, self.line, self.column = words, line, column


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """How one file was read; kept with it, so that it reads the same way for ever.

    `dates` is a strptime format, "" for ISO dates; `decimal` is "." or ","; `headers` are those that were configured.
    """

    encoding: str
    delimiter: str
    decimal: str = "."
    dates: str = ""
    headers: dict[str, str] = {}


class Scan(msgspec.Struct, frozen=True):
    """What reading all bytes once tells: the SHA-256 as hex, the encoding, and the size in bytes."""

    digest: str
    encoding: str
    size: int


def scan(path: Path) -> Scan:
    """Read a file's bytes once.

    UTF-8 with or without a mark, UTF-16 with one, else Windows-1252, as Excel writes it. Raises BadFile for a file
    that is empty, or holds NUL bytes, or bytes that none of these has.
    """
    digest, size, line = hashlib.sha256(), 0, 1
    utf8 = codecs.getincrementaldecoder("utf-8")()
    cp1252 = codecs.getincrementaldecoder("cp1252")()
    marked, plain, western = "", True, 0
    wide = codecs.getincrementaldecoder("utf-16")()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if not size:
                marked = _UTF16.get(chunk[:2], "")
            digest.update(chunk)
            if not marked and (at := chunk.find(b"\0")) >= 0:
                raise BadFile("holds NUL bytes: damaged, or still being copied", line + chunk.count(b"\n", 0, at))
            if marked and not _decodes(wide, chunk):
                raise BadFile("isn't the UTF-16 that it says it is", line)
            if not marked:
                plain = plain and _decodes(utf8, chunk)
                if not western and not _decodes(cp1252, chunk):
                    western = line
            size += len(chunk)
            line += chunk.count(b"\n")
    if not size:
        raise BadFile("is empty; a file without rows still has its headers")
    if marked:
        if not _decodes(wide, b"", final=True):
            raise BadFile("isn't the UTF-16 that it says it is: cut off?", line)
        return Scan(digest.hexdigest(), marked, size)
    if plain and _decodes(utf8, b"", final=True):
        return Scan(digest.hexdigest(), "utf-8", size)
    if western:
        raise BadFile("is neither UTF-8 nor Windows-1252: save it as CSV UTF-8", western)
    return Scan(digest.hexdigest(), "cp1252", size)


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    """The physical lines with their ends; the byte order mark is taken off."""
    first = True
    for line in io.TextIOWrapper(file, encoding, newline=""):
        yield line.removeprefix("\ufeff") if first else line
        first = False


def delimiter(path: Path, encoding: str) -> str:
    """The sign between cells: what Excel's `sep=` line says, else the most frequent one of the header row."""
    with path.open("rb") as file:
        for line in _lines(file, encoding):
            if found := _SEP.fullmatch(line.rstrip("\r\n")):
                return found[1]
            if line.strip():
                bare = re.sub(r'"[^"]*"', "", line)
                return max(_DELIMITERS, key=lambda sign: (bare.count(sign), -_DELIMITERS.index(sign)))
    return ","


def rows(path: Path, encoding: str, sign: str) -> Iterator[tuple[int, list[str]]]:
    """Every row that isn't blank as (line it begins on, cells); the first is the header.

    Raises BadFile where the quotes don't fit or bytes aren't of the encoding.
    """
    with path.open("rb") as file:
        lines = _lines(file, encoding)
        reader = csv.reader(lines, delimiter=sign, strict=True)
        begin = 1
        try:
            for cells in reader:
                skipped = begin == 1 and len(cells) <= 2 and _SEP.fullmatch(sign.join(cells))
                if not skipped and any(cell and not cell.isspace() for cell in cells):
                    yield begin, cells
                begin = reader.line_num + 1
        except csv.Error as error:
            words = str(error)
            hint = "a quote isn't closed" if "end of data" in words or "limit" in words else "the quotes don't fit"
            raise BadFile(f"can't be told into rows: {hint}", begin) from None
        except UnicodeDecodeError:
            raise BadFile(f"holds signs that aren't {encoding.upper()}", begin) from None


def bare(text: str) -> str:
    """A number's text without blanks, currency signs and accountants' brackets."""
    text = _BLANKS.sub("", text)
    if text.startswith("(") and text.endswith(")"):
        text = "-" + text[1:-1]
    sign = text[:1] if text[:1] in ("-", "+") else ""
    return sign + _SIGNS.sub("", text.removeprefix(sign)).replace("\u2212", "-")


def decimal_evidence(text: str) -> str:
    """Which decimal sign a number speaks for: "." or ",", "?" when it could be either, "" when it says nothing.

    `1,234` and `1.234` could be either.
    """
    number = bare(text)
    if not _SIGNED.fullmatch(number):
        return ""
    comma, dot = number.rfind(","), number.rfind(".")
    if comma < 0 and dot < 0:
        return ""
    if comma >= 0 and dot >= 0:
        return "," if comma > dot else "."
    sign = "," if comma >= 0 else "."
    if number.count(sign) > 1:
        return "." if sign == "," else ","
    return "?" if _GROUPED[sign].fullmatch(number) and not number.lstrip("+-").startswith("0") else sign


def number(text: str, sign: str) -> Decimal:
    """A number with that decimal sign; thousands may be parted by the other one, a blank or an apostrophe.

    Raises ValueError with words for anything else, and for `1.2E+08`, which Excel has rounded.
    """
    value = bare(text)
    other = "," if sign == "." else "."
    if other in value:
        whole, _, rest = value.partition(sign)
        if not _GROUPED[other].fullmatch(whole) or other in rest:
            raise ValueError("is no number as it is written" if other == "," else "is no number with a decimal comma")
        value = value.replace(other, "")
    value = value.replace(sign, ".")
    if not _PLAIN.fullmatch(value):
        raise ValueError("is no number")
    found = Decimal(value)
    digits, exponent = found.as_tuple().digits, found.as_tuple().exponent
    if "e" in value.lower() and isinstance(exponent, int) and exponent > 0:
        raise ValueError("was rounded by the program that wrote it")
    if abs(found) >= 10**_DIGITS or len(digits) > 2 * _DIGITS:
        raise ValueError("is too large")
    return found
