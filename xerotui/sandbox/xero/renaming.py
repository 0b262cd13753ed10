"""What is renamed is renamed everywhere: documents and records show an account, item or option as it is called now.

Only the copies of names and codes; whether something may be renamed is decided elsewhere. Nothing counts as updated.
"""

from __future__ import annotations

from collections.abc import Iterator

from xerotui.sandbox.xero.store import Organisation, Record, folded

_DOCUMENTS = ("Invoices", "CreditNotes", "PurchaseOrders")
_CONTACT_CODES = ("SalesDefaultAccountCode", "PurchasesDefaultAccountCode")


def account(org: Organisation, before: Record | None, after: Record) -> None:
    """Let everything follow an account to its new code."""
    old, new = (before or {}).get("Code"), after.get("Code")
    if before is None or old == new:
        return
    for line in _lines(org):
        if line.get("AccountID") == after["AccountID"]:
            line["AccountCode"] = new
    for plural in ("Payments", "BatchPayments"):
        for payment in org[plural]:
            if payment["Account"].get("AccountID") == after["AccountID"] and "Code" in payment["Account"]:
                payment["Account"]["Code"] = new
    if not old:
        return
    for item in org["Items"]:
        for details in (item, item.get("SalesDetails", {}), item.get("PurchaseDetails", {})):
            _swap(details, ("AccountCode", "COGSAccountCode", "InventoryAssetAccountCode"), old, new)
    for contact in org["Contacts"]:
        _swap(contact, _CONTACT_CODES, old, new)


def item(org: Organisation, before: Record | None, after: Record) -> None:
    """Let the lines follow an item to its new code: none stands on a line that isn't there, so codes mean one item."""
    if before is None or before["Code"] == after["Code"]:
        return
    for line in _lines(org):
        _swap(line, ("ItemCode",), before["Code"], after["Code"])


def category(org: Organisation, after: Record) -> None:
    """Let the lines follow a tracking category and its options to their new names."""
    options = {option["TrackingOptionID"]: option["Name"] for option in after["Options"]}
    for line in _lines(org):
        for entry in line.get("Tracking", []):
            if entry["TrackingCategoryID"] == after["TrackingCategoryID"]:
                entry["Name"] = after["Name"]
                entry["Option"] = options.get(entry["TrackingOptionID"], entry["Option"])


def _swap(record: Record, names: tuple[str, ...], old: str, new: str | None) -> None:
    for name in names:
        if folded(record.get(name) or "") == folded(old):
            record[name] = new


def _lines(org: Organisation) -> Iterator[Record]:
    for plural in _DOCUMENTS:
        for document in org[plural]:
            yield from document["LineItems"]
