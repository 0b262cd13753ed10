"""Where one installation keeps its things: the home directory and the paths inside it. Light: no stores here."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from xerotui.model.problems import SyncError

VARIABLE = "XEROTUI_HOME"
OURS = ("book.json", "ledger.db", "vault.key")
REFUSED = 4


@dataclass(frozen=True)
class Home:
    """The paths of one home, which is mode 0700 because tokens live in it (encrypted) beside their key."""

    root: Path

    @property
    def book(self) -> Path:
        """The document store that a person may read."""
        return self.root / "book.json"

    @property
    def ledger(self) -> Path:
        """The SQL store."""
        return self.root / "ledger.db"

    @property
    def logs(self) -> Path:
        """Logs and crash files."""
        return self.root / "logs"

    @property
    def worker_log(self) -> Path:
        """What the worker writes, mode 0600."""
        return self.logs / "worker.log"

    @property
    def worker_lock(self) -> Path:
        """Held while a worker is being started."""
        return self.root / "worker.lock"

    @property
    def clock(self) -> Path | None:
        """The world clock's file: what XEROTUI_CLOCK names, or the demo's own; None where this machine's time is."""
        if named := os.environ.get("XEROTUI_CLOCK", ""):
            return Path(named)
        own = self.root / "clock.json"
        return own if own.exists() else None

    @property
    def sandbox(self) -> Path:
        """The demo's record of its sandbox process."""
        return self.root / "sandbox.json"


def default_root() -> Path:
    """XEROTUI_HOME where it is set, else the directory that the platform gives to an application's data."""
    if named := os.environ.get(VARIABLE, ""):
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("xerotui", appauthor=False)


def prepare(root: Path | None = None) -> Home:
    """The home, made with mode 0700 if it is missing, with logs in it.

    Raises SyncError when it can't be made, isn't a directory, belongs to somebody else, or is open to others and
    not ours.
    """
    home = Home((root or default_root()).expanduser().absolute())
    try:
        made = not home.root.exists()
        home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = home.root.stat()
        mine = not hasattr(os, "getuid") or info.st_uid == os.getuid()
        if mine and stat.S_IMODE(info.st_mode) & 0o077:
            if not made and not _ours(home.root):
                raise SyncError(
                    f"{home.root} is open to others and holds no workspace",
                    f"Choose a directory that doesn't exist yet ({VARIABLE}), or close this one: chmod 700.",
                    code="core.home",
                    exit_code=REFUSED,
                )
            home.root.chmod(0o700)
        home.logs.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SyncError(
            f"The home directory can't be used: {error.strerror or 'refused'}",
            f"Make it writable for you, or name another one in {VARIABLE}.",
            code="core.home",
            exit_code=REFUSED,
        ) from None
    return home


def _ours(root: Path) -> bool:
    """Whether a workspace is kept there: only then are a directory's rights ours to change."""
    return any((root / name).exists() for name in OURS)


def actor() -> str:
    """Who acts, for the audit: the person behind sudo or doas, else the account."""
    for name in ("SUDO_USER", "DOAS_USER"):
        if value := os.environ.get(name, ""):
            return value
    from getpass import getuser

    try:
        return getuser()
    except (OSError, KeyError, ImportError):
        # No name for this account, as in a container: its number says more than nothing.
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
