"""Groups, batches, credit, merges, roles and switches: what an organisation does beyond plain documents."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.sandbox.xero_kit import (
    ACTIVE,
    ARCHIVED,
    SUPPLIER,
    TODAY,
    UK,
    UNKNOWN,
    ZERO_GUID,
    Xero,
    claims,
    invoice,
    line,
    running,
)
from xerotui.sandbox.service import decode
from xerotui.sandbox.world_seeds import SEEDS, tenant_of

BANK = UK.accounts[0].account_id
LOCKED = "The document date cannot be before the period lock date, currently set at 20 November 2026"


@pytest.fixture
async def xero(tmp_path: Path) -> AsyncIterator[Xero]:
    async with running(tmp_path) as made:
        yield made


async def messages(xero: Xero, method: str, path: str, body: Any) -> list[str]:
    """Every message of a request that is refused with 400."""
    reply = await xero.send(method, path, body)
    assert reply.status_code == 400, (reply.status_code, reply.text)
    elements = decode(reply.content)["Elements"]
    return [entry["Message"] for element in elements for entry in element["ValidationErrors"]]


async def act(xero: Xero, name: str, **body: Any) -> Any:
    """Do what a person does in Xero's own pages."""
    return await xero.control(f"{name}/{xero.tenant}", body)


async def contact(xero: Xero, id: str = ACTIVE) -> dict[str, Any]:
    found: dict[str, Any] = (await xero.get(f"Contacts/{id}"))["Contacts"][0]
    return found


async def bill(xero: Xero, number: str) -> dict[str, Any]:
    lines = [line(AccountCode="300", TaxType="INPUT2")]
    return await xero.one(
        "PUT",
        "Invoices",
        invoice(Type="ACCPAY", Contact={"ContactID": SUPPLIER}, LineItems=lines, InvoiceNumber=number),
    )


async def test_groups_are_made_filled_emptied_and_deleted(xero: Xero) -> None:
    made = await xero.send("PUT", "ContactGroups", {"ContactGroups": [{"Name": "Monthly"}, {"Name": "Yearly"}]})
    groups = decode(made.content)["ContactGroups"]
    assert [g["Status"] for g in groups] == ["ACTIVE", "ACTIVE"]
    id = groups[0]["ContactGroupID"]
    assert await messages(xero, "PUT", "ContactGroups", {"Name": "monthly"}) == ["Please enter a unique Name."]
    inside = f"ContactGroups/{id}/Contacts"
    added = await xero.send("PUT", inside, {"Contacts": [{"ContactID": ACTIVE}, {"ContactID": SUPPLIER}]})
    assert [c["Name"] for c in decode(added.content)["Contacts"]] == ["Aston Bakery", "Cable Store"]
    wrong = {"Contacts": [{"ContactID": ARCHIVED}]}
    assert await messages(xero, "PUT", inside, wrong) == ["Unable to assign an Archived contact."]
    assert (await xero.send("PUT", inside, {"Contacts": [{"ContactID": UNKNOWN}]})).status_code == 404
    alone = (await xero.get(f"ContactGroups/{id}"))["ContactGroups"][0]
    assert {c["ContactID"] for c in alone["Contacts"]} == {ACTIVE, SUPPLIER}
    assert "Contacts" not in (await xero.get("ContactGroups"))["ContactGroups"][0]
    assert [g["Name"] for g in (await contact(xero))["ContactGroups"]] == ["Monthly"]
    assert (await xero.send("DELETE", f"{inside}/{ACTIVE}")).status_code == 204
    assert (await xero.send("DELETE", f"{inside}/{ACTIVE}")).status_code == 404
    assert (await xero.send("DELETE", inside)).status_code == 204
    renamed = await xero.send("POST", f"ContactGroups/{id}", {"Name": "Each month"})
    assert decode(renamed.content)["ContactGroups"][0]["Name"] == "Each month"
    assert (await xero.send("POST", f"ContactGroups/{id}", {"Status": "DELETED"})).status_code == 200
    assert [g["Name"] for g in (await xero.get("ContactGroups"))["ContactGroups"]] == ["Yearly"]
    many = [{"Name": f"Group {n}"} for n in range(100)]
    limit = "You've reached the limit of 100 contact groups."
    assert await messages(xero, "PUT", "ContactGroups", {"ContactGroups": many}) == [limit]


