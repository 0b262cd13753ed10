"""Decoding contacts: our typed way from Xero's bytes to records, against the standard library's JSON with Decimal.

Prints contacts a second for both and the ratio. The peer only makes dictionaries; ours makes checked records.
"""

import json
import statistics
import time
from collections.abc import Callable
from decimal import Decimal

from xerotui.net.http import Response
from xerotui.xero.wire import opened
from xerotui.xero.wire_contacts import contact

CONTACTS = 1000
ROUNDS = 9


def page() -> bytes:
    """A full page of contacts as Xero writes them."""
    rows = [
        {
            "ContactID": f"00000000-0000-4000-8000-{n:012d}",
            "ContactNumber": f"C{n}",
            "AccountNumber": f"ACC{n:05d}",
            "ContactStatus": "ACTIVE",
            "Name": f"Customer number {n} & Söhne Ltd",
            "FirstName": "Jo",
            "LastName": "Bloggs",
            "EmailAddress": f"jo{n}@example.com",
            "BankAccountDetails": "",
            "TaxNumber": f"GB{n:09d}",
            "AccountsReceivableTaxType": "OUTPUT2",
            "AccountsPayableTaxType": "INPUT2",
            "Addresses": [
                {"AddressType": "STREET", "City": "", "Region": "", "PostalCode": "", "Country": ""},
                {"AddressType": "POBOX", "AddressLine1": f"{n} High Street", "City": "Leeds", "PostalCode": "LS1 4AP"},
            ],
            "Phones": [
                {"PhoneType": t, "PhoneNumber": "", "PhoneAreaCode": "", "PhoneCountryCode": ""}
                for t in ("DDI", "DEFAULT", "FAX", "MOBILE")
            ],
            "UpdatedDateUTC": "/Date(1789378205000+0000)/",
            "ContactGroups": [],
            "IsSupplier": n % 9 == 0,
            "IsCustomer": True,
            "SalesTrackingCategories": [],
            "PaymentTerms": {"Sales": {"Day": 30, "Type": "DAYSAFTERBILLDATE"}},
            "Balances": {"AccountsReceivable": {"Outstanding": n + 0.25, "Overdue": 0.0}},
            "HasAttachments": False,
            "HasValidationErrors": False,
        }
        for n in range(CONTACTS)
    ]
    return json.dumps({"Id": "x", "Status": "OK", "Contacts": rows}).encode()


def ours(body: bytes) -> int:
    """Bytes to records, the way the client does it."""
    envelope = opened(Response(200, {}, body), "Contacts")
    records = [contact(raw, "tenant") for raw in envelope.elements]
    assert records[1].balance == Decimal("1.25")
    return len(records)


def peer(body: bytes) -> int:
    """Bytes to dictionaries with exact numbers."""
    rows = json.loads(body, parse_float=Decimal)["Contacts"]
    assert rows[1]["Balances"]["AccountsReceivable"]["Outstanding"] == Decimal("1.25")
    return len(rows)


def rate(work: Callable[[bytes], int], body: bytes) -> float:
    """Contacts a second, the median of the rounds."""
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        assert work(body) == CONTACTS
        seconds.append(time.perf_counter() - began)
    return CONTACTS / statistics.median(seconds)


def main() -> None:
    """Measure both and print the ratio."""
    body = page()
    mine, other = rate(ours, body), rate(peer, body)
    print(f"decode: {mine:,.0f} contacts/s to records, {other:,.0f} to dictionaries by json; ratio {mine / other:.2f}")


if __name__ == "__main__":
    main()
