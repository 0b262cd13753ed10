"""Proof by reading back: what a run confirmed is read again from Xero and compared, to the penny."""

from collections.abc import Sequence

from xerotui.model.kinds import PARTIES, Kind, Side
from xerotui.model.postings import DocumentPosting, Posting, decode
from xerotui.model.problems import Problem
from xerotui.model.records import Document, Item, Party, Record
from xerotui.model.work import Link, Operation, Plan, State
from xerotui.sync.drift import HEIGHT, moved
from xerotui.sync.ports import Ports
from xerotui.sync.pull import pull_tenant
from xerotui.sync.settle import problem_of


def _kind_read(kind: Kind) -> Kind:
    return Kind.CUSTOMER if kind in PARTIES else kind


def differs(posting: Posting, held: Record) -> tuple[str, ...]:
    """In what a record that Xero holds isn't what was planned."""
    fields = list(moved(posting, held))
    if isinstance(posting, DocumentPosting) and isinstance(held, Document):
        if held.tax is not None and held.tax != posting.tax:
            fields.append("tax")
        if HEIGHT.get(held.status, -1) < HEIGHT.get(posting.status, 0):
            fields.append("status")
    return tuple(fields)


def _words(posting: Posting, held: Record, fields: Sequence[str]) -> str:
    if isinstance(posting, DocumentPosting) and isinstance(held, Document) and "total" in fields:
        return f"Xero holds {held.total} {held.currency}, planned were {posting.total}."
    return f"Xero holds other values than planned: {', '.join(fields)}."


async def verify_run(ports: Ports, plan: Plan) -> int:
    """Read back what the plan's run confirmed in Xero; the number of operations that are now verified.

    A difference becomes a problem on the record, whose operation stays confirmed.
    """
    ledger = ports.ledger
    verified = 0
    for tenant in plan.tenants:
        async with ledger.read() as tx:
            done = await ledger.work.find(tx, plan=plan.id, tenant=tenant, side=Side.XERO, states=(State.CONFIRMED,))
        if not done:
            continue
        await pull_tenant(ports, tenant, tuple({_kind_read(o.kind) for o in done}))
        verified += await _compare(ports, tenant, done)
    return verified


async def _compare(ports: Ports, tenant: str, done: Sequence[Operation]) -> int:
    ledger = ports.ledger
    good: list[str] = []
    bad: list[tuple[Operation, list[Problem]]] = []
    async with ledger.read() as tx:
        held: dict[tuple[Kind, str], Record] = {}
        links: dict[tuple[str, Kind, str], Link] = {}
        for kind in {o.kind for o in done}:
            some = [o for o in done if o.kind is kind]
            ids = [o.target for o in some]
            records = await ledger.snapshots.many(tx, Side.XERO, tenant, _kind_read(kind), ids)
            held |= {(kind, i): r for i, r in records.items()}
            for connection in {o.connection for o in some}:
                mine = [o.record for o in some if o.connection == connection]
                links |= {
                    (connection, kind, r): link
                    for r, link in (await ledger.links.many(tx, connection, kind, mine, tenant)).items()
                }
    for o in done:
        link = links.get((o.connection, o.kind, o.record))
        record = held.get((o.kind, link.xero_id if link else o.target))
        if link is None or record is None or not isinstance(record, Document | Party | Item):
            continue
        posting = decode(link.posting)
        fields = differs(posting, record)
        if fields:
            sentence = f"{o.kind.label.capitalize()} {o.title}: {_words(posting, record, fields)}"
            bad.append((o, [problem_of(o, "core.mismatch_after", sentence, blocks=False)]))
        else:
            good.append(o.id)
    async with ledger.write() as tx:
        await ledger.work.move(tx, good, State.VERIFIED, frm=(State.CONFIRMED,))
        for o, problems in bad:
            await ledger.problems.replace(tx, o.connection, o.tenant, o.kind, [o.record], problems, phase="verify")
    return len(good)


__all__ = ["differs", "verify_run"]