async def test_a_batch_pays_several_documents_and_is_taken_back_whole(xero: Xero) -> None:
    bills = [await bill(xero, f"B{n}") for n in range(2)]
    parts = [{"Invoice": {"InvoiceID": b["InvoiceID"]}, "Amount": b["Total"]} for b in bills]
    batch = {"Account": {"AccountID": BANK}, "Date": "2026-11-20", "Reference": "Run 1", "Payments": parts}
    made = await xero.one("PUT", "BatchPayments", batch)
    assert (made["Type"], made["TotalAmount"], len(made["Payments"])) == ("PAYBATCH", Decimal("240.00"), 2)
    paid = (await xero.get("Invoices/" + bills[0]["InvoiceID"]))["Invoices"][0]
    assert (paid["Status"], paid["AmountDue"], paid["FullyPaidOnDate"]) == ("PAID", 0, "/Date(1795132800000+0000)/")
    one = paid["Payments"][0]["PaymentID"]
    assert await messages(xero, "POST", f"Payments/{one}", {"Status": "DELETED"}) != []
    owed = await bill(xero, "B9")
    half = {"Invoice": {"InvoiceID": owed["InvoiceID"]}, "Amount": Decimal("60.01")}
    split = {**batch, "Payments": [half, half]}
    over_all = ["Payment amount exceeds the amount outstanding on this document"]
    assert await messages(xero, "PUT", "BatchPayments", {"BatchPayments": [split]}) == over_all, "together too much"
    split["Payments"] = [{**half, "Amount": 60}] * 2
    twice = await xero.one("PUT", "BatchPayments", split)
    assert (await xero.get("Invoices/" + owed["InvoiceID"]))["Invoices"][0]["Status"] == "PAID"
    over = {**batch, "Payments": [{**parts[0], "Amount": 1}]}
    assert "authorised documents" in (await messages(xero, "PUT", "BatchPayments", {"BatchPayments": [over]}))[0]
    listed = (await xero.get('BatchPayments?where=Type=="PAYBATCH"'))["BatchPayments"]
    assert [b["BatchPaymentID"] for b in listed] == [made["BatchPaymentID"], twice["BatchPaymentID"]]
    await act(xero, "organisation", PeriodLockDate="2026-11-20")
    whole = f"BatchPayments/{made['BatchPaymentID']}"
    assert await messages(xero, "POST", whole, {"Status": "DELETED"}) == [LOCKED], "nothing in a locked period"
    await act(xero, "organisation", PeriodLockDate="2026-08-31")
    gone = await xero.send("POST", f"BatchPayments/{made['BatchPaymentID']}", {"Status": "DELETED"})
    assert decode(gone.content)["BatchPayments"][0]["Status"] == "DELETED"
    again = (await xero.get("Invoices/" + bills[0]["InvoiceID"]))["Invoices"][0]
    assert (again["Status"], again["AmountPaid"], again["Payments"]) == ("AUTHORISED", 0, [])


