"""Writing contacts and items: matching, uniqueness, batches (xero-api sections 5, 7.1, 9.2 and 9.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.xero_kit import ACTIVE, ARCHIVED, UK, UNKNOWN, ZERO_GUID, Xero, invoice, line, running
from xerotui.sandbox.service import decode


@pytest.fixture
async def xero(tmp_path: Path) -> AsyncIterator[Xero]:
    async with running(tmp_path) as made:
        yield made


async def test_put_creates_and_post_silently_rewrites_the_namesake(xero: Xero) -> None:
    made = await xero.one("PUT", "Contacts", {"Name": "Dene Vets", "ContactNumber": "9"})
    assert (made["StatusAttributeString"], made["ContactStatus"]) == ("OK", "ACTIVE")
    refused = await xero.refusal("PUT", "Contacts", {"Name": "aston bakery"})
    assert refused[0].startswith("The contact name aston bakery is already assigned to another contact.")
    changed = await xero.one("POST", "Contacts", {"Name": "ASTON BAKERY", "EmailAddress": "new@aston.example"})
    assert (changed["ContactID"], changed["EmailAddress"]) == (ACTIVE, "new@aston.example")
    renamed = await xero.one("POST", "Contacts", {"ContactNumber": "9", "Name": "Dene Veterinary"})
    assert renamed["ContactID"] == made["ContactID"]
    kinds = [(w["verb"], w["id"]) for w in xero.journal.writes]
    assert kinds == [("create", made["ContactID"]), ("update", ACTIVE), ("update", made["ContactID"])]
    assert xero.violations() == []


async def test_archived_contacts_still_hold_their_numbers_but_not_their_names(xero: Xero) -> None:
    number = await xero.refusal("PUT", "Contacts", {"Name": "A", "ContactNumber": "77"})
    assert number[0].startswith("The contact number 77 is already assigned")
    account = await xero.refusal("PUT", "Contacts", {"Name": "B", "AccountNumber": "bro001"})
    assert account == ["The Account Number already exists. Please enter a different Account Number."]
    await xero.one("PUT", "Contacts", {"Name": "Brook Motors"})
    for body in ({"ContactID": ARCHIVED, "Name": "C"}, {"ContactNumber": "77"}):
        refused = await xero.refusal("POST", "Contacts", body)
        assert refused[0].startswith("The specified contact details matched an archived contact.")
    await xero.one("POST", "Contacts", {"ContactID": ACTIVE, "ContactStatus": "ARCHIVED"})
    assert xero.journal.writes[-1]["verb"] == "archive"


async def test_names_that_xero_refuses_and_names_that_it_takes(xero: Xero) -> None:
    bad = ["", "  ", "a < b", "a > b", "ring\x07", "esc\x1b[2J", "n\x00l", "x" * 256, " lead", "two  blanks"]
    good = ["[b]Bold[/b] & Sons [/]", "Café 株式会社 🧑‍💻", "x" * 255]
    elements = await xero.write("PUT", "Contacts", [{"Name": name} for name in (*bad, *good)])
    assert [e["StatusAttributeString"] for e in elements] == ["ERROR"] * len(bad) + ["OK"] * len(good)
    assert [e["Name"] for e in elements[len(bad) :]] == good


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"EmailAddress": "ü@x.example"}, "Email address must be valid."),
    ({"ContactStatus": "ARCHIVED"}, "The status 'ARCHIVED' is not valid for contacts"),
    ({"DefaultCurrency": "USD"}, "Organisation is not subscribed to currency USD"),
    ({"AccountNumber": "n" * 51}, "AccountNumber must not be more than 50 characters long"),
    ({"AccountsReceivableTaxType": "OUTPUT"}, "The TaxType code OUTPUT does not exist"),
    ({"ContactPersons": [{"FirstName": "a"}] * 6}, "A contact has at most 5 ContactPersons"),
]


async def test_details_that_xero_refuses(xero: Xero) -> None:
    for change, message in REFUSED:
        assert (await xero.refusal("PUT", "Contacts", {"Name": "X", **change}))[0].startswith(message)


async def test_what_is_left_out_stays_but_persons_are_replaced(xero: Xero) -> None:
    street = {"AddressType": "STREET", "City": "Leeds"}
    persons = [{"FirstName": "Ann"}, {"FirstName": "Bob"}]
    await xero.one("POST", "Contacts", {"ContactID": ACTIVE, "Addresses": [street], "ContactPersons": persons})
    await xero.one("POST", "Contacts", {"ContactID": ACTIVE, "TaxNumber": "GB1", "ContactPersons": persons[1:]})
    shown = (await xero.get(f"Contacts/{ACTIVE}"))["Contacts"][0]
    assert shown["ContactPersons"] == [{"FirstName": "Bob"}]
    assert (shown["EmailAddress"], shown["Addresses"][0]["City"]) == ("a@aston.example", "Leeds")


async def test_a_batch_commits_its_good_elements_whatever_the_bad_ones_do(xero: Xero) -> None:
    body = {"Contacts": [{"Name": "Good 1"}, {"Name": "Aston Bakery"}, {"Name": "Good 2"}]}
    mixed = await xero.send("PUT", "Contacts?summarizeErrors=false", body)
    elements = mixed.json()["Contacts"]
    assert [e["StatusAttributeString"] for e in elements] == ["OK", "ERROR", "OK"]
    assert [e["HasValidationErrors"] for e in elements] == [False, True, False]
    assert elements[1]["ContactID"] == ZERO_GUID
    body = {"Contacts": [{"Name": "Good 3"}, {"Name": "Aston Bakery"}]}
    for target in ("Contacts", "Contacts?summarizeErrors=true"):
        refused = await xero.send("PUT", target, body)
        assert refused.status_code == 400
        found = refused.json()
        assert (found["ErrorNumber"], found["Type"]) == (10, "ValidationException")
        assert found["Elements"][-1]["Name"] == "Aston Bakery"
        body = {"Contacts": [{"Name": "Good 4"}, {"Name": "Aston Bakery"}]}
    names = [w["name"] for w in xero.journal.writes]
    assert names == ["Good 1", "Good 2", "Good 3", "Good 4"]


async def test_bodies_that_cannot_be_read(xero: Xero) -> None:
    for body, kind, number in (
        (b"{", "PostDataInvalidException", 14),
        (b'{"Contact":[{"Name":"X"}]}', "NoDataProcessedException", 17),
        (b'{"Contacts":[]}', "NoDataProcessedException", 17),
        (b'{"Contacts":[{"Name":5}]}', "NoDataProcessedException", 17),
    ):
        reply = await xero.send("PUT", "Contacts", body)
        assert (reply.status_code, reply.json()["Type"], reply.json()["ErrorNumber"]) == (400, kind, number)
    assert xero.violations() == ["body"] * 4
    await xero.one("PUT", "Contacts", {"Name": "Bare", "Colour": "red"})
    assert xero.violations() == ["field"]
    assert xero.journal.writes[-1]["name"] == "Bare"
    bare = await xero.send("PUT", "Contacts", {"Name": "Not wrapped"})
    assert bare.status_code == 200
    unknown = await xero.send("POST", "Contacts?summarizeErrors=false", {"Contacts": [{"ContactID": UNKNOWN}]})
    assert (unknown.status_code, unknown.headers["content-type"][:9]) == (404, "text/html")


async def test_items_are_matched_by_code_and_checked(xero: Xero) -> None:
    sale = {"UnitPrice": Decimal("1.23456"), "AccountCode": "200", "TaxType": "OUTPUT2"}
    made = await xero.one("PUT", "Items", {"Code": "CAB-1", "Name": "Cable", "SalesDetails": sale})
    assert made["SalesDetails"]["UnitPrice"] == Decimal("1.2346")
    cut = await xero.send("POST", "Items", {"Items": [{"Code": "CAB-1", "SalesDetails": sale}]})
    assert decode(cut.content)["Items"][0]["SalesDetails"]["UnitPrice"] == Decimal("1.23")
    taken = await xero.refusal("PUT", "Items", {"Code": "cab-1", "Name": "Again"})
    assert taken == ["Price List Item with Code 'cab-1' already exists"]
    long = await xero.refusal("PUT", "Items", {"Code": "x" * 31})
    assert long == ["Price List Item Code must not be more than 30 characters long"]
    wrong = {"Code": "W", "SalesDetails": {"AccountCode": "999", "TaxType": "NOPE"}}
    assert set(await xero.refusal("PUT", "Items", wrong)) == {"Account must be valid.", "Tax rate must be valid."}
    again = await xero.one("POST", "Items", {"Code": "CAB-1", "Name": "Cable 2 m"})
    assert (again["ItemID"], again["SalesDetails"]["TaxType"]) == (made["ItemID"], "OUTPUT2")
    await xero.one("PUT", "Invoices", invoice(LineItems=[line(ItemCode="CAB-1")]))
    assert (await xero.send("DELETE", f"Items/{made['ItemID']}")).status_code == 400
    unused = await xero.one("PUT", "Items", {"Code": "TMP"})
    assert (await xero.send("DELETE", f"Items/{unused['ItemID']}")).status_code == 204
    assert (await xero.send("GET", "Items/TMP")).status_code == 404


async def test_a_person_can_change_things_behind_the_api(xero: Xero) -> None:
    await xero.control(f"contacts/{UK.tenant_id}/{ACTIVE}", {"ContactStatus": "ARCHIVED"})
    refused = await xero.refusal("PUT", "Invoices", invoice())
    assert refused[0].startswith("The contact with the specified contact details has been archived.")
    state = await xero.control(f"state/{UK.tenant_id}/contacts")
    assert {c["ContactStatus"] for c in state if c["ContactID"] == ACTIVE} == {"ARCHIVED"}
    assert xero.journal.writes == []
