"""How a stored row looks in an answer of the build that is emulated; what it holds isn't changed here."""

from __future__ import annotations

from decimal import Decimal

from xerotui_halo.emulator.fields import Entity, Field
from xerotui_halo.emulator.seed import Row
from xerotui_halo.emulator.switches import Switches

_HIDDEN = ("quantity", "price", "tax", "discount", "tax_code")


def dressed(entity: Entity, row: Row, switches: Switches) -> Row:
    """The row of a list or of a single GET as that build shows it."""
    shown = dict(row)
    if switches.zulu:
        shown = _zulu(entity.fields, shown)
    if switches.tracking_in != "name":
        _tracking(shown, switches.tracking_in)
    if entity.name == "Invoice" and switches.payment_numbers:
        shown["paymentstatus"] = switches.payment_numbers[_paid(row)]
    if "lines" in shown and entity.line_fields:
        shown["lines"] = [_line(entity, line, switches) for line in shown["lines"]]
    return shown


def _line(entity: Entity, line: Row, switches: Switches) -> Row:
    shown = _zulu(entity.line_fields, line) if switches.zulu else dict(line)
    if switches.tracking_in != "name":
        _tracking(shown, switches.tracking_in)
    if entity.name == "PurchaseOrder" and switches.hidden_order_fields:
        return {name: value for name, value in shown.items() if name not in _HIDDEN}
    return shown


def _zulu(fields: dict[str, Field], row: Row) -> Row:
    def told(name: str, value: object) -> object:
        field = fields.get(name)
        return f"{value}.0000000Z" if field is not None and field.type == "d" and value else value

    return {name: told(name, value) for name, value in row.items()}


def _tracking(row: Row, place: str) -> None:
    for n in (1, 2):
        id, name = f"xero_category_{n}_lookup", f"xero_category_{n}_lookup_name"
        if name in row and place == "lookup":
            row[id], row[name] = row[name] or row[id], ""
        elif name in row:
            del row[name], row[id]


def _paid(row: Row) -> int:
    if not Decimal(row["amountpaid"] or 0):
        return 0
    return 2 if Decimal(row["amountdue"] or 0) <= 0 else 1
