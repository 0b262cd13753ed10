"""Who a process is, so that another one can tell whether it still lives. No database here."""

import os
import socket
from functools import cache
from pathlib import Path

import msgspec


class WorkerIdentity(msgspec.Struct, frozen=True, order=True):
    """One process: host name, boot id with process namespace, pid, start in the kernel's ticks ("" where unknown)."""

    host: str
    boot: str
    pid: int
    started: str

    @property
    def key(self) -> str:
        """The identity as one text."""
        return "|".join((self.host, self.boot, str(self.pid), self.started))

    @classmethod
    def parse(cls, key: str) -> "WorkerIdentity":
        """The identity of a text that `key` gave.

        Raises ValueError for any other text.
        """
        host, boot, pid, started = key.rsplit("|", 3)
        return cls(host, boot, int(pid), started)


class Fence(msgspec.Struct, frozen=True):
    """The right to write for a lane: `number` only grows, and the highest one alone is good."""

    lane: str
    number: int
    worker: WorkerIdentity


def _stat(pid: int) -> tuple[str, str] | None:
    """State letter and start ticks of a process, None when there is no such one (proc(5): fields 3 and 22)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The second field is the command in brackets and may itself hold brackets and spaces.
    fields = text.rpartition(")")[2].split()
    return fields[0], fields[19]


@cache
def _boot() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return ""


def me() -> WorkerIdentity:
    """This process."""
    stat = _stat(os.getpid()) if _boot() else None
    return WorkerIdentity(socket.gethostname(), _boot(), os.getpid(), stat[1] if stat else "")


def gone(identity: WorkerIdentity) -> bool:
    """True when that process provably no longer runs; False where this host can't know."""
    if identity.host != socket.gethostname():
        return False
    mine, _, namespace = _boot().partition(":")
    theirs, _, their_namespace = identity.boot.partition(":")
    if not mine or not theirs:
        return not _answers(identity.pid)
    if mine != theirs:
        return True
    if namespace != their_namespace:
        return False
    stat = _stat(identity.pid)
    # A zombie has its pid still but will never write again.
    return stat is None or stat[0] in "ZX" or stat[1] != identity.started


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
