"""`xerotui demo`: everything on an emulated Xero and PSA, in the console or without a screen."""

import asyncio
import tempfile
from pathlib import Path

import click

from xerotui.cli.app import Root
from xerotui.cli.codes import Exit
from xerotui.cli.commands.sandbox import emulator
from xerotui.cli.output import Output

BANNER = "DEMO: an emulated Xero and PSA on this machine"


@click.command()
@click.option("--headless", is_flag=True, help="Do the whole job without a screen and tell what came of it.")
@click.option("--json", "json", is_flag=True, help="One JSON object on stdout (with --headless).")
@click.option("--seed", default=1, show_default=True, help="The world is the same for the same seed.")
@click.option(
    "--world",
    type=click.Choice(["demo", "full"]),
    default="demo",
    show_default=True,
    help="full has a third organisation whose books hold most documents already (in the console).",
)
@click.option("--source", default="", metavar="NAME", help="The emulated source; by default the first by name.")
@click.option("--rate", type=float, help="World seconds in a second, at most 60.  [default: 1; 20 with --headless]")
@click.option(
    "--minute-limit",
    type=click.IntRange(min=0),
    default=0,
    help="Lower Xero's calls a minute, in sandbox and client alike.",
)
@click.option("--stop", "stopping", is_flag=True, help="End a running demo.")
@click.pass_context
def demo(
    ctx: click.Context,
    headless: bool,
    json: bool,
    seed: int,
    world: str,
    source: str,
    rate: float | None,
    minute_limit: int,
    stopping: bool,
) -> int:
    """Try everything on an emulated Xero and PSA; no account, no network.

    A running demo is joined. It ends by --stop, or after 15 minutes without a request.
    """
    root: Root = ctx.find_root().obj
    root.json = json
    out = Output(json=json)
    if stopping:
        return asyncio.run(_stop(_home(root), out))
    rate = (20.0 if headless else 1.0) if rate is None else rate
    if not 0 < rate <= 60:
        raise click.UsageError("--rate is above 0 and at most 60.")
    if headless and world != "demo":
        raise click.UsageError("--world goes with the console; what --headless expects is the demo world's.")
    if source:
        emulator(out, source)
    if headless:
        if root.home is not None:
            return asyncio.run(_headless(root.home, out, seed, rate, minute_limit, source))
        with tempfile.TemporaryDirectory(prefix="xerotui-demo-") as made:
            return asyncio.run(_headless(Path(made), out, seed, rate, minute_limit, source))
    if json:
        raise click.UsageError("--json goes with --headless.")
    home = _home(root)
    asyncio.run(_prepare(home, out, seed, rate, minute_limit, world, source))
    return root.console(home, root.read_only, BANNER)


def _home(root: Root) -> Path:
    """The demo's own home: beside the usual one, never in it."""
    from xerotui.workspace.home import default_root

    usual = default_root()
    return root.home or usual.with_name(f"{usual.name}-demo")


async def _stop(home: Path, out: Output) -> int:
    from xerotui.cli import demo_sandbox

    ended = await demo_sandbox.stop(home, out)
    if ended is demo_sandbox.Ended.NOTHING:
        out.say("No demo runs.")
    if out.json:
        out.data({"stopped": ended is demo_sandbox.Ended.RUNNING, "cleared": ended is demo_sandbox.Ended.LEFT})
    return Exit.DONE


async def _prepare(home: Path, out: Output, seed: int, rate: float, minute_limit: int, world: str, source: str) -> None:
    from xerotui.cli import demo_connect, demo_sandbox
    from xerotui.workspace.door import Workspace

    served = await demo_sandbox.ensure(home, out, seed=seed, rate=rate, child=False, world=world, source=source)
    space = await Workspace.open(home)
    try:
        await demo_connect.connect(space, served, out, minute_limit=minute_limit)
    finally:
        await space.close()


async def _headless(home: Path, out: Output, seed: int, rate: float, minute_limit: int, source: str) -> int:
    from xerotui.cli import demo_headless, demo_sandbox
    from xerotui.workspace.door import Workspace

    served = await demo_sandbox.ensure(home, out, seed=seed, rate=rate, child=True, source=source)
    try:
        space = await Workspace.open(home, attached=True)
        try:
            return await demo_headless.job(space, served, out, minute_limit=minute_limit)
        finally:
            await space.close()
    finally:
        if served.started is not None:
            await served.started.release()
