"""Rows become records: numbers, accounts, due dates, currencies, organisations; each rule in one place.

What a line says in amounts and taxes is read in `lines`. Pure: nothing is asked of anybody here.
"""

import calendar
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

import msgspec

from xerotui.model.kinds import Kind, Trade
from xerotui.model.money import rounded
from xerotui.model.records import Address, Choice, Document, Item, Party, TaxRate, Terms
from xerotui_nethelpdesk.lines import Lines, document_lines, tax_id
from xerotui_nethelpdesk.reader import CHARGE_RATE
from xerotui_nethelpdesk.rows import ChargeRow, CurrencyRow, DocumentRow, ItemRow, PartyRow, TaxRow
from xerotui_nethelpdesk.settings import (
    RATES,
    NetHelpDeskSettings,
    excluded_clients,
    rendered,
    symbols_of,
    tenants_of,
)
from xerotui_nethelpdesk.values import Unreadable, guid, plain

_RULES = ("DAYSAFTERBILLDATE", "DAYSAFTERBILLMONTH", "OFFOLLOWINGMONTH", "OFCURRENTMONTH")
_STATUSES = ("DRAFT", "SUBMITTED", "AUTHORISED")
_ISO_LENGTH = 3
# As many decimals as Xero keeps of a rate (xero-api section 8).
_RATE_PLACES = 6


@dataclass
class Desk:
    """What records are read against, each list by id; `due_days` is the whole installation's default, 0 for none."""

    settings: NetHelpDeskSettings
    taxes: Mapping[str, TaxRow] = field(default_factory=dict)
    currencies: Mapping[str, CurrencyRow] = field(default_factory=dict)
    customers: Mapping[str, PartyRow] = field(default_factory=dict)
    suppliers: Mapping[str, PartyRow] = field(default_factory=dict)
    items: Mapping[str, ItemRow] = field(default_factory=dict)
    charges: Mapping[str, ChargeRow] = field(default_factory=dict)
    due_days: int = 0

    @cached_property
    def symbols(self) -> Mapping[str, str]:
        """ISO codes by symbol: the settings', then what the help desk's own list leaves no doubt about."""
        found: dict[str, set[str]] = {}
        for one in self.currencies.values():
            if one.symbol:
                # One without a code may be any: its symbol is no longer sure either.
                found.setdefault(one.symbol, set()).add(_iso(one.code))
        sure = {symbol: code for symbol, codes in found.items() if len(codes) == 1 and (code := codes.pop())}
        return {**symbols_of(self.settings), **sure}

    @cached_property
    def tenants(self) -> Mapping[str, str]:
        """Xero tenants by top level."""
        return tenants_of(self.settings)

    @cached_property
    def left_out(self) -> frozenset[str]:
        """Clients that the settings leave out."""
        return excluded_clients(self.settings)

    @cached_property
    def codes(self) -> Mapping[str, ItemRow]:
        """Items by their folded code."""
        return {one.code.casefold(): one for one in self.items.values() if one.code}

    def digest(self) -> str:
        """A digest of all that a record takes from here, whatever else of these rows may change."""
        parties = [
            (p.id, p.name, self.tenant_of(p), p.currency, p.sales_tax, p.labour_tax, p.purchase_tax, p.due_type,
             p.due_days, p.terms_days, p.excluded)
            for p in (*self.customers.values(), *self.suppliers.values())
        ]  # fmt: skip
        items = [msgspec.structs.replace(i, modified=None) for i in self.items.values()]
        # Symbols, accounts, numbers, who is left out: a change of the settings holds for what was read before as well.
        settings = {name: value for name, value in msgspec.structs.asdict(self.settings).items() if name != "password"}
        said = (settings, parties, items, list(self.taxes.values()), list(self.currencies.values()), self.due_days)
        return sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()[:16]

    def tenant_of(self, row: PartyRow) -> str:
        """The organisation of a customer or supplier: its own, else that of its top level, else that of all others."""
        return row.tenant or self.tenants.get(row.top_level.casefold(), "") or self.tenants.get("*", "")

    def currency_of(self, own: str, theirs: str = "") -> str:
        """The ISO code of a document's or party's own currency, an id, code or symbol; "" where nobody can tell.

        Where the help desk knows one currency alone, a symbol says nothing (nethelpdesk section 5.1). `theirs` is the
        party's: it decides for a document that names none at all, and for no other: a symbol of several currencies or
        of another than the party's decides nothing, nor does the id of no currency.
        """
        if theirs.isdigit() and not self.currencies:
            # Without the list of currencies an id says nothing.
            theirs = ""
        if not own:
            return self.currency_of(theirs) if theirs else self._only or self.settings.currency.strip().upper()
        if (code := self._coded(own)) or own in self.currencies or own.isdigit():
            return code
        if self._only:
            return self._only
        meant = self.symbols.get(own, "")
        return meant if not theirs or meant == self.currency_of(theirs) else ""

    @property
    def _only(self) -> str:
        return self._coded(next(iter(self.currencies))) if len(self.currencies) == 1 else ""

    @property
    def base(self) -> str:
        """The help desk's own currency: the one whose rate is 1, or the only one; "" where that isn't certain."""
        ours = [one for one in self.currencies.values() if one.rate == 1] or list(self.currencies.values())
        return self._coded(ours[0].id) if len(ours) == 1 else ""

    def _coded(self, one: str) -> str:
        known = self.currencies.get(one)
        return _iso(known.code or self.symbols.get(known.symbol, "") if known else one)


