"""Doctor: every check there is, each a line with its remedy. Uses the network; may be cancelled at any moment."""

import os
import stat
import time
from collections.abc import AsyncIterator, Callable

from xerotui import __version__
from xerotui.model.problems import SyncError
from xerotui.workspace import webhooks
from xerotui.workspace.ailing import LEVELS
from xerotui.workspace.base import told
from xerotui.workspace.checkup import book_finding, clock_finding, redirect_finding
from xerotui.workspace.numbers import collision_findings
from xerotui.workspace.overrides import Overrides
from xerotui.workspace.pages import Finding

Check = Callable[[], AsyncIterator[Finding]]


class Doctor(Overrides):
    """Checking everything."""

    async def doctor(self) -> tuple[Finding, ...]:
        """Every check, the worst findings first; a check that fails is a finding and stops no other."""
        found: list[Finding] = []
        for area, check in (
            ("home", self._check_home),
            ("stores", self._check_stores),
            ("worker", self._check_worker),
            ("plugins", self._check_plugins),
            ("xero", self._check_xero),
            ("webhooks", lambda: webhooks.findings(self.wiring)),
            ("sources", self._check_sources),
        ):
            try:
                async for finding in check():
                    found.append(finding)
            except SyncError as error:
                found.append(_bad(area, error.sentence, error.remedy))
            except Exception as error:
                found.append(_bad(area, f"the check failed ({type(error).__name__})"))
        return tuple(sorted(found, key=lambda finding: LEVELS.index(finding.level)))

    async def _check_home(self) -> AsyncIterator[Finding]:
        mode = stat.S_IMODE(self.home.stat().st_mode)
        private = not mode & 0o077
        yield Finding(
            area="home",
            title="Home directory",
            level="ok" if private else "bad",
            detail=str(self.home),
            remedy="" if private else "Take it from others: chmod 700.",
        )
        free = os.statvfs(self.home)
        megabytes = free.f_bavail * free.f_frsize // 1_000_000
        low = megabytes < 200
        yield Finding(
            area="home",
            title="Free space",
            level="warn" if low else "ok",
            detail=f"{megabytes:,} MB",
            remedy="Make room: a full disk stops the worker." if low else "",
        )
        if (clock := await clock_finding(self.place)) is not None:
            yield clock

    async def _check_stores(self) -> AsyncIterator[Finding]:
        began = time.monotonic()
        wrong = await self.wiring.ledger.integrity()
        detail = "; ".join(wrong) or f"whole, audit chain too ({time.monotonic() - began:.1f} s)"
        yield Finding(
            area="stores",
            title="Ledger",
            level="bad" if wrong else "ok",
            detail=detail,
            remedy="Restore the workspace from a backup." if wrong else "",
        )
        locked = self.wiring.ledger.vault.locked
        yield Finding(
            area="stores",
            title="Vault",
            level="warn" if locked else "ok",
            detail="locked: no key" if locked else "open",
            remedy="Start with the vault's key." if locked else "",
        )
        yield await book_finding(self.wiring.book)

    async def _check_worker(self) -> AsyncIterator[Finding]:
        seen = await self.worker()
        if seen.state == "lost":
            await self.woken()
            seen = await self.worker()
        level = {"lost": "bad", "locked": "warn"}.get(seen.state, "ok")
        detail = seen.detail or seen.state
        if seen.state == "none":
            level = "warn" if seen.detail else level
            detail = seen.detail or "none lives; one is started when there is work"
        elif self.found_lost and level == "ok":
            level, detail = "warn", f"{detail}; the one before went away with work unfinished"
        remedy = f"See {self.place.worker_log}; start one: xerotui worker start." if level == "bad" else ""
        yield Finding(area="worker", title=f"Worker {__version__}", level=level, detail=detail, remedy=remedy)

    async def _check_plugins(self) -> AsyncIterator[Finding]:
        for row in await self.plugins():
            bad = row.state == "failed"
            yield Finding(
                area="plugins",
                title=f"{row.name} {row.version}".strip(),
                level="bad" if bad else "warn" if row.error else "ok",
                detail=row.error or row.state,
                remedy="Update or remove the plugin." if bad else "",
            )

    async def _check_xero(self) -> AsyncIterator[Finding]:
        db = await self.wiring.book.read()
        if not db.tenants():
            yield Finding(
                area="xero",
                title="Xero",
                level="warn",
                detail="no organisation is connected",
                remedy="Connect one: xerotui connect xero.",
            )
        for document in db.tenants():
            for finding in (await self.connection_check(document.tenant)).findings:
                yield finding
        for connection in db.xeros():
            settings = await self.wiring.xero_settings(connection.id)
            taken = redirect_finding(connection.name, settings.redirect_uri) if settings.kind != "custom" else None
            if taken is not None:
                yield taken

    async def _check_sources(self) -> AsyncIterator[Finding]:
        db = await self.wiring.book.read()
        for finding in collision_findings(db):
            yield finding
        for document in db.sources():
            if not document.enabled:
                yield Finding(area="sources", title=document.name, level="warn", detail="switched off")
                continue
            try:
                source = await self.wiring.source(document.id)
                async with told(source.title):
                    facts = await source.check()
            except SyncError as error:
                yield _bad("sources", f"{document.name}: {error.sentence}", error.remedy)
                continue
            except Exception as error:
                yield _bad("sources", f"{document.name}: the plugin failed ({type(error).__name__})", "See Plugins.")
                continue
            for fact in facts:
                yield Finding(
                    area="sources",
                    title=f"{document.name}: {fact.title}",
                    level="ok" if fact.ok else "bad",
                    detail=fact.value,
                    remedy=fact.remedy,
                )


def _bad(area: str, detail: str, remedy: str = "") -> Finding:
    return Finding(area=area, title=area.capitalize(), level="bad", detail=detail, remedy=remedy)
