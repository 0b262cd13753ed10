"""What hurts integrators (xero-api section 14): each row has tests; those that concern the client alone are here."""

import ast
import datetime as dt
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.engine.xero_kit import WORLD, Bench, active_contact, benched, confirmed, invoice
from tests.engine.xero_rows import HERE, ROWS
from xerotui.model.kinds import Kind, Side
from xerotui.model.postings import ContactPosting, DocumentPosting, ItemPosting, Posting, PostingLine, PriceSide, encode
from xerotui.model.problems import RecordRef
from xerotui.model.records import Document, Item, Party
from xerotui.model.work import Call, Operation, Verb
from xerotui.net.governor import NoLimits
from xerotui.net.http import Response
from xerotui.sync.checks import discount_problem
from xerotui.sync.findings import Findings
from xerotui.sync.send_xero import XeroSender
from xerotui.sync.settle import failure
from xerotui.xero import limits
from xerotui.xero.answers import Refused, Uncertain, Verdicts, WholeRefusal, read_answer
from xerotui.xero.calls import encode_call
from xerotui.xero.client import TenantClient
from xerotui.xero.errors import AuthTrouble, NotFound, Unavailable, XeroError, read_trouble
from xerotui.xero.errors import Refused as RefusedRead
from xerotui.xero.messages import read_message
from xerotui.xero.wire import ZERO_ID
from xerotui.xero.wire_contacts import contact
from xerotui.xero.wire_documents import document
from xerotui.xero.wire_payments import payment
from xerotui.xero.wire_setup import account, organisation, tax_rate, tracking

TESTS = Path(__file__).parents[1]


