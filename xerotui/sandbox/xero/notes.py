"""What hangs on a document: history notes, the address for its customer, e-mail (xero-api sections 9.8 and 9.12)."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from xerotui.sandbox.xero.call import Call
from xerotui.sandbox.xero.errors import Refused, invalid
from xerotui.sandbox.xero.render import shape
from xerotui.sandbox.xero.store import Record


def history(plural: str, method: str) -> Callable[[Call], Response]:
    """Return the handler of GET or PUT /{Endpoint}/{id}/History."""

    def read(call: Call) -> Response:
        target = call.target(plural, call.args[0])
        notes = call.org.history.get(target[call.org[plural].id_field], [])
        return call.reply("HistoryRecords", [_shown(note) for note in notes])

    def write(call: Call) -> Response:
        target = call.target(plural, call.args[0])
        if plural in ("Payments", "BatchPayments"):
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
        return call.reply("HistoryRecords", [_shown(note) for note in notes])

    return read if method == "GET" else write


def _shown(note: Record) -> Record:
    return {**shape(note, "HistoryRecords"), "DateUTCString": f"{note['DateUTC']:%Y-%m-%dT%H:%M:%S}"}


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
