"""What a mapping screen says of each source value: how it stands on each side of the books, what is proposed for it,
and what may be chosen. Worked out from what was read; nothing here asks or stores anything.
"""

from collections.abc import Callable, Sequence

import msgspec

from xerotui.model.kinds import Trade
from xerotui.model.records import Account, Choice, Item, Record, TaxRate, Tracking
from xerotui.source.contract import MappingSpec, Target
from xerotui.store import Mapping
from xerotui.sync import charting, rates
from xerotui.sync.checks import no_line
from xerotui.sync.pair import NOT_SENT
from xerotui.workspace.mapping_specs import BOTH
from xerotui.workspace.pages import MappingRow, TargetRow


class Sides(msgspec.Struct, frozen=True):
    """What one mapping screen is worked out from."""

    spec: MappingSpec
    connection: str
    tenant: str
    values: Sequence[Record]
    targets: Sequence[Record]
    stored: dict[tuple[str, str], Mapping]
    waiting: dict[str, int]
    # When the targets were read, as ISO text; blank for never.
    read: str = ""


def value_of(record: Record) -> str:
    """The source value as mappings keep it: ids of choices are stored with their spec before them."""
    return record.id.removeprefix(f"{record.spec}:") if isinstance(record, Choice) else record.id


def code_of(record: Record) -> str:
    """What a mapping keeps of a Xero record: its code where it has one, because documents carry codes."""
    return getattr(record, "code", "") or record.id


def _active(record: Record) -> bool:
    status = getattr(record, "status", "") or "ACTIVE"
    return bool(getattr(record, "active", True)) and status.upper() == "ACTIVE"


def target_row(spec: MappingSpec, source: Record | None, target: Record, trade: Trade) -> TargetRow:
    title, detail, reason = target.name or code_of(target), code_of(target), ""
    if isinstance(target, TaxRate):
        detail = f"{target.code}, {rates.described(target)}"
        if isinstance(source, TaxRate):
            reason = rates.compare(source, target, trade).reason
        elif not rates.serves(target, trade):
            reason = f"Xero doesn't allow it on {trade.value} documents"
    elif isinstance(target, Account):
        detail, reason = f"{target.code}, {target.type.lower()}", no_line(target)
    elif isinstance(target, Tracking):
        options = [name for _, name, status in target.options if status == "ACTIVE"]
        detail = ", ".join(options[:6]) + (f" and {len(options) - 6} more" if len(options) > 6 else "")
        if target.id == NOT_SENT:
            detail = "its options stay at the source"
    elif isinstance(target, Item):
        traded = target.sold if trade is Trade.SALES else target.purchased
        reason = "" if traded else f"it isn't {'sold' if trade is Trade.SALES else 'bought'}"
    if not reason and not _active(target):
        reason = "it isn't active in Xero"
    return TargetRow(id=code_of(target), title=title, detail=detail, allowed=not reason, reason=reason)


def rows_of(sides: Sides, value: Record) -> list[MappingRow]:
    """One source value's rows, one for each side of the books that it can be for."""
    trades: Sequence[Trade] = sides.spec.trades
    if isinstance(value, TaxRate):
        known = [t for t in sides.targets if isinstance(t, TaxRate)]
        trades = rates.trades_of(value, known)
        trades = [t for t in BOTH if t in trades or (value.id, t.value) in sides.stored]
    elif (named := value.facts.get("trades")) is not None:
        trades = [t for t in BOTH if t.value in named.split()]
    return [_row(sides, value, trade, first=trade is trades[0]) for trade in trades]


