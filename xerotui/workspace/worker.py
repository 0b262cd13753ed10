"""The worker: starting one where none lives, asking after it, stopping it, and being it."""

import asyncio
import datetime as dt
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from xerotui import __version__
from xerotui.model.problems import SyncError
from xerotui.model.work import Plan, PlanState
from xerotui.net.clock import machine_now
from xerotui.store import Tx, WorkerIdentity, me
from xerotui.store.documents import AUTOMATIC
from xerotui.sync.switched import off
from xerotui.workspace import crash, process
from xerotui.workspace.base import WORKER, Area
from xerotui.workspace.home import Home, prepare
from xerotui.workspace.pages import WorkerStatus
from xerotui.xero.tokens import WARN, Login

START_SECONDS = 30.0
STOP_SECONDS = 60.0
# A worker that hasn't said that it lives for this long is shown as lost, even if its process is there.
SILENT_SECONDS = 45.0
# Whoever writes a request also starts a worker: only one that waits longer has been left alone.
GRACE_SECONDS = 5.0
# A worker that doesn't come up isn't started again and again.
REST_SECONDS = 30.0
# A death is no news in the ledger: a console that shows nothing new looks by itself this often.
LOOK_SECONDS = 5.0
# A login that nothing has used for so long in world time is a reason to start a worker: it renews it.
UNUSED = dt.timedelta(days=30)
# Looked for this often only: it means opening the vault.
UNUSED_SECONDS = 60.0
# The ledger's mark that a person stopped the worker: then nobody starts one by just looking.
STOPPED = "worker.stopped"
KEY_FD = "XEROTUI_VAULT_KEY_FD"
INTERNAL = 70


