"""A customer or supplier becomes a Xero contact: name, number, addresses, default taxes, terms."""

import unicodedata

from xerotui.model.kinds import Kind, Trade
from xerotui.model.postings import ContactPosting
from xerotui.model.problems import Place, RecordRef
from xerotui.model.records import Party, Terms
from xerotui.store import name_key
from xerotui.sync.findings import Findings
from xerotui.sync.pair import TAX, PairData, code_key

# xero-api section 9.2.
NAME_LIMIT = 255
NUMBER_LIMIT = 50
MOST_DAYS = 31


def name_fault(name: str) -> str:
    """Why Xero refuses a contact name; "" when it doesn't (xero-api section 9.2)."""
    if not name.strip():
        return "it is empty"
    if len(name) > NAME_LIMIT:
        return f"it has {len(name):,} characters, {NAME_LIMIT} are allowed"
    if "<" in name or ">" in name:
        return "it holds < or >"
    if any(unicodedata.category(c) == "Cc" for c in name):
        return "it holds control characters"
    return ""


def clean_name(name: str) -> str:
    """The name without outer and doubled blanks, which Xero refuses or silently changes."""
    return " ".join(name.split(" ")).strip() if "  " not in name else " ".join(p for p in name.split(" ") if p)


def place_of(ref: RecordRef) -> Place:
    """Where a person sees the whole record."""
    return Place("go.errors", {"connection": ref.connection, "kind": ref.kind.value, "record": ref.id})


def _check_name(data: PairData, party: Party, found: Findings) -> None:
    subject = f"{party.kind}:{party.id}"
    if fault := name_fault(party.name):
        short = party.name[:60] or party.id
        found.problem(
            "core.name_refused",
            subject,
            f"Xero refuses the name of {party.kind.label} {short}: {fault}.",
            place=place_of(found.ref),
        )
    if (party.kind is Kind.CUSTOMER or data.policy.supplier_codes) and not party.number.strip():
        found.problem(
            "core.account_number_missing",
            subject,
            f"{party.kind.label.capitalize()} {party.name[:80]} has no account number, so it isn't synced and neither "
            "are its documents.",
            place=place_of(found.ref),
        )
    elif len(party.number) > NUMBER_LIMIT:
        found.problem(
            "core.name_refused", subject, f"The account number of {party.name[:80]} is longer than {NUMBER_LIMIT}."
        )


def _tax(data: PairData, value: str, trade: Trade, path: str, found: Findings) -> str:
    if not value:
        return ""
    mapping = data.mapping(TAX, value, trade)
    if mapping is None:
        return ""
    found.value(path, f"mapping of tax rate {value}", mapping)
    return mapping.target


def _terms(party: Party, found: Findings) -> Terms | None:
    """Payment terms, where Xero can hold them: a day of 0 to 31 (xero-api section 9.2).

    Longer ones stay at the source; the due dates of documents are worked out from them all the same.
    """
    if party.terms is None:
        return None
    if not 0 <= party.terms.days <= MOST_DAYS:
        found.value("terms", f"{party.terms.days} days are more than Xero can hold; kept at the source")
        return None
    found.value("terms", "source")
    return party.terms


def resolve_party(data: PairData, party: Party, found: Findings) -> None:
    """Fill `found` with the contact posting of a customer or supplier, or with what stops it.

    A supplier may be without an account number, and its address is not sent, unless the pair's settings say so (H36).
    """
    _check_name(data, party, found)
    if found.blocked:
        return
    customer = party.kind is Kind.CUSTOMER
    found.value("name", "source")
    found.value("number", "source")
    found.posting = ContactPosting(
        kind=party.kind,
        name=clean_name(party.name),
        number=party.number.strip(),
        first_name=party.first_name[:NAME_LIMIT],
        last_name=party.last_name[:NAME_LIMIT],
        email=party.email.strip(),
        phone=party.phone[:NUMBER_LIMIT],
        tax_number=party.tax_number[:NUMBER_LIMIT],
        address=party.address if customer or data.policy.supplier_addresses else None,
        sales_tax=_tax(data, party.sales_tax, Trade.SALES, "sales_tax", found) if customer else "",
        purchase_tax="" if customer else _tax(data, party.purchase_tax, Trade.PURCHASE, "purchase_tax", found),
        terms=_terms(party, found),
    )


def taken_by_others(data: PairData, party: Party, posting: ContactPosting, xero_id: str) -> str:
    """The sentence that says who holds the name or number already; "" when nobody does.

    `xero_id` is the contact that this record is linked to, "" for a new one. Another source record planned under
    the same name counts as well: Xero would refuse the second.
    """
    for other in data.contacts.by_name.get(name_key(posting.name), []):
        if other.id != xero_id and other.status != "ARCHIVED":
            return f"The name {posting.name[:80]} is used by another active contact in Xero."
    if posting.number:
        for other in data.contacts.by_number.get(code_key(posting.number), []):
            if other.id != xero_id:
                state = "archived " if other.status == "ARCHIVED" else ""
                return f"The account number {posting.number} belongs to the {state}contact {other.name[:80]}."
    return ""
