"""Raw rows of the database become canonical rows: values cleaned, old and late columns told apart. Pure.

Each function takes what was fetched, by canonical column name; a column that this installation lacks is simply not
there. Raises Unreadable for the one row that can't be understood.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from xerotui_nethelpdesk.rows import ZERO, ChargeRow, CurrencyRow, DocumentRow, ItemRow, LineRow, PartyRow, TaxRow
from xerotui_nethelpdesk.selects import Raw
from xerotui_nethelpdesk.values import (
    Unreadable,
    amount,
    block,
    date,
    first_email,
    flag,
    guid,
    instant,
    integer,
    key,
    link,
    moment,
    number,
    percent,
    person,
    price,
    text,
)

REJECTED, APPROVED = 1, 2


def _days(raw: Raw, name: str) -> int | None:
    """A number of days; zero is the column's default and says nothing."""
    return integer(raw.get(name)) or None


def _flag(raw: Raw, name: str) -> bool:
    try:
        return flag(raw.get(name))
    except Unreadable as error:
        raise Unreadable(f"{name}: {error}") from None


def customer(
    raw: Raw, tops: Mapping[str, str], sites: Sequence[Raw], addresses: Sequence[Raw], zone: dt.tzinfo
) -> PartyRow:
    """A client with its address: that of the invoice site, else of the site of the lowest number."""
    site = _site(sites)
    lines, postcode = _address(addresses, key(site.get("id")) if site else "")
    excluded = "NetHelpDesk keeps its invoices from being synced" if _flag(raw, "excluded") else ""
    if _flag(raw, "archived"):
        excluded = "NetHelpDesk says that it is archived in Xero"
    return PartyRow(
        id=key(raw["id"]),
        name=text(raw["name"]),
        account_code=text(raw.get("account_code")),
        active=not _flag(raw, "inactive"),
        top_level=tops.get(link(raw.get("top_level")), ""),
        tenant=guid(raw.get("tenant")),
        email=first_email(raw.get("email")) or first_email(raw.get("email_cc")),
        first_name=text(raw.get("first_name")),
        last_name=text(raw.get("last_name")),
        phone=text(site.get("phone")) if site else "",
        website=text(raw.get("website")),
        tax_number=text(raw.get("tax_number")),
        address=lines,
        postcode=postcode,
        currency=link(raw.get("currency")),
        sales_tax=key(raw.get("sales_tax")),
        labour_tax=key(raw.get("labour_tax")),
        purchase_tax=key(raw.get("purchase_tax")),
        due_type=integer(raw.get("due_type")),
        due_days=_days(raw, "due_days"),
        terms_days=_days(raw, "terms_days"),
        excluded=excluded,
        xero_id=guid(raw.get("xero_id")),
        modified=instant(raw.get("modified"), zone),
    )


def _site(sites: Sequence[Raw]) -> Raw | None:
    def rank(site: Raw) -> tuple[bool, bool, int]:
        return (_flag(site, "inactive"), not _flag(site, "invoice_site"), integer(site.get("id")) or 0)

    return min(sites, key=rank, default=None)


def _address(addresses: Sequence[Raw], site: str) -> tuple[tuple[str, ...], str]:
    """Lines 1 to 4, of which 3 is taken as the city and 4 as the region, and the postcode; of a primary address."""

    def rank(one: Raw) -> tuple[bool, bool, int]:
        return (_flag(one, "inactive"), not _flag(one, "primary"), integer(one.get("id")) or 0)

    own = [one for one in addresses if site and key(one.get("site")) == site]
    best = min(own, key=rank, default=None)
    if best is None:
        return (), ""
    lines = tuple(text(best.get(f"line{n}")) for n in range(1, 5))
    return (lines if any(lines) else ()), text(best.get("postcode"))


def supplier(raw: Raw, zone: dt.tzinfo) -> PartyRow:
    """A supplier; the same table lists manufacturers."""
    first, last = person(text(raw.get("contact")))
    lines, postcode = block(raw.get("address"))
    excluded = "NetHelpDesk ignores it in accounting" if _flag(raw, "excluded") else ""
    if raw.get("is_supplier") is not None and not _flag(raw, "is_supplier"):
        excluded = "a manufacturer, not a supplier"
    phones = (text(raw.get(name)) for name in ("phone", "phone2", "mobile"))
    return PartyRow(
        id=key(raw["id"]),
        name=text(raw["name"]),
        account_code=text(raw.get("account_code")),
        active=not _flag(raw, "inactive"),
        tenant=guid(raw.get("tenant")),
        email=first_email(raw.get("email")),
        first_name=first,
        last_name=last,
        phone=next(filter(None, phones), ""),
        website=text(raw.get("website")),
        address=lines,
        postcode=postcode,
        currency=link(raw.get("currency")),
        purchase_tax=key(raw.get("purchase_tax")),
        due_days=_days(raw, "due_days"),
        excluded=excluded,
        xero_id=guid(raw.get("xero_id")),
        modified=instant(raw.get("modified"), zone),
    )


