"""`xerotui worker`: the worker itself, and a hand on it."""

from typing import TYPE_CHECKING

import click

from xerotui.cli.app import Root
from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.cli.runner import command
from xerotui.cli.text import when

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace


@click.group(invoke_without_command=True)
@click.option("--until-idle", is_flag=True, help="Do what there is, then end.")
@click.option("--poll", is_flag=True, help="Stay, and keep reading what changes in Xero.")
@click.pass_context
def worker(ctx: click.Context, until_idle: bool, poll: bool) -> int:
    """Run the worker in the foreground, as systemd would; SIGTERM drains it."""
    if ctx.invoked_subcommand is not None:
        return 0
    if until_idle and poll:
        raise click.UsageError("--until-idle ends, --poll stays: choose one.")
    from xerotui.workspace.worker import run

    root: Root = ctx.find_root().obj
    return run(root.home, until_idle=until_idle, poll=poll)


@worker.command()
@command
async def status(space: "Workspace", out: Output) -> int:
    """Whether a worker lives; ends with 5 when one was lost."""
    seen = await space.worker()
    if out.json:
        out.data(seen)
    else:
        out.facts([("State", seen.state), ("Process", seen.pid or ""), ("Host", seen.host)])
        out.facts([("Since", when(seen.since)), ("Detail", seen.detail)])
    return Exit.WORKER if seen.state == "lost" else Exit.DONE


@worker.command()
@command
async def start(space: "Workspace", out: Output) -> None:
    """Start a worker in the background where none lives."""
    seen = await space.ensure_worker()
    if out.json:
        out.data(seen)
    out.say(f"Worker {seen.state}, process {seen.pid}.")


@worker.command()
@command
async def stop(space: "Workspace", out: Output) -> None:
    """Let the worker finish the calls in flight and end."""
    await space.stop_worker()
    if out.json:
        out.data(await space.worker())
    out.say("Stopped.")
