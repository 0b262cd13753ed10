"""The PSA half of the demo world, told in Halo's words (halo-api section 7).

Only the translation from world to rows; what callers change afterwards belongs to the store.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from xerotui.sandbox.world import Address, Customer, Invoice, Line, PurchaseOrder, World
from xerotui_halo.emulator.switches import Switches

Row = dict[str, Any]

ORDER_STATES = ((1, "Draft"), (2, "Sent"), (3, "Partly received"), (4, "Complete"))


def midnight(day: date) -> str:
    """A calendar date as Halo writes it."""
    return f"{day.isoformat()}T00:00:00"


def stamp(moment: datetime) -> str:
    """An instant as Halo writes it: UTC without saying so."""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def address_store(key: int, place: Address) -> Row:
    """An AddressStore: town and county sit in lines 3 and 4, the country nowhere."""
    return {
        "id": key, "type": -2, "description": "", "note": "", "line1": place.line1, "line2": place.line2,
        "line3": place.city, "line4": place.region, "postcode": place.postcode, "primary": True,
        "inactive": False, "lat": 0, "long": 0, "site_id": 0, "user_id": 0,
    }  # fmt: skip


class Seed:
    """Yields the rows of each entity; fields that are left out take Halo's empty values."""

    def __init__(self, world: World, switches: Switches) -> None:
        self.world = world
        self.psa = world.psa
        self.switches = switches
        self.tenants = {t.key: t for t in world.tenants}
        self.details = {t.key: n for n, t in enumerate(world.tenants, 1)}
        self.customers = {c.id: c for c in self.psa.customers}
        self.suppliers = {s.id: s for s in self.psa.suppliers}
        self.taxes = {t.id: t for t in self.psa.taxes}
        self.groups = {g.id: g for g in self.psa.item_groups}
        self.items = {i.id: i for i in self.psa.items}
        self.sites = {s.id: s for s in self.psa.sites}
        self.currencies = {c.id: c for c in self.psa.currencies}

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Every row with the lower-case name of its entity."""
        yield from (("currency", row) for row in self._currencies())
        yield from (("tax", row) for row in self._taxes())
        yield from (("assetgroup", row) for row in self._groups())
        yield from (("lookup", row) for row in self._lookups())
        yield from (("chargerate", row) for row in self._charge_rates())
        yield from (("client", self._client(customer)) for customer in self.psa.customers)
        yield from (("site", row) for row in self._sites())
        yield from (("supplier", row) for row in self._suppliers())
        yield from (("item", row) for row in self._items())
        for invoice in self.psa.invoices:
            entity = "recurringinvoice" if invoice.kind == "template" else "invoice"
            yield entity, self._invoice(invoice)
        yield from (("purchaseorder", self._order(order)) for order in self.psa.purchase_orders)
        yield from (("xerodetails", row) for row in self._xero_details())

    def control(self) -> Row:
        """The settings object of `/Control`, the part that concerns accounting."""
        first = self.world.tenants[0]
        return {
            "usexero": bool(self.switches.native_sync), "xerodefaulttenantid": first.tenant_id,
            "xero_default_invoice_status": "DRAFT", "xero_default_order_status": "DRAFT",
            "xero_default_creditnote_status": "DRAFT", "xero_default_invoice_line_tax": "Exclusive",
            "xero_allow_linked_items": True, "use_xero_for_sending": False, "autogenerate_accountsid": False,
            "autogenerate_itemaccountsid": False, "force_accounts_id": False, "sync_invoices_manually": False,
            "syncinvoicetoaccountspackagewhenapproved": False, "syncpotoaccountspackagewhenapproved": False,
            "donotalloweditingpostedinvoices": False, "usehaloinvoiceidforaccounts": False,
            "use_purchase_order_id_for_reference": False, "item_default_sales_nominal_code": "200",
            "item_default_purchase_nominal_code": "310", "invoiceduedaysextra": 30,
            "next_invoice_id": max((i.id for i in self.psa.invoices), default=0) + 1,
            "decimalplacesforinvoices": 2, "use_xero_tracking_categories": True,
            "xero_tracking_category_1_name": "Region", "xero_tracking_category_2_name": "",
        }  # fmt: skip

    def _tenant(self, key: str) -> Row:
        if not key:
            return {"xero_tenant_id": "", "xero_tenant_name": ""}
        return {"xero_tenant_id": self.tenants[key].tenant_id, "xero_tenant_name": self.tenants[key].name}

    def _currencies(self) -> Iterator[Row]:
        for c in self.psa.currencies:
            yield {"id": c.id, "name": c.name, "symbol": c.symbol, "code": c.code, "conversion_rate": c.rate}

    def _taxes(self) -> Iterator[Row]:
        for tax in self.psa.taxes:
            linked = {"value": tax.tax_type, "label": tax.name} if tax.tax_type else None
            yield {
                "id": tax.id, "name": tax.name, "code": tax.tax_type, "value": tax.rate, "xerotaxrate": linked,
                **self._tenant(tax.tenant),
            }  # fmt: skip

    def _groups(self) -> Iterator[Row]:
        for group in self.psa.item_groups:
            yield {
                "id": group.id, "name": group.name, "nominalcode": group.sales_account,
                "nominalcodepurchase": group.purchase_account,
                "xero_category_1_lookup_name": group.tracking_option,
            }  # fmt: skip

    def _lookups(self) -> Iterator[Row]:
        by_code = {item.code: item.id for item in self.psa.items}
        for rate in self.psa.charge_rates:
            values = {"value2": "1", "value3": "0", self.switches.charge_code_field: rate.code}
            yield {
                "id": rate.id, "lookupid": 17, "name": rate.name, **values,
                "linked_item": by_code.get(rate.code, 0),
            }  # fmt: skip
        for key, name in ORDER_STATES:
            yield {"id": key, "lookupid": 32, "name": name}

    def _charge_rates(self) -> Iterator[Row]:
        for rate in self.psa.charge_rates:
            yield {
                "id": rate.id + 40, "charge_id": rate.id, "rate": rate.rate, "current_rate": rate.rate,
                "startdate": "2024-01-01T00:00:00", "minimum": Decimal("0.25"), "increment": Decimal("0.25"),
                "current": True, "oohmultiplier": Decimal("1.5"), "holidaymultiplier": 2, "weekendmultiplier": 2,
            }  # fmt: skip

    def _client(self, c: Customer) -> Row:
        site = self.sites[c.main_site]
        return {
            "id": c.id, "name": c.name, "toplevel_id": 3, "toplevel_name": "Customers", "inactive": not c.active,
            "accountsid": c.account_number, **self._tenant(c.tenant), "xerodetails_id": self.details[c.tenant],
            "accountsfirstname": c.first_name, "accountslastname": c.last_name, "accountsemailaddress": c.email,
            "sales_tax_code": c.sales_tax, "sales_tax_code_name": self.taxes[c.sales_tax].name,
            "purchase_tax_code": c.purchase_tax, "purchase_tax_code_name": self.taxes[c.purchase_tax].name,
            "item_tax_code": -2, "service_tax_code": -2, "contract_tax_code": -2, "prepay_tax_code": -2,
            "taxable": True, "tax_number": c.tax_number, "invoiceduedaysextraclient": c.due_days,
            "due_date_type": c.due_type, "default_currency_code": c.currency,
            "default_currency_code_name": self.currencies[c.currency].name, "clientcurrency": "£",
            "main_site_id": site.id, "main_site_name": site.name,
            "main_invoice_address": address_store(10_000 + c.id, c.address),
            "main_contact_name": f"{c.first_name} {c.last_name}", "main_contact_email": c.email,
            "main_phonenumber": c.phone, "alastupdate": stamp(c.updated), "xeroid": c.xero_id,
        }  # fmt: skip

    def _sites(self) -> Iterator[Row]:
        for site in self.psa.sites:
            owner = self.customers[site.customer]
            place = address_store(20_000 + site.id, site.address)
            yield {
                "id": site.id, "name": site.name, "client_id": owner.id, "client_name": owner.name,
                "inactive": not owner.active, "phonenumber": site.phone, "delivery_address": place,
                "invoice_address": place, "invoice_address_isdelivery": True,
                "isinvoicesite": owner.main_site == site.id, "country_code": self.tenants[owner.tenant].country,
                "country_code_name": site.address.country, "slastupdate": stamp(site.updated),
            }  # fmt: skip

    def _suppliers(self) -> Iterator[Row]:
        for s in self.psa.suppliers:
            place = s.address
            block = [place.line1, place.line2, place.city, place.region, place.postcode]
            yield {
                "id": s.id, "name": s.name, "inactive": not s.active, "accounts_id": s.account_number,
                **self._tenant(s.tenant), "contact_name": s.contact_name, "email_address": s.email,
                "phone_number": s.phone, "address": "\n".join(line for line in block if line),
                "purchase_tax_code": s.purchase_tax, "purchase_tax_code_name": self.taxes[s.purchase_tax].name,
                "default_currency_code": s.currency, "supplier_invoice_due_date_extra_days": s.due_days,
                "is_supplier": True, "last_modified": stamp(s.updated), "datecreated": stamp(s.updated),
            }  # fmt: skip

    def _items(self) -> Iterator[Row]:
        for item in self.psa.items:
            sales, purchases = self.taxes.get(item.sales_tax), self.taxes.get(item.purchase_tax)
            recurring = item.price if item.recurring else Decimal(0)
            yield {
                "id": item.id, "name": item.name, "accountsid": item.code, "nominalcode": item.sales_account,
                "purchasenominalcode": item.purchase_account, "taxcode": item.sales_tax,
                "taxcode_name": sales.name if sales else "", "taxcodeother": item.purchase_tax,
                "taxcodeother_name": purchases.name if purchases else "",
                "xero_salestax": sales.tax_type if sales else "",
                "xero_purchasetax": purchases.tax_type if purchases else "", **self._tenant(item.tenant),
                "xerodetails_id": self.details.get(item.tenant, 0), "baseprice": item.price,
                "costprice": item.cost, "recurringprice": recurring, "taxable": True,
                "description": item.description, "purchase_description": item.purchase_description,
                "assetgroup_id": item.group, "assetgroup_name": self.groups[item.group].name,
                "linked_item_id": item.parent,
                "linked_item_name": self.items[item.parent].name if item.parent else "",
                "isrecurringitem": item.recurring, "dont_track_stock": True, "supplier_id": item.supplier,
                "supplier_name": self.suppliers[item.supplier].name if item.supplier else "",
                "lastmodified": stamp(item.updated), "datecreated": stamp(item.updated),
            }  # fmt: skip

    def _invoice(self, i: Invoice) -> Row:
        customer = self.customers[i.customer]
        place = address_store(30_000 + i.id, self.sites[i.site].address)
        return {
            "id": i.id, "invoicenumber": i.number, "xero_tenant_id": self.tenants[i.tenant].tenant_id,
            "client_id": customer.id, "client_name": customer.name, "original_client_id": customer.id,
            "sitenumber": i.site, "site_name": self.sites[i.site].name, "accountsid": customer.account_number,
            "name": customer.name, "contactname": f"{customer.first_name} {customer.last_name}",
            "address": place, "shipaddress": place, "invoice_date": midnight(i.date),
            "duedate": midnight(i.due_date), "due_date_type": i.due_type, "due_date_int": i.due_days,
            "reference": i.reference, "cust_order_number": i.customer_order, "currency": "£",
            "currency_code": i.currency, "currency_conversion_rate": self.currencies[i.currency].rate,
            "total": i.total, "tax_total": i.tax, "revenue": i.net, "paymentstatus": -1, "amountdue": i.total,
            "amount_remaining": i.total, "voided": i.state == "voided", "hideinvoice": i.state == "hidden",
            "reviewrequired": i.state == "unapproved", "requires_approval": i.state == "unapproved",
            "is_recurring_invoice": i.kind == "template", "supplier_id": i.supplier,
            "date_created": stamp(i.created), "last_modified": stamp(i.updated), "xeroid": i.xero_id,
            "lines": [self._invoice_line(i, n, line) for n, line in enumerate(i.lines, 1)],
            **self._credit(i),
        }  # fmt: skip

    def _credit(self, i: Invoice) -> Row:
        """What is another in a credit's header: the original, and amounts below nought where this build has them so."""
        if i.kind != "credit":
            return {}
        sign = 1 if self.switches.credit_sign == "none" else -1
        amounts = {"total": i.total, "tax_total": i.tax, "revenue": i.net, "amountdue": i.total}
        return {name: sign * value for name, value in amounts.items()} | {"creditlinkedtoinvoiceid": i.credits}

    def _invoice_line(self, invoice: Invoice, n: int, line: Line) -> Row:
        tax = self.taxes.get(line.tax)
        # Some lines carry Xero's own tax code and the others only Halo's, as lines of different origin do.
        tax_code = tax.tax_type if tax and line.id % 3 else ""
        minus = self.switches.credit_sign if invoice.kind == "credit" else "none"
        sums = 1 if minus == "none" else -1
        return {
            "id": line.id, "ihid": invoice.id, "sequenceid": n, "_itemid": line.item, "item_code": line.code,
            "item_shortdescription": line.description, "item_longdescription": line.detail,
            "nominal_code": line.account, "qty_order": line.quantity * (-1 if minus == "quantity" else 1),
            "unit_price": line.unit_price * (-1 if minus == "price" else 1),
            "discount_perc": line.discount, "net_amount": line.net * sums, "tax_amount": line.tax_amount * sums,
            "tax_rate": line.tax_rate, "item_tax_code": line.tax, "tax_name": tax.name if tax else "",
            "xero_tax_code": tax_code, "xero_category_1_lookup_name": line.tracking_option,
            "isgroupdesc": line.kind == "text",
            "actioncode": line.charge_rate - 1 if line.kind == "labour" else -1,
        }  # fmt: skip

    def _order(self, o: PurchaseOrder) -> Row:
        supplier = self.suppliers[o.supplier]
        return {
            "id": o.id, "title": o.reference, "po_ref": o.number, "suppliers_order_reference": o.reference,
            "supplier_id": supplier.id, "supplier_name": supplier.name, "date": midnight(o.date),
            "est_delivery_date": midnight(o.delivery_date), "status": 2 if o.state == "approved" else 1,
            "approval_status": {"approved": 2, "rejected": 1}.get(o.state, 0), "price": o.net,
            "tax_total": o.tax, "total": o.total, "currency": "£", "currency_code": o.currency,
            "currency_conversion_rate": self.currencies[o.currency].rate, "deliver_to_us": True,
            "delivery_address": address_store(40_000 + o.id, o.deliver_to),
            "xero_tenant_id": self.tenants[o.tenant].tenant_id, "last_update_time": stamp(o.updated),
            "lines": [self._order_line(o, n, line) for n, line in enumerate(o.lines, 1)],
        }  # fmt: skip

    def _order_line(self, order: PurchaseOrder, n: int, line: Line) -> Row:
        # Goods of older orders have come in: what a caller can count when quantity is hidden from it.
        received = line.quantity if (self.world.today - order.date).days > 30 else Decimal(0)
        return {
            "id": line.id, "purchaseorder_id": order.id, "sort_seq": n, "item_id": line.item,
            "productcode": line.code, "name": line.description, "note": line.detail, "quantity": line.quantity,
            "price": line.unit_price, "quantity_received": received, "baseprice": line.unit_price,
            "net_total": line.net, "total_tax": line.tax_amount, "total_price": line.net,
            "override_tax_code": line.tax, "tax_name": self.taxes[line.tax].name, "item_code": line.code,
            "accounts_code": line.account,
        }  # fmt: skip

    def _xero_details(self) -> Iterator[Row]:
        native = self.switches.native_sync
        for n, tenant in enumerate(self.world.tenants, 1):
            yield {
                "id": n, "name": tenant.name, "tenant_id": tenant.tenant_id, "tenant_name": tenant.name,
                "authorized": bool(native), "enablesync": bool(native), "isdefault": n == 1,
                "sync_entities": native, "sync_entities_list": native.split(",") if native else [],
                "client_top_level": 3, "supplier_top_level": 4, "item_group": self.psa.item_groups[0].id,
                "category_1_name": "Region", "category_1_id": tenant.tracking[0].category_id,
            }  # fmt: skip
