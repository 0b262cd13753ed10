"""Which tax rate may become which: equal ones alone, component by component. Pure."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from xerotui.model.kinds import Trade
from xerotui.model.records import TaxRate

# Account classes on whose accounts a document of that trade has its lines (xero-api section 9.4).
_CLASSES = {Trade.SALES: ("REVENUE",), Trade.PURCHASE: ("EXPENSE", "ASSET")}


class Verdict(msgspec.Struct, frozen=True):
    """Whether a rate may be mapped to another; `reason` in words when it may not."""

    allowed: bool
    reason: str = ""


def percent(rate: Decimal) -> str:
    """A rate as people write it: 20 %, 17.5 %."""
    return f"{rate.normalize() + 0:f} %"


def described(rate: TaxRate) -> str:
    """The rate, with its parts where it has several."""
    if len(rate.components) < 2:
        return percent(rate.rate)
    parts = " + ".join(f"{c.name} {percent(c.rate)}{' compound' if c.compound else ''}" for c in rate.components)
    return f"{percent(rate.rate)} ({parts})"


def serves(target: TaxRate, trade: Trade) -> bool:
    """Whether the rate may be used on that side of the books; a rate that doesn't say may."""
    return not target.classes or any(c in target.classes for c in _CLASSES[trade])


def compare(source: TaxRate, target: TaxRate, trade: Trade) -> Verdict:
    """Whether source rate may become the Xero rate on that side of the books.

    Equal means: the same percentage, and where both sides name their components the same ones, compound or not.
    """
    if target.status and target.status.upper() != "ACTIVE":
        return Verdict(False, f"it is {target.status.lower()} in Xero")
    if not serves(target, trade):
        return Verdict(False, f"Xero doesn't allow it on {trade.value} documents")
    if source.rate != target.rate:
        return Verdict(False, f"{percent(source.rate)} is not {percent(target.rate)}")
    if len(source.components) > 1 or (source.components and len(target.components) > 1):
        ours = sorted((c.rate, c.compound) for c in source.components)
        theirs = sorted((c.rate, c.compound) for c in target.components)
        if ours != theirs:
            return Verdict(False, f"its parts differ: {described(source)} is not {described(target)}")
    return Verdict(True)


def proposed(source: TaxRate, targets: Sequence[TaxRate], trade: Trade) -> TaxRate | None:
    """The rate to propose: the source's own idea if it is allowed, else the only allowed one; None else."""
    fitting = [t for t in targets if compare(source, t, trade).allowed]
    own = [t for t in fitting if source.linked_code and t.code == source.linked_code]
    if own:
        return own[0]
    return fitting[0] if len(fitting) == 1 else None


def named_alike(source: TaxRate, targets: Iterable[TaxRate]) -> list[TaxRate]:
    """The targets, those whose name shares words with the source's first: names only suggest."""
    words = set(source.name.casefold().split())
    return sorted(targets, key=lambda t: (-len(words & set(t.name.casefold().split())), t.name.casefold()))


def trades_of(source: TaxRate, targets: Sequence[TaxRate]) -> tuple[Trade, ...]:
    """The sides of the books that a source rate can be for: both, unless its own link says which."""
    own = [t for t in targets if source.linked_code and t.code == source.linked_code]
    fitting = tuple(trade for trade in Trade if any(serves(t, trade) for t in own))
    return fitting or tuple(Trade)
