"""What an organisation is set up with: accounts, tax rates, tracking, currencies, history notes.

Rules of xero-api sections 9.1 and 9.4 to 9.7 and 9.12 live here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from xerotui.sandbox.xero.call import Call, Verdict, answer_one
from xerotui.sandbox.xero.errors import ZERO_GUID, Refused, invalid, not_found
from xerotui.sandbox.xero.render import shape
from xerotui.sandbox.xero.schema import Clean
from xerotui.sandbox.xero.store import Organisation, Record, folded, new_id

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
    verb = "archive" if archived else "update" if target else "create"
    call.write("account", verb, stored["AccountID"], stored.get("Code", ""))
    return Verdict(stored)


def _account_used(org: Organisation, account: Record) -> bool:
    id = account["AccountID"]
    return any(
        line.get("AccountID") == id
        for plural in ("Invoices", "CreditNotes", "PurchaseOrders")
        for document in org[plural]
        for line in document["LineItems"]
    )


# ---------------------------------------------------------------- tax rates


def put_tax_rate(call: Call) -> Response:
    """PUT /TaxRates: create one; it gets the next TAXnnn as its code."""
    clean = call.one("TaxRates", "TaxRate")
    values, errors = clean.values, list(clean.errors)
    table = call.org["TaxRates"]
    if not values.get("Name") or table.find("Name", values.get("Name", "")):
        errors.append("Please enter a unique Name.")
    errors += _components(values.get("TaxComponents", []))
    if call.org.info["Version"] in ("AU", "NZ", "UK") and not values.get("ReportTaxType"):
        errors.append("ReportTaxType must be specified")
    n = 1
    while table.get(f"TAX{n:03d}"):
        n += 1
    rate: Record = {**values, "TaxType": f"TAX{n:03d}", "Status": "ACTIVE"}
    sale = values.get("ReportTaxType", "OUTPUT").endswith("OUTPUT")
    rate.update(applies("AELR" if sale else "AEXL"))
    _work_out(rate)
    if not errors:
        table.put(rate)
        call.write("tax_rate", "create", rate["TaxType"], rate["Name"])
    return answer_one(call, "TaxRates", Verdict(rate, errors), "")


def post_tax_rate(call: Call) -> Response:
    """POST /TaxRates: rename, extend or delete the rate that TaxType or Name means."""
    clean = call.one("TaxRates", "TaxRate")
    values, errors = clean.values, list(clean.errors)
    table = call.org["TaxRates"]
    rate = table.get(values.get("TaxType", "")) or next(iter(table.find("Name", values.get("Name", ""))), None)
    if rate is None:
        raise Refused(not_found())
    if not rate["TaxType"].startswith("TAX"):
        errors.append("System tax rates can't be changed")
    elif values.get("Status") == "DELETED" and _rate_used(call.org, rate["TaxType"]):
        errors.append("The tax rate is used and can't be deleted")
    if "TaxComponents" in values:
        errors += _components(values["TaxComponents"])
    if values.get("Status", "ACTIVE") not in ("ACTIVE", "ARCHIVED", "DELETED"):
        errors.append("Status must be valid")
    changed = {**rate, **values, "TaxType": rate["TaxType"]}
    before = {c["Name"] for c in rate["TaxComponents"]}
    if before - {c.get("Name") for c in changed["TaxComponents"]}:
        errors.append("Tax components can't be removed or renamed")
    _work_out(changed)
    if not errors:
        table.put(changed)
        verb = "delete" if changed["Status"] == "DELETED" else "update"
        call.write("tax_rate", verb, changed["TaxType"], changed["Name"])
    return answer_one(call, "TaxRates", Verdict(changed, errors), "")


def _components(components: list[Record]) -> list[str]:
    if components and all(part.get("Name") and part.get("Rate", -1) >= 0 for part in components):
        return []
    return ["TaxComponents must each have a Name and a Rate"]


def applies(letters: str) -> Record:
    """Return the five CanApplyTo flags for letters of A E X L R (xero-api section 11)."""
    names = {"Assets": "A", "Equity": "E", "Expenses": "X", "Liabilities": "L", "Revenue": "R"}
    return {f"CanApplyTo{name}": letter in letters for name, letter in names.items()}


def _work_out(rate: Record) -> None:
    shown = effective = Decimal(0)
    for component in rate.get("TaxComponents", []):
        component.setdefault("IsCompound", False)
        component.setdefault("IsNonRecoverable", False)
        own = component.get("Rate", Decimal(0))
        shown += own
        effective += own * (100 + effective) / 100 if component["IsCompound"] else own
    rate["DisplayTaxRate"], rate["EffectiveRate"] = shown, effective


def _rate_used(org: Organisation, code: str) -> bool:
    return any(
        line.get("TaxType") == code
        for plural in ("Invoices", "CreditNotes", "PurchaseOrders")
        for document in org[plural]
        for line in document["LineItems"]
    )


# ---------------------------------------------------------------- tracking


def put_category(call: Call) -> Response:
    """PUT /TrackingCategories: create one from a bare object."""
    clean = call.one("TrackingCategories", "TrackingCategory")
    table = call.org["TrackingCategories"]
    errors = [*clean.errors, *_named(clean.values.get("Name"), table)]
    live = [c for c in table if c["Status"] != "DELETED"]
    if len(live) >= 4 or sum(c["Status"] == "ACTIVE" for c in live) >= 2:
        errors.append("There can be at most 2 active tracking categories and 4 in total")
    category: Record = {"TrackingCategoryID": new_id(), "Status": "ACTIVE", "Options": [], **clean.values}
    return _finish(call, "tracking", "create", category, errors)


def post_category(call: Call) -> Response:
    """POST /TrackingCategories/{id}: rename it or change its status, not both at once."""
    category = call.target("TrackingCategories", call.args[0])
    clean = call.one("TrackingCategories", "TrackingCategory")
    values, errors = clean.values, list(clean.errors)
    table = call.org["TrackingCategories"]
    if "Name" in values and "Status" in values:
        errors.append("Name and Status can't be changed at once")
    if folded(values.get("Name", category["Name"])) != folded(category["Name"]):
        errors += _named(values["Name"], table)
    waking = values.get("Status") == "ACTIVE" != category["Status"]
    if waking and sum(c["Status"] == "ACTIVE" for c in table) >= 2:
        errors.append("There can be at most 2 active tracking categories and 4 in total")
    if values.get("Status", "ACTIVE") not in ("ACTIVE", "ARCHIVED"):
        errors.append("Status must be ACTIVE or ARCHIVED")
    changed = {**category, **values, "TrackingCategoryID": category["TrackingCategoryID"]}
    verb = "archive" if changed["Status"] == "ARCHIVED" != category["Status"] else "update"
    return _finish(call, "tracking", verb, changed, errors)


def delete_category(call: Call) -> Response:
    """DELETE /TrackingCategories/{id}: remove one that no line uses."""
    category = call.target("TrackingCategories", call.args[0])
    id = category["TrackingCategoryID"]
    if any(entry["TrackingCategoryID"] == id for entry in _tracked(call.org)):
        raise Refused(invalid(["The tracking category is used; archive it instead"]))
    call.org["TrackingCategories"].delete(id)
    call.write("tracking", "delete", id, category["Name"])
    return call.reply("TrackingCategories", [shape({**category, "Status": "DELETED"}, "TrackingCategories")])


def put_option(call: Call) -> Response:
    """PUT /TrackingCategories/{id}/Options: add one."""
    category = call.target("TrackingCategories", call.args[0])
    clean = call.one("Options", "TrackingOption")
    errors = list(clean.errors)
    name = clean.values.get("Name", "")
    if not name or any(folded(o["Name"]) == folded(name) for o in category["Options"]):
        errors.append("Please enter a unique Name.")
    option = _option({"TrackingOptionID": new_id(), "Name": name, "Status": "ACTIVE"})
    if not errors:
        call.org["TrackingCategories"].put({**category, "Options": [*category["Options"], option]})
        call.write("tracking_option", "create", option["TrackingOptionID"], name)
    return answer_one(call, "Options", Verdict(option, errors), "")


def post_option(call: Call) -> Response:
    """POST /TrackingCategories/{id}/Options/{id}: rename or archive one."""
    category, option = _find_option(call)
    clean = call.one("Options", "TrackingOption")
    changed = _option({**option, **clean.values, "TrackingOptionID": option["TrackingOptionID"]})
    errors = list(clean.errors)
    if changed["Status"] not in ("ACTIVE", "ARCHIVED"):
        errors.append("Status must be ACTIVE or ARCHIVED")
    if not errors:
        options = [changed if o is option else o for o in category["Options"]]
        call.org["TrackingCategories"].put({**category, "Options": options})
        verb = "archive" if changed["Status"] == "ARCHIVED" != option["Status"] else "update"
        call.write("tracking_option", verb, changed["TrackingOptionID"], changed["Name"])
    return answer_one(call, "Options", Verdict(changed, errors), "")


def delete_option(call: Call) -> Response:
    """DELETE /TrackingCategories/{id}/Options/{id}: remove one that no line uses."""
    category, option = _find_option(call)
    id = option["TrackingOptionID"]
    if any(entry["TrackingOptionID"] == id for entry in _tracked(call.org)):
        raise Refused(invalid(["The tracking option is used; archive it instead"]))
    options = [o for o in category["Options"] if o is not option]
    call.org["TrackingCategories"].put({**category, "Options": options})
    call.write("tracking_option", "delete", id, option["Name"])
    return call.reply("Options", [_option({**option, "Status": "DELETED"})])


def _find_option(call: Call) -> tuple[Record, Record]:
    category = call.target("TrackingCategories", call.args[0])
    for option in category["Options"]:
        if option["TrackingOptionID"] == call.args[1].lower():
            return category, option
    raise Refused(not_found())


def _option(option: Record) -> Record:
    status = option["Status"]
    return {
        **option,
        "HasValidationErrors": False,
        "IsDeleted": status == "DELETED",
        "IsArchived": status == "ARCHIVED",
        "IsActive": status == "ACTIVE",
    }


def _named(name: Any, table: Any) -> list[str]:
    return [] if name and not table.find("Name", name) else ["Please enter a unique Name."]


def _finish(call: Call, kind: str, verb: str, category: Record, errors: list[str]) -> Response:
    if not errors:
        call.org["TrackingCategories"].put(category)
        call.write(kind, verb, category["TrackingCategoryID"], category["Name"])
    return answer_one(call, "TrackingCategories", Verdict(category, errors), "")


def _tracked(org: Organisation) -> Iterator[Record]:
    for plural in ("Invoices", "CreditNotes", "PurchaseOrders"):
        for document in org[plural]:
            for line in document["LineItems"]:
                yield from line.get("Tracking", [])


# ---------------------------------------------------------------- currencies, history, online invoice


def put_currency(call: Call) -> Response:
    """PUT /Currencies: add one."""
    clean = call.one("Currencies", "Currency")
    code = clean.values.get("Code", "")
    errors = list(clean.errors)
    if len(code) != 3 or not code.isalpha() or call.org["Currencies"].get(code):
        errors.append("Currency code must be valid and not yet in use")
    currency = {"Code": code, "Description": clean.values.get("Description", code)}
    if not errors:
        call.org["Currencies"].put(currency)
        call.write("currency", "create", code, code)
    return answer_one(call, "Currencies", Verdict(currency, errors), "")


def history(plural: str, method: str) -> Callable[[Call], Response]:
    """Return the handler of GET or PUT /{Endpoint}/{id}/History."""

    def read(call: Call) -> Response:
        target = call.target(plural, call.args[0])
        notes = call.org.history.get(target[call.org[plural].id_field], [])
        return call.reply("HistoryRecords", [shape(note, "HistoryRecords") for note in notes])

    def write(call: Call) -> Response:
        target = call.target(plural, call.args[0])
        if plural == "Payments":
            message = "The document with the supplied id was not found for this endpoint."
            raise Refused(invalid([message]))
        id = target[call.org[plural].id_field]
        cleans = call.elements("HistoryRecords", "HistoryRecord")
        if errors := [error for clean in cleans for error in clean.errors]:
            raise Refused(invalid(errors))
        notes = [
            {
                "Changes": "Note",
                "Details": clean.values.get("Details", ""),
                "User": "System Generated",
                "DateUTC": call.org.now(),
            }
            for clean in cleans
        ]
        call.org.history.setdefault(id, []).extend(notes)
        call.write("history", "create", id)
        return call.reply("HistoryRecords", [shape(note, "HistoryRecords") for note in notes])

    return read if method == "GET" else write


def online_invoice(call: Call) -> Response:
    """GET /Invoices/{id}/OnlineInvoice: the address at which a customer sees an approved invoice."""
    invoice = call.target("Invoices", call.args[0], "InvoiceNumber")
    if invoice["Type"] != "ACCREC" or invoice["Status"] in ("DRAFT", "SUBMITTED"):
        raise Refused(invalid(["Invoice not of valid status for an online invoice"]))
    url = f"https://in.xero.com/{invoice['InvoiceID'].replace('-', '')[:24]}"
    return call.reply("OnlineInvoices", [{"OnlineInvoiceUrl": url}])


def email(call: Call) -> Response:
    """POST /Invoices/{id}/Email: send an approved sales invoice to its contact."""
    invoice = call.target("Invoices", call.args[0], "InvoiceNumber")
    contact = call.org["Contacts"].rows[invoice["Contact"]["ContactID"]]
    if invoice["Type"] != "ACCREC" or invoice["Status"] not in ("AUTHORISED", "PAID"):
        raise Refused(invalid(["Invoice not of valid status for sending"]))
    if not contact.get("EmailAddress"):
        raise Refused(invalid(["The contact has no email address"]))
    invoice["SentToContact"] = True
    call.org.save("Invoices", invoice)
    call.write("email", "create", invoice["InvoiceID"], invoice["InvoiceNumber"])
    return Response(status_code=204)
