"""What mappings do to documents: tracking by the nearest word, default items and what they carry, accounts."""

from pathlib import Path
from typing import Any

from tests.engine.sync_kit import edit, made_plan, operations, policy, problems, small
from tests.rig import SOURCE, Rig
from xerotui.console.rows.plan import default_lines
from xerotui.console.text import money
from xerotui.model.kinds import Kind
from xerotui.model.money import line_amount
from xerotui.model.paging import View
from xerotui.model.postings import DocumentPosting, decode
from xerotui.model.work import Operation, Verb
from xerotui.store import Mapping
from xerotui.workspace.door import Workspace


def door(bench: Rig) -> Workspace:
    """The workspace over the rig's own home; pages start no worker."""
    return Workspace(bench.wiring, bench.wiring.home, "tester", read_only=False, attached=True)


async def mapped(bench: Rig, spec: str, value: str, target: str, trade: str = "sales") -> None:
    """Save a mapping of the first organisation that its picker offers."""
    offered = await door(bench).mapping_targets(spec, SOURCE, bench.tenants[0], value, trade)
    assert target in [row.id for row in offered if row.allowed]
    async with bench.wiring.book.edit() as db:
        tenant = bench.tenants[0]
        db.put_mapping(Mapping(spec=spec, connection=SOURCE, value=value, trade=trade, tenant=tenant, target=target))


async def created(bench: Rig, record: str) -> tuple[Operation, DocumentPosting] | None:
    """What a fresh plan makes of an invoice."""
    plan = await made_plan(bench)
    planned = await operations(bench, plan=plan.id, verb=Verb.CREATE)
    operation = next((o for o in planned if (o.kind, o.record) == (Kind.INVOICE, record)), None)
    if operation is None:
        return None
    posting = decode(operation.body)
    assert isinstance(posting, DocumentPosting)
    return operation, posting


async def options(bench: Rig, record: str) -> list[tuple[str, str]]:
    """Category and option of every line of the invoice that carries one, as a fresh plan has them."""
    found = await created(bench, record)
    assert found is not None
    return [(t[2], t[3]) for line in found[1].lines for t in line.tracking]


async def product_line(bench: Rig) -> tuple[str, Any]:
    """A British invoice that nothing stops, and a line of it that sells a product of a group."""
    plan = await made_plan(bench)
    planned = await operations(bench, plan=plan.id, kind=Kind.INVOICE, verb=Verb.CREATE)
    good = {o.record for o in planned if o.tenant == bench.tenants[0]}
    for invoice in bench.world.psa.invoices:
        for line in invoice.lines:
            if str(invoice.id) in good and line.item and line.kind != "text" and line.code:
                return str(invoice.id), line
    raise AssertionError("no such invoice")


