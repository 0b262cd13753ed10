"""The rules by which rows become records: amounts, taxes, items, accounts, due dates, currencies, labour."""

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from nhd_bench import GUID

from xerotui.model.kinds import Kind, Trade
from xerotui.model.money import PricedLine, line_amount, rounded
from xerotui.model.records import Document, Line, Party
from xerotui.model.settings import fill
from xerotui.source.contract import ResolveContext
from xerotui.source.texts import description
from xerotui_nethelpdesk import converting, lines, records
from xerotui_nethelpdesk.plugin import AMOUNTS, CURRENCY, UNCODED, xerotui_check, xerotui_explain
from xerotui_nethelpdesk.records import Desk
from xerotui_nethelpdesk.rows import CurrencyRow, DocumentRow, ItemRow, LineRow, PartyRow, TaxRow
from xerotui_nethelpdesk.settings import NetHelpDeskSettings, rendered

D = Decimal

TAXES = {
    t.id: t
    for t in (
        TaxRow(id="1", code="T1", name="Standard", rate=D(20)),
        TaxRow(id="2", code="T0", name="Zero", rate=D(0)),
        TaxRow(id="3", code="P1", name="Input", rate=D(20)),
        TaxRow(id="20", code="5", name="Odd", rate=D(5)),
    )
}
ITEMS = {
    "5": ItemRow(id="5", name="Cable", code="CAB", sales_tax="1", purchase_tax="3", sales_account="210"),
    "6": ItemRow(id="6", name="Bare", group_account="220"),
}
CLIENT = PartyRow(id="7", name="Acme", sales_tax="-2", due_type=1, due_days=14, terms_days=30, top_level="London")


def desk(**changed: str) -> Desk:
    made = fill(NetHelpDeskSettings, changed)
    assert isinstance(made, NetHelpDeskSettings)
    return Desk(made, taxes=TAXES, items=ITEMS, customers={"7": CLIENT}, due_days=9)


def test_amounts_of_a_line_are_made_to_fit_or_told() -> None:
    """A discount of 2 places, else the unit price of 4; a penny is rounding; what fits nothing is a problem."""
    for quantity, price, net, expected in (
        ("2", "10", "20", ("10", "0")),
        ("2", "10", "18", ("10", "10.00")),
        ("3", "33.33", "66.66", ("33.33", "33.33")),
        ("1", "19.995", "19.99", ("19.9900", "0")),
        ("3", "10", "31", ("10.3333", "0")),
        ("7000", "1", "7000.30", ("1", "0")),
        ("4", "10", "41", ("10.2500", "0")),
        ("-2", "10", "-18", ("10", "10.00")),
    ):
        unit, discount = lines.fitted(D(quantity), D(price), D(net))
        assert (unit, discount) == (D(expected[0]), D(expected[1])), (quantity, price, net)
        priced = PricedLine(quantity=D(quantity), unit_amount=unit, discount_percent=discount)
        assert (line_amount(priced) == D(net)) is (net != "7000.30"), "the core's arithmetic comes to the same"
    row = DocumentRow(id="9", party="7", date=dt.date(2026, 1, 31), lines=(
        LineRow(id="1", text="Head", heading=True),
        LineRow(id="2", text="A", item="5", quantity=D(7000), unit_price=D(1), net=D("7000.30"), tax="T1"),
    ))  # fmt: skip
    made = records.invoice(desk(), row)
    assert made.total is None
    assert "7000 x 1 isn't 7000.30" in made.facts["line_faults"]
    context = ResolveContext(source="nethelpdesk", connection="c", tenant="", settings={}, choices={}, mapped={})
    (problem,) = xerotui_check(made, None, context)
    assert problem.code == AMOUNTS
    assert problem.blocks
    assert xerotui_explain(problem)


