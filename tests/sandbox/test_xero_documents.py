"""Writing documents and payments: lines, money, statuses, validation (xero-api sections 5, 7.1, 8, 9.8 to 9.11)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.xero_kit import (
    ACTIVE,
    ARCHIVED,
    AU,
    SUPPLIER,
    UK,
    UNKNOWN,
    ZERO_GUID,
    Xero,
    invoice,
    line,
    running,
)
from xerotui.sandbox.service import decode


@pytest.fixture
async def xero(tmp_path: Path) -> AsyncIterator[Xero]:
    async with running(tmp_path) as made:
        yield made


def order(**more: Any) -> dict[str, Any]:
    lines = [line(AccountCode="300", TaxType="INPUT2")]
    return {"Contact": {"ContactID": SUPPLIER}, "Date": "2026-11-01", "LineItems": lines, **more}


async def post(xero: Xero, path: str, body: Any) -> dict[str, Any]:
    """POST one element to an address with an id; it must be accepted."""
    reply = await xero.send("POST", path, body)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = decode(reply.content)[path.split("/")[0]][0]
    return found


async def test_tax_is_rounded_line_by_line(xero: Xero) -> None:
    xero.tenant = "b3000000-0000-4000-8000-000000000031"
    lines = [line(UnitAmount=Decimal(text)) for text in ("25.06", "25.61", "25.63")]
    made = await xero.one("PUT", "Invoices", invoice(LineItems=lines))
    assert (made["SubTotal"], made["TotalTax"], made["Total"]) == (
        Decimal("76.30"),
        Decimal("11.44"),
        Decimal("87.74"),
    )
    inclusive = await xero.one("PUT", "Invoices", invoice(LineItems=lines, LineAmountTypes="Inclusive"))
    assert (inclusive["Total"], inclusive["TotalTax"]) == (Decimal("76.30"), Decimal("9.95"))
    untaxed = await xero.one("PUT", "Invoices", invoice(LineItems=lines, LineAmountTypes="NoTax"))
    assert (untaxed["Total"], untaxed["TotalTax"]) == (Decimal("76.30"), 0)


async def test_unit_amounts_are_cut_unless_four_decimals_are_asked_for(xero: Xero) -> None:
    lines = [line(Quantity=100, UnitAmount=Decimal("0.1648"), DiscountRate=Decimal("12.5"))]
    fine = await xero.one("PUT", "Invoices", invoice(InvoiceNumber="F", LineItems=lines))
    assert (fine["LineItems"][0]["UnitAmount"], fine["SubTotal"]) == (Decimal("0.1648"), Decimal("14.42"))
    assert (fine["IsDiscounted"], fine["TotalDiscount"]) == (True, Decimal("2.06"))
    cut = await xero.send("PUT", "Invoices", {"Invoices": [invoice(LineItems=lines)]})
    assert decode(cut.content)["Invoices"][0]["SubTotal"] == Decimal("14.00")
    shown = (await xero.get("Invoices/F"))["Invoices"][0]
    assert (shown["LineItems"][0]["UnitAmount"], shown["SubTotal"]) == (Decimal("0.16"), Decimal("14.42"))
    ordered = await xero.one(
        "PUT",
        "PurchaseOrders",
        order(LineItems=[line(UnitAmount=Decimal("0.1648"), AccountCode="300", TaxType="INPUT2")]),
    )
    assert ordered["LineItems"][0]["UnitAmount"] == Decimal("0.1648")
    half = await xero.one("PUT", "Invoices", invoice(Status="DRAFT", LineItems=[line(UnitAmount=Decimal("-0.125"))]))
    assert half["SubTotal"] == Decimal("-0.13")


async def test_an_item_fills_what_a_line_leaves_out(xero: Xero) -> None:
    made = await xero.one(
        "PUT", "Invoices", invoice(LineItems=[{"ItemCode": "lab", "Quantity": 2}, {"Description": "Note"}])
    )
    first, note = made["LineItems"]
    assert (first["Description"], first["UnitAmount"], first["AccountCode"]) == (
        "One hour of labour",
        Decimal("95.5"),
        "200",
    )
    assert (first["TaxAmount"], made["Total"]) == (Decimal("38.20"), Decimal("229.20"))
    assert (note["LineAmount"], "AccountCode" in note) == (0, False)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"Contact": {"ContactID": ARCHIVED}}, "The contact with the specified contact details has been archived."),
    ({"Contact": {}}, "The Contact must contain at least 1 of the following elements"),
    ({"Contact": None}, "A Contact must be specified for this type of transaction"),
    (
        {"Date": "2026-08-31"},
        "The document date cannot be before the period lock date, currently set at 31 August 2026",
    ),
    ({"Status": "PAID"}, "Invoice not of valid status for creation"),
    ({"Type": "ACCRECX"}, "Invoice not of valid type for creation"),
    ({"LineItems": []}, "One or more line items must be specified"),
    ({"CurrencyCode": "USD"}, "Organisation is not subscribed to currency USD"),
    ({"Total": 1}, "The invoice total does not equal the sum of the lines."),
    ({"Url": "https://go.xero.com/x"}, "Url must be"),
    ({"InvoiceID": UNKNOWN[:-1]}, "Guid should contain 32 digits with 4 dashes"),
]
REFUSED_LINES: list[tuple[dict[str, Any], str]] = [
    ({"AccountCode": None}, "Account code must be specified"),
    ({"AccountCode": "999"}, "Account code '999' is not a valid code for this document."),
    ({"AccountCode": "090"}, "Account code '090' is not a valid code for this document."),
    ({"AccountCode": "610", "TaxType": "NONE"}, "Account code '610' is not a valid code for this document."),
    ({"AccountCode": "299"}, "Account code '299' has been archived or deleted. Each line item must reference"),
    ({"TaxType": "NOPE"}, "The TaxType code NOPE does not exist or cannot be used for this type of transaction."),
    ({"TaxType": "OUTPUT"}, "The TaxType code OUTPUT does not exist"),
    ({"TaxType": "INPUT2"}, "The TaxType code INPUT2 does not exist"),
    ({"AccountCode": "300"}, "The TaxType code 'OUTPUT2' cannot be used with account code '300'."),
    ({"ItemCode": "200"}, "Item code 200 is not valid"),
    ({"TaxAmount": 101}, "The tax amount cannot be greater than the line amount"),
    ({"LineAmount": 99}, "The line total 99.00 does not match the expected line total 100.00"),
    ({"DiscountRate": Decimal("127.83")}, "The discount rate '127.83' is invalid."),
    ({"Tracking": [{"Name": "Region", "Option": "Gone"}]}, "Unknown tracking details."),
    ({"Tracking": [{"Name": "Regoin", "Option": "North"}]}, "Unknown tracking details."),
    ({"LineItemID": UNKNOWN}, "Could not find line item(s) with the following id(s)"),
    ({"Description": "x" * 4001}, "Description must not be more than 4000 characters long"),
]


async def test_documents_that_xero_refuses_each_by_its_own_words(xero: Xero) -> None:
    changes: list[dict[str, Any]] = [change for change, _ in REFUSED]
    changes += [{"LineItems": [line(**change)]} for change, _ in REFUSED_LINES]
    messages = [message for _, message in (*REFUSED, *REFUSED_LINES)]
    elements = await xero.write("PUT", "Invoices", [invoice(**change) for change in changes])
    for element, message in zip(elements, messages, strict=True):
        assert element["HasErrors"] is True, message
        assert element["InvoiceID"] == ZERO_GUID
        assert element["ValidationErrors"][0]["Message"].startswith(message)
    assert xero.journal.writes == []


async def test_a_draft_may_be_incomplete_and_loses_an_unknown_account_with_a_warning(xero: Xero) -> None:
    (made,) = await xero.write(
        "PUT", "Invoices", [invoice(Status="DRAFT", SentToContact=True, LineItems=[line(AccountCode="476")])]
    )
    assert made["StatusAttributeString"] == "WARNING"
    assert [w["Message"] for w in made["Warnings"]] == [
        "Only AUTHORISED invoices may have SentToContact updated.",
        "Account code '476' has been removed as it does not match a recognised account.",
    ]
    assert "AccountCode" not in made["LineItems"][0]
    refused = await xero.send("POST", f"Invoices/{made['InvoiceID']}", {"Status": "AUTHORISED"})
    assert refused.json()["Elements"][0]["ValidationErrors"] == [{"Message": "Account code must be specified"}]
    empty = await xero.one("PUT", "Invoices", {"Type": "ACCREC", "Contact": {"ContactID": ACTIVE}})
    assert (empty["Status"], empty["InvoiceNumber"], empty["DateString"]) == (
        "DRAFT",
        "INV-0002",
        "2026-11-21T00:00:00",
    )


async def test_numbers_are_unique_for_sales_and_free_for_bills(xero: Xero) -> None:
    first = await xero.one("PUT", "Invoices", invoice(InvoiceNumber="N-1"))
    assert await xero.refusal("PUT", "Invoices", invoice(InvoiceNumber="n-1")) == ["Invoice # must be unique."]
    hijacked = await xero.one("POST", "Invoices", invoice(InvoiceNumber="N-1", Reference="somebody else's"))
    assert hijacked["InvoiceID"] == first["InvoiceID"]
    bill = {"Type": "ACCPAY", "InvoiceNumber": "B-1", "LineItems": [line(AccountCode="300", TaxType="INPUT2")]}
    ids = {(await xero.one(verb, "Invoices", invoice(**bill)))["InvoiceID"] for verb in ("PUT", "PUT", "POST")}
    assert len(ids) == 3
    await post(xero, f"Invoices/{first['InvoiceID']}", {"Status": "VOIDED"})
    assert await xero.refusal("PUT", "Invoices", invoice(InvoiceNumber="N-1")) == ["Invoice # must be unique."]


async def test_an_update_deletes_the_lines_that_it_leaves_out(xero: Xero) -> None:
    made = await xero.one("PUT", "Invoices", invoice(LineItems=[line(Description=d) for d in "abc"]))
    keep = made["LineItems"][1]["LineItemID"]
    changed = await post(
        xero,
        f"Invoices/{made['InvoiceID']}?unitdp=4",
        {"LineItems": [{"LineItemID": keep, "Quantity": 2}, line(Description="new")]},
    )
    assert [entry["Description"] for entry in changed["LineItems"]] == ["new", "b"]
    assert (changed["LineItems"][1]["LineItemID"], changed["SubTotal"]) == (keep, 300)
    renewed = await post(xero, f"Invoices/{made['InvoiceID']}", {"LineItems": [line(Description="b")]})
    assert renewed["LineItems"][0]["LineItemID"] != keep
    untouched = await post(xero, f"Invoices/{made['InvoiceID']}", {"Reference": "r"})
    assert (untouched["LineItems"], untouched["Reference"]) == (renewed["LineItems"], "r")


async def test_statuses_move_only_as_they_may(xero: Xero) -> None:
    draft = await xero.one("PUT", "Invoices", invoice(Status="DRAFT"))
    path = f"Invoices/{draft['InvoiceID']}"
    for status in ("SUBMITTED", "DRAFT", "AUTHORISED"):
        assert (await post(xero, path, {"Status": status}))["Status"] == status
    (failed,) = await xero.write("POST", "Invoices", [{"InvoiceID": draft["InvoiceID"], "Status": "DELETED"}])
    assert (failed["InvoiceID"], failed["Status"], failed["HasErrors"]) == (draft["InvoiceID"], "DELETED", True)
    assert failed["ValidationErrors"] == [{"Message": "Invoice not of valid status for modification"}]
    voided = await post(xero, path, {"Status": "VOIDED"})
    assert (voided["Status"], voided["AmountDue"]) == ("VOIDED", 120)
    assert (await xero.send("POST", path, {"Reference": "x"})).status_code == 400
    assert [w["verb"] for w in xero.journal.writes] == ["create", "update", "update", "update", "void"]


async def test_the_lock_date_also_guards_what_is_already_there(xero: Xero) -> None:
    made = await xero.one("PUT", "Invoices", invoice())
    await xero.control(f"organisation/{UK.tenant_id}", {"EndOfYearLockDate": "2026-11-01"})
    reply = await xero.send("POST", f"Invoices/{made['InvoiceID']}", {"Status": "VOIDED"})
    message = reply.json()["Elements"][0]["ValidationErrors"][0]["Message"]
    assert message == "The document date cannot be before the end of year lock date, currently set at 1 November 2026"


async def test_unknown_ids_in_a_body_lose_the_whole_request(xero: Xero) -> None:
    for element in (invoice(Contact={"ContactID": UNKNOWN}), {"InvoiceID": UNKNOWN, "Status": "VOIDED"}):
        reply = await xero.send("POST", "Invoices?summarizeErrors=false", {"Invoices": [invoice(), element]})
        assert (reply.status_code, reply.headers["content-type"][:9]) == (404, "text/html")
    assert xero.journal.writes == []


async def test_a_contact_block_with_more_than_an_id_changes_the_contact(xero: Xero) -> None:
    await xero.one("POST", "Contacts", {"ContactID": ACTIVE, "ContactPersons": [{"FirstName": "Ann"}]})
    await xero.one("PUT", "Invoices", invoice())
    assert (await xero.get(f"Contacts/{ACTIVE}"))["Contacts"][0]["ContactPersons"]
    await xero.one("PUT", "Invoices", invoice(Contact={"ContactID": ACTIVE, "Name": "Aston Bakery & Sons"}))
    changed = (await xero.get(f"Contacts/{ACTIVE}"))["Contacts"][0]
    assert (changed["Name"], changed["ContactPersons"]) == ("Aston Bakery & Sons", [])
    await xero.one("PUT", "Invoices", invoice(Contact={"Name": "Made on the way"}))
    made = (await xero.get("Contacts?searchTerm=on the way"))["Contacts"][0]
    assert made["IsCustomer"] is True
    lines = [line(AccountCode="300", TaxType="INPUT2")]
    await xero.one("PUT", "Invoices", invoice(Type="ACCPAY", Contact={"ContactID": ACTIVE}, LineItems=lines))
    assert (await xero.get(f"Contacts/{ACTIVE}"))["Contacts"][0]["IsSupplier"] is True


async def test_tracking_and_foreign_currency(xero: Xero) -> None:
    tracked = line(Tracking=[{"Name": "region", "Option": "north"}])
    made = await xero.one("PUT", "Invoices", invoice(CurrencyCode="EUR", LineItems=[tracked]))
    assert made["LineItems"][0]["Tracking"][0]["TrackingOptionID"] == UK.tracking[0].options[0].option_id
    assert made["CurrencyRate"] != 1
    own = await xero.one("PUT", "Invoices", invoice(CurrencyCode="EUR", CurrencyRate=Decimal("1.1234567")))
    assert own["CurrencyRate"] == Decimal("1.123457")


async def test_tax_of_another_region_is_unknown(xero: Xero) -> None:
    xero.tenant = AU.tenant_id
    assert (await xero.refusal("PUT", "Invoices", invoice()))[0].startswith("The TaxType code OUTPUT2 does not exist")
    made = await xero.one("PUT", "Invoices", invoice(LineItems=[line(TaxType="OUTPUT")]))
    assert (made["CurrencyCode"], made["TotalTax"]) == ("AUD", 10)


async def test_what_is_not_known_of_xero_is_noted(xero: Xero) -> None:
    assert await xero.refusal("PUT", "Invoices", invoice(DueDate=None)) == ["DueDate must be specified"]
    assert await xero.refusal("PUT", "Invoices", invoice(InvoiceID=UNKNOWN))
    await xero.one("PUT", "Invoices", invoice(Note="x"))
    assert xero.violations() == ["not known of Xero", "put with id", "field"]


async def test_payments_settle_and_are_taken_back(xero: Xero) -> None:
    made = await xero.one("PUT", "Invoices", invoice())
    id = made["InvoiceID"]

    def payment(amount: Any, **more: Any) -> dict[str, Any]:
        return {
            "Invoice": {"InvoiceID": id},
            "Account": {"Code": "090"},
            "Date": "2026-11-20",
            "Amount": amount,
            **more,
        }

    over = await xero.refusal("PUT", "Payments", payment(121))
    assert over == ["Payment amount exceeds the amount outstanding on this document"]
    assert await xero.refusal("PUT", "Payments", payment(1, Account={"Code": "200"})) == ["Account could not be found"]
    part = await xero.one("PUT", "Payments", payment(20))
    assert part["PaymentType"] == "ACCRECPAYMENT"
    edit = await xero.send("POST", f"Invoices/{id}", {"LineItems": [line(Quantity=2)]})
    assert "cannot be edited as it has a payment" in edit.text
    assert (await post(xero, f"Invoices/{id}", {"Reference": "allowed", "DueDate": "2027-01-01"}))[
        "Reference"
    ] == "allowed"
    assert "cannot be applied" in (await xero.send("POST", f"Invoices/{id}", {"Status": "VOIDED"})).text
    await xero.one("PUT", "Payments", payment(100))
    paid = (await xero.get(f"Invoices/{id}"))["Invoices"][0]
    assert (paid["Status"], paid["AmountDue"], paid["AmountPaid"]) == ("PAID", 0, 120)
    assert (paid["FullyPaidOnDate"], len(paid["Payments"])) == ("/Date(1795132800000+0000)/", 2)
    late = await xero.refusal("PUT", "Payments", payment(1))
    assert late == ["Payments can only be made against authorised documents"]
    await post(xero, f"Payments/{part['PaymentID']}", {"Status": "DELETED"})
    back = (await xero.get(f"Invoices/{id}"))["Invoices"][0]
    assert (back["Status"], back["AmountDue"], "FullyPaidOnDate" in back) == ("AUTHORISED", 20, False)
    paid_by_hand = await xero.control(f"payments/{UK.tenant_id}", {"InvoiceID": id})
    assert paid_by_hand["Amount"] == 20
    assert (await xero.get(f"Invoices/{id}"))["Invoices"][0]["Status"] == "PAID"


async def test_credit_notes_are_allocated_and_released(xero: Xero) -> None:
    bill = await xero.one("PUT", "Invoices", invoice())
    note = await xero.one("PUT", "CreditNotes", {**invoice(Type="ACCRECCREDIT"), "DueDate": None})
    path = f"CreditNotes/{note['CreditNoteID']}/Allocations"
    body = {"Allocations": [{"Amount": 120, "Date": "2026-11-20", "Invoice": {"InvoiceID": bill["InvoiceID"]}}]}
    made = (await xero.send("PUT", path, body)).json()["Allocations"][0]
    settled = (await xero.get(f"Invoices/{bill['InvoiceID']}"))["Invoices"][0]
    assert (settled["Status"], settled["AmountCredited"], settled["CreditNotes"][0]["AppliedAmount"]) == (
        "PAID",
        120,
        120,
    )
    used = (await xero.get("CreditNotes?page=1"))["CreditNotes"][0]
    assert (used["Status"], used["RemainingCredit"], used["CreditNoteNumber"]) == ("PAID", 0, "CN-0001")
    assert (await xero.send("PUT", path, body)).status_code == 400
    assert (await xero.send("DELETE", f"{path}/{made['AllocationID']}")).status_code == 200
    assert (await xero.get(f"Invoices/{bill['InvoiceID']}"))["Invoices"][0]["AmountDue"] == 120
    discount = {**invoice(Type="ACCRECCREDIT"), "LineItems": [line(DiscountRate=5)]}
    assert await xero.refusal("PUT", "CreditNotes", discount)


async def test_purchase_orders_by_number(xero: Xero) -> None:
    made = await xero.one("PUT", "PurchaseOrders", order(PurchaseOrderNumber="PO-1"))
    assert await xero.refusal("PUT", "PurchaseOrders", order(PurchaseOrderNumber="PO-1")) == [
        "Order number must be unique"
    ]
    again = await xero.one("POST", "PurchaseOrders", order(PurchaseOrderNumber="PO-1", Status="AUTHORISED"))
    assert again["PurchaseOrderID"] == made["PurchaseOrderID"]
    path = f"PurchaseOrders/{made['PurchaseOrderID']}"
    assert (await xero.send("POST", path, {"Status": "DRAFT"})).status_code == 400
    assert (await post(xero, path, {"Status": "BILLED"}))["Status"] == "BILLED"
    assert (await post(xero, path, {"Status": "DELETED"}))["Status"] == "DELETED"
    (dead,) = await xero.write("POST", "PurchaseOrders", [order(PurchaseOrderNumber="PO-1")])
    assert dead["PurchaseOrderID"] == ZERO_GUID
    assert [e["Message"] for e in dead["ValidationErrors"]] == [
        "PurchaseOrder status change is invalid",
        "Deleted PurchaseOrders cannot be updated",
    ]
    assert await xero.refusal("PUT", "PurchaseOrders", order(Contact={"Name": "Nobody yet"}))


async def test_totals_count_what_came_through_the_api_and_still_stands(xero: Xero) -> None:
    await xero.one("PUT", "Invoices", invoice())
    gone = await xero.one("PUT", "Invoices", invoice())
    await xero.one("PUT", "Invoices", invoice(CurrencyCode="EUR"))
    await xero.one("PUT", "PurchaseOrders", order())
    await post(xero, f"Invoices/{gone['InvoiceID']}", {"Status": "VOIDED"})
    assert (await xero.control("totals"))[UK.tenant_id] == {
        "EUR": {"invoice": {"documents": 1, "total": "120.00"}},
        "GBP": {
            "invoice": {"documents": 1, "total": "120.00"},
            "purchase_order": {"documents": 1, "total": "120.00"},
        },
    }
