"""Credits for a demo world: what the PSA bills back, of some of its open invoices in each organisation.

They come on top of a world that is made already, so that everything else of it stays as it is. Amounts stand above
nought, as the world tells them; how a PSA writes them is its emulator's business.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import msgspec

from xerotui.sandbox.world_documents import line_amounts
from xerotui.sandbox.world_types import Invoice, Line, World, document_totals

# For each organisation: one over the whole of its original, one over its first line alone, one without an original.
WHOLE, PART, LOOSE = "whole", "part", "loose"


def with_credits(world: World) -> World:
    """The world with three credits for each organisation that has sound invoices to credit."""
    trouble = set(world.troubled("invoice", blocking_only=True))
    troubled = set(world.troubled("customer", blocking_only=True))
    number = max((i.id for i in world.psa.invoices), default=0)
    made: list[Invoice] = []
    for tenant in world.tenants:
        sound = [
            i
            for i in world.psa.invoices
            if (i.tenant, i.kind, i.state) == (tenant.key, "invoice", "open")
            and i.id not in trouble
            and i.customer not in troubled
            and i.total > 0
        ]
        for how, original in zip((WHOLE, PART, LOOSE), sound[-3:], strict=False):
            number += 1
            made.append(_credit(original, number, how))
    return msgspec.structs.replace(world, psa=msgspec.structs.replace(world.psa, invoices=(*world.psa.invoices, *made)))


def _credit(original: Invoice, number: int, how: str) -> Invoice:
    priced = [line for line in original.lines if line.kind != "text"]
    lines = tuple(_line(line, number * 100 + n) for n, line in enumerate(priced if how == WHOLE else priced[:1], 1))
    net, tax, total = document_totals(lines)
    later = timedelta(days=1)
    return msgspec.structs.replace(
        original,
        id=number,
        kind="credit",
        number=f"CR{number}",
        credits=0 if how == LOOSE else original.id,
        reference=f"Credit of {original.number}",
        customer_order="",
        lines=lines,
        net=net,
        tax=tax,
        total=total,
        updated=original.updated + later,
        created=original.created + later,
        xero_id="",
    )


def _line(line: Line, id: int) -> Line:
    net, tax = line_amounts(line.quantity, line.unit_price, line.discount, line.tax_rate)
    return msgspec.structs.replace(line, id=id, net=net or Decimal(0), tax_amount=tax)
