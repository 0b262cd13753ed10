"""Numbers of two sources that may meet in one organisation, as people read it."""

from xerotui.store import Db, Pair
from xerotui.sync import numbering
from xerotui.workspace.pages import Finding


def collision_findings(db: Db, instead: Pair | None = None) -> list[Finding]:
    """Two sources whose numbers may meet in one organisation (M7)."""
    found = []
    for one in numbering.collisions(db, instead):
        tenant = db.tenant(one.tenant)
        names = [source.name for id in one.connections if (source := db.source(id)) is not None]
        found.append(
            Finding(
                area="sources",
                title=tenant.name if tenant else one.tenant,
                level="warn",
                detail=f"{' and '.join(names)} number their {one.kind.plural} alike; what is used is never overwritten",
                remedy="Give one of them a template: xerotui pair set SOURCE TENANT "
                f"--numbers-{one.kind.plural.replace(' ', '-')} 'A-{{number}}'.",
            )
        )
    return found
