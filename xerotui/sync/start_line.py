"""The start line of a pair (M3): documents on both sides of it, and which would enter if it moved. Reads alone."""

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from xerotui.model.kinds import DOCUMENTS, Kind
from xerotui.model.records import Document
from xerotui.model.work import Plan, PlanKind, PlanState
from xerotui.store import Pair, Tx
from xerotui.sync import pair as pairs
from xerotui.sync.pair import PairData
from xerotui.sync.ports import Ports
from xerotui.sync.superseding import partial

# How many of the documents that would enter are named.
NAMED = 50
PROVEN = "proven:"


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """Documents of a kind and currency before a start date and from it on; those without a date count as from it."""

    kind: Kind
    currency: str
    start: dt.date | None
    before: int
    before_total: Decimal
    after: int
    after_total: Decimal
    entering: int
    entering_total: Decimal


class Entering(msgspec.Struct, frozen=True, kw_only=True):
    """A document that an earlier start date lets in."""

    kind: Kind
    number: str
    party: str
    date: dt.date
    currency: str
    total: Decimal | None


class StartLine(msgspec.Struct, frozen=True, kw_only=True):
    """What a start line parts; `entering` are at most `NAMED`, oldest first."""

    sides: tuple[Sides, ...] = ()
    entering: tuple[Entering, ...] = ()


def before(policy: Pair, document: Document) -> bool:
    """Whether a document is older than the start date of its kind."""
    start = policy.start.get(document.kind.value)
    return start is not None and document.date is not None and document.date < start


async def start_line(ports: Ports, connection: str, tenant: str, start: Mapping[str, dt.date]) -> StartLine:
    """What these start dates by kind would part among the source's documents, as they were read last.

    Raises SyncError when the organisation was never read.
    """
    data = await pairs.load(ports, connection, tenant)
    wanted = msgspec.structs.replace(data.policy, start=dict(start))
    return parted(data, wanted, [d for d in data.documents.values() if data.mine(d) and not d.excluded])


def parted(data: PairData, wanted: Pair, documents: Iterable[Document]) -> StartLine:
    """The same for these documents of a pair, with the policy that is wanted; kinds without a date are left out."""
    dated = {kind for kind in DOCUMENTS if kind.value in {**data.policy.start, **wanted.start}}
    base = data.organisation.base_currency
    sums = {(kind, base): [[Decimal(0)] * 2 for _ in range(3)] for kind in dated}
    entering: list[Entering] = []
    for document in (d for d in documents if d.kind in dated):
        rows = sums.setdefault((document.kind, document.currency), [[Decimal(0)] * 2 for _ in range(3)])
        total = document.total or Decimal(0)
        enters = before(data.policy, document) and not before(wanted, document) and not _linked(data, document)
        for row, mine in zip(rows, (before(wanted, document), not before(wanted, document), enters), strict=True):
            if mine:
                row[0] += 1
                row[1] += total
        if enters and document.date is not None:
            party = data.party_of(document)
            entering.append(
                Entering(
                    kind=document.kind,
                    number=document.number,
                    party=party.name if party else "",
                    date=document.date,
                    currency=document.currency,
                    total=document.total,
                )
            )
    sides = tuple(
        Sides(
            kind=kind,
            currency=currency,
            start=wanted.start.get(kind.value),
            before=int(old[0]),
            before_total=old[1],
            after=int(new[0]),
            after_total=new[1],
            entering=int(come[0]),
            entering_total=come[1],
        )
        for (kind, currency), (old, new, come) in sorted(
            sums.items(), key=lambda item: (DOCUMENTS.index(item[0][0]), item[0][1])
        )
    )
    entering.sort(key=lambda e: (e.date, e.kind, e.number))
    return StartLine(sides=sides, entering=tuple(entering[:NAMED]))


def _linked(data: PairData, document: Document) -> bool:
    return data.link(document.kind, document.id) is not None


async def proven(ports: Ports, tx: Tx, connection: str, tenant: str) -> bool:
    """Whether a sync plan of this pair was approved and carried out: before that no pair is automatic (M3).

    It is kept as a mark, because plans of busier pairs would hide it; what was carried out before there were such
    marks is looked for.
    """
    if await ports.ledger.marks.get(tx, PROVEN + Pair(source=connection, tenant=tenant).key):
        return True
    done = await ports.ledger.plans.list(tx, 500, states=(PlanState.DONE,), connection=connection)
    return any(_proves(p) and tenant in p.tenants for p in done)


async def prove(ports: Ports, tx: Tx, plan: Plan) -> None:
    """Keep that a plan of these pairs was carried out."""
    if _proves(plan):
        for tenant in plan.tenants:
            await ports.ledger.marks.set(tx, PROVEN + Pair(source=plan.connection, tenant=tenant).key, "1")


def _proves(plan: Plan) -> bool:
    # What goes back, or a choice of one record, says nothing of how the pair sends.
    return plan.kind is PlanKind.SYNC and not partial(plan)
