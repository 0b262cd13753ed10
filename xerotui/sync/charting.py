"""What was renamed, archived or changed in Xero under mappings that are in force: told before documents fail (M13).

Judged by what was read last; nothing here asks anybody.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xerotui.model.kinds import Kind, Trade
from xerotui.model.problems import CORE, Place, Problem, RecordRef
from xerotui.model.records import Account, Document, Item, Record, TaxRate
from xerotui.source.contract import Target
from xerotui.store import Mapping as Mapped
from xerotui.store import Tx
from xerotui.sync import rates
from xerotui.sync.checks import no_line
from xerotui.sync.findings import Findings
from xerotui.sync.overriding import SPEC_THEME
from xerotui.sync.pair import ACCOUNT, ANY, ITEM, NOT_SENT, TAX, PairData, code_key
from xerotui.sync.plan import Draft
from xerotui.sync.ports import Ports

RENAMED = "core.mapping_renamed"
CHANGED = "core.mapping_changed"
GONE = "core.mapping_gone"
CODES = (RENAMED, CHANGED, GONE)
PHASE = "chart"
KINDS = {
    Target.TAX_RATE: Kind.TAX_RATE,
    Target.ACCOUNT: Kind.ACCOUNT,
    Target.ITEM: Kind.ITEM,
    Target.TRACKING: Kind.TRACKING,
    Target.THEME: Kind.BRANDING_THEME,
}
TRACKING = "tracking"
_CORE = {TAX: Target.TAX_RATE, ACCOUNT: Target.ACCOUNT, ITEM: Target.ITEM, SPEC_THEME: Target.THEME}


@dataclass(frozen=True)
class Hit:
    """A mapping that a change in Xero hits: the code, what changed in words, and the documents that wait to be sent."""

    mapping: Mapped
    target: Target
    code: str
    words: str
    waiting: int = 0

    @property
    def id(self) -> str:
        """The mapping, as the record of a problem."""
        return f"mapping:{self.mapping.spec}:{self.mapping.value}:{self.mapping.trade}"


def verdict(
    mapping: Mapped, held: Record | None, value: Record | None = None, trade: Trade | None = None
) -> tuple[str, str]:
    """Code and words of what happened to the Xero side of a mapping; blank for nothing.

    `held` is what Xero has under the mapping's target now, `value` the source's side where it is known, `trade` the
    side of the books that it is in force for where that is the other one.
    """
    title = mapping.target_title or mapping.target
    if mapping.target == NOT_SENT:
        return "", ""
    if held is None:
        return GONE, f"Xero doesn't have {title} any more"
    status = (getattr(held, "status", "") or "ACTIVE").upper()
    if status != "ACTIVE":
        return GONE, f"{held.name or title} is {status.lower()} in Xero"
    if why := _unfit(held, value, trade or Trade(mapping.trade)):
        return CHANGED, f"{held.name or title}: {why}"
    if mapping.target_title and held.name and held.name != mapping.target_title:
        return RENAMED, f"{mapping.target_title} is called {held.name} in Xero now"
    return "", ""


def _unfit(held: Record, value: Record | None, trade: Trade) -> str:
    """Why the target may not be used any more for that value on that side of the books."""
    if isinstance(held, TaxRate):
        if isinstance(value, TaxRate):
            return rates.compare(value, held, trade).reason
        return "" if rates.serves(held, trade) else f"Xero doesn't allow it on {trade.value} documents"
    if isinstance(held, Account):
        return no_line(held)
    if isinstance(held, Item):
        traded = held.sold if trade is Trade.SALES else held.purchased
        return "" if traded else f"it isn't {'sold' if trade is Trade.SALES else 'bought'} any more"
    return ""


def _held(data: PairData, target: Target, code: str) -> Record | None:
    match target:
        case Target.TAX_RATE:
            return data.tax_rates.get(code)
        case Target.ACCOUNT:
            return data.accounts.get(code_key(code))
        case Target.ITEM:
            return data.xero_items.get(code_key(code))
        case Target.TRACKING:
            return next((t for t in data.tracking if t.id == code), None)
        case Target.THEME:
            return next((t for t in data.themes if t.id == code), None)


def hits(data: PairData, own: Mapping[str, Target]) -> list[Hit]:
    """The mappings of a pair that a change in Xero hits; `own` are the targets of the source's own specs."""
    found = []
    targets = {**own, **_CORE}
    for mapping in sorted(data.mappings.values(), key=lambda m: (m.spec, m.value, m.trade)):
        target = targets.get(mapping.spec)
        if target is None:
            continue
        value = data.source_taxes.get(mapping.value) if mapping.spec == TAX else None
        held = _held(data, target, mapping.target)
        trade = _in_force(data, mapping, held)
        code, words = verdict(mapping, held, value, trade)
        if code:
            waiting = sum(key not in data.links for key in _using(data, mapping, trade))
            found.append(Hit(mapping, target, code, words, waiting))
    return found


