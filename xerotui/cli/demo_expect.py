"""What the demo world's seeded trouble must come to: one table from kinds of trouble to problem codes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
# Records that are synced; trouble that sits in settings (a tax rate, a charge rate) shows on the documents.
SYNCED = ("customer", "supplier", "item", "invoice", "credit_note", "purchase_order")
# Mended by the demo itself, so that it must be gone at the end.
MENDED = "core.tax_unmapped"

Found = set[tuple[str, str, str]]


def expected(world: "World", *, mended: bool) -> Found:
    """The trouble that must be found, as (code, kind, source id); `mended` leaves out what the demo mends."""
    seeded = {
        (CODES[trouble.kind], trouble.record, str(trouble.id))
        for trouble in world.trouble
        if trouble.blocks and trouble.record in SYNCED
    }
    return {entry for entry in seeded if not (mended and entry[0] == MENDED)}


def by_code(found: Found) -> dict[str, int]:
    """How many records each code stops."""
    counts: dict[str, int] = {}
    for code, _, _ in sorted(found):
        counts[code] = counts.get(code, 0) + 1
    return counts


def differing(found: Found, seeded: Found) -> list[str]:
    """What was found and not seeded, or seeded and not found, in words; empty when they are equal."""
    return [f"not seeded: {' '.join(entry)}" for entry in sorted(found - seeded)] + [
        f"not found: {' '.join(entry)}" for entry in sorted(seeded - found)
    ]
