"""Items and the reference data of an organisation on the wire: accounts, tax rates, tracking, themes, currencies."""

from decimal import Decimal
from typing import Any

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.postings import ItemPosting, PriceSide
from xerotui.model.records import (
    Account,
    Currency,
    Item,
    Organisation,
    TaxComponent,
    TaxRate,
    Theme,
    Tracking,
)
from xerotui.xero.dates import day, instant, version
from xerotui.xero.wire import Wire, plain, read

CLASSES = {
    "ASSET": "CanApplyToAssets",
    "EQUITY": "CanApplyToEquity",
    "EXPENSE": "CanApplyToExpenses",
    "LIABILITY": "CanApplyToLiabilities",
    "REVENUE": "CanApplyToRevenue",
}


class DetailsWire(Wire):
    UnitPrice: Decimal | None = None
    AccountCode: str | None = None
    COGSAccountCode: str | None = None
    TaxType: str | None = None


class ItemWire(Wire):
    """Xero's Item (xero-api section 9.3)."""

    ItemID: str = ""
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


class ComponentWire(Wire):
    Name: str | None = None
    Rate: Decimal | None = None
    IsCompound: bool | None = None


class TaxRateWire(Wire):
    Name: str | None = None
    TaxType: str = ""
    ReportTaxType: str | None = None
    Status: str | None = None
    EffectiveRate: Decimal | None = None
    DisplayTaxRate: Decimal | None = None
    TaxComponents: list[ComponentWire] | None = None
    CanApplyToAssets: bool | None = None
    CanApplyToEquity: bool | None = None
    CanApplyToExpenses: bool | None = None
    CanApplyToLiabilities: bool | None = None
    CanApplyToRevenue: bool | None = None


class AccountWire(Wire):
    AccountID: str = ""
    Code: str | None = None
    Name: str | None = None
    Type: str | None = None
    Class: str | None = None
    Status: str | None = None
    TaxType: str | None = None
    SystemAccount: str | None = None
    EnablePaymentsToAccount: bool | None = None
    UpdatedDateUTC: str | None = None


class OptionWire(Wire):
    TrackingOptionID: str = ""
    Name: str | None = None
    Status: str | None = None


class TrackingWire(Wire):
    TrackingCategoryID: str = ""
    Name: str | None = None
    Status: str | None = None
    Options: list[OptionWire] | None = None


class ThemeWire(Wire):
    BrandingThemeID: str = ""
    Name: str | None = None
    SortOrder: int | None = None


class CurrencyWire(Wire):
    Code: str = ""
    Description: str | None = None


class OrganisationWire(Wire):
    Name: str | None = None
    BaseCurrency: str | None = None
    CountryCode: str | None = None
    Version: str | None = None
    ShortCode: str | None = None
    IsDemoCompany: bool | None = None
    Timezone: str | None = None
    PeriodLockDate: str | None = None
    EndOfYearLockDate: str | None = None


def item(raw: msgspec.Raw | bytes, tenant: str) -> Item:
    """An item; `tracked` in facts marks stock, whose purchase account is the cost of goods sold."""
    wire = read(raw, ItemWire)
    sales, purchase = wire.SalesDetails or DetailsWire(), wire.PurchaseDetails or DetailsWire()
    facts = {"version": version(wire.UpdatedDateUTC)}
    if wire.IsTrackedAsInventory:
        facts["tracked"] = "yes"
    return Item(
        id=wire.ItemID,
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


def tax_rate(raw: msgspec.Raw | bytes, tenant: str) -> TaxRate:
    """A tax rate at its effective percent; where Xero doesn't say what it applies to, it applies to all."""
    wire = read(raw, TaxRateWire)
    components = tuple(
        TaxComponent(c.Name or "", c.Rate or Decimal(0), bool(c.IsCompound)) for c in wire.TaxComponents or []
    )
    rate = wire.EffectiveRate if wire.EffectiveRate is not None else wire.DisplayTaxRate
    if rate is None:
        rate = sum((c.rate for c in components), Decimal(0))
    told = {name: getattr(wire, field) for name, field in CLASSES.items()}
    silent = all(value is None for value in told.values())
    return TaxRate(
        id=wire.TaxType,
        kind=Kind.TAX_RATE,
        name=wire.Name or "",
        tenant=tenant,
        code=wire.TaxType,
        rate=rate,
        components=components,
        status=wire.Status or "ACTIVE",
        classes=tuple(name for name, value in told.items() if silent or value),
        facts={"report": wire.ReportTaxType} if wire.ReportTaxType else {},
    )


def account(raw: msgspec.Raw | bytes, tenant: str) -> Account:
    """An account; a bank account may have no code."""
    wire = read(raw, AccountWire)
    return Account(
        id=wire.AccountID,
        kind=Kind.ACCOUNT,
        name=wire.Name or "",
        tenant=tenant,
        modified=instant(wire.UpdatedDateUTC),
        code=wire.Code or "",
        type=wire.Type or "",
        class_=wire.Class or "",
        status=wire.Status or "ACTIVE",
        tax_type=wire.TaxType or "",
        system=wire.SystemAccount or "",
        takes_payments=bool(wire.EnablePaymentsToAccount) or wire.Type == "BANK",
    )


def tracking(raw: msgspec.Raw | bytes, tenant: str) -> Tracking:
    """A tracking category with all its options, archived ones too."""
    wire = read(raw, TrackingWire)
    return Tracking(
        id=wire.TrackingCategoryID,
        kind=Kind.TRACKING,
        name=wire.Name or "",
        tenant=tenant,
        status=wire.Status or "ACTIVE",
        options=tuple((o.TrackingOptionID, o.Name or "", o.Status or "ACTIVE") for o in wire.Options or []),
    )


def theme(raw: msgspec.Raw | bytes, tenant: str) -> Theme:
    """A branding theme; the one at sort 0 is the default."""
    wire = read(raw, ThemeWire)
    return Theme(
        id=wire.BrandingThemeID,
        kind=Kind.BRANDING_THEME,
        name=wire.Name or "",
        tenant=tenant,
        sort=wire.SortOrder or 0,
    )


def currency(raw: msgspec.Raw | bytes, tenant: str) -> Currency:
    """A currency that the organisation has added."""
    wire = read(raw, CurrencyWire)
    return Currency(id=wire.Code, kind=Kind.CURRENCY, name=wire.Description or wire.Code, tenant=tenant, code=wire.Code)


def organisation(raw: msgspec.Raw | bytes, tenant: str) -> Organisation:
    """What the organisation says of itself, lock dates as calendar dates."""
    wire = read(raw, OrganisationWire)
    return Organisation(
        tenant=tenant,
        name=wire.Name or "",
        base_currency=wire.BaseCurrency or "",
        country=wire.CountryCode or "",
        version=wire.Version or "",
        short_code=wire.ShortCode or "",
        is_demo=bool(wire.IsDemoCompany),
        timezone=wire.Timezone or "",
        period_lock=day(wire.PeriodLockDate),
        year_lock=day(wire.EndOfYearLockDate),
    )
