"""The tables of the emulated NetHelpDesk in their ages, as data, and the statements that make them.

Names and types are those of nethelpdesk section 7, which column an age lacks is told by its section 2. A column
reads `name:type`, type being i(nteger), f(loat), b(it), s(tring, 4000 unless given), t(ext), d(ate) or m(oney); `!`
makes it the key, `=0` NOT NULL with that default, `/middle` and `/late` the first age that has it. Tables only.
"""

from __future__ import annotations

from typing import Any

import msgspec

AGES = ("old", "middle", "late")
# What "no date" looks like in a DATETIME column.
NO_DATE = "1900-01-01 00:00:00.000000"

_SQL = {"i": "INT", "f": "REAL", "b": "BIT_INT", "t": "NTEXT", "d": "TEXT", "m": "REAL"}

_TABLES = {
    "AREA": """
Aarea:i! aareadesc:s aaccountsid:s AIsInactive:b Atreeid:i AAccountsEmailAddress:s AAccountsCCEmailAddress:s
APaymentTerms:i ASLAtaxcode:i ANONSLAtaxcode:i ATaxable:b aCurrency:i=0 Amemo:t Achangeseq:i=0
AWebsite:s250/middle AContractTaxCode:i/middle APurchasesTaxCode:i/middle ALastUpdate:d/middle
atradingname:s/late AAccountsFirstName:s250/late AAccountsLastName:s250/late AXeroID:s200/late
AXeroTenantId:s100/late AInvoiceDueDaysExtra:i/late axerotaxnumber:s/late aduedatetype:i/late
AdefaultCurrencyCode:i/late aprepaytaxcode:i/late Aclienttoinvoiceid:i/late aExcludeFromInvoiceSync:b/late
AIsXeroArchived:b/late
""",
    "SITE": """
Ssitenum:i! sdesc:s Sarea:f SIsInactive:b SPhoneNumber:s50 sMainContact:i SRef:s Schangeseq:i=0
SIsInvoiceSite:b/late
""",
    "ADDRESSSTORE/middle": """
ASID:i! ASSiteID:i AStype:i ASLine1:s ASLine2:s ASLine3:s ASLine4:s ASLine5:s ASPrimary:b ASInActive:b
""",
    "USERS": "Uid:i! Usite:f uusername:s255 uemail:s uextn:s umobile:s uFirstName:s200/late uLastName:s200/late",
    "TREE": "Treeid:i! TreeDesc:s Tchangeseq:i=0",
    "COMPANY": """
Cnum:i! cdesc:s CSageAccountsID:s CIsInactive:b CContactName:s400 Cemailaddress:s cphone1:s400 cphone2:s400
cphone3:s400 CFax:s400 CMobile:s cwebsite:s Caddress:t Cmemo:t Cchangeseq:i=0 clast_modified:d/middle
cissupplier:b/late cpurchasetaxcode:i/late csupplierinvoiceduedateextradays:i/late cdefaultcurrencycode:i/late
cignorefromaccountingsync:b/late CXeroId:s100/late CXeroTenantId:s100/late
""",
    "ITEM": """
Iid:i! idesc:s idesc2:s Inote:t Iaccountsid:s INominalCode:s Itaxcode:i ITaxCodeOther:i Ibaseprice:f ICostPrice:f
IRecurringPrice:f Igeneric:i Isupplier:i Iqtyinstock:f Istatus:i Ichangeseq:i=0 ilastmodified:d/middle
IPurchaseNominalCode:s500/late IXeroTenantId:s100/late ILinkedItemId:i/late iignorefromaccountingsync:b/late
""",
    "GENERIC": "Ggeneric:i! gdesc:s gnominalcode:s",
    "Tax/middle": """
TaxID:i! TaxDescription:s255 TaxCode:s255 TaxValue:f TaxXeroTenantId:s100/late TaxThirdPartyDescription:s100/late
TaxIsComposite:b/late
""",
    "CONTROL": """
RDBVersion:s50 RTaxCode1:m RTaxCode2:m RTaxCode3:m RTaxCode4:m RTaxCode5:m RTaxCodeDesc1:s RTaxCodeDesc2:s
RTaxCodeDesc3:s RTaxCodeDesc4:s RTaxCodeDesc5:s RUseQB:b rusesage:b
""",
    "CONTROL2": """
RTaxCode6:m RTaxCode7:m RTaxCode8:m RTaxCode9:m RTaxCode10:m RTaxCodeDesc6:s RTaxCodeDesc7:s RTaxCodeDesc8:s
RTaxCodeDesc9:s RTaxCodeDesc10:s RTaxID1:i RTaxID2:i RTaxID3:i RTaxID4:i RTaxID5:i RTaxID6:i RTaxID7:i RTaxID8:i
RTaxID9:i RTaxID10:i RInvoiceDueDaysExtra:i
""",
    "CONTROL3": """
RUseXero:b RNHServerVersion:s50 RPOPrefixS:s10 RPOPrefixR:s10 RPOPrefixO:s10 RDBVersionLong:s50/middle
REnableXeroSync:b/late RXeroDefaultTenantId:s100/late RXeroAccessToken:t/late RXeroRefreshToken:t/late
""",
    "XeroDetails/late": "XDid:i! XDIsAuthorized:b XDEnableSync:b XDAccessToken:t XDRefreshToken:t",
    "LOOKUP": """
fid:i! fcode:i! fvalue:s fvalue2:s fvalue3:s fvalue4:s fvalue5:s fvalue6:s fvalue7:s fvalue8:s fvalue9:s fvalue10:s
Lchangeseq:i=0
""",
    "CHARGERATE": """
CRid:i! CRarea:i CRchargeid:i CRrate:f CRstartdate:d CRMinimum:f CRIncrement:f crexpirydate:d/middle
""",
    "CURRENCY": "Cid:i! Cdesc:s10 Cname:s255 Crate:f Ccode:s10/middle",
    "INVOICEHEADER": """
IHid:i! IHaarea:i IHsitenumber:i IHuid:i IHInvoiceNumber:s IH3rdPartyInvoiceNumber:s IHPosted:b IHInvoice_Date:d
IHname:s IHAddress1:s IHAddress2:s IHAddress3:s IHAddress4:s IHAddress5:s IHContactName:s IHReference:s
IHOrder_Number:s IHCust_Order_Number:s IHNotes_1:t IHDatePosted:d IHLast_Synced:d IHCurrency:s10 IHPaymentTerms:i
IHAmountPaid:f IHDue_Date:d IHPaymentStatus:i IHXeroID:s500/middle IHLast_Modified:d/middle IHHideInvoice:b/middle
IHcurrencyConversionRate:f/middle IHisRecurringInvoice:b/late IHXeroTenantId:s100/late IHXeroStatus:s10/late
IHDueDateInt:i/late IHDueDateType:i/late IHcurrencycode:i/late IHAmountDue:f/late ihdatepaid:d/late ihvoided:b/late
ihdontsyncto3rdparty:b/late ihsupplierid:i/late ihshid:i/late ihcreditlinkedtoinvoiceid:i/late
""",
    "INVOICEDETAIL": """
IDid:i! IdIHid:i IDItem_Code:s IDItem_ShortDescription:s IDItem_LongDescription:t IDNominal_Code:s IDTax_Code:s
IDQty_Order:f IDUnit_Price:f IDUnit_Cost:f IDNet_Amount:f IDTax_Rate:f IDTax_Amount:f IDActionCode:i IDFaultid:i
IDSite:i ID_ItemID:i idsequenceid:i/late IDisGroupDesc:b/late IDXero_LineId:s200/late
""",
    "SUPPLIERORDERHEADER": """
SHid:i! SHSupplierID:i SHPORef:s SHPODate:d SHEstDelDate:d SHStatus:i SHCarriageDesc:s SHCarriagePrice:f
SH3rdPartyPONumber:s SHAccountsRef:s SHCurrency:s10 SHDeliverToUs:b SHfaultID:i SHNote:t SHApprovalStatus:i/middle
SHUserDefStatus:i/middle shlastupdatetime:d/middle SHXeroId:s100/late SHXeroTenantId:s100/late SHXeroStatus:s10/late
SHLastSynced:d/late shduedate:d/late shcurrencycode:i/late
""",
    "SUPPLIERORDERDETAIL": """
SDid:i! SDSHid:i SDItemid:i SDPrice:f SDTax:f SDDesc:s SDProductCode:s SDquantity:f SDTaxCode:i SDQtyReceived:f
SDNote:t SDsortseq:i/middle SDXeroLineId:s100/late SDItemCode:s100/late SDAccountsCode:s100/late SDIsGroupDesc:b/late
""",
}


