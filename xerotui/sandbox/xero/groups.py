"""Contact groups: their names, how many, and who is in them (xero-api sections 2, 7.1 and 9.2)."""

from __future__ import annotations

from starlette.responses import Response

from xerotui.sandbox.xero.call import Call, Verdict, answer_batch, answer_one
from xerotui.sandbox.xero.errors import ZERO_GUID, Refused, invalid, not_found
from xerotui.sandbox.xero.render import shape
from xerotui.sandbox.xero.schema import Clean
from xerotui.sandbox.xero.store import Organisation, Record, new_id

MOST = 100
LIMIT = f"You've reached the limit of {MOST} contact groups."
# A group carries no flag of its own: its messages alone say that something is wrong with it.
FLAG = ""


def put_many(call: Call) -> Response:
    """PUT /ContactGroups: create each."""
    cleans = call.elements("ContactGroups", "ContactGroup")
    return answer_batch(call, "ContactGroups", cleans, lambda c, clean: _save(c, clean, None), FLAG)


def post_one(call: Call) -> Response:
    """POST /ContactGroups/{ContactGroupID}: rename it, or delete it with Status DELETED."""
    target = _group(call)
    return answer_one(call, "ContactGroups", _save(call, call.one("ContactGroups", "ContactGroup"), target), FLAG)


def put_members(call: Call) -> Response:
    """PUT /ContactGroups/{ContactGroupID}/Contacts: add contacts, all of them or none."""
    group = _group(call)
    cleans = call.elements("Contacts", "Contact")
    ids = [clean.values.get("ContactID", "") for clean in cleans]
    if errors := [error for clean in cleans for error in clean.errors]:
        raise Refused(invalid(errors))
    contacts = [call.org["Contacts"].get(id) for id in ids]
    if None in contacts:
        raise Refused(not_found())
    if any(contact is not None and contact["ContactStatus"] == "ARCHIVED" for contact in contacts):
        raise Refused(invalid(["Unable to assign an Archived contact."]))
    group["_members"] = list(dict.fromkeys([*group.get("_members", []), *ids]))
    call.org["ContactGroups"].put(group)
    call.write("contact_group", "update", group["ContactGroupID"], group["Name"], members=len(group["_members"]))
    shown = [{"ContactID": c["ContactID"], "Name": c["Name"]} for c in contacts if c is not None]
    return call.reply("Contacts", [shape(contact, "Contacts") for contact in shown])


def delete_members(call: Call) -> Response:
    """DELETE /ContactGroups/{ContactGroupID}/Contacts[/{ContactID}]: take one contact out, or all."""
    group = _group(call)
    members = list(group.get("_members", []))
    gone = [call.args[1].lower()] if len(call.args) > 1 else members
    if not set(gone) <= set(members):
        raise Refused(not_found())
    group["_members"] = [member for member in members if member not in gone]
    call.org["ContactGroups"].put(group)
    call.write("contact_group", "update", group["ContactGroupID"], group["Name"], members=len(group["_members"]))
    return Response(status_code=204)


def whole(org: Organisation, record: Record) -> Record:
    """Return a group with its contacts, as it is shown alone."""
    contacts = [org["Contacts"].rows[id] for id in record.get("_members", [])]
    return {**record, "Contacts": [{"ContactID": c["ContactID"], "Name": c["Name"]} for c in contacts]}


def _group(call: Call) -> Record:
    group = call.target("ContactGroups", call.args[0])
    if group["Status"] == "DELETED":
        raise Refused(not_found())
    return group


def _save(call: Call, clean: Clean, target: Record | None) -> Verdict:
    table, values = call.org["ContactGroups"], clean.values
    group: Record = {**(target or {"ContactGroupID": new_id(), "Status": "ACTIVE", "_members": []}), **values}
    if target is not None:
        group["ContactGroupID"] = target["ContactGroupID"]
    errors = list(clean.errors)
    live = [g for g in table if g["Status"] == "ACTIVE" and g["ContactGroupID"] != group["ContactGroupID"]]
    if not group.get("Name", "").strip() or any(g["Name"].casefold() == group["Name"].casefold() for g in live):
        errors.append("Please enter a unique Name.")
    if target is None and len(live) >= MOST:
        errors.append(LIMIT)
    if group["Status"] not in (("ACTIVE", "DELETED") if target else ("ACTIVE",)):
        errors.append("Status must be ACTIVE or DELETED")
    if errors:
        return Verdict({**group, "ContactGroupID": target["ContactGroupID"] if target else ZERO_GUID}, errors)
    table.put(group)
    verb = "create" if target is None else "delete" if group["Status"] == "DELETED" else "update"
    call.write("contact_group", verb, group["ContactGroupID"], group["Name"])
    return Verdict(whole(call.org, group))
