"""What uses a tax rate of the emulated Halo: the judge of those who delete one."""

from __future__ import annotations

from typing import Any

from xerotui_halo.emulator.seed import Row
from xerotui_halo.emulator.store import Store

_NAMED = ("tax_rate_name", "no_tax_code")


def in_use(store: Store, tax: Row) -> str:
    """What holds the rate's id or name anywhere, "" for nothing; the zero rate and linked ones always are kept."""
    if not tax["value"]:
        return "it is the zero rate"
    if tax["xero_tenant_id"]:
        return "it belongs to an organisation"
    for name, table in store.tables.items():
        for row in table.rows.values():
            if name == "tax":
                if any(int(part.get("id") or 0) == tax["id"] for part in row["linked_rates"] or []):
                    return f"it is a part of tax {row['id']}"
            elif _holds(row, tax):
                return f"{name} {row['id']} uses it"
    return ""


def _holds(value: Any, tax: Row) -> bool:
    if isinstance(value, list):
        return any(_holds(one, tax) for one in value)
    if not isinstance(value, dict):
        return False
    for name, held in value.items():
        if isinstance(held, dict | list):
            if _holds(held, tax):
                return True
        elif name in _NAMED:
            if held and str(held).casefold() == str(tax["name"]).casefold():
                return True
        elif ("tax_code" in name or name in ("taxcode", "taxcodeother", "taxid", "tax_id", "tax_id_purchase")) and (
            str(held) == str(tax["id"])
        ):
            return True
    return False
