"""What is read of NetHelpDesk's database, as data: each entity's table, and the column behind each canonical name.

The names are those of nethelpdesk section 7; whether an installation has them is found out at connect time (its
section 2). In the lists below `!` marks a column without which the entity can't be read, `+` one that may be written
back, `~` one of type NTEXT, which has to be cast. Any other is optional: without it a feature is off.
"""

import msgspec

REQUIRED, OPTIONAL, LINK = "required", "optional", "link"


class Column(msgspec.Struct, frozen=True):
    """A column by its canonical name; `need` is required, optional or link (kept in our own store where it lacks)."""

    name: str
    column: str
    need: str = OPTIONAL
    written: bool = False
    long: bool = False


class Entity(msgspec.Struct, frozen=True):
    """A table that is read; `title` is what people call its rows, `positive` leaves out ids of zero and below."""

    name: str
    title: str
    table: str
    columns: tuple[Column, ...]
    required: bool = False
    positive: bool = False

    def column(self, name: str) -> Column:
        """A column by its canonical name. Raises KeyError."""
        return next(one for one in self.columns if one.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """The canonical names."""
        return tuple(one.name for one in self.columns)


_LINKS = ("xero_id", "tenant", "xero_status")


def _entity(name: str, title: str, table: str, columns: str, *, required: bool = False) -> Entity:
    found = []
    for entry in columns.split():
        canonical, _, column = entry.partition("=")
        need = REQUIRED if "!" in column else LINK if canonical in _LINKS else OPTIONAL
        found.append(Column(canonical, column.rstrip("!+~"), need, "+" in column, "~" in column))
    positive = name in ("invoice", "order", "customer", "supplier", "item")
    return Entity(name, title, table, tuple(found), required, positive)


ENTITIES: dict[str, Entity] = {
    one.name: one
    for one in (
        _entity(
            "customer",
            "clients",
            "AREA",
            """
            id=Aarea! name=aareadesc! account_code=aaccountsid+ inactive=AIsInactive top_level=Atreeid
            email=AAccountsEmailAddress email_cc=AAccountsCCEmailAddress first_name=AAccountsFirstName
            last_name=AAccountsLastName website=AWebsite tax_number=axerotaxnumber currency=AdefaultCurrencyCode
            terms_days=APaymentTerms due_days=AInvoiceDueDaysExtra due_type=aduedatetype sales_tax=ASLAtaxcode
            labour_tax=ANONSLAtaxcode purchase_tax=APurchasesTaxCode excluded=aExcludeFromInvoiceSync
            archived=AIsXeroArchived xero_id=AXeroID+ tenant=AXeroTenantId+ modified=ALastUpdate
            """,
            required=True,
        ),
        _entity(
            "site",
            "sites",
            "SITE",
            """
            id=Ssitenum! customer=Sarea! name=sdesc invoice_site=SIsInvoiceSite inactive=SIsInactive
            phone=SPhoneNumber
            """,
        ),
        _entity(
            "address",
            "addresses",
            "ADDRESSSTORE",
            """
            id=ASID! site=ASSiteID! type=AStype line1=ASLine1 line2=ASLine2 line3=ASLine3 line4=ASLine4
            postcode=ASLine5 primary=ASPrimary inactive=ASInActive
            """,
        ),
        _entity("top_level", "top levels", "TREE", "id=Treeid! name=TreeDesc!"),
        _entity(
            "supplier",
            "suppliers",
            "COMPANY",
            """
            id=Cnum! name=cdesc! account_code=CSageAccountsID+ inactive=CIsInactive is_supplier=cissupplier
            contact=CContactName email=Cemailaddress phone=cphone1 phone2=cphone2 mobile=CMobile website=cwebsite
            address=Caddress~ purchase_tax=cpurchasetaxcode due_days=csupplierinvoiceduedateextradays
            currency=cdefaultcurrencycode excluded=cignorefromaccountingsync xero_id=CXeroId+ tenant=CXeroTenantId+
            modified=clast_modified
            """,
            required=True,
        ),
        _entity(
            "item",
            "items",
            "ITEM",
            """
            id=Iid! name=idesc! long_name=idesc2 note=Inote~ code=Iaccountsid sales_account=INominalCode
            purchase_account=IPurchaseNominalCode sales_tax=Itaxcode purchase_tax=ITaxCodeOther
            sales_price=Ibaseprice cost_price=ICostPrice recurring_price=IRecurringPrice group=Igeneric
            tenant=IXeroTenantId excluded=iignorefromaccountingsync modified=ilastmodified
            """,
            required=True,
        ),
        _entity("group", "item groups", "GENERIC", "id=Ggeneric! name=gdesc! account=gnominalcode"),
        _entity(
            "tax", "taxes", "Tax", "id=TaxID! code=TaxCode! name=TaxDescription rate=TaxValue! tenant=TaxXeroTenantId"
        ),
        _entity(
            "tax_slots",
            "tax slots 1 to 5",
            "CONTROL",
            " ".join(f"rate{n}=RTaxCode{n} name{n}=RTaxCodeDesc{n}" for n in range(1, 6)),
        ),
        _entity(
            "tax_slots_more",
            "tax slots 6 to 10",
            "CONTROL2",
            " ".join(f"rate{n}=RTaxCode{n} name{n}=RTaxCodeDesc{n}" for n in range(6, 11)),
        ),
        _entity(
            "charge_type",
            "charge types",
            "LOOKUP",
            "list=fid! id=fcode! name=fvalue! " + " ".join(f"fvalue{n}=fvalue{n}" for n in range(2, 11)),
        ),
        _entity(
            "charge_rate",
            "charge rates",
            "CHARGERATE",
            "id=CRid! customer=CRarea charge=CRchargeid! rate=CRrate! start=CRstartdate end=crexpirydate",
        ),
        _entity("currency", "currencies", "CURRENCY", "id=Cid! symbol=Cdesc code=Ccode name=Cname rate=Crate"),
        _entity(
            "invoice",
            "invoices",
            "INVOICEHEADER",
            """
            id=IHid! customer=IHaarea! date=IHInvoice_Date! number=IHInvoiceNumber due_date=IHDue_Date
            terms_days=IHPaymentTerms due_days=IHDueDateInt due_type=IHDueDateType party_name=IHname
            reference=IHReference order_number=IHOrder_Number customer_order=IHCust_Order_Number symbol=IHCurrency
            currency=IHcurrencycode currency_rate=IHcurrencyConversionRate posted=IHPosted+ posted_on=IHDatePosted+
            synced_on=IHLast_Synced+ third_party_number=IH3rdPartyInvoiceNumber+ xero_id=IHXeroID+
            tenant=IHXeroTenantId+ xero_status=IHXeroStatus+ amount_paid=IHAmountPaid+ amount_due=IHAmountDue+
            paid_on=ihdatepaid+ voided=ihvoided hidden=IHHideInvoice recurring=IHisRecurringInvoice
            unsynced=ihdontsyncto3rdparty supplier=ihsupplierid order=ihshid credits=ihcreditlinkedtoinvoiceid
            modified=IHLast_Modified
            """,
            required=True,
        ),
        _entity(
            "invoice_line",
            "invoice lines",
            "INVOICEDETAIL",
            """
            id=IDid! document=IDIHid! order=idsequenceid item=ID_ItemID item_code=IDItem_Code
            nominal_code=IDNominal_Code text=IDItem_ShortDescription long_text=IDItem_LongDescription~
            quantity=IDQty_Order! unit_price=IDUnit_Price! net=IDNet_Amount tax_amount=IDTax_Amount tax=IDTax_Code
            tax_rate=IDTax_Rate action=IDActionCode ticket=IDFaultid heading=IDisGroupDesc
            """,
            required=True,
        ),
        _entity(
            "order",
            "purchase orders",
            "SUPPLIERORDERHEADER",
            """
            id=SHid! supplier=SHSupplierID! date=SHPODate! number=SHPORef reference=SHAccountsRef
            third_party_number=SH3rdPartyPONumber+ delivery_date=SHEstDelDate due_date=shduedate
            approval=SHApprovalStatus carriage_text=SHCarriageDesc carriage=SHCarriagePrice symbol=SHCurrency
            currency=shcurrencycode xero_id=SHXeroId+ tenant=SHXeroTenantId+ xero_status=SHXeroStatus+
            synced_on=SHLastSynced+ modified=shlastupdatetime
            """,
            required=True,
        ),
        _entity(
            "order_line",
            "purchase order lines",
            "SUPPLIERORDERDETAIL",
            """
            id=SDid! document=SDSHid! order=SDsortseq item=SDItemid item_code=SDItemCode account=SDAccountsCode
            text=SDDesc long_text=SDNote~ quantity=SDquantity! unit_price=SDPrice! tax_amount=SDTax tax=SDTaxCode
            heading=SDIsGroupDesc
            """,
            required=True,
        ),
        _entity("about", "about the program", "CONTROL", "version=RDBVersion"),
        _entity("defaults", "billing defaults", "CONTROL2", "due_days=RInvoiceDueDaysExtra"),
        _entity(
            "switches",
            "accounting switches",
            "CONTROL3",
            """
            version=RDBVersionLong server=RNHServerVersion use_xero=RUseXero sync=REnableXeroSync
            default_tenant=RXeroDefaultTenantId
            """,
        ),
        _entity(
            "own_sync",
            "NetHelpDesk's own connections to Xero",
            "XeroDetails",
            "authorised=XDIsAuthorized! enabled=XDEnableSync! tenant=XDTenantId",
        ),
    )
}

# Columns of tokens and passwords of NetHelpDesk's own: no mapping may name them (nethelpdesk section 7.7).
NEVER = frozenset({"xdaccesstoken", "xdrefreshtoken", "rxeroaccesstoken", "rxerorefreshtoken", "sisqlpassword"})
