"""The PSA half of the demo world, told in the tables of NetHelpDesk (nethelpdesk sections 7 and 12).

Only the translation from world to rows; a row may name columns that its age lacks, the database leaves those out. What
an age has no column for (a voided invoice, a supplier of another organisation) isn't in it at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from xerotui.sandbox.world import Customer, Invoice, Line, PurchaseOrder, Supplier, World
from xerotui_nethelpdesk.emulator.ddl import NO_DATE, tables_of
from xerotui_nethelpdesk.emulator.floats import noisy

Row = dict[str, Any]
ALL_CLIENTS, FIRST_LEVEL = 3, 11
DEFAULT_DAYS = 30
VERSION = "8.42"
# What a string column holds at most.
_LONGEST = 4000
# The column that says why a document isn't posted; where it is missing there is no such document.
_STATES = {"voided": "ihvoided", "hidden": "IHHideInvoice", "unapproved": "ihdontsyncto3rdparty"}


def midnight(day: date) -> str:
    """A calendar date as the database holds it."""
    return f"{day.isoformat()} 00:00:00.000000"


def stamp(moment: datetime) -> str:
    """An instant as the database holds it: UTC without saying so."""
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")


def bit(value: bool, salt: int) -> int | None:
    """A nullable bit: false is 0 here and NULL there."""
    return 1 if value else (0 if salt % 2 else None)


def tax_codes(world: World) -> dict[int, str]:
    """The code of each tax by id: Xero's, or the id where there is none, or another rate has it already."""
    found: dict[int, str] = {}
    rates: dict[str, Decimal] = {}
    for tax in world.psa.taxes:
        own = bool(tax.tax_type) and rates.setdefault(tax.tax_type, tax.rate) == tax.rate
        found[tax.id] = tax.tax_type if own else str(tax.id)
    return found


def symbols_of(world: World, *, alike: bool) -> dict[int, str]:
    """The symbol of each currency that documents use, by id; not `alike`: a second dollar is NZ$.

    Where documents carry symbols alone, an administrator has to keep them apart.
    """
    used = {i.currency for i in world.psa.invoices} | {o.currency for o in world.psa.purchase_orders}
    found: dict[int, str] = {}
    for c in world.psa.currencies:
        if c.id in used or alike:
            other = not alike and c.symbol in found.values()
            found[c.id] = f"{c.code[:2]}{c.symbol}" if other else c.symbol
    return found


