"""Reading from the emulated Xero: pages, filters, forms, refusals (xero-api sections 2, 6, 7 and 8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.xero_kit import ACTIVE, ARCHIVED, SUPPLIER, UK, UNKNOWN, Xero, invoice, line, running


@pytest.fixture
async def xero(tmp_path: Path) -> AsyncIterator[Xero]:
    async with running(tmp_path) as made:
        yield made


@pytest.fixture
async def five(xero: Xero) -> list[dict[str, Any]]:
    """Five invoices, made one world minute apart, with amounts 100 to 500."""
    made = []
    for n in range(1, 6):
        more: dict[str, Any] = {"Reference": f'ref "{n}"', "Date": f"2026-11-0{n}", "LineItems": [line(Quantity=n)]}
        made.append(await xero.one("PUT", "Invoices", invoice(InvoiceNumber=f"A-{n}", **more)))
        xero.clock.jump(60)
    return made


def numbers(envelope: dict[str, Any]) -> list[str]:
    return [row["InvoiceNumber"] for row in envelope["Invoices"]]


async def test_a_document_carries_both_date_forms_and_no_nulls(xero: Xero, five: list[dict[str, Any]]) -> None:
    shown = (await xero.get("Invoices/A-1"))["Invoices"][0]
    assert shown["Date"] == "/Date(1793491200000+0000)/"
    assert shown["DateString"] == "2026-11-01T00:00:00"
    assert shown["UpdatedDateUTCString"].startswith("2026-11-21T09:")
    assert shown["Contact"]["Name"] == "Aston Bakery"
    assert len(shown["Contact"]["Phones"]) == 4
    assert "FullyPaidOnDate" not in shown
    assert None not in shown.values()
    assert not any(name.startswith("_") for name in (*shown, *shown["LineItems"][0]))
    envelope = await xero.get("Items/lab")
    assert envelope["DateTimeUTC"].endswith(")/")
    assert "+" not in envelope["DateTimeUTC"] + envelope["Items"][0]["UpdatedDateUTC"]


async def test_lists_without_a_page_carry_no_lines_and_pages_are_clamped(
    xero: Xero, five: list[dict[str, Any]]
) -> None:
    bare = await xero.get("Invoices")
    assert "pagination" not in bare
    assert all(row["LineItems"] == [] and set(row["Contact"]) == {"ContactID", "Name"} for row in bare["Invoices"])
    paged = await xero.get("Invoices?page=1&pageSize=2")
    assert paged["pagination"] == {"page": 1, "pageSize": 2, "pageCount": 3, "itemCount": 5}
    assert paged["Invoices"][0]["LineItems"]
    assert numbers(paged) == ["A-1", "A-2"]
    assert numbers(await xero.get("Invoices?page=4&pageSize=2")) == []
    assert (await xero.get("Invoices?page=1&pageSize=5000"))["pagination"]["pageSize"] == 1000
    assert (await xero.get("Invoices?page=1&pageSize=0"))["pagination"]["pageSize"] == 1
    assert (await xero.get("Invoices?Statuses=AUTHORISED,PAID"))["pagination"]["pageSize"] == 100
    summary = await xero.get("Invoices?summaryOnly=true")
    assert summary["pagination"]["itemCount"] == 5
    assert "LineItems" not in summary["Invoices"][0]
    assert (await xero.get("PurchaseOrders"))["pagination"]["pageSize"] == 100
    assert xero.violations() == []


async def test_the_default_order_is_by_update_and_orders_can_be_asked_for(
    xero: Xero, five: list[dict[str, Any]]
) -> None:
    await xero.write("POST", f"Invoices/{five[0]['InvoiceID']}", b'{"Reference":"moved to the end"}')
    assert numbers(await xero.get("Invoices?page=1")) == ["A-2", "A-3", "A-4", "A-5", "A-1"]
    assert numbers(await xero.get("Invoices?order=Total DESC")) == ["A-5", "A-4", "A-3", "A-2", "A-1"]
    by_id = [row["InvoiceID"] for row in (await xero.get("Invoices?page=1&order=InvoiceId"))["Invoices"]]
    assert by_id == sorted(by_id)
    assert (await xero.send("GET", "Invoices?order=Colour")).json()["Type"] == "QueryParseException"


WHERE = [
    ('InvoiceNumber=="a-1"', ["A-1"]),
    ('Reference=="ref ""2"""', ["A-2"]),
    ("Total>=480 AND Total<600.01", ["A-4", "A-5"]),
    ('InvoiceNumber=="A-1" OR (InvoiceNumber="A-3" && Type!="ACCPAY")', ["A-1", "A-3"]),
    ("Date>DateTime(2026,11,04)", ["A-5"]),
    (f'Contact.ContactID==guid("{ACTIVE}") AND InvoiceNumber.EndsWith("2")', ["A-2"]),
    ('Contact.Name.ToLower().Contains("BAKERY") && AmountDue<121', ["A-1"]),
    ("FullyPaidOnDate!=null", []),
    ("SentToContact==true", []),
    ('InvoiceNumber.StartsWith("b")', []),
]
BAD_WHERE = [
    'InvoiceNumber=="a\\"b"',
    "InvoiceNumber==",
    "Colour==1",
    'Total=="x"',
    f'InvoiceID=="{UNKNOWN}"',
    "Date>DateTime(2026,13,01)",
    'guid("x")==InvoiceID',
    "InvoiceNumber",
    '(Total>1 Type=="ACCREC")',
]