def _iso(code: str) -> str:
    return code.upper() if len(code) == _ISO_LENGTH and code.isascii() and code.isalpha() else ""


def tax(row: TaxRow) -> TaxRate:
    """A tax as a record."""
    return TaxRate(
        id=row.id,
        kind=Kind.TAX_RATE,
        name=row.name or row.code,
        tenant=row.tenant,
        code=row.code,
        rate=plain(row.rate),
        # Tax codes are meant to be Xero's own: imported from there first (nethelpdesk section 3).
        linked_code=row.code,
    )


def charge(row: ChargeRow) -> Choice:
    """A kind of labour as a value of its mapping spec."""
    return Choice(id=row.id, kind=Kind.CHOICE, name=row.name, spec=CHARGE_RATE, code=row.code, price=row.rate)


def party(desk: Desk, kind: Kind, row: PartyRow) -> Party:
    """A customer or supplier as a record. Raises Unreadable where it has no name."""
    if not row.name:
        raise Unreadable("it has no name")
    tenant = desk.tenant_of(row)
    excluded = row.excluded
    if kind is Kind.CUSTOMER and row.id in desk.left_out:
        excluded = "left out by the connection's settings"
    return Party(
        id=row.id,
        kind=kind,
        name=row.name,
        tenant=tenant,
        xero_id=guid(row.xero_id),
        modified=row.modified,
        excluded=excluded,
        number=row.account_code,
        active=row.active,
        first_name=row.first_name,
        last_name=row.last_name,
        email=row.email,
        phone=row.phone,
        website=row.website,
        tax_number=row.tax_number,
        address=_address(row),
        sales_tax=tax_id(desk.taxes, row.sales_tax, tenant),
        purchase_tax=tax_id(desk.taxes, row.purchase_tax, tenant),
        terms=_terms(row.due_type, row.due_days) or _terms(0, row.terms_days),
        currency=desk.currency_of(row.currency) if row.currency else "",
        facts={"top_level": row.top_level} if row.top_level else {},
    )


def _address(row: PartyRow) -> Address | None:
    lines, city, region = row.address, "", ""
    if len(lines) > 2:
        *street, city, region = lines
        lines = tuple(street)
    found = Address(tuple(one for one in lines if one), city, region, row.postcode, row.country)
    return found if found != Address(country=row.country) else None