def item(raw: Raw, groups: Mapping[str, tuple[str, str]], zone: dt.tzinfo) -> ItemRow:
    """An item with its two tax fields; `groups` are name and nominal code by id."""
    group, account = groups.get(link(raw.get("group")), ("", ""))
    sell, recurring = price(raw.get("sales_price"), "Ibaseprice"), price(raw.get("recurring_price"), "IRecurringPrice")
    return ItemRow(
        id=key(raw["id"]),
        name=text(raw["name"]),
        code=text(raw.get("code")),
        description=text(raw.get("note")) or text(raw.get("long_name")),
        group=group,
        group_account=account,
        sales_price=sell or recurring or sell,
        cost_price=price(raw.get("cost_price"), "ICostPrice"),
        sales_account=text(raw.get("sales_account")),
        purchase_account=text(raw.get("purchase_account")),
        sales_tax=key(raw.get("sales_tax")),
        purchase_tax=key(raw.get("purchase_tax")),
        tenant=guid(raw.get("tenant")),
        excluded="NetHelpDesk ignores it in accounting" if _flag(raw, "excluded") else "",
        modified=instant(raw.get("modified"), zone),
    )


def tax(raw: Raw) -> TaxRow:
    """A tax of the table Tax."""
    rate = percent(raw["rate"], "TaxValue")
    code, name = text(raw.get("code")), text(raw.get("name"))
    if rate is None:
        raise Unreadable("it has no rate")
    return TaxRow(id=key(raw["id"]), code=code, name=name or code, rate=rate, tenant=guid(raw.get("tenant")))


def tax_slots(raws: Iterable[Raw]) -> list[TaxRow]:
    """The ten slots of old installations; the number of the slot is the id, one without words is none.

    Their description is what lines may carry, so that it is the code as well (nethelpdesk section 7.3).
    """
    merged: dict[str, object] = {}
    for raw in raws:
        merged |= raw
    found = []
    for n in range(1, 11):
        words, rate = text(merged.get(f"name{n}")), percent(merged.get(f"rate{n}"), f"RTaxCode{n}")
        if words and rate is not None:
            found.append(TaxRow(id=str(n), code=words, name=words, rate=rate))
    return found


def currency(raw: Raw) -> CurrencyRow:
    """A currency; old installations have no ISO code."""
    try:
        rate = percent(raw.get("rate"), "Crate")
    except Unreadable:
        rate = None
    return CurrencyRow(
        id=key(raw["id"]),
        code=text(raw.get("code")),
        symbol=text(raw.get("symbol")),
        name=text(raw.get("name")),
        rate=rate,
    )


def charges(types: Sequence[Raw], rates: Sequence[Raw], field: str, today: dt.date) -> list[ChargeRow]:
    """The charge types with accounts code and list price: the latest rate of all clients that is valid today."""
    prices: dict[str, tuple[dt.date, Decimal | None]] = {}
    for raw in rates:
        if link(raw.get("customer")):
            continue
        try:
            start, end = date(raw.get("start")) or dt.date.min, date(raw.get("end"))
            worth = price(raw.get("rate"), "CRrate")
        except Unreadable:
            continue
        which = key(raw.get("charge"))
        if start <= today and (end is None or end >= today) and start >= prices.get(which, (dt.date.min, None))[0]:
            prices[which] = (start, worth)
    return [
        ChargeRow(
            id=key(raw["id"]),
            name=text(raw["name"]),
            code=text(raw.get(field)) if field else "",
            rate=prices.get(key(raw["id"]), (None, None))[1],
        )
        for raw in types
        if key(raw["id"]) and text(raw["name"])
    ]


def code_field(types: Sequence[Raw], codes: Iterable[str]) -> str:
    """The field of a charge type that holds item codes in most rows; "" when none does (nethelpdesk section 7.3)."""
    known = {one.casefold() for one in codes if one}
    fields = [f"fvalue{n}" for n in range(2, 11)]
    hits = {
        name: sum(text(raw.get(name)).casefold() in known for raw in types if text(raw.get(name))) for name in fields
    }
    best = max(fields, key=lambda name: hits[name])
    filled = sum(bool(text(raw.get(best))) for raw in types)
    return best if hits[best] and hits[best] * 2 >= filled else ""


def invoice(raw: Raw, lines: Sequence[Raw], zone: dt.tzinfo) -> DocumentRow:
    """An invoice with its lines."""
    return DocumentRow(
        id=key(raw["id"]),
        party=link(raw["customer"]),
        party_name=text(raw.get("party_name")),
        number=text(raw.get("number")),
        date=_date(raw, "date"),
        due_date=_date(raw, "due_date"),
        due_type=integer(raw.get("due_type")),
        due_days=_days(raw, "due_days"),
        terms_days=_days(raw, "terms_days"),
        reference=text(raw.get("reference")) or text(raw.get("order_number")),
        customer_order=text(raw.get("customer_order")),
        currency=link(raw.get("currency")) or text(raw.get("symbol")),
        currency_rate=number(raw.get("currency_rate"), "IHcurrencyConversionRate"),
        lines=tuple(invoice_line(one) for one in lines),
        tenant=guid(raw.get("tenant")),
        credits=link(raw.get("credits")),
        excluded=_left_out(raw),
        voided=_flag(raw, "voided"),
        # A number at another package, without the Xero id that is written together with ours.
        posted=_flag(raw, "posted") or ("xero_id" in raw and bool(text(raw.get("third_party_number")))),
        third_party_number=text(raw.get("third_party_number")),
        xero_id=guid(raw.get("xero_id")),
        xero_status=text(raw.get("xero_status")),
        modified=instant(raw.get("modified"), zone),
    )


