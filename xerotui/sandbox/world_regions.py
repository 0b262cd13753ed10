"""What differs by country in the demo world: charts of accounts, tax rates, the PSA's own taxes, towns.

Tables and the functions that turn them into records only. Charts and rates follow xero-api sections 11
and 12; the Australian chart is our own in the same spirit.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from xerotui.sandbox.world_types import Currency, Tax
from xerotui.sandbox.world_xero_types import XeroAccount, XeroTaxRate

Guid = Callable[..., str]

ARCHIVED_ACCOUNT = "205"
REGIONS = ("Central", "North", "South", "West Coast")

CLASSES = {
    "BANK": "ASSET", "CURRENT": "ASSET", "FIXED": "ASSET", "INVENTORY": "ASSET",
    "EQUITY": "EQUITY",
    "DIRECTCOSTS": "EXPENSE", "OVERHEADS": "EXPENSE", "EXPENSE": "EXPENSE",
    "CURRLIAB": "LIABILITY", "LIABILITY": "LIABILITY",
    "REVENUE": "REVENUE", "SALES": "REVENUE", "OTHERINCOME": "REVENUE",
}  # fmt: skip

# code | name | type | default tax | system account
_UK_ACCOUNTS = """
090|Business Bank Account|BANK|NONE
091|Business Savings Account|BANK|NONE
200|Sales|REVENUE|OUTPUT2
205|Hosting (discontinued)|REVENUE|OUTPUT2
260|Other Revenue|REVENUE|OUTPUT2
270|Interest Income|REVENUE|NONE
300|Purchases|DIRECTCOSTS|INPUT2
310|Cost of Goods Sold|DIRECTCOSTS|INPUT2
320|Direct Wages|DIRECTCOSTS|NONE
321|Subcontractors|DIRECTCOSTS|INPUT2
325|Direct Expenses|DIRECTCOSTS|INPUT2
400|Advertising & Marketing|OVERHEADS|INPUT2
401|Audit & Accountancy fees|OVERHEADS|INPUT2
404|Bank Fees|OVERHEADS|NONE
408|Cleaning|OVERHEADS|INPUT2
412|Consulting|OVERHEADS|INPUT2
416|Depreciation Expense|OVERHEADS|NONE
418|Charitable and Political Donations|OVERHEADS|NONE
420|Entertainment-100% business|OVERHEADS|INPUT2
424|Entertainment - 0%|OVERHEADS|NONE
425|Postage, Freight & Courier|OVERHEADS|EXEMPTINPUT
429|General Expenses|OVERHEADS|INPUT2
433|Insurance|OVERHEADS|EXEMPTINPUT
437|Interest Paid|OVERHEADS|NONE
441|Legal Expenses|OVERHEADS|INPUT2
445|Light, Power, Heating|OVERHEADS|RRINPUT
449|Motor Vehicle Expenses|OVERHEADS|INPUT2
457|Operating Lease Payments|OVERHEADS|INPUT2
461|Printing & Stationery|OVERHEADS|INPUT2
463|IT Software and Consumables|OVERHEADS|INPUT2
465|Rates|OVERHEADS|NONE
469|Rent|OVERHEADS|NONE
473|Repairs & Maintenance|OVERHEADS|INPUT2
477|Salaries|OVERHEADS|NONE
478|Directors' Remuneration|OVERHEADS|NONE
479|Employers National Insurance|OVERHEADS|NONE
480|Staff Training|OVERHEADS|INPUT2
482|Pensions Costs|OVERHEADS|NONE
485|Subscriptions|OVERHEADS|INPUT2
489|Telephone & Internet|OVERHEADS|INPUT2
493|Travel - National|OVERHEADS|INPUT2
494|Travel - International|OVERHEADS|NONE
500|Corporation Tax|OVERHEADS|NONE
610|Accounts Receivable|CURRENT|NONE|DEBTORS
611|Less Provision for Doubtful Debts|CURRENT|NONE
620|Prepayments|CURRENT|NONE
630|Inventory|INVENTORY|NONE
710|Office Equipment|FIXED|INPUT2
711|Less Accumulated Depreciation on Office Equipment|FIXED|NONE
720|Computer Equipment|FIXED|INPUT2
721|Less Accumulated Depreciation on Computer Equipment|FIXED|NONE
800|Accounts Payable|CURRLIAB|NONE|CREDITORS
820|VAT|CURRLIAB|NONE|GST
825|PAYE Payable|CURRLIAB|NONE
826|NIC Payable|CURRLIAB|NONE
830|Provision for Corporation Tax|CURRLIAB|NONE
840|Historical Adjustment|CURRLIAB|NONE|HISTORICAL
850|Suspense|CURRLIAB|NONE
860|Rounding|CURRLIAB|NONE|ROUNDING
877|Tracking Transfers|CURRLIAB|NONE|TRACKINGTRANSFERS
960|Retained Earnings|EQUITY|NONE|RETAINEDEARNINGS
"""

_AU_ACCOUNTS = """
090|Business Cheque Account|BANK|BASEXCLUDED
091|Business Savings Account|BANK|BASEXCLUDED
200|Sales|REVENUE|OUTPUT
205|Colocation (discontinued)|REVENUE|OUTPUT
260|Other Revenue|REVENUE|OUTPUT
270|Interest Income|REVENUE|INPUTTAXED
300|Purchases|DIRECTCOSTS|INPUT
310|Cost of Goods Sold|DIRECTCOSTS|INPUT
325|Direct Expenses|DIRECTCOSTS|INPUT
400|Advertising|OVERHEADS|INPUT
404|Bank Fees|OVERHEADS|EXEMPTEXPENSES
408|Cleaning|OVERHEADS|INPUT
412|Consulting & Accounting|OVERHEADS|INPUT
416|Depreciation|OVERHEADS|BASEXCLUDED
425|Freight & Courier|OVERHEADS|INPUT
429|General Expenses|OVERHEADS|INPUT
433|Insurance|OVERHEADS|INPUT
437|Interest Expense|OVERHEADS|INPUTTAXED
445|Light, Power, Heating|OVERHEADS|INPUT
449|Motor Vehicle Expenses|OVERHEADS|INPUT
461|Printing & Stationery|OVERHEADS|INPUT
469|Rent|OVERHEADS|INPUT
477|Wages and Salaries|OVERHEADS|BASEXCLUDED
478|Superannuation|OVERHEADS|BASEXCLUDED
485|Subscriptions|OVERHEADS|INPUT
489|Telephone & Internet|OVERHEADS|INPUT
493|Travel - National|OVERHEADS|INPUT
494|Travel - International|OVERHEADS|EXEMPTEXPENSES
610|Accounts Receivable|CURRENT|BASEXCLUDED|DEBTORS
620|Prepayments|CURRENT|BASEXCLUDED
630|Inventory|INVENTORY|BASEXCLUDED
710|Office Equipment|FIXED|CAPEXINPUT
720|Computer Equipment|FIXED|CAPEXINPUT
800|Accounts Payable|CURRLIAB|BASEXCLUDED|CREDITORS
820|GST|CURRLIAB|BASEXCLUDED|GST
825|PAYG Withholdings Payable|CURRLIAB|BASEXCLUDED
840|Historical Adjustment|CURRLIAB|BASEXCLUDED|HISTORICAL
850|Suspense|CURRLIAB|BASEXCLUDED
860|Rounding|CURRLIAB|BASEXCLUDED|ROUNDING
877|Tracking Transfers|CURRLIAB|BASEXCLUDED|TRACKINGTRANSFERS
960|Retained Earnings|EQUITY|BASEXCLUDED|RETAINEDEARNINGS
"""

# tax type | rate | name | applies to | status
_UK_TAXES = """
OUTPUT2|20|20% (VAT on Income)|AELR
INPUT2|20|20% (VAT on Expenses)|AEXL
RROUTPUT|5|5% (VAT on Income)|AELR
RRINPUT|5|5% (VAT on Expenses)|AEXL
ZERORATEDOUTPUT|0|Zero Rated Income|AELR
ZERORATEDINPUT|0|Zero Rated Expenses|AEXL
EXEMPTOUTPUT|0|Exempt Income|AELR
EXEMPTINPUT|0|Exempt Expenses|AEXL
NONE|0|No VAT|AEXLR
ECZROUTPUT|0|Zero Rated EC Goods Income|AELR
ECZROUTPUTSERVICES|0|Zero Rated EC Services|AELR
ECACQUISITIONS|20|EC Acquisitions (20%)|AEXL
ECZRINPUT|0|Zero Rated EC Expenses|AEXL
ECZRACQUISITIONS|0|EC Acquisitions (Zero Rated)|AEXL
REVERSECHARGES|20|Reverse Charge Expenses (20%)|AEXL
DRCHARGESUPPLY20|0|Domestic Reverse Charge @ 20% (VAT on Income)|AELR
DRCHARGE20|0|Domestic Reverse Charge @ 20% (VAT on Expenses)|AEXL
DRCHARGESUPPLY5|0|Domestic Reverse Charge @ 5% (VAT on Income)|AELR
DRCHARGE5|0|Domestic Reverse Charge @ 5% (VAT on Expenses)|AEXL
GSTONIMPORTS|0|VAT on Imports|L
CAPEXINPUT2|20|20% (VAT on Capital Purchases)|A
CAPEXOUTPUT2|20|20% (VAT on Capital Sales)|A
SROUTPUT|15|15% (VAT on Income)|AELR|DELETED
SRINPUT|15|15% (VAT on Expenses)|AEXL|DELETED
CAPEXSROUTPUT|15|15% (VAT on Capital Sales)|A|DELETED
CAPEXSRINPUT|15|15% (VAT on Capital Purchases)|A|DELETED
OUTPUT|17.5|17.5% (VAT on Income)|AELR|DELETED
INPUT|17.5|17.5% (VAT on Expenses)|AEXL|DELETED
CAPEXOUTPUT|17.5|17.5% (VAT on Capital Sales)|A|DELETED
CAPEXINPUT|17.5|17.5% (VAT on Capital Purchases)|A|DELETED
"""

_AU_TAXES = """
OUTPUT|10|GST on Income|AELR
INPUT|10|GST on Expenses|AEXL
EXEMPTOUTPUT|0|GST Free Income|AELR
EXEMPTEXPENSES|0|GST Free Expenses|AEXL
BASEXCLUDED|0|BAS Excluded|AEXLR
INPUTTAXED|0|Input Taxed|AEXLR
EXEMPTEXPORT|0|GST Free Exports|AELR
CAPEXINPUT|10|GST on Capital|A
EXEMPTCAPITAL|0|GST Free Capital|A
GSTONIMPORTS|0|GST on Imports|L
GSTONCAPIMPORTS|0|GST on Capital Imports|L
"""


# The type under which a rate is reported, where it isn't the rate's own (xero-api sections 9.4 and 11).
_REPORTED = {
    "OUTPUT2": "OUTPUT", "INPUT2": "INPUT", "RROUTPUT": "OUTPUT", "RRINPUT": "INPUT", "SROUTPUT": "OUTPUT",
    "SRINPUT": "INPUT", "ECZROUTPUT": "ECOUTPUT", "ECZROUTPUTSERVICES": "ECOUTPUTSERVICES", "ECZRINPUT": "ECINPUT",
    "ECZRACQUISITIONS": "ECACQUISITIONS", "DRCHARGESUPPLY20": "DRCHARGESUPPLY", "DRCHARGE20": "DRCHARGE",
    "DRCHARGESUPPLY5": "DRCHARGESUPPLY", "DRCHARGE5": "DRCHARGE", "CAPEXINPUT2": "CAPITALEXPENSESINPUT",
    "CAPEXOUTPUT2": "CAPITALSALESOUTPUT", "CAPEXSRINPUT": "CAPITALEXPENSESINPUT",
    "CAPEXSROUTPUT": "CAPITALSALESOUTPUT", "CAPEXOUTPUT": "CAPITALSALESOUTPUT", "CAPEXINPUT": "CAPITALEXPENSESINPUT",
}  # fmt: skip
_REPORTED_AU = {"CAPEXINPUT": "CAPITALEXINPUT"}


class Region(msgspec.Struct, frozen=True):
    """What the generator needs to know of one country; taxes are ids of the PSA's own rates."""

    key: str
    company: str
    country: str
    country_name: str
    currency: int
    currency_code: str
    version: str
    timezone: str
    short_code: str
    tax_number: str
    accounts: str
    taxes: str
    standard_sales: int
    zero_sales: int
    standard_purchases: int
    code_suffix: str
    towns: tuple[tuple[str, str, str], ...]