def test_what_the_help_desk_adds_up_is_what_is_posted_or_a_problem() -> None:
    """Its total is the sum of unrounded floats; another penny than the rounded lines make is never hidden."""

    def made(*nets: float, **more: Any) -> Document:
        raws = [
            {"id": n, "quantity": 1.0, "unit_price": net, "net": net, "tax_amount": net / 5, **more}
            for n, net in enumerate(nets, 1)
        ]
        raw = {"id": 1, "customer": 7, "date": dt.datetime(2026, 11, 1)}  # noqa: DTZ001
        return records.invoice(desk(), converting.invoice(raw, raws, dt.UTC))

    off = made(33.335, 33.335, 33.335)
    assert [line.net for line in off.lines] == [D("33.34")] * 3
    assert (off.subtotal, off.tax, off.total) == (D("100.01"), D("20.00"), D("120.01")), "the core compares: 120.03"
    untold = made(33.335, 33.335, 33.335, tax_amount=None)
    assert "100.01, rounded one by one to 100.02" in untold.facts["line_faults"], "without a tax nobody compares"
    for nets, subtotal in (((0.1 + 0.2, 0.1 + 0.2), "0.60"), ((10.00500001, 9.99999), "20.01"), ((19.995,), "20.00")):
        assert made(*nets).subtotal == D(subtotal) == sum(line.net or D(0) for line in made(*nets).lines), nets
    many = made(*[10.00004] * 200, tax_amount=2.0)
    assert many.subtotal == D("2000.00"), "noise below half a hundredth of a penny, a hundred times over"


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.decimals(D("-9999.9999"), D("99999.9999"), places=4), min_size=1, max_size=20), st.sampled_from([-9, 9])
)
def test_the_sum_is_that_of_what_was_typed_rounded_once(typed: list[Decimal], noise: float) -> None:
    raws = [
        {"id": n, "quantity": 1.0, "unit_price": 0.0, "net": math.nextafter(float(net), noise * 1e9), "tax_amount": 0.0}
        for n, net in enumerate(typed, 1)
    ]
    row = converting.invoice({"id": 1, "customer": 7, "date": None}, raws, dt.UTC)
    made = lines.document_lines(desk(), row, Trade.SALES, "", CLIENT)
    assert made.worth == rounded(sum(typed, D(0)))
    assert [line.net for line in made.lines] == [rounded(one) for one in typed]


def test_credit_notes_and_headings_with_money_are_never_invoiced_in_silence() -> None:
    def made(*raws: dict[str, Any], **more: Any) -> Document:
        raw = {"id": 1, "customer": 7, "date": dt.datetime(2026, 11, 1), **more}  # noqa: DTZ001
        return records.invoice(desk(), converting.invoice(raw, raws, dt.UTC))

    plain = {"id": 1, "quantity": 1.0, "unit_price": 50.0, "net": 50.0, "tax_amount": 10.0}
    for credit in (
        made({**plain, "net": None, "tax_amount": None, "quantity": -1.0}),
        made({**plain, "net": -50.0, "tax_amount": -10.0, "quantity": -1.0}),
        made({**plain, "net": -50.0, "tax_amount": -10.0}),
        made(plain, credits=12),
    ):
        assert "credit note" in credit.excluded
    assert not made(plain, credits=0).excluded
    head = {"id": 2, "quantity": 2.0, "unit_price": 100.0, "net": None, "tax_amount": None, "heading": True}
    for money in ({}, {"unit_price": 0.0, "net": 5.0}, {"quantity": 0.0, "tax_amount": 1.0}):
        one = made(plain, {**head, **money})
        assert (one.lines[1].heading, one.facts["line_faults"].split(";")[0]) == (
            False, "line 2: it is a heading, and carries money"), money  # fmt: skip
    bare = made(plain, {**head, "quantity": 0.0})
    assert (bare.lines[1].heading, bare.lines[1].quantity, bare.total) == (True, D(0), D(60))
    voided = made(plain, voided=1)
    assert (voided.status, voided.excluded, voided.facts["voided"]) == ("VOIDED", "voided in NetHelpDesk", "yes")


def test_an_order_whose_tax_contradicts_its_rate_is_told() -> None:
    """The one field is an amount or the rate; what is neither stops the order, nothing stands for not told."""
    for said, expected in (("2", D(12)), ("20", D(12)), ("2.005", D(12)), (None, D(12)), ("0", None), ("5", None)):
        line = LineRow(id="1", text="A", quantity=D(1), unit_price=D(10), tax="3", tax_amount=D(said) if said else None)
        made = records.order(desk(), DocumentRow(id="4", party="", lines=(line,)))
        assert made.total == expected, said
        assert made.facts.get("line_faults", "") == ("line 1: its tax of 5 isn't 20 %" if said == "5" else "")


