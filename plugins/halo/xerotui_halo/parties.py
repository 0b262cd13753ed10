"""Customers, suppliers and products of Halo as records (halo-api sections 7.1, 7.3 and 7.4)."""

import re

from xerotui.model.kinds import Kind
from xerotui.model.records import Item, Party
from xerotui_halo.reference import Group, Reference, currency_of
from xerotui_halo.values import Row, address, address_block, flag, ident, instant, integer, number, person, terms, text

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def guid(row: Row, name: str) -> str:
    """A Xero id, lower case; "" for anything else, and for the id of zeros."""
    value = text(row, name)
    return value.lower() if _GUID.fullmatch(value) and value.strip("0-") else ""


async def customer(reference: Reference, row: Row) -> Party:
    """A client, from the row of a single GET."""
    country = (await reference.countries()).get(ident(row, "main_site_id"), "")
    store = row.get("main_invoice_address")
    return Party(
        id=ident(row, "id"),
        kind=Kind.CUSTOMER,
        name=text(row, "name"),
        tenant=text(row, "xero_tenant_id"),
        xero_id=guid(row, "xeroid"),
        modified=instant(row, "alastupdate"),
        number=text(row, "accountsid"),
        active=not flag(row, "inactive"),
        first_name=text(row, "accountsfirstname"),
        last_name=text(row, "accountslastname"),
        email=text(row, "accountsemailaddress"),
        phone=text(row, "main_phonenumber", "main_contact_phonenumber"),
        website=text(row, "website"),
        tax_number=text(row, "tax_number"),
        address=address(store, country) or address(row.get("main_delivery_address"), country),
        sales_tax=ident(row, "sales_tax_code"),
        purchase_tax=ident(row, "purchase_tax_code"),
        terms=terms(integer(row, "due_date_type"), integer(row, "invoiceduedaysextraclient")),
        currency=await currency_of(reference, row, "default_currency_code"),
    )


async def supplier(reference: Reference, row: Row) -> Party:
    """A supplier, from a list row or a single GET."""
    first, last = person(text(row, "contact_name"))
    excluded = "Halo ignores this supplier in accounting" if flag(row, "ignore_from_accounting_sync") else ""
    if row.get("is_supplier") is False:
        excluded = "a manufacturer, not a supplier"
    return Party(
        id=ident(row, "id"),
        kind=Kind.SUPPLIER,
        name=text(row, "name"),
        tenant=text(row, "xero_tenant_id"),
        xero_id=guid(row, "xero_id"),
        modified=instant(row, "last_modified"),
        excluded=excluded,
        number=text(row, "accounts_id"),
        active=not flag(row, "inactive"),
        first_name=first,
        last_name=last,
        email=text(row, "email_address"),
        phone=text(row, "phone_number", "phone_number_2", "mobile"),
        website=text(row, "website"),
        address=address_block(text(row, "address")),
        purchase_tax=ident(row, "purchase_tax_code"),
        terms=terms(0, integer(row, "supplier_invoice_due_date_extra_days")),
        currency=await currency_of(reference, row, "default_currency_code"),
    )


async def item(reference: Reference, row: Row, *, detailed: bool) -> Item:
    """A product. A blank account or tax is taken from its item group, as the tenant of the product sees it.

    The purchase description is left blank without details (`detailed` False), and where it is never posted: so a
    product reads the same from a list and singly.
    """
    tenant = text(row, "xero_tenant_id")
    group = (await reference.groups()).get(ident(row, "assetgroup_id"), Group()).of(tenant)
    sales = text(row, "nominalcode") or group.sales_account
    purchase = text(row, "purchasenominalcode") or group.purchase_account
    price = number(row, "baseprice")
    if not price and flag(row, "isrecurringitem"):
        price = number(row, "recurringprice") or price
    cost = number(row, "costprice")
    purchased = bool(purchase or cost)
    return Item(
        id=ident(row, "id"),
        kind=Kind.ITEM,
        name=text(row, "name"),
        tenant=tenant,
        xero_id=guid(row, "third_party_id"),
        modified=instant(row, "lastmodified"),
        excluded="Halo ignores this product in accounting" if flag(row, "ignore_from_accounting_sync") else "",
        code=text(row, "accountsid"),
        active=not flag(row, "inactive"),
        parent=ident(row, "linked_item_id"),
        group=text(row, "assetgroup_name") or group.name,
        description=text(row, "description"),
        purchase_description=text(row, "purchase_description") if detailed and _posted(row) else "",
        sold=bool(sales or price) or not purchased,
        purchased=purchased,
        sales_price=price,
        purchase_price=cost if purchased else None,
        sales_account=sales,
        purchase_account=purchase,
        sales_tax=ident(row, "taxcode") or group.sales_tax,
        purchase_tax=ident(row, "taxcodeother") or group.purchase_tax,
    )


def _posted(row: Row) -> bool:
    return not ident(row, "linked_item_id") and not flag(row, "ignore_from_accounting_sync")


def needs_details(row: Row) -> bool:
    """True for a list row that lacks the purchase description of a product that is synced itself."""
    return _posted(row) and "purchase_description" not in row