def _terms(rule: int | None, days: int | None) -> Terms | None:
    if not days or days < 0:
        return None
    return Terms(days, _RULES[rule] if rule is not None and 0 <= rule < len(_RULES) else _RULES[0])


def item(desk: Desk, row: ItemRow) -> Item:
    """An item as a record; a blank account is its group's, then the settings'. Raises Unreadable without a name."""
    if not row.name and not row.code:
        raise Unreadable("it has no name")
    purchased = bool(row.purchase_account or row.cost_price)
    sold = bool(row.sales_account or row.sales_price) or not purchased
    return Item(
        id=row.id,
        kind=Kind.ITEM,
        name=row.name or row.code,
        tenant=row.tenant,
        modified=row.modified,
        excluded=row.excluded,
        code=row.code,
        active=row.active,
        group=row.group,
        description=row.description,
        sold=sold,
        purchased=purchased,
        sales_price=row.sales_price if sold else None,
        purchase_price=row.cost_price if purchased else None,
        sales_account=(row.sales_account or row.group_account or desk.settings.sales_account) if sold else "",
        purchase_account=(row.purchase_account or desk.settings.purchase_account) if purchased else "",
        sales_tax=tax_id(desk.taxes, row.sales_tax, row.tenant),
        purchase_tax=tax_id(desk.taxes, row.purchase_tax, row.tenant),
    )


def due_date(date: dt.date, rule: int, days: int) -> dt.date:
    """The due date by type and number; a day of the month is clipped to its length (halo-api section 8.2)."""
    if rule == 1:
        return date.replace(day=calendar.monthrange(date.year, date.month)[1]) + dt.timedelta(days=days)
    if rule not in (2, 3):
        return date + dt.timedelta(days=days)
    year, month = date.year, date.month
    if rule == 2:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return dt.date(year, month, min(max(days, 1), calendar.monthrange(year, month)[1]))


def due_of(desk: Desk, row: DocumentRow, client: PartyRow | None) -> tuple[dt.date | None, str]:
    """An invoice's due date and the step of the ladder that told it, in words (nethelpdesk section 7.4).

    None where the help desk says nothing at all: then it is the day of the invoice.
    """
    if row.due_date is not None:
        return row.due_date, "the invoice's own due date"
    if row.date is None:
        return None, ""
    rungs = [(row.due_type, row.due_days, "the invoice's own terms"), (0, row.terms_days, "the invoice's own terms")]
    if client is not None:
        rungs.append((client.due_type, client.due_days, "the client's billing details"))
        rungs.append((0, client.terms_days, "the client's payment terms"))
    rungs.append((0, desk.due_days, "the help desk's default"))
    for rule, days, step in rungs:
        if days is not None and days > 0:
            try:
                return due_date(row.date, rule or 0, days), step
            except OverflowError:
                continue
    return None, ""


def invoice(desk: Desk, row: DocumentRow) -> Document:
    """An invoice with its lines. Raises Unreadable for what can't be understood."""
    client = desk.customers.get(row.party)
    tenant = row.tenant or (desk.tenant_of(client) if client else "")
    found = document_lines(desk, row, Trade.SALES, tenant, client)
    due, step = due_of(desk, row, client)
    currency = desk.currency_of(row.currency, client.currency if client else "")
    number = rendered(desk.settings.invoice_number, row.id, row.number)
    return Document(
        id=row.id,
        kind=Kind.INVOICE,
        name=row.party_name or (client.name if client else ""),
        tenant=tenant,
        xero_id=guid(row.xero_id),
        modified=row.modified,
        excluded=_excluded(desk, row, client, number) or _credit(row, found),
        unfinished=row.unfinished,
        number=number,
        party=row.party,
        date=row.date,
        due_date=due,
        currency=currency,
        **_exchange(desk, row),
        # The customer's own order number is what the customer's bookkeeper looks for.
        reference=row.customer_order or row.reference,
        status=_status(row),
        lines=found.lines,
        subtotal=found.subtotal,
        tax=found.tax,
        total=found.total,
        facts=_facts(row, due_step=step, faults=found.faults, symbol="" if currency else _said(row, client)),
    )


