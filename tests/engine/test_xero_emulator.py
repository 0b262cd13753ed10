"""The Xero room against the emulated Xero over real HTTP: logins, walks, look-ups, writes, throttles, lost answers."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.engine.xero_kit import UK, WORLD, Bench, active_contact, benched, confirmed, invoice, opened
from xerotui.model.kinds import Kind
from xerotui.model.postings import ContactPosting, ItemPosting, Posting, PostingLine, PriceSide
from xerotui.model.records import Document, Item, Party
from xerotui.model.work import Verb
from xerotui.net.governor import NoLimits
from xerotui.net.http import Throttle, Unanswered
from xerotui.workspace.secrets import Vaulted
from xerotui.xero import limits
from xerotui.xero.answers import Confirmed, Refused, Verdicts, WholeRefusal
from xerotui.xero.client import TenantClient
from xerotui.xero.connections import XeroSettings, connections, disconnect, grants
from xerotui.xero.errors import AuthTrouble, NotFound, Paused
from xerotui.xero.tokens import AppTokens, TokenKeeper


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with benched(tmp_path) as found:
        yield found


async def test_the_three_kinds_of_app_log_in_and_see_their_organisations(bench: Bench) -> None:
    for settings in (bench.pkce, bench.web):
        tokens = await bench.login(settings)
        assert tokens.refresh_token
        found = await connections(bench.http, settings, tokens.access_token)
        assert {c.tenant for c in found} == {t.tenant_id for t in WORLD.tenants}
        assert [c.name for c in found] == sorted((c.name for c in found), key=str.casefold)
    assert await disconnect(bench.http, settings, tokens.access_token, found[0].id)
    assert not await disconnect(bench.http, settings, tokens.access_token, found[0].id)
    app = AppTokens(grants(bench.http, bench.custom), bench.clock)
    only = await connections(bench.http, bench.custom, await app.access())
    assert len(only) == 1
    client = TenantClient(bench.http, app, only[0].tenant, bench.custom)
    assert (await client.organisation()).name == UK.name
    assert bench.asked("POST", "/token") == 3


async def test_many_callers_over_two_ledgers_make_one_renewal(bench: Bench, tmp_path: Path) -> None:
    first = await bench.keeper(bench.pkce)
    async with opened(tmp_path, bench.clock) as other:
        second = TokenKeeper("x", Vaulted(other), grants(bench.http, bench.pkce), bench.clock)
        before = bench.asked("POST", "/token")
        old = await first.access()
        bench.sandbox.clock.jump(28 * 60)
        tokens = await asyncio.gather(*(keeper.access() for keeper in (first, second) * 10))
        assert len(set(tokens)) == 1
        assert old not in tokens
        assert bench.asked("POST", "/token") == before + 1
        stored = await Vaulted(other).load("x")
        assert stored
        assert stored.current.access_token == tokens[0]
        assert stored.previous_refresh
        assert await Vaulted(other).lease("x", 1) is not None


async def test_a_lost_answer_to_a_renewal_costs_nothing_within_the_grace(bench: Bench) -> None:
    keeper = await bench.keeper(bench.web)
    bench.sandbox.clock.jump(31 * 60)
    await bench.control("faults", {"path": "/token", "do": "cut_after", "times": 1})
    assert await keeper.access()


async def test_a_dead_login_pauses_and_is_not_asked_again(bench: Bench) -> None:
    keeper = await bench.keeper(bench.web)
    await keeper.revoke()
    before = bench.asked("POST", "/token")
    for process in (keeper, TokenKeeper("x", Vaulted(bench.ledger), grants(bench.http, bench.web), bench.clock)):
        bench.sandbox.clock.jump(31 * 60)
        for _ in range(3):
            with pytest.raises(Paused) as caught:
                await process.access()
            assert caught.value.remedy
    assert bench.asked("POST", "/token") == before + 1
    await keeper.begin(await bench.login(bench.web))
    assert await keeper.access()


async def test_a_token_that_lapses_at_xero_is_renewed_once_and_a_lost_tenant_is_said(bench: Bench) -> None:
    client = await bench.client()
    await bench.control("expire-tokens", {})
    assert (await client.organisation()).tenant == UK.tenant_id
    await bench.control("disconnect", {"tenant": UK.tenant_id})
    with pytest.raises(AuthTrouble) as caught:
        await client.accounts()
    assert caught.value.code in ("xero.tenant", "xero.token")
    assert caught.value.exit_code == 3


class Fixed:
    """One token, whatever becomes of it."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.refused: list[str] = []

    async def access(self, *, refused: str = "") -> str:
        self.refused += [refused] if refused else []
        return self.token


