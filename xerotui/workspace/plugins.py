"""The Plugins screen: what is installed, what it answers, and what is wrong with it."""

from xerotui.model.problems import SyncError
from xerotui.sync.pull import FAILED
from xerotui.workspace.imports import Imports
from xerotui.workspace.pages import PluginRow

# The registry's own words for states, as screens say them.
_STATES = {"available": "not loaded", "faulty": "failed", "excluded": "off", "missing": "failed"}


class Plugins(Imports):
    """What plugins bring."""

    async def plugins(self) -> tuple[PluginRow, ...]:
        """Every plugin, loaded now so that a broken one shows its reason."""
        self.wiring.registry.load_all()
        failures = await self._failures()
        rows = []
        for row in self.wiring.registry.report():
            failed = [words for source, words in failures if source in row.sources]
            rows.append(
                PluginRow(
                    name=row.name,
                    origin=row.origin,
                    version=row.version,
                    state="failed" if failed else _STATES.get(row.state, row.state),
                    hooks=row.hooks,
                    error=". ".join(part for part in (row.error, row.detail, *failed) if part),
                    sources=row.sources,
                )
            )
        return tuple(rows)

    async def _failures(self) -> list[tuple[str, str]]:
        """Sources whose calls raised when they were last read, in whatever process, and the words for it."""
        ledger = self.wiring.ledger
        found: list[tuple[str, str]] = []
        try:
            db = await self.wiring.book.read()
        except SyncError:
            # Plugins can be listed all the same; doctor says what is wrong with the book.
            return found
        async with ledger.read() as tx:
            for document in db.sources():
                if words := await ledger.marks.get(tx, FAILED + document.id):
                    found.append((document.source, f"{document.name}: {words}"))
        return found

    def plugin_faults(self) -> tuple[str, ...]:
        """One sentence for each plugin that failed in this process."""
        return tuple(f"{fault.name}: {fault.sentence}" for fault in self.wiring.registry.faults())
