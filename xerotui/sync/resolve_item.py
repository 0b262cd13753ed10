"""A product becomes a Xero item: code, texts, and price, account and tax on the sides on which it is traded."""

from decimal import Decimal

from xerotui.model.kinds import Kind, Trade
from xerotui.model.money import rounded
from xerotui.model.postings import ItemPosting, PriceSide
from xerotui.model.problems import Place
from xerotui.model.records import Item
from xerotui.sync.checks import account_of
from xerotui.sync.findings import Findings
from xerotui.sync.pair import TAX, PairData
from xerotui.sync.resolve_party import place_of

# xero-api section 9.3.
CODE_LIMIT = 30
ITEM_NAME_LIMIT = 50
TEXT_LIMIT = 4000


def item_code(data: PairData, item: Item) -> str:
    """The code that documents carry: a child lends its parent's (H25)."""
    seen: set[str] = set()
    while item.parent and item.parent not in seen and item.parent in data.items:
        seen.add(item.id)
        item = data.items[item.parent]
    return item.code.strip()


def _side(
    data: PairData, item: Item, found: Findings, trade: Trade, price: Decimal | None, account: str, tax: str
) -> PriceSide | None:
    path = "sales" if trade is Trade.SALES else "purchase"
    mapping = data.mapping(TAX, tax, trade) if tax else None
    if tax and mapping is None:
        source_tax = data.source_taxes.get(tax)
        name = source_tax.name if source_tax else tax
        found.problem(
            "core.tax_unmapped",
            f"tax:{tax}",
            f"Tax rate {name} has no Xero tax rate.",
            place=Place("go.mapping", {"spec": TAX, "connection": data.connection, "value": tax, "trade": trade.value}),
        )
    if mapping:
        found.value(f"{path}.tax", f"mapping of tax rate {tax}", mapping)
    if account:
        found.value(f"{path}.account", "source")
        held = account_of(data, account, trade, found, f"{path}.account", f"item {item.code or item.name}")
        account = held.code if held else account
    if price is None and not account and mapping is None:
        return None
    return PriceSide(
        price=rounded(price, 4) if price is not None else None, account=account, tax=mapping.target if mapping else ""
    )


def resolve_item(data: PairData, item: Item, found: Findings) -> None:
    """Fill `found` with the item posting, or with what stops it."""
    subject = f"{Kind.ITEM}:{item.id}"
    code = item.code.strip()
    label = item.name[:80] or item.id
    if not code:
        found.problem(
            "core.item_incomplete", subject, f"Item {label} has no code, so it isn't synced.", place=place_of(found.ref)
        )
    elif len(code) > CODE_LIMIT:
        found.problem(
            "core.item_incomplete", subject, f"The code of item {label} is longer than {CODE_LIMIT} characters."
        )
    for on, account, word in (
        (item.sold, item.sales_account, "sold"),
        (item.purchased, item.purchase_account, "bought"),
    ):
        if on and not account:
            found.problem(
                "core.item_incomplete",
                subject,
                f"Item {label} is {word} but has no account code on that side.",
                place=place_of(found.ref),
            )
    sales = (
        _side(data, item, found, Trade.SALES, item.sales_price, item.sales_account, item.sales_tax)
        if item.sold
        else None
    )
    purchase = (
        _side(data, item, found, Trade.PURCHASE, item.purchase_price, item.purchase_account, item.purchase_tax)
        if item.purchased
        else None
    )
    if found.blocked:
        return
    if len(item.name) > ITEM_NAME_LIMIT:
        found.value("name", f"source, cut to {ITEM_NAME_LIMIT} characters")
    found.posting = ItemPosting(
        code=code,
        name=item.name[:ITEM_NAME_LIMIT],
        description=item.description[:TEXT_LIMIT],
        purchase_description=item.purchase_description[:TEXT_LIMIT],
        sold=item.sold,
        purchased=item.purchased,
        sales=sales,
        purchase=purchase,
    )
