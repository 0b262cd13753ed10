"""Which schema a ledger has, and how it gets to this program's. Alembic loads only when there is something to do."""

from importlib.resources import files
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from xerotui.model.problems import SyncError

# The newest revision under migrations/versions; a test holds the two together.
HEAD = "0006"


def revision(connection: Connection) -> str:
    """The schema revision of a ledger, blank for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def upgrade(connection: Connection) -> None:
    """Bring a ledger to `HEAD`, step by step, in the transaction that is open.

    Raises SyncError when a newer program has written it.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    # The configuration reads % as the start of a name.
    config.set_main_option("script_location", str(Path(str(files("xerotui.store"))) / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if (found := revision(connection)) and found not in known:
        raise SyncError(
            f"The ledger was written by a newer XeroTUI (schema {found}, this program knows {HEAD}).",
            "Update XeroTUI on this machine; nothing was changed.",
            code="core.ledger_newer",
        )
    command.upgrade(config, "head")
