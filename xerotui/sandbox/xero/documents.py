"""Invoices, bills, credit notes and purchase orders: how a request finds its document and is carried out.

Finding, committing and answering live here; judging a document is in `drafting`, its lines in `lines`.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from xerotui.sandbox.xero import contacts
from xerotui.sandbox.xero.call import Call, Verdict, answer_batch, answer_one
from xerotui.sandbox.xero.doctypes import Family
from xerotui.sandbox.xero.drafting import Draft
from xerotui.sandbox.xero.errors import ZERO_GUID
from xerotui.sandbox.xero.render import document_contact, document_whole
from xerotui.sandbox.xero.schema import Clean, is_guid
from xerotui.sandbox.xero.store import Organisation, Record

FLAG = "HasErrors"


def put_many(family: Family) -> Callable[[Call], Response]:
    """Return the handler of PUT /{Endpoint}: create each."""

    def handler(call: Call) -> Response:
        cleans = _elements(call, family)
        return answer_batch(call, family.plural, cleans, lambda c, clean: _create(c, family, clean), FLAG)

    return handler


def post_many(family: Family) -> Callable[[Call], Response]:
    """Return the handler of POST /{Endpoint}: update what the id or the number matches, else create."""

    def handler(call: Call) -> Response:
        cleans = _elements(call, family)
        if family.plural != "CreditNotes":
            for clean in cleans:
                call.known(family.plural, clean.values.get(family.id))
        return answer_batch(call, family.plural, cleans, lambda c, clean: _post(c, family, clean), FLAG)

    return handler


def post_one(family: Family) -> Callable[[Call], Response]:
    """Return the handler of POST /{Endpoint}/{id}: update that document."""

    def handler(call: Call) -> Response:
        target = call.target(family.plural, call.args[0], family.number)
        clean = call.one(family.plural, family.singular)
        _known_contact(call, clean)
        return answer_one(call, family.plural, _save(call, family, clean, target), FLAG)

    return handler


def _elements(call: Call, family: Family) -> list[Clean]:
    cleans = call.elements(family.plural, family.singular)
    for clean in cleans:
        _known_contact(call, clean)
    return cleans


def _known_contact(call: Call, clean: Clean) -> None:
    call.known("Contacts", clean.values.get("Contact", {}).get("ContactID"))


def _create(call: Call, family: Family, clean: Clean) -> Verdict:
    if clean.values.get(family.id):
        call.violation("put with id", f"a {family.singular} that is created has no id yet")
        clean.errors.append(f"A {family.singular} with an id can't be created")
    return _save(call, family, clean, None)


def _post(call: Call, family: Family, clean: Clean) -> Verdict:
    table = call.org[family.plural]
    if id := clean.values.get(family.id):
        target = table.get(id)
        if target is None and is_guid(id):
            clean.errors.append(f"An existing Credit Note with the specified {family.id} could not be found")
        return _save(call, family, clean, target)
    return _save(call, family, clean, _same_number(call, family, clean.values))


def _same_number(call: Call, family: Family, values: Record) -> Record | None:
    """Return the document that a number means to a POST; of orders a live one goes before a deleted one."""
    number = values.get(family.number)
    type_ = values.get("Type", "PURCHASEORDER")
    if not number or type_ not in family.unique:
        return None
    found = [r for r in call.org[family.plural].find(family.number, number) if r["Type"] == type_]
    live = [r for r in found if r["Status"] != "DELETED"]
    return next(iter(live or found), None)


def _save(call: Call, family: Family, clean: Clean, target: Record | None) -> Verdict:
    draft = Draft(call, family, clean, target)
    draft.judge()
    if draft.errors:
        return Verdict(_echo(call, family, draft, target, clean), draft.errors, draft.warnings)
    record = _commit(call, family, draft, target)
    return Verdict(document_whole(call.org, record), [], draft.warnings)


def _echo(call: Call, family: Family, draft: Draft, target: Record | None, clean: Clean) -> Record:
    """Return what was asked for, not what is stored (xero-api section 5.2)."""
    record = dict(draft.record)
    by_id = bool(clean.values.get(family.id) or call.args)
    record[family.id] = target[family.id] if target and by_id else ZERO_GUID
    record["Status"] = clean.values.get("Status", record.get("Status"))
    record["Contact"] = document_contact(call.org, record, full=False)
    return record


# What changes on a part-paid invoice without being seen by If-Modified-Since (xero-api section 6.4).
_QUIET = {"DueDate", "SentToContact"}


def _stored(org: Organisation, family: Family, record: Record, target: Record | None) -> Record:
    if target is None or family.plural != "Invoices" or not (target["AmountPaid"] or target["AmountCredited"]):
        return org.save(family.plural, record)
    changed = {name for name, value in record.items() if name[0] != "_" and target.get(name) != value}
    return org[family.plural].put(record) if changed and changed <= _QUIET else org.save(family.plural, record)


def _commit(call: Call, family: Family, draft: Draft, target: Record | None) -> Record:
    org, record = call.org, draft.record
    if draft.contact_change is not None:
        changed = contacts.commit(call, draft.contact_change, draft.contact)
        record["Contact"] = {"ContactID": changed["ContactID"]}
    if not record.get(family.number) and record["Type"] in family.unique:
        record[family.number] = org.next_number(family.plural, family.number, family.prefix)
    if target is None:
        record["_api"] = True
        record["_client"] = call.client_id
    stored = _stored(org, family, record, target)
    kind, sale = family.types[stored["Type"]]
    if family.ledger and stored["Status"] != "DELETED":
        contact = org["Contacts"].rows[stored["Contact"]["ContactID"]]
        contact["IsCustomer" if sale else "IsSupplier"] = True
    verb = "create" if target is None else "update"
    if target is not None and stored["Status"] != target["Status"]:
        verb = family.verbs.get(stored["Status"], verb)
    call.write(
        kind,
        verb,
        stored[family.id],
        stored.get(family.number, ""),
        total=stored["Total"],
        currency=stored["CurrencyCode"],
        status=stored["Status"],
    )
    return stored
