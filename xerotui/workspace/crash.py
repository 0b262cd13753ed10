"""What is kept of an error nobody foresaw: type, places in the code, masked words; never local variables."""

import datetime as dt
import os
import re
import traceback
from pathlib import Path

# Anything long and unbroken could be a token, and anything after these words could be a secret.
_TOKEN = re.compile(r"[A-Za-z0-9+/_=.-]{20,}")
_NAMED = re.compile(r"(?i)(secret|password|token|authorization|bearer|code|key)(\W{1,3})\S+")


def masked(words: str) -> str:
    """`words` on one line with whatever might be a secret replaced by dots, at most 500 characters."""
    line = "".join(c if c.isprintable() else " " for c in words)
    return _NAMED.sub(r"\1\2…", _TOKEN.sub("…", line))[:500]


def describe(error: BaseException) -> str:
    """The error as the crash file holds it: each cause with its type, masked words, and file, line, function."""
    out: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(out) < 400:
        out.append(f"{type(seen).__module__}.{type(seen).__qualname__}: {masked(str(seen))}")
        for frame in traceback.extract_tb(seen.__traceback__):
            place = "/".join(Path(frame.filename).parts[-3:])
            out.append(f"  {place}:{frame.lineno} {frame.name}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "\n".join(out) + "\n"


def record(error: BaseException, logs: Path) -> Path | None:
    """Write the crash file (mode 0600) into `logs`; its path, or None where nothing can be written."""
    path = logs / f"crash-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}-{os.getpid()}.txt"
    try:
        # mode= holds for the last directory alone; a home that is made here must be as closed as its logs.
        for directory in (logs.parent, logs):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(describe(error))
    except OSError:
        return None
    return path
