"""Invoices and purchase orders of Halo as records (halo-api sections 7.8 and 7.9)."""

from decimal import Decimal
from typing import Any

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.money import AmountsAre
from xerotui.model.records import Document, Line
from xerotui_halo.credits import credited
from xerotui_halo.parties import guid
from xerotui_halo.reference import CHARGE_RATE, Group, Reference, currency_of, tracking_of
from xerotui_halo.settings import RATES
from xerotui_halo.taxes import line_tax
from xerotui_halo.values import Row, Unreadable, amount, date, flag, ident, instant, integer, number, rows_of, text

# Line amounts as Halo names them; anything else is the usual case.
_AMOUNTS = {"inclusive": AmountsAre.INCLUSIVE, "notax": AmountsAre.NO_TAX, "no tax": AmountsAre.NO_TAX}
_STATUSES = ("DRAFT", "SUBMITTED", "AUTHORISED")
# As many decimals as Xero keeps of a rate (xero-api section 8).
_SIXTH = Decimal("0.000001")
_REJECTED, _APPROVED = 1, 2


def is_template(row: Row) -> bool:
    """True for a recurring template, which never syncs: its id is below zero (halo-api section 4.4)."""
    return (integer(row, "id") or 0) <= 0


async def credit_note(reference: Reference, row: Row) -> Document:
    """A credit with its lines, as Xero's credit notes are. Raises Unreadable when an amount is no number."""
    return credited(await invoice(reference, row), row)


async def invoice(reference: Reference, row: Row) -> Document:
    """An invoice with its lines. Raises Unreadable when an amount is no number."""
    tenant = text(row, "xero_tenant_id")
    lines = [await _line(reference, one, tenant) for one in _sorted(row, "sequenceid") if not flag(one, "isinactive")]
    total, tax = number(row, "total"), number(row, "tax_total")
    return Document(
        id=ident(row, "id"),
        kind=Kind.INVOICE,
        name=text(row, "client_name", "name"),
        tenant=tenant,
        xero_id=guid(row, "xeroid"),
        modified=instant(row, "last_modified"),
        excluded=await _excluded(reference, row),
        unfinished=_unfinished(row),
        number=text(row, "invoicenumber"),
        party=ident(row, "client_id"),
        date=date(row, "invoice_date"),
        due_date=date(row, "duedate"),
        currency=await currency_of(reference, row, "currency_code"),
        **await _exchange(reference, row),
        amounts=_AMOUNTS.get(text(row, "xero_line_tax").lower(), AmountsAre.EXCLUSIVE),
        # The customer's own order number is what the customer's bookkeeper looks for.
        reference=text(row, "cust_order_number", "reference"),
        status=_status(row),
        theme=text(row, "xero_branding_theme_id", "xero_branding_theme_name"),
        template=_template(row),
        # Halo's labour never carries a theme of its own.
        plain=any(CHARGE_RATE in line.keys for line in lines),
        lines=tuple(lines),
        subtotal=total - tax if total is not None and tax is not None else None,
        tax=tax,
        total=total,
        facts=_facts(row),
    )


async def _exchange(reference: Reference, row: Row) -> dict[str, Any]:
    """The document's exchange rate as Xero counts, with the currency that it is against; nothing unless it is known."""
    rate = number(row, "currency_conversion_rate")
    base = (await reference.currencies()).get("", "")
    if reference.exchange == RATES[0] or not rate or rate < 0 or not base:
        return {}
    return {"currency_rate": rate if reference.exchange == RATES[1] else (1 / rate).quantize(_SIXTH), "rate_base": base}


def _template(row: Row) -> str:
    """The recurring template that an invoice was made from; its ids are below zero, with or without the sign here."""
    id = integer(row, "recurring_invoice_id")
    return str(-abs(id)) if id else ""


def _facts(row: Row) -> dict[str, str]:
    facts = {
        "customer_order": text(row, "cust_order_number"),
        # Against Halo's own base currency, which needn't be that of the organisation.
        "currency_rate": text(row, "currency_conversion_rate"),
        "voided": "yes" if flag(row, "voided") else "",
    }
    return {name: value for name, value in facts.items() if value}


async def _excluded(reference: Reference, row: Row) -> str:
    if ident(row, "supplier_id", "purchaseorder_id"):
        return "a supplier's bill that Halo keeps among its invoices; bills aren't posted as sales"
    if flag(row, "voided"):
        return "voided in Halo"
    if flag(row, "hideinvoice"):
        return "hidden in Halo"
    # The write-back sets this switch on what XeroTUI itself has sent, to keep Halo's own sync away.
    if flag(row, "dont_sync_to_3rd_party") and not text(row, "xeroid"):
        return "Halo says that this invoice isn't synced"
    client = ident(row, "client_id")
    if client in (unsynced := await reference.unsynced_clients()):
        return f"Halo keeps the invoices of {unsynced[client][:80]} from syncing"
    return ""


def _unfinished(row: Row) -> str:
    if flag(row, "requires_approval") and integer(row, "approval_status") != _APPROVED:
        return "waits for approval in Halo"
    return "waits for review in Halo" if flag(row, "reviewrequired") else ""


def _status(row: Row) -> str:
    if flag(row, "voided"):
        return "VOIDED"
    status = text(row, "xero_status").upper()
    return status if status in _STATUSES else ""


def _sorted(row: Row, by: str) -> list[Row]:
    return sorted(rows_of(row, "lines"), key=lambda line: integer(line, by) or 0)


