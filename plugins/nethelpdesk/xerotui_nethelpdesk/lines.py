"""The lines of a document: amounts that fit each other, the tax and the item that each one names. Pure.

The ladders are those of nethelpdesk sections 3 and 7.4; each is one function here.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from xerotui.model.kinds import Trade
from xerotui.model.money import HUNDRED, rounded
from xerotui.model.records import Line
from xerotui_nethelpdesk.reader import CHARGE_RATE
from xerotui_nethelpdesk.rows import ZERO, DocumentRow, ItemRow, LineRow, PartyRow, TaxRow
from xerotui_nethelpdesk.values import CENTS

if TYPE_CHECKING:
    from xerotui_nethelpdesk.records import Desk

# A customer's tax of this value is "the item's" (nethelpdesk section 7.1).
FROM_ITEM = "-2"
PENNY = Decimal("0.01")
# Half a hundredth of a penny: what is nearer to a whole penny than this was never typed.
NOISE = Decimal("0.00005")


class Lines(msgspec.Struct, frozen=True):
    """A document's lines and what they sum up to; None where the help desk doesn't say it.

    `faults` names in words the lines whose amounts contradict each other, "" for none. `worth` is net and tax as far
    as they are told, whatever else is wrong: its sign tells a credit note.
    """

    lines: tuple[Line, ...]
    subtotal: Decimal | None
    tax: Decimal | None
    total: Decimal | None
    faults: str = ""
    worth: Decimal = ZERO


def document_lines(desk: "Desk", row: DocumentRow, trade: Trade, tenant: str, party: PartyRow | None) -> Lines:
    """All lines in their order, the carriage of an order as one more, and the sums.

    The header holds no total: net and tax are the sums of the lines, each added up unrounded and rounded once
    (nethelpdesk section 5.1). What the lines rounded one by one come to may be another penny, which is then told by
    whoever compares the two.
    """
    lines: list[Line] = []
    nets: list[Decimal] = []
    taxes: list[Decimal | None] = []
    faults: list[str] = []
    for one in sorted(row.lines, key=lambda x: (x.order, len(x.id), x.id)):
        line = _line(desk, one, trade, tenant, party)
        lines.append(line)
        if line.heading:
            continue
        nets.append(_counted(line.net or ZERO if one.net is None else one.net))
        taxes.append(_tax_amount(desk, one, line, trade))
        if one.heading:
            faults.append(f"line {len(lines)}: it is a heading, and carries money")
        if trade is Trade.PURCHASE and one.tax_amount and taxes[-1] is None and line.tax_rate in desk.taxes:
            rate = desk.taxes[line.tax_rate].rate
            faults.append(f"line {len(lines)}: its tax of {one.tax_amount:f} isn't {rate:f} %")
        if line.net != _worth(line.quantity, line.unit_price, line.discount_percent):
            faults.append(f"line {len(lines)}: {line.quantity:f} x {line.unit_price:f} isn't {line.net:f}")
    if row.carriage:
        lines.append(_carriage(desk, row, lines))
        nets.append(lines[-1].net or ZERO)
        taxes.append(_tax_amount(desk, LineRow(id="carriage"), lines[-1], trade))
    subtotal = rounded(sum(nets, ZERO), CENTS)
    told = rounded(sum((_counted(one) for one in taxes if one is not None), ZERO), CENTS)
    tax = None if None in taxes else told
    posted = sum((line.net for line in lines if line.net is not None), ZERO)
    if tax is None and posted != subtotal:
        # Without a tax there is no total that anybody could compare.
        faults.append(f"its lines come to {subtotal:f}, rounded one by one to {posted:f}")
    if faults or not nets:
        # What the lines say isn't to be compared where they contradict themselves.
        return Lines(tuple(lines), None, None, None, "; ".join(faults)[:300], subtotal + told)
    return Lines(tuple(lines), subtotal, tax, None if tax is None else subtotal + tax, "", subtotal + told)


def _counted(amount: Decimal) -> Decimal:
    """An amount as it goes into a sum: all its decimals, without what is noise of floats beside a whole penny."""
    penny = rounded(amount, CENTS)
    return penny if abs(amount - penny) < NOISE else amount


def _worth(quantity: Decimal, price: Decimal, discount: Decimal = ZERO) -> Decimal:
    return rounded(quantity * price * (HUNDRED - discount) / HUNDRED, CENTS)


def fitted(quantity: Decimal, price: Decimal, net: Decimal) -> tuple[Decimal, Decimal]:
    """Unit price and discount percent with which quantity by price comes to the net; unchanged where none do.

    The help desk shows a line discount only as a net that differs (nethelpdesk section 7.4). A penny is rounding and
    goes into the unit price, as whatever no percentage of 2 places makes; the price has 4.
    """
    plain = _worth(quantity, price)
    if plain == net or not quantity:
        return price, ZERO
    unit = rounded(net / quantity, 4)
    exact = _worth(quantity, unit) == net
    if exact and abs(plain - net) <= PENNY:
        return unit, ZERO
    if plain:
        discount = rounded((plain - net) * HUNDRED / plain, 2)
        if 0 < discount <= HUNDRED and _worth(quantity, price, discount) == net:
            return price, discount
    return (unit, ZERO) if exact else (price, ZERO)


def _line(desk: "Desk", row: LineRow, trade: Trade, tenant: str, party: PartyRow | None) -> Line:
    texts = {name: words for name, words in (("short", row.text), ("long", row.long_text)) if words}
    worth = _worth(row.quantity, row.unit_price)
    net = worth if row.net is None else rounded(row.net, CENTS)
    # A heading with money isn't dropped: it stays a line, and is told.
    if row.heading and not (net or worth or (trade is Trade.SALES and rounded(row.tax_amount or ZERO, CENTS))):
        return Line(id=row.id, texts=texts, heading=True)
    quantity, price = row.quantity, row.unit_price
    if not quantity and net:
        # An amount without a quantity is one of it.
        quantity, price = Decimal(1), net
    price, discount = fitted(quantity, price, net)
    code, item = item_of(desk, row, trade)
    labour = row.charge if trade is Trade.SALES and not code and item is None else ""
    return Line(
        id=row.id,
        texts=texts,
        quantity=quantity,
        unit_price=price,
        discount_percent=discount,
        net=net,
        tax=rounded(row.tax_amount, CENTS) if trade is Trade.SALES and row.tax_amount is not None else None,
        item=item.id if item else "",
        item_code=code,
        account=account_of(desk, row, trade),
        tax_rate=line_tax(desk, row, trade, tenant, party, net),
        keys={CHARGE_RATE: labour} if labour else {},
    )


def item_of(desk: "Desk", row: LineRow, trade: Trade) -> tuple[str, ItemRow | None]:
    """The item code of a line, and the item itself where it is the one of that code.

    In this order: the line's item code; its nominal code where an item has that code; the item's own code; the
    nominal code as it stands; the item's nominal code. A nominal code that is an account by the settings is none.
    """
    item = desk.items.get(row.item)
    nominal = "" if desk.settings.account_source == "line" else row.nominal_code
    own = item.code if item else ""
    known = nominal if nominal.casefold() in desk.codes else ""
    if item is None and row.charge and not row.item_code and not known:
        return "", None
    code = row.item_code or known or own or nominal or (item.sales_account if item and trade is Trade.SALES else "")
    if code and code.casefold() != own.casefold():
        # Another code than the item's: it is the code that must be in Xero.
        item = desk.codes.get(code.casefold())
    return code, item


def account_of(desk: "Desk", row: LineRow, trade: Trade) -> str:
    """The account of a line by the settings: fixed, the line's own, or its item's (nethelpdesk section 3)."""
    settings = desk.settings
    sales = trade is Trade.SALES
    default = settings.sales_account if sales else settings.purchase_account
    own = ""
    if settings.account_source == "line":
        own = row.account or row.nominal_code
    elif settings.account_source == "item" and (item := desk.items.get(row.item) or desk.codes.get(_folded(row))):
        own = (item.sales_account or item.group_account) if sales else item.purchase_account
    return own or default


def _folded(row: LineRow) -> str:
    return (row.item_code or row.nominal_code).casefold()


def tax_id(taxes: Mapping[str, TaxRow], named: str, tenant: str) -> str:
    """The id of a tax that is named by id or code; "" for none, and for "the item's"."""
    if named in ("", "0", "-1", FROM_ITEM):
        return ""
    if named in taxes:
        return named
    coded = [t.id for t in taxes.values() if t.code.casefold() == named.casefold() and t.tenant in ("", tenant)]
    return coded[0] if len(coded) == 1 else named


def line_tax(desk: "Desk", row: LineRow, trade: Trade, tenant: str, party: PartyRow | None, net: Decimal) -> str:
    """The tax of a line: its own, then the party's unless that is "the item's", then the item's on this side.

    A rate on the line narrows the choice, and decides alone where one tax has it; between two of one rate nothing is
    guessed. A name that no tax has is handed on as it is, so that it can be mapped.
    """
    rate = stated_rate(desk, row, net)
    if own := _named(desk, row.tax, tenant, rate):
        return own
    item = desk.items.get(row.item)
    sales = trade is Trade.SALES
    fallbacks = []
    if party is not None:
        labour = party.labour_tax if row.charge and item is None else ""
        fallbacks.append((labour or party.sales_tax) if sales else party.purchase_tax)
    if item is not None:
        fallbacks.append(item.sales_tax if sales else item.purchase_tax)
    offered = {t.id: t for t in desk.taxes.values() if t.tenant in ("", tenant)}
    ids = [found for named in fallbacks if (found := tax_id(desk.taxes, named, tenant))]
    if rate is None:
        return ids[0] if ids else ""
    same = [id for id, tax in offered.items() if tax.rate == rate]
    fitting = [id for id in ids if id in same]
    return fitting[0] if fitting else same[0] if len(same) == 1 else ""


def _named(desk: "Desk", named: str, tenant: str, rate: Decimal | None) -> str:
    """A tax by what the line calls it; where an id and a code are the same word, by the rate as well."""
    if named in ("", "0", "-1", FROM_ITEM):
        return ""
    by_id = desk.taxes.get(named)
    coded = [t for t in desk.taxes.values() if t.code.casefold() == named.casefold() and t.tenant in ("", tenant)]
    candidates = [*([by_id] if by_id else []), *(t for t in coded if by_id is None or t.id != by_id.id)]
    fitting = [t for t in candidates if rate is None or t.rate == rate] or candidates
    if len(fitting) == 1 or (fitting and by_id in fitting):
        return fitting[0].id
    return named


def stated_rate(desk: "Desk", row: LineRow, net: Decimal) -> Decimal | None:
    """The percentage that a line states; None where it states none.

    Some take the field for a tax's id (nethelpdesk section 7.4): it is one where the amounts fit that tax and not the
    percentage.
    """
    rate = row.tax_rate
    if rate is None:
        return None
    as_id = desk.taxes.get(format(rate, "f"))
    if as_id is None or row.tax_amount is None or not net or as_id.rate == rate:
        return rate
    fits, id_fits = (abs(net * one / HUNDRED - row.tax_amount) <= PENNY for one in (rate, as_id.rate))
    return as_id.rate if id_fits and not fits else rate


def _tax_amount(desk: "Desk", row: LineRow, line: Line, trade: Trade) -> Decimal | None:
    """A line's tax in money; None where the help desk doesn't tell it.

    Of an order the one field may hold an amount or a rate: whichever fits the line's tax (nethelpdesk section 7.5).
    """
    if trade is Trade.SALES:
        return row.tax_amount
    tax = desk.taxes.get(line.tax_rate)
    if tax is None or line.net is None:
        return None
    made = rounded(line.net * tax.rate / HUNDRED, CENTS)
    said = row.tax_amount
    return made if said is None or said == tax.rate or abs(said - made) <= PENNY else None


def _carriage(desk: "Desk", row: DocumentRow, lines: list[Line]) -> Line:
    """Carriage as a line of its own: on the purchase account, with the tax that all lines share."""
    rates = {line.tax_rate for line in lines if not line.heading}
    price = row.carriage
    return Line(
        id="carriage",
        texts={"short": row.carriage_text or "Carriage"},
        quantity=Decimal(1),
        unit_price=price,
        net=rounded(price, CENTS),
        account=desk.settings.purchase_account,
        tax_rate=rates.pop() if len(rates) == 1 else "",
    )
