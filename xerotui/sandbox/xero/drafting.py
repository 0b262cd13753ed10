"""Judging one document before it is stored: what it would become, and every message against it.

Rules of xero-api sections 5.4, 7.1, 8 and 9.8 to 9.10 about documents live here. Nothing is stored.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from xerotui.sandbox.xero import contacts, lines
from xerotui.sandbox.xero.call import Call
from xerotui.sandbox.xero.currency import NO_RATE, day_rate
from xerotui.sandbox.xero.doctypes import Family
from xerotui.sandbox.xero.payments import NOT_PERMITTED, locked
from xerotui.sandbox.xero.schema import Clean
from xerotui.sandbox.xero.store import Record, new_id
from xerotui.sandbox.xero.tax import ZERO, rounded, totals

ARCHIVED_CONTACT = (
    "The contact with the specified contact details has been archived. "
    "The contact must be un-archived before creating new invoices or credit notes."
)
PAID_EDIT = "This document cannot be edited as it has a payment or credit note allocated to it."
PAID_VOID = "The status VOIDED cannot be applied to this document as it has payments or credit notes allocated to it."
_NEW_STATUSES = ("DRAFT", "SUBMITTED", "AUTHORISED")
_AMOUNT_TYPES = {"exclusive": "Exclusive", "inclusive": "Inclusive", "notax": "NoTax"}
_PLAIN = [
    "Reference",
    "Url",
    "ExpectedPaymentDate",
    "PlannedPaymentDate",
    "DeliveryDate",
    "ExpectedArrivalDate",
    "DeliveryAddress",
    "AttentionTo",
    "Telephone",
    "DeliveryInstructions",
]
_PAID_MAY_CHANGE = {
    "Reference", "DueDate", "InvoiceNumber", "CreditNoteNumber", "BrandingThemeID", "Contact", "Url",
    "PlannedPaymentDate", "SentToContact", "LineItems", "InvoiceID", "CreditNoteID", "Type",
}  # fmt: skip
_PAID_LINE_KEEPS = ("Quantity", "UnitAmount", "LineAmount", "TaxType", "ItemCode", "DiscountRate", "TaxAmount")


class Draft:
    """One document on trial: ``record`` is what it would become, ``errors`` and ``warnings`` what is said of it."""

    def __init__(self, call: Call, family: Family, clean: Clean, target: Record | None) -> None:
        self.call = call
        self.org = call.org
        self.family = family
        self.values = clean.values
        self.target = target
        self.errors: list[str] = list(clean.errors)
        self.warnings: list[str] = []
        self.contact: Record | None = None
        self.contact_change: Record | None = None
        self.record: Record = dict(target or {family.id: new_id(), "LineItems": []})

    def judge(self) -> None:
        """Work out the document and collect the messages against it."""
        if not self._type():
            return
        if self.target is not None and not self._changeable():
            self.record.update({k: v for k, v in self.values.items() if k in ("Status", "Reference")})
            return
        self._status()
        self._contact()
        self._dates()
        self._number()
        self._plain()
        self._currency()
        self._lines()
        self._totals()

    @property
    def sale(self) -> bool:
        """Whether it is a document of the sales side."""
        return self.family.types[self.record["Type"]][1]

    def refuse(self, message: str) -> None:
        """Note an error once."""
        if message not in self.errors:
            self.errors.append(message)

    def unsourced(self, message: str) -> None:
        """Refuse what isn't known of Xero, and note that it was tried."""
        self.refuse(message)
        self.call.violation("not known of Xero", message)

    # -------------------------------------------------------------- type, status

    def _type(self) -> bool:
        family = self.family
        default = self.record.get("Type") or ("PURCHASEORDER" if not family.ledger else None)
        wanted = self.values.get("Type") or default
        if wanted not in family.types or (self.target and wanted != self.target["Type"]):
            self.refuse(f"{family.singular} not of valid type for creation")
            self.record.setdefault("Type", wanted)
            return False
        self.record["Type"] = wanted
        return True

    def _changeable(self) -> bool:
        assert self.target is not None
        status = self.target["Status"]
        wanted = self.values.get("Status", status)
        if status in self.family.final:
            self.refuse(self.family.bad_move)
            if not self.family.ledger:
                self.refuse("Deleted PurchaseOrders cannot be updated")
            return False
        if self.family.ledger and self._locked(self.target["Date"]):
            return False
        if self._settled() and wanted == "VOIDED":
            self.refuse(PAID_VOID)
            return False
        if wanted not in self._moves(status):
            self.refuse(self.family.bad_move)
            return False
        if self._settled() and not self._only_harmless():
            self.refuse(PAID_EDIT)
            return False
        return True

    def _moves(self, status: str) -> tuple[str, ...]:
        """Return the statuses that may follow; of orders not all is known (xero-api sections 9.9 and 15)."""
        moves, behaviour = self.family.moves[status], self.org.behaviour
        if self.family.ledger:
            return moves
        if behaviour.order_moves == "free":
            moves = ("DRAFT", "SUBMITTED", "AUTHORISED", "BILLED", "DELETED")
        return moves if behaviour.billed_by_api or status == "BILLED" else tuple(m for m in moves if m != "BILLED")

    def _settled(self) -> bool:
        target = self.target or {}
        return bool(target.get("AmountPaid") or target.get("AmountCredited") or target.get("_applied"))

    def _only_harmless(self) -> bool:
        assert self.target is not None
        changed = {
            name
            for name, value in self.values.items()
            if name not in ("Contact", "LineItems") and self.target.get(name) != value
        }
        if changed - _PAID_MAY_CHANGE or ("PlannedPaymentDate" in changed and self.sale):
            return False
        if self.target.get("AmountCredited") and self._other_contact():
            return False
        if "LineItems" not in self.values:
            return True
        before = {line["LineItemID"]: line for line in self.target["LineItems"]}
        after = self.values["LineItems"]
        if {line.get("LineItemID") for line in after} != set(before):
            return False
        return not any(
            name in line and line[name] != before[line["LineItemID"]].get(name)
            for line in after
            for name in _PAID_LINE_KEEPS
        )

    def _other_contact(self) -> bool:
        """Tell whether the block names another contact, which what a credit note settled may not get."""
        block = self.values.get("Contact")
        found = contacts.by_reference(self.org, block)[0] if block else None
        assert self.target is not None
        return block is not None and (found or {}).get("ContactID") != self.target["Contact"]["ContactID"]

    def _permitted(self) -> None:
        """Refuse what the consenting user's role, or the organisation's plan, doesn't allow."""
        org, record, family = self.org, self.record, self.family
        approving = record["Status"] == "AUTHORISED" and (self.target or {}).get("Status") != "AUTHORISED"
        action = "CreateApprovedInvoice" if approving else "CreateDraftInvoice" if not self.target else "EditInvoice"
        if family.ledger and org.denied(action):
            self.refuse(NOT_PERMITTED)
        cap = org.info.get("_approvals")
        if approving and cap is not None and family.plural == "Invoices":
            month = org.today().replace(day=1)
            if sum(i.get("_approved", month) >= month for i in org["Invoices"] if "_approved" in i) >= cap:
                self.refuse("You have reached the limit of invoices you can approve")
        if approving:
            record["_approved"] = org.today()

    def _status(self) -> None:
        wanted = self.values.get("Status") or self.record.get("Status") or "DRAFT"
        if self.target is None and wanted not in _NEW_STATUSES:
            self.refuse(f"{self.family.singular} not of valid status for creation")
        self.record["Status"] = wanted
        self._permitted()
        sent = self.values.get("SentToContact")
        if sent is not None and wanted not in (*self.family.approved, "PAID"):
            self.warnings.append(self.family.sent_warning)
        elif sent is not None:
            self.record["SentToContact"] = sent
        self.record.setdefault("SentToContact", False)

    # -------------------------------------------------------------- contact

    def _contact(self) -> None:
        block = self.values.get("Contact")
        if block is None:
            if self.target is None:
                self.refuse("A Contact must be specified for this type of transaction")
            return
        found, message = contacts.by_reference(self.org, block)
        addressed = block.get("ContactID") or block.get("ContactNumber")
        if not message and not self.family.creates_contacts and (found is None or not addressed):
            message = "A Contact must be specified for this type of transaction"
        if message:
            self.refuse(message)
            return
        if found is not None and found["ContactStatus"] == "ARCHIVED":
            self.refuse(ARCHIVED_CONTACT)
        else:
            self._change_contact(block, found)
        self.contact = found
        if found is not None:
            self.record["Contact"] = {"ContactID": found["ContactID"]}

    def _change_contact(self, block: Record, found: Record | None) -> None:
        """Let more than an id in the Contact block change the contact, as it does in Xero (section 5.1)."""
        named_by = next(name for name in ("ContactID", "ContactNumber", "Name") if block.get(name))
        if found is not None and not set(block) - {named_by}:
            return
        changes = {**block, "ContactPersons": block.get("ContactPersons", [])}
        if found is not None and all(found.get(name, []) == value for name, value in changes.items()):
            return
        candidate, errors = contacts.prepare(self.org, changes, found)
        self.errors.extend(errors)
        self.contact_change = candidate

    # -------------------------------------------------------------- dates, number

    def _dates(self) -> None:
        record, values = self.record, self.values
        record["Date"] = values.get("Date") or record.get("Date") or self.org.today()
        if "DueDate" in values:
            record["DueDate"] = values["DueDate"]
        if self.family.ledger:
            self._locked(record["Date"])
        if self.family.due_date and not record.get("DueDate") and self.org.behaviour.due_date_from_terms:
            record["DueDate"] = contacts.due(self.contact or {}, record["Date"], self.sale)
        if self.family.due_date and record["Status"] == "AUTHORISED" and not record.get("DueDate"):
            self.unsourced("DueDate must be specified")

    def _locked(self, day: date) -> bool:
        messages = locked(self.org, day)
        for message in messages:
            self.refuse(message)
        return bool(messages)

    def _number(self) -> None:
        family, record = self.family, self.record
        wanted = self.values.get(family.number) or record.get(family.number)
        unique = record["Type"] in family.unique
        if wanted is None:
            # One that is missing is drawn when the document is stored: what is refused uses none up.
            return
        record[family.number] = wanted
        changed = self.target is None or wanted != self.target.get(family.number)
        others = self.org[family.plural].find(family.number, wanted) if unique and changed else []
        if self.org.behaviour.numbers_again and family.ledger:
            others = [o for o in others if o["Status"] not in family.final]
        if any(o[family.id] != record[family.id] and o["Type"] == record["Type"] for o in others):
            self.refuse(family.number_taken)

    def _plain(self) -> None:
        record, values = self.record, self.values
        for name in _PLAIN:
            if name in values:
                record[name] = values[name]
        if record["Type"] == "ACCPAY" and values.get("Reference"):
            record.pop("Reference")
            self.call.violation("field", "Reference of a bill is ignored: only sales invoices have one")
        url = values.get("Url")
        if url and not _good_url(url):
            self.refuse("Url must be a valid absolute URL that does not contain xero")
        themes = self.org["BrandingThemes"]
        theme = values.get("BrandingThemeID")
        if theme and themes.get(theme) is None:
            self.unsourced(f"Branding theme {theme} could not be found")
        record["BrandingThemeID"] = (
            theme
            or record.get("BrandingThemeID")
            or next((t["BrandingThemeID"] for t in themes if t["SortOrder"] == 0), None)
        )

    def _currency(self) -> None:
        org, record = self.org, self.record
        default = (self.contact or {}).get("DefaultCurrency") if self.target is None else None
        code = self.values.get("CurrencyCode") or record.get("CurrencyCode") or default or org.currency
        record["CurrencyCode"] = code
        if code == org.currency:
            record["CurrencyRate"] = Decimal(1)
            if self.values.get("CurrencyRate", 1) != 1:
                self.call.violation("field", f"CurrencyRate is ignored: {code} is the organisation's own")
            return
        if org["Currencies"].get(code) is None:
            self.refuse(org.unsubscribed(code))
            return
        rate = self.values.get("CurrencyRate") or (
            record.get("CurrencyRate") if self.target is not None else day_rate(org.currency, code)
        )
        if not rate or rate <= 0:
            self.refuse(NO_RATE)
            return
        record["CurrencyRate"] = rounded(rate, 6)

    # -------------------------------------------------------------- lines, totals

    def _absorbed(self, computed: dict[str, Any]) -> bool:
        """Take three totals that fit each other and are off by at most ten pence, where Xero is set to do so."""
        sent = [self.values.get(name) for name in computed]
        if not self.org.behaviour.absorb_totals or None in sent or self.record["Status"] == "DRAFT":
            return False
        sub, tax, total = (rounded(amount) for amount in sent if amount is not None)
        if sub + tax != total or abs(total - computed["Total"]) > Decimal("0.10"):
            return False
        computed.update(SubTotal=sub, TotalTax=tax, Total=total)
        return True

    def _lines(self) -> None:
        record, values, family = self.record, self.values, self.family
        wanted = values.get("LineAmountTypes") or record.get("LineAmountTypes") or "Exclusive"
        types = _AMOUNT_TYPES.get(wanted.lower())
        if types is None:
            self.refuse(f"LineAmountTypes {wanted} is not valid")
            types = "Exclusive"
        changed = types != record.get("LineAmountTypes")
        record["LineAmountTypes"] = types
        approved = record["Status"] in family.approved
        newly = approved and (self.target or {}).get("Status") not in family.approved
        rules = lines.LineRules(
            org=self.org,
            sale=self.sale,
            approved=approved,
            places=4 if not family.ledger else self.call.places,
            types=types,
            discounts=record["Type"] in family.discounts,
        )
        if "LineItems" in values:
            record["LineItems"] = lines.build(rules, values["LineItems"], record["LineItems"])
        elif self.target is not None and (changed or newly):
            record["LineItems"] = lines.rebuild(rules, record["LineItems"])
        if not record["LineItems"] and record["Status"] in ("SUBMITTED", *family.approved):
            rules.refuse("One or more line items must be specified")
        self.errors.extend(error for error in rules.errors if error not in self.errors)
        self.warnings.extend(rules.warnings)

    def _totals(self) -> None:
        record = self.record
        sub, tax, total = totals(record["LineItems"], record["LineAmountTypes"])
        computed: dict[str, Any] = {"SubTotal": sub, "TotalTax": tax, "Total": total}
        wrong = any(self.values.get(name) not in (None, amount) for name, amount in computed.items())
        if wrong and not self._absorbed(computed):
            self.refuse(f"The {self.family.singular.lower()} total does not equal the sum of the lines.")
        record.update(computed)
        if self.family.ledger and record["Status"] == "AUTHORISED" and computed["Total"] < 0 and not self.errors:
            self.unsourced(f"The total of an approved {self.family.singular} is negative")
        if self.family.plural != "CreditNotes":
            record["TotalDiscount"] = sum(map(_discount, record["LineItems"]), ZERO)
            record["IsDiscounted"] = bool(record["TotalDiscount"])
        if self.family.plural == "Invoices":
            paid, credited = record.setdefault("AmountPaid", ZERO), record.setdefault("AmountCredited", ZERO)
            record["AmountDue"] = total - paid - credited
        elif self.family.plural == "CreditNotes":
            record["RemainingCredit"] = total - record.setdefault("_applied", ZERO)
            record.setdefault("Allocations", [])


def _discount(line: Record) -> Decimal:
    if not line.get("DiscountRate") and not line.get("DiscountAmount"):
        return ZERO
    return Decimal(rounded(line["Quantity"] * line["UnitAmount"]) - line["LineAmount"])


def _good_url(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and "xero" not in url.lower()