async def test_a_missing_scope_is_said_and_not_mended_by_a_renewal(bench: Bench) -> None:
    given = await bench.control("grant", {"scopes": "openid offline_access accounting.contacts"})
    tokens = Fixed(given["access_token"])
    client = TenantClient(bench.http, tokens, UK.tenant_id, bench.web)
    assert [page async for page in client.contacts()]
    with pytest.raises(AuthTrouble) as caught:
        await client.accounts()
    assert caught.value.code == "xero.scope"
    assert tokens.refused == []


async def test_a_walk_reads_page_after_page(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xerotui.xero.walks.PAGE_SIZE", 3)
    client = await bench.client()
    pages = [page async for page in client.contacts()]
    assert len(pages) == -(-len(UK.contacts) // 3)
    assert [r.id for page in pages for r in page] == sorted(c.contact_id for c in UK.contacts)
    assert bench.journal.violations == []


async def test_reference_data_is_read_whole(bench: Bench) -> None:
    client = await bench.client()
    organisation = await client.organisation()
    assert (organisation.name, organisation.country, organisation.base_currency) == (UK.name, "GB", "GBP")
    assert {a.code for a in await client.accounts()} == {a.code for a in UK.accounts}
    rates = {r.code: r for r in await client.tax_rates()}
    assert rates["OUTPUT2"].rate == 20
    assert "REVENUE" in rates["OUTPUT2"].classes
    assert {o[1] for t in await client.tracking() for o in t.options} == {
        o.name for t in UK.tracking for o in t.options
    }
    assert len(await client.themes()) == len(UK.themes)
    assert "GBP" in {c.code for c in await client.currencies()}
    assert bench.journal.violations == []


async def test_walks_read_everything_and_deltas_what_changed(bench: Bench) -> None:
    client = await bench.client()
    contacts = [r async for page in client.contacts() for r in page if isinstance(r, Party)]
    assert {c.id for c in contacts} == {c.contact_id for c in UK.contacts}
    assert "ARCHIVED" in {c.status for c in contacts}
    items = [r async for page in client.items() for r in page if isinstance(r, Item)]
    assert {i.code for i in items} == {i.code for i in UK.items}
    invoices = [r async for page in client.invoices() for r in page if isinstance(r, Document)]
    assert invoices
    assert all(i.facts["type"] == "ACCREC" and i.lines for i in invoices)
    bench.sandbox.clock.jump(3600)
    since = bench.clock.now() - dt.timedelta(seconds=30)
    made = confirmed(
        await bench.write(client, Kind.INVOICE, Verb.CREATE, [(invoice("NEW-1", contacts[0].id), "")], "k")
    )
    changed = [r.id async for page in client.invoices(since) for r in page]
    assert changed == [made.xero_id]
    assert [r async for page in client.contacts(since + dt.timedelta(hours=1)) for r in page] == []
    assert bench.journal.violations == []


async def test_writes_are_judged_element_by_element_and_read_back_exactly(bench: Bench) -> None:
    client = await bench.client()
    contact = await active_contact(client)
    bad = invoice("BAD-1", contact, lines=(PostingLine(description="x", quantity=Decimal(1), account="NOPE"),))
    elements: list[tuple[Posting | None, str]] = [
        (invoice("GOOD-1", contact), ""),
        (bad, ""),
        (invoice("GOOD-2", contact), ""),
    ]
    answer = await bench.write(client, Kind.INVOICE, Verb.CREATE, elements, "key-1")
    assert isinstance(answer, Verdicts)
    assert [type(v) for v in answer.elements] == [Confirmed, Refused, Confirmed]
    again = await bench.write(client, Kind.INVOICE, Verb.CREATE, elements, "key-1")
    assert again.elements == answer.elements if isinstance(again, Verdicts) else False
    assert [w["number"] for w in bench.journal.writes if w["kind"] == "invoice"] == ["GOOD-1", "GOOD-2"]
    first = confirmed(answer)
    record = await client.get(Kind.INVOICE, first.xero_id)
    assert isinstance(record, Document)
    assert (record.lines[0].unit_price, record.lines[0].quantity) == (Decimal("10.1234"), Decimal("1.25"))
    assert (record.subtotal, record.tax, record.total) == (Decimal("12.65"), Decimal("2.53"), Decimal("15.18"))
    assert [line.heading for line in record.lines] == [False, True]
    assert record.facts["version"] == first.version
    lines = tuple(
        PostingLine(
            description="Changed",
            quantity=Decimal(2),
            unit_amount=Decimal(5),
            account="200",
            tax="OUTPUT2",
            line_id=line.id,
        )
        for line in record.lines[:1]
    )
    update = invoice("GOOD-1", contact, lines=lines, reference="R")
    changed = confirmed(await bench.write(client, Kind.INVOICE, Verb.UPDATE, [(update, first.xero_id)], "key-2"))
    assert isinstance(changed.record, Document)
    assert (changed.record.reference, changed.record.total) == ("R", Decimal("12.00"))
    assert changed.record.lines[0].id == record.lines[0].id
    voided = await bench.write(client, Kind.INVOICE, Verb.VOID, [(None, first.xero_id)], "key-3")
    assert confirmed(voided).xero_id == first.xero_id
    after = await client.get(Kind.INVOICE, first.xero_id)
    assert isinstance(after, Document)
    assert after.status == "VOIDED"
    assert bench.journal.violations == []


async def test_contacts_items_and_orders_are_made_changed_and_found(bench: Bench) -> None:
    client = await bench.client()
    party = ContactPosting(
        kind=Kind.CUSTOMER, name='Quote "Q" & Sons, Ltd', number="ACC/1", contact_number="9001", phone="020 1"
    )
    made = confirmed(await bench.write(client, Kind.CUSTOMER, Verb.CREATE, [(party, "")], "c1"))
    for key in ('quote "q" & sons, ltd', "ACC/1", "9001"):
        assert [r.id for r in await client.look_up(Kind.CUSTOMER, [key])] == [made.xero_id]
    taken = await bench.write(client, Kind.CUSTOMER, Verb.CREATE, [(party, "")], "c2")
    assert isinstance(taken, Verdicts)
    assert isinstance(taken.elements[0], Refused)
    goods = ItemPosting(
        code="A/1", name="Goods", sales=PriceSide(price=Decimal("1.2345"), account="200", tax="OUTPUT2")
    )
    thing = confirmed(await bench.write(client, Kind.ITEM, Verb.CREATE, [(goods, "")], "i1"))
    found = await client.look_up(Kind.ITEM, ["a/1", "nothing"])
    assert [(r.id, r.sales_price) for r in found if isinstance(r, Item)] == [(thing.xero_id, Decimal("1.2345"))]
    assert await client.look_up(Kind.ITEM, ["nothing"]) == []
    bought = PostingLine(
        description="x", quantity=Decimal(3), unit_amount=Decimal("0.0333"), account="310", tax="INPUT2"
    )
    orders = [invoice(n, made.xero_id, kind=Kind.PURCHASE_ORDER, lines=(bought,)) for n in ("PO-1", "PO/2")]
    answer = await bench.write(client, Kind.PURCHASE_ORDER, Verb.CREATE, [(o, "") for o in orders], "p1")
    ids = [confirmed(answer, n).xero_id for n in (0, 1)]
    assert [r.id for r in await client.look_up(Kind.PURCHASE_ORDER, ["PO-1", "PO/2", "PO-3"])] == ids
    note = invoice("CN-1", made.xero_id, kind=Kind.CREDIT_NOTE)
    credit = confirmed(await bench.write(client, Kind.CREDIT_NOTE, Verb.CREATE, [(note, "")], "n1"))
    assert [r.id for r in await client.look_up(Kind.CREDIT_NOTE, ["CN-1"])] == [credit.xero_id]
    assert bench.journal.violations == []
    gone = await bench.write(client, Kind.ITEM, Verb.DELETE, [(None, thing.xero_id)], "i2")
    assert confirmed(gone).xero_id == thing.xero_id
    with pytest.raises(NotFound):
        await client.get(Kind.ITEM, thing.xero_id)
    away = await bench.write(client, Kind.PURCHASE_ORDER, Verb.DELETE, [(None, ids[0])], "p2")
    assert confirmed(away).xero_id == ids[0]


async def test_numbers_of_invoices_are_looked_up_forty_at_a_time(bench: Bench) -> None:
    client = await bench.client()
    contact = await active_contact(client)
    numbers = [f"N-{n:03}" for n in range(45)] + ["comma, number"]
    elements: list[tuple[Posting | None, str]] = [(invoice(n, contact), "") for n in numbers]
    answer = await bench.write(client, Kind.INVOICE, Verb.CREATE, elements, "k")
    made = {confirmed(answer, n).xero_id for n in range(len(numbers))}
    before = bench.asked("GET", "/Invoices")
    found = await client.look_up(Kind.INVOICE, [*numbers, "missing", "", "ctrl\x1b"])
    assert {r.id for r in found} == made
    assert bench.asked("GET", "/Invoices") == before + 3
    assert bench.journal.violations == []


async def test_an_unknown_contact_refuses_the_whole_call(bench: Bench) -> None:
    client = await bench.client()
    stray = invoice("X-1", "11111111-2222-4333-8444-555555555555")
    answer = await bench.write(client, Kind.INVOICE, Verb.CREATE, [(stray, ""), (stray, "")], "k")
    assert isinstance(answer, WholeRefusal)
    assert (answer.code, answer.partial) == ("not_found", False)


async def test_a_write_whose_answer_was_lost_is_repeated_byte_for_byte_without_a_second_effect(bench: Bench) -> None:
    client = await bench.client()
    elements: list[tuple[Posting | None, str]] = [(invoice("LOST-1", await active_contact(client)), "")]
    await bench.control("faults", {"method": "PUT", "path": "/Invoices", "do": "cut_after", "times": 1})
    with pytest.raises(Unanswered):
        await bench.write(client, Kind.INVOICE, Verb.CREATE, elements, "same")
    assert confirmed(await bench.write(client, Kind.INVOICE, Verb.CREATE, elements, "same")).number == "LOST-1"
    assert [w["number"] for w in bench.journal.writes] == ["LOST-1"]


async def test_the_governor_keeps_within_xeros_limits_and_without_it_xero_complains(bench: Bench) -> None:
    await bench.control("limits", {"minute": 12})
    await bench.control("clock", {"rate": 60})
    tight = XeroSettings(**{f: getattr(bench.web, f) for f in bench.web.__struct_fields__} | {"minute_limit": 12})
    governed = await bench.client(bench.ledger.permits, tight)
    await asyncio.gather(*(governed.themes() for _ in range(25)))
    assert bench.journal.violations == []
    loose = await bench.client(NoLimits(), tight)
    bench.sandbox.clock.set_rate(1)
    with pytest.raises(Throttle):
        for n in range(20):
            await bench.write(loose, Kind.INVOICE, Verb.VOID, [(None, f"11111111-2222-4333-8444-{n:012}")], f"k{n}")
    assert {v["what"] for v in bench.journal.violations} == {"limit"}


async def test_xeros_own_count_holds_back_a_governor_that_knows_less(bench: Bench) -> None:
    await bench.control("limits", {"minute": 12})
    tight = XeroSettings(**{f: getattr(bench.web, f) for f in bench.web.__struct_fields__} | {"minute_limit": 12})
    other = await bench.client(NoLimits(), tight)
    for _ in range(9):
        await other.themes()
    client = await bench.client(bench.ledger.permits, tight)
    await client.themes()
    key, windows = limits.limits(tight, UK.tenant_id)
    budgets = await bench.ledger.permits.budgets(key, windows.windows, bench.clock.now())
    assert {b.window: b.used for b in budgets}["minute"] == 10
