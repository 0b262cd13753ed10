"""Reading: lists with their filters, orders and pages, and single records (xero-api section 6).

Which fields and parameters a collection has is in `listings`; nothing is ever changed by reading.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from starlette.responses import Response

from xerotui.sandbox.xero.call import PDF, Call
from xerotui.sandbox.xero.errors import VALIDATION, Refused, bad_request
from xerotui.sandbox.xero.listings import LISTINGS, Listing, Show
from xerotui.sandbox.xero.optimised import optimised
from xerotui.sandbox.xero.pdf import printed
from xerotui.sandbox.xero.render import shape
from xerotui.sandbox.xero.schema import WrongType, read_date
from xerotui.sandbox.xero.store import Organisation, Record, folded
from xerotui.sandbox.xero.where import QueryError, comparable, parse, parse_order


def get_list(plural: str) -> Callable[[Call], Response]:
    """Return the handler of GET /{Endpoint}."""
    listing = LISTINGS[plural]

    def handler(call: Call) -> Response:
        records = _filtered(call, listing, _candidates(call, listing))
        order = _order(call, listing)
        summary = listing.summary if call.query.get("summaryOnly", "").lower() == "true" else None
        paging = _paging(call, listing, summary is not None)
        if order or paging:
            records = _sorted(call, listing, records, order)
        if paging is None:
            if len(records) > call.org.behaviour.records:
                raise too_many(call.org.behaviour.records, "use paging")
            show = listing.bare or listing.in_list or listing.full
            return _reply(call, listing, records, show, None)
        page, size = paging
        part = records[(page - 1) * size : page * size]
        pagination = {
            "page": page,
            "pageSize": size,
            "pageCount": -(-len(records) // size),
            "itemCount": len(records),
        }
        return _reply(call, listing, part, summary or listing.in_list or listing.full, pagination)

    return handler


def get_one(plural: str) -> Callable[[Call], Response]:
    """Return the handler of GET /{Endpoint}/{id}, or a number or code where the endpoint takes it."""
    listing = LISTINGS[plural]

    def handler(call: Call) -> Response:
        if plural == "TaxRates":
            record = call.org["TaxRates"].get(call.args[0])
            found = record or call.target(plural, call.args[0])
        else:
            found = call.target(plural, call.args[0], listing.by)
        if call.wants_pdf:
            return Response(printed(found, plural), media_type=PDF)
        return _reply(call, listing, [found], listing.full, None)

    return handler


def _reply(call: Call, listing: Listing, records: list[Record], show: Show, pagination: Record | None) -> Response:
    plural = listing.plural
    places = 4 if plural == "PurchaseOrders" else call.places
    shown = [shape(show(call.org, record), plural, places) for record in records]
    return call.reply(plural, shown, pagination)


# ---------------------------------------------------------------- filters


def _candidates(call: Call, listing: Listing) -> list[Record]:
    """Return what the simple parameters leave of a collection."""
    query, plural = call.query, listing.plural
    tests: list[Callable[[Record], bool]] = []
    if plural in ("Contacts", "TrackingCategories") and query.get("includeArchived", "").lower() != "true":
        status = "ContactStatus" if plural == "Contacts" else "Status"
        tests.append(lambda r: r[status] == "ACTIVE")
    if plural == "ContactGroups":
        tests.append(lambda r: r["Status"] == "ACTIVE")
    table = call.org[plural]
    for name, field in (("IDs", table.id_field), ("InvoiceNumbers", "InvoiceNumber"), ("Statuses", "Status")):
        if name in query:
            tests.append(_one_of(field, query[name]))
    if "ContactIDs" in query:
        ids = {part.strip().lower() for part in query["ContactIDs"].split(",")}
        tests.append(lambda r: r["Contact"]["ContactID"] in ids)
    if query.get("createdByMyApp", "").lower() == "true":
        tests.append(lambda r: r.get("_client") == call.client_id)
    if "searchTerm" in query:
        tests.append(_search(plural, query["searchTerm"]))
    if plural == "PurchaseOrders":
        tests += _order_filters(call)
    return [record for record in table if all(test(record) for test in tests)]


def _one_of(field: str, text: str) -> Callable[[Record], bool]:
    wanted = {folded(part.strip()) for part in text.split(",")}
    return lambda record: folded(record.get(field, "")) in wanted


def _search(plural: str, term: str) -> Callable[[Record], bool]:
    fields = (
        ("InvoiceNumber", "Reference")
        if plural == "Invoices"
        else ("Name", "FirstName", "LastName", "ContactNumber", "CompanyNumber", "EmailAddress")
    )
    wanted = folded(term)
    return lambda record: any(wanted in folded(record.get(field, "")) for field in fields)


def _order_filters(call: Call) -> list[Callable[[Record], bool]]:
    tests: list[Callable[[Record], bool]] = []
    if "Status" in call.query:
        status = call.query["Status"]
        if not status:
            raise unparsed(call, "query", QueryError("Status can't be empty"))
        tests.append(lambda r: r["Status"] == status)
    try:
        if "DateFrom" in call.query:
            begin = read_date("DateFrom", call.query["DateFrom"])
            tests.append(lambda r: r["Date"] >= begin)
        if "DateTo" in call.query:
            end = read_date("DateTo", call.query["DateTo"])
            tests.append(lambda r: r["Date"] <= end)
    except WrongType as error:
        raise unparsed(call, "query", error) from None
    return tests


def _filtered(call: Call, listing: Listing, records: list[Record]) -> list[Record]:
    since = call.headers.get("if-modified-since")
    if since and listing.since:
        moment = _moment(call, since)
        # One-second accuracy: what changed within the given second counts as already known.
        records = [r for r in records if r["UpdatedDateUTC"].replace(microsecond=0) > moment]
    elif since:
        call.violation("If-Modified-Since", f"{listing.plural} ignores it")
    if not call.query.get("where"):
        return records
    fields = listing.fields
    if call.query.get("summaryOnly", "").lower() == "true" and listing.plural == "Contacts":
        fields = {name: kind for name, kind in fields.items() if name not in ("IsCustomer", "IsSupplier")}
    try:
        query = parse(call.query["where"], fields, lambda record, name: _get(call.org, record, name))
    except QueryError as error:
        raise unparsed(call, "where", error) from None
    if len(records) > call.org.behaviour.records and not optimised(listing.plural, query.uses):
        raise too_many(call.org.behaviour.records, "filter by optimised fields")
    return [record for record in records if query.test(record)]


def too_many(most: int, remedy: str) -> Refused:
    """Return the refusal of more records than one answer may be about (xero-api section 6.1)."""
    return Refused(bad_request(VALIDATION, f"The request is about more than {most} records: {remedy}"), "records")


def unparsed(call: Call, what: str, error: Exception) -> Refused:
    """Return the refusal of an expression or parameter that can't be read."""
    kind = ("QueryParseException", call.org.behaviour.query_number)
    return Refused(bad_request(kind, str(error)), what, str(error))