async def test_the_nearest_tracking_option_travels_and_one_without_a_place_waits(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        record, line = await product_line(bench)
        item = next(i for i in bench.world.psa.items if i.id == line.item)
        category = bench.world.tenants[0].tracking[0]
        first, second, third = (o.name for o in category.options[:3])
        # One line alone, so that what it carries is its own.
        await edit(bench, "invoice", record, lines=[{"id": line.id, "xero_category_1_lookup_name": ""}])
        await edit(bench, "assetgroup", item.group, xero_category_1_lookup_name=first)
        await bench.control("halo", "/clock", {"jump_seconds": 120})
        await edit(bench, "invoice", record, cust_order_number="1")
        assert await options(bench, record) == [(category.name, first)]

        await edit(bench, "item", line.item, xero_category_1_lookup_name=second)
        await bench.control("halo", "/clock", {"jump_seconds": 120})
        await edit(bench, "invoice", record, cust_order_number="2")
        assert await options(bench, record) == [(category.name, second)]

        await edit(bench, "invoice", record, lines=[{"id": line.id, "xero_category_1_lookup_name": third}])
        assert await options(bench, record) == [(category.name, third)]

        # The second placeholder has no category of its name: it waits until it is mapped, to nothing here.
        await edit(bench, "invoice", record, lines=[{"id": line.id, "xero_category_2_lookup_name": "Team A"}])
        assert await created(bench, record) is None
        stopped = next(p for p in await problems(bench, kind=Kind.INVOICE) if p.record.id == record)
        assert (stopped.code, stopped.subject) == ("core.tracking_unmapped", "tracking:2")
        assert stopped.place is not None
        assert stopped.place.args["spec"] == "tracking"
        halo: Any = bench.sandbox.sources[0]
        halo.store.control["xero_tracking_category_2_name"] = "Team"
        await bench.control("halo", "/clock", {"jump_seconds": 120})
        await made_plan(bench)
        space = door(bench)
        rows = (await space.mapping("tracking", SOURCE, bench.tenants[0], View())).rows
        assert [(r.value, r.title, r.state, r.waiting) for r in rows] == [
            ("2", "Team", "unmapped", 1),
            ("1", category.name, "mapped", 0),
        ]
        await mapped(bench, "tracking", "2", "-")
        assert await options(bench, record) == [(category.name, third)]

        # Two placeholders can't both speak for one category, nor can an option that Xero doesn't have.
        await mapped(bench, "tracking", "2", category.category_id)
        assert await created(bench, record) is None
        await mapped(bench, "tracking", "2", "-")
        await edit(bench, "invoice", record, lines=[{"id": line.id, "xero_category_1_lookup_name": "Atlantis"}])
        assert await created(bench, record) is None
        found = [p for p in await problems(bench, kind=Kind.INVOICE) if p.record.id == record]
        assert [p.subject for p in found] == ["tracking:1:Atlantis"]
        # Switched off for the pair, none of it is sent, and none waits.
        await policy(bench, bench.tenants[0], tracking=False)
        assert await options(bench, record) == []
        await policy(bench, bench.tenants[0], tracking=True)
        assert await created(bench, record) is None
        await mapped(bench, "tracking", "1", "-")
        assert await options(bench, record) == []


async def test_accounts_are_mapped_and_default_items_counted_and_a_child_lends_its_parents_code(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        tenant = bench.tenants[0]
        record, line = await product_line(bench)
        other = next(i for i in bench.world.psa.items if i.id != line.item and i.code and i.code != line.code)
        await edit(bench, "item", line.item, linked_item_id=other.id)
        await edit(bench, "invoice", record, lines=[{"id": line.id, "item_code": ""}])
        found = await created(bench, record)
        assert found is not None
        assert (found[1].lines[0].item_code, found[0].rungs["lines.1.item"]) == (
            other.code,
            "parent of the source item",
        )
        fresh = (await made_plan(bench)).id
        assert not [o for o in await operations(bench, plan=fresh, kind=Kind.ITEM) if o.record == str(line.item)]

        # An account that only the source knows waits until it is mapped; the mapping is of that side of the books.
        await edit(bench, "invoice", record, lines=[{"id": line.id, "nominal_code": "9X1"}])
        assert await created(bench, record) is None
        stopped = next(p for p in await problems(bench, kind=Kind.INVOICE) if p.record.id == record)
        assert (stopped.code, stopped.subject) == ("core.account_unknown", "account:9X1")
        assert stopped.place is not None
        assert (stopped.place.args["spec"], stopped.place.args["value"]) == ("account", "9X1")
        rows = (await door(bench).mapping("account", SOURCE, tenant, View())).rows
        assert ("9X1", "sales", "unmapped", 1) in [(r.value, r.trade, r.state, r.waiting) for r in rows]
        assert ("*", "sales", "unmapped") in [(r.value, r.trade, r.state) for r in rows]
        assert "mapped" in {r.state for r in rows}
        [target] = {line.account for line in found[1].lines}
        offered = await door(bench).mapping_targets("account", SOURCE, tenant, "9X1")
        assert {r.reason for r in offered if not r.allowed} >= {"lines can't name it"}
        free = [r.title.casefold() for r in offered if r.allowed]
        assert free == sorted(free), "by name, so that one is found in a long list"
        await mapped(bench, "account", "9X1", target, "purchase")
        assert await created(bench, record) is None
        await mapped(bench, "account", "9X1", target)
        found = await created(bench, record)
        assert found is not None
        [posted] = found[1].lines
        assert (posted.account, found[0].rungs["lines.1.account"]) == (target, "mapping of account 9X1")

        sent = await made_plan(bench)
        assert sent.defaults == ()
        orders = await operations(bench, plan=sent.id, kind=Kind.PURCHASE_ORDER, verb=Verb.CREATE)
        order = next(o for o in orders if o.tenant == tenant)
        bought = next(o for o in bench.world.psa.purchase_orders if str(o.id) == order.record).lines[0]
        await edit(
            bench,
            "purchaseorder",
            order.record,
            lines=[{"id": bought.id, "item_id": 0, "item_code": "", "productcode": ""}],
        )
        empty = {"item_shortdescription": "", "item_longdescription": "", "qty_order": 0, "unit_price": 0}
        # An empty line before it is left out: what is counted is the line that goes.
        gone = {**empty, "id": 0, "sequenceid": 0}
        await edit(
            bench, "invoice", record, lines=[gone, {"id": line.id, "_itemid": 0, "item_code": "", "sequenceid": 1}]
        )
        assert await created(bench, record) is None
        assert {p.code for p in await problems(bench) if p.record.id == record} == {"core.item_unmapped"}

        items = [i for i in bench.world.tenants[0].items if i.code]
        await mapped(bench, "default_item", "*", items[0].code, "purchase")
        assert await created(bench, record) is None
        [use] = (await made_plan(bench)).defaults
        assert (use.tenant, use.kind, use.code, use.lines) == (tenant, Kind.PURCHASE_ORDER, items[0].code, 1)
        await mapped(bench, "default_item", "*", items[1].code)
        found = await created(bench, record)
        assert found is not None
        [posted] = found[1].lines
        assert (posted.item_code, found[0].rungs["lines.1.item"]) == (items[1].code, "default item")
        plan = await made_plan(bench)
        sale = next(use for use in plan.defaults if use.kind is Kind.INVOICE)
        # The invoice whose product Xero lacks goes out under the default as well.
        world = {str(i.id): i for i in bench.world.psa.invoices}
        released = [
            o for o in await operations(bench, plan=plan.id, kind=Kind.INVOICE) if "default item" in o.rungs.values()
        ]
        assert {o.record for o in released} > {record}
        nets = [
            world[o.record].lines[int(path.split(".")[1]) - 1].net
            for o in released
            for path, rung in o.rungs.items()
            if rung == "default item" and o.record != record
        ]
        assert (sale.code, sale.lines) == (items[1].code, 1 + len(nets))
        assert sale.total == line_amount(posted.priced()) + sum(nets)
        shown = " ".join(text.plain for text in default_lines(plan, {}))
        assert (
            f"default item {items[1].code} on {sale.lines} lines of invoices, {money(sale.total, sale.currency)}"
            in shown
        )

        # A default that Xero lost is a problem of its own, placed where it is set.
        async with bench.wiring.book.edit() as db:
            db.put_mapping(Mapping(spec="default_item", connection=SOURCE, value="*", tenant=tenant, target="LOST"))
        assert await created(bench, record) is None
        assert {p.subject for p in await problems(bench) if p.record.id == record} == {"default_item:*"}
