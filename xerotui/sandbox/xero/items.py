"""Items: codes that are unique, accounts and rates that must exist, and deletion while unused.

Rules of xero-api sections 5.1, 7.1 and 9.3 live here.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from xerotui.sandbox.xero import renaming
from xerotui.sandbox.xero.call import Call, Verdict, answer_batch, answer_one
from xerotui.sandbox.xero.errors import ZERO_GUID, Refused, bad_request, invalid
from xerotui.sandbox.xero.schema import Clean
from xerotui.sandbox.xero.store import Organisation, Record, folded, new_id
from xerotui.sandbox.xero.tax import rounded

MOST_ITEMS = 500


def put_many(call: Call) -> Response:
    """PUT /Items: create; a taken code is refused."""
    return answer_batch(call, "Items", _elements(call), _create, "")


def post_many(call: Call) -> Response:
    """POST /Items: update what the id or the code matches, else create."""
    cleans = _elements(call)
    for clean in cleans:
        call.known("Items", clean.values.get("ItemID"))
    return answer_batch(call, "Items", cleans, _create_or_update, "")


def post_one(call: Call) -> Response:
    """POST /Items/{ItemID}: update that item."""
    target = call.target("Items", call.args[0], "Code")
    return answer_one(call, "Items", _save(call, call.one("Items", "Item"), target), "")


def delete(call: Call) -> Response:
    """DELETE /Items/{ItemID}: remove an item that no document uses."""
    target = call.target("Items", call.args[0])
    code = folded(target["Code"])
    for plural in ("Invoices", "CreditNotes", "PurchaseOrders"):
        for document in call.org[plural]:
            if any(folded(line.get("ItemCode", "")) == code for line in document.get("LineItems", [])):
                raise Refused(invalid([f"Item {target['Code']} is used and can't be deleted"]))
    call.org["Items"].delete(target["ItemID"])
    call.write("item", "delete", target["ItemID"], target["Code"])
    return Response(status_code=204)


def _elements(call: Call) -> list[Clean]:
    cleans = call.elements("Items", "Item")
    if len(cleans) > MOST_ITEMS:
        message = f"At most {MOST_ITEMS} items can be processed at a time"
        raise Refused(bad_request(("ValidationException", 10), message), "batch", message)
    return cleans


def _create(call: Call, clean: Clean) -> Verdict:
    if clean.values.get("ItemID"):
        call.violation("put with id", "an item that is created has no id yet")
        clean.errors.append("An item with an id can't be created")
    return _save(call, clean, None)


def _create_or_update(call: Call, clean: Clean) -> Verdict:
    if id := clean.values.get("ItemID"):
        return _save(call, clean, call.org["Items"].get(id))
    found = call.org["Items"].find("Code", clean.values.get("Code", ""))
    return _save(call, clean, found[0] if found else None)


def _save(call: Call, clean: Clean, target: Record | None) -> Verdict:
    org, values = call.org, clean.values
    item: Record = dict(target or {"ItemID": new_id(), "IsSold": True, "IsPurchased": True})
    for name, value in values.items():
        if name in ("SalesDetails", "PurchaseDetails"):
            value = {**item.get(name, {}), **_details(value, call.places)}
        item[name] = value
    errors = [*clean.errors, *_judge(org, item, values)]
    if errors:
        return Verdict({**item, "ItemID": target["ItemID"] if target else ZERO_GUID}, errors)
    purchase = item.get("PurchaseDetails", {})
    item["IsTrackedAsInventory"] = bool(item.get("InventoryAssetAccountCode") and purchase.get("COGSAccountCode"))
    stored = org.save("Items", item)
    renaming.item(org, target, stored)
    call.write("item", "update" if target else "create", stored["ItemID"], stored["Code"])
    return Verdict({**stored, "ValidationErrors": []})


def _details(values: dict[str, Any], places: int) -> Record:
    if values.get("UnitPrice") is not None:
        return {**values, "UnitPrice": rounded(values["UnitPrice"], places)}
    return values


def _judge(org: Organisation, item: Record, values: Record) -> list[str]:
    errors = []
    code = item.get("Code", "")
    if not code.strip():
        errors.append("Price List Item Code cannot be empty")
    if len(code) > 30:
        errors.append("Price List Item Code must not be more than 30 characters long")
    if any(other["ItemID"] != item["ItemID"] for other in org["Items"].find("Code", code)):
        errors.append(f"Price List Item with Code '{code}' already exists")
    accounts = [values.get("InventoryAssetAccountCode")]
    for name in ("SalesDetails", "PurchaseDetails"):
        details = values.get(name, {})
        accounts += [details.get("AccountCode"), details.get("COGSAccountCode")]
        rate = org["TaxRates"].get(details["TaxType"]) if details.get("TaxType") else None
        if details.get("TaxType") and (rate is None or rate["Status"] != "ACTIVE"):
            errors.append("Tax rate must be valid.")
    for wanted in filter(None, accounts):
        account = org.account(wanted)
        if account is None or account["Status"] != "ACTIVE":
            errors.append("Account must be valid.")
    return list(dict.fromkeys(errors))