class Column(msgspec.Struct, frozen=True):
    """One column; `size` counts letters of a string, 0 where there is no limit."""

    name: str
    type: str
    size: int
    key: bool
    default: int | None

    def fits(self, value: Any) -> bool:
        """Whether SQL Server would take the value, which SQLite does in any case."""
        if value is None:
            return not self.key and self.default is None
        if self.type in "st":
            return isinstance(value, str) and (not self.size or len(value) <= self.size)
        if self.type == "d":
            return isinstance(value, str) and value[:4].isdigit() and value[4:5] == "-"
        if self.type == "b":
            return value in (0, 1)
        return isinstance(value, int) or (self.type in "fm" and isinstance(value, float))


class Table(msgspec.Struct, frozen=True):
    """One table of an age: `stamp` is the column that a change by a person moves."""

    name: str
    columns: dict[str, Column]
    stamp: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns of the key; none for the tables of one row."""
        return tuple(name for name, column in self.columns.items() if column.key)

    def column(self, name: str) -> Column:
        """The column of that name, in any case of its letters; ValueError where this age hasn't got it."""
        for known, column in self.columns.items():
            if known.casefold() == name.casefold():
                return column
        raise ValueError(f"{self.name} has no column {name}")

    def statement(self) -> str:
        """What makes it. INT, not INTEGER: of the latter SQLite would hand out keys, which no table here does."""
        parts = []
        for column in self.columns.values():
            kind = f"NVARCHAR({column.size})" if column.type == "s" else _SQL[column.type].replace("BIT_INT", "INTEGER")
            least = " NOT NULL" if column.key else ""
            least += f" NOT NULL DEFAULT {column.default}" if column.default is not None else ""
            parts.append(f'"{column.name}" {kind}{least}')
        if self.keys:
            parts.append(f"PRIMARY KEY ({', '.join(self.keys)})")
        return f'CREATE TABLE "{self.name}" ({", ".join(parts)})'


