"""Money as FLOAT: putting into a column what arithmetic leaves there, and reading again what a person typed.

The rule of the judge for it, written from nethelpdesk section 5.1 and shared with nobody.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

AMOUNT, PRICE = 2, 4


def typed(value: Any, places: int = AMOUNT) -> Decimal:
    """What a person typed: the shortest decimal of the float, rounded half away from zero; NULL is 0, a text NaN."""
    if value is None:
        return Decimal(0)
    if not isinstance(value, int | float):
        return Decimal("NaN")
    return Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def noisy(amount: Decimal, salt: int) -> float:
    """A float for the amount; two of three are off by what adding and taking away leaves, as 0.1 + 0.2 is.

    What `typed` makes of it is the amount again, for amounts of up to four decimals.
    """
    value = float(amount)
    if not value or not salt % 3:
        return value
    return math.nextafter(value, math.inf if salt % 3 == 1 else -math.inf)
