"""The Plugins screen: what is installed, what it answers, and what is wrong with it."""

from xerotui.workspace.imports import Imports
from xerotui.workspace.pages import PluginRow

# The registry's own words for states, as screens say them.
_STATES = {"available": "not loaded", "faulty": "failed", "excluded": "off", "missing": "failed"}


class Plugins(Imports):
    """What plugins bring."""

    async def plugins(self) -> tuple[PluginRow, ...]:
        """Every plugin, loaded now so that a broken one shows its reason."""
        self.wiring.registry.load_all()
        return tuple(
            PluginRow(
                name=row.name,
                origin=row.origin,
                version=row.version,
                state=_STATES.get(row.state, row.state),
                hooks=row.hooks,
                error=". ".join(part for part in (row.error, row.detail) if part),
                sources=row.sources,
            )
            for row in self.wiring.registry.report()
        )

    def plugin_faults(self) -> tuple[str, ...]:
        """One sentence for each plugin that failed in this process."""
        return tuple(f"{fault.name}: {fault.sentence}" for fault in self.wiring.registry.faults())
