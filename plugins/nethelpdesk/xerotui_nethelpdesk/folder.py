"""The folder that files are dropped into: which may be taken, how they are claimed, kept and refused.

Only the moving of whole files lives here. A file goes from the inbox to `taking/`, and from there to `done/` under a
sequence number or to `failed/`; each step is one rename, so a process that is killed leaves it in exactly one place.
`done/` is the log of all that was taken; its numbers never come again.
"""

import contextlib
import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import msgspec

from xerotui.source.contract import SourceRefused, SourceUnreachable

TAKING, DONE, FAILED, OWN = "taking", "done", "failed", ".rows"
ERRORS = ".errors.csv"
_READY = ".done"
# What XeroTUI itself lays out for the help desk's importer is never taken, wherever it lies.
_OURS = ("_new.csv", ERRORS)
_TAKEN = re.compile(r"(\d{6,})\.([0-9a-f]{16})\.(.+\.csv)", re.IGNORECASE)
_REFUSED = re.compile(r"(.+)\.([0-9a-f]{8})\.csv", re.IGNORECASE)
_ODD = re.compile(r"[^\w.()+ -]")
_LONGEST = 120
# A file that never gets still is waited for once in so many seconds.
_PATIENCE = 60.0
LOCK_SECONDS = 30


class Taken(msgspec.Struct, frozen=True, order=True):
    """A file of the log; `digest` begins its SHA-256, `name` is the one that it was dropped under."""

    seq: int
    digest: str
    name: str
    file: str


class Refused(msgspec.Struct, frozen=True):
    """A file in `failed/` by the name that it was dropped under, and where its errors are."""

    name: str
    errors: Path


class _Log(msgspec.Struct):
    id: str
    next: int


