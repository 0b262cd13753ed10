"""Where one was: screen, organisation and mapping spec, kept beside the workspace for the next start."""

import contextlib
import os
from pathlib import Path

import msgspec

FILE = "console.json"


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is taken up again; nothing of the data."""

    area: str = "overview"
    tenant: str = ""
    spec: str = ""
    source: str = ""


def read(home: Path) -> Session:
    """The last session; a file that can't be read gives a fresh one."""
    try:
        return msgspec.json.decode((home / FILE).read_bytes(), type=Session)
    except (OSError, msgspec.MsgspecError):
        return Session()


def write(home: Path, session: Session) -> None:
    """Keep the session, mode 0600; failing to is no reason not to leave."""
    path = home / FILE
    temporary = path.with_suffix(".tmp")
    with contextlib.suppress(OSError):
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(session))
        temporary.replace(path)