_STAMPS = {
    "AREA": "ALastUpdate", "COMPANY": "clast_modified", "ITEM": "ilastmodified", "INVOICEHEADER": "IHLast_Modified",
    "SUPPLIERORDERHEADER": "shlastupdatetime",
}  # fmt: skip
# Lines and sites move the stamp of what they belong to, by this column.
OWNERS = {
    "INVOICEDETAIL": ("IdIHid", "INVOICEHEADER"), "SUPPLIERORDERDETAIL": ("SDSHid", "SUPPLIERORDERHEADER"),
    "SITE": ("Sarea", "AREA"),
}  # fmt: skip
LINES = {"INVOICEHEADER": "INVOICEDETAIL", "SUPPLIERORDERHEADER": "SUPPLIERORDERDETAIL"}
# What may be written with the switch for links (nethelpdesk sections 6 and 7, "wb").
LINKS = {
    "AREA": ("aaccountsid", "AXeroID", "AXeroTenantId"),
    "COMPANY": ("CSageAccountsID", "CXeroId", "CXeroTenantId"),
    "INVOICEHEADER": (
        "IHPosted", "IHDatePosted", "IHLast_Synced", "IH3rdPartyInvoiceNumber", "IHXeroID", "IHXeroTenantId",
        "IHXeroStatus", "IHAmountPaid", "IHAmountDue", "ihdatepaid",
    ),
    "SUPPLIERORDERHEADER": ("SH3rdPartyPONumber", "SHXeroId", "SHXeroTenantId", "SHXeroStatus", "SHLastSynced"),
}  # fmt: skip
# The column that holds the Xero id, and the one with its number at Xero.
XERO = {
    "AREA": ("AXeroID", "aaccountsid"), "COMPANY": ("CXeroId", "CSageAccountsID"),
    "INVOICEHEADER": ("IHXeroID", "IH3rdPartyInvoiceNumber"), "SUPPLIERORDERHEADER": ("SHXeroId", "SH3rdPartyPONumber"),
}  # fmt: skip
KINDS = {
    "AREA": "customer", "COMPANY": "supplier", "ITEM": "item", "Tax": "tax_rate", "INVOICEHEADER": "invoice",
    "SUPPLIERORDERHEADER": "purchase_order",
}  # fmt: skip
# Where rows may be made with the switch for that.
INSERTS = ("AREA", "SITE", "USERS", "ADDRESSSTORE", "COMPANY", "Tax")


def tables_of(age: str) -> dict[str, Table]:
    """The tables of an age by name; KeyError for an age that there isn't."""
    if age not in AGES:
        raise KeyError(age)
    found = {}
    for head, text in _TABLES.items():
        name, since = _since(head)
        if AGES.index(since) > AGES.index(age):
            continue
        columns = {}
        for word in text.split():
            told, first = _since(word)
            if AGES.index(first) <= AGES.index(age):
                column = _column(told)
                columns[column.name] = column
        stamp = _STAMPS.get(name, "")
        found[name] = Table(name, columns, stamp if stamp in columns else "")
    return found


def _since(word: str) -> tuple[str, str]:
    told, slash, age = word.partition("/")
    return told, age if slash else AGES[0]


def _column(word: str) -> Column:
    name, _, rest = word.partition(":")
    rest, _, default = rest.partition("=")
    size = "".join(c for c in rest if c.isdigit())
    letters = 4000 if rest[0] == "s" else 0
    return Column(name, rest[0], int(size) if size else letters, "!" in rest, int(default) if default else None)