class Folder:
    """One inbox. `names` begin the names of files that are taken, as `customers` does customers-may.csv.

    `clock` counts machine seconds: other computers' clocks don't matter. Methods raise SourceUnreachable when the
    folder is away, SourceRefused when it may not be used; the caller holds `lock` for all that moves files.
    """

    def __init__(
        self, inbox: Path, names: Sequence[str], settle: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.inbox, self.names, self.settle, self.clock = inbox, tuple(names), settle, clock
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}
        self._waited: dict[str, float] = {}

    @property
    def done(self) -> Path:
        """Where the log is."""
        return self.inbox / DONE

    def beside(self, taken: Taken, ending: str) -> Path:
        """A file of our own that belongs to a taken one."""
        return self.done / OWN / f"{taken.seq:06d}.{taken.digest}{ending}"

    def errors(self, taken: Taken) -> Path:
        """Where the bad rows of a taken file are listed."""
        return self.done / (taken.file + ERRORS)

    def reach(self) -> None:
        """Make sure that the folder is there and can be written to; its own folders are made, never the inbox."""
        shown = str(self.inbox)
        try:
            if not stat.S_ISDIR(self.inbox.stat().st_mode):
                raise SourceRefused(f"{shown} is no folder")
            for name in (TAKING, DONE, f"{DONE}/{OWN}", FAILED):
                (self.inbox / name).mkdir(exist_ok=True)
            for name in ("", TAKING, DONE, f"{DONE}/{OWN}", FAILED):
                if not os.access(self.inbox / name, os.R_OK | os.W_OK | os.X_OK):
                    raise PermissionError(13, "", str(self.inbox / name))
        except FileNotFoundError:
            raise SourceUnreachable(f"the folder {shown} isn't there", sent=False) from None
        except OSError as error:
            raise self.failure(error) from None

    def failure(self, error: OSError) -> SourceRefused | SourceUnreachable:
        """An error of the file system in words."""
        where = error.filename or str(self.inbox)
        if isinstance(error, PermissionError):
            return SourceRefused(f"{where} can't be written to: taken files are moved inside the folder")
        words = error.strerror or type(error).__name__
        return SourceUnreachable(f"{where}: {words[:1].lower()}{words[1:]}", sent=False)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only one who moves files; errors of the file system come out in words."""
        from filelock import FileLock, Timeout

        self.reach()
        try:
            with FileLock(self.inbox / ".xerotui.lock", timeout=LOCK_SECONDS):
                yield
        except Timeout:
            raise SourceUnreachable(f"another process has been busy with {self.inbox} for long", sent=False) from None
        except OSError as error:
            raise self.failure(error) from None

    # ------------------------------------------------------------------------------------------------ the inbox

    def table(self, name: str) -> str:
        """Which of the names a file's name begins with, "" for none."""
        low = name.lower()
        if not low.endswith(".csv") or low.endswith(_OURS):
            return ""
        return next((one for one in self.names if low.startswith(one)), "")

    def waiting(self) -> list[str]:
        """The names of files in the inbox that are or will be taken."""
        return sorted(name for name, _ in self._fitting())

    def strangers(self) -> list[str]:
        """The names of CSV files in the inbox that fit no table."""
        with contextlib.suppress(OSError):
            return sorted(
                one.name for one in os.scandir(self.inbox)
                if one.name.lower().endswith(".csv") and not self.table(one.name) and one.is_file()
            )  # fmt: skip
        return []

    def _fitting(self) -> Iterator[tuple[str, os.stat_result]]:
        with os.scandir(self.inbox) as found:
            for one in found:
                # A link could lead anywhere.
                if self.table(one.name) and one.is_file(follow_symlinks=False):
                    with contextlib.suppress(FileNotFoundError):
                        yield one.name, (self.inbox / one.name).lstat()

    def unsettled(self) -> float:
        """Look at the inbox; the seconds after which a file may be still that wasn't now, 0 when nothing is awaited."""
        now, longest = self.clock(), 0.0
        seen: dict[str, tuple[tuple[int, int], float]] = {}
        for name, found in self._fitting():
            mark = (found.st_size, found.st_mtime_ns)
            before = self._seen.get(name)
            since = before[1] if before is not None and before[0] == mark else now
            seen[name] = (mark, since)
            left = self.settle - (now - since)
            if left > 0 and not self._ready(name, found) and now - self._waited.get(name, -_PATIENCE) >= _PATIENCE:
                longest = max(longest, left)
        self._seen = seen
        return longest

    def gave_up(self) -> None:
        """Whatever isn't still by now is not waited for again for a while."""
        now = self.clock()
        self._waited = {name: now for name, (_, since) in self._seen.items() if now - since < self.settle}

    def _ready(self, name: str, found: os.stat_result) -> Path | None:
        """The `.done` beside a file, None without; an older one is left over from another file."""
        for marker in (self.inbox / (name + _READY), self.inbox / (name[:-4] + _READY)):
            with contextlib.suppress(FileNotFoundError):
                if marker.lstat().st_mtime_ns >= found.st_mtime_ns:
                    return marker
        return None

    def claim(self) -> Iterator[Path]:
        """The files to be read, oldest first: those that a killed process had claimed, then the still ones.

        Each lies in `taking/` then, out of reach of a next file of its name; `accept`, `refuse` or `drop` ends it, and
        one for which nothing is called comes again.
        """
        taking = self.inbox / TAKING
        begun = sorted((one.stat().st_mtime_ns, one.name) for one in taking.iterdir() if self.table(one.name))
        for _, name in begun:
            yield taking / name
        self.unsettled()
        now = self.clock()
        still: list[tuple[int, str, Path | None]] = []
        for name, found in self._fitting():
            mark, since = self._seen.get(name, ((-1, 0), now))
            marker = self._ready(name, found)
            if marker or (now - since >= self.settle and mark == (found.st_size, found.st_mtime_ns)):
                still.append((found.st_mtime_ns, name, marker))
        for _, name, marker in sorted(still, key=lambda one: one[:2]):
            target = taking / name
            if target.exists():
                continue
            # The marker first: left behind, it would vouch for the next file of this name.
            if marker:
                marker.unlink(missing_ok=True)
            try:
                os.rename(self.inbox / name, target)
            except (FileNotFoundError, PermissionError):
                # Taken back, or held open by who writes it: another time.
                continue
            self._seen.pop(name, None)
            yield target

    # ------------------------------------------------------------------------------------------------ the log

    def log(self) -> str:
        """The id of the log, which changes when `done/` is made anew."""
        return self._log().id

    def _log(self) -> _Log:
        path = self.done / ".log.json"
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(path.read_bytes(), type=_Log)
        made = _Log(uuid4().hex[:12], 1)
        write(path, msgspec.json.encode(made))
        return made

    def taken(self) -> list[Taken]:
        """The files of the log, oldest first."""
        found = []
        for name in os.listdir(self.done):
            if (match := _TAKEN.fullmatch(name)) and not name.lower().endswith(ERRORS):
                found.append(Taken(int(match[1]), match[2], match[3], name))
        return sorted(found)

    def next(self, claimed: Path, digest: str) -> Taken:
        """What a claimed file of this SHA-256 will be called in the log."""
        seq = max([self._log().next, *(one.seq + 1 for one in self.taken())])
        kept = _ODD.sub("_", claimed.name[:-4])[:_LONGEST].strip() + ".csv"
        return Taken(seq, digest[:16], kept, f"{seq:06d}.{digest[:16]}.{kept}")

    def accept(self, claimed: Path, taken: Taken) -> None:
        """Move a claimed file into the log: from this rename on it is taken."""
        log = self._log()
        if log.next <= taken.seq:
            write(self.done / ".log.json", msgspec.json.encode(_Log(log.id, taken.seq + 1)))
        os.rename(claimed, self.done / taken.file)
        _sync(self.done)

    def again(self, taken: Taken) -> bool:
        """Claim a copy of a file of the log, under its own name; False while another of that name is being taken."""
        target = self.inbox / TAKING / taken.name
        if target.exists():
            return False
        part = target.with_name(f".{taken.name}.part")
        shutil.copyfile(self.done / taken.file, part)
        os.rename(part, target)
        return True

    def refuse(self, claimed: Path, digest: str, errors: bytes) -> Path:
        """Move a claimed file to `failed/` with its errors beside it; where it is then."""
        kept = _ODD.sub("_", claimed.name[:-4])[:_LONGEST].strip()
        target = self.inbox / FAILED / f"{kept}.{digest[:8]}.csv"
        write(target.with_name(target.name + ERRORS), errors)
        os.replace(claimed, target)
        return target

    def drop(self, claimed: Path) -> None:
        """Let go of a claimed file whose very bytes are in the log."""
        claimed.unlink(missing_ok=True)

    def refused(self) -> list[Refused]:
        """The files in `failed/` that nobody has answered: no file of the name was taken since."""
        newest: dict[str, int] = {}
        for taken in self.taken():
            with contextlib.suppress(OSError):
                newest[taken.name] = self.beside(taken, ".json").stat().st_mtime_ns
        found = []
        for one in sorted((self.inbox / FAILED).iterdir()):
            errors = one.with_name(one.name + ERRORS)
            if (match := _REFUSED.fullmatch(one.name)) and not one.name.lower().endswith(ERRORS) and errors.is_file():
                name = match[1] + ".csv"
                if errors.stat().st_mtime_ns >= newest.get(name, 0):
                    found.append(Refused(name, errors))
        return found


def write(path: Path, body: bytes) -> None:
    """A small file, whole or not at all: written beside its place, flushed, renamed."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Let a rename last, where folders can be flushed at all."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