async def test_where_expressions(xero: Xero, five: list[dict[str, Any]]) -> None:
    for expression, expected in WHERE:
        reply = await xero.client.get(
            f"{xero.url}/api.xro/2.0/Invoices",
            params={"where": expression, "page": "1"},
            headers={
                "authorization": f"Bearer {xero.token}",
                "xero-tenant-id": UK.tenant_id,
                "accept": "application/json",
            },
        )
        assert reply.status_code == 200, (expression, reply.text)
        assert numbers(reply.json()) == expected, expression
    assert xero.violations() == []
    for expression in BAD_WHERE:
        reply = await xero.send("GET", f"Invoices?where={expression.replace('&', '%26')}")
        assert (reply.status_code, reply.json()["Type"]) == (400, "QueryParseException"), expression
    assert set(xero.violations()) == {"where"}


async def test_simple_filters(xero: Xero, five: list[dict[str, Any]]) -> None:
    ids = ",".join(row["InvoiceID"] for row in five[:2])
    assert numbers(await xero.get(f"Invoices?IDs={ids}&page=1")) == ["A-1", "A-2"]
    assert numbers(await xero.get("Invoices?InvoiceNumbers=a-3,A-5,none")) == ["A-3", "A-5"]
    assert numbers(await xero.get(f"Invoices?ContactIDs={SUPPLIER}")) == []
    assert numbers(await xero.get("Invoices?searchTerm=REF+%224")) == ["A-4"]
    assert len(numbers(await xero.get("Invoices?createdByMyApp=true"))) == 5
    names = [c["Name"] for c in (await xero.get("Contacts"))["Contacts"]]
    assert names == ["Aston Bakery", "Cable Store"]
    assert len((await xero.get("Contacts?includeArchived=true"))["Contacts"]) == 3
    assert (await xero.get(f"Contacts?IDs={ARCHIVED}"))["Contacts"] == []
    assert (await xero.get("Contacts?searchTerm=aston.example"))["Contacts"][0]["ContactID"] == ACTIVE
    slim = (await xero.get("Contacts?summaryOnly=true"))["Contacts"][0]
    assert not {"Addresses", "IsCustomer", "ContactPersons"} & set(slim)


async def test_if_modified_since_counts_whole_seconds(xero: Xero, five: list[dict[str, Any]]) -> None:
    stamp = five[3]["UpdatedDateUTCString"].rstrip("Z")
    assert numbers(await xero.get("Invoices", if_modified_since=stamp)) == ["A-5"]
    assert xero.violations() == []
    assert (await xero.send("GET", "Invoices", if_modified_since="yesterday")).status_code == 412
    await xero.get("TaxRates", if_modified_since=stamp)
    await xero.get(f"Invoices?If-Modified-Since={stamp}")
    assert xero.violations() == ["If-Modified-Since", "If-Modified-Since", "query"]