def _in_force(data: PairData, mapping: Mapped, held: Record | None) -> Trade:
    """The side of the books that a mapping is for: a tax rate's serves the other side where that has none of its own.

    That is so for one that nothing on its own side uses and that Xero allows on the other side alone.
    """
    own = Trade(mapping.trade)
    other = Trade.PURCHASE if own is Trade.SALES else Trade.SALES
    if not isinstance(held, TaxRate) or rates.serves(held, own) or not rates.serves(held, other):
        return own
    apart = (mapping.spec, mapping.value, other.value) in data.mappings
    return own if apart or any(True for _ in _using(data, mapping, own)) else other


def _using(data: PairData, mapping: Mapped, trade: Trade) -> Iterator[tuple[Kind, str]]:
    """The documents of that side of the books that use the mapping's value."""
    for key, document in data.documents.items():
        if (
            not document.excluded
            and (document.kind is Kind.PURCHASE_ORDER) is (trade is Trade.PURCHASE)
            and data.mine(document)
            and mapping.value in _values(mapping.spec, document)
        ):
            yield key


def _values(spec: str, document: Document) -> Iterable[str]:
    lines = document.lines
    if spec == TAX:
        return {line.tax_rate for line in lines}
    if spec == ACCOUNT:
        return {line.account for line in lines}
    if spec == SPEC_THEME:
        return (document.theme,)
    if spec == TRACKING:
        return {name for line in lines for name in line.tracked}
    if spec == ITEM:
        return (ANY,) if any(not line.item and not line.item_code and not line.heading for line in lines) else ()
    return {value for line in lines if (value := line.keys.get(spec))}


def targets_of(ports: Ports, data: PairData) -> dict[str, Target]:
    """What the specs of the pair's source map to; empty where its plugin can't be had."""
    try:
        return {spec.id: spec.target for spec in ports.registry.source_type(data.source_name).specs}
    except Exception as error:
        ports.log.info("specs unknown", source=data.source_name, error=type(error).__name__)
        return {}


def sentence(hit: Hit) -> str:
    """What a person reads: what changed, for which value, and who waits."""
    value = hit.mapping.value if hit.mapping.value != ANY else "what names none"
    waiting = f"; {hit.waiting} documents to be sent use it" if hit.waiting else ""
    return f"{hit.words}: {hit.mapping.spec.replace('_', ' ')} {value} ({hit.mapping.trade}) is mapped to it{waiting}."


def _problem(data: PairData, hit: Hit) -> Problem:
    mapping = hit.mapping
    ref = RecordRef(
        connection=data.connection,
        kind=KINDS[hit.target],
        id=hit.id,
        title=(mapping.target_title or mapping.target)[:200],
        tenant=data.tenant,
    )
    args = {"spec": mapping.spec, "connection": data.connection, "value": mapping.value, "trade": mapping.trade}
    return Problem(
        code=hit.code,
        subject=hit.id,
        record=ref,
        sentence=sentence(hit),
        remedy=CORE[hit.code].remedy,
        place=Place("go.mapping", args),
        # What it stops says so itself, with its own reason.
        blocks=False,
    )


async def note(ports: Ports, data: PairData) -> list[Hit]:
    """Find the mappings that are hit, and keep that as problems; those that are mended are closed."""
    found = hits(data, targets_of(ports, data))
    async with ports.ledger.write() as tx:
        await _store(ports, tx, data, [_problem(data, hit) for hit in found])
    return found


async def _store(ports: Ports, tx: Tx, data: PairData, problems: list[Problem]) -> None:
    before: list[Any] = list(
        await ports.ledger.problems.open(tx, connection=data.connection, tenant=data.tenant, phase=PHASE)
    )
    if not before and not problems:
        return
    for kind in KINDS.values():
        ids = sorted({p.record.id for p in (*before, *problems) if p.record.kind is kind})
        mine = [p for p in problems if p.record.kind is kind]
        if ids:
            await ports.ledger.problems.replace(tx, data.connection, data.tenant, kind, ids, mine, phase=PHASE)


def list_in(draft: Draft, data: PairData, found: Iterable[Hit]) -> None:
    """The mappings that are hit as rows of a plan."""
    for hit in found:
        ref = _problem(data, hit).record
        draft.stays(Findings(ref), hit.code, hit.id, sentence(hit))
        draft.counts["mapping"] += 1


__all__ = ["CODES", "KINDS", "PHASE", "Hit", "hits", "list_in", "note", "sentence", "verdict"]