UK = Region(
    "uk", "Northgate Managed IT Ltd", "GB", "United Kingdom", 1, "GBP", "UK", "GMTSTANDARDTIME", "!Ng4uK",
    "GB000472631", _UK_ACCOUNTS, _UK_TAXES, 1, 2, 4, "",
    (("Harrow", "Middlesex", "HA1 {n}AB"), ("Leeds", "West Yorkshire", "LS1 {n}PQ"),
     ("Bristol", "Avon", "BS1 {n}RT"), ("Derby", "Derbyshire", "DE1 {n}JX"),
     ("Norwich", "Norfolk", "NR2 {n}HD"), ("Glasgow", "Lanarkshire", "G2 {n}LW"),
     ("Exeter", "Devon", "EX1 {n}BN"), ("Preston", "Lancashire", "PR1 {n}UU"),
     ("Swindon", "Wiltshire", "SN1 {n}DG"), ("Cardiff", "South Glamorgan", "CF10 {n}EW")),
)  # fmt: skip
AU = Region(
    "au", "Northgate Managed IT Pty Ltd", "AU", "Australia", 2, "AUD", "AU", "AUSEASTERNSTANDARDTIME",
    "!Ng7aU", "41 824 753 556", _AU_ACCOUNTS, _AU_TAXES, 7, 8, 9, "-AU",
    (("Parramatta", "NSW", "215{n}"), ("Geelong", "VIC", "322{n}"), ("Fremantle", "WA", "616{n}"),
     ("Toowoomba", "QLD", "435{n}"), ("Hobart", "TAS", "700{n}"), ("Newcastle", "NSW", "230{n}")),
)  # fmt: skip
ALL_REGIONS = (UK, AU)

