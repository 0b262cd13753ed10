"""Moving a link (H11): shown first; what is in Xero stays under the former contact, what isn't goes to the new one."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from tests.engine.sync_kit import SOURCE, Rig, all_well, edit, halo, held, operations, policy, problems, small
from tests.engine.test_sync_import_fields import _born
from xerotui.model.kinds import Kind, Side
from xerotui.model.postings import decode, encode
from xerotui.model.work import RequestState, State, Verb
from xerotui.sync import current, moving


async def _one(bench: Rig) -> tuple[str, list[dict[str, Any]]]:
    """A customer of the first organisation with several sound invoices, and these."""
    sent = [o for o in await operations(bench, kind=Kind.INVOICE, side=Side.XERO) if o.tenant == bench.tenants[0]]
    rows = {str(r["id"]): r for r in await bench.control("halo", "/state/invoice")}
    by: dict[str, list[dict[str, Any]]] = {}
    for o in sent:
        by.setdefault(str(rows[o.record]["client_id"]), []).append(rows[o.record])
    return max(by.items(), key=lambda item: len(item[1]))


async def _not_while_on_its_way(bench: Rig, former: str, client: str, tenant: str) -> None:
    """Approved documents stand against a move; one whose bytes name a former contact doesn't leave."""
    ports = bench.wiring.ports()
    plan = (await bench.done("plan", connection=SOURCE))["plan"]
    (late,) = await operations(bench, plan=plan, kind=Kind.INVOICE, verb=Verb.CREATE)
    posting = decode(late.body)
    stale = msgspec.structs.replace(late, body=encode(msgspec.structs.replace(posting, contact=former)))
    mappings = await current.mappings_now(ports, [late])
    async with bench.wiring.ledger.write() as tx:
        assert await current.outdated(ports, tx, [late], mappings) == {}
        assert await current.outdated(ports, tx, [stale], mappings) == {late.id: current.MOVED}
        await bench.wiring.ledger.work.move(tx, [late.id], State.APPROVED, frm=(State.PLANNED,))
    shown = await moving.preview(ports, SOURCE, Kind.CUSTOMER, client, tenant, former)
    assert shown.obstacle == "1 of its documents are on their way to Xero"
    async with bench.wiring.ledger.write() as tx:
        await bench.wiring.ledger.work.move(tx, [late.id], State.CANCELLED, frm=(State.APPROVED,))


async def test_a_moved_link_leaves_what_was_sent_where_it_is(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60, scale=0.01) as bench:
        british, australian = bench.tenants
        await bench.sync()
        client, invoices = await _one(bench)
        ports = bench.wiring.ports()
        new = await _born(bench, "Contacts", Name="The new one Ltd", AccountNumber="NEW1")
        await bench.done("refresh", connection=SOURCE)
        shown = await moving.preview(ports, SOURCE, Kind.CUSTOMER, client, british, "The new one Ltd")
        assert (shown.to, shown.obstacle) == (new["ContactID"], "")
        assert sum(s.documents for s in shown.stays) == len(invoices) > 0
        assert sum(s.total for s in shown.stays) == sum(Decimal(str(row["total"])) for row in invoices)
        before = (await halo(bench, "client", client))["xeroid"]
        assert before == shown.contact, "a preview changes nothing"
        where = {"connection": SOURCE, "kind": "customer", "record": client, "tenant": british}
        wrong = await bench.ask("move", **where, to=new["ContactID"], contact="another-than-shown")
        assert "another contact than the one shown" in wrong.error
        await bench.done("move", **where, to=new["ContactID"], contact=new["ContactID"])
        assert (await halo(bench, "client", client))["xeroid"] == new["ContactID"]
        # The next plan takes no document along, not even one that changed; a new one goes to the new contact.
        await edit(bench, "invoice", invoices[0]["id"], reference="Changed later")
        late = {k: v for k, v in invoices[0].items() if k not in ("id", "xeroid", "thirdpartyinvoicenumber", "posted")}
        lines = [{k: v for k, v in line.items() if k not in ("id", "ihid")} for line in late["lines"]]
        late |= {"invoicenumber": "LATE-1", "lines": lines, "dont_sync_to_3rd_party": False, "xero_status": ""}
        await bench.control("halo", "/create/invoice", late)
        await policy(bench, british, settle_minutes=0)
        await _not_while_on_its_way(bench, shown.contact, client, british)
        await bench.sync()
        by_number = {i["InvoiceNumber"]: i for i in await held(bench, british, "Invoices")}
        assert by_number["LATE-1"]["Contact"]["ContactID"] == new["ContactID"]
        assert by_number[invoices[0]["invoicenumber"]]["Reference"] == "Changed later"
        for row in invoices:
            assert by_number[row["invoicenumber"]]["Contact"]["ContactID"] == before
        await all_well(bench)
        async with bench.wiring.ledger.read() as tx:
            (entry,) = [e for e in await bench.wiring.ledger.audit.list(tx, 500) if e.action == "moved the link of"]
        assert entry.actor == "tester"
        # Another organisation: Halo doesn't let it be changed once it is set, and then nothing is moved here.
        refused = await bench.ask("move", **where, to=australian)
        assert refused.state is RequestState.FAILED
        assert "can't be changed once it is set" in refused.error
        async with bench.wiring.ledger.read() as tx:
            assert await bench.wiring.ledger.links.get(tx, SOURCE, Kind.CUSTOMER, client, australian) is None
        await bench.control("halo", "/switches", {"tenant_moves": True})
        await bench.done("move", **where, to=australian)
        assert (await halo(bench, "client", client))["xero_tenant_id"] == australian
        # What was sent to the former one isn't made again in the new one, even where the source forgot that it was.
        for row in invoices:
            await edit(bench, "invoice", row["id"], xero_tenant_id="", xeroid="", dont_sync_to_3rd_party=False)
        plan = (await bench.done("plan", connection=SOURCE))["plan"]
        ids = {str(row["id"]) for row in invoices}
        assert not [o for o in await operations(bench, plan=plan, tenant=australian) if o.record in ids]
        told = {p.record.id for p in await problems(bench, tenant=australian) if "was sent to" in p.sentence}
        assert told == ids