async def test_credit_is_laid_on_refunded_and_locks_what_it_settles(xero: Xero) -> None:
    owed = await xero.one("PUT", "Invoices", invoice())
    note = await xero.one("PUT", "CreditNotes", {**invoice(Type="ACCRECCREDIT"), "DueDate": None})
    id, path = owed["InvoiceID"], f"CreditNotes/{note['CreditNoteID']}/Allocations"
    laid = await xero.send("PUT", path, {"Allocations": [{"Amount": 50, "Invoice": {"InvoiceID": id}}]})
    assert laid.status_code == 200, laid.text
    euros = await xero.one("PUT", "Invoices", invoice(CurrencyCode="EUR"))
    other = {"Allocations": [{"Amount": 20, "Invoice": {"InvoiceID": euros["InvoiceID"]}}]}
    assert "another currency" in (await messages(xero, "PUT", path, other))[0]
    assert xero.violations() == ["not known of Xero"]
    settled = (await xero.get(f"Invoices/{id}"))["Invoices"][0]
    assert (settled["AmountCredited"], settled["AmountDue"]) == (50, 70)
    paid = "This document cannot be edited as it has a payment or credit note allocated to it."
    assert await messages(xero, "POST", f"Invoices/{id}", {"Contact": {"ContactID": SUPPLIER}}) == [paid]
    assert await messages(xero, "POST", f"Invoices/{id}", {"PlannedPaymentDate": "2026-12-24"}) == [paid]
    xero.clock.jump(60)
    later = await xero.send("POST", f"Invoices/{id}", {"DueDate": "2026-12-24", "SentToContact": True})
    quiet = decode(later.content)["Invoices"][0]
    assert quiet["UpdatedDateUTC"] == settled["UpdatedDateUTC"], "a moved due date of a part-paid invoice isn't seen"
    seen = await xero.send("POST", f"Invoices/{id}", {"Reference": "PO 7"})
    assert decode(seen.content)["Invoices"][0]["UpdatedDateUTC"] != settled["UpdatedDateUTC"]
    voided = await messages(xero, "POST", f"CreditNotes/{note['CreditNoteID']}", {"Status": "VOIDED"})
    assert voided[0].startswith("The status VOIDED cannot be applied")
    refund = await act(xero, "payments", CreditNoteID=note["CreditNoteID"])
    assert (refund["PaymentType"], Decimal(str(refund["Amount"]))) == ("ARCREDITPAYMENT", Decimal(70))
    spent = (await xero.get("CreditNotes/" + note["CreditNoteID"]))["CreditNotes"][0]
    assert (spent["Status"], spent["RemainingCredit"]) == ("PAID", 0)
    await act(xero, "unpay", PaymentID=refund["PaymentID"])
    await act(xero, "allocate", CreditNoteID=note["CreditNoteID"], InvoiceID=id)
    assert (await xero.get(f"Invoices/{id}"))["Invoices"][0]["Status"] == "PAID"
    over = [{"Amount": 1, "Date": "2026-11-20", "Invoice": {"InvoiceID": id}}]
    await act(xero, "organisation", PeriodLockDate="2026-11-21")
    closed = LOCKED.replace("20 ", "21 ")
    laid_on = decode(laid.content)["Allocations"][0]["AllocationID"]
    reply = await xero.send("DELETE", f"{path}/{laid_on}")
    assert (reply.status_code, closed in reply.text) == (400, True), "nothing in a locked period"
    assert closed in await messages(xero, "PUT", path, {"Allocations": over})
    await act(xero, "organisation", PeriodLockDate="2026-08-31")
    other = await xero.one("PUT", "Invoices", invoice())
    assert (await act(xero, "void", InvoiceID=other["InvoiceID"]))["Status"] == "VOIDED"
    balances = (await contact(xero))["Balances"]["AccountsReceivable"]
    assert (balances["Outstanding"], balances["Overdue"]) == (Decimal("103.82"), 0), "120 EUR in pounds"


