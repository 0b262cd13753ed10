"""The organisation itself, its accounts and its currencies (xero-api sections 9.1, 9.5 and 9.7)."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.responses import Response

from xerotui.sandbox.xero import renaming
from xerotui.sandbox.xero.call import Call, Verdict, answer_one
from xerotui.sandbox.xero.currency import CODES
from xerotui.sandbox.xero.errors import ZERO_GUID, Refused, invalid
from xerotui.sandbox.xero.render import shape
from xerotui.sandbox.xero.schema import Clean
from xerotui.sandbox.xero.store import Organisation, Record, new_id

CLASSES = {
    **dict.fromkeys(("BANK", "CURRENT", "FIXED", "INVENTORY", "NONCURRENT", "PREPAYMENT"), "ASSET"),
    "EQUITY": "EQUITY",
    **dict.fromkeys(
        ("DIRECTCOSTS", "EXPENSE", "OVERHEADS", "DEPRECIATN", "SUPERANNUATIONEXPENSE", "WAGESEXPENSE"),
        "EXPENSE",
    ),
    **dict.fromkeys(
        ("CURRLIAB", "LIABILITY", "TERMLIAB", "PAYG", "PAYGLIABILITY", "SUPERANNUATIONLIABILITY",
         "WAGESPAYABLELIABILITY"),
        "LIABILITY",
    ),
    **dict.fromkeys(("REVENUE", "SALES", "OTHERINCOME"), "REVENUE"),
}  # fmt: skip
_ACTIONS = [
    "AttachFilesIntoInvoice",
    "CreateApprovedInvoice",
    "CreateDraftInvoice",
    "CreateInvoicePayment",
    "CreateRepeatingInvoice",
    "EditInvoice",
    "UseMulticurrency",
]


def organisation(call: Call) -> Response:
    """GET /Organisation."""
    return call.reply("Organisations", [shape(call.org.info, "Organisations")])


def actions(call: Call) -> Response:
    """GET /Organisation/Actions: what the consenting user may do here."""
    denied = call.org.info.get("_denied", ())
    shown: list[Record] = [
        {"Name": name, "Status": "NOT-ALLOWED" if name in denied else "ALLOWED"} for name in _ACTIONS
    ]
    return call.reply("Actions", shown)


# ---------------------------------------------------------------- accounts


def put_account(call: Call) -> Response:
    """PUT /Accounts: create one."""
    return answer_one(call, "Accounts", _save_account(call, call.one("Accounts", "Account"), None), "")


def post_account(call: Call) -> Response:
    """POST /Accounts/{AccountID}: update that account."""
    target = call.target("Accounts", call.args[0])
    return answer_one(call, "Accounts", _save_account(call, call.one("Accounts", "Account"), target), "")


def delete_account(call: Call) -> Response:
    """DELETE /Accounts/{AccountID}: remove an account that nothing uses."""
    target = call.target("Accounts", call.args[0])
    if target.get("SystemAccount") or _account_used(call.org, target):
        raise Refused(invalid(["Account is in use and can't be deleted"]))
    call.org["Accounts"].delete(target["AccountID"])
    call.write("account", "delete", target["AccountID"], target.get("Code", ""))
    return call.reply("Accounts", [shape({**target, "Status": "DELETED"}, "Accounts")])


def _save_account(call: Call, clean: Clean, target: Record | None) -> Verdict:
    org, errors = call.org, list(clean.errors)
    account: Record = {**(target or {"AccountID": new_id(), "Status": "ACTIVE"}), **clean.values}
    account["AccountID"] = target["AccountID"] if target else account["AccountID"]
    type_ = account.get("Type", "")
    account["Class"] = CLASSES.get(type_, "")
    if type_ not in CLASSES:
        errors.append("Account type must be valid.")
    if not account.get("Name"):
        errors.append("Name must be specified")
    if not account.get("Code") and type_ != "BANK":
        errors.append("Account code must be specified")
    for field, message in (
        ("Name", "Please enter a unique Name."),
        ("Code", "Please enter a unique Code."),
    ):
        found = org["Accounts"].find(field, account.get(field, ""))
        if any(other["AccountID"] != account["AccountID"] for other in found):
            errors.append(message)
    if account.get("TaxType") and org["TaxRates"].get(account["TaxType"]) is None:
        errors.append("Tax rate must be valid.")
    if account["Status"] not in ("ACTIVE", "ARCHIVED"):
        errors.append("Status must be ACTIVE or ARCHIVED")
    if account["Status"] == "ARCHIVED" and account.get("SystemAccount"):
        errors.append("System accounts can't be archived")
    if errors:
        return Verdict({**account, "AccountID": target["AccountID"] if target else ZERO_GUID}, errors)
    archived = target is not None and account["Status"] == "ARCHIVED" != target["Status"]
    stored = org.save("Accounts", account)
    renaming.account(org, target, stored)
    verb = "archive" if archived else "update" if target else "create"
    call.write("account", verb, stored["AccountID"], stored.get("Code", ""))
    return Verdict(stored)


def _account_used(org: Organisation, account: Record) -> bool:
    """Tell whether a line, a payment, an item or a contact's default points to the account (xero-api section 9.5)."""
    id, code = account["AccountID"], account.get("Code")
    by_id = (
        line.get("AccountID")
        for plural in ("Invoices", "CreditNotes", "PurchaseOrders")
        for document in org[plural]
        for line in document["LineItems"]
    )
    paid = (row.get("Account", {}).get("AccountID") for plural in ("Payments", "BatchPayments") for row in org[plural])
    return id in by_id or id in paid or (bool(code) and code in _codes(org))


def _codes(org: Organisation) -> Iterator[str | None]:
    for item in org["Items"]:
        yield item.get("InventoryAssetAccountCode")
        for side in ("SalesDetails", "PurchaseDetails"):
            details = item.get(side) or {}
            yield from (details.get("AccountCode"), details.get("COGSAccountCode"))
    for contact in org["Contacts"]:
        yield from (contact.get("SalesDefaultAccountCode"), contact.get("PurchasesDefaultAccountCode"))


# ---------------------------------------------------------------- currencies


def put_currency(call: Call) -> Response:
    """PUT /Currencies: add one."""
    clean = call.one("Currencies", "Currency")
    given = clean.values.get("Code", "")
    code, errors = given.upper(), list(clean.errors)
    if code != given:
        call.violation("not known of Xero", f"whether it takes the currency {given} for {code}")
    if code not in CODES or call.org["Currencies"].get(code):
        errors.append("Currency code must be valid and not yet in use")
    if call.org.denied("UseMulticurrency"):
        errors.append(call.org.unsubscribed(code))
    currency = {"Code": code, "Description": clean.values.get("Description", code)}
    if not errors:
        call.org["Currencies"].put(currency)
        call.write("currency", "create", code, code)
    return answer_one(call, "Currencies", Verdict(currency, errors), "")
