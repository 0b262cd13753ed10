"""The cursor of a listing: how far it was read, when all of it was last compared, and what is known. Pure.

The stamp only narrows what is read; whether a record changed is decided by its digest (nethelpdesk section 9).
"""

import base64
import datetime as dt
from collections.abc import Sequence

import msgspec

from xerotui.model.records import Record, fingerprint

VERSION = 1
OVERLAP = dt.timedelta(hours=24)
FULL_EVERY = dt.timedelta(hours=24)
# Digests kept in a cursor; beyond them records are read again for nothing.
REMEMBERED = 20_000
_WIDTH = 6


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a listing was left.

    `since` is the newest stamp in the data, in the database's own time and never our clock; `full` is our time when
    everything, or the window, was last compared; `known` are digests of records that needn't be told again. `against`
    is the digest of what records were read against: when that changes, all are compared.
    """

    v: int = VERSION
    since: str = ""
    full: str = ""
    known: str = ""
    against: str = ""

    def text(self) -> str:
        """The cursor as the core stores it."""
        return msgspec.json.encode(self).decode()

    @property
    def first(self) -> bool:
        """True where nothing was ever read to its end."""
        return not self.full

    def stale(self, now: dt.datetime) -> bool:
        """Whether it is time to compare everything again."""
        return self.first or not dt.timedelta(0) <= now - dt.datetime.fromisoformat(self.full) < FULL_EVERY

    @property
    def newest(self) -> dt.datetime | None:
        """The newest stamp."""
        return dt.datetime.fromisoformat(self.since) if self.since else None

    def floor(self) -> dt.datetime | None:
        """Rows of an older stamp needn't be read; None where there is no stamp to go by."""
        return None if self.newest is None else self.newest - OVERLAP

    def digests(self) -> frozenset[bytes]:
        """What is known."""
        raw = base64.b85decode(self.known)
        return frozenset(raw[n : n + _WIDTH] for n in range(0, len(raw), _WIDTH))


class Seen:
    """What one reading sees: it tells what is new, and makes the next mark."""

    def __init__(self, mark: Mark, now: dt.datetime) -> None:
        self._mark = mark
        # A stamp of the future must not hide what changes until then. A zone ahead of UTC leaves the mark some hours
        # behind, which reads more and loses nothing.
        self._latest = now.replace(tzinfo=None)
        self._known = mark.digests()
        self._seen: list[tuple[dt.datetime | None, bytes]] = []
        self._newest = mark.newest

    def fresh(self, found: Sequence[tuple[Record, dt.datetime | None]]) -> tuple[Record, ...]:
        """Of these records with their stamps those that say anything new."""
        return tuple(record for record, stamp in found if self.news(record, stamp))

    def news(self, record: Record, stamp: dt.datetime | None) -> bool:
        """Whether the record says anything that the last reading didn't."""
        digest = _digest(record)
        self._seen.append((stamp, digest))
        if stamp is not None and stamp <= self._latest:
            self._newest = max(self._newest or stamp, stamp)
        return digest not in self._known

    def mark(self, now: dt.datetime, *, full: bool, stamped: bool, against: str = "") -> Mark:
        """The mark after the reading; with stamps only what the next one will see again is remembered."""
        made = Mark(since=self._newest.isoformat() if self._newest else "", full=self._mark.full, against=against)
        if full:
            made = msgspec.structs.replace(made, full=now.isoformat())
        floor = made.floor() if stamped else None
        kept = [digest for at, digest in self._seen if at is None or floor is None or at >= floor]
        known = base64.b85encode(b"".join(sorted(set(kept[-REMEMBERED:])))).decode()
        return msgspec.structs.replace(made, known=known)


def _digest(record: Record) -> bytes:
    return bytes.fromhex(fingerprint(record))[:_WIDTH]


def mark_of(cursor: str) -> Mark:
    """The mark in a cursor; one that isn't understood is none, so that all is read again."""
    try:
        mark = msgspec.json.decode(cursor, type=Mark)
        if mark.v == VERSION:
            mark.digests(), mark.floor()
            if not mark.full or dt.datetime.fromisoformat(mark.full).tzinfo:
                return mark
    except (msgspec.MsgspecError, ValueError, OverflowError):
        pass
    return Mark()