async def test_a_payment_of_another_currency_has_a_rate_of_its_own(xero: Xero) -> None:
    owed = await xero.one("PUT", "Invoices", invoice(CurrencyCode="EUR", CurrencyRate=Decimal("1.25")))
    body = {"Invoice": {"InvoiceID": owed["InvoiceID"]}, "Account": {"Code": "090"}, "Date": "2026-11-20"}
    paid = await xero.one("PUT", "Payments", {**body, "Amount": 50, "CurrencyRate": Decimal("1.3")})
    assert (paid["CurrencyRate"], paid["BankAmount"]) == (Decimal("1.3"), Decimal("38.46")), "the account is in pounds"
    listed = (await xero.get("Invoices/" + owed["InvoiceID"]))["Invoices"][0]
    assert (listed["AmountDue"], listed["Payments"][0]["CurrencyRate"]) == (70, Decimal("1.3"))
    today = await xero.one("PUT", "Payments", {**body, "Amount": 10})
    assert today["CurrencyRate"] == Decimal("1.155844"), "the rate of the day, not the invoice's"
    (refused,) = await xero.write("PUT", "Payments", [{**body, "Amount": 10, "CurrencyRate": 0}])
    assert refused["ValidationErrors"] == [{"Message": "A currency rate must be specified"}]
    euro = {"Code": "091", "Name": "Euro bank", "Type": "BANK", "CurrencyCode": "EUR", "BankAccountNumber": "1"}
    assert (await xero.send("PUT", "Accounts", euro)).status_code == 200
    same = {**body, "Amount": 60, "CurrencyRate": Decimal("1.3"), "Account": {"Code": "091"}}
    assert (await xero.one("PUT", "Payments", same))["BankAmount"] == 60
    assert xero.violations() == []
    pounds = await xero.one("PUT", "Invoices", invoice(CurrencyRate=2))
    body["Invoice"] = {"InvoiceID": pounds["InvoiceID"]}
    assert (await xero.one("PUT", "Payments", {**body, "Amount": 10, "CurrencyRate": 2}))["CurrencyRate"] == 1
    assert xero.violations() == ["field", "field"], "a rate that is ignored is noted"
    await act(xero, "organisation", PeriodLockDate="2026-11-20")
    late = f"Payments/{paid['PaymentID']}"
    assert await messages(xero, "POST", late, {"Status": "DELETED"}) == [LOCKED], "nothing in a locked period"


async def test_what_is_refused_uses_no_number_and_no_sum_is_below_zero(xero: Xero) -> None:
    first = (await xero.one("PUT", "Invoices", invoice()))["InvoiceNumber"]
    body = {"Invoices": [invoice(LineItems=[])]}
    refused = await xero.send("PUT", "Invoices?summarizeErrors=false", body)
    assert "InvoiceNumber" not in decode(refused.content)["Invoices"][0], "what was asked for had none"
    for amount in (Decimal("100.01"), -1):
        words = (
            f"The discount rate '{Decimal(amount):.2f}' is invalid. Discount must not be greater than the line total."
        )
        assert await xero.refusal("PUT", "Invoices", invoice(LineItems=[line(DiscountAmount=amount)])) == [words]
    free = await xero.one("PUT", "Invoices", invoice(LineItems=[line(DiscountAmount=100)]))
    assert (free["Total"], free["TotalDiscount"]) == (0, 100)
    assert int(free["InvoiceNumber"][-4:]) == int(first[-4:]) + 1
    assert xero.violations() == []
    assert await xero.refusal("PUT", "Invoices", invoice(LineItems=[line(Quantity=-1)]))
    assert xero.violations() == ["not known of Xero"]
    await xero.one("PUT", "Invoices", invoice(LineItems=[line(), line(Quantity=-1)]))
    assert await xero.control("words") == {"The total of an approved Invoice is negative": 1}, "all else is Xero's own"
    id = (await xero.one("PUT", "Invoices", invoice(Status="DRAFT")))["InvoiceID"]
    assert (await xero.send("GET", f"Invoices/{id}/OnlineInvoice")).status_code == 400
    assert "Invoice not of valid status for an online invoice" in await xero.control("words")


