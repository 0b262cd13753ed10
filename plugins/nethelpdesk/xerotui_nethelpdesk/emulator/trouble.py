"""Which of the demo world's seeded trouble a help desk can have, and the code under which each must be found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xerotui.sandbox.world import World
from xerotui_nethelpdesk.emulator.judge import INVOICES, number_of

Found = dict[str, Any]
MENDED = "core.tax_unmapped"
UNCODED = "nethelpdesk.charge_rate_uncoded"
# Trouble that sits in settings stops documents; of those only the tax is named, to be left unmapped until it is mended.
_KINDS = {"tax": "tax_rate", "charge_rate": ""}
_CODES = {
    "tax_unmapped": MENDED,
    "contact_archived": "core.contact_archived",
    "number_taken": "core.number_taken",
    "period_locked": "core.period_locked",
    "item_unmapped": "core.item_unmapped",
    "charge_rate_uncoded": UNCODED,
    "account_archived": "core.account_archived",
    "account_number_missing": "core.account_number_missing",
    "name_control": "core.name_refused",
    "name_angle": "core.name_refused",
    "name_long": "core.name_refused",
}


def trouble_of(world: World, *, lines: bool, invoices: str = INVOICES) -> list[Found]:
    """The trouble as {code, kind, id, mended}.

    `lines`: accounts are those of the lines. No header has a total, so none differs; a number is taken only where the
    template `invoices` makes one that Xero has already.
    """
    found = []
    for trouble in world.trouble:
        if not trouble.blocks or trouble.kind not in _CODES:
            continue
        if trouble.kind == "account_archived" and not lines:
            continue
        if trouble.kind == "number_taken" and not _taken(world, trouble.id, invoices):
            continue
        code = _CODES[trouble.kind]
        if kind := _KINDS.get(trouble.record, trouble.record):
            found.append({"code": code, "kind": kind, "id": str(trouble.id), "mended": code == MENDED})
    return found


def _taken(world: World, id: int, template: str) -> bool:
    invoice = next(i for i in world.psa.invoices if i.id == id)
    return number_of(template, id, invoice.number) in {d.number for d in world.tenant(invoice.tenant).documents}


def stopped(found: Iterable[Found]) -> set[tuple[str, str]]:
    """The records that never get through, as (kind, id)."""
    return {(one["kind"], one["id"]) for one in found if not one["mended"]}