def _moment(call: Call, text: str) -> datetime:
    try:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        refusal = Response(status_code=412)
        raise Refused(refusal, "If-Modified-Since", f"malformed: {text}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _get(org: Organisation, record: Record, name: str) -> Any:
    first, _, rest = name.partition(".")
    if not rest:
        return record.get(name)
    inner = record.get(first) or {}
    if first == "Contact" and inner.get("ContactID"):
        inner = org["Contacts"].rows.get(inner["ContactID"], inner)
    return inner.get(rest)


# ---------------------------------------------------------------- order and pages


def _order(call: Call, listing: Listing) -> list[tuple[str, bool]]:
    if not call.query.get("order"):
        return []
    try:
        return parse_order(call.query["order"], listing.fields)
    except QueryError as error:
        raise unparsed(call, "order", error) from None


def _sorted(call: Call, listing: Listing, records: list[Record], order: list[tuple[str, bool]]) -> list[Record]:
    id_field = call.org[listing.plural].id_field
    keys = order or [("UpdatedDateUTC", False)]
    if folded(keys[-1][0]) != folded(id_field):
        # Whatever is alike stands in the order of ids.
        keys = [*keys, (id_field, False)]
    for name, descending in reversed(keys):

        def key(record: Record, name: str = name) -> tuple[bool, Any]:
            value = comparable(_get(call.org, record, name))
            return (value is not None, value if value is not None else 0)

        records = sorted(records, key=key, reverse=descending)
    return records


def _paging(call: Call, listing: Listing, forced: bool) -> tuple[int, int] | None:
    """Return (page, size), or None for a list that isn't paged."""
    query = call.query
    asked = "page" in query or "Statuses" in query or forced
    if "pageSize" in query and not asked and listing.paged == "asked":
        call.violation("query", "pageSize without page does nothing that is known")
    if listing.paged == "never" or (listing.paged == "asked" and not asked):
        return None
    try:
        page, size = int(query.get("page", 1)), int(query.get("pageSize", 100))
    except ValueError:
        raise unparsed(call, "query", QueryError("page and pageSize are numbers")) from None
    return max(1, page), min(1000, max(1, size))
