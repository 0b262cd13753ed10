"""Canonical rows out of a CSV file's cells, read already; what each column becomes, and nothing more."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xerotui_nethelpdesk.csv_columns import Table
from xerotui_nethelpdesk.rows import ZERO, ChargeRow, DocumentRow, ItemRow, LineRow, PartyRow, TaxRow
from xerotui_nethelpdesk.values import link

Canonical = PartyRow | ItemRow | TaxRow | ChargeRow | DocumentRow
Cells = dict[str, Any]


def _party(got: Cells) -> PartyRow:
    address = tuple(text for n in range(1, 5) if (text := got.get(f"address{n}", "")))
    names = ("account_code", "email", "first_name", "last_name", "phone", "website", "postcode", "country", "currency",
             "top_level", "sales_tax", "purchase_tax")  # fmt: skip
    return PartyRow(
        id=got["id"],
        name=got["name"],
        active=got.get("active") is not False,
        tenant=got.get("organisation", ""),
        tax_number=got.get("vat_no", ""),
        address=address,
        due_type=got.get("due_type"),
        due_days=got.get("due_days"),
        terms_days=got.get("terms_days"),
        **{name: got.get(name, "") for name in names},
    )


def _item(got: Cells) -> ItemRow:
    names = ("description", "group", "sales_account", "purchase_account", "sales_tax", "purchase_tax")
    return ItemRow(
        id=got["code"],
        code=got["code"],
        name=got["name"],
        active=got.get("active") is not False,
        sales_price=got.get("sales_price"),
        cost_price=got.get("cost_price"),
        **{name: got.get(name, "") for name in names},
    )


def _tax(got: Cells) -> TaxRow:
    return TaxRow(id=got["code"], code=got["code"], name=got["description"], rate=got["rate"])


def _charge(got: Cells) -> ChargeRow:
    return ChargeRow(id=got["code"], name=got["name"], code=got.get("account_code", ""), rate=got.get("rate"))


# By kind of file, for records of one row.
SINGLES: Mapping[str, Callable[[Cells], Canonical]] = {
    "customers": _party, "suppliers": _party, "items": _item, "taxes": _tax, "charges": _charge,
}  # fmt: skip


def _line(got: Cells) -> LineRow:
    return LineRow(
        id=str(got["line_no"]),
        order=got["line_no"],
        item_code=got.get("item_code", ""),
        nominal_code=got.get("nominal_code", ""),
        account=got.get("account_code", ""),
        text=got["description"],
        long_text=got.get("long_description", ""),
        quantity=got.get("quantity") or ZERO,
        unit_price=got.get("unit_price") or ZERO,
        net=got.get("net"),
        tax_amount=got.get("tax_amount"),
        tax=got.get("tax_code", ""),
        tax_rate=got.get("tax_rate"),
        charge=got.get("charge_code", ""),
        heading=bool(got.get("heading")),
    )


def document(table: Table, id: str, heads: Cells, lines: Sequence[Cells]) -> DocumentRow:
    """A document of its head's cells and those of each of its lines."""
    party, name = table.either[0]
    return DocumentRow(
        id=id,
        party=heads.get(party, ""),
        party_name=heads.get(name, ""),
        number=heads.get("number", ""),
        date=heads.get("invoice_date") or heads.get("date"),
        due_date=heads.get("due_date"),
        due_type=heads.get("due_type"),
        due_days=heads.get("due_days"),
        delivery_date=heads.get("delivery_date"),
        reference=heads.get("reference", ""),
        customer_order=heads.get("customer_order", ""),
        currency=heads.get("currency", ""),
        currency_rate=heads.get("currency_rate"),
        lines=tuple(sorted((_line(got) for got in lines), key=lambda one: one.order)),
        carriage=heads.get("carriage") or ZERO,
        carriage_text=heads.get("carriage_description", ""),
        tenant=heads.get("organisation", ""),
        credits=link(heads.get("credits", "")),
        voided=bool(heads.get("voided")),
        excluded="voided in NetHelpDesk" if heads.get("voided") else "",
        unfinished="waits for approval in NetHelpDesk" if heads.get("approved") is False else "",
    )


__all__ = ["SINGLES", "Canonical", "Cells", "document"]