async def test_purchase_orders_have_filters_of_their_own(xero: Xero) -> None:
    for n in (1, 2):
        lines = [line(AccountCode="300", TaxType="INPUT2")]
        more = {"PurchaseOrderNumber": f"P{n}", "Date": f"2026-11-0{n}", "LineItems": lines}
        await xero.one("PUT", "PurchaseOrders", {"Contact": {"ContactID": SUPPLIER}, **more})
    rows = (await xero.get("PurchaseOrders?DateFrom=2026-11-02&Status=DRAFT"))["PurchaseOrders"]
    assert [row["PurchaseOrderNumber"] for row in rows] == ["P2"]
    assert rows[0]["LineItems"][0]["UnitAmount"] == 100
    assert (await xero.send("GET", "PurchaseOrders?Status=")).status_code == 400
    await xero.get('PurchaseOrders?where=Reference=="x"')
    assert xero.violations() == ["query", "query"]


async def test_what_is_not_known_is_refused_and_noted(xero: Xero) -> None:
    for path in (f"Invoices/{UNKNOWN}", "Invoices/NO-SUCH", f"Contacts/{UNKNOWN}", "Items/none"):
        reply = await xero.send("GET", path)
        assert (reply.status_code, reply.headers["content-type"][:9]) == (404, "text/html")
    assert xero.violations() == []
    assert (await xero.send("GET", "Widgets")).status_code == 404
    assert (await xero.send("PUT", "Organisation", {})).status_code == 501
    assert (await xero.send("GET", "Invoices", accept="*/*")).status_code == 406
    xero.tenant = ""
    assert (await xero.send("GET", "Invoices")).status_code == 403
    assert xero.violations() == ["endpoint", "endpoint", "Accept", "tenant"]


async def test_settings_are_read(xero: Xero) -> None:
    org = (await xero.get("Organisation"))["Organisations"][0]
    assert (org["CountryCode"], org["PeriodLockDate"]) == ("GB", "/Date(1788134400000+0000)/")
    assert {a["Status"] for a in (await xero.get("Organisation/Actions"))["Actions"]} == {"ALLOWED"}
    rates = {r["TaxType"]: r for r in (await xero.get("TaxRates"))["TaxRates"]}
    assert rates["OUTPUT"]["Status"] == "DELETED"
    assert (rates["OUTPUT2"]["CanApplyToRevenue"], rates["OUTPUT2"]["CanApplyToExpenses"]) == (True, False)
    assert (await xero.get("TaxRates/INPUT2"))["TaxRates"][0]["EffectiveRate"] == 20
    accounts = (await xero.get('Accounts?where=Status=="ARCHIVED"'))["Accounts"]
    assert [a["Code"] for a in accounts] == ["299"]
    options = (await xero.get("TrackingCategories"))["TrackingCategories"][0]["Options"]
    assert [o["IsActive"] for o in options] == [True, False]
    assert (await xero.get("BrandingThemes"))["BrandingThemes"][0]["SortOrder"] == 0
    assert [c["Code"] for c in (await xero.get("Currencies"))["Currencies"]] == ["GBP", "EUR"]


JUNK = [
        "Invoices?unitdp=3", "Invoices?summaryOnly=1", "Invoices?Statuses=AUTHORISED,PAYED", "Invoices?IDs=abc",
        "Invoices?createdByMyApp=yes", "Contacts?includeArchived=", "PurchaseOrders?Status=PAID",
]  # fmt: skip


async def test_a_value_that_a_parameter_cannot_have_is_refused(xero: Xero) -> None:
    for target in JUNK:
        assert (await xero.send("GET", target)).status_code == 400, target
    assert (await xero.send("PUT", "Invoices?summarizeErrors=no", {"Invoices": []})).status_code == 400
    assert xero.violations() == ["query"] * (len(JUNK) + 1)
