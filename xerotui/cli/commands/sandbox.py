"""`xerotui sandbox`: Xero and a source emulated on loopback, until interrupted. The only user of that room."""

import asyncio
import json as stdlib_json
import os
import signal
import sys
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.model.problems import SyncError


@click.command()
@click.option("--json", "json", is_flag=True, help="First line of stdout: one JSON object with all addresses.")
@click.option("--seed", default=1, show_default=True, help="The world is the same for the same seed and day.")
@click.option(
    "--scale",
    type=click.FloatRange(0, 1000, min_open=True),
    default=1.0,
    show_default=True,
    help="Multiplies the number of ordinary records.",
)
@click.option(
    "--world",
    "name",
    type=click.Choice(["demo", "full"]),
    default="demo",
    show_default=True,
    help="full has a third organisation whose books hold most documents already.",
)
@click.option(
    "--source", default="", metavar="NAME", help="The emulated source to serve; by default the first by name."
)
@click.option("--rate", default=1.0, show_default=True, help="World seconds in a second, at most 60.")
@click.option(
    "--port-xero", type=click.IntRange(0, 65535), default=0, help="Port of the emulated Xero; 0 lets the system choose."
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the clock file is kept; else temporary.",
)
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%dT%H:%M"]),
    help="The day the world is made for and the time at which it begins, UTC; by default now.",
)
@click.option("--record", type=click.Path(path_type=Path), hidden=True)
@click.option(
    "--idle-minutes",
    type=click.FloatRange(min=0),
    default=0.0,
    help="End after so many minutes without a request; 0 is never.",
)
def sandbox(
    json: bool,
    seed: int,
    scale: float,
    name: str,
    source: str,
    rate: float,
    port_xero: int,
    directory: Path | None,
    start: datetime | None,
    record: Path | None,
    idle_minutes: float,
) -> int:
    """Serve an emulated Xero and one emulated source on loopback, until interrupted."""
    if not 0 < rate <= 60:
        raise click.UsageError("--rate is above 0 and at most 60.")
    options = {"seed": seed, "scale": scale, "name": name, "rate": rate, "xero_port": port_xero, "start": start}
    options["emulators"] = emulator(Output(json=json), source)
    try:
        if directory is not None:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            return asyncio.run(_serve(Output(json=json), directory, record, idle_minutes, options))
        with tempfile.TemporaryDirectory(prefix="xerotui-sandbox-") as made:
            return asyncio.run(_serve(Output(json=json), Path(made), record, idle_minutes, options))
    except OSError as error:
        raise SyncError(
            f"The sandbox can't start: {error.strerror or error}",
            "Choose another port or directory.",
            code="sandbox.start",
            exit_code=Exit.REFUSED,
        ) from None


def emulator(out: Output, source: str) -> list[Any]:
    """The emulator of that name, blank for the first by name; none where no plugin brings one.

    A plugin that fails is named and left out. Raises click.UsageError with the names that there are.
    """
    from xerotui.workspace import forms

    found = forms.registry().emulators()
    for fault in forms.registry().faults():
        out.say(f"Plugin {fault.name} is left out: {fault.sentence}")
    if source and source not in found:
        known = ", ".join(sorted(found)) or "none: no plugin brings an emulator"
        raise click.UsageError(f"--source: no emulator is called {source}; there are {known}.")
    return [found[source or min(found)]] if found else []


async def _serve(
    out: Output, directory: Path, record: Path | None, idle_minutes: float, options: dict[str, Any]
) -> int:
    from xerotui.sandbox import run, world
    from xerotui.workspace import process

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    process.on_parent_end(stop.set)
    start = options["start"] and options["start"].replace(tzinfo=UTC)
    made = world.build(options["seed"], (start or datetime.now(UTC)).date(), options["scale"], options["name"])
    # Callers of their own judge the life of tokens and what changed since when by the machine's clock: now means now.
    serving = await run.serve(
        made,
        options["emulators"],
        home=directory,
        clock_rate=options["rate"],
        start=start or datetime.now(UTC),
        xero_port=options["xero_port"],
    )
    async with serving:
        described = serving.describe()
        if record is not None:
            # The record says it all; in a log the client secrets would stay behind.
            _write(record, {**process.identity(), "seed": options["seed"], "services": described})
        elif out.json:
            out.line(stdlib_json.dumps(described, ensure_ascii=True))
        else:
            _tell(out, described)
        await _until(stop, serving, idle_minutes)
    if record is not None:
        with suppress(OSError):
            record.unlink()
    return Exit.DONE


async def _until(stop: asyncio.Event, serving: Any, idle_minutes: float) -> None:
    """Wait for a signal, the end of the parent, or silence; machine time, because the world's may be fast."""
    loop = asyncio.get_running_loop()
    seen, since = serving.last_request_at(), loop.time()
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 5.0)
        if serving.last_request_at() != seen:
            seen, since = serving.last_request_at(), loop.time()
        if idle_minutes and loop.time() - since > idle_minutes * 60:
            return


def _write(path: Path, value: dict[str, Any]) -> None:
    """Replace the record in one step: who reads it sees all of it or none."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        stdlib_json.dump(value, file)
    os.replace(fresh, path)


def _tell(out: Output, described: dict[str, Any]) -> None:
    for name, about in described.items():
        if not isinstance(about, dict):
            out.facts([(name, about)])
            continue
        out.line(name)
        for key, value in about.items():
            shown = ", ".join(t["name"] for t in value) if key == "tenants" else value
            out.facts([(f"  {key}", shown)])
    if sys.stderr.isatty():
        out.say("Serving until Ctrl-C.")