class Seed:
    """Yields the rows of every table of an age."""

    def __init__(self, world: World, age: str) -> None:
        self.world, self.age, self.psa = world, age, world.psa
        self.late = age == "late"
        self.tables = tables_of(age)
        self.tenants = {t.key: t for t in world.tenants}
        self.levels = {t.key: FIRST_LEVEL + n for n, t in enumerate(world.tenants)}
        self.customers = {c.id: c for c in self.psa.customers}
        self.taxes = {t.id: t for t in self.psa.taxes}
        self.codes = tax_codes(world)
        self.sites = {s.id: s for s in self.psa.sites}
        self.symbols = symbols_of(world, alike=self.late)

    def has(self, table: str, column: str) -> bool:
        """Whether this age has the column."""
        return table in self.tables and column in self.tables[table].columns

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Every row with the name of its table."""
        yield from self._settings()
        yield from self._lists()
        for customer in self.psa.customers:
            yield from self._client(customer)
        yield from self._sites()
        yield from (("COMPANY", self._supplier(s)) for s in self.psa.suppliers if self.bought(s.tenant))
        yield from self._items()
        for invoice in self.psa.invoices:
            yield from self._invoice(invoice)
        for order in self.psa.purchase_orders:
            yield from self._order(order)

    def bought(self, tenant: str) -> bool:
        """Whether an organisation's suppliers are in it: without a column for tenants, the first's alone."""
        return self.late or tenant == self.world.tenants[0].key

    def _settings(self) -> Iterator[tuple[str, Row]]:
        slots: Row = {}
        # In the oldest form ten slots hold the taxes, and their number is the id.
        for tax in self.psa.taxes:
            slots[f"RTaxCode{tax.id}"], slots[f"RTaxID{tax.id}"] = float(tax.rate), tax.id
            slots[f"RTaxCodeDesc{tax.id}"] = self.codes[tax.id]
        if self.age != "old":
            slots = {}
        yield "CONTROL", {"RDBVersion": VERSION, "RUseQB": 0, **slots}
        yield "CONTROL2", {"RInvoiceDueDaysExtra": DEFAULT_DAYS, **slots}
        yield "CONTROL3", {
            "RUseXero": 0, "RNHServerVersion": VERSION, "RDBVersionLong": f"{VERSION}.3", "RPOPrefixS": "PO",
            "REnableXeroSync": 0, "RXeroDefaultTenantId": "", "RXeroAccessToken": "never-to-be-read",
            "RXeroRefreshToken": "never-to-be-read",
        }  # fmt: skip
        yield "XeroDetails", {
            "XDid": 1, "XDIsAuthorized": 0, "XDEnableSync": 0, "XDAccessToken": "never-to-be-read",
            "XDRefreshToken": "never-to-be-read",
        }  # fmt: skip

    def _lists(self) -> Iterator[tuple[str, Row]]:
        yield "TREE", {"Treeid": ALL_CLIENTS, "TreeDesc": "Customers"}
        for tenant in self.world.tenants:
            yield "TREE", {"Treeid": self.levels[tenant.key], "TreeDesc": tenant.name}
        for c in self.psa.currencies:
            if c.id in self.symbols:
                yield "CURRENCY", {"Cid": c.id, "Cdesc": self.symbols[c.id], "Ccode": c.code, "Cname": c.name,
                                   "Crate": float(c.rate)}  # fmt: skip
        for tax in self.psa.taxes:
            yield "Tax", {
                "TaxID": tax.id, "TaxDescription": tax.name, "TaxCode": self.codes[tax.id], "TaxValue": float(tax.rate),
                "TaxXeroTenantId": self._tenant(tax.tenant), "TaxIsComposite": 0,
            }  # fmt: skip
        for group in self.psa.item_groups:
            yield "GENERIC", {"Ggeneric": group.id, "gdesc": group.name, "gnominalcode": group.sales_account}
        for rate in self.psa.charge_rates:
            yield "LOOKUP", {"fid": 17, "fcode": rate.id, "fvalue": rate.name, "fvalue2": "1", "fvalue3": "0",
                             "fvalue4": rate.code}  # fmt: skip
            yield "CHARGERATE", {
                "CRid": rate.id + 40, "CRarea": 0, "CRchargeid": rate.id, "CRrate": noisy(rate.rate, rate.id),
                "CRstartdate": "2024-01-01 00:00:00.000000", "CRMinimum": 0.25, "CRIncrement": 0.25,
                "crexpirydate": NO_DATE,
            }  # fmt: skip
        for code, name in ((1, "Draft"), (2, "Sent"), (3, "Complete")):
            yield "LOOKUP", {"fid": 32, "fcode": code, "fvalue": name}

    def _tenant(self, key: str) -> str | None:
        return self.tenants[key].tenant_id if key else None

    def _client(self, c: Customer) -> Iterator[tuple[str, Row]]:
        plain = c.due_type == 0 and (not self.late or c.id % 4 == 0)
        mails = f"{c.email}; copies.{c.email}" if c.id % 5 == 0 else c.email
        yield "AREA", {
            # Some names end in blanks, as columns of fixed length leave them.
            "Aarea": c.id, "aareadesc": (c.name + "   " * (c.id % 7 == 0))[:_LONGEST], "aaccountsid": c.account_number,
            "AIsInactive": bit(not c.active, c.id), "Atreeid": ALL_CLIENTS if self.late else self.levels[c.tenant],
            "AAccountsEmailAddress": mails, "APaymentTerms": c.due_days if plain else None,
            # -2 is the item's own tax (nethelpdesk section 7.1).
            "ASLAtaxcode": -2 if c.id % 5 == 1 else c.sales_tax, "ANONSLAtaxcode": -2, "AContractTaxCode": -2,
            "aprepaytaxcode": -2, "APurchasesTaxCode": c.purchase_tax, "ATaxable": 1,
            "AAccountsFirstName": c.first_name, "AAccountsLastName": c.last_name, "axerotaxnumber": c.tax_number,
            "aduedatetype": None if plain else c.due_type, "AInvoiceDueDaysExtra": None if plain else c.due_days,
            "AdefaultCurrencyCode": c.currency, "Aclienttoinvoiceid": 0, "aExcludeFromInvoiceSync": bit(False, c.id),
            "AXeroID": c.xero_id or (None if c.id % 2 else ""), "AXeroTenantId": self._tenant(c.tenant),
            "ALastUpdate": stamp(c.updated),
        }  # fmt: skip
        yield "USERS", {
            "Uid": 5000 + c.id, "Usite": float(c.main_site), "uusername": f"{c.first_name} {c.last_name}",
            "uemail": c.email, "uextn": c.phone, "uFirstName": c.first_name, "uLastName": c.last_name,
        }  # fmt: skip

    def _sites(self) -> Iterator[tuple[str, Row]]:
        for site in self.psa.sites:
            owner, place = self.customers[site.customer], site.address
            yield "SITE", {
                "Ssitenum": site.id, "sdesc": site.name, "Sarea": float(owner.id), "SPhoneNumber": site.phone,
                "SIsInvoiceSite": bit(owner.main_site == site.id, site.id), "sMainContact": 5000 + owner.id,
                "SIsInactive": bit(False, site.id),
            }  # fmt: skip
            yield "ADDRESSSTORE", {
                "ASID": 20_000 + site.id, "ASSiteID": site.id, "AStype": 0 if site.id % 6 == 0 else -2,
                "ASLine1": place.line1, "ASLine2": place.line2, "ASLine3": place.city, "ASLine4": place.region,
                "ASLine5": place.postcode, "ASPrimary": 1, "ASInActive": None,
            }  # fmt: skip

    def _supplier(self, s: Supplier) -> Row:
        place = s.address
        block = [place.line1, place.line2, place.city, place.region, place.postcode]
        return {
            "Cnum": s.id, "cdesc": s.name, "CSageAccountsID": s.account_number, "CIsInactive": bit(not s.active, s.id),
            "CContactName": s.contact_name, "Cemailaddress": s.email, "cphone1": s.phone,
            "Caddress": "\r\n".join(line for line in block if line), "cissupplier": 1,
            "cpurchasetaxcode": s.purchase_tax, "csupplierinvoiceduedateextradays": s.due_days,
            "cdefaultcurrencycode": s.currency, "CXeroTenantId": self._tenant(s.tenant),
            "clast_modified": stamp(s.updated),
        }  # fmt: skip

    def _items(self) -> Iterator[tuple[str, Row]]:
        kept = {s.id for s in self.psa.suppliers if self.bought(s.tenant)}
        for item in self.psa.items:
            yield "ITEM", {
                "Iid": item.id, "idesc": item.name, "Inote": item.description, "Iaccountsid": item.code,
                "INominalCode": item.sales_account, "IPurchaseNominalCode": item.purchase_account,
                "Itaxcode": item.sales_tax, "ITaxCodeOther": item.purchase_tax,
                "Ibaseprice": noisy(item.price, item.id), "ICostPrice": noisy(item.cost, item.id + 1),
                "IRecurringPrice": noisy(item.price if item.recurring else Decimal(0), item.id), "Igeneric": item.group,
                "Isupplier": item.supplier if item.supplier in kept else 0, "IXeroTenantId": self._tenant(item.tenant),
                "ILinkedItemId": item.parent, "ilastmodified": stamp(item.updated),
            }  # fmt: skip

    def _invoice(self, i: Invoice) -> Iterator[tuple[str, Row]]:
        state = _STATES.get(i.state, "IHid")
        if not self.has("INVOICEHEADER", state) or (i.kind == "bill" and not self.late):
            return
        customer, place, sign = self.customers[i.customer], self.sites[i.site].address, -1 if i.kind == "credit" else 1
        yield "INVOICEHEADER", {
            "IHid": i.id, "IHaarea": customer.id, "IHsitenumber": i.site, "IHuid": 0, "IHInvoiceNumber": i.number,
            "IHPosted": bit(False, i.id), "IHDatePosted": NO_DATE, "IHLast_Synced": NO_DATE,
            "IHInvoice_Date": midnight(i.date), "IHname": customer.name[:_LONGEST], "IHAddress1": place.line1,
            "IHAddress2": place.line2, "IHAddress3": place.city, "IHAddress4": place.region,
            "IHAddress5": place.postcode, "IHContactName": f"{customer.first_name} {customer.last_name}",
            "IHReference": i.reference, "IHCust_Order_Number": i.customer_order, "IHNotes_1": "Thank you.",
            "IHCurrency": self.symbols[i.currency], "IHcurrencycode": i.currency, "IHPaymentStatus": -1,
            "IHAmountPaid": 0.0, "IHAmountDue": noisy(sign * (i.net + i.tax), i.id), "ihdatepaid": NO_DATE,
            "IHcurrencyConversionRate": self._rate(i.currency), "IHXeroID": i.xero_id or (None if i.id % 2 else ""),
            "IHLast_Modified": stamp(i.updated), "ihsupplierid": i.supplier, "ihshid": 0,
            "ihcreditlinkedtoinvoiceid": i.credits, "IHisRecurringInvoice": bit(i.kind == "template", i.id),
            **self._due(i), **({state: 1} if i.state in _STATES else {}),
        }  # fmt: skip
        for n, line in enumerate(i.lines, 1):
            yield "INVOICEDETAIL", self._line(i, n, line, sign)

    def _rate(self, currency: int) -> float:
        return next(float(c.rate) for c in self.psa.currencies if c.id == currency)

    def _due(self, i: Invoice) -> Row:
        """The due date; of some invoices only by the rule that leads to it, their own or the client's."""
        customer = self.customers[i.customer]
        told = i.id % 8 < 4
        row: Row = {"IHDueDateType": i.due_type if told else None, "IHDueDateInt": i.due_days if told else None}
        if i.id % 4 == 0 and i.kind == "invoice" and (self.late or customer.due_type == 0):
            return {**row, "IHDue_Date": NO_DATE if i.id % 3 else None}
        return {**row, "IHDue_Date": midnight(i.due_date)}

    def _line(self, invoice: Invoice, n: int, line: Line, sign: int) -> Row:
        labour = line.kind == "labour"
        ticket = "".join(c for c in line.detail if c.isdigit()) if labour else ""
        return {
            "IDid": line.id, "IdIHid": invoice.id, "idsequenceid": n, "ID_ItemID": line.item, "IDItem_Code": line.code,
            "IDNominal_Code": line.account, "IDItem_ShortDescription": line.description,
            "IDItem_LongDescription": line.detail or None, "IDQty_Order": noisy(sign * line.quantity, line.id),
            "IDUnit_Price": noisy(line.unit_price, line.id + 1), "IDNet_Amount": noisy(sign * line.net, line.id + 2),
            "IDTax_Amount": noisy(sign * line.tax_amount, line.id), "IDTax_Rate": float(line.tax_rate),
            "IDTax_Code": self._tax_text(line), "IDActionCode": line.charge_rate - 1 if labour else -1,
            "IDFaultid": int(ticket) if ticket else 0, "IDSite": invoice.site,
            "IDisGroupDesc": bit(line.kind == "text", line.id),
        }  # fmt: skip

    def _tax_text(self, line: Line) -> str:
        """Text on the line: the tax's code, or its id here and there and where two taxes share the code."""
        code = self.codes.get(line.tax, "")
        shared = list(self.codes.values()).count(code) > 1
        return str(line.tax) if line.tax and (shared or line.id % 3 == 0) else code

    def _order(self, o: PurchaseOrder) -> Iterator[tuple[str, Row]]:
        if not self.bought(o.tenant) or (o.state != "approved" and self.age == "old"):
            return
        yield "SUPPLIERORDERHEADER", {
            "SHid": o.id, "SHSupplierID": o.supplier, "SHPORef": o.number, "SHPODate": midnight(o.date),
            "SHEstDelDate": midnight(o.delivery_date), "SHStatus": 2 if o.state == "approved" else 1,
            "SHApprovalStatus": {"approved": 2, "rejected": 1}.get(o.state, 0), "SHAccountsRef": o.reference,
            "SHCarriagePrice": 0.0, "SHCurrency": self.symbols[o.currency], "shcurrencycode": o.currency,
            "SHDeliverToUs": 1, "SHNote": o.reference, "shlastupdatetime": stamp(o.updated), "SHLastSynced": NO_DATE,
            "SHXeroId": None if o.id % 2 else "",
        }  # fmt: skip
        for n, line in enumerate(o.lines, 1):
            yield "SUPPLIERORDERDETAIL", {
                "SDid": line.id, "SDSHid": o.id, "SDItemid": line.item, "SDDesc": line.description,
                "SDProductCode": line.code, "SDquantity": noisy(line.quantity, line.id),
                "SDPrice": noisy(line.unit_price, line.id + 1), "SDTax": noisy(line.tax_amount, line.id + 2),
                "SDTaxCode": line.tax, "SDQtyReceived": 0.0, "SDNote": line.detail, "SDsortseq": n,
                "SDItemCode": line.code, "SDAccountsCode": line.account, "SDIsGroupDesc": None,
            }  # fmt: skip


__all__ = ["DEFAULT_DAYS", "Row", "Seed", "midnight", "stamp", "symbols_of", "tax_codes"]