async def test_a_merged_contact_points_to_the_other_and_its_documents_move(xero: Xero) -> None:
    made = await xero.one("PUT", "Invoices", invoice())
    await act(xero, "merge", ContactID=ACTIVE, into=SUPPLIER)
    alone = await contact(xero)
    assert (alone["ContactStatus"], alone["MergedToContactID"]) == ("ARCHIVED", SUPPLIER)
    (listed,) = (await xero.get(f"Contacts?IDs={ACTIVE}&includeArchived=true"))["Contacts"]
    assert "MergedToContactID" not in listed
    (paged,) = (await xero.get(f"Contacts?IDs={ACTIVE}&includeArchived=true&page=1"))["Contacts"]
    assert paged["MergedToContactID"] == SUPPLIER
    moved = (await xero.get("Invoices/" + made["InvoiceID"]))["Invoices"][0]
    assert moved["Contact"]["ContactID"] == SUPPLIER
    assert (await contact(xero, SUPPLIER))["Balances"]["AccountsReceivable"]["Outstanding"] == 120
    await act(xero, "archive", ContactID=ACTIVE, restore=True)
    assert (await contact(xero))["ContactStatus"] == "ACTIVE"


async def test_roles_plans_and_rates_refuse_in_their_own_words(xero: Xero) -> None:
    await act(xero, "role", approvals=1)
    await xero.one("PUT", "Invoices", invoice())
    cap = ["You have reached the limit of invoices you can approve"]
    assert await xero.refusal("PUT", "Invoices", invoice()) == cap
    await xero.one("PUT", "Invoices", invoice(Status="DRAFT"))
    await act(xero, "role", denied=["CreateApprovedInvoice", "CreateInvoicePayment", "UseMulticurrency"])
    denied = "The User specified does not have the correct permissions to perform this action."
    assert await xero.refusal("PUT", "Invoices", invoice()) == [denied]
    users = "Users Organisation is not subscribed to currency USD"
    assert users in await xero.refusal("PUT", "Invoices", invoice(Status="DRAFT", CurrencyCode="USD"))
    actions = {a["Name"]: a["Status"] for a in (await xero.get("Organisation/Actions"))["Actions"]}
    assert (actions["CreateApprovedInvoice"], actions["CreateDraftInvoice"]) == ("NOT-ALLOWED", "ALLOWED")
    await act(xero, "role")
    assert (await xero.send("PUT", "Currencies", {"Code": "JPY"})).status_code == 200
    assert await xero.refusal("PUT", "Invoices", invoice(CurrencyCode="JPY")) == ["A currency rate must be specified"]
    rated = await xero.one("PUT", "Invoices", invoice(CurrencyCode="JPY", CurrencyRate=Decimal("190.1234567")))
    assert rated["CurrencyRate"] == Decimal("190.123457")