def test_the_tax_of_a_line() -> None:
    """Its own by id or code, the party's unless -2, the item's on this side; nothing is guessed between equal rates."""
    one = desk()
    plain = PartyRow(id="8", name="B", sales_tax="2", labour_tax="20")

    def tax(who: PartyRow | None = CLIENT, trade: Trade = Trade.SALES, **said: Any) -> str:
        return lines.line_tax(one, LineRow(id="1", **said), trade, "", who, said.get("net") or D(100))

    assert tax(tax="T1") == tax(tax="t1") == tax(tax="1") == "1"
    assert tax(tax="XX") == "XX", "an unknown name is handed on, to be mapped"
    assert tax(item="5") == "1"
    assert tax(item="5", trade=Trade.PURCHASE, who=None) == "3"
    assert tax(plain, item="5") == "2", "the customer's own tax goes before the item's"
    assert tax(plain, charge="3") == "20"
    assert tax(tax_rate=D(5)) == "20"
    assert tax(tax_rate=D(20)) == "", "two have 20 percent"
    assert tax(tax_rate=D(20), item="5") == "1", "the item's is one of the two"
    assert tax(tax_rate=D(20), tax_amount=D(5), item="") == "20", "the amounts say that the field held an id"
    assert tax(tax="-2", item="5") == tax(tax="0", item="5") == "1"


def test_the_item_and_the_account_of_a_line() -> None:
    row = LineRow(id="1", item="5", nominal_code="210")
    assert lines.item_of(desk(), row, Trade.SALES) == ("CAB", ITEMS["5"])
    other = LineRow(id="1", item="5", item_code="OTHER")
    assert lines.item_of(desk(), other, Trade.SALES) == ("OTHER", None)
    nominal = LineRow(id="1", nominal_code="cab")
    assert lines.item_of(desk(), nominal, Trade.SALES) == ("cab", ITEMS["5"])
    assert lines.item_of(desk(), LineRow(id="1", charge="3", nominal_code="210"), Trade.SALES) == ("", None)
    assert lines.item_of(desk(account_source="line"), LineRow(id="1", nominal_code="210"), Trade.SALES) == ("", None)
    assert [lines.account_of(desk(account_source=how), row, Trade.SALES) for how in ("fixed", "line", "item")] == [
        "200", "210", "210"]  # fmt: skip
    assert lines.account_of(desk(account_source="item"), LineRow(id="1", item="6"), Trade.SALES) == "220"
    assert lines.account_of(desk(), row, Trade.PURCHASE) == "300"


def test_the_ladder_of_the_due_date_and_its_step() -> None:
    row = DocumentRow(id="1", party="7", date=dt.date(2026, 1, 31))
    own = msgspec.structs.replace
    for changed, client, day, step in (
        (own(row, due_date=dt.date(2026, 2, 3)), CLIENT, "2026-02-03", "own due date"),
        (own(row, due_type=2, due_days=31), CLIENT, "2026-02-28", "own terms"),
        (row, CLIENT, "2026-02-14", "billing details"),
        (row, own(CLIENT, due_days=None), "2026-03-02", "payment terms"),
        (row, None, "2026-02-09", "default"),
    ):
        due, words = records.due_of(desk(), changed, client)
        assert due == dt.date.fromisoformat(day), step
        assert step in words
    assert records.due_date(dt.date(2026, 5, 10), 3, 31) == dt.date(2026, 5, 31)
    bare = Desk(NetHelpDeskSettings())
    assert records.due_of(bare, row, None) == (None, ""), "then Xero's own terms decide"


