"""What all commands share: opening the workspace, the common options, ending. No command of its own."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xerotui.cli.app import Root, failed
from xerotui.cli.output import Output
from xerotui.cli.text import safe

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace

Body = Callable[..., Awaitable[int | None]]


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json`."""
    return click.option("--json", "json", is_flag=True, help="Data as JSON on stdout, for scripts.")(function)


def tenant_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--tenant`."""
    return click.option("--tenant", default="", help="Organisation, by name or tenant id.")(function)


def source_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--source`."""
    return click.option("--source", "connection", default="", help="Source connection, by name or id.")(function)


def command(body: Body) -> Callable[..., int]:
    """Turn `async def body(space, out, **options) -> exit code` into what click calls; adds `--json`."""

    @json_option
    @click.pass_context
    @functools.wraps(body)
    def call(ctx: click.Context, /, json: bool = False, **options: Any) -> int:
        state: Root = ctx.find_root().obj
        return run_async(state, Output(json=json), body, **options)

    return call


def run_async(root: Root, out: Output, body: Body, /, **options: Any) -> int:
    """Open the workspace, run `body` with it, close it; errors become words and an exit code."""
    try:
        return asyncio.run(_opened(root.home, root.read_only, out, body, options))
    except (click.ClickException, click.Abort, KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as error:
        return failed(error, root.home, json=out.json)


async def _opened(home: Path | None, read_only: bool, out: Output, body: Body, options: dict[str, Any]) -> int:
    from xerotui.workspace.door import Workspace

    space = await Workspace.open(home, read_only=read_only)
    try:
        return int(await body(space, out, **options) or 0)
    finally:
        await space.close()


async def tenant_id(space: "Workspace", given: str, *, needed: bool = False) -> str:
    """The tenant that `given` names (id, or name in any case); blank for blank unless one is needed and only one is.

    Raises click.UsageError when there is none or several of that name.
    """
    rows = await space.tenants()
    if not given:
        if needed and len(rows) == 1:
            return rows[0].tenant
        if needed:
            raise click.UsageError("Say which organisation: --tenant NAME.")
        return ""
    wanted = given.casefold()
    exact = {r.tenant for r in rows if wanted in (r.tenant.casefold(), r.name.casefold())}
    found = exact or {r.tenant for r in rows if wanted in r.name.casefold()}
    if len(found) != 1:
        if not found:
            raise click.UsageError(f"No organisation is called {given!r}.")
        names = ", ".join(f"{r.name!r} ({r.tenant})" if exact else repr(r.name) for r in rows if r.tenant in found)
        raise click.UsageError(f"{given!r} may be more than one organisation: {safe(names)}. Name one whole, or by id.")
    return found.pop()


async def source_id(space: "Workspace", given: str) -> str:
    """The source connection that `given` names, or the only one; click.UsageError otherwise."""
    rows = await space.sources()
    found = {r.id for r in rows if not given or given.casefold() in (r.id.casefold(), r.name.casefold())}
    if len(found) != 1:
        from xerotui.cli.codes import Exit
        from xerotui.model.problems import SyncError

        if not rows:
            raise SyncError(
                "No source is connected",
                "Connect one: xerotui connect SOURCE.",
                code="core.not_connected",
                exit_code=Exit.NOT_CONNECTED,
            )
        raise click.UsageError("Say which source connection: --source NAME." if not given else f"No source {given!r}.")
    return found.pop()