UNMAPPED_TAX = 6
EUR = 3

CURRENCIES = (
    Currency(1, "British Pound", "£", "GBP", Decimal("1")),
    Currency(2, "Australian Dollar", "$", "AUD", Decimal("1.9342")),
    Currency(3, "Euro", "€", "EUR", Decimal("1.1487")),
    Currency(4, "US Dollar", "$", "USD", Decimal("1.3015")),
)

TAXES = (
    Tax(1, "20% (VAT on Income)", "uk", Decimal(20), "OUTPUT2", purchases=False),
    Tax(2, "Zero Rated Income", "uk", Decimal(0), "ZERORATEDOUTPUT", purchases=False),
    Tax(3, "Exempt Income", "uk", Decimal(0), "EXEMPTOUTPUT", purchases=False),
    Tax(4, "20% (VAT on Expenses)", "uk", Decimal(20), "INPUT2", purchases=True),
    Tax(5, "Zero Rated Expenses", "uk", Decimal(0), "ZERORATEDINPUT", purchases=True),
    Tax(UNMAPPED_TAX, "5% Energy-saving works", "uk", Decimal(5), "", purchases=False),
    Tax(7, "GST on Income", "au", Decimal(10), "OUTPUT", purchases=False),
    Tax(8, "GST Free Income", "au", Decimal(0), "EXEMPTOUTPUT", purchases=False),
    Tax(9, "GST on Expenses", "au", Decimal(10), "INPUT", purchases=True),
    Tax(10, "GST Free Expenses", "au", Decimal(0), "EXEMPTEXPENSES", purchases=True),
)
TAX_BY_ID = {tax.id: tax for tax in TAXES}


def accounts_of(region: Region, guid: Guid) -> tuple[XeroAccount, ...]:
    """The chart of accounts of a region, one account of it archived."""
    found = []
    for row in region.accounts.strip().splitlines():
        code, name, kind, tax, *system = row.split("|")
        status = "ARCHIVED" if code == ARCHIVED_ACCOUNT else "ACTIVE"
        account_id = guid(region.key, "account", code)
        found.append(
            XeroAccount(
                account_id, code, name, kind, CLASSES[kind], tax, status, system[0] if system else "",
                enable_payments=kind == "BANK",
            )
        )  # fmt: skip
    return tuple(found)


def tax_rates_of(region: Region) -> tuple[XeroTaxRate, ...]:
    """The tax rates of a region, old ones with status DELETED."""
    found = []
    for row in region.taxes.strip().splitlines():
        tax_type, rate, name, applies, *status = row.split("|")
        report = (_REPORTED_AU if region is AU else _REPORTED).get(tax_type, tax_type)
        found.append(XeroTaxRate(name, tax_type, Decimal(rate), applies, status[0] if status else "ACTIVE", report))
    return tuple(found)