def _left_out(raw: Raw) -> str:
    """Why an invoice isn't posted, "" when nothing on its header says so (nethelpdesk section 7.4)."""
    if link(raw.get("supplier")) or link(raw.get("order")):
        return "a supplier's invoice, which isn't posted as a sale"
    for name, words in (
        ("voided", "voided in NetHelpDesk"),
        ("hidden", "hidden in NetHelpDesk"),
        ("recurring", "a recurring template"),
        ("unsynced", "NetHelpDesk says that this invoice isn't synced"),
    ):
        if _flag(raw, name):
            return words
    return ""


def _date(raw: Raw, name: str) -> dt.date | None:
    try:
        return date(raw.get(name))
    except Unreadable as error:
        raise Unreadable(f"{name.replace('_', ' ')}: {error}") from None


def invoice_line(raw: Raw) -> LineRow:
    """A line of an invoice. The action code is one less than the charge type's (nethelpdesk section 7.3)."""
    action, labour = integer(raw.get("action")), link(raw.get("ticket"))
    item = link(raw.get("item"))
    charged = action is not None and action >= 0 and not item and (action > 0 or bool(labour))
    return LineRow(
        id=key(raw["id"]),
        order=integer(raw.get("order")) or 0,
        item=item,
        item_code=text(raw.get("item_code")),
        nominal_code=text(raw.get("nominal_code")),
        text=text(raw.get("text")),
        long_text=text(raw.get("long_text")),
        quantity=price(raw["quantity"], "IDQty_Order") or ZERO,
        unit_price=price(raw["unit_price"], "IDUnit_Price") or ZERO,
        net=number(raw.get("net"), "IDNet_Amount"),
        tax_amount=number(raw.get("tax_amount"), "IDTax_Amount"),
        tax=text(raw.get("tax")),
        tax_rate=percent(raw.get("tax_rate"), "IDTax_Rate"),
        charge=str(action + 1) if charged and action is not None else "",
        heading=_flag(raw, "heading"),
    )


def order(raw: Raw, lines: Sequence[Raw], zone: dt.tzinfo, least: int) -> DocumentRow:
    """A purchase order with its lines; `least` is the approval from which it is posted."""
    state = integer(raw.get("approval"))
    ready = state is None or least == 0 or (APPROVED <= state <= max(least, APPROVED))
    return DocumentRow(
        id=key(raw["id"]),
        party=link(raw["supplier"]),
        number=text(raw.get("number")),
        date=_date(raw, "date"),
        due_date=_date(raw, "due_date"),
        delivery_date=_date(raw, "delivery_date"),
        reference=text(raw.get("reference")),
        currency=link(raw.get("currency")) or text(raw.get("symbol")),
        lines=tuple(order_line(one) for one in lines),
        carriage=amount(raw.get("carriage"), "SHCarriagePrice") or ZERO,
        carriage_text=text(raw.get("carriage_text")),
        tenant=guid(raw.get("tenant")),
        excluded="rejected in NetHelpDesk" if state == REJECTED else "",
        unfinished="" if ready or state == REJECTED else "waits for approval in NetHelpDesk",
        third_party_number=text(raw.get("third_party_number")),
        xero_id=guid(raw.get("xero_id")),
        xero_status=text(raw.get("xero_status")),
        modified=instant(raw.get("modified"), zone),
    )


def order_line(raw: Raw) -> LineRow:
    """A line of a purchase order; its price is for one (nethelpdesk section 7.5)."""
    return LineRow(
        id=key(raw["id"]),
        order=integer(raw.get("order")) or 0,
        item=link(raw.get("item")),
        item_code=text(raw.get("item_code")),
        account=text(raw.get("account")),
        text=text(raw.get("text")),
        long_text=text(raw.get("long_text")),
        quantity=price(raw["quantity"], "SDquantity") or ZERO,
        unit_price=price(raw["unit_price"], "SDPrice") or ZERO,
        tax_amount=number(raw.get("tax_amount"), "SDTax"),
        tax=key(raw.get("tax")) or text(raw.get("tax")),
        heading=_flag(raw, "heading"),
    )


def stamp(raw: Raw) -> dt.datetime | None:
    """The row's last change as the database writes it, without a zone; None where it says none."""
    try:
        found = moment(raw.get("modified"))
    except Unreadable:
        return None
    return found.replace(tzinfo=None) if found else None
