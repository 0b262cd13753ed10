"""Records of Xero that can't be read: told one by one, while all others of their page go on."""

from xerotui.model.kinds import Kind
from xerotui.model.problems import CORE, Place, Problem, RecordRef
from xerotui.sync.ports import Ports
from xerotui.xero.walks import Walk

CODE = "core.unreadable"


async def keep(ports: Ports, tenant: str, walk: Walk) -> None:
    """Record what a walk couldn't read, and close what it could read this time.

    What was known of such a record before stays: to take it for gone would make it a second time.
    """
    async with ports.ledger.read() as tx:
        known = await ports.ledger.problems.open(tx, connection="", tenant=tenant, kind=walk.kind, code=CODE)
    mended = [p.record.id for p in known if p.record.id in walk.seen and p.record.id not in walk.unreadable]
    if not mended and not walk.unreadable:
        return
    problems = [_problem(tenant, walk.kind, id, reason) for id, reason in walk.unreadable.items()]
    async with ports.ledger.write() as tx:
        ids = [*mended, *walk.unreadable]
        await ports.ledger.problems.replace(tx, "", tenant, walk.kind, ids, problems, phase="read")


def _problem(tenant: str, kind: Kind, id: str, reason: str) -> Problem:
    what = "Contact" if kind is Kind.CUSTOMER else kind.label.capitalize()
    return Problem(
        code=CODE,
        subject=f"xero:{kind}:{id}",
        record=RecordRef(connection="", kind=kind, id=id, title=id, tenant=tenant),
        sentence=f"{what} {id[:60]} of Xero can't be read: {reason[:200]}.",
        remedy=CORE[CODE].remedy,
        place=Place("go.tenants", {"tenant": tenant}),
        blocks=False,
    )


__all__ = ["CODE", "keep"]
