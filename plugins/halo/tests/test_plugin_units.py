"""The parts of the Halo plugin that need no server: hooks, error texts, single values, taxes of a line."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from xerotui.model.kinds import Kind
from xerotui.model.postings import ContactPosting, DocumentPosting, PostingLine
from xerotui.model.records import Address, Choice, Document, Line, Party, TaxRate, Terms
from xerotui.model.settings import fields, fill
from xerotui.net.http import Response
from xerotui.source.contract import FieldChange, ResolveContext, SourceRefused
from xerotui.source.guard import PluginFault
from xerotui.source.registry import Registry
from xerotui_halo import plugin, values
from xerotui_halo.answers import said, single, throttled, unwrap
from xerotui_halo.documents import charge_rate
from xerotui_halo.listings import Mark, changed_ids, digests, mark_of, next_turn
from xerotui_halo.reference import Group, Product, Reference, code_field
from xerotui_halo.settings import HaloSettings, base_url, host_of
from xerotui_halo.source import HaloSource
from xerotui_halo.taxes import line_tax

ZERO_DATE = "1900-01-01T00:00:00"


# ------------------------------------------------------------------------------------------------ hooks


@pytest.fixture
def registry() -> Registry:
    found = Registry(limit="", found=())
    found.register(plugin, "halo")
    return found


def context(line_text: str = "", mapped: dict[tuple[str, str], str] | None = None, code: str = "") -> ResolveContext:
    rate = Choice(id="9", kind=Kind.CHOICE, name="Emergency", spec="charge_rate", code=code)
    return ResolveContext(
        source="halo", connection="c", tenant="t", settings={"line_text": line_text},
        choices={("charge_rate", "9"): rate}, mapped=mapped or {},
    )  # fmt: skip


LINES = (
    Line(id="1", heading=True),
    Line(id="2", texts={"short": "Labour", "long": "Replaced the disk"}, quantity=Decimal(1), unit_price=Decimal(9)),
    Line(id="3", texts={"short": "Same", "long": "same"}, quantity=Decimal(1)),
    Line(id="4", texts={"long": "Only long"}, heading=True),
)
RECORD = Document(id="7", kind=Kind.INVOICE, number="1042", lines=LINES)


def posting(*descriptions: str) -> DocumentPosting:
    lines = tuple(PostingLine(description=d) for d in descriptions)
    return DocumentPosting(kind=Kind.INVOICE, date=dt.date(2026, 1, 1), currency="GBP", lines=lines)


@pytest.mark.parametrize(
    ("choice", "labour"),
    [
        ("", "Labour\nReplaced the disk"),
        ("short and long", "Labour\nReplaced the disk"),
        ("short", "Labour"),
        ("long", "Replaced the disk"),
    ],
)
def test_line_texts_are_those_chosen(registry: Registry, choice: str, labour: str) -> None:
    changes = registry.resolve("halo", RECORD, posting("?", "?", "?"), context(choice))
    same = "same" if choice == "long" else "Same"
    assert {c.path: c.value for c in changes} == {
        "lines.0.description": labour,
        "lines.1.description": same,
        "lines.2.description": "Only long",
    }
    settled = posting(labour, same, "Only long")
    assert registry.resolve("halo", RECORD, settled, context(choice)) == ()
    one = registry.resolve("halo", RECORD, posting(labour, same, "?"), context(choice))
    assert one == (FieldChange("lines.2.description", "Only long", changes[0].why),)


def test_texts_never_go_on_the_wrong_line(registry: Registry) -> None:
    with pytest.raises(PluginFault, match="2 lines posted for 3"):
        registry.resolve("halo", RECORD, posting("a", "b"), context())
    contact = ContactPosting(kind=Kind.CUSTOMER, name="A")
    assert registry.resolve("halo", Party(id="1", kind=Kind.CUSTOMER), contact, context()) == ()
    long = Document(id="1", kind=Kind.INVOICE, lines=(Line(texts={"short": "x" * 5000}, quantity=Decimal(1)),))
    assert len(registry.resolve("halo", long, posting("?"), context())[0].value) == 4000


def test_a_charge_rate_without_code_and_mapping_is_a_problem_once(registry: Registry) -> None:
    lines = (*LINES, *(Line(id=str(n), keys={"charge_rate": "9"}, quantity=Decimal(1)) for n in (5, 6)))
    record = Document(id="7", kind=Kind.INVOICE, number="1042", lines=lines)
    problems = registry.check("halo", record, None, context())
    assert [(p.code, p.subject, p.record.id) for p in problems] == [("halo.charge_rate_uncoded", "charge_rate:9", "7")]
    assert "Emergency" in problems[0].sentence
    place = problems[0].place
    assert place is not None
    assert place.args == {"spec": "charge_rate", "connection": "c", "value": "9"}
    assert registry.explain(problems[0]) is not None
    assert registry.check("halo", record, None, context(code="LAB")) == ()
    assert registry.check("halo", record, None, context(mapped={("charge_rate", "9"): "LAB"})) == ()
    assert registry.check("halo", RECORD, None, context()) == ()


def test_the_plugin_brings_its_source_and_its_emulator(registry: Registry) -> None:
    assert registry.source_type("halo") is HaloSource
    assert list(registry.emulators()) == ["halo"]
    assert [r.error for r in registry.report()] == [""]
    assert [f.name for f in fields(HaloSettings) if f.secret] == ["client_secret"]


# ------------------------------------------------------------------------------------------------ answers


def answer(body: str, status: int = 400, **headers: str) -> Response:
    return Response(status, headers, body.encode())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error":"invalid_client","error_description":"Wrong."}', "Wrong."),
        ('{"resultCode":4,"errorMessage":"Older."}', "Older."),
        ('{"ClassName":"System.Exception","Message":"Leaked.","Data":null}', "Leaked."),
        ('{"[0].id":["Could not convert."],"[0].x":["No.","Nor."]}', "[0].id: Could not convert.; [0].x: No.; Nor."),
        ('"A sentence as JSON."', "A sentence as JSON."),
        ("Please enter a name.", "Please enter a name."),
        ("", ""),
        ('{"error":{"odd":1}}', ""),
    ],
)  # fmt: skip
def test_errors_in_all_their_shapes(body: str, words: str) -> None:
    assert said(answer(body)) == words
    assert len(said(answer("x" * 9000))) == 300


@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        (answer("", 429, **{"retry-after": "17"}), 17.0),
        (answer("Rate Limit Reached - 300 Requests per rolling 5 minute window", 429), 60.0),
        (answer("Rate Limit Reached - 700 Requests per rolling 10 minute window", 429), 120.0),
        (answer("<html>slow down</html>", 429, **{"retry-after": "soon"}), 60.0),
    ],
)
def test_throttle_answers(response: Response, seconds: float) -> None:
    found = throttled(response)
    assert found is not None
    assert found.seconds == seconds
    key, limits = HaloSource.limits(fill(HaloSettings, {"url": "acme", "client_id": "a", "client_secret": "b"}))
    assert (key, limits.windows[0].name, limits.windows[0].calls) == ("halo:acme.halopsa.com", found.window, 280)
    assert throttled(answer("", 200)) is None


def test_lists_and_singles_however_wrapped() -> None:
    rows: list[Any] = [{"id": 1}, {"id": 2}]
    assert unwrap(rows, "clients") == unwrap({"record_count": 2, "clients": rows}, "clients") == rows
    assert unwrap({"page_no": 1, "results": rows}, "clients") == rows
    shapes: list[Any] = [{"a": [], "b": []}, {"message": "no"}, "text", None]
    for shape in shapes:
        with pytest.raises(SourceRefused, match="no list"):
            unwrap(shape, "clients")
    assert single([{"id": 1, "x": 2}]) == single({"client": {"id": 1, "x": 2}}) == {"id": 1, "x": 2}
    empty: list[Any] = [[], {}, None, [{"id": 1}, {"id": 2}]]
    for nothing in empty:
        with pytest.raises(SourceRefused):
            single(nothing)


# ------------------------------------------------------------------------------------------------ values


def test_single_values() -> None:
    row = {"d": ZERO_DATE, "i": "2026-03-02T10:41:07.1234567", "z": "2026-03-02T12:41:07+02:00", "n": "7.50", "m": -2}
    assert values.date(row, "d", "i") == dt.date(2026, 3, 2)
    assert values.date(row, "d", "nothing") is None
    assert values.instant(row, "d") is None
    assert values.instant(row, "z") == dt.datetime(2026, 3, 2, 10, 41, 7, tzinfo=dt.UTC)
    assert values.instant(row, "i") == dt.datetime(2026, 3, 2, 10, 41, 7, 123456, tzinfo=dt.UTC)
    assert values.number(row, "n") == Decimal("7.50")
    assert values.ident(row, "m", "n") == "7"
    assert values.ident({"id": True, "x": "abc"}, "id", "x") == ""
    unfit: list[Any] = [1.5, True, "NaN", "seven", [], Decimal("Infinity")]
    for junk in unfit:
        with pytest.raises(values.Unreadable):
            values.number({"n": junk}, "n")


def test_addresses_and_terms() -> None:
    store = {"line1": "4 Station Road", "line2": "", "line3": "Harrow", "line4": "Middlesex", "postcode": "HA1 2AB"}
    assert values.address(store, "UK") == Address(("4 Station Road",), "Harrow", "Middlesex", "HA1 2AB", "UK")
    assert values.address({"line1": ""}, "UK") is None
    block = "Unit 7\nMeadow Park\nReading\nBerkshire\nRG2 0QX"
    assert values.address_block(block) == Address(("Unit 7", "Meadow Park"), "Reading", "Berkshire", "RG2 0QX")
    assert values.address_block("One line") == Address(("One line",))
    assert values.terms(3, 15) == Terms(15, "OFCURRENTMONTH")
    assert values.terms(0, 0) is None
    assert values.person("Mary Ann Lee") == ("Mary Ann", "Lee")


@pytest.mark.parametrize(
    ("typed", "base"),
    [
        ("acme", "https://acme.halopsa.com"),
        (" Acme.haloitsm.com/portal?x=1 ", "https://acme.haloitsm.com"),
        ("https://halo.acme.example:8443/api/", "https://halo.acme.example:8443"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("http://[::1]:9000", "http://[::1]:9000"),
    ],
)
def test_addresses_that_people_type(typed: str, base: str) -> None:
    assert base_url(typed) == base
    assert host_of(typed) == base.partition("//")[2]


@pytest.mark.parametrize(
    "typed", ["", "http://acme.halopsa.com", "ftp://x.example", "https://a:b@x.example", "https://"]
)
def test_addresses_that_are_refused(typed: str) -> None:
    with pytest.raises(SourceRefused):
        base_url(typed)


def test_charge_types_of_lines_and_the_field_of_their_code() -> None:
    assert charge_rate({"actioncode": 8}) == "9"
    assert charge_rate({"actioncode": 0}) == ""
    assert charge_rate({"actioncode": 0, "ticket_id": 4}) == "1"
    assert charge_rate({"actioncode": 8, "_itemid": 5}) == ""
    assert charge_rate({"actioncode": -1}) == charge_rate({}) == ""
    types: list[Any] = [{"value2": "1", "value5": "lab-a"}, {"value2": "1", "value5": "LAB-B"}, {"value2": "0"}]
    assert code_field(types, {"lab-a", "lab-b"}) == "value5"
    assert code_field(types, {"other"}) == ""


def test_marks_and_digests() -> None:
    mark = Mark(1, "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00", True, "", 7)
    assert mark_of(mark.text()) == mark
    rows: list[Any] = [{"id": n, "name": f"c{n}", "n": Decimal("1.10")} for n in range(1, 300)]
    before = digests(rows)
    assert len(before) < 1000
    rows[41] = {**rows[41], "name": "other"}
    changed = changed_ids(rows, before, digests(rows))
    assert "42" in changed
    assert len(changed) <= 3
    assert len(changed_ids(rows[:298], before, digests(rows[:298]))) <= 6
    seen: set[str] = set()
    turn = 0
    for _ in range(15):
        ids, turn = next_turn(rows, turn)
        seen.update(ids)
    assert len(seen) == 299


class Lists(Reference):
    """Reference lists of a test's own making."""

    def __init__(self) -> None:
        def rate(id: str, percent: int, linked: str, tenant: str = "t", code: str = "") -> TaxRate:
            return TaxRate(
                id=id, kind=Kind.TAX_RATE, name=id, tenant=tenant, rate=Decimal(percent), linked_code=linked, code=code
            )

        self.rates = [
            rate("4", 20, "OUTPUT2", code="S"),
            rate("5", 20, "OUTPUT2"),
            rate("6", 0, "ZERORATED"),
            rate("9", 10, "OUTPUT", "au"),
        ]

    async def taxes(self) -> dict[str, TaxRate]:
        return {rate.id: rate for rate in self.rates}

    async def products(self) -> dict[str, Product]:
        return {"88": Product("MW", "12", "6", ""), "89": Product("MX", "12", "", "")}

    async def groups(self) -> dict[str, Group]:
        return {"12": Group("G", sales_tax="4", tenants={"t": Group(sales_tax="5", purchase_tax="6")})}


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"xero_tax_code": "OUTPUT2", "item_tax_code": 5}, "5"),
        ({"xero_tax_code": "ZERORATED", "item_tax_code": 4}, "6"),
        ({"xero_tax_code": "OUTPUT2", "item_tax_code": 9}, "9"),
        ({"xero_tax_code": "OUTPUT", "item_tax_code": 6}, "6"),
        ({"override_tax_code": 6, "item_tax_code": 4}, "6"),
        ({"item_tax_code": 77}, "77"),
        ({"item_tax_code": -2, "_itemid": 88}, "6"),
        ({"item_tax_code": -2, "_itemid": 89}, "5"),
        ({"tax_code": "5"}, "5"),
        ({"tax_code": "S"}, "4"),
        ({"tax_rate": 0}, "6"),
        ({"tax_rate": 20}, ""),
        ({"tax_rate": 10}, ""),
        ({}, ""),
    ],
)
async def test_the_tax_of_a_line(row: dict[str, Any], found: str) -> None:
    assert await line_tax(Lists(), row, "t") == found
