"""What the demo world's seeded trouble must come to with Halo: one table from kinds of trouble to problem codes."""

from __future__ import annotations

from typing import Any

from xerotui.sandbox.world import World

CODES: dict[str, str] = {
    "tax_unmapped": "core.tax_unmapped",
    "contact_archived": "core.contact_archived",
    "number_taken": "core.number_taken",
    "period_locked": "core.period_locked",
    "item_unmapped": "core.item_unmapped",
    "charge_rate_uncoded": "halo.charge_rate_uncoded",
    "account_archived": "core.account_archived",
    "total_mismatch": "core.total_mismatch",
    "account_number_missing": "core.account_number_missing",
    # Of the hostile names those that Xero refuses; markup and wide letters go through.
    "name_control": "core.name_refused",
    "name_angle": "core.name_refused",
    "name_long": "core.name_refused",
}
# Trouble that sits in settings: the documents are stopped by it. A tax rate is named for the demo to leave unmapped.
_KINDS = {"tax": "tax_rate", "charge_rate": ""}
_MENDED = "tax_unmapped"


def expected(world: World) -> list[dict[str, Any]]:
    """Return the trouble of a world: the code it must be found under, kind and id, and whether the demo mends it.

    What comes to nothing in a world whose books are full already is told by nobody here.
    """
    seen = {
        (CODES[trouble.kind], kind, str(trouble.id), trouble.kind == _MENDED)
        for trouble in world.trouble
        if trouble.blocks and trouble.kind in CODES and (kind := _KINDS.get(trouble.record, trouble.record))
    }
    return [{"code": code, "kind": kind, "id": id, "mended": mended} for code, kind, id, mended in sorted(seen)]