def _tests_of(path: Path) -> set[str]:
    """Tests of a file that run in every suite: neither skipped nor kept for the long runs."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            marks = {ast.unparse(d).partition("(")[0] for d in node.decorator_list}
            if not marks & {"pytest.mark.soak", "pytest.mark.skip", "pytest.mark.xfail"}:
                found.add(node.name)
    return found


def test_every_row_has_tests_that_exist() -> None:
    assert sorted(ROWS) == list(range(1, 35))
    missing = []
    for row, (words, nodes) in ROWS.items():
        assert words
        assert nodes, row
        for node in nodes:
            file, _, name = node.partition("::")
            if not (TESTS / file).is_file() or name not in _tests_of(TESTS / file):
                missing.append((row, node))
    assert missing == []
    mine = {node.removeprefix(HERE) for _, nodes in ROWS.values() for node in nodes if node.startswith(HERE)}
    assert mine <= _tests_of(Path(__file__))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with benched(tmp_path) as found:
        yield found


# ---- rows 2 and 6: who is asked, and on whose behalf


async def test_organisations_share_one_login(bench: Bench) -> None:
    keeper = await bench.keeper(bench.pkce)
    clients = [
        TenantClient(
            limits.governed(bench.http, NoLimits(), bench.pkce, t.tenant_id, bench.clock),
            keeper,
            t.tenant_id,
            bench.pkce,
        )
        for t in WORLD.tenants
    ]
    for _ in range(2):
        renewed = bench.asked("POST", "/token")
        bench.sandbox.clock.jump(31 * 60)
        assert [(await c.organisation()).name for c in clients] == [t.name for t in WORLD.tenants]
        assert bench.asked("POST", "/token") == renewed + 1


async def test_a_connection_id_is_no_tenant_id(bench: Bench) -> None:
    from xerotui.xero.connections import connections

    keeper = await bench.keeper(bench.web)
    one, *_ = await connections(bench.http, bench.web, await keeper.access())
    assert str(one.id) != str(one.tenant)
    with pytest.raises(AuthTrouble) as caught:
        await TenantClient(bench.http, keeper, one.id, bench.web).accounts()
    assert (caught.value.code, caught.value.exit_code) == ("xero.tenant", 3)
    assert "AuthenticationUnsuccessful" in caught.value.said
    assert "Tenants" in caught.value.remedy


# ---- rows 11 and 12: every failure in words


@pytest.mark.parametrize(
    ("fault", "type_", "code", "said"),
    [
        ({"name": "unavailable"}, Unavailable, "xero.unavailable", "temporarily unavailable"),
        ({"name": "organisation_offline"}, Unavailable, "xero.offline", "The Organisation is offline"),
        ({"name": "error_html"}, Unavailable, "xero.unavailable", ""),
        ({"name": "not_found_html"}, NotFound, "xero.not_found", ""),
        ({"name": "precondition"}, RefusedRead, "xero.refused", ""),
        ({"name": "too_large"}, RefusedRead, "xero.too_large", ""),
        ({"name": "not_implemented"}, RefusedRead, "xero.unsupported", "not implemented"),
    ],
)
def test_every_refusal_keeps_xeros_words(fault: dict[str, str], type_: type[XeroError], code: str, said: str) -> None:
    from xerotui.sandbox.xero.faults import FAULTS

    order = FAULTS[fault["name"]]
    headers = {"content-type": "text/plain", **order.get("headers", {}), "xero-correlation-id": "c0ffee"}
    response = Response(order["status"], headers, order.get("text", "").encode())
    error = read_trouble(response, "invoices")
    assert type(error) is type_
    assert (error.code, error.correlation, error.status) == (code, "c0ffee", order["status"])
    assert error.exit_code == (3 if type_ is Unavailable else 2)
    assert error.remedy
    assert said in error.said
    assert "<" not in error.said
    # The same answer to a write: a 5xx says nothing about what was done, the others refuse it whole.
    answer = read_answer(Kind.INVOICE, Verb.CREATE, response, 2, ("A", "B"))
    if order["status"] in (500, 503):
        assert isinstance(answer, Uncertain)
        assert said in answer.reason
    else:
        assert isinstance(answer, WholeRefusal)
        assert answer.messages
    assert answer.correlation == "c0ffee"


def test_words_of_every_shape_are_found() -> None:
    def said(body: Any) -> str:
        return read_trouble(Response(400, {}, json.dumps(body).encode()), "contacts").said

    element = {"Contact": {"ValidationErrors": [{"Message": "inner"}]}, "ValidationErrors": [{"Message": "outer"}]}
    assert said({"Message": "A validation exception occurred", "Elements": [element]}) == "inner; outer"
    assert said({"Response": {"Errors": [{"Description": "old"}]}}) == "old"
    assert said({"Type": "QueryParseException", "Message": "No property 'x'"}) == "No property 'x'"
    assert said({"Message": "\x1b[31mred\x1b[0m"}) == "[31mred [0m"


async def test_a_refused_element_keeps_words_and_correlation_for_its_record() -> None:
    sold = invoice("E-1", "C1")
    body = encode(sold)
    made = {"plan": "p", "lane": "l", "connection": "s", "tenant": "T", "side": Side.XERO}
    operations = [
        Operation(id=f"op-{n}", kind=Kind.INVOICE, verb=Verb.CREATE, record=str(n), body=body, **made)  # type: ignore[arg-type]
        for n in (1, 2)
    ]
    call = Call(
        id="c", lane="l", kind=Kind.INVOICE, verb=Verb.CREATE, method="PUT", path="/Invoices", key="k", body=b"",
        operations=("op-1", "op-2"), first_sent=dt.datetime.now(dt.UTC),
    )  # fmt: skip
    said = "Account code '999' is not a valid code for this document."
    refused = {"InvoiceID": ZERO_ID, "LineItems": [{"ValidationErrors": [{"Message": said}]}]}
    saved = {"InvoiceID": "11111111-2222-4333-8444-555555555555", "InvoiceNumber": "E-1"}
    response = Response(200, {"xero-correlation-id": "c0ffee"}, json.dumps({"Invoices": [refused, saved]}).encode())
    nobody: Any = None
    outcome = await XeroSender(nobody, "l", "T")._read(nobody, call, operations, response)
    assert [d.operation.id for d in outcome.done] == ["op-2"]
    [failed] = outcome.failed
    problem = failure(failed)
    assert (problem.code, problem.said, problem.correlation) == ("core.account_unknown", said, "c0ffee")
    assert problem.remedy
    assert problem.place


# ---- rows 15, 17, 18, 20: nothing of others is changed


async def test_nothing_of_others_is_rewritten(bench: Bench) -> None:
    client = await bench.client()
    parties = [r async for page in client.contacts() for r in page if isinstance(r, Party)]
    taken = next(p for p in parties if p.active and p.number)
    archived = next(p for p in parties if not p.active)
    used: list[tuple[Posting | None, str]] = [(invoice("USED-1", taken.id), "")]
    first = confirmed(await bench.write(client, Kind.INVOICE, Verb.CREATE, used, "1")).xero_id
    again: list[tuple[Posting | None, str]] = [(invoice("USED-1", taken.id, reference="another"), "")]
    answer = await bench.write(client, Kind.INVOICE, Verb.CREATE, again, "2")
    assert isinstance(answer, Verdicts)
    assert answer.elements == (Refused(("Invoice # must be unique.",)),)
    kept = await client.get(Kind.INVOICE, first)
    assert isinstance(kept, Document)
    assert kept.reference == ""

    same = ContactPosting(kind=Kind.CUSTOMER, name=taken.name, email="new@elsewhere.example")
    angled = ContactPosting(kind=Kind.CUSTOMER, name="Bob > Sons")
    elements: list[tuple[Posting | None, str]] = [(same, ""), (angled, "")]
    answer = await bench.write(client, Kind.CUSTOMER, Verb.CREATE, elements, "3")
    assert isinstance(answer, Verdicts)
    assert all(isinstance(v, Refused) for v in answer.elements), answer
    assert read_message(answer.elements[0].messages[0]).code == "core.name_taken"  # type: ignore[union-attr]
    now = await client.get(Kind.CUSTOMER, taken.id)
    assert isinstance(now, Party)
    assert now.email == taken.email
    # What an archived contact holds is found, and by whichever of its names.
    for key in (archived.number, archived.contact_number, archived.name):
        if key:
            assert archived.id in {r.id for r in await client.look_up(Kind.CUSTOMER, [key])}
    assert bench.journal.violations == []


# ---- row 16


async def test_lines_keep_their_ids(bench: Bench) -> None:
    client = await bench.client()
    work = PostingLine(
        description="Work", quantity=Decimal(1), unit_amount=Decimal("10.1250"), account="200", tax="OUTPUT2"
    )
    sold = invoice("LINES-1", await active_contact(client), lines=(work, PostingLine(description="Note"), work))
    made = confirmed(await bench.write(client, Kind.INVOICE, Verb.CREATE, [(sold, "")], "1"))
    held = made.record
    assert isinstance(held, Document)
    ids = [line.id for line in held.lines]
    assert all(ids)
    lines = tuple(
        PostingLine(**{**{f: getattr(line, f) for f in line.__struct_fields__}, "line_id": id})
        for line, id in zip(sold.lines, ids, strict=True)
    )
    changed = DocumentPosting(**{f: getattr(sold, f) for f in sold.__struct_fields__} | {"lines": lines})
    await bench.write(client, Kind.INVOICE, Verb.UPDATE, [(changed, made.xero_id)], "2")
    now = await client.get(Kind.INVOICE, made.xero_id)
    assert isinstance(now, Document)
    assert [line.id for line in now.lines] == ids
    invented = tuple(
        PostingLine(**{f: getattr(line, f) for f in line.__struct_fields__} | {"line_id": made.xero_id})
        for line in sold.lines[:1]
    )
    stale = DocumentPosting(**{f: getattr(sold, f) for f in sold.__struct_fields__} | {"lines": invented})
    answer = await bench.write(client, Kind.INVOICE, Verb.UPDATE, [(stale, made.xero_id)], "3")
    assert isinstance(answer, Verdicts)
    verdict = answer.elements[0]
    assert isinstance(verdict, Refused)
    assert read_message(verdict.messages[0]).code == "core.conflict"


# ---- rows 21, 22, 23, 25: codes, rates, prices, discounts


async def test_codes_of_items_accounts_and_rates_are_never_mixed(bench: Bench) -> None:
    client = await bench.client()
    contact_id = await active_contact(client)

    def sold(number: str, **more: Any) -> tuple[Posting | None, str]:
        given: dict[str, Any] = {"description": "x", "quantity": Decimal(1), "unit_amount": Decimal(1)}
        line = PostingLine(**given | {"account": "200", "tax": "OUTPUT2"} | more)
        return invoice(number, contact_id, lines=(line,)), ""

    elements = [
        sold("MIX-1", item_code="200"),
        sold("MIX-2", tax="INPUT2"),
        sold("MIX-3", tax="TAX999"),
        sold("MIX-4", account="999"),
    ]
    answer = await bench.write(client, Kind.INVOICE, Verb.CREATE, elements, "1")
    assert isinstance(answer, Verdicts)
    read = [read_message(v.messages[0]).code for v in answer.elements if isinstance(v, Refused)]
    assert read[0] == "core.item_unmapped"
    assert set(read[1:3]) <= {"core.tax_account_conflict", "core.tax_gone"}
    assert read[3] in ("core.account_unknown", "core.account_archived")
    rates = {r.code: r for r in await client.tax_rates()}
    assert "REVENUE" not in rates["INPUT2"].classes
    assert "REVENUE" in rates["OUTPUT2"].classes


async def test_four_decimals_there_and_back(bench: Bench) -> None:
    client = await bench.client()
    contact_id = await active_contact(client)
    price = Decimal("0.1648")
    line = PostingLine(description="x", quantity=Decimal("1234.5678"), unit_amount=price, account="200", tax="OUTPUT2")
    bought = PostingLine(description="x", quantity=Decimal(3), unit_amount=price, account="310", tax="INPUT2")
    for kind, what in (
        (Kind.INVOICE, invoice("DEC-1", contact_id, lines=(line,))),
        (Kind.CREDIT_NOTE, invoice("DEC-2", contact_id, kind=Kind.CREDIT_NOTE, lines=(line,))),
        (Kind.PURCHASE_ORDER, invoice("DEC-3", contact_id, kind=Kind.PURCHASE_ORDER, lines=(bought,))),
    ):
        made = confirmed(await bench.write(client, kind, Verb.CREATE, [(what, "")], kind.value))
        found = [r async for page in client.walk(kind) for r in page if r.id == made.xero_id]
        for held in (made.record, await client.get(kind, made.xero_id), *found):
            assert isinstance(held, Document)
            assert held.lines[0].unit_price == price
        assert len(found) == 1
    posting = ItemPosting(code="DEC-4", name="x", sales=PriceSide(price=price, account="200", tax="OUTPUT2"))
    item_id = confirmed(await bench.write(client, Kind.ITEM, Verb.CREATE, [(posting, "")], "item")).xero_id
    for held_item in (
        await client.get(Kind.ITEM, item_id),
        *[r async for page in client.items() for r in page if r.id == item_id],
    ):
        assert isinstance(held_item, Item)
        assert held_item.sales_price == price


def test_a_discount_is_a_percentage() -> None:
    line = PostingLine(
        description="x", quantity=Decimal(1), unit_amount=Decimal(100), account="200", discount_percent=Decimal("27.83")
    )
    body = json.loads(encode_call(Kind.INVOICE, Verb.CREATE, [(invoice("D-1", "C", lines=(line,)), "")]).body)
    [sent] = body["Invoices"][0]["LineItems"]
    assert sent["DiscountRate"] == 27.83
    assert "DiscountAmount" not in sent
    for percent, refused in (("0", False), ("100", False), ("100.01", True), ("-5", True), ("2783", True)):
        found = Findings(RecordRef(connection="s", kind=Kind.INVOICE, id="7"))
        discount_problem(Decimal(percent), 1, found)
        assert [p.code for p in found.problems] == (["core.discount_refused"] if refused else []), percent
    said = "The discount rate '2783' is invalid. Discount must not be greater than the line total."
    assert "percent" in read_message(said).remedy


# ---- rows 26, 27, 30: what the JSON may hold


def test_days_are_calendar_days() -> None:
    def read(**fields: Any) -> tuple[dt.date | None, dt.date | None]:
        raw = json.dumps({"InvoiceID": "1", "Type": "ACCREC", **fields}).encode()
        held = document(raw, Kind.INVOICE, "T")
        return held.date, held.due_date

    assert read(Date="/Date(1789344000000+1300)/") == (dt.date(2026, 9, 14), None)
    assert read(Date="/Date(-86400000)/", DueDate="/Date(-1+0000)/") == (dt.date(1969, 12, 31), dt.date(1969, 12, 31))
    assert read(DateString="2026-03-29T00:00:00", Date="/Date(0)/") == (dt.date(2026, 3, 29), None)
    assert read(DueDate="2026-03-29") == (None, dt.date(2026, 3, 29))
    assert invoice("1", "C", date=dt.date(2026, 3, 29)).date.isoformat() == "2026-03-29"


def test_unheard_of_values_and_left_out_keys_are_borne() -> None:
    new = "SOMETHING-NEW"
    org = organisation(json.dumps({"Name": "N", "Version": new, "Class": "ULTRA", "Timezone": new}).encode(), "T")
    assert (org.version, org.edition, org.pays_tax) == (new, "ULTRA", None)
    held = account(json.dumps({"AccountID": "a", "Type": new, "Class": new, "Status": new, "New": [1]}).encode(), "T")
    assert (held.type, held.class_, held.status) == (new, new, new)
    rate = tax_rate(json.dumps({"TaxType": new, "Status": "PENDING", "TaxComponents": None}).encode(), "T")
    assert (rate.code, rate.status) == (new, "PENDING")
    assert tracking(json.dumps({"TrackingCategoryID": None, "Options": [{"Status": new}]}).encode(), "T").options
    party = contact(json.dumps({"ContactStatus": "GDPRREQUEST", "Phones": [{"PhoneType": new}]}).encode(), "T")
    assert (party.status, party.active) == ("GDPRREQUEST", False)
    bill = document(json.dumps({"Type": new, "Status": new, "LineAmountTypes": new}).encode(), Kind.INVOICE, "T")
    assert (bill.facts["type"], bill.status) == (new, new)
    paid = payment(json.dumps({"PaymentType": new, "Status": new, "Amount": "12.50"}).encode(), "T")
    assert (paid.type, paid.status, paid.amount, paid.document) == (new, new, Decimal("12.50"), "")
    for empty in (contact, organisation, account, tax_rate, tracking, payment):
        empty(b"{}", "T")
    document(b'{"Contact":{"ContactID":null},"LineItems":null,"Payments":null}', Kind.INVOICE, "T")


def test_numbers_leave_as_numbers() -> None:
    body = encode_call(Kind.INVOICE, Verb.CREATE, [(invoice("N-1", "C"), "")]).body
    assert b'"Quantity":1.2500,"UnitAmount":10.1234' in body


# ---- row 32


def test_a_mapping_belongs_to_an_organisation() -> None:
    from xerotui.store import Mapping
    from xerotui.store.documents import mapping_key

    assert mapping_key("tax", "halo", "1", "sales", "T1") != mapping_key("tax", "halo", "1", "sales", "T2")
    with pytest.raises(TypeError):
        Mapping(spec="tax", connection="halo", value="1", target="OUTPUT2")  # type: ignore[call-arg]