async def _line(reference: Reference, row: Row, tenant: str) -> Line:
    texts = {"short": text(row, "item_shortdescription"), "long": text(row, "item_longdescription")}
    shown = {name: words for name, words in texts.items() if words}
    if flag(row, "isgroupdesc"):
        return Line(id=ident(row, "id"), texts=shown, heading=True)
    charge = charge_rate(row)
    return Line(
        id=ident(row, "id"),
        texts=shown,
        quantity=amount(row, "qty_order"),
        unit_price=amount(row, "unit_price"),
        discount_percent=amount(row, "discount_perc"),
        net=number(row, "net_amount"),
        tax=number(row, "tax_amount"),
        item=ident(row, "_itemid"),
        item_code=text(row, "item_code"),
        account=text(row, "nominal_code"),
        tax_rate=await line_tax(reference, row, tenant),
        tracked=await _tracked(reference, row, tenant),
        keys={CHARGE_RATE: charge} if charge else {},
    )


def charge_rate(row: Row) -> str:
    """The charge type of a labour line, "" for any other line.

    Halo stores one less than the lookup's id (halo-api section 7.7), so 0 is a charge type and an empty field alike:
    it counts only where a ticket or a labour department proves the labour.
    """
    code = integer(row, "actioncode")
    if code is None or code < 0 or ident(row, "_itemid"):
        return ""
    if code == 0 and not ident(row, "ticket_id", "labourdepartmentid"):
        return ""
    return str(code + 1)


async def _tracked(reference: Reference, row: Row, tenant: str) -> dict[str, str]:
    """The options of the line, of its product, of the product's group: for each placeholder the nearest wins (H15)."""
    own = tracking_of(row)
    if not ident(row, "_itemid"):
        return own
    product = (await reference.products()).get(ident(row, "_itemid"))
    if product is None:
        return own
    group = (await reference.groups()).get(product.group, Group()).of(tenant)
    return {**group.tracking, **product.tracking, **own}


async def purchase_order(reference: Reference, row: Row) -> Document:
    """A purchase order with its lines; the carriage becomes a line of its own.

    Raises Unreadable when a line hides its quantity or price and nothing else tells them.
    """
    tenant = text(row, "xero_tenant_id")
    lines = [await _order_line(reference, one, tenant) for one in _sorted(row, "sort_seq")]
    lines += _carriage(row, lines)
    total, tax = number(row, "total"), number(row, "tax_total")
    approval = integer(row, "approval_status")
    return Document(
        id=ident(row, "id"),
        kind=Kind.PURCHASE_ORDER,
        name=text(row, "supplier_name", "title"),
        tenant=tenant,
        xero_id=guid(row, "xero_id"),
        modified=instant(row, "last_update_time"),
        excluded="rejected in Halo" if approval == _REJECTED else "",
        unfinished="" if approval in (None, _REJECTED, _APPROVED) else "waits for approval in Halo",
        number=text(row, "po_ref"),
        party=ident(row, "supplier_id"),
        date=date(row, "date"),
        due_date=date(row, "est_delivery_date", "duedate"),
        currency=await currency_of(reference, row, "currency_code"),
        reference=text(row, "suppliers_order_reference", "title"),
        status=_status(row),
        lines=tuple(lines),
        subtotal=total - tax if total is not None and tax is not None else None,
        tax=tax,
        total=total,
    )


async def _order_line(reference: Reference, row: Row, tenant: str) -> Line:
    texts = {"short": text(row, "name"), "long": text(row, "note")}
    shown = {name: words for name, words in texts.items() if words}
    if flag(row, "isgroupdesc"):
        return Line(id=ident(row, "id"), texts=shown, heading=True)
    quantity, price, discount = _amounts(row)
    return Line(
        id=ident(row, "id"),
        texts=shown,
        quantity=quantity,
        unit_price=price,
        discount_percent=discount,
        net=number(row, "net_total"),
        tax=number(row, "total_tax"),
        item=ident(row, "item_id"),
        item_code=text(row, "item_code", "productcode"),
        account=text(row, "accounts_code"),
        tax_rate=await line_tax(reference, row, tenant, purchase=True),
    )


def _amounts(row: Row) -> tuple[Decimal, Decimal, Decimal]:
    """Quantity, price and discount; where Halo hides them, what has come in and what it cost (halo-api 7.9)."""
    quantity, price = number(row, "quantity"), number(row, "price")
    if quantity is not None and price is not None:
        return quantity, price, amount(row, "discount")
    net, received = number(row, "total_price"), number(row, "quantity_received")
    if net is not None and received:
        return received, net / received, Decimal(0)
    raise Unreadable(f"line {text(row, 'name')[:40] or ident(row, 'id')} comes without quantity and price")


def _carriage(row: Row, lines: list[Line]) -> list[Line]:
    price = amount(row, "carriage_price")
    if not price:
        return []
    rates = {line.tax_rate for line in lines if not line.heading}
    line = Line(
        id="carriage",
        texts={"short": text(row, "carriage_desc") or "Carriage"},
        quantity=Decimal(1),
        unit_price=price,
        net=price,
        tax_rate=rates.pop() if len(rates) == 1 else "",
    )
    accounts = {one.account for one in lines if not one.heading}
    return [msgspec.structs.replace(line, account=accounts.pop()) if len(accounts) == 1 else line]
