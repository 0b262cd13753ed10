"""The mapping specs that the core brings, and the source values of those that no source lists."""

from collections.abc import Iterable

from xerotui.model.kinds import Kind, Trade
from xerotui.model.records import Choice, Document, Item, Record
from xerotui.source.contract import MappingSpec, Target
from xerotui.sync.overriding import SPEC_THEME
from xerotui.sync.pair import ACCOUNT, ANY

BOTH = (Trade.SALES, Trade.PURCHASE)
CORE = (
    MappingSpec(
        id="tax",
        title="Tax rates",
        source_title="Tax rate",
        target=Target.TAX_RATE,
        kinds=(Kind.INVOICE, Kind.PURCHASE_ORDER, Kind.CUSTOMER, Kind.SUPPLIER, Kind.ITEM),
        trades=BOTH,
        equal_rates=True,
        help="Each source rate becomes one Xero rate of the same percentage; unequal ones are refused.",
    ),
    MappingSpec(
        id="default_item",
        title="Default items",
        source_title="Lines without an item",
        target=Target.ITEM,
        kinds=(Kind.INVOICE, Kind.PURCHASE_ORDER),
        trades=BOTH,
        help="Used when a line has no item of its own, and counted each time; without one such a line is a problem.",
    ),
    MappingSpec(
        id=ACCOUNT,
        title="Accounts",
        source_title="Account of the source",
        target=Target.ACCOUNT,
        kinds=(Kind.ITEM, Kind.INVOICE, Kind.PURCHASE_ORDER),
        trades=BOTH,
        help="An account of the same code needs no mapping; the default serves lines that name none anywhere.",
    ),
    MappingSpec(
        id=SPEC_THEME,
        title="Branding themes",
        source_title="Theme of the source",
        target=Target.THEME,
        kinds=(Kind.INVOICE, Kind.CREDIT_NOTE),
        help="A theme that the organisation has needs no mapping; without one the contact's own theme in Xero applies.",
    ),
)


def theme_values(documents: Iterable[Record], tenant: str) -> list[Record]:
    """The themes that the source's documents name, each once, by name."""
    named = {d.theme for d in documents if isinstance(d, Document) and d.theme and d.tenant in ("", tenant)}
    return [Choice(id=name, kind=Kind.CHOICE, name=name, spec=SPEC_THEME) for name in sorted(named)]


def account_values(items: Iterable[Record], waiting: Iterable[str], stored: Iterable[tuple[str, str]]) -> list[Record]:
    """The account codes that items name, that documents wait for, or that are mapped; first what is for no code.

    `waiting` are the subjects of open problems, `stored` values with their side of the books.
    """
    sides: dict[str, set[str]] = {}
    for item in items:
        if isinstance(item, Item):
            for code, trade in ((item.sales_account, Trade.SALES), (item.purchase_account, Trade.PURCHASE)):
                sides.setdefault(code, set()).add(trade.value)
    for subject in waiting:
        spec, _, code = subject.partition(":")
        if spec == ACCOUNT:
            # A cause doesn't say on which side of the books it was met.
            sides.setdefault(code, set()).update(t.value for t in BOTH)
    for code, side in stored:
        sides.setdefault(code, set()).add(side)
    named = sorted(code for code in sides if code and code != ANY)
    default = Choice(id=ANY, kind=Kind.CHOICE, name="Lines without an account", spec=ACCOUNT)
    return [default, *(_account(code, sides[code]) for code in named)]


def _account(code: str, sides: set[str]) -> Record:
    return Choice(id=code, kind=Kind.CHOICE, name=code, spec=ACCOUNT, facts={"trades": " ".join(sorted(sides))})
