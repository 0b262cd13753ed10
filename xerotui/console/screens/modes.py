"""Which screen is which: factories that import a screen when it is first shown."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from xerotui.model.kinds import Kind

if TYPE_CHECKING:
    from xerotui.console.screens.base import AreaScreen


def _overview() -> Screen[Any]:
    from xerotui.console.screens.overview import OverviewScreen

    return OverviewScreen()


def _tenants() -> Screen[Any]:
    from xerotui.console.screens.tenants import TenantsScreen

    return TenantsScreen()


def _mapping() -> Screen[Any]:
    from xerotui.console.screens.mapping import MappingScreen

    return MappingScreen()


def _imports() -> Screen[Any]:
    from xerotui.console.screens.imports import ImportsScreen

    return ImportsScreen()


def _plan() -> Screen[Any]:
    from xerotui.console.screens.plan import PlanScreen

    return PlanScreen()


def _queue() -> Screen[Any]:
    from xerotui.console.screens.queue import QueueScreen

    return QueueScreen()


def _errors() -> Screen[Any]:
    from xerotui.console.screens.errors import ErrorsScreen

    return ErrorsScreen()


def _setup() -> Screen[Any]:
    from xerotui.console.screens.setup import SetupScreen

    return SetupScreen()


def _drift() -> Screen[Any]:
    from xerotui.console.screens.drift import DriftScreen

    return DriftScreen()


MODES: dict[str, str | Callable[[], Screen[Any]]] = {
    "overview": _overview,
    "setup": _setup,
    "tenants": _tenants,
    "mapping": _mapping,
    "imports": _imports,
    "plan": _plan,
    "queue": _queue,
    "errors": _errors,
    "drift": _drift,
}


def opening() -> Screen[Any]:
    """The screen of the first frame."""
    from xerotui.console.screens.opening import OpeningScreen

    return OpeningScreen()


def plugins() -> Screen[Any]:
    """Plugins, pushed on top of any area."""
    from xerotui.console.screens.plugins import PluginsScreen

    return PluginsScreen()


def duplicates() -> Screen[Any]:
    """Contacts that look twice, pushed over Imports."""
    from xerotui.console.screens.duplicates import DuplicatesScreen

    return DuplicatesScreen()


def story(*, connection: str, kind: Kind, record: str, tenant: str) -> Screen[Any]:
    """A record's story."""
    from xerotui.console.screens.story import RecordScreen

    return RecordScreen(connection, kind, record, tenant)


def help_for(screen: "AreaScreen") -> Screen[Any]:
    """Help for a screen."""
    from xerotui.console.screens.help import HelpScreen

    return HelpScreen(screen)
