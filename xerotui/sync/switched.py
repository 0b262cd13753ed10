"""Sources that are switched off (H1): nothing is read, planned or sent for them; what waits stays as it is."""

from xerotui.model.problems import SyncError
from xerotui.store import Db, Pair, SourceConnection
from xerotui.sync.ports import Ports


def off(db: Db) -> frozenset[str]:
    """The source connections that are switched off."""
    return frozenset(source.id for source in db.sources() if not source.enabled)


async def off_now(ports: Ports) -> frozenset[str]:
    """The same, from the book as it is."""
    return off(await ports.book.read())


def working(db: Db) -> list[Pair]:
    """The pairs of sources that are on."""
    gone = off(db)
    return [pair for pair in db.all_pairs() if pair.source not in gone]


def refuse_off(document: SourceConnection) -> None:
    """Let nothing be done for a source that is off.

    Raises SyncError naming it.
    """
    if not document.enabled:
        name = document.name or document.id
        raise SyncError(
            f"{name} is switched off: nothing is read, planned or sent for it",
            f'Switch it on: xerotui tenants on "{name}".',
            code="core.source_off",
            exit_code=4,
        )
