"""`xerotui webhooks`: the receiver behind the operator's reverse proxy, its keys, and how it stands."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xerotui.cli.app import Root
from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.cli.runner import command, run_async
from xerotui.cli.text import counts, safe, when

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace

# The signing key, for those who can't be asked and keep no file.
VARIABLE = "XEROTUI_WEBHOOK_KEY"


@click.group(invoke_without_command=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8737, show_default=True, help="On loopback; 0 = any.")
@click.option("--path", default="/xero", show_default=True, help="The path that the reverse proxy hands on.")
@click.option("--status", is_flag=True, help="Only say how webhooks and polling stand.")
@click.option("--json", "json", is_flag=True, help="Data as JSON on stdout, for scripts.")
@click.pass_context
def webhooks(ctx: click.Context, port: int, path: str, status: bool, json: bool) -> int:
    """Receive Xero's webhooks until interrupted, behind a reverse proxy that speaks TLS."""
    if ctx.invoked_subcommand is not None:
        return 0
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        raise click.UsageError("--path begins with / and is plain.")
    state: Root = ctx.find_root().obj
    out = Output(json=json)
    if status:
        return run_async(state, out, _status)
    return run_async(state, out, _serve, port=port, path=path)


async def _serve(space: "Workspace", out: Output, *, port: int, path: str) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    def started(address: str) -> None:
        if out.json:
            out.data({"address": address, "pid": os.getpid()})
        out.say(f"Receiving on {address}" + (" until Ctrl-C." if sys.stderr.isatty() else "."))

    await space.webhooks(port, path, stop, started)
    return Exit.DONE


async def _status(space: "Workspace", out: Output) -> int:
    seen = await space.webhook_status()
    if out.json:
        out.data(seen)
        return Exit.DONE
    names = {row.tenant: row.name for row in seen.polling}
    states = {"off": "off: no signing key", "silent": "a key is set, but no receiver runs on this machine"}
    out.facts(
        [
            ("State", states.get(seen.state, f"listening on {seen.address}, process {seen.pid}")),
            ("Keys", ", ".join(key.name for key in seen.keys if key.has_key)),
            ("Asked by Xero", when(seen.last_intent)),
            ("Last event", when(seen.last_event)),
            ("Deliveries", f"{seen.deliveries:,}, events in them: {seen.events:,}" if seen.deliveries else ""),
            ("Followed", counts({"read": seen.read, "already known": seen.echoes, "gaps": seen.gaps})),
            ("Waiting", counts({names.get(t, t): n for t, n in seen.backlog.items()}) or "nothing"),
            ("Waiting since", when(seen.oldest)),
            ("Rejected", counts(seen.rejected)),
            ("Last rejected", when(seen.last_rejected)),
            ("Not followed", counts(seen.unknown)),
        ]
    )
    out.line("")
    out.table(
        ("Organisation", ">Polled every", "Last read", "Last read whole"),
        [
            (row.name, f"{row.minutes} min" if row.minutes else "never", when(row.last), when(row.walked))
            for row in seen.polling
        ],
        "Polling, while a worker lives",
        "no organisation is connected",
    )
    return Exit.DONE


@webhooks.command()
@click.option("--connection", default="", help="Xero connection whose app the key belongs to, by name.")
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, allow_dash=True),
    help=f"Read the key from a file, or - for stdin; else from {VARIABLE}, else it is asked for.",
)
@click.option("--forget", is_flag=True, help="Forget the key.")
@command
async def key(space: "Workspace", out: Output, *, connection: str, key_file: str | None, forget: bool) -> int:
    """Set the signing key of an app, as its page in the developer portal shows it under Webhooks."""
    listed = (await space.webhook_status()).keys
    wanted = connection.casefold()
    found = [k for k in listed if not wanted or wanted in (k.name.casefold(), k.connection.casefold())]
    if not found and not wanted:
        from xerotui.model.problems import SyncError

        raise SyncError(
            "No Xero connection is saved",
            "Connect one: xerotui connect xero.",
            code="core.not_connected",
            exit_code=Exit.NOT_CONNECTED,
        )
    if len(found) != 1:
        raise click.UsageError(
            "Say which one: --connection NAME." if not wanted else f"No Xero connection {connection!r}."
        )
    value = "" if forget else _asked(key_file)
    await space.webhook_key(found[0].connection, value)
    if out.json:
        out.data({"connection": found[0].connection, "has_key": bool(value)})
    out.say(f"{'Forgotten' if forget else 'Kept'} for {found[0].name}.")
    return Exit.DONE


def _asked(file: str | None) -> str:
    if file == "-":
        value = sys.stdin.readline()
    elif file:
        try:
            value = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise click.UsageError(f"The file {safe(file)} can't be read.") from None
    elif not (value := os.environ.get(VARIABLE, "")):
        if not sys.stdin.isatty():
            raise click.UsageError(f"--key-file or {VARIABLE} is needed.")
        value = click.prompt("Webhook key", hide_input=True, err=True)
    if not value.strip():
        raise click.UsageError("The key is blank; --forget takes it away.")
    return value.strip()
