"""What the emulated Halo holds, and the rules by which a write changes it (halo-api section 5).

Tables, binding of types, merging, business rules, sums of documents. HTTP and paging live elsewhere.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from xerotui.sandbox.world import cents
from xerotui_halo.emulator import payments
from xerotui_halo.emulator.binding import bind
from xerotui_halo.emulator.errors import not_found, rule
from xerotui_halo.emulator.fields import ENTITIES, Entity
from xerotui_halo.emulator.seed import Row, stamp
from xerotui_halo.emulator.switches import Switches

Violation = Callable[[str, str], None]


class Table:
    """The rows of one entity by id."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.rows: dict[int, Row] = {}
        self.created: set[int] = set()
        self._last = 0

    def add(self, row: Row) -> Row:
        """Store a row with every field of its entity; one without an id gets the next."""
        whole = {name: field.default() for name, field in self.entity.fields.items() if name != "add_lines"}
        whole.update(copy.deepcopy(row))
        if not whole["id"]:
            whole["id"] = self._last + 1
        self._last = max(self._last, int(whole["id"]))
        self.rows[self.key(whole)] = whole
        return whole

    def key(self, row: Row) -> int:
        """The key of a row: its id, for lookups together with the list it belongs to."""
        if self.entity.name == "Lookup":
            return int(row["lookupid"]) * 100_000 + int(row["id"])
        return int(row["id"])


