"""What the rows of a help desk mean for Xero, worked out a second time: numbers, totals, due dates, what is posted.

Pure, written from nethelpdesk sections 3, 5 and 7; it shares no code with the plugin that it judges.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from xerotui_nethelpdesk.emulator.floats import typed

Row = Mapping[str, Any]
Rows = Callable[[str], Iterable[Row]]
CENT = Decimal("0.01")
INVOICE, ORDER = "invoice", "purchase_order"
INVOICES, ORDERS = "NHD-{id:03d}", "NHDPO-{id:03d}"


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One document as it should arrive; `due_by` names the rule, `why` says why it is none for Xero ("": it is)."""

    kind: str
    id: int
    number: str
    tenant: str
    currency: str
    total: Decimal
    due: date | None = None
    due_by: str = ""
    why: str = ""
    xero_id: str = ""


def number_of(template: str, id: int, shown: str) -> str:
    """The number of a template with {id}, {id:03d} or {number}; what is longer than the zeros stays whole."""
    text = template.replace("{number}", shown.strip()).replace("{id}", str(id))
    return re.sub(r"\{id:0(\d)d\}", lambda found: format(id, f"0{found[1]}d"), text)


def day_of(value: Any) -> date | None:
    """The calendar date of a DATETIME; None for NULL, for 1900-01-01, and for what is no date at all."""
    try:
        found = date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
    return found if found.year >= 1902 else None


def fall_due(day: date, type: int, number: int) -> date:
    """The four types: days after the invoice, days after its month, day of the next month, day of this one."""
    ends = day.replace(day=monthrange(day.year, day.month)[1])
    if type == 0:
        return day + timedelta(days=number)
    if type == 1:
        return ends + timedelta(days=number)
    first = ends + timedelta(days=1) if type == 2 else day.replace(day=1)
    return first.replace(day=min(max(number, 1), monthrange(first.year, first.month)[1]))


