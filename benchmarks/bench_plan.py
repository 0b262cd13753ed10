"""A plan of records of which none has changed: our own time for each, and how it grows with ten times as many.

The world is made in the ledger, linked as if all of it had been sent, and held by Xero as it was sent. Measured is the
processor time of `make_plan` without reading either side: load, resolve, compare, store. The budget is 100,000 records
in 20 s, 0.2 ms a record; the time should grow as the records do (ratio 1).
"""

import asyncio
import datetime as dt
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import msgspec

from xerotui.model.kinds import Kind, Side
from xerotui.model.postings import ContactPosting, DocumentPosting, decode
from xerotui.model.records import Account, Currency, Document, Item, Line, Organisation, Party, Record, TaxRate
from xerotui.model.work import Link, Operation, Plan
from xerotui.store import Mapping, Pair, SourceConnection, TenantDoc
from xerotui.sync.planning import draft_pair, make_plan
from xerotui.sync.ports import Ports
from xerotui.workspace.home import prepare
from xerotui.workspace.wiring import Wiring

SOURCE, TENANT = "halo", "00000000-0000-4000-8000-00000000000a"
SMALL, FACTOR = 600, 10
BUDGET = 0.2
NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)


def reference() -> list[Record]:
    """An organisation's accounts, rates and currency."""
    return [
        Account(id="a200", kind=Kind.ACCOUNT, name="Sales", code="200", type="REVENUE", class_="REVENUE"),
        TaxRate(id="OUTPUT2", kind=Kind.TAX_RATE, name="20%", code="OUTPUT2", rate=Decimal(20), classes=("REVENUE",)),
        Currency(id="GBP", kind=Kind.CURRENCY, code="GBP"),
        Item(id="i1", kind=Kind.ITEM, name="Support", code="SUP", sales_account="200", sales_tax="OUTPUT2"),
    ]


def world(documents: int) -> list[Record]:
    """What the source holds: a customer for each ten invoices of three lines."""
    rate = TaxRate(id="1", kind=Kind.TAX_RATE, name="20%", code="VAT", rate=Decimal(20))
    customers = [
        Party(id=str(n), kind=Kind.CUSTOMER, name=f"Customer {n}", number=f"C{n}", tenant=TENANT)
        for n in range(documents // 10)
    ]
    lines = tuple(
        Line(
            id=str(n),
            texts={"short": f"Line {n}"},
            quantity=Decimal("1.5"),
            unit_price=Decimal("10.10"),
            tax=Decimal("3.03"),
            account="200",
            tax_rate="1",
            item_code="SUP",
        )
        for n in range(3)
    )
    invoices = [
        Document(
            id=str(n),
            kind=Kind.INVOICE,
            number=f"INV-{n}",
            party=str(n % len(customers)),
            tenant=TENANT,
            date=dt.date(2026, 11, 1),
            due_date=dt.date(2026, 12, 1),
            currency="GBP",
            lines=lines,
            total=Decimal("54.54"),
        )
        for n in range(documents)
    ]
    return [rate, *customers, *invoices]


def held(operation: Operation) -> Record:
    """The record that Xero holds after this operation."""
    posting = decode(operation.body)
    if isinstance(posting, ContactPosting):
        return Party(
            id=operation.id, kind=Kind.CUSTOMER, name=posting.name, number=posting.number, status="ACTIVE",
            is_customer=True,
        )  # fmt: skip
    assert isinstance(posting, DocumentPosting)
    lines = tuple(Line(id=f"{operation.id}-{n}") for n in range(len(posting.lines)))
    return Document(
        id=operation.id, kind=posting.kind, number=posting.number, party=posting.contact, date=posting.date,
        total=posting.total, status=posting.status, reference=posting.reference, currency=posting.currency, lines=lines,
    )  # fmt: skip


async def sent(ports: Ports, kind: Kind) -> None:
    """Draft, and take what would be created of one kind for confirmed."""
    draft, _ = await draft_pair(ports, SOURCE, TENANT, "p")
    made = [o for o in draft.operations if o.kind is kind]
    assert made, (draft.counts, [p.sentence for p in draft.problems[:3]])
    links = [
        Link(connection=SOURCE, kind=kind, record=o.record, tenant=TENANT, xero_id=o.id, posting=o.body) for o in made
    ]
    async with ports.ledger.write() as tx:
        await ports.ledger.links.put(tx, links)
        await ports.ledger.snapshots.put(tx, Side.XERO, TENANT, [held(o) for o in made], NOW)


async def prepared(ports: Ports, documents: int) -> None:
    """Book and ledger of a synced world."""
    async with ports.book.edit() as db:
        db.put_source(SourceConnection(id=SOURCE, name="Halo", source="halo"))
        db.put_tenant(TenantDoc(tenant=TENANT, connection="xero", name="Bench"))
        db.put_pair(Pair(source=SOURCE, tenant=TENANT))
        db.put_mapping(Mapping(spec="tax", connection=SOURCE, value="1", tenant=TENANT, target="OUTPUT2"))
    organisation = Organisation(tenant=TENANT, name="Bench", base_currency="GBP", country="GB", version="UK")
    async with ports.ledger.write() as tx:
        await ports.ledger.snapshots.put_organisation(tx, TENANT, organisation, NOW)
        for one in reference():
            await ports.ledger.snapshots.put(tx, Side.XERO, TENANT, [one], NOW)
        by_kind: dict[Kind, list[Record]] = {}
        for record in world(documents):
            by_kind.setdefault(record.kind, []).append(record)
        for records in by_kind.values():
            await ports.ledger.snapshots.put(tx, Side.SOURCE, SOURCE, records, NOW)
    await sent(ports, Kind.CUSTOMER)
    await sent(ports, Kind.INVOICE)


async def measured(root: Path, documents: int) -> float:
    """Processor milliseconds a record, the better of two plans."""
    wiring = await Wiring.open(prepare(root))
    try:
        ports = wiring.ports()
        await prepared(ports, documents)
        taken = []
        for _ in range(2):
            began = time.process_time()
            plan: Plan = await make_plan(ports, SOURCE, (TENANT,), "bench", read=False)
            taken.append(time.process_time() - began)
            records = documents + documents // 10
            assert plan.counts == {"unchanged": records}, msgspec.to_builtins(plan)
        return min(taken) * 1000 / records
    finally:
        await wiring.close()


def main() -> None:
    """Measure both worlds and print the ratio."""
    times = {}
    for documents in (SMALL, SMALL * FACTOR):
        with tempfile.TemporaryDirectory() as root:
            times[documents] = asyncio.run(measured(Path(root), documents))
    small, large = times[SMALL], times[SMALL * FACTOR]
    words = f"{small:.2f} ms a record of {SMALL:,}, {large:.2f} ms of {SMALL * FACTOR:,} documents, budget {BUDGET} ms"
    print(f"plan: {words}; ratio {large / small:.2f} for {FACTOR} times the records")


if __name__ == "__main__":
    main()
