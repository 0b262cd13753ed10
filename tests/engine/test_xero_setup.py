"""What an organisation is set up with, read and changed, and what hangs on its records: against the emulated Xero."""

import json
import logging
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.engine.xero_kit import UK, Bench, active_contact, benched, confirmed, invoice, wide
from xerotui.model.kinds import Kind
from xerotui.model.records import Party, TaxComponent
from xerotui.model.work import Verb
from xerotui.xero.errors import NotFound, Refused, Unsettled
from xerotui.xero.setup import Setup


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with benched(tmp_path) as found:
        yield found


async def test_what_an_organisation_says_of_itself(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "xerotui.xero")
    client = await bench.client()
    organisation = await client.organisation()
    assert organisation.id
    assert organisation.edition
    assert organisation.status
    actions = await client.actions()
    assert actions["CreateDraftInvoice"] is True
    await bench.control(f"role/{UK.tenant_id}", {"denied": ["CreateApprovedInvoice"]})
    assert (await client.actions())["CreateApprovedInvoice"] is False
    # A login that only reads settings is told so, with Xero's words and the correlation id.
    with pytest.raises(Exception) as caught:
        await Setup(client).add_currency("EUR", "k")
    assert getattr(caught.value, "code", "") == "xero.scope"
    correlation = getattr(caught.value, "correlation", "")
    assert correlation
    [line] = [json.loads(r.message) for r in caplog.records if r.name == "xerotui.xero"]
    assert (line["status"], line["call"], line["correlation"]) == (401, "PUT /Currencies", correlation)


async def test_currencies_rates_tracking_and_groups_are_made_changed_and_taken_away(bench: Bench) -> None:
    client = await wide(bench)
    setup = Setup(client)
    have = {c.code for c in await client.currencies()}
    new = next(c for c in ("SEK", "CHF", "JPY") if c not in have)
    assert (await setup.add_currency(new, "c1")).code == new
    assert (await setup.add_currency(new, "c1")).code == new
    assert {c.code for c in await client.currencies()} == have | {new}

    parts = [TaxComponent("Local", Decimal("4.5000")), TaxComponent("State", Decimal("2.25"), compound=True)]
    rate = await setup.create_tax_rate("Twice taxed", parts, "r1", report="OUTPUT")
    assert rate.code.startswith("TAX")
    assert rate.rate == Decimal("6.8513")
    with pytest.raises(Refused) as caught:
        await setup.create_tax_rate("Twice taxed", parts, "r2", report="OUTPUT")
    assert "unique Name" in caught.value.said
    assert caught.value.code == "xero.invalid"
    assert caught.value.correlation
    assert (await setup.update_tax_rate(rate.code, "Taxed twice", parts, "r3")).name == "Taxed twice"
    assert (await setup.delete_tax_rate(rate.code, "Taxed twice", "r4")).status == "DELETED"

    for category in await client.tracking():
        if category.status == "ACTIVE":
            await setup.archive_category(category.id, f"a{category.id}")
    made = await setup.create_category("Depot", "t1")
    option = await setup.add_option(made.id, "North", "o1")
    assert await setup.rename_option(made.id, option, "Far north", "o2") == option
    await setup.archive_option(made.id, await setup.add_option(made.id, "South", "o3"), "o4")
    unused = await setup.add_option(made.id, "East", "o5")
    await setup.delete_option(made.id, unused)
    await setup.rename_category(made.id, "Depots", "t2")
    found = next(t for t in await client.tracking() if t.id == made.id)
    assert found.name == "Depots"
    assert {(name, status) for _, name, status in found.options} == {("Far north", "ACTIVE"), ("South", "ARCHIVED")}
    await setup.delete_category(made.id)
    assert made.id not in {t.id for t in await client.tracking()}

    contacts = [r async for page in client.contacts() for r in page if isinstance(r, Party)]
    active = [c.id for c in contacts if c.active][:2]
    archived = next(c.id for c in contacts if not c.active)
    group = await setup.create_group("Sites", "g1")
    await setup.add_to_group(group.id, active, "g2")
    with pytest.raises(Refused) as caught:
        await setup.add_to_group(group.id, [archived], "g3")
    assert "rchived contact" in caught.value.said
    await setup.remove_from_group(group.id, active[1])
    assert [id for id, _ in (await client.group(group.id)).contacts] == [active[0]]
    assert (await setup.rename_group(group.id, "All sites", "g4")).name == "All sites"
    assert "All sites" in {g.name for g in await client.groups()}
    await setup.delete_group(group.id, "g5")
    assert group.id not in {g.id for g in await client.groups() if g.status == "ACTIVE"}
    with pytest.raises(NotFound):
        await setup.delete_group("11111111-2222-4333-8444-555555555555", "g6")

    # Nobody can tell: the answer was cut, or Xero failed after it was done.
    for fault, key in ({"do": "cut_after"}, "u1"), ({"do": "status_after", "status": 500}, "u2"):
        await bench.control("faults", {"method": "PUT", "path": "/ContactGroups", "times": 1, **fault})
        with pytest.raises(Unsettled) as unsettled:
            await setup.create_group(f"Group {key}", key)
        assert unsettled.value.remedy
    assert {"Group u1"} <= {g.name for g in await client.groups()}
    assert bench.journal.violations == []


async def test_notes_links_and_mail_of_an_invoice(bench: Bench) -> None:
    client = await wide(bench)
    setup = Setup(client)
    mailed = [r async for page in client.contacts() for r in page if isinstance(r, Party) and r.active and r.email]
    answer = await bench.write(
        client,
        Kind.INVOICE,
        Verb.CREATE,
        [(invoice("M-1", mailed[0].id), ""), (invoice("M-2", await active_contact(client), status="DRAFT"), "")],
        "i",
    )
    sent, draft = (confirmed(answer, n).xero_id for n in (0, 1))
    assert (await client.online_invoice(sent)).startswith("https://")
    with pytest.raises(Refused):
        await client.online_invoice(draft)
    await setup.add_note(Kind.INVOICE, sent, "sent by the console", "n1")
    await setup.add_note(Kind.INVOICE, sent, "x" * 4000, "n2")
    notes = await client.history(Kind.INVOICE, sent)
    assert [len(n.details) for n in notes if n.what == "Note"] == [len("sent by the console"), 2500]
    assert notes[-1].at is not None
    await setup.email_invoice(sent, "e1")
    assert [w["number"] for w in bench.journal.writes if w["kind"] == "email"] == ["M-1"]
    with pytest.raises(Refused) as caught:
        await setup.email_invoice(draft, "e2")
    assert "status" in caught.value.said
    assert bench.journal.violations == []