async def test_what_is_not_known_of_xero_is_a_switch(xero: Xero) -> None:
    assert (await xero.control("behaviour"))["missing_scope"] == 401
    half = invoice(LineItems=[line(UnitAmount=Decimal("0.125"))], Status="DRAFT")
    assert (await xero.one("PUT", "Invoices", half))["SubTotal"] == Decimal("0.13")
    off = {"SubTotal": Decimal("100.05"), "TotalTax": 20, "Total": Decimal("120.05")}
    assert "total does not equal" in (await xero.refusal("PUT", "Invoices", invoice(**off)))[0]
    await xero.control("behaviour", {
        "ties": "even", "absorb_totals": True, "due_date_from_terms": True, "numbers_again": True,
        "put_contact_updates": True, "order_moves": "free", "key_conflict": "bare", "records": 2, "bytes": 4000,
    })  # fmt: skip
    assert (await xero.one("PUT", "Invoices", half))["SubTotal"] == Decimal("0.12")
    assert (await xero.one("PUT", "Invoices", invoice(**off)))["Total"] == Decimal("120.05")
    terms = {"Sales": {"Day": 10, "Type": "OFFOLLOWINGMONTH"}}
    changed = await xero.one("PUT", "Contacts", {"Name": "Aston Bakery", "PaymentTerms": terms})
    assert changed["ContactID"] == ACTIVE
    due = await xero.one("PUT", "Invoices", invoice(DueDate=None, InvoiceNumber="AGAIN"))
    assert due["DueDateString"] == "2026-12-10T00:00:00"
    await act(xero, "void", InvoiceID=due["InvoiceID"])
    await xero.one("PUT", "Invoices", invoice(InvoiceNumber="AGAIN"))
    reply = await xero.send("GET", "Invoices")
    assert (reply.status_code, "more than 2 records" in reply.text) == (400, True)
    assert (await xero.send("GET", 'Invoices?page=1&where=Status=="VOIDED"')).status_code == 200
    assert (await xero.send("GET", 'Invoices?page=1&where=Reference.Contains("x")')).status_code == 400
    assert (await xero.send("GET", 'Invoices?page=1&where=Status=="PAID"OR Type=="ACCPAY"')).status_code == 400
    ids = ",".join([ACTIVE] * 500)
    assert (await xero.send("GET", f"Contacts?IDs={ids}")).status_code == 404
    assert len((await xero.get(f"Contacts?IDs={ids[:14799]}"))["Contacts"]) == 1
    angled = {"Contacts": [{"Name": "a > b"}]}
    refused = decode((await xero.send("PUT", "Contacts?summarizeErrors=false", angled)).content)["Contacts"][0]
    assert refused["StatusAttributeString"] == "ERROR"
    await xero.control("behaviour", {"names_vanish": True})
    gone = decode((await xero.send("PUT", "Contacts?summarizeErrors=false", angled)).content)["Contacts"][0]
    assert (gone["ContactID"], gone["StatusAttributeString"]) == (ZERO_GUID, "OK")
    big = invoice(Reference="x" * 200, LineItems=[line(Description="y" * 3900)])
    assert (await xero.send("PUT", "Invoices", {"Invoices": [big]})).status_code == 413
    await xero.send("PUT", "Invoices", {"Invoices": [half]}, idempotency_key="k")
    conflict = await xero.send("PUT", "Invoices", {"Invoices": [invoice()]}, idempotency_key="k")
    assert conflict.json() == {"Message": "Idempotency Key: k is used with a different request"}
    url = f"{xero.emulator.service.control_url}/behaviour"
    assert (await xero.client.post(url, json={"no_such_switch": 1})).status_code == 400
    await xero.control("behaviour", {"missing_scope": 403, "windows": "fixed", "refused_calls_count": True})
    await xero.grant(scopes="accounting.contacts")
    assert (await xero.send("GET", "Invoices")).status_code == 403
    await xero.control("limits", {"minute": 2})
    await xero.control("reset-limits", {})
    replies = [await xero.send("GET", "Contacts?page=1") for _ in range(3)]
    assert [r.status_code for r in replies] == [200, 200, 429]
    xero.clock.jump(int(replies[2].headers["retry-after"]))
    assert (await xero.send("GET", "Contacts?page=1")).status_code == 200


async def test_documents_are_printed_for_those_who_ask_for_a_file(xero: Xero) -> None:
    made = await xero.one("PUT", "Invoices", invoice(InvoiceNumber="P(1)"))
    for path, accept in ((f"Invoices/{made['InvoiceID']}", "application/pdf"), ("Invoices/P(1)/pdf", "*/*")):
        reply = await xero.send("GET", path, accept=accept)
        if accept == "*/*":
            assert reply.status_code == 406, "a form has to be asked for"
            reply = await xero.send("GET", path, accept="application/pdf")
        assert (reply.status_code, reply.headers["content-type"]) == (200, "application/pdf")
        assert reply.content.startswith(b"%PDF-1.4")
        assert b"P\\(1\\)" in reply.content
        at = int(reply.content.rsplit(b"startxref", 1)[1].split()[0])
        assert reply.content[at:].startswith(b"xref")
    note = {"HistoryRecords": [{"Details": "Printed"}]}
    noted = decode((await xero.send("PUT", f"Invoices/{made['InvoiceID']}/History", note)).content)
    assert noted["HistoryRecords"][0]["DateUTCString"] == "2026-11-21T09:00:00"


