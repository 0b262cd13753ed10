"""Reading: lists with their filters, orders and pages, and single records (xero-api section 6).

Which fields and parameters a collection has stands here as data; nothing is ever changed by reading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from starlette.responses import Response

from xerotui.sandbox.xero import render
from xerotui.sandbox.xero.call import Call
from xerotui.sandbox.xero.errors import QUERY, Refused, bad_request
from xerotui.sandbox.xero.render import shape
from xerotui.sandbox.xero.schema import WrongType, read_date
from xerotui.sandbox.xero.store import Organisation, Record, folded
from xerotui.sandbox.xero.where import QueryError, comparable, parse, parse_order

MOST_IN_ONE_ANSWER = 100_000
Show = Callable[[Organisation, Record], Record]


def _fields(**kinds: str) -> dict[str, str]:
    return {name: kind for kind, names in kinds.items() for name in names.split()}


def _same(org: Organisation, record: Record) -> Record:
    return record


@dataclass(frozen=True)
class Listing:
    """How one collection is read. ``paged`` is always, asked or never; ``by`` names it besides its id."""

    plural: str
    fields: dict[str, str]
    paged: str = "never"
    by: str = ""
    params: tuple[str, ...] = ("where", "order")
    since: bool = False
    full: Show = _same
    in_list: Show | None = None
    bare: Show | None = None
    summary: Show | None = None


_CONTACT = {
    "Contact.ContactID": "guid",
    "Contact.Name": "text",
    "Contact.ContactNumber": "text",
}
_MONEY = "SubTotal TotalTax Total CurrencyRate"

INVOICES = Listing(
    "Invoices",
    {
        **_fields(
            guid="InvoiceID BrandingThemeID",
            text="Type InvoiceNumber Reference Status CurrencyCode LineAmountTypes Url",
            date="Date DueDate UpdatedDateUTC FullyPaidOnDate ExpectedPaymentDate PlannedPaymentDate",
            number=f"AmountDue AmountPaid AmountCredited {_MONEY}",
            bool="SentToContact",
        ),
        **_CONTACT,
    },
    paged="asked",
    by="InvoiceNumber",
    params=(
        "where", "order", "IDs", "InvoiceNumbers", "ContactIDs", "Statuses", "page", "pageSize", "createdByMyApp",
        "summaryOnly", "searchTerm", "includeArchived", "unitdp",
    ),
    since=True,
    full=render.document_whole,
    bare=render.document_bare,
    summary=render.document_summary,
)  # fmt: skip

LISTINGS = {
    "Invoices": INVOICES,
    "CreditNotes": Listing(
        "CreditNotes",
        {
            **_fields(
                guid="CreditNoteID BrandingThemeID",
                text="Type CreditNoteNumber Reference Status CurrencyCode LineAmountTypes",
                date="Date UpdatedDateUTC FullyPaidOnDate",
                number=f"RemainingCredit {_MONEY}",
            ),
            **_CONTACT,
        },
        paged="asked",
        by="CreditNoteNumber",
        params=("where", "order", "page", "pageSize", "unitdp"),
        since=True,
        full=render.document_whole,
        bare=render.document_bare,
    ),
    "PurchaseOrders": Listing(
        "PurchaseOrders",
        _fields(
            guid="PurchaseOrderID",
            text="PurchaseOrderNumber Reference Status CurrencyCode",
            date="Date DeliveryDate UpdatedDateUTC",
            number=_MONEY,
        ),
        paged="always",
        by="PurchaseOrderNumber",
        params=("Status", "DateFrom", "DateTo", "order", "page", "pageSize"),
        since=True,
        full=render.document_whole,
        in_list=lambda org, record: render.document_whole(org, record, full_contact=False),
    ),
    "Contacts": Listing(
        "Contacts",
        _fields(
            guid="ContactID",
            text="ContactNumber AccountNumber ContactStatus Name FirstName LastName CompanyNumber TaxNumber "
            "EmailAddress DefaultCurrency",
            date="UpdatedDateUTC",
            bool="IsCustomer IsSupplier",
        ),
        paged="asked",
        by="ContactNumber",
        params=("where", "order", "IDs", "page", "pageSize", "includeArchived", "summaryOnly", "searchTerm"),
        since=True,
        full=render.contact_whole,
        summary=render.contact_summary,
    ),
    "Payments": Listing(
        "Payments",
        _fields(
            guid="PaymentID Invoice.InvoiceID CreditNote.CreditNoteID Account.AccountID",
            text="PaymentType Status Reference Invoice.InvoiceNumber Account.Code",
            date="Date UpdatedDateUTC",
            number="Amount CurrencyRate",
            bool="IsReconciled",
        ),
        paged="asked",
        params=("where", "order", "page", "pageSize"),
        since=True,
    ),
    "Items": Listing(
        "Items",
        _fields(
            guid="ItemID",
            text="Code Name Description PurchaseDescription",
            date="UpdatedDateUTC",
            bool="IsSold IsPurchased IsTrackedAsInventory",
        ),
        by="Code",
        params=("where", "order", "unitdp"),
        since=True,
    ),
    "Accounts": Listing(
        "Accounts",
        _fields(
            guid="AccountID",
            text="Code Name Type Class Status TaxType SystemAccount BankAccountNumber CurrencyCode",
            date="UpdatedDateUTC",
            bool="EnablePaymentsToAccount ShowInExpenseClaims",
        ),
        since=True,
    ),
    "TaxRates": Listing(
        "TaxRates",
        _fields(
            text="Name TaxType ReportTaxType Status",
            number="EffectiveRate DisplayTaxRate",
            bool="CanApplyToAssets CanApplyToEquity CanApplyToExpenses CanApplyToLiabilities CanApplyToRevenue",
        ),
    ),
    "TrackingCategories": Listing(
        "TrackingCategories",
        _fields(guid="TrackingCategoryID", text="Name Status"),
        params=("where", "order", "includeArchived"),
    ),
    "BrandingThemes": Listing("BrandingThemes", {}, params=()),
    "Currencies": Listing("Currencies", _fields(text="Code Description")),
    "ContactGroups": Listing("ContactGroups", _fields(guid="ContactGroupID", text="Name Status")),
}


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
            if len(records) > MOST_IN_ONE_ANSWER:
                raise Refused(bad_request(QUERY, "More than 100000 records would be returned; use paging"))
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
            raise Refused(bad_request(QUERY, "Status can't be empty"), "query", "an empty Status")
        tests.append(lambda r: r["Status"] == status)
    try:
        if "DateFrom" in call.query:
            begin = read_date("DateFrom", call.query["DateFrom"])
            tests.append(lambda r: r["Date"] >= begin)
        if "DateTo" in call.query:
            end = read_date("DateTo", call.query["DateTo"])
            tests.append(lambda r: r["Date"] <= end)
    except WrongType as error:
        raise Refused(bad_request(QUERY, str(error)), "query", str(error)) from None
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
        test = parse(call.query["where"], fields, lambda record, name: _get(call.org, record, name))
    except QueryError as error:
        raise Refused(bad_request(QUERY, str(error)), "where", str(error)) from None
    return [record for record in records if test(record)]


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
        raise Refused(bad_request(QUERY, str(error)), "order", str(error)) from None


def _sorted(call: Call, listing: Listing, records: list[Record], order: list[tuple[str, bool]]) -> list[Record]:
    id_field = call.org[listing.plural].id_field
    keys = [*(order or [("UpdatedDateUTC", False)]), (id_field, False)]
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
        raise Refused(bad_request(QUERY, "page and pageSize are numbers"), "query", "page") from None
    return max(1, page), min(1000, max(1, size))
