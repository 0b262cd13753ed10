"""What Xero's validation messages mean: a catalogue from wording to problem code, subject and remedy.

Wording can change (xero-api section 7.1): beginnings are matched without regard to case, the original text stays with
the problem, and what isn't known is `core.rejected` with Xero's own words.
"""

import re

import msgspec


class Reading(msgspec.Struct, frozen=True):
    """A message understood: code, subject hint (`account:200`, blank = the record itself), remedy, original words."""

    code: str
    subject: str
    remedy: str
    said: str


class _Entry(msgspec.Struct, frozen=True):
    pattern: re.Pattern[str]
    code: str
    remedy: str
    subject: str = ""


def _entry(pattern: str, code: str, remedy: str, subject: str = "") -> _Entry:
    return _Entry(re.compile(pattern, re.IGNORECASE | re.DOTALL), code, remedy, subject)


_QUOTED = r"['‘\"<]?(?P<x>[^'’\">]*)['’\">]?"

_CATALOGUE: tuple[_Entry, ...] = (
    _entry(
        r"the contact name (?P<x>.+?) is already assigned to another contact",
        "core.name_taken",
        "Link this record to the contact that has the name (Imports), or rename one of the two.",
        "name:{x}",
    ),
    _entry(
        r"the contact number (?P<x>.+?) is already assigned to another contact|another contact has this contact number",
        "core.number_taken",
        "Another contact, perhaps an archived one, carries this contact number: link this record to it on Imports.",
        "contact_number:{x}",
    ),
    _entry(
        r"the account number already exists",
        "core.number_taken",
        "Another contact, perhaps an archived one, has this account number: link this record to it, or change one.",
    ),
    _entry(
        r"the contact with the specified contact details has been archived",
        "core.contact_archived",
        "Restore the contact in Xero's own pages (the API can't), or link another contact.",
    ),
    _entry(
        r"the specified contact details matched an archived contact|unable to assign an archived contact",
        "core.contact_archived",
        "Restore the contact in Xero's own pages (the API can't), or link another contact.",
    ),
    _entry(
        r"the status '?archived'? is not valid for contacts",
        "core.rejected",
        "A contact can't be made archived: create it first, then archive it.",
    ),
    _entry(r"contact name cannot be empty", "core.name_refused", "Give the customer a name in the source."),
    _entry(
        r"(?:the )?(?:contact )?name\b.{0,40}(?:cannot|must not|can't|invalid|longer|more than|exceed)",
        "core.name_refused",
        "Shorten or clean the name in the source: 255 characters, no < or >, no control characters.",
    ),
    _entry(
        r"the contact must contain at least 1|a contact must be specified",
        "core.customer_missing",
        "Sync or link the customer of this document first.",
    ),
    _entry(
        r"email address must be valid",
        "core.rejected",
        "Correct the e-mail address in the source; Xero takes plain letters only.",
    ),
    _entry(r"website must be valid", "core.rejected", "Correct the web address in the source."),
    _entry(
        r"invoice # must be unique|order number must be unique|credit note # must be unique",
        "core.number_taken",
        "Another document has this number: adopt it if it is the same one, else renumber one of the two.",
    ),
    _entry(
        r"purchaseorder status change is invalid|deleted purchaseorders cannot be updated",
        "core.number_taken",
        "The number belongs to an order that was deleted in Xero: give this one a new number.",
    ),
    _entry(
        r"invoice not of valid (?:status|type) for creation",
        "core.rejected",
        "A new document can only be a draft, submitted or authorised: change the status in the pair's settings.",
    ),
    _entry(
        r"(?:invoice|credit ?note|purchaseorder|document) not of valid status for modification",
        "core.locked_document",
        "It is paid, voided or deleted in Xero: correct it there, or with a credit note.",
    ),
    _entry(
        r"this document cannot be edited as it has a payment or credit note",
        "core.locked_document",
        "Remove the payment or credit note in Xero first, or correct it with a credit note.",
    ),
    _entry(
        r"the status '?voided'? cannot be applied",
        "core.locked_document",
        "Remove payments and credit notes from the document in Xero, then void it again.",
    ),
    _entry(
        r"one or more line items must be specified",
        "core.rejected",
        "Add a line to the document in the source, or send it as a draft.",
    ),
    _entry(
        r"the (?:invoice|document) total does not equal|the tax amount cannot be greater",
        "core.total_mismatch",
        "Correct quantities, prices or tax of the document in the source.",
    ),
    _entry(
        r"account code (?:or id )?must be specified",
        "core.account_missing",
        "Set the account on the item or the line, or set a default account.",
    ),
    _entry(
        rf"account code {_QUOTED} has been archived or deleted",
        "core.account_archived",
        "Restore the account in Xero, or use another account on the line or item.",
        "account:{x}",
    ),
    _entry(
        rf"account code {_QUOTED} is not a valid code for this document",
        "core.account_unknown",
        "Choose an account that can be used on this kind of document: not a bank or system account.",
        "account:{x}",
    ),
    _entry(
        rf"account code {_QUOTED} has been removed",
        "core.account_unknown",
        "Xero saved the document without the account: correct the code, then set the account in Xero.",
        "account:{x}",
    ),
    _entry(
        r"account must be valid",
        "core.account_unknown",
        "Correct the account of the item in the source, or create the account in Xero.",
    ),
    _entry(
        r"the taxtype field is mandatory",
        "core.tax_unmapped",
        "Map the rate on Tax mapping, or give the account a default tax rate in Xero.",
    ),
    _entry(
        rf"the taxtype code {_QUOTED} cannot be used with account code",
        "core.tax_account_conflict",
        "Map the rate, or the account, to another one.",
        "tax:{x}",
    ),
    _entry(
        rf"the taxtype code {_QUOTED} does not exist or cannot be used",
        "core.tax_gone",
        "Map the rate to an active one of this organisation on Tax mapping.",
        "tax:{x}",
    ),
    _entry(r"tax rate must be valid", "core.tax_gone", "Map the rate to an active one on Tax mapping."),
    _entry(
        rf"item code {_QUOTED} is not valid",
        "core.item_unmapped",
        "Create or import the item, see that it is sold (or purchased) in Xero, or correct the code.",
        "item:{x}",
    ),
    _entry(
        rf"price list item with code {_QUOTED} already exists",
        "core.number_taken",
        "The item exists in Xero: link it on Imports.",
        "item:{x}",
    ),
    _entry(
        r"price list item code must not be more than",
        "core.item_incomplete",
        "Shorten the item's code in the source to 30 characters.",
    ),
    _entry(
        r"the document date cannot be before the (?:end of year|period) lock date|.*\block date, currently set at",
        "core.period_locked",
        "Move the lock date in Xero, or date the document after it.",
        "lock",
    ),
    _entry(
        r"unknown tracking details",
        "core.mapping_missing",
        "Map the value to an active tracking option of this organisation.",
        "tracking",
    ),
    _entry(
        rf".*organisation is not subscribed to currency {_QUOTED}\s*\.?$",
        "core.currency_missing",
        "Add the currency in Xero; XeroTUI never adds one unasked.",
        "currency:{x}",
    ),
    _entry(
        r"a currency rate must be specified",
        "core.rejected",
        "Xero has no rate for that day: give the rate in the source.",
    ),
    _entry(
        r"the discount rate .* is invalid",
        "core.rejected",
        "Correct the discount in the source: percent, at most 100.",
    ),
    _entry(
        r"only authorised .* may have senttocontact updated",
        "core.warning",
        "Mark it as sent in Xero once it is approved.",
    ),
    _entry(
        r"could not find line item\(s\)|an existing credit note with the specified",
        "core.conflict",
        "The document was changed in Xero: read it again, then plan again.",
    ),
    _entry(
        r"payment amount exceeds|payments can only be made against authorised|account could not be found",
        "core.rejected",
        "Check the document's status, what is due on it, and the payment account in Xero.",
    ),
    _entry(
        r"you have reached the limit of invoices you can approve",
        "core.rejected",
        "The organisation's Xero plan allows no more approved invoices this month: send drafts, or change the plan.",
        "plan_limit",
    ),
    _entry(
        r"the user specified does not have the correct permissions",
        "core.rejected",
        "Connect again as a user whose role in this organisation may do this.",
        "permissions",
    ),
    _entry(
        r"guid should contain 32 digits",
        "core.rejected",
        "An id is malformed: link the record again on Imports.",
    ),
)


def read_message(message: str) -> Reading:
    """A message as a problem code with subject hint and remedy; unknown wording is `core.rejected`."""
    text = " ".join(message.split())
    for entry in _CATALOGUE:
        if found := entry.pattern.match(text):
            value = (found.groupdict().get("x") or "").strip(" <>'\"")
            subject = entry.subject.format(x=value) if value or "{x}" not in entry.subject else ""
            return Reading(entry.code, subject, entry.remedy, message)
    return Reading("core.rejected", "", "Read what Xero said, correct the record in the source, then retry.", message)
