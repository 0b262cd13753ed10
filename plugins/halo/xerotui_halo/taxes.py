"""Which tax rate a line carries: Halo tells it in up to six places, of which the first that makes sense wins."""

from xerotui.model.records import TaxRate
from xerotui_halo.reference import Group, Reference
from xerotui_halo.values import Row, Unreadable, ident, integer, number, text

# Halo's "take the product's rate" (halo-api section 7.1).
FROM_ITEM = -2


async def line_tax(reference: Reference, row: Row, tenant: str, *, purchase: bool = False) -> str:
    """The id of the line's tax rate, "" when nothing names one.

    In this order: the Xero tax type that Halo noted, the override, the line's own rate, the rate of the product
    where the line says so, the code as id or as code, the percentage where only one rate of the tenant has it
    (halo-api section 7.8).
    """
    taxes = await reference.taxes()
    offered = [tax for tax in taxes.values() if tax.tenant in ("", tenant)]
    direct = ident(row, "override_tax_code", "item_tax_code")
    noted = [tax.id for tax in offered if tax.linked_code and tax.linked_code == text(row, "xero_tax_code")]
    if direct:
        # Two rates may share a Xero tax type; where the noted one is another than the line's, it is the newer word.
        return noted[0] if len(noted) == 1 and direct not in noted else direct
    if len(noted) == 1:
        return noted[0]
    if integer(row, "item_tax_code") == FROM_ITEM and (found := await _of_item(reference, row, tenant, purchase)):
        return found
    code = text(row, "tax_code")
    if code in taxes:
        return code
    named = [tax.id for tax in offered if code and tax.code == code]
    return named[0] if len(named) == 1 else _by_rate(offered, row)


async def _of_item(reference: Reference, row: Row, tenant: str, purchase: bool) -> str:
    product = (await reference.products()).get(ident(row, "_itemid", "item_id"))
    if product is None:
        return ""
    if own := product.purchase_tax if purchase else product.sales_tax:
        return own
    group = (await reference.groups()).get(product.group, Group()).of(tenant)
    return group.purchase_tax if purchase else group.sales_tax


def _by_rate(offered: list[TaxRate], row: Row) -> str:
    try:
        rate = number(row, "tax_rate")
    except Unreadable:
        return ""
    same = [tax.id for tax in offered if rate is not None and tax.rate == rate]
    return same[0] if len(same) == 1 else ""
