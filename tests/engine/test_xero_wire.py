"""Xero's JSON in both directions: exact decimals, dates, texts as sent, and what never leaves."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from xerotui.model.kinds import Kind
from xerotui.model.money import AmountsAre
from xerotui.model.postings import ContactPosting, DocumentPosting, ItemPosting, PostingLine, PriceSide
from xerotui.model.records import Address, Terms
from xerotui.model.settings import fill
from xerotui.model.work import Verb
from xerotui.net.http import Response
from xerotui.xero import dates, limits
from xerotui.xero.calls import Encoded, encode_call, sent_key
from xerotui.xero.connections import XeroSettings
from xerotui.xero.errors import TooLarge, XeroError, auth_trouble
from xerotui.xero.lookups import quoted
from xerotui.xero.messages import read_message
from xerotui.xero.wire_contacts import contact
from xerotui.xero.wire_documents import document
from xerotui.xero.wire_items import item
from xerotui.xero.wire_setup import account, organisation, tax_rate, tracking


def body(encoded: Encoded) -> Any:
    return json.loads(encoded.body, parse_float=Decimal)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("/Date(1789344000000+0000)/", "2026-09-14T00:00:00+00:00"),
        ("/Date(1789378230894)/", "2026-09-14T09:30:30.894000+00:00"),
        ("/Date(1789344000000+1300)/", "2026-09-14T00:00:00+00:00"),
        ("/Date(0)/", "1970-01-01T00:00:00+00:00"),
        ("/Date(-86400000+0000)/", "1969-12-31T00:00:00+00:00"),
        ("2019-12-07T18:46:19.5165400", "2019-12-07T18:46:19.516540+00:00"),
        ("2026-09-14T09:30:05Z", "2026-09-14T09:30:05+00:00"),
    ],
)
def test_instants(text: str, iso: str) -> None:
    read = dates.instant(text)
    assert read is not None
    assert read.isoformat() == iso


def test_days_and_versions() -> None:
    assert dates.day("2026-09-14T00:00:00", "/Date(0)/") == dt.date(2026, 9, 14)
    assert dates.day(None, "/Date(1789344000000+0000)/") == dt.date(2026, 9, 14)
    assert dates.day("2026-02-30", "nonsense", None) is None
    assert dates.instant("/Date(99999999999999999)/") is None
    # Lists and write answers spell one instant in two ways.
    assert dates.version("/Date(1789378230894)/") == dates.version("/Date(1789378230894+0000)/") != ""
    moment = dt.datetime(2026, 9, 14, 9, 30, 5, 999999, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert dates.http_time(moment) == "2026-09-14T07:30:05"


INVOICE = rb"""{"Type":"ACCREC","InvoiceID":"60aa5d55-a47e-4665-a974-874bb50263b9","InvoiceNumber":"INV-1",
 "Contact":{"ContactID":"2f79af6c-0000-4000-8000-000000000001","Name":"[b]A[/b]  & Co"},
 "DateString":"2026-09-14T00:00:00","Date":"\/Date(1789344000000+0000)\/","DueDate":"/Date(1789948800000+0000)/",
 "Status":"AUTHORISED","LineAmountTypes":"Exclusive","LineItems":[
  {"Description":"Work","UnitAmount":10.1234,"TaxType":"OUTPUT2","TaxAmount":3.15,"LineAmount":21.0,"AccountCode":"200",
   "Tracking":[{"TrackingCategoryID":"c","TrackingOptionID":"o","Name":"Region","Option":"North"}],"Quantity":"2.0000",
   "LineItemID":"1831302c-0000-4000-8000-000000000002","Unheard":{"of":1}},
  {"Description":"Thank you","LineAmount":0.00,"Tracking":[],"LineItemID":"l2"}],
 "SubTotal":99999999999999.97,"TotalTax":3.15,"Total":24.15,"CurrencyCode":"NZD","CurrencyRate":1.000000,
 "AmountDue":24.15,"AmountPaid":0.00,"UpdatedDateUTC":"/Date(1789378230894+0000)/"}"""


def test_an_invoice_is_read_exactly() -> None:
    read = document(msgspec.Raw(INVOICE), Kind.INVOICE, "T")
    assert (read.id[:8], read.number, read.party[:8], read.tenant) == ("60aa5d55", "INV-1", "2f79af6c", "T")
    assert (read.date, read.due_date) == (dt.date(2026, 9, 14), dt.date(2026, 9, 21))
    assert str(read.subtotal) == "99999999999999.97"
    assert str(read.lines[0].unit_price) == "10.1234"
    assert str(read.lines[0].quantity) == "2.0000"
    assert read.lines[0].tracking == ("o",)
    assert [line.heading for line in read.lines] == [False, True]
    assert read.facts == {"type": "ACCREC", "version": "2026-09-14T09:30:30.894000+00:00"}
    assert read.amounts is AmountsAre.EXCLUSIVE


def posting(**more: Any) -> DocumentPosting:
    given: dict[str, Any] = {
        "kind": Kind.INVOICE,
        "number": "INV-1",
        "contact": "C1",
        "contact_name": "never sent",
        "date": dt.date(2026, 9, 14),
        "due_date": dt.date(2026, 9, 21),
        "currency": "GBP",
        "status": "AUTHORISED",
        "total": Decimal("24.15"),
        "lines": (
            PostingLine(
                description="Work",
                quantity=Decimal("1E+1"),
                unit_amount=Decimal("10.1200"),
                account="200",
                tax="OUTPUT2",
                tax_percent=Decimal(20),
                discount_percent=Decimal("2.5"),
                tracking=(("c", "o", "Region", "North"),),
                line_id="L1",
            ),
            PostingLine(description="Thank you"),
        ),
    }
    return DocumentPosting(**(given | more))


def test_an_invoice_leaves_with_the_contact_by_id_and_without_totals() -> None:
    encoded = encode_call(Kind.INVOICE, Verb.CREATE, [(posting(), "")])
    assert (encoded.method, encoded.path) == ("PUT", "/Invoices?summarizeErrors=false&unitdp=4")
    sent = body(encoded)["Invoices"][0]
    assert sent["Contact"] == {"ContactID": "C1"}
    assert (sent["Type"], sent["Date"], sent["DueDate"]) == ("ACCREC", "2026-09-14", "2026-09-21")
    assert not {"Total", "SubTotal", "TotalTax", "InvoiceID", "Reference"} & set(sent)
    first, heading = sent["LineItems"]
    assert heading == {"Description": "Thank you"}
    assert b'"UnitAmount":10.1200' in encoded.body
    assert b'"Quantity":10,' in encoded.body
    assert first["Tracking"] == [{"TrackingCategoryID": "c", "TrackingOptionID": "o"}]
    assert (first["DiscountRate"], first["LineItemID"]) == (Decimal("2.5"), "L1")
    assert "TaxAmount" not in first
    assert encode_call(Kind.INVOICE, Verb.CREATE, [(posting(), "")]).body == encoded.body


def test_updates_voids_and_deletes_go_by_id() -> None:
    encoded = encode_call(Kind.INVOICE, Verb.UPDATE, [(posting(), "I1"), (posting(number="INV-2"), "I2")])
    assert encoded.method == "POST"
    assert [e["InvoiceID"] for e in body(encoded)["Invoices"]] == ["I1", "I2"]
    assert body(encoded)["Invoices"][0]["Reference"] == ""
    void = encode_call(Kind.INVOICE, Verb.VOID, [(None, "I1")])
    assert body(void) == {"Invoices": [{"InvoiceID": "I1", "Status": "VOIDED"}]}
    gone = encode_call(Kind.PURCHASE_ORDER, Verb.DELETE, [(None, "P1")])
    assert gone.path == "/PurchaseOrders?summarizeErrors=false"
    assert body(gone) == {"PurchaseOrders": [{"PurchaseOrderID": "P1", "Status": "DELETED"}]}
    assert encode_call(Kind.ITEM, Verb.DELETE, [(None, "a/b")]) == Encoded("DELETE", "/Items/a%2Fb", b"")
    away = encode_call(Kind.SUPPLIER, Verb.ARCHIVE, [(None, "C1")])
    assert body(away) == {"Contacts": [{"ContactID": "C1", "ContactStatus": "ARCHIVED"}]}


def test_orders_and_credit_notes_have_their_own_names() -> None:
    order = body(encode_call(Kind.PURCHASE_ORDER, Verb.CREATE, [(posting(kind=Kind.PURCHASE_ORDER), "")]))
    sent = order["PurchaseOrders"][0]
    assert (sent["PurchaseOrderNumber"], sent["DeliveryDate"]) == ("INV-1", "2026-09-21")
    assert not {"Type", "DueDate", "CurrencyRate"} & set(sent)
    note = body(encode_call(Kind.CREDIT_NOTE, Verb.CREATE, [(posting(kind=Kind.CREDIT_NOTE), "")]))
    sent = note["CreditNotes"][0]
    assert (sent["Type"], sent["CreditNoteNumber"]) == ("ACCRECCREDIT", "INV-1")
    assert "DueDate" not in sent


def test_what_cannot_be_one_call_is_refused_before_it_is_made() -> None:
    with pytest.raises(ValueError):
        encode_call(Kind.INVOICE, Verb.CREATE, [(posting(), "")] * 51)
    with pytest.raises(ValueError):
        encode_call(Kind.INVOICE, Verb.UPDATE, [(posting(), "")])
    with pytest.raises(XeroError):
        encode_call(Kind.PURCHASE_ORDER, Verb.VOID, [(None, "P1")])
    long = PostingLine(description="x" * 4000, quantity=Decimal(1), unit_amount=Decimal(1))
    with pytest.raises(TooLarge):
        encode_call(Kind.INVOICE, Verb.CREATE, [(posting(lines=(long,) * 20), "")] * 40)


def test_a_contact_goes_out_and_comes_back() -> None:
    sent = ContactPosting(
        kind=Kind.SUPPLIER,
        name="Ærø <&> Ltd",
        number="A1",
        contact_number="214",
        email="a@b.example",
        phone="+44 20 1234",
        address=Address(("1 High St", "Floor 2", "Unit 3", "Back", "Bell 4"), "Ely", "", "CB1", "United Kingdom"),
        terms=Terms(20, "OFFOLLOWINGMONTH"),
    )
    element = body(encode_call(Kind.SUPPLIER, Verb.CREATE, [(sent, "")]))["Contacts"][0]
    assert element["PaymentTerms"] == {"Bills": {"Day": 20, "Type": "OFFOLLOWINGMONTH"}}
    assert "FirstName" not in element
    element |= {"ContactID": "C1", "ContactStatus": "ARCHIVED", "UpdatedDateUTC": "/Date(1789378230894)/"}
    back = contact(json.dumps(element).encode(), "T")
    assert (back.name, back.number, back.contact_number, back.phone) == ("Ærø <&> Ltd", "A1", "214", "+44 20 1234")
    assert back.address == Address(
        ("1 High St", "Floor 2", "Unit 3", "Back, Bell 4"), "Ely", "", "CB1", "United Kingdom"
    )
    assert (back.kind, back.active, back.status) == (Kind.CUSTOMER, False, "ARCHIVED")
    assert back.facts["bill_terms"] == "20 OFFOLLOWINGMONTH"
    assert sent_key(Kind.SUPPLIER, Verb.CREATE, sent, "") == "214"


def test_an_item_goes_out_and_comes_back() -> None:
    side = PriceSide(price=Decimal("128.1950"), account="200", tax="OUTPUT2")
    sent = ItemPosting(code="REC-1", name="Recorded", sales=side, purchased=False)
    encoded = encode_call(Kind.ITEM, Verb.UPDATE, [(sent, "I1")])
    assert encoded.path == "/Items?summarizeErrors=false&unitdp=4"
    element = body(encoded)["Items"][0]
    assert element == {
        "ItemID": "I1",
        "Code": "REC-1",
        "Name": "Recorded",
        "SalesDetails": {"UnitPrice": Decimal("128.1950"), "AccountCode": "200", "TaxType": "OUTPUT2"},
        "IsSold": True,
        "IsPurchased": False,
    }
    back = item(encoded.body.removeprefix(b'{"Items":[').removesuffix(b"]}"), "T")
    assert (back.code, str(back.sales_price), back.sales_account, back.purchased) == ("REC-1", "128.1950", "200", False)


def test_reference_data() -> None:
    rate = tax_rate(
        b'{"Name":"15% GST","TaxType":"OUTPUT2","CanApplyToAssets":true,"CanApplyToExpenses":false,'
        b'"CanApplyToRevenue":true,"EffectiveRate":15.0,"TaxComponents":[{"Name":"GST","Rate":15.0}]}',
        "T",
    )
    assert (rate.code, rate.rate, rate.classes) == ("OUTPUT2", Decimal(15), ("ASSET", "REVENUE"))
    bank = account(b'{"AccountID":"a","Name":"Bank","Type":"BANK","Class":"ASSET"}', "T")
    assert (bank.code, bank.class_, bank.takes_payments) == ("", "ASSET", True)
    category = tracking(
        b'{"TrackingCategoryID":"c","Name":"Region","Options":[{"TrackingOptionID":"o","Name":"N","Status":"ARCHIVED"}]}',
        "T",
    )
    assert category.options == (("o", "N", "ARCHIVED"),)
    org = organisation(
        b'{"Name":"N","CountryCode":"GB","PeriodLockDate":"/Date(1789344000000+0000)/","EndOfYearLockDate":null}', "T"
    )
    assert org.locked_until() == dt.date(2026, 9, 14)


@pytest.mark.parametrize(
    ("message", "code", "subject"),
    [
        (
            "The contact name A & B is already assigned to another contact. The contact name must be unique across all "
            "active contacts.",
            "core.name_taken",
            "name:A & B",
        ),
        ("Invoice # must be unique.", "core.number_taken", ""),
        ("Order number must be unique", "core.number_taken", ""),
        (
            "Account code '999' has been archived or deleted. Each line item must reference a valid account.",
            "core.account_archived",
            "account:999",
        ),
        ("Account code '200' is not a valid code for this document.", "core.account_unknown", "account:200"),
        (
            "The TaxType code OUTPUT9 does not exist or cannot be used for this type of transaction.",
            "core.tax_gone",
            "tax:OUTPUT9",
        ),
        (
            "The TaxType code 'INPUT2' cannot be used with account code '200'.",
            "core.tax_account_conflict",
            "tax:INPUT2",
        ),
        ("Item code FOO-1 is not valid", "core.item_unmapped", "item:FOO-1"),
        ("Price List Item with Code 'x' already exists", "core.number_taken", "item:x"),
        (
            "The document date cannot be before the end of year lock date, currently set at 31/03/2026",
            "core.period_locked",
            "lock",
        ),
        ("Organisation is not subscribed to currency EUR", "core.currency_missing", "currency:EUR"),
        ("Users Organisation is not subscribed to currency 'NZD'", "core.currency_missing", "currency:NZD"),
        ("Invoice not of valid status for modification", "core.locked_document", ""),
        (
            "This document cannot be edited as it has a payment or credit note allocated to it.",
            "core.locked_document",
            "",
        ),
        (
            "The contact with the specified contact details has been archived. The contact must be un-archived before "
            "creating new invoices or credit notes.",
            "core.contact_archived",
            "",
        ),
        ("Something that Xero never said before", "core.rejected", ""),
    ],
)
def test_messages_are_understood(message: str, code: str, subject: str) -> None:
    for spelling in (message, message.upper() if not subject else message):
        explained = read_message(spelling)
        assert (explained.code, explained.subject) == (code, subject)
        assert explained.said == spelling
        assert explained.remedy


def test_every_code_of_the_catalogue_is_a_known_one() -> None:
    from xerotui.model.problems import CORE
    from xerotui.xero.catalogue import CATALOGUE

    assert {entry.code for entry in CATALOGUE} <= set(CORE)


def test_settings_are_filled_from_texts_and_give_the_limits() -> None:
    settings = fill(XeroSettings, {"client_id": "C", "tier": "5000", "minute_limit": "12"})
    assert isinstance(settings, XeroSettings)
    key, found = limits.limits(settings, "T")
    assert key == "xero:C:T"
    assert [(w.name, w.calls, w.seconds, w.reserve) for w in found.windows] == [
        ("minute", 11, 60, 1),
        ("day", 5000, 86400, 1000),
        ("appminute", 9500, 60, 500),
    ]
    assert limits.limits(XeroSettings(client_id="C"), "T")[1].windows[0].calls == 55
    assert found.in_flight == 4
    with pytest.raises(msgspec.ValidationError):
        fill(XeroSettings, {"client_id": "C", "client_secret": "s"})


def test_throttle_answers_are_read_from_headers() -> None:
    def read(**headers: str) -> tuple[str, float | None]:
        found = limits.throttled(Response(429, {k.replace("_", "-"): v for k, v in headers.items()}, b""))
        assert found
        return found.window, found.seconds

    assert read(x_rate_limit_problem="Day", retry_after="66975") == ("day", 66975.0)
    assert read(x_rate_limit_problem="concurrent") == ("concurrent", None)
    assert read() == ("minute", 30.0)
    assert limits.throttled(Response(503, {}, b"")) is None


def test_refused_logins_are_told_apart() -> None:
    told = Response(401, {"www-authenticate": "insufficent_scope"}, b"{}")
    assert auth_trouble(told).code == "xero.scope"
    body = b'{"Type":null,"Title":"Unauthorized","Status":401,"Detail":"TokenExpired: token expired at 01/01/2001"}'
    trouble = auth_trouble(Response(401, {"xero-correlation-id": "abc"}, body))
    assert (trouble.code, trouble.correlation) == ("xero.token", "abc")
    assert trouble.said.startswith("TokenExpired")
    assert auth_trouble(Response(403, {}, b"{}")).code == "xero.tenant"


def test_quotes_inside_a_filter_are_doubled() -> None:
    assert quoted('Bob "The" Builder') == '"Bob ""The"" Builder"'
