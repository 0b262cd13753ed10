"""Lists of the emulated Halo: filters, order, paging, list rows (halo-api sections 4.1 to 4.4).

What a parameter means is told here; one that isn't told is ignored without a word, as Halo ignores it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from xerotui_halo.emulator.dress import dressed
from xerotui_halo.emulator.fields import NO_DATE, Entity, words
from xerotui_halo.emulator.seed import Row, stamp
from xerotui_halo.emulator.switches import Switches

Params = Mapping[str, str]
Test = Callable[[Row], bool]

_DATE_FIELDS = {
    "invoice_date": "invoice_date", "last_modified": "last_modified", "duedate": "duedate",
    "schedulestartdate": "period_start_date", "scheduleenddate": "period_end_date",
}  # fmt: skip
_EQUAL = {
    "Client": {"toplevel_id": "toplevel_id"},
    "Site": {"client_id": "client_id"},
    "Supplier": {"toplevel_id": "toplevel_id", "xerotenantid": "xero_tenant_id"},
    "Item": {"assetgroup_id": "assetgroup_id", "supplier_id": "supplier_id"},
    "Tax": {"xerotenantid": "xero_tenant_id"},
    "Invoice": {
        "client_id": "client_id", "salesorder_id": "salesorder_id", "purchaseorder_id": "purchaseorder_id",
        "recurringinvoice_id": "recurring_invoice_id",
    },
    "RecurringInvoice": {"client_id": "client_id"},
    "PurchaseOrder": {
        "supplier_id": "supplier_id", "client_id": "client_id", "site_id": "site_id", "ticket_id": "ticket_id",
        "salesorder_id": "salesorder_id",
    },
    "Lookup": {"lookupid": "lookupid"},
    "ChargeRate": {"chargerate_id": "charge_id", "client_id": "area", "contract_id": "contract_id"},
    "InvoicePayment": {"client_id": "client_id", "invoice_id": "invoice_id"},
    "XeroDetails": {"tenantid": "tenant_id"},
}  # fmt: skip
_ONE_OF = {
    "Item": {"assetgroups": "assetgroup_id"},
    "Invoice": {"client_ids": "client_id", "paymentstatuses": "paymentstatus"},
    "PurchaseOrder": {"po_status": "status"},
}
_COMMON = words(
    "search search_name_only count pageinate page_size page_no idonly includeactive includeinactive activeinactive "
    "includelines includeaddress includeinvoices includecredits includepoinvoices postedonly notpostedonly "
    "start_date end_date datesearch lastupdatefromdate lastupdatetodate connectedonly open closed globalonly "
    "recurringonly excluderecurring xerotenantid includedetails awaiting_approval"
)


def truth(params: Params, name: str, default: bool = False) -> bool:
    """A boolean parameter."""
    text = params.get(name, "").lower()
    return text == "true" if text in ("true", "false") else default


def unknown_parameters(entity: Entity, params: Params) -> list[str]:
    """The parameters that this list ignores because nobody told it about them."""
    told = {*_COMMON, *_EQUAL.get(entity.name, {}), *_ONE_OF.get(entity.name, {})}
    return [p for p in params if p not in told and not p.startswith("order")]


def select(entity: Entity, rows: list[Row], params: Params, switches: Switches) -> list[Row]:
    """The rows that a list with these parameters holds, in its order, before paging."""
    tests = [*_equality(entity, params), *_activity(entity, params), *_dates(entity, params, switches)]
    tests += [*_kinds(entity, params), *_search(entity, params)]
    found = [row for row in rows if all(test(row) for test in tests)]
    found.sort(key=lambda row: int(row["id"]))
    # The last order is applied first: sorting is stable.
    for suffix in ("5", "4", "3", "2", ""):
        field = params.get(f"order{suffix}", "")
        if field in entity.fields:
            found.sort(key=lambda row: _sortable(row[field]), reverse=truth(params, f"orderdesc{suffix}"))
    return found


def answer(entity: Entity, rows: list[Row], params: Params, switches: Switches) -> Any:
    """The body of a list: one page, `count` rows or everything, in an envelope where Halo has one."""
    envelope: Row = {} if switches.uncounted else {"record_count": len(rows)}
    if entity.name in switches.short:
        rows = [row for n, row in enumerate(rows, 1) if n % 5]
    if truth(params, "pageinate"):
        size = max(1, min(_int(params.get("page_size"), 50), switches.page_cap or 100_000))
        page = max(1, _int(params.get("page_no"), 1))
        first = 0 if entity.name in switches.pages_ignored else (page - 1) * size
        rows = rows[first : first + size]
        envelope = {"page_no": page, "page_size": size, **envelope, "columns_id": 0}
    elif "count" in params:
        rows = rows[: max(0, _int(params["count"], len(rows)))]
    if truth(params, "idonly") and entity.name in ("Client", "Site", "Supplier", "Invoice"):
        shown = [{"id": row["id"]} for row in rows]
    else:
        shown = [dressed(entity, list_row(entity, row, params), switches) for row in rows]
    if entity.name in switches.junk:
        shown += [None, "a row that isn't one", {"name": "without an id"}]  # type: ignore[list-item]
    if entity.key:
        return {**envelope, entity.key: shown}
    return {**envelope, entity.name.lower(): shown} if entity.name in switches.enveloped else shown


def list_row(entity: Entity, row: Row, params: Params) -> Row:
    """A row as lists show it: without the fields that only a single GET has."""
    shown = {f.name: row[f.name] for f in entity.fields.values() if f.listed and f.name in row}
    if entity.line_fields and not truth(params, "includelines"):
        shown.pop("lines", None)
    if entity.name == "Site" and not truth(params, "includeaddress"):
        shown.pop("delivery_address")
        shown.pop("invoice_address")
    return shown


def _equality(entity: Entity, params: Params) -> list[Test]:
    tests: list[Test] = []
    for param, field in _EQUAL.get(entity.name, {}).items():
        if params.get(param):
            tests.append(lambda row, f=field, v=params[param]: str(row[f]) == v)  # type: ignore[misc]
    for param, field in _ONE_OF.get(entity.name, {}).items():
        if params.get(param):
            wanted = set(params[param].split(","))
            tests.append(lambda row, f=field, w=wanted: str(row[f]) in w)  # type: ignore[misc]
    if entity.name == "Lookup" and "lookupid" not in params:
        tests.append(lambda row: False)
    if entity.name == "Item" and params.get("xerotenantid"):
        # Items of no tenant are offered to every tenant.
        offered = ("", params["xerotenantid"])
        tests.append(lambda row: row["xero_tenant_id"] in offered)
    return tests


def _activity(entity: Entity, params: Params) -> list[Test]:
    if "inactive" not in entity.fields or entity.name == "Lookup":
        return []
    active, inactive = True, truth(params, "includeinactive")
    pair = params.get("activeinactive", "").lower().split(",")
    if len(pair) == 2:
        active, inactive = pair[0] == "true", pair[1] == "true"
    active = truth(params, "includeactive", active)
    return [lambda row: inactive if row["inactive"] else active]


def _dates(entity: Entity, params: Params, switches: Switches) -> list[Test]:
    field, names = "", ("start_date", "end_date")
    if entity.name == "Invoice" and switches.datesearch:
        field = _DATE_FIELDS.get(params.get("datesearch", "invoice_date"), "")
    elif entity.name in ("Client", "Site") and switches.lastupdate:
        field, names = entity.stamp, ("lastupdatefromdate", "lastupdatetodate")
    if not field:
        return []
    tests: list[Test] = []
    if since := _moment(params.get(names[0])):
        tests.append(lambda row: str(row[field]) >= since)
    if until := _moment(params.get(names[1])):
        tests.append(lambda row: str(row[field]) <= until)
    return tests


def _kinds(entity: Entity, params: Params) -> list[Test]:
    tests: list[Test] = []
    if entity.name == "Invoice":
        sales, bills = truth(params, "includeinvoices", True), truth(params, "includepoinvoices")
        credits = truth(params, "includecredits")

        def wanted(row: Row) -> bool:
            if row["supplier_id"]:
                return bills
            return credits if is_credit(row) else sales

        tests.append(wanted)
        if truth(params, "postedonly"):
            tests.append(lambda row: bool(row["posted"]))
        if truth(params, "notpostedonly"):
            tests.append(lambda row: not row["posted"])
    if entity.name == "Item" and truth(params, "recurringonly"):
        tests.append(lambda row: bool(row["isrecurringitem"]))
    if entity.name == "Item" and truth(params, "excluderecurring"):
        tests.append(lambda row: not row["isrecurringitem"])
    if entity.name == "PurchaseOrder" and truth(params, "awaiting_approval"):
        tests.append(lambda row: row["approval_status"] == 0)
    if entity.name == "ChargeRate" and truth(params, "globalonly"):
        tests.append(lambda row: row["area"] == 0)
    if entity.name == "XeroDetails" and truth(params, "connectedonly"):
        tests.append(lambda row: bool(row["authorized"]))
    return tests


def is_credit(row: Row) -> bool:
    """Whether an invoice's row is a credit: by its original, or by its total (halo-api section 7.8)."""
    try:
        return bool(row["creditlinkedtoinvoiceid"]) or Decimal(row["total"]) < 0
    except ArithmeticError:
        return False


def _search(entity: Entity, params: Params) -> list[Test]:
    text = params.get("search", "").strip().casefold()
    if not text:
        return []
    fields = ("name",) if truth(params, "search_name_only") and "name" in entity.fields else entity.search
    return [lambda row: any(text in str(row[f]).casefold() for f in fields)]


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None or isinstance(value, dict | list):
        return (0, "")
    return (1, value) if isinstance(value, int | Decimal) else (2, str(value).casefold())


def _int(text: str | None, default: int) -> int:
    try:
        return int(text or "")
    except ValueError:
        return default


def _moment(text: str | None) -> str | None:
    """A date parameter in Halo's own form; one that can't be read is ignored like an unknown one."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    if moment.year < 1902:
        return NO_DATE
    return stamp(moment.astimezone(UTC) if moment.tzinfo else moment)