class Workers(Area):
    """Starting and stopping the worker of this home."""

    _started: process.Started | None = None
    _waking: "asyncio.Task[None] | None" = None
    _trouble: str = ""
    _missed: bool = False
    # Whether this workspace found work that no worker was left for.
    found_lost: bool = False
    _rests_until: float = 0.0
    _unused_at: float = 0.0
    _unused: tuple[Login, ...] = ()
    _watching: "asyncio.Task[None] | None" = None

    async def worker(self) -> WorkerStatus:
        """Whether a worker lives; `lost` where one went without a word while work waits for it.

        A lost one is replaced in the background, unless this person only reads or somebody stopped it on purpose.
        """
        if self._started is not None:
            self._started.ended()
        ledger = self.wiring.ledger
        async with ledger.read() as tx:
            rows = await ledger.workers.alive(tx)
        if rows:
            row = rows[0]
            lost = row.silent > SILENT_SECONDS
            self._missed = True
            return WorkerStatus(
                state="lost" if lost else row.state,
                pid=row.identity.pid,
                host=row.identity.host,
                since=row.since,
                detail=f"silent for {row.silent:.0f} s" if lost else "",
            )
        return await self._absent()

    async def _absent(self) -> WorkerStatus:
        """No worker lives: whether that is as it should be."""
        ledger = self.wiring.ledger
        now = machine_now()
        async with ledger.read() as tx:
            requests = await ledger.requests.open(tx)
            running = await self._running(tx)
            stopped = await ledger.marks.get(tx, STOPPED)
        left = running or any((now - r.created).total_seconds() > GRACE_SECONDS for r in requests)
        starting = self._waking is not None and not self._waking.done()
        unused = await self._unused_logins()
        if unused and not left and not starting:
            return self._keep_alive(unused, stopped=bool(stopped))
        if not left and not starting and await self._has_automatic():
            return self._look_after(stopped=bool(stopped))
        if left and stopped and not starting:
            return WorkerStatus(state="none", detail="stopped, and work waits for it: xerotui worker start")
        if left and not starting:
            self._missed = self.found_lost = True
            if not self.read_only and machine_now().timestamp() >= self._rests_until:
                self.wake()
        if self._trouble:
            return WorkerStatus(state="lost", detail=self._trouble)
        if self._missed and (left or requests):
            again = "start one: xerotui worker start" if self.read_only else "it is started again"
            return WorkerStatus(state="lost", detail=f"it went away with work unfinished; {again}")
        return WorkerStatus(state="none")

    async def _running(self, tx: Tx) -> list[Plan]:
        """The plans that are being carried out; what waits for a source that is off isn't."""
        states = [PlanState.APPROVED, PlanState.APPLYING]
        gone = off(await self.wiring.book.read())
        return [p for p in await self.wiring.ledger.plans.list(tx, 50, states) if p.connection not in gone]

    async def _has_automatic(self) -> bool:
        """Whether some pair goes by itself, which takes a worker that lives."""
        return any(pair.mode == AUTOMATIC for pair in (await self.wiring.book.read()).all_pairs())

    def _look_after(self, *, stopped: bool) -> WorkerStatus:
        """No worker lives though pairs are automatic: start one, or say that none goes."""
        if stopped or self.read_only:
            return WorkerStatus(state="none", detail="nothing goes by itself without one: xerotui worker start")
        if machine_now().timestamp() >= self._rests_until:
            self.wake()
        return WorkerStatus(state="none", detail=self._trouble)

    async def _unused_logins(self) -> tuple[Login, ...]:
        """The logins that a worker should soon renew; none where the vault is locked."""
        now = machine_now().timestamp()
        if now >= self._unused_at and not self.wiring.ledger.vault.locked:
            self._unused_at = now + UNUSED_SECONDS
            self._unused = tuple(await self.wiring.unused(UNUSED))
        return self._unused

    def _keep_alive(self, unused: Sequence[Login], *, stopped: bool) -> WorkerStatus:
        """No worker lives and logins die of disuse: start one, or say what will happen without."""
        if not stopped and not self.read_only:
            if machine_now().timestamp() >= self._rests_until:
                self._unused_at = 0.0
                self.wake()
            return WorkerStatus(state="none", detail=self._trouble)
        days = min(login.days_left or 0 for login in unused)
        detail = (
            f"nothing renews the login, which dies in {days} days: xerotui worker start" if days <= WARN.days else ""
        )
        return WorkerStatus(state="none", detail=detail)

    def wake(self) -> None:
        """See to it in the background that a worker lives; what goes wrong shows in `worker()`."""
        if self._waking is None or self._waking.done():
            self._waking = asyncio.create_task(self._wake())

    def watch(self) -> None:
        """Look after the worker in the background until `leave`."""
        if not self.read_only and self._watching is None:
            self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(SyncError):
                await self.worker()

    async def woken(self) -> None:
        """Wait until a worker that is being started in the background lives, or didn't come up."""
        if self._waking is not None and not self._waking.done():
            await asyncio.wait([self._waking], timeout=START_SECONDS)

    async def _wake(self) -> None:
        try:
            await self.ensure_worker()
        except SyncError as error:
            self._trouble = error.sentence
            self._rests_until = machine_now().timestamp() + REST_SECONDS

    async def ensure_worker(self) -> WorkerStatus:
        """Start a worker where none lives, and wait until it has said so.

        One of an older version is asked to end first. Raises SyncError with the log's last line when it doesn't
        come up.
        """
        seen = await self._present()
        if seen is not None:
            return seen
        from filelock import FileLock, Timeout

        lock = FileLock(self.place.worker_lock, timeout=START_SECONDS + 5, mode=0o600, thread_local=False)
        try:
            await asyncio.to_thread(lock.acquire)
        except Timeout:
            raise _trouble("Another process has been starting a worker for too long", self.place) from None
        try:
            seen = await self._present()
            return seen if seen is not None else await self._start()
        finally:
            lock.release()

    async def _present(self) -> WorkerStatus | None:
        ledger = self.wiring.ledger
        async with ledger.read() as tx:
            rows = await ledger.workers.alive(tx)
        old = [row for row in rows if row.version != __version__ and row.identity.host == me().host]
        for row in old:
            await self._end(row.identity)
        if not rows or len(old) == len(rows):
            return None
        self._trouble = ""
        return await self.worker()

    async def _start(self) -> WorkerStatus:
        inherited, environment = self._key()
        environment["XEROTUI_HOME"] = str(self.home)
        if self.place.clock is not None:
            environment["XEROTUI_CLOCK"] = str(self.place.clock)
        try:
            self._started = process.start(
                ["worker"],
                self.place.worker_log,
                child=self.attached,
                environment=environment,
                inherited=inherited,
            )
        finally:
            for handle in inherited:
                os.close(handle)
        until = machine_now().timestamp() + START_SECONDS
        while machine_now().timestamp() < until:
            seen = await self._present()
            if seen is not None:
                return seen
            if self._started.ended() is not None:
                raise _trouble("The worker ended at once", self.place)
            await asyncio.sleep(0.1)
        raise _trouble("The worker doesn't answer", self.place)

    def _key(self) -> tuple[list[int], dict[str, str]]:
        """The vault's key for the worker, through a pipe: it is on no disk and in no list of processes."""
        if self.wiring.ledger.vault.locked:
            return [], {}
        text = self.wiring.ledger.vault.key.hex()
        reading, writing = os.pipe()
        os.write(writing, text.encode())
        os.close(writing)
        return [reading], {KEY_FD: str(reading)}

    async def stop_worker(self) -> None:
        """Let every worker of this host finish its calls in flight and end.

        Raises SyncError when one takes longer than a minute, or runs on another host.
        """
        self.gate("worker.stop")
        await self.woken()
        ledger = self.wiring.ledger
        async with ledger.write() as tx:
            await ledger.marks.set(tx, STOPPED, self.actor)
            rows = await ledger.workers.alive(tx)
        for row in rows:
            await self._end(row.identity)

    async def _end(self, identity: WorkerIdentity) -> None:
        if identity.host != me().host:
            raise SyncError(
                f"The worker runs on {identity.host}", "Stop it there.", code="core.worker", exit_code=WORKER
            )
        if identity == me():
            return
        try:
            os.kill(identity.pid, signal.SIGTERM)
        except ProcessLookupError:
            return
        from xerotui.store import gone

        for _ in range(int(STOP_SECONDS / 0.1)):
            if self._started is not None:
                self._started.ended()
            if gone(identity):
                return
            await asyncio.sleep(0.1)
        raise _trouble("The worker doesn't end", self.place)

    async def leave(self) -> None:
        """End what must not outlive this process."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        await self.woken()
        if self._started is not None:
            await self._started.release()


def _trouble(sentence: str, home: Home) -> SyncError:
    said = process.last_line(home.worker_log)
    return SyncError(
        sentence + (f": {crash.masked(said)}" if said else ""),
        f"The whole log is {home.worker_log}.",
        code="core.worker",
        exit_code=WORKER,
    )


def log_to_stderr() -> None:
    """One JSON object a line on stderr: systemd and the log file take them alike."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    # What Xero refused, with the id that its support asks for.
    logging.getLogger("xerotui.xero").setLevel(logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def run(root: Path | None, *, until_idle: bool, poll: bool = False) -> int:
    """Be the worker until there is nothing to do (with `poll` never), SIGTERM, or the end of the parent; the exit
    code."""
    log_to_stderr()
    log = structlog.get_logger("xerotui.worker")
    home: Home | None = None
    try:
        home = prepare(root)
        return asyncio.run(_serve(home, until_idle, poll))
    except SyncError as error:
        log.error("ended", error=error.sentence, remedy=error.remedy)
        return error.exit_code or WORKER
    except Exception as error:
        path = crash.record(error, home.logs) if home else None
        log.error("failed", error=type(error).__name__, said=crash.masked(str(error)), file=str(path or ""))
        return INTERNAL


async def _serve(home: Home, until_idle: bool, poll: bool) -> int:
    from xerotui.sync.worker import serve
    from xerotui.workspace.wiring import Wiring

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # The terminal that started it may close: that is no reason to end.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    process.on_parent_end(stop.set)
    wiring = await Wiring.open(home)
    try:
        async with wiring.ledger.write() as tx:
            await wiring.ledger.marks.set(tx, STOPPED, "")
        wiring.log.info("worker started", version=__version__, pid=os.getpid(), until_idle=until_idle, poll=poll)
        code = await serve(wiring.ports(), stop, until_idle=until_idle, poll=poll)
        wiring.log.info("worker ended", pid=os.getpid(), asked=stop.is_set(), code=code)
        return code
    finally:
        await wiring.close()