def _row(sides: Sides, value: Record, trade: Trade, *, first: bool) -> MappingRow:
    key = value_of(value)
    stored = sides.stored.get((key, trade.value))
    state, target, title, changed, note = "unmapped", "", "", "", ""
    if (across := _across(sides, value, trade)) is not None:
        state, target, title, note, changed = across
    elif stored is not None:
        held = next((t for t in sides.targets if code_of(t) == stored.target), None)
        allowed = held is not None and target_row(sides.spec, value, held, trade).allowed
        state, target, title = "mapped" if allowed else "broken", stored.target, stored.target_title
        changed = charting.verdict(stored, held, value)[1]
    elif (idea := _idea(sides, value, trade)) is not None:
        state, target, title = idea
    # A cause doesn't say on which side of the books it was met; it is shown with the first.
    waiting = sides.waiting.get(f"{sides.spec.id}:{key}", 0) if first and state != "mapped" else 0
    return MappingRow(
        spec=sides.spec.id,
        connection=sides.connection,
        tenant=sides.tenant,
        value=key,
        title=value.name or key,
        detail=_detail(value),
        trade=trade.value,
        state=state,
        target=target,
        target_title=title,
        waiting=waiting,
        used=waiting,
        read=sides.read,
        changed=changed,
        note=note,
    )


def _across(sides: Sides, value: Record, trade: Trade) -> tuple[str, str, str, str, str] | None:
    """How a tax rate stands that is mapped on one side of the books to what Xero allows on the other alone.

    State, target, its title, a note, and what changed; None for any other. Such a mapping serves the other side where
    that has none of its own; on its own side one is missing, unless the source's rate isn't for that side at all.
    """
    if not isinstance(value, TaxRate):
        return None
    other = Trade.PURCHASE if trade is Trade.SALES else Trade.SALES
    mine, theirs = (sides.stored.get((value_of(value), t.value)) for t in (trade, other))
    one = mine or theirs
    if one is None or (mine is not None and theirs is not None):
        return None
    home, away = (trade, other) if mine is not None else (other, trade)
    held = next((t for t in sides.targets if isinstance(t, TaxRate) and t.code == one.target), None)
    if held is None or rates.serves(held, home) or not rates.compare(value, held, away).allowed:
        return None
    title = held.name or one.target_title
    if mine is None:
        return "mapped", one.target, title, f"by the mapping of the {home.value} side, which Xero allows here alone", ""
    changed = charting.verdict(mine, held, value, away)[1]
    known = [t for t in sides.targets if isinstance(t, TaxRate)]
    if home in rates.trades_of(value, known):
        words = f"no rate for {home.value}: {title}, mapped here, is for {away.value} documents alone and serves those"
        return "unmapped", one.target, title, words, changed
    return "mapped", one.target, title, f"serves {away.value} documents: Xero allows it there alone", changed


def _idea(sides: Sides, value: Record, trade: Trade) -> tuple[str, str, str] | None:
    if isinstance(value, TaxRate):
        targets = [t for t in sides.targets if isinstance(t, TaxRate)]
        best = rates.proposed(value, targets, trade)
        return ("proposed", best.code, best.name) if best else None
    if sides.spec.target is Target.TRACKING:
        # As it is resolved without a mapping.
        alike = [t for t in sides.targets if _active(t) and t.name.strip().casefold() == value.name.strip().casefold()]
        return ("mapped", alike[0].id, alike[0].name) if alike else None
    if sides.spec.target is Target.THEME:
        known = next((t for t in sides.targets if t.id == value_of(value)), None)
        if known is not None:
            return "mapped", known.id, known.name
        alike = [t for t in sides.targets if t.name.strip().casefold() == value.name.strip().casefold()]
        return ("proposed", alike[0].id, alike[0].name) if len(alike) == 1 else None
    if sides.spec.target is Target.ACCOUNT:
        same = [t for t in sides.targets if code_of(t).casefold() == value_of(value).casefold()]
        fit = [t for t in same if target_row(sides.spec, value, t, trade).allowed]
        return ("mapped", code_of(fit[0]), fit[0].name) if fit else None
    if isinstance(value, Choice) and value.code.strip():
        held: Callable[[Record], bool] = lambda t: code_of(t).casefold() == value.code.strip().casefold()  # noqa: E731
        known = next((t for t in sides.targets if held(t)), None)
        return "mapped", value.code.strip(), known.name if known else "by its own code"
    return None


def _detail(value: Record) -> str:
    if isinstance(value, TaxRate):
        return rates.described(value)
    return value.code if isinstance(value, Choice) else ""
