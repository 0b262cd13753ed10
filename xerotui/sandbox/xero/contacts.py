"""Contacts: what may be written, what is unique among whom, how an update finds its contact.

Rules of xero-api sections 5.1, 7.1 and 9.2 live here; documents only call `resolve` and `commit`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from xerotui.sandbox.xero.call import Call, Verdict, answer_batch, answer_one
from xerotui.sandbox.xero.errors import ZERO_GUID
from xerotui.sandbox.xero.render import contact_whole
from xerotui.sandbox.xero.schema import Clean
from xerotui.sandbox.xero.store import Organisation, Record, new_id

MATCHED_ARCHIVED = (
    "The specified contact details matched an archived contact. "
    "Archived contacts cannot currently be edited via the API."
)
FLAG = "HasValidationErrors"
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_WEBSITE = re.compile(r"https?://[^\s/@]+\.[^\s@]+", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TERMS = ("DAYSAFTERBILLDATE", "DAYSAFTERBILLMONTH", "OFCURRENTMONTH", "OFFOLLOWINGMONTH")
_PHONES = ("DEFAULT", "DDI", "FAX", "MOBILE")
_MERGED = {"Addresses": "AddressType", "Phones": "PhoneType"}


def put_many(call: Call) -> Response:
    """PUT /Contacts: create; a taken name is refused."""
    cleans = call.elements("Contacts", "Contact")
    return answer_batch(call, "Contacts", cleans, _create, FLAG)


def post_many(call: Call) -> Response:
    """POST /Contacts: update what the id, the number or the name matches, else create."""
    cleans = call.elements("Contacts", "Contact")
    for clean in cleans:
        call.known("Contacts", clean.values.get("ContactID"))
    return answer_batch(call, "Contacts", cleans, _create_or_update, FLAG)


def post_one(call: Call) -> Response:
    """POST /Contacts/{ContactID}: update that contact."""
    target = call.target("Contacts", call.args[0])
    clean = call.one("Contacts", "Contact")
    return answer_one(call, "Contacts", save(call, clean, target), FLAG)


def _create(call: Call, clean: Clean) -> Verdict:
    if call.org.behaviour.put_contact_updates and not clean.values.get("ContactID"):
        return save(call, clean, match(call.org, {"Name": clean.values.get("Name", "")}))
    if clean.values.get("ContactID"):
        call.violation("put with id", "a contact that is created has no id yet")
        clean.errors.append("A contact with an id can't be created")
    return save(call, clean, None)


def _create_or_update(call: Call, clean: Clean) -> Verdict:
    return save(call, clean, match(call.org, clean.values))


def match(org: Organisation, values: Record) -> Record | None:
    """Return the contact that a POST means: by id, by number (archived ones too), by name among active ones."""
    table = org["Contacts"]
    if id := values.get("ContactID"):
        return table.get(id)
    if values.get("ContactNumber") and (found := table.find("ContactNumber", values["ContactNumber"])):
        return found[0]
    for record in table.find("Name", values.get("Name", "")):
        if record["ContactStatus"] == "ACTIVE":
            return record
    return None


def save(call: Call, clean: Clean, target: Record | None) -> Verdict:
    """Create a contact or change ``target``; nothing is stored where there is an error."""
    candidate, errors = prepare(call.org, clean.values, target)
    errors = [*clean.errors, *errors]
    if call.org.behaviour.names_vanish and {"<", ">"} & set(clean.values.get("Name", "")):
        return Verdict({**candidate, "ContactID": ZERO_GUID})
    if errors:
        echo = {**candidate, "ContactID": target["ContactID"] if target else ZERO_GUID}
        echo = {"Addresses": [], "Phones": [], "ContactGroups": [], "ContactPersons": [], **echo}
        return Verdict(echo, errors)
    return Verdict(contact_whole(call.org, commit(call, candidate, target)))


def prepare(org: Organisation, values: Record, target: Record | None) -> tuple[Record, list[str]]:
    """Return the contact as it would become, and the messages against it."""
    if target is not None and target["ContactStatus"] == "ARCHIVED":
        return {**target, **values}, [MATCHED_ARCHIVED]
    candidate = dict(target or {"ContactID": new_id(), "ContactStatus": "ACTIVE"})
    for name, value in values.items():
        if name == "Website":
            continue  # judged, but only a person's to write
        if by := _MERGED.get(name):
            value = _merged(candidate.get(name, []), value, by)
        candidate[name] = value
    errors: list[str] = []
    _judge_name(org, candidate, values, target, errors)
    _judge_status(candidate, target, errors)
    _judge_unique(org, candidate, values, errors)
    _judge_details(org, values, errors)
    return candidate, errors


def commit(call: Call, candidate: Record, target: Record | None) -> Record:
    """Store a prepared contact and note the write."""
    verb = "update" if target else "create"
    if target and candidate["ContactStatus"] == "ARCHIVED" != target["ContactStatus"]:
        verb = "archive"
    candidate.setdefault("IsCustomer", False)
    candidate.setdefault("IsSupplier", False)
    stored = call.org.save("Contacts", candidate)
    call.write("contact", verb, stored["ContactID"], stored.get("AccountNumber", ""), name=stored["Name"])
    return stored


def _merged(before: list[Record], wanted: list[Record], by: str) -> list[Record]:
    merged = {entry.get(by): dict(entry) for entry in before}
    for entry in wanted:
        kind = entry.get(by, "DEFAULT" if by == "PhoneType" else "POBOX")
        merged[kind] = {**merged.get(kind, {}), **entry, by: kind}
    return list(merged.values())


def _judge_name(org: Organisation, candidate: Record, values: Record, target: Record | None, errors: list[str]) -> None:
    if "Name" not in values and target is not None:
        return
    name = candidate.get("Name", "")
    if not name.strip():
        errors.append("Contact Name cannot be empty.")
        return
    if len(name) > 255:
        errors.append("Contact Name must not be more than 255 characters long")
    if "<" in name or ">" in name or _CONTROL.search(name):
        errors.append("Contact Name contains characters that are not allowed")
    if name != name.strip() or "  " in name:
        errors.append("Contact Name cannot begin or end with a blank or have two blanks together")
    for other in org["Contacts"].find("Name", name):
        if other["ContactID"] != candidate["ContactID"] and other["ContactStatus"] == "ACTIVE":
            errors.append(
                f"The contact name {name} is already assigned to another contact. "
                "The contact name must be unique across all active contacts."
            )
            return


def _judge_status(candidate: Record, target: Record | None, errors: list[str]) -> None:
    status = candidate["ContactStatus"]
    allowed = ("ACTIVE", "ARCHIVED", "GDPRREQUEST") if target else ("ACTIVE",)
    if status not in allowed:
        errors.append(f"The status '{status}' is not valid for contacts")


def _judge_unique(org: Organisation, candidate: Record, values: Record, errors: list[str]) -> None:
    def taken(field: str) -> bool:
        value = values.get(field)
        found = org["Contacts"].find(field, value) if value else []
        return any(other["ContactID"] != candidate["ContactID"] for other in found)

    if taken("ContactNumber"):
        errors.append(
            f"The contact number {values['ContactNumber']} is already assigned to another contact. "
            "The contact number must be unique across all contacts."
        )
    if taken("AccountNumber"):
        errors.append("The Account Number already exists. Please enter a different Account Number.")


def _judge_details(org: Organisation, values: Record, errors: list[str]) -> None:
    persons: list[dict[str, Any]] = values.get("ContactPersons", [])
    if len(persons) > 5:
        errors.append("A contact has at most 5 ContactPersons")
    emails = [values.get("EmailAddress"), *(person.get("EmailAddress") for person in persons)]
    if any(email and not _EMAIL.fullmatch(email) for email in emails):
        errors.append("Email address must be valid.")
    if (site := values.get("Website")) and not _WEBSITE.fullmatch(site):
        errors.append("Website must be valid")
    for name in ("AccountsReceivableTaxType", "AccountsPayableTaxType"):
        if (code := values.get(name)) and not _active_rate(org, code):
            errors.append(f"The TaxType code {code} does not exist or cannot be used for this type of transaction.")
    currency = values.get("DefaultCurrency")
    if currency and currency != org.currency and org["Currencies"].get(currency) is None:
        errors.append(org.unsubscribed(currency))
    for name in ("SalesDefaultAccountCode", "PurchasesDefaultAccountCode"):
        if values.get(name) and org.account(values[name]) is None:
            errors.append("Account must be valid.")
    for term in values.get("PaymentTerms", {}).values():
        if term.get("Type") not in _TERMS or not 0 <= term.get("Day", -1) <= 31:
            errors.append("PaymentTerms must have a Day of 0 to 31 and a valid Type")
    if any(a.get("AddressType", "POBOX") not in ("POBOX", "STREET") for a in values.get("Addresses", [])):
        errors.append("AddressType must be POBOX or STREET")
    if any(p.get("PhoneType", "DEFAULT") not in _PHONES for p in values.get("Phones", [])):
        errors.append("PhoneType must be valid")


def due(contact: Record, day: date, sale: bool) -> date | None:
    """Return the due date by the payment terms of a contact, or None where it has none."""
    term = (contact.get("PaymentTerms") or {}).get("Sales" if sale else "Bills") or {}
    number, months = int(term.get("Day", 0)), {"OFCURRENTMONTH": 0, "OFFOLLOWINGMONTH": 1, "DAYSAFTERBILLMONTH": 1}
    if term.get("Type") == "DAYSAFTERBILLDATE":
        return day + timedelta(days=number)
    if term.get("Type") not in months:
        return None
    ahead = day.month - 1 + months[term["Type"]]
    first = date(day.year + ahead // 12, ahead % 12 + 1, 1)
    if term["Type"] == "DAYSAFTERBILLMONTH":
        return first + timedelta(days=number - 1)
    return first.replace(day=min(max(number, 1), monthrange(first.year, first.month)[1]))


def _active_rate(org: Organisation, code: str) -> bool:
    rate = org["TaxRates"].get(code)
    return rate is not None and rate["Status"] == "ACTIVE"


def by_reference(org: Organisation, block: Record) -> tuple[Record | None, str]:
    """Return the contact that a document's Contact block names, and a message where there can't be one."""
    if not any(block.get(name) for name in ("ContactID", "ContactNumber", "Name")):
        return None, (
            "The Contact must contain at least 1 of the following elements to identify the contact: "
            "Name, ContactID, ContactNumber"
        )
    found = match(org, block)
    if found is None and not block.get("Name"):
        return None, "Contact Name cannot be empty."
    return found, ""
