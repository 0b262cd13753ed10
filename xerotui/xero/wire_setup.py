"""What an organisation is set up with, on the wire: accounts, tax rates, tracking, themes, currencies, groups.

Beside it what hangs on records: history notes and the online invoice.
"""

from decimal import Decimal

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.records import (
    Account,
    Currency,
    Group,
    Note,
    Organisation,
    TaxComponent,
    TaxRate,
    Theme,
    Tracking,
)
from xerotui.xero.dates import day, instant
from xerotui.xero.wire import Wire, read

CLASSES = {
    "ASSET": "CanApplyToAssets",
    "EQUITY": "CanApplyToEquity",
    "EXPENSE": "CanApplyToExpenses",
    "LIABILITY": "CanApplyToLiabilities",
    "REVENUE": "CanApplyToRevenue",
}


class ComponentWire(Wire):
    """One part of a tax rate."""

    Name: str | None = None
    Rate: Decimal | None = None
    IsCompound: bool | None = None


class TaxRateWire(Wire):
    """Xero's TaxRate (xero-api section 9.4)."""

    Name: str | None = None
    TaxType: str | None = None
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
    """Xero's Account (xero-api section 9.5)."""

    AccountID: str | None = None
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
    """An option of a tracking category."""

    TrackingOptionID: str | None = None
    Name: str | None = None
    Status: str | None = None


class TrackingWire(Wire):
    """Xero's TrackingCategory (xero-api section 9.6)."""

    TrackingCategoryID: str | None = None
    Name: str | None = None
    Status: str | None = None
    Options: list[OptionWire] | None = None


class ThemeWire(Wire):
    """Xero's BrandingTheme (xero-api section 9.7)."""

    BrandingThemeID: str | None = None
    Name: str | None = None
    SortOrder: int | None = None


class CurrencyWire(Wire):
    """A currency that the organisation has added."""

    Code: str | None = None
    Description: str | None = None


class OrganisationWire(Wire):
    """Xero's Organisation (xero-api section 9.1)."""

    Name: str | None = None
    BaseCurrency: str | None = None
    CountryCode: str | None = None
    Version: str | None = None
    ShortCode: str | None = None
    IsDemoCompany: bool | None = None
    Timezone: str | None = None
    PeriodLockDate: str | None = None
    EndOfYearLockDate: str | None = None
    OrganisationID: str | None = None
    LegalName: str | None = None
    OrganisationStatus: str | None = None
    OrganisationType: str | None = None
    Class: str | None = None
    TaxNumber: str | None = None
    PaysTax: bool | None = None
    CreatedDateUTC: str | None = None
    FinancialYearEndDay: int | None = None
    FinancialYearEndMonth: int | None = None


class ActionWire(Wire):
    """Whether the user who consented may do one thing: Status ALLOWED or NOT-ALLOWED."""

    Name: str | None = None
    Status: str | None = None


class MemberWire(Wire):
    """A contact inside a group."""

    ContactID: str | None = None
    Name: str | None = None


class GroupWire(Wire):
    """Xero's ContactGroup; only when read alone with its contacts."""

    ContactGroupID: str | None = None
    Name: str | None = None
    Status: str | None = None
    Contacts: list[MemberWire] | None = None


class OnlineInvoiceWire(Wire):
    """The address under which a customer sees an invoice."""

    OnlineInvoiceUrl: str | None = None


class NoteWire(Wire):
    """An entry of a record's history (xero-api section 9.12)."""

    Changes: str | None = None
    Details: str | None = None
    User: str | None = None
    DateUTC: str | None = None
    DateUTCString: str | None = None


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
        id=wire.TaxType or "",
        kind=Kind.TAX_RATE,
        name=wire.Name or "",
        tenant=tenant,
        code=wire.TaxType or "",
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
        id=wire.AccountID or "",
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
        id=wire.TrackingCategoryID or "",
        kind=Kind.TRACKING,
        name=wire.Name or "",
        tenant=tenant,
        status=wire.Status or "ACTIVE",
        options=tuple((o.TrackingOptionID or "", o.Name or "", o.Status or "ACTIVE") for o in wire.Options or []),
    )


def theme(raw: msgspec.Raw | bytes, tenant: str) -> Theme:
    """A branding theme; the one at sort 0 is the default."""
    wire = read(raw, ThemeWire)
    return Theme(
        id=wire.BrandingThemeID or "",
        kind=Kind.BRANDING_THEME,
        name=wire.Name or "",
        tenant=tenant,
        sort=wire.SortOrder or 0,
    )


def currency(raw: msgspec.Raw | bytes, tenant: str) -> Currency:
    """A currency that the organisation has added."""
    wire = read(raw, CurrencyWire)
    code = wire.Code or ""
    return Currency(id=code, kind=Kind.CURRENCY, name=wire.Description or code, tenant=tenant, code=code)


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
        id=wire.OrganisationID or "",
        legal_name=wire.LegalName or "",
        status=wire.OrganisationStatus or "",
        edition=wire.Class or "",
        type=wire.OrganisationType or "",
        tax_number=wire.TaxNumber or "",
        pays_tax=wire.PaysTax,
        created=instant(wire.CreatedDateUTC),
        year_end=(wire.FinancialYearEndDay or 0, wire.FinancialYearEndMonth or 0),
    )


def action(raw: msgspec.Raw | bytes) -> tuple[str, bool]:
    """The name of something that may be done, and whether the user who consented may do it."""
    wire = read(raw, ActionWire)
    return wire.Name or "", (wire.Status or "").upper() == "ALLOWED"


def group(raw: msgspec.Raw | bytes) -> Group:
    """A contact group; contacts are left out of lists."""
    wire = read(raw, GroupWire)
    return Group(
        id=wire.ContactGroupID or "",
        name=wire.Name or "",
        status=wire.Status or "ACTIVE",
        contacts=tuple((c.ContactID or "", c.Name or "") for c in wire.Contacts or []),
    )


def note(raw: msgspec.Raw | bytes) -> Note:
    """An entry of a record's history."""
    wire = read(raw, NoteWire)
    return Note(
        at=instant(wire.DateUTC or wire.DateUTCString),
        who=wire.User or "",
        what=wire.Changes or "",
        details=wire.Details or "",
    )
