"""Tracking categories and their options: how many, under which names, and when they may go (xero-api section 9.6).

Only the categories themselves; how a line names an option is in `lines`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.responses import Response

from xerotui.sandbox.xero import renaming
from xerotui.sandbox.xero.call import Call, Verdict, answer_one
from xerotui.sandbox.xero.errors import Refused, invalid, not_found
from xerotui.sandbox.xero.render import shape
from xerotui.sandbox.xero.store import Organisation, Record, folded, new_id


def put_category(call: Call) -> Response:
    """PUT /TrackingCategories: create one from a bare object."""
    clean = call.one("TrackingCategories", "TrackingCategory")
    table = call.org["TrackingCategories"]
    errors = [*clean.errors, *_named(clean.values.get("Name"), table)]
    live = [c for c in table if c["Status"] != "DELETED"]
    if len(live) >= 4 or sum(c["Status"] == "ACTIVE" for c in live) >= 2:
        errors.append("There can be at most 2 active tracking categories and 4 in total")
    if clean.values.get("Status", "ACTIVE") != "ACTIVE":
        errors.append("Status must be ACTIVE")
    category: Record = {"TrackingCategoryID": new_id(), "Options": [], **clean.values, "Status": "ACTIVE"}
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
    others = [o for o in category["Options"] if o is not option]
    if not changed["Name"] or any(folded(o["Name"]) == folded(changed["Name"]) for o in others):
        errors.append("Please enter a unique Name.")
    if not errors:
        options = [changed if o is option else o for o in category["Options"]]
        renaming.category(call.org, call.org["TrackingCategories"].put({**category, "Options": options}))
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
        renaming.category(call.org, category)
        call.write(kind, verb, category["TrackingCategoryID"], category["Name"])
    return answer_one(call, "TrackingCategories", Verdict(category, errors), "")


def _tracked(org: Organisation) -> Iterator[Record]:
    for plural in ("Invoices", "CreditNotes", "PurchaseOrders"):
        for document in org[plural]:
            for line in document["LineItems"]:
                yield from line.get("Tracking", [])
