"""The numbers that the emulated Halo gives: the next one of its own series, which nothing is written for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xerotui_halo.emulator.seed import Row

NUMBERED = ("Client", "Item")


def next_numbers(rows: Mapping[int, Row], elements: list[Any], shape: str) -> Any:
    """What NewAccountsId answers for an array, as a row, a list of rows, or the bare text."""
    taken = {str(row.get("accountsid") or "").casefold() for row in rows.values()}
    found = []
    for element in elements:
        letters = "".join(c for c in str(element.get("name") or "") if c.isalnum())[:3].upper() or "NEW"
        number = next(n for n in (f"{letters}{at:04}" for at in range(1, 100_000)) if n.casefold() not in taken)
        taken.add(number.casefold())
        found.append({**element, "accountsid": number})
    if shape == "text":
        return found[0]["accountsid"] if len(found) == 1 else [row["accountsid"] for row in found]
    return found[0] if shape == "row" and len(found) == 1 else found
