"""Contacts on the wire: what Xero says of one, and what a posting says to it."""

from decimal import Decimal
from typing import Any

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.postings import ContactPosting
from xerotui.model.records import Address, Party, Terms
from xerotui.xero.dates import instant, version
from xerotui.xero.wire import Wire, read


class AddressWire(Wire):
    """A postal (POBOX) or street address of a contact."""

    AddressType: str | None = None
    AddressLine1: str | None = None
    AddressLine2: str | None = None
    AddressLine3: str | None = None
    AddressLine4: str | None = None
    City: str | None = None
    Region: str | None = None
    PostalCode: str | None = None
    Country: str | None = None


class PhoneWire(Wire):
    """One of a contact's four numbers."""

    PhoneType: str | None = None
    PhoneNumber: str | None = None
    PhoneAreaCode: str | None = None
    PhoneCountryCode: str | None = None


class TermWire(Wire):
    """When one side of the books pays: a number and the rule that reads it."""

    Day: int | None = None
    Type: str | None = None


class TermsWire(Wire):
    """Payment terms of bills and of sales."""

    Bills: TermWire | None = None
    Sales: TermWire | None = None


class OutstandingWire(Wire):
    """What is open on one side of the books."""

    Outstanding: Decimal | None = None


class BalancesWire(Wire):
    """A contact's open balances."""

    AccountsReceivable: OutstandingWire | None = None
    AccountsPayable: OutstandingWire | None = None


class ContactWire(Wire):
    """Xero's Contact (xero-api section 9.2)."""

    ContactID: str = ""
    ContactNumber: str | None = None
    AccountNumber: str | None = None
    ContactStatus: str | None = None
    Name: str | None = None
    FirstName: str | None = None
    LastName: str | None = None
    EmailAddress: str | None = None
    TaxNumber: str | None = None
    Website: str | None = None
    DefaultCurrency: str | None = None
    AccountsReceivableTaxType: str | None = None
    AccountsPayableTaxType: str | None = None
    Addresses: list[AddressWire] | None = None
    Phones: list[PhoneWire] | None = None
    PaymentTerms: TermsWire | None = None
    IsCustomer: bool | None = None
    IsSupplier: bool | None = None
    Balances: BalancesWire | None = None
    MergedToContactID: str | None = None
    UpdatedDateUTC: str | None = None


def contact(raw: msgspec.Raw | bytes, tenant: str) -> Party:
    """A contact as a party of kind customer, whatever it is used for; the flags tell that.

    The address is the postal one, else the street; facts hold `version`, and `bill_terms` where bills have terms.
    """
    wire = read(raw, ContactWire)
    terms = wire.PaymentTerms or TermsWire()
    sales, bills = _terms(terms.Sales), _terms(terms.Bills)
    facts = {"version": version(wire.UpdatedDateUTC)}
    if bills:
        facts["bill_terms"] = f"{bills.days} {bills.rule}"
    owed = wire.Balances.AccountsReceivable if wire.Balances else None
    payable = wire.Balances.AccountsPayable if wire.Balances else None
    if payable and payable.Outstanding:
        facts["payable"] = str(payable.Outstanding)
    return Party(
        id=wire.ContactID,
        kind=Kind.CUSTOMER,
        name=wire.Name or "",
        tenant=tenant,
        modified=instant(wire.UpdatedDateUTC),
        facts=facts,
        number=wire.AccountNumber or "",
        active=(wire.ContactStatus or "ACTIVE") == "ACTIVE",
        first_name=wire.FirstName or "",
        last_name=wire.LastName or "",
        email=wire.EmailAddress or "",
        phone=_phone(wire.Phones or []),
        website=wire.Website or "",
        tax_number=wire.TaxNumber or "",
        address=_address(wire.Addresses or []),
        sales_tax=wire.AccountsReceivableTaxType or "",
        purchase_tax=wire.AccountsPayableTaxType or "",
        terms=sales or bills,
        currency=wire.DefaultCurrency or "",
        status=wire.ContactStatus or "ACTIVE",
        contact_number=wire.ContactNumber or "",
        is_customer=bool(wire.IsCustomer),
        is_supplier=bool(wire.IsSupplier),
        balance=owed.Outstanding if owed else None,
        merged_into=wire.MergedToContactID or "",
    )


def _terms(wire: TermWire | None) -> Terms | None:
    if wire is None or wire.Day is None:
        return None
    return Terms(wire.Day, wire.Type or "DAYSAFTERBILLDATE")


def _phone(phones: list[PhoneWire]) -> str:
    for phone in phones:
        if phone.PhoneType == "DEFAULT":
            parts = (phone.PhoneCountryCode, phone.PhoneAreaCode, phone.PhoneNumber)
            return " ".join(p for p in parts if p)
    return ""


def _address(addresses: list[AddressWire]) -> Address | None:
    found: dict[str, Address] = {}
    for wire in addresses:
        lines = (wire.AddressLine1, wire.AddressLine2, wire.AddressLine3, wire.AddressLine4)
        address = Address(
            tuple(line for line in lines if line),
            wire.City or "",
            wire.Region or "",
            wire.PostalCode or "",
            wire.Country or "",
        )
        if address != Address():
            found[wire.AddressType or ""] = address
    return found.get("POBOX") or found.get("STREET")


def contact_body(posting: ContactPosting) -> dict[str, Any]:
    """A contact as Xero takes it, without blanks: what a source doesn't know it must not wipe out.

    The address goes to the postal slot, which is the one that invoices show.
    """
    body = {
        "Name": posting.name,
        "AccountNumber": posting.number,
        "ContactNumber": posting.contact_number,
        "FirstName": posting.first_name,
        "LastName": posting.last_name,
        "EmailAddress": posting.email,
        "TaxNumber": posting.tax_number,
        "AccountsReceivableTaxType": posting.sales_tax,
        "AccountsPayableTaxType": posting.purchase_tax,
        "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": posting.phone}] if posting.phone else None,
        "Addresses": [_address_body(posting.address)] if posting.address else None,
        "PaymentTerms": _terms_body(posting) if posting.terms else None,
    }
    return {name: value for name, value in body.items() if value}


def _address_body(address: Address) -> dict[str, str]:
    # Four lines at most; a fifth joins the fourth.
    lines = [*address.lines[:3], ", ".join(address.lines[3:])]
    body = {"AddressType": "POBOX"}
    body |= {f"AddressLine{n}": line for n, line in enumerate(lines, 1)}
    body |= {"City": address.city, "Region": address.region, "PostalCode": address.postcode, "Country": address.country}
    return {name: value for name, value in body.items() if value}


def _terms_body(posting: ContactPosting) -> dict[str, Any]:
    assert posting.terms is not None
    side = "Bills" if posting.kind is Kind.SUPPLIER else "Sales"
    return {side: {"Day": posting.terms.days, "Type": posting.terms.rule}}