class Store:
    """All tables, changed only through `write` (callers), `edit`, `create` and `remove` (people)."""

    def __init__(self, now: Callable[[], datetime], violation: Violation) -> None:
        self.tables = {name: Table(entity) for name, entity in ENTITIES.items()}
        self.control: Row = {}
        self.drops: list[str] = []
        self.switches: Switches | None = None
        self.tenant_moves = False
        self._now = now
        self._violation = violation
        self._line = 900_000

    def load(self, name: str, row: Row) -> None:
        """Store a seeded row, its lines completed."""
        added = self.tables[name].add(row)
        if "lines" in added:
            added["lines"] = [self._whole_line(name, line) for line in added["lines"]]

    def get(self, name: str, key: int) -> Row:
        """The row of that id; raises the 404 of Halo when there is none."""
        row = self.tables[name].rows.get(key)
        if row is None:
            raise not_found()
        return row

    def write(self, name: str, body: Any, index: int, raw: str) -> tuple[Row, bool]:
        """Do what one element of a POST asks: the row afterwards and whether it is new.

        Raises Refused for a broken rule, a type that doesn't fit or an id that is not there.
        """
        entity = ENTITIES[name]
        bound, unknown = bind(entity, body, index, raw)
        for prop in unknown:
            self._violation("unknown_property", f"{entity.name}.{prop}")
        for full in self.drops:
            owner, _, prop = full.partition(".")
            if owner == entity.name:
                bound.pop(prop, None)
        key = int(bound.pop("id", 0) or 0)
        if name == "lookup" and key:
            key = int(bound.get("lookupid") or 17) * 100_000 + key
        before = self.get(name, key) if key else None
        self._rules(entity, before, bound)
        if before is not None:
            self._judge_lines(entity, before, bound)
        if body.get("_validateonly"):
            return {**(before or {}), **bound}, before is None
        if before is not None:
            if name == "invoicepayment":
                bound = payments.kept(bound, self.switches)
            self._merge(name, before, bound)
            if name == "invoicepayment":
                self._settle(int(before["invoice_id"]))
            return before, False
        return self._create(name, bound, body), True

    def edit(self, name: str, key: int, patch: Row) -> Row:
        """Change a row as a person at Halo's own screens does, read-only fields included."""
        row = self.get(name, key)
        self._merge(name, row, copy.deepcopy(patch))
        return row

    def create(self, name: str, body: Row) -> Row:
        """Add a row as a person at Halo's own screens does."""
        row = self._create(name, copy.deepcopy(body), {})
        self.tables[name].created.discard(self.tables[name].key(row))
        return row

    def remove(self, name: str, key: int) -> Row:
        """Delete a row as a person at Halo's own screens does."""
        row = self.get(name, key)
        del self.tables[name].rows[key]
        return row

    def _create(self, name: str, bound: Row, body: Row) -> Row:
        table = self.tables[name]
        lines = [*bound.pop("lines", []), *bound.pop("add_lines", [])]
        row = table.add(bound)
        table.created.add(table.key(row))
        if name == "invoice":
            row["invoicenumber"] = row["invoicenumber"] or str(row["id"])
        elif name == "purchaseorder":
            row["po_ref"] = row["po_ref"] or f"PO{row['id']}"
        for field in ("date_created", "datecreated"):
            if field in row:
                row[field] = self._stamp()
        self._merge(name, row, {"lines": lines} if "lines" in row else {})
        if name == "client" and body.get("newclient_sitename"):
            address = body.get("newclient_delivery_address")
            site = {"name": body["newclient_sitename"], "client_id": row["id"], "delivery_address": address}
            row["main_site_id"] = self._create("site", site, {})["id"]
        if name == "invoicepayment":
            self._settle(int(row["invoice_id"]))
        return row

    def _merge(self, name: str, row: Row, patch: Row) -> None:
        """Sent properties replace stored ones, nested objects merge, `lines` is replaced as a whole."""
        entity = ENTITIES[name]
        lines, more = patch.pop("lines", None), patch.pop("add_lines", [])
        for prop, value in patch.items():
            if isinstance(value, dict) and isinstance(row.get(prop), dict):
                row[prop] = {**row[prop], **value}
            elif prop == "customfields":
                row[prop] = _merge_custom(row.get(prop) or [], value)
            else:
                row[prop] = value
        if lines is not None or more:
            old = {line["id"]: line for line in row["lines"]}
            kept = list(row["lines"]) if lines is None else lines
            row["lines"] = [self._whole_line(name, {**old.get(x.get("id", 0), {}), **x}) for x in [*kept, *more]]
            for line in row["lines"]:
                line["ihid" if "ihid" in line else "purchaseorder_id"] = row["id"]
            self._add_up(name, row)
        self._names(name, row)
        if entity.stamp:
            row[entity.stamp] = self._stamp()

    def _whole_line(self, name: str, line: Row) -> Row:
        fields = ENTITIES[name].line_fields
        whole = {**{f.name: f.default() for f in fields.values()}, **line}
        if not whole["id"]:
            self._line += 1
            whole["id"] = self._line
        return whole

    def _add_up(self, name: str, row: Row) -> None:
        """Recalculate amounts of lines and header, each line rounded on its own."""
        taxes = self.tables["tax"].rows
        net = tax = Decimal(0)
        order = name == "purchaseorder"
        for line in row["lines"]:
            quantity, price, discount = (
                Decimal(line[f])
                for f in (("quantity", "price", "discount") if order else ("qty_order", "unit_price", "discount_perc"))
            )
            code = line["override_tax_code"] or (0 if order else line["item_tax_code"])
            rate = Decimal(taxes[code]["value"]) if code in taxes else Decimal(line.get("tax_rate") or 0)
            line_net = cents(quantity * price * (100 - discount) / 100)
            line_tax = cents(line_net * rate / 100)
            if order:
                line.update(net_total=line_net, total_price=line_net, total_tax=line_tax)
            else:
                line.update(net_amount=line_net, tax_amount=line_tax, tax_rate=rate)
            net, tax = net + line_net, tax + line_tax
        row.update(total=net + tax, tax_total=tax, **({"price": net} if order else {"revenue": net}))
        if not order:
            self._settle(int(row["id"]))

    def _settle(self, invoice: int) -> None:
        """Work out what is paid and due on an invoice from its payments."""
        row = self.tables["invoice"].rows.get(invoice)
        if row is None:
            return
        mine = [p for p in self.tables["invoicepayment"].rows.values() if p["invoice_id"] == invoice]
        paid = sum((Decimal(p["amount"]) for p in mine), Decimal(0))
        due = Decimal(row["total"]) - paid
        row.update(payments=mine, amountpaid=paid, amountdue=due, amount_remaining=due)
        if mine:
            row["paymentstatus"] = payments.number(paid > 0, due <= 0)
            row["datepaid"] = max(p["date"] for p in mine)
            row["last_modified"] = self._stamp()

    def _names(self, name: str, row: Row) -> None:
        """Fill the read-only names that belong to ids."""
        for key, shown, table in (
            ("client_id", "client_name", "client"), ("supplier_id", "supplier_name", "supplier"),
            ("sitenumber", "site_name", "site"), ("assetgroup_id", "assetgroup_name", "assetgroup"),
            ("taxcode", "taxcode_name", "tax"), ("taxcodeother", "taxcodeother_name", "tax"),
            ("sales_tax_code", "sales_tax_code_name", "tax"), ("linked_item_id", "linked_item_name", "item"),
            ("purchase_tax_code", "purchase_tax_code_name", "tax"),
        ):  # fmt: skip
            if key in row and shown in row:
                found = self.tables[table].rows.get(int(row[key] or 0))
                row[shown] = found["name"] if found else ""

    def _rules(self, entity: Entity, before: Row | None, bound: Row) -> None:
        """The business rules, of which Halo names one at a time."""
        after = {**(before or {}), **bound}
        if (
            "name" in entity.fields
            and entity.name not in ("Invoice", "Lookup")
            and not str(after.get("name") or "").strip()
        ):
            raise rule(f"Please enter a name for this {entity.kind.replace('_', ' ')}.")
        for needed, table in _NEEDS.get(entity.name, ()):
            if int(after.get(needed) or 0) not in self.tables[table].rows:
                raise rule(f"Please select a valid {table} for this {entity.kind.replace('_', ' ')}.")
        tenant = bound.get("xero_tenant_id")
        if (
            before
            and tenant is not None
            and before.get("xero_tenant_id") not in ("", tenant, None)
            and entity.name == "Client"
            and not self.tenant_moves
        ):
            raise rule("The Xero tenant of a customer can't be changed once it is set.")

    def _judge_lines(self, entity: Entity, before: Row, bound: Row) -> None:
        if "lines" not in bound:
            return
        gone = {line["id"] for line in before["lines"]} - {line.get("id") for line in bound["lines"]}
        if gone:
            ids = ", ".join(map(str, sorted(gone)))
            self._violation("partial_lines", f"{entity.name} {before['id']} would lose lines {ids}")

    def _stamp(self) -> str:
        return stamp(self._now().astimezone(UTC))


_NEEDS = {
    "Site": (("client_id", "client"),),
    "Invoice": (("client_id", "client"),),
    "PurchaseOrder": (("supplier_id", "supplier"),),
    "InvoicePayment": (("invoice_id", "invoice"),),
}


def _merge_custom(old: list[Row], new: list[Row]) -> list[Row]:
    found = {field.get("id") or field.get("name"): dict(field) for field in old}
    for field in new:
        key = field.get("id") or field.get("name")
        found[key] = {**found.get(key, {}), **field}
    return list(found.values())
