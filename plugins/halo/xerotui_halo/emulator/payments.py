"""What the emulated Halo says of payments: the names of its states, and whether a payment may still be changed."""

from __future__ import annotations

from typing import Any

from xerotui_halo.emulator.switches import Switches

REWINDS = "void_invoice_rewinds_billing_entites"
NUMBERS = (0, 1, 2)
_NAMES = ("Not Paid", "Partially Paid", "Fully Paid")
# The list holds eight rows; what the others are called matters to nobody here.
_OTHERS = ("Draft", "Sent", "Viewed", "Overdue", "Written Off")


def states(switches: Switches) -> dict[str, Any]:
    """The body of /InvoiceStatus."""
    numbers = switches.payment_numbers or NUMBERS
    rows = [{"id": number, "name": name} for number, name in zip(numbers, _NAMES, strict=True)]
    return {"data": rows + [{"id": 90 + n, "name": name} for n, name in enumerate(_OTHERS)]}


def kept(bound: dict[str, Any], switches: Switches | None) -> dict[str, Any]:
    """What of a change of a payment is kept."""
    final = switches is not None and switches.payments_final
    return {name: value for name, value in bound.items() if not (final and name == "amount")}


def number(paid: bool, whole: bool) -> int:
    """The number of the state that payments alone come to."""
    return NUMBERS[2 if paid and whole else 1 if paid else 0]