class Meaning:
    """The documents of a database. `tenants` are ids by the name of a top level, `other` that of what has none.

    `symbols` are ISO codes where the database knows symbols alone, `minimum` the approval that an order needs.
    """

    def __init__(
        self, rows: Rows, *, tenants: Mapping[str, str], other: str, symbols: Mapping[str, str],
        invoices: str = INVOICES, orders: str = ORDERS, excluded: Iterable[int] = (), minimum: int = 2,
    ) -> None:  # fmt: skip
        self.rows, self.tenants, self.other, self.symbols = rows, tenants, other, symbols
        self.templates = {INVOICE: invoices, ORDER: orders}
        self.excluded, self.minimum = frozenset(excluded), minimum

    def documents(self) -> list[Document]:
        """Every invoice and purchase order, those that aren't for Xero with the reason."""
        self._look_up()
        found = [self._invoice(row) for row in self.rows("INVOICEHEADER")]
        return found + [self._order(row) for row in self.rows("SUPPLIERORDERHEADER")]

    def _look_up(self) -> None:
        levels = {row["Treeid"]: str(row["TreeDesc"]).strip() for row in self.rows("TREE")}
        self._clients = {row["Aarea"]: row for row in self.rows("AREA")}
        self._suppliers = {row["Cnum"]: row for row in self.rows("COMPANY")}
        self._levels = {id: self.tenants.get(name, "") for id, name in levels.items()}
        self._codes = {row["Cid"]: str(row.get("Ccode") or "") for row in self.rows("CURRENCY")}
        self._known = {str(row["Cdesc"]): str(row.get("Ccode") or "") for row in self.rows("CURRENCY")}
        self._rates = {row["TaxID"]: typed(row["TaxValue"], 4) for row in self.rows("Tax")} or self._slots()
        self._lines: dict[tuple[str, Any], list[Row]] = defaultdict(list)
        for table, owner in (("INVOICEDETAIL", "IdIHid"), ("SUPPLIERORDERDETAIL", "SDSHid")):
            for line in self.rows(table):
                self._lines[(table, line[owner])].append(line)
        control = next(iter(self.rows("CONTROL2")), {})
        self._days = control.get("RInvoiceDueDaysExtra")

    def _slots(self) -> dict[int, Decimal]:
        held = {**next(iter(self.rows("CONTROL")), {}), **next(iter(self.rows("CONTROL2")), {})}
        return {n: typed(held[f"RTaxCode{n}"], 4) for n in range(1, 11) if held.get(f"RTaxCode{n}") is not None}

    def _invoice(self, row: Row) -> Document:
        client = self._clients.get(row["IHaarea"], {})
        lines = self._lines[("INVOICEDETAIL", row["IHid"])]
        total = sum((typed(x["IDNet_Amount"]) + typed(x["IDTax_Amount"]) for x in lines), Decimal(0))
        due, by = self._due(row, client)
        return Document(
            kind=INVOICE, id=row["IHid"], tenant=self._tenant(client, "AXeroTenantId"), total=total, due=due, due_by=by,
            number=number_of(self.templates[INVOICE], row["IHid"], str(row["IHInvoiceNumber"] or "")),
            currency=self._currency(row, "IHcurrencycode", "IHCurrency"), why=self._why_not(row, lines, total),
            xero_id=str(row.get("IHXeroID") or ""),
        )  # fmt: skip

    def _why_not(self, row: Row, lines: list[Row], total: Decimal) -> str:
        if total.is_nan():
            return "unreadable"
        reasons = (
            (row["IHid"] <= 0, "template"),
            (row["IHaarea"] in self.excluded, "client left out"),
            (row["IHaarea"] not in self._clients, "no client"),
            (bool(row["IHPosted"]) and not row.get("IHXeroID"), "posted elsewhere"),
            (not lines, "no lines"),
            ((row.get("ihsupplierid") or 0) > 0 or (row.get("ihshid") or 0) > 0, "bill"),
            ((row.get("ihcreditlinkedtoinvoiceid") or 0) > 0 or total < 0, "credit"),
            *((bool(row.get(flag)), flag) for flag in
              ("ihvoided", "IHHideInvoice", "IHisRecurringInvoice", "ihdontsyncto3rdparty")),
        )  # fmt: skip
        return next((why for hit, why in reasons if hit), "")

    def _order(self, row: Row) -> Document:
        supplier = self._suppliers.get(row["SHSupplierID"], {})
        lines = self._lines[("SUPPLIERORDERDETAIL", row["SHid"])]
        rates = [self._rates.get(x["SDTaxCode"] or 0, Decimal(0)) for x in lines]
        parts = [
            (typed(x["SDquantity"], 4) * typed(x["SDPrice"], 4), rate) for x, rate in zip(lines, rates, strict=True)
        ]
        carriage = typed(row["SHCarriagePrice"])
        if carriage:
            parts.append((carriage, rates[0] if len(set(rates)) == 1 else Decimal(0)))
        nets = [(net.quantize(CENT, rounding=ROUND_HALF_UP), rate) for net, rate in parts]
        taxes = [(net * rate / 100).quantize(CENT, rounding=ROUND_HALF_UP) for net, rate in nets]
        total = sum((net for net, _ in nets), Decimal(0)) + sum(taxes, Decimal(0))
        approval = row.get("SHApprovalStatus")
        why = (
            "rejected" if approval == 1 else "not approved" if approval is not None and approval < self.minimum else ""
        )
        why = why or ("unreadable" if total.is_nan() else "" if lines else "no lines")
        return Document(
            kind=ORDER, id=row["SHid"], number=number_of(self.templates[ORDER], row["SHid"], str(row["SHPORef"] or "")),
            tenant=self._tenant(supplier, "CXeroTenantId"), total=total,
            currency=self._currency(row, "shcurrencycode", "SHCurrency"), due=day_of(row["SHEstDelDate"]),
            why=why, xero_id=str(row.get("SHXeroId") or ""),
        )  # fmt: skip

    def _tenant(self, party: Row, column: str) -> str:
        """By its own column where there is one, else by its top level, else the one for all that has none."""
        if column in party:
            return str(party[column] or "")
        return self._levels.get(party.get("Atreeid"), "") or self.other

    def _currency(self, row: Row, id: str, symbol: str) -> str:
        if row.get(id):
            return self._codes.get(row[id], "")
        shown = str(row[symbol] or "").strip()
        return self._known.get(shown) or self.symbols.get(shown, "")

    def _due(self, row: Row, client: Row) -> tuple[date | None, str]:
        day = day_of(row["IHInvoice_Date"])
        if (own := day_of(row["IHDue_Date"])) is not None or day is None:
            return own, "invoice"
        ladder = (
            ("invoice rule", row.get("IHDueDateType"), row.get("IHDueDateInt")),
            ("client rule", client.get("aduedatetype"), client.get("AInvoiceDueDaysExtra")),
            ("client days", 0, client.get("APaymentTerms")),
            ("days of all", 0, self._days),
        )
        for by, type, number in ladder:
            if type is not None and number is not None:
                return fall_due(day, int(type), int(number)), by
        return day, "date"


def summed(documents: Iterable[Document]) -> dict[str, Any]:
    """`{tenant: {currency: {kind: {"documents": int, "total": text}}}}` of these documents."""
    found: dict[str, Any] = {}
    for one in documents:
        entry = (
            found.setdefault(one.tenant, {})
            .setdefault(one.currency, {})
            .setdefault(one.kind, {"documents": 0, "total": Decimal(0)})
        )
        entry["documents"] += 1
        entry["total"] += one.total
    return _as_text(found)


def _as_text(sums: dict[str, Any]) -> dict[str, Any]:
    return {k: _as_text(v) if isinstance(v, dict) else v if k == "documents" else str(v) for k, v in sums.items()}
