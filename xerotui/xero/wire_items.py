"""Items on the wire."""

from decimal import Decimal
from typing import Any

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.postings import ItemPosting, PriceSide
from xerotui.model.records import Item
from xerotui.xero.dates import instant, version
from xerotui.xero.wire import Wire, plain, read


class DetailsWire(Wire):
    """The sales or purchase side of an item; tracked items have COGSAccountCode in place of AccountCode."""

    UnitPrice: Decimal | None = None
    AccountCode: str | None = None
    COGSAccountCode: str | None = None
    TaxType: str | None = None


class ItemWire(Wire):
    """Xero's Item (xero-api section 9.3)."""

    ItemID: str | None = None
    Code: str | None = None
    Name: str | None = None
    Description: str | None = None
    PurchaseDescription: str | None = None
    IsSold: bool | None = None
    IsPurchased: bool | None = None
    IsTrackedAsInventory: bool | None = None
    SalesDetails: DetailsWire | None = None
    PurchaseDetails: DetailsWire | None = None
    UpdatedDateUTC: str | None = None


def item(raw: msgspec.Raw | bytes, tenant: str) -> Item:
    """An item; `tracked` in facts marks stock, whose purchase account is the cost of goods sold."""
    wire = read(raw, ItemWire)
    sales, purchase = wire.SalesDetails or DetailsWire(), wire.PurchaseDetails or DetailsWire()
    facts = {"version": version(wire.UpdatedDateUTC)}
    if wire.IsTrackedAsInventory:
        facts["tracked"] = "yes"
    return Item(
        id=wire.ItemID or "",
        kind=Kind.ITEM,
        name=wire.Name or "",
        tenant=tenant,
        modified=instant(wire.UpdatedDateUTC),
        facts=facts,
        code=wire.Code or "",
        description=wire.Description or "",
        purchase_description=wire.PurchaseDescription or "",
        sold=wire.IsSold is not False,
        purchased=wire.IsPurchased is not False,
        sales_price=sales.UnitPrice,
        purchase_price=purchase.UnitPrice,
        sales_account=sales.AccountCode or "",
        purchase_account=purchase.AccountCode or purchase.COGSAccountCode or "",
        sales_tax=sales.TaxType or "",
        purchase_tax=purchase.TaxType or "",
    )


def item_body(posting: ItemPosting) -> dict[str, Any]:
    """An item as Xero takes it; blanks are left out, so that account and tax are inherited."""
    body: dict[str, Any] = {
        "Code": posting.code,
        "Name": posting.name,
        "Description": posting.description,
        "PurchaseDescription": posting.purchase_description,
        "SalesDetails": _details(posting.sales),
        "PurchaseDetails": _details(posting.purchase),
    }
    kept = {name: value for name, value in body.items() if value}
    return kept | {"IsSold": posting.sold, "IsPurchased": posting.purchased}


def _details(side: PriceSide | None) -> dict[str, Any]:
    if side is None:
        return {}
    price = None if side.price is None else plain(side.price)
    body = {"UnitPrice": price, "AccountCode": side.account or None, "TaxType": side.tax or None}
    return {name: value for name, value in body.items() if value is not None}