def test_currencies_numbers_and_organisations() -> None:
    pounds, dollars = CurrencyRow(id="1", code="GBP", symbol="£"), CurrencyRow(id="2", code="USD", symbol="$")
    both = Desk(NetHelpDeskSettings(), currencies={"1": pounds, "2": dollars})
    assert [both.currency_of(x) for x in ("2", "$", "£", "eur", "?", "")] == ["USD", "USD", "GBP", "EUR", "", ""]
    assert both.currency_of("£", "2") == "", "symbol and client contradict each other: nobody is billed by a guess"
    assert both.currency_of("", "2") == "USD"
    three = Desk(
        NetHelpDeskSettings(currency="GBP"),
        currencies={
            **both.currencies,
            "3": CurrencyRow(id="3", code="AUD", symbol="$"),
            "4": CurrencyRow(id="4", code=""),
        },
    )
    unclear = [("$", "1"), ("$", "2"), ("9", "1"), ("4", "1"), ("¤", "1"), ("$", ""), ("", "9"), ("£", "9")]
    assert [three.currency_of(*x) for x in unclear] == [""] * 8, (
        "never the client's currency in place of an unclear one"
    )
    assert [three.currency_of(*x) for x in (("£", "1"), ("£", ""), ("", "1"), ("", ""))] == ["GBP"] * 4
    symbolic = Desk(NetHelpDeskSettings(symbols="£ = GBP"))
    assert [symbolic.currency_of(*x) for x in (("£", "1"), ("£", ""), ("$", "GBP"))] == ["GBP", "GBP", ""]
    dollars_ = Desk(NetHelpDeskSettings(), currencies={"2": dollars, "3": CurrencyRow(id="3", code="", symbol="$")})
    assert dollars_.currency_of("$") == "", "the other may be any dollar"
    assert Desk(NetHelpDeskSettings(), currencies={"1": pounds}).currency_of("$") == "GBP"
    assert Desk(NetHelpDeskSettings()).currency_of("£") == "", "a symbol is never taken for a currency by itself"
    old = Desk(NetHelpDeskSettings(symbols="$ = AUD"), currencies={"2": CurrencyRow(id="2", code="", symbol="$")})
    assert old.currency_of("$") == "AUD"
    assert Desk(NetHelpDeskSettings(currency="nzd")).currency_of("") == "NZD"
    assert rendered("NHD-{id:03d}", "1234", "") == "NHD-1234"
    assert rendered("{number}", "1", " X ") == "X"
    assert rendered("{number}", "1", " ") == ""
    one = desk(organisations=f"London = {GUID.upper()}", exclude_client_ids="7")
    made = records.party(one, Kind.CUSTOMER, CLIENT)
    assert isinstance(made, Party)
    assert made.tenant == GUID
    assert made.excluded
    left = records.invoice(one, DocumentRow(id="1", party="7"))
    assert left.excluded == "its client Acme is left out by the connection's settings", "linked or not"
    assert not records.order(one, DocumentRow(id="1", party="7")).excluded, "suppliers have ids of their own"
    assert one.digest() != desk(organisations=f"London = {GUID.upper()}").digest(), "what was read is read once more"
    assert desk(password="a").digest() == desk(password="b").digest()
    assert made.sales_tax == "", "-2 is the item's"
    assert made.terms is not None
    assert (made.terms.days, made.terms.rule) == (14, "DAYSAFTERBILLMONTH")


def test_exchange_rates_are_sent_only_where_their_meaning_is_known() -> None:
    pounds = CurrencyRow(id="1", code="GBP", rate=D(1))
    euros = CurrencyRow(id="2", code="EUR", rate=D("1.25"))
    row = DocumentRow(id="1", party="", currency="2", currency_rate=D("1.25"))
    for meant, expected in (
        ("not sent", (None, "")),
        ("foreign units for one of ours", (D("1.250000"), "GBP")),
        ("our units for one foreign", (D("0.800000"), "GBP")),
    ):
        one = desk(exchange_rates=meant)
        one.currencies = {"1": pounds, "2": euros}
        made = records.invoice(one, row)
        assert (made.currency_rate, made.rate_base) == expected
        one.currencies = {"1": pounds, "2": msgspec.structs.replace(euros, rate=D(1))}
        assert records.invoice(one, row).currency_rate is None, "two that could be the base"
    unclear = records.invoice(desk(), msgspec.structs.replace(row, currency="¤"))
    context = ResolveContext(source="nethelpdesk", connection="c", tenant="", settings={}, choices={}, mapped={})
    (problem,) = xerotui_check(unclear, None, context)
    assert (problem.code, problem.subject) == (CURRENCY, "currency:¤")


def test_labour_without_a_code_and_texts_of_a_line() -> None:
    row = DocumentRow(id="1", party="7", lines=(LineRow(id="1", charge="4", quantity=D(1), unit_price=D(5)),))
    made = records.invoice(desk(), row)
    assert made.lines[0].keys == {"charge_rate": "4"}
    context = ResolveContext(source="nethelpdesk", connection="c", tenant="", settings={}, choices={}, mapped={})
    (problem,) = xerotui_check(made, None, context)
    assert problem.code == UNCODED
    assert not xerotui_check(made, None, msgspec.structs.replace(context, mapped={("charge_rate", "4"): "LAB"}))
    line = Line(texts={"short": "S", "long": "L"})
    assert [description(line, how) for how in ("short and long", "short", "long")] == ["S\nL", "S", "L"]
    assert description(Line(texts={"long": "L"}), "short") == "L"