def _exchange(desk: Desk, row: DocumentRow) -> dict[str, Any]:
    """An invoice's exchange rate as Xero counts, with the currency it is against; nothing unless that is certain."""
    rate, base, meant = row.currency_rate, desk.base, desk.settings.exchange_rates
    if meant == RATES[0] or not rate or rate < 0 or not base:
        return {}
    return {"currency_rate": rounded(rate if meant == RATES[1] else 1 / rate, _RATE_PLACES), "rate_base": base}


def order(desk: Desk, row: DocumentRow) -> Document:
    """A purchase order with its lines; its due date is the day of delivery. Raises Unreadable, as `invoice`."""
    supplier = desk.suppliers.get(row.party)
    tenant = row.tenant or (desk.tenant_of(supplier) if supplier else "")
    found = document_lines(desk, row, Trade.PURCHASE, tenant, supplier)
    currency = desk.currency_of(row.currency, supplier.currency if supplier else "")
    number = rendered(desk.settings.order_number, row.id, row.number)
    return Document(
        id=row.id,
        kind=Kind.PURCHASE_ORDER,
        name=row.party_name or (supplier.name if supplier else ""),
        tenant=tenant,
        xero_id=guid(row.xero_id),
        modified=row.modified,
        excluded=_excluded(desk, row, supplier, number),
        unfinished=row.unfinished,
        number=number,
        party=row.party,
        date=row.date,
        due_date=row.delivery_date or row.due_date,
        currency=currency,
        reference=row.reference or row.customer_order,
        status=_status(row),
        lines=found.lines,
        subtotal=found.subtotal,
        tax=found.tax,
        total=found.total,
        facts=_facts(row, faults=found.faults, symbol="" if currency else _said(row, supplier)),
    )


def _excluded(desk: Desk, row: DocumentRow, who: PartyRow | None, number: str) -> str:
    if row.excluded:
        return row.excluded
    if who is not None and who.excluded:
        return f"its client or supplier {who.name[:80]} is left out: {who.excluded}"
    if who is not None and desk.customers.get(row.party) is who and row.party in desk.left_out:
        return f"its client {who.name[:80]} is left out by the connection's settings"
    # What carries a Xero id, or the number that XeroTUI gives it, was posted by XeroTUI itself.
    ours = bool(guid(row.xero_id)) or (bool(number) and row.third_party_number == number)
    if row.posted and not ours and not desk.settings.include_posted:
        return "NetHelpDesk says that it was posted already"
    return ""


def _status(row: DocumentRow) -> str:
    if row.voided:
        return "VOIDED"
    return row.xero_status.upper() if row.xero_status.upper() in _STATUSES else ""


def _credit(row: DocumentRow, found: Lines) -> str:
    """Credit notes are told by their link or by their sign (nethelpdesk section 7.4)."""
    credit = bool(row.credits) or found.worth < 0
    return "a credit note, which NetHelpDesk keeps among its invoices; enter it in Xero" if credit else ""


def _said(row: DocumentRow, who: PartyRow | None) -> str:
    return row.currency or (who.currency if who else "")


def _facts(row: DocumentRow, *, due_step: str = "", faults: str = "", symbol: str = "") -> dict[str, str]:
    # Nothing of what a link writes back may be among them: that would look like an edit.
    facts = {
        "due_step": due_step,
        "shown_number": row.number,
        "voided": "yes" if row.voided else "",
        "customer_order": row.customer_order,
        # Against the help desk's own base currency, which needn't be that of the organisation.
        "currency_rate": format(row.currency_rate, "f") if row.currency_rate else "",
        "line_faults": faults,
        "unclear_currency": symbol,
    }
    return {name: value for name, value in facts.items() if value}