async def test_connections_come_in_any_order_and_not_all_are_organisations(xero: Xero) -> None:
    mine = {"authorization": f"Bearer {xero.token}"}
    practice = await xero.control("practice", {"name": "Accountants"})
    await xero.control("behaviour", {"connections_shuffled": True})
    lists = [(await xero.client.get(f"{xero.url}/connections", headers=mine)).json() for _ in range(2)]
    assert [c["id"] for c in lists[0]] != [c["id"] for c in lists[1]]
    assert sorted(c["tenantType"] for c in lists[0]) == ["ORGANISATION"] * 3 + ["PRACTICE"]
    xero.tenant = practice["tenantId"]
    refused = await xero.send("GET", "Organisation")
    assert (refused.status_code, "xero-correlation-id" in refused.headers) == (403, True)


@pytest.mark.parametrize("key", sorted(SEEDS))
async def test_organisations_of_further_regions_can_be_added(xero: Xero, key: str) -> None:
    seed = tenant_of(key, TODAY)
    found = await xero.control("organisations", {"region": key})
    assert found["id"] == seed.tenant_id == (await xero.control("organisations", {"region": key}))["id"]
    await xero.grant()
    xero.tenant = seed.tenant_id
    info = (await xero.get("Organisation"))["Organisations"][0]
    assert (info["Version"], info["BaseCurrency"]) == (seed.version, seed.currency)
    rates = {r["TaxType"]: r for r in (await xero.get("TaxRates"))["TaxRates"]}
    sale = SEEDS[key].sale
    made = await xero.one(
        "PUT",
        "Invoices",
        invoice(Contact={"ContactID": seed.contacts[0].contact_id}, LineItems=[line(TaxType=sale)]),
    )
    assert made["TotalTax"] == rates[sale]["EffectiveRate"]
    if key == "nz":
        assert [code for code, r in rates.items() if r["Status"] == "DELETED"] == ["INPUT", "OUTPUT"]
        twins = (await xero.get('Contacts?page=1&where=ContactNumber=="502"'))["Contacts"]
        assert len(twins) == 2
    day = seed.period_lock_date
    assert day is not None
    early = invoice(Date=str(day), Contact={"ContactID": seed.contacts[0].contact_id}, LineItems=[line(TaxType=sale)])
    words = f"The document date cannot be before the period lock date, currently set at {day.day} {day:%B %Y}"
    assert await xero.refusal("PUT", "Invoices", early) == [words]


@pytest.mark.parametrize("prefix", ["", "/identity"])
async def test_tokens_prove_themselves_to_clients_that_check_them(xero: Xero, prefix: str) -> None:
    front = {"x-forwarded-proto": "https", "x-forwarded-host": "identity.example"}
    base = xero.url + prefix
    found = (await xero.client.get(f"{base}/.well-known/openid-configuration", headers=front)).json()
    assert found["issuer"] == f"https://identity.example{prefix}"
    found = (await xero.client.get(f"{base}/.well-known/openid-configuration")).json()
    assert found["issuer"] == base
    (key,) = (await xero.client.get(found["jwks_uri"])).json()["keys"]
    granted = await xero.grant()
    form = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
    about = xero.emulator.settings()
    basic = (about["client_id"], about["client_secret"])
    renewed = (await xero.client.post(found["token_endpoint"], data=form, auth=basic)).json()
    head, body, sign = renewed["id_token"].split(".")

    def number(text: str) -> int:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    raw = base64.urlsafe_b64decode(sign + "=" * (-len(sign) % 4))
    public = rsa.RSAPublicNumbers(number(key["e"]), number(key["n"])).public_key()
    public.verify(raw, f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    assert json.loads(base64.urlsafe_b64decode(head + "=="))["kid"] == key["kid"]
    told = claims(renewed["id_token"])
    assert (told["iss"], told["aud"], told["email"]) == (base, about["client_id"], "sam@sandbox.example")
    mine = {"authorization": f"Bearer {renewed['access_token']}"}
    assert len((await xero.client.get(f"{xero.url}/Connections", headers=mine)).json()) == 3
    lowered = {**mine, "xero-tenant-id": xero.tenant, "accept": "application/json"}
    assert (await xero.client.get(f"{xero.url}/API.xro/2.0/currencies", headers=lowered)).status_code == 200
    assert xero.violations() == []
