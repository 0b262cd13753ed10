"""Organisations of further regions, each with settings and a few contacts: New Zealand, the United States, the rest.

They belong to no tenant of the PSA; a sandbox adds one when it is told to. Rates follow xero-api section 11; the charts
are our own in the same spirit. Tables and the function that turns them into a tenant only.
"""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from xerotui.sandbox.world_regions import CLASSES
from xerotui.sandbox.world_xero_types import (
    Tenant,
    XeroAccount,
    XeroContact,
    XeroItem,
    XeroOption,
    XeroTaxRate,
    XeroTheme,
    XeroTracking,
)

# code | name | type | side of the default tax (s sale, p purchase, n none) | system account
_ACCOUNTS = """
090|Business Bank Account|BANK|n
200|Sales|REVENUE|s
205|Hosting (discontinued)|REVENUE|s
260|Other Revenue|REVENUE|s
300|Purchases|DIRECTCOSTS|p
310|Cost of Goods Sold|DIRECTCOSTS|p
400|Advertising|OVERHEADS|p
404|Bank Fees|OVERHEADS|n
412|Consulting & Accounting|OVERHEADS|p
429|General Expenses|OVERHEADS|p
469|Rent|OVERHEADS|p
485|Subscriptions|OVERHEADS|p
610|Accounts Receivable|CURRENT|n|DEBTORS
630|Inventory|INVENTORY|n
720|Computer Equipment|FIXED|p
800|Accounts Payable|CURRLIAB|n|CREDITORS
820|Sales Tax|CURRLIAB|n|GST
860|Rounding|CURRLIAB|n|ROUNDING
960|Retained Earnings|EQUITY|n|RETAINEDEARNINGS
"""

# tax type | rate | name | applies to | report type | status
_NZ_TAXES = """
INPUT|12.5|12.5% GST on Expenses|AEXL|INPUT|DELETED
OUTPUT|12.5|12.5% GST on Income|AELR|OUTPUT|DELETED
INPUT2|15|15% GST on Expenses|AEXL|INPUT|ACTIVE
OUTPUT2|15|15% GST on Income|AELR|OUTPUT|ACTIVE
GSTONIMPORTS|0|GST on Imports|L|GSTONIMPORTS|ACTIVE
NONE|0|No GST|AEXLR|NONE|ACTIVE
ZERORATED|0|Zero Rated|LR|OUTPUT|ACTIVE
"""
_US_TAXES = """
OUTPUT|0|Tax on Sales|AELR|OUTPUT|ACTIVE
INPUT|0|Tax on Purchases|AEXL|INPUT|ACTIVE
NONE|0|Tax Exempt|AEXLR|NONE|ACTIVE
GSTONIMPORTS|0|Sales Tax on Imports|L|GSTONIMPORTS|ACTIVE
"""
_GLOBAL_TAXES = """
OUTPUT|0|Tax on Sales|AELR|OUTPUT|ACTIVE
INPUT|0|Tax on Purchases|AEXL|INPUT|ACTIVE
NONE|0|Tax Exempt|AEXLR|NONE|ACTIVE
GSTONIMPORTS|0|Tax on Imports|L|GSTONIMPORTS|ACTIVE
"""


class Seed(msgspec.Struct, frozen=True):
    """One further organisation in short."""

    company: str
    country: str
    currency: str
    version: str
    timezone: str
    short_code: str
    taxes: str
    sale: str
    purchase: str


SEEDS = {
    "nz": Seed(
        "Northgate Aotearoa Ltd", "NZ", "NZD", "NZ", "NEWZEALANDSTANDARDTIME", "!Ng2nZ", _NZ_TAXES, "OUTPUT2", "INPUT2"
    ),
    "us": Seed("Northgate Inc", "US", "USD", "US", "EASTERNSTANDARDTIME", "!Ng3uS", _US_TAXES, "OUTPUT", "INPUT"),
    "global": Seed(
        "Northgate International BV", "NL", "EUR", "GLOBAL", "WEUROPESTANDARDTIME", "!Ng5gL", _GLOBAL_TAXES,
        "OUTPUT", "INPUT",
    ),
}  # fmt: skip


def tenant_of(key: str, today: date) -> Tenant:
    """Return the organisation of a region, always with the same ids; KeyError for a region that has no seed.

    It holds what an emulated Xero has to be able to show: two contacts of one contact number, an archived contact, an
    archived account, a deleted rate where the region has one, and a locked period.
    """
    if key not in SEEDS:
        raise KeyError(f"there is no organisation {key}; there are {', '.join(SEEDS)}")
    seed = SEEDS[key]
    return Tenant(
        key=key,
        tenant_id=_guid(key, "tenant"),
        connection_id=_guid(key, "connection"),
        organisation_id=_guid(key, "organisation"),
        name=seed.company,
        legal_name=seed.company,
        country=seed.country,
        currency=seed.currency,
        version=seed.version,
        timezone=seed.timezone,
        short_code=seed.short_code,
        tax_number="",
        is_demo=False,
        period_lock_date=today.replace(day=1) - timedelta(days=92),
        end_of_year_lock_date=date(today.year - 1, 3, 31),
        currencies=("USD", "EUR"),
        accounts=_accounts(key, seed),
        tax_rates=_rates(seed),
        tracking=(
            XeroTracking(
                _guid(key, "tracking"),
                "Region",
                tuple(XeroOption(_guid(key, "option", name), name) for name in ("North", "South")),
            ),
        ),
        themes=(XeroTheme(_guid(key, "theme"), "Standard", 0),),
        contacts=_contacts(key),
        items=(
            XeroItem(
                _guid(key, "item"), "LABOUR", "Labour", "Labour by the hour", "", Decimal("120.0000"), "200", seed.sale
            ),
        ),
        documents=(),
    )


def _guid(*parts: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "xerotui/seed/" + "/".join(parts)))


def _accounts(key: str, seed: Seed) -> tuple[XeroAccount, ...]:
    taxes = {"s": seed.sale, "p": seed.purchase, "n": "NONE"}
    found = []
    for row in _ACCOUNTS.strip().splitlines():
        code, name, kind, side, *system = row.split("|")
        status = "ARCHIVED" if "discontinued" in name else "ACTIVE"
        found.append(
            XeroAccount(
                _guid(key, "account", code), code, name, kind, CLASSES[kind], taxes[side], status,
                system[0] if system else "", enable_payments=kind == "BANK",
            )
        )  # fmt: skip
    return tuple(found)


def _rates(seed: Seed) -> tuple[XeroTaxRate, ...]:
    rows = [row.split("|") for row in seed.taxes.strip().splitlines()]
    return tuple(
        XeroTaxRate(name, code, Decimal(rate), letters, status, report)
        for code, rate, name, letters, report, status in rows
    )


def _contacts(key: str) -> tuple[XeroContact, ...]:
    rows = (
        ("Harbour Bakery", "HAR001", "501", "ACTIVE"),
        # Two contacts of one number, as Xero was seen to hold (xero-api section 9.2).
        ("Ridge Motors", "RID001", "502", "ACTIVE"),
        ("Ridge Motors South", "RID002", "502", "ACTIVE"),
        ("Old Wharf Stores", "OLD001", "503", "ARCHIVED"),
    )
    return tuple(
        XeroContact(_guid(key, "contact", number), name, number, contact_number, status, is_customer=True)
        for name, number, contact_number, status in rows
    )
