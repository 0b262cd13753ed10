"""What doctor checks without an open workspace: clock, and each store by itself where the workspace doesn't open."""

import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from xerotui.model.problems import SyncError
from xerotui.net.clock import WorldClock, readable
from xerotui.store import Book, Ledger, VaultKey
from xerotui.workspace import home as homes
from xerotui.workspace.home import Home
from xerotui.workspace.pages import Finding
from xerotui.workspace.secrets import vault_key


async def clock_finding(home: Home) -> Finding | None:
    """The world clock, where a file keeps it; None where this machine's time is used."""
    if home.clock is None:
        return None
    good = readable(home.clock)
    return Finding(
        area="home",
        title="World clock",
        level="ok" if good else "bad",
        detail=str(home.clock) if good else f"{home.clock} holds no clock",
        remedy="" if good else "Unset XEROTUI_CLOCK, or name the file that the sandbox keeps.",
    )


async def book_finding(book: Book) -> Finding:
    """The book: whether it can be read, and changed."""
    db = await book.read()
    return Finding(
        area="stores",
        title="Book",
        level="warn" if db.read_only else "ok",
        detail=db.read_only or f"revision {db.revision}",
        remedy="Update XeroTUI on this machine." if db.read_only else "",
    )


def redirect_finding(connection: str, address: str) -> Finding | None:
    """Whether consent could come back by itself: a word where another program holds the redirect address's port."""
    parts = urlsplit(address)
    if parts.hostname not in ("localhost", "127.0.0.1", "::1") or parts.scheme != "http":
        return None
    port = parts.port or 80
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                why = "is in use" if error.errno == errno.EADDRINUSE else "isn't ours to listen on"
                return Finding(
                    area="xero",
                    title=connection,
                    level="warn",
                    detail=f"Port {port} of the redirect address {why}: another consent can't come back by itself.",
                    remedy="Where a sign-in of XeroTUI waits there, nothing need be done. Else paste the address that"
                    f" the browser lands on, or end what listens there (ss -ltnp 'sport = :{port}').",
                )
    return None


async def unopened(root: Path | None, reason: Exception) -> tuple[Finding, ...]:
    """Findings about a home whose workspace doesn't open for `reason`: what is whole, and what isn't."""
    found: list[Finding] = []
    try:
        home = homes.prepare(root)
    except SyncError as error:
        return (_bad("home", "Home directory", error),)
    found.append(Finding(area="home", title="Home directory", level="ok", detail=str(home.root)))
    if (clock := await clock_finding(home)) is not None:
        found.append(clock)
    for title, check in (
        ("Vault", lambda: _key(home)),
        ("Ledger", lambda: _ledger(home)),
        ("Book", lambda: book_finding(Book(home.book))),
    ):
        found.append(await _tried(title, check))
    if all(finding.level != "bad" for finding in found):
        found.append(_bad("stores", "Workspace", reason))
    found += [finding async for finding in _plugins()]
    return tuple(found)


async def _key(home: Home) -> Finding:
    """Whether the key is there, can be used, and is the one that the vault was sealed with."""
    try:
        ledger = await Ledger.open(home.ledger, clock=WorldClock(home.clock))
    except Exception:
        # Of a ledger that doesn't open its own line tells.
        VaultKey.load(home.root)
        return Finding(area="stores", title="Vault", level="ok", detail="its key can be read")
    try:
        async with ledger.read() as tx:
            await ledger.vault.unlock(tx, await vault_key(home, ledger, tx))
    finally:
        await ledger.close()
    return Finding(area="stores", title="Vault", level="ok", detail="its key opens it")


async def _ledger(home: Home) -> Finding:
    ledger = await Ledger.open(home.ledger, clock=WorldClock(home.clock))
    try:
        wrong = await ledger.integrity()
    finally:
        await ledger.close()
    level = "bad" if wrong else "ok"
    remedy = "Restore the workspace from a backup." if wrong else ""
    return Finding(area="stores", title="Ledger", level=level, detail="; ".join(wrong) or "whole", remedy=remedy)


async def _plugins() -> AsyncIterator[Finding]:
    from xerotui.workspace.forms import registry

    registry().load_all()
    for row in registry().report():
        yield Finding(
            area="plugins",
            title=f"{row.name} {row.version}".strip(),
            level="bad" if row.error else "ok",
            detail=row.error or row.state,
            remedy="Update or remove the plugin." if row.error else "",
        )


async def _tried(title: str, check: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        return await check()
    except Exception as error:
        return _bad("stores", title, error)


def _bad(area: str, title: str, error: Exception) -> Finding:
    if isinstance(error, SyncError):
        return Finding(area=area, title=title, level="bad", detail=error.sentence, remedy=error.remedy)
    detail = f"can't be used ({type(error).__name__})"
    return Finding(area=area, title=title, level="bad", detail=detail, remedy="Restore the workspace from a backup.")
