"""Accounts, tax rates, tracking, currencies, notes and links of the emulated Xero (xero-api section 9)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.xero_kit import UK, Xero, invoice, line, running
from xerotui.sandbox.service import decode


@pytest.fixture
async def xero(tmp_path: Path) -> AsyncIterator[Xero]:
    async with running(tmp_path) as made:
        yield made


async def do(xero: Xero, method: str, path: str, body: Any, status: int = 200) -> Any:
    reply = await xero.send(method, path, body)
    assert reply.status_code == status, reply.text
    return decode(reply.content)


async def test_accounts_are_created_renamed_archived_and_removed(xero: Xero) -> None:
    made = (
        await do(xero, "PUT", "Accounts", {"Code": "205", "Name": "Hosting", "Type": "SALES", "TaxType": "OUTPUT2"})
    )["Accounts"][0]
    assert made["Class"] == "REVENUE"
    path = f"Accounts/{made['AccountID']}"
    taken = await do(xero, "POST", path, {"Name": "sales"}, 400)
    assert taken["Elements"][0]["ValidationErrors"] == [{"Message": "Please enter a unique Name."}]
    await do(xero, "POST", path, {"Status": "ARCHIVED"})
    refused = await xero.refusal("PUT", "Invoices", invoice(LineItems=[line(AccountCode="205")]))
    assert refused[0].startswith("Account code '205' has been archived or deleted.")
    assert (await do(xero, "DELETE", path, None))["Accounts"][0]["Status"] == "DELETED"
    await do(xero, "POST", f"Accounts/{UK.accounts[3].account_id}", {"Status": "ARCHIVED"}, 400)


async def test_an_account_that_anything_points_to_stays(xero: Xero) -> None:
    async def account(code: str, **more: Any) -> str:
        body = {"Code": code, "Name": f"Account {code}", "Type": "SALES", "TaxType": "OUTPUT2", **more}
        return str((await do(xero, "PUT", "Accounts", body))["Accounts"][0]["AccountID"])

    paid, spare = [await account(code, EnablePaymentsToAccount=True) for code in ("701", "702")]
    sold, named = [await account(code) for code in ("703", "704")]
    bill = {"InvoiceID": (await xero.one("PUT", "Invoices", invoice()))["InvoiceID"]}
    payment = {"Invoice": bill, "Account": {"Code": "701"}, "Amount": 1, "Date": "2026-11-20"}
    await do(xero, "PUT", "Payments", payment)
    await xero.one("PUT", "Items", {"Code": "POINTS", "SalesDetails": {"AccountCode": "703"}})
    await xero.one("PUT", "Contacts", {"Name": "Points Ltd", "SalesDefaultAccountCode": "704"})
    for id in (paid, sold, named):
        refused = await do(xero, "DELETE", f"Accounts/{id}", None, 400)
        assert "in use" in str(refused["Elements"]), refused
        assert (await xero.get(f"Accounts/{id}"))["Accounts"][0]["Status"] == "ACTIVE"
    await do(xero, "DELETE", f"Accounts/{spare}", None)


async def test_custom_tax_rates_get_codes_in_order(xero: Xero) -> None:
    body = {
        "Name": "Green",
        "ReportTaxType": "OUTPUT",
        "TaxComponents": [{"Name": "a", "Rate": 4}, {"Name": "b", "Rate": 10, "IsCompound": True}],
    }
    made = (await do(xero, "PUT", "TaxRates", body))["TaxRates"][0]
    assert (made["TaxType"], float(made["DisplayTaxRate"]), float(made["EffectiveRate"])) == ("TAX001", 14, 14.4)
    await do(xero, "PUT", "TaxRates", body, 400)
    await do(xero, "PUT", "TaxRates", {**body, "Name": "Nameless part", "TaxComponents": [{"Rate": 4}]}, 400)
    used = await xero.one("PUT", "Invoices", invoice(LineItems=[line(TaxType="TAX001")]))
    assert float(used["TotalTax"]) == 14.4
    await do(xero, "POST", "TaxRates", {"TaxType": "TAX001", "Status": "DELETED"}, 400)
    await do(xero, "POST", "TaxRates", {"TaxType": "OUTPUT2", "Name": "Other"}, 400)
    assert xero.violations() == []
    # Names are told apart whatever their case, types of reports and compounds are those that Xero has.
    taken = await do(xero, "POST", "TaxRates", {"TaxType": "TAX001", "Name": "output2 RATE"}, 400)
    assert taken["Elements"][0]["ValidationErrors"] == [{"Message": "Please enter a unique Name."}]
    await do(xero, "POST", "TaxRates", {"TaxType": "TAX001", "ReportTaxType": "FOO"}, 400)
    await do(xero, "PUT", "TaxRates", {**body, "Name": "Foo", "ReportTaxType": "FOO"}, 400)
    twice = [{"Name": name, "Rate": 4, "IsCompound": True} for name in "ab"]
    await do(xero, "PUT", "TaxRates", {**body, "Name": "Twice", "TaxComponents": twice}, 400)
    assert xero.violations() == ["not known of Xero"] * 3
    fine = {**body, "Name": "Fine", "TaxComponents": [{"Name": "a", "Rate": 4.12345}]}
    made = (await do(xero, "PUT", "TaxRates", fine))["TaxRates"][0]
    shown = (made["TaxComponents"][0]["Rate"], made["DisplayTaxRate"], made["EffectiveRate"])
    assert [float(rate) for rate in shown] == [4.1235] * 3
    rates = {rate["Name"]: rate for rate in (await xero.get("TaxRates"))["TaxRates"]}
    assert (rates["Green"]["ReportTaxType"], "Foo" in rates, "Twice" in rates) == ("OUTPUT", False, False)


async def test_two_active_tracking_categories_are_the_most(xero: Xero) -> None:
    made = (await do(xero, "PUT", "TrackingCategories", {"Name": "Team"}))["TrackingCategories"][0]
    await do(xero, "PUT", "TrackingCategories", {"Name": "Third"}, 400)
    path = f"TrackingCategories/{made['TrackingCategoryID']}"
    option = (await do(xero, "PUT", f"{path}/Options", {"Name": "Blue"}))["Options"][0]
    assert option["IsActive"] is True
    await xero.one("PUT", "Invoices", invoice(LineItems=[line(Tracking=[{"Name": "Team", "Option": "Blue"}])]))
    await do(xero, "DELETE", f"{path}/Options/{option['TrackingOptionID']}", None, 400)
    await do(xero, "POST", f"{path}/Options/{option['TrackingOptionID']}", {"Status": "ARCHIVED"})
    await do(xero, "POST", path, {"Name": "Crew", "Status": "ARCHIVED"}, 400)
    await do(xero, "POST", path, {"Status": "ARCHIVED"})
    assert [c["Name"] for c in (await xero.get("TrackingCategories"))["TrackingCategories"]] == ["Region"]
    assert len((await xero.get("TrackingCategories?includeArchived=true"))["TrackingCategories"]) == 2


async def test_currencies_are_added(xero: Xero) -> None:
    assert await xero.refusal("PUT", "Invoices", invoice(CurrencyCode="USD"))
    await do(xero, "PUT", "Currencies", {"Code": "USD"})
    await xero.one("PUT", "Invoices", invoice(CurrencyCode="USD"))
    await do(xero, "PUT", "Currencies", {"Code": "ZZZ"}, 400)
    assert xero.violations() == []
    assert (await do(xero, "PUT", "Currencies", {"Code": "jpy"}))["Currencies"][0]["Code"] == "JPY"
    await do(xero, "PUT", "Currencies", {"Code": "usd"}, 400)
    assert xero.violations() == ["not known of Xero"] * 2
    codes = {currency["Code"] for currency in (await xero.get("Currencies"))["Currencies"]}
    assert codes == {"GBP", "EUR", "USD", "JPY"}


async def test_notes_links_and_mail(xero: Xero) -> None:
    made = await xero.one("PUT", "Invoices", invoice())
    path = f"Invoices/{made['InvoiceID']}"
    await do(xero, "PUT", f"{path}/History", {"HistoryRecords": [{"Details": "sent by a test"}]})
    notes = (await xero.get(f"{path}/History"))["HistoryRecords"]
    assert (notes[0]["Details"], notes[0]["User"]) == ("sent by a test", "System Generated")
    url = (await xero.get(f"{path}/OnlineInvoice"))["OnlineInvoices"][0]["OnlineInvoiceUrl"]
    assert url.startswith("https://in.xero.com/")
    assert (await xero.send("POST", f"{path}/Email")).status_code == 204
    assert (await xero.get(path))["Invoices"][0]["SentToContact"] is True
    draft = await xero.one("PUT", "Invoices", invoice(Status="DRAFT"))
    await do(xero, "GET", f"Invoices/{draft['InvoiceID']}/OnlineInvoice", None, 400)


async def test_what_is_renamed_is_renamed_on_documents_too(xero: Xero) -> None:
    entry = {"Name": "Region", "Option": "North"}
    body = invoice(Status="DRAFT", LineItems=[line(ItemCode="LAB", Tracking=[entry])])
    made = await xero.one("PUT", "Invoices", body)
    paid = await xero.one("PUT", "Invoices", invoice())
    await do(xero, "PUT", "Payments", {"Invoice": {"InvoiceID": paid["InvoiceID"]}, "Account": {"Code": "090"},
                                       "Amount": 1, "Date": "2026-11-20"})  # fmt: skip
    bank, sales = UK.accounts[0].account_id, UK.accounts[1].account_id
    await do(xero, "POST", f"Accounts/{sales}", {"Code": "201"})
    await do(xero, "POST", f"Accounts/{bank}", {"Code": "099"})
    await do(xero, "POST", f"Items/{UK.items[0].item_id}", {"Code": "HOUR"})
    await do(xero, "POST", f"TrackingCategories/{UK.tracking[0].category_id}", {"Name": "Zone"})
    option = f"Options/{UK.tracking[0].options[0].option_id}"
    await do(xero, "POST", f"TrackingCategories/{UK.tracking[0].category_id}/{option}", {"Name": "Up"})
    path = f"Invoices/{made['InvoiceID']}"
    seen = (await xero.get(path))["Invoices"][0]
    (row,) = seen["LineItems"]
    assert (row["AccountCode"], row["ItemCode"]) == ("201", "HOUR")
    assert (row["Tracking"][0]["Name"], row["Tracking"][0]["Option"]) == ("Zone", "Up")
    assert seen["UpdatedDateUTC"] == made["UpdatedDateUTC"]
    assert (await xero.get("Items/HOUR"))["Items"][0]["SalesDetails"]["AccountCode"] == "201"
    assert (await xero.get("Payments"))["Payments"][0]["Account"]["Code"] == "099"
    approved = {"Status": "AUTHORISED", "LineItems": [{"LineItemID": row["LineItemID"]}]}
    assert (await do(xero, "POST", path, approved))["Invoices"][0]["Status"] == "AUTHORISED"


async def test_a_body_about_another_record_than_the_address_is_refused(xero: Xero) -> None:
    first, second = [await xero.one("PUT", "Invoices", invoice()) for _ in range(2)]
    path = f"Invoices/{first['InvoiceID']}"
    await do(xero, "POST", path, {"InvoiceID": second["InvoiceID"], "Reference": "x"}, 400)
    bank, sales = UK.accounts[0].account_id, UK.accounts[1].account_id
    await do(xero, "POST", f"Accounts/{sales}", {"AccountID": bank, "Name": "x"}, 400)
    assert xero.violations() == ["not known of Xero"] * 2
    await do(xero, "POST", path, {"InvoiceID": first["InvoiceID"].upper(), "Reference": "x"})
    assert xero.violations() == []
