"""Processes that outlive the one that starts them, and children that end with it. Light: no stores here."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import xerotui

# Names the read end of a pipe whose other end the parent holds: when it closes, the parent is gone.
PARENT = "XEROTUI_PARENT_FD"
LOG_LIMIT = 5 * 1024 * 1024


def open_log(path: Path) -> int:
    """A file descriptor that appends to a log of mode 0600; one over 5 MB is set aside first, as `.1`."""
    with suppress(OSError):
        if path.stat().st_size > LOG_LIMIT:
            os.replace(path, path.with_name(path.name + ".1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def last_line(path: Path) -> str:
    """The last line of a log that isn't blank; "" when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 8192))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


class Started:
    """A process that was started here; `leash` is the pipe that a child ends with (None when it is detached)."""

    def __init__(self, process: "subprocess.Popen[bytes]", leash: int | None) -> None:
        self.process = process
        self.leash = leash

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def ended(self) -> int | None:
        """Its exit code, None while it runs. Asking also lets the system forget an ended one."""
        return self.process.poll()

    async def release(self, seconds: float = 15.0) -> None:
        """Let a child end by dropping its leash, and wait; killed when it takes longer. Detached ones stay."""
        if self.leash is None:
            return
        os.close(self.leash)
        self.leash = None
        for _ in range(int(seconds / 0.05)):
            if self.ended() is not None:
                return
            await asyncio.sleep(0.05)
        self.process.kill()
        await asyncio.to_thread(self.process.wait)


def start(
    arguments: Sequence[str],
    log: Path,
    *,
    child: bool = False,
    environment: Mapping[str, str] | None = None,
    inherited: Sequence[int] = (),
) -> Started:
    """Start `python -m xerotui` with these arguments in a session of its own, its output going to `log`.

    A `child` is told the read end of a pipe and ends when this process does, however that ends.
    """
    env = {**os.environ, **(environment or {})}
    env.pop(PARENT, None)
    held: list[int] = list(inherited)
    leash: int | None = None
    reading: int | None = None
    if child:
        reading, leash = os.pipe()
        held.append(reading)
        env[PARENT] = str(reading)
    out = open_log(log)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "xerotui", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            # Wherever the person stands, the package that is imported here must be found there.
            cwd=Path(xerotui.__file__).parents[1],
            env=env,
            close_fds=True,
            pass_fds=held,
            start_new_session=True,
        )
    finally:
        os.close(out)
        if reading is not None:
            os.close(reading)
    return Started(process, leash)


def on_parent_end(act: Callable[[], None]) -> None:
    """Call `act` on the running loop when the process that holds our leash is gone; nothing without a leash."""
    named = os.environ.get(PARENT, "")
    if not named.isdecimal():
        return
    handle = int(named)
    loop = asyncio.get_running_loop()

    def gone() -> None:
        loop.remove_reader(handle)
        act()

    loop.add_reader(handle, gone)


def identity() -> dict[str, str | int]:
    """This process, so that another one can tell later whether it still lives: see `lives`."""
    from xerotui.store.identity import me

    mine = me()
    return {"host": mine.host, "boot": mine.boot, "pid": mine.pid, "started": mine.started}


def lives(about: Mapping[str, object]) -> bool:
    """Whether the process that `identity` described still runs here."""
    from xerotui.store.identity import WorkerIdentity, gone, me

    try:
        described = WorkerIdentity(
            str(about["host"]), str(about["boot"]), int(str(about["pid"])), str(about["started"])
        )
    except (KeyError, ValueError):
        return False
    return described.host == me().host and not gone(described)
