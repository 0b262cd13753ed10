"""The entities of Halo that are emulated, with their fields (halo-api sections 4.2 and 7).

Tables only. A field reads `name:type`, type being i(nteger), n(umber), s(tring), b(oolean), d(ate), a(rray)
or o(bject); a `-` after it keeps the field out of list rows, a `=` makes it read only for callers.
"""

from __future__ import annotations

from typing import Any

import msgspec

NO_DATE = "1900-01-01T00:00:00"
_DEFAULTS: dict[str, Any] = {"i": 0, "n": 0, "s": "", "b": False, "d": NO_DATE, "o": None}


class Field(msgspec.Struct, frozen=True):
    """One property of an entity."""

    name: str
    type: str
    listed: bool
    writable: bool

    def default(self) -> Any:
        """What a record holds that never got a value: empty, zero, or 1900-01-01."""
        return [] if self.type == "a" else _DEFAULTS[self.type]


class Entity(msgspec.Struct, frozen=True):
    """One resource below `/api`.

    `key` names the array of its list (empty: a bare array), `scope` the pair of scopes that guards it (empty:
    any), `stamp` the field that holds the last change, `link` the one that holds the id in Xero.
    """

    name: str
    kind: str
    key: str
    scope: str
    fields: dict[str, Field]
    stamp: str = ""
    link: str = ""
    search: tuple[str, ...] = ("name",)
    line_fields: dict[str, Field] = {}
    writable: bool = True


def _parse(text: str) -> dict[str, Field]:
    found = {}
    for word in text.split():
        name, _, rest = word.partition(":")
        found[name] = Field(name, rest[0], "-" not in rest, "=" not in rest)
    return found


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


# Accepted on every write and never stored (halo-api section 5).
FLAGS = words(
    """_validateonly _novalidate _dont_fire_automations _forcethirdpartysync _isimport _importtype
    _docommitsync details_id accounts_id newclient_sitename newclient_contactname newclient_contactemail
    newclient_phonenumber newclient_delivery_address new_external_link void_invoice_rewinds_billing_entites
    """
)

_CLIENT = _parse("""
id:i name:s toplevel_id:i toplevel_name:s inactive:b accountsid:s xeroid:s xero_tenant_id:s
xero_tenant_name:s- xerodetails_id:i isarchived_xero:b- excludefrominvoicesync:b accountsfirstname:s-
accountslastname:s- accountsemailaddress:s- accountsccemailaddress:s- accountsbccemailaddress:s-
sales_tax_code:i- sales_tax_code_name:s-= purchase_tax_code:i- purchase_tax_code_name:s-= item_tax_code:i
service_tax_code:i contract_tax_code:i prepay_tax_code:i taxable:b tax_number:s- sales_tax_type:s-
purchase_tax_type:s- trading_name:s- invoiceduedaysextraclient:i due_date_type:i paymentterms:i-
default_currency_code:i default_currency_code_name:s-= currencyisocode:s- clientcurrency:s client_to_invoice:i
client_to_invoice_recurring:i main_site_id:i- main_site_name:s-= main_invoice_address:o-
main_delivery_address:o- main_contact_name:s- main_contact_email:s- main_contact_phonenumber:s-
main_phonenumber:s- website:s- xero_tracking_category_1_name:s- xero_tracking_category_2_name:s- ref:s
alastupdate:d-= customfields:a external_links:a-
""")
_SITE = _parse("""
id:i name:s client_id:n client_name:s= inactive:b phonenumber:s ref:s delivery_address:o invoice_address:o
invoice_address_isdelivery:b isinvoicesite:b country_code:s country_code_name:s region_code:s timezone:s
accountsid:s accountsfirstname:s- accountslastname:s- accountsemailaddress:s- site_sales_tax_code:i-
site_purchase_tax_code:i- site_item_tax_code:i- site_service_tax_code:i- slastupdate:d-= customfields:a-
""")
_SUPPLIER = _parse("""
id:i name:s inactive:b accounts_id:s xero_id:s xero_tenant_id:s xero_tenant_name:s is_xero_archived:b
contact_name:s contact_title:s email_address:s phone_number:s phone_number_2:s phone_number_3:s fax:s mobile:s
website:s address:s purchase_tax_code:i purchase_tax_code_name:s= default_currency_code:i
supplier_invoice_due_date_extra_days:i ignore_from_accounting_sync:b is_supplier:b is_manufacturer:b
last_modified:d= datecreated:d= toplevel_id:i notes:s- customfields:a- external_links:a-
""")
_ITEM = _parse("""
id:i name:s status:i accountsid:s nominalcode:s nominalcode_name:s= purchasenominalcode:s
purchasenominalcode_name:s= taxcode:i taxcode_name:s= taxcodeother:i taxcodeother_name:s= xero_salestax:s
xero_purchasetax:s xero_tenant_id:s xero_tenant_name:s xerodetails_id:i baseprice:n costprice:n
recurringprice:n recurringcost:n salestaxincluded:b purchasetaxincluded:b taxable:b description:s
purchase_description:s- note:s- supplier_part_code:s internalreference:s externalreference:s assetgroup_id:i
assetgroup_name:s= linked_item_id:i linked_item_name:s= isrecurringitem:b iscontractitem:b dontinvoice:b
dont_track_stock:b quantity_in_stock:n supplier_id:i supplier_name:s= min_purchase_qty:n
purchase_currency_code:i xero_inventory_account_code:s xero_cogs_account_code:s ignore_from_accounting_sync:b
third_party_id:s lastmodified:d= datecreated:d= customfields:a- external_links:a-
xero_category_1_lookup:s xero_category_1_lookup_name:s xero_category_2_lookup:s xero_category_2_lookup_name:s
""")
_GROUP = _parse("""
id:i name:s nominalcode:s nominalcodepurchase:s tax_id:i tax_id_purchase:i itemcode_id:i itemcode_name:s=
multipleaccountstenants:b accounts_mappings:a xero_category_1_lookup:s xero_category_1_lookup_name:s
xero_category_2_lookup:s xero_category_2_lookup_name:s
""")
_TAX = _parse("""
id:i name:s code:s value:n xero_tenant_id:s xero_tenant_name:s xerotaxrate:o third_party_desc:s
third_party_id:s thirdparty_tax_rates:a is_composite:b linked_rates:a onseparateline:b category_code:s
""")
_LOOKUP = _parse("""
id:i lookupid:i name:s value2:s value3:s value4:s value5:s value6:s value7:s value8:s value9:s
tax_rate_name:s xero_tenant_name:s linked_item:i rates:a inactive:b
""")
_CHARGE_RATE = _parse("""
id:i charge_id:i area:i contract_id:i org:i rate:n current_rate:n startdate:d expirydate:d minimum:n
increment:n oohmultiplier:n holidaymultiplier:n weekendmultiplier:n current:b
""")
_CURRENCY = _parse("id:i name:s symbol:s code:s conversion_rate:n last_updated:d")
_INVOICE_LINE = _parse("""
id:i ihid:i= sequenceid:i _itemid:i item_code:s item_shortdescription:s item_longdescription:s nominal_code:s
qty_order:n unit_price:n unit_cost:n discount_perc:n net_amount:n= tax_amount:n= tax_rate:n tax_code:s
item_tax_code:i tax_name:s xero_tax_code:s override_tax_code:i xero_lineid:s xero_category_1_lookup:s
xero_category_1_lookup_name:s xero_category_2_lookup:s xero_category_2_lookup_name:s group_id:i isgroupdesc:b
hideitems:b is_bundled_line:b isinactive:b comment_1:s comment_2:s actioncode:i labourdepartmentid:i
ticket_id:i contract_id:i asset_id:i salesorder_line_id:i purchaseorder_line_id:i startdate:d enddate:d
entity_type:s customfields:a
""")
_INVOICE = _parse("""
id:i invoicenumber:s thirdpartyinvoicenumber:s xeroid:s xero_tenant_id:s xero_status:s xero_line_tax:s
xero_branding_theme_id:s xero_branding_theme_name:s xero_online_invoice_payment_url:s posted:b dateposted:d
last_synced:d last_modified:d= date_created:d= client_id:i client_name:s= original_client_id:i sitenumber:i
site_name:s= uid:i accountsid:s name:s contactname:s tel_number:s- address:o- shipaddress:o- invoice_date:d
duedate:d due_date_type:i due_date_int:i period_start_date:d period_end_date:d reference:s order_number:s
cust_order_number:s payment_ref:s notes_1:s- notes_2:s- notes_3:s- internal_note:s- currency:s
currency_code:i currency_code_name:s= currency_conversion_rate:n total:n= tax_total:n= revenue:n=
composite_tax_total:n= paymentstatus:i amountpaid:n= amountdue:n= amount_remaining:n= datepaid:d payments:a-=
invoicetype:i typeid:i creditlinkedtoinvoiceid:i credit_total:n= voided:b hideinvoice:b reviewrequired:b
requires_approval:b approval_status:i is_recurring_invoice:b recurring_invoice_id:i salesorder_id:i
purchaseorder_id:i supplier_id:i ticket_id:i contract_id:i dont_sync_to_3rd_party:b lines:a add_lines:a
markaspaid:b customfields:a- external_links:a-
""")
_ORDER_LINE = _parse("""
id:i purchaseorder_id:i= sort_seq:i item_id:i productcode:s name:s note:s quantity:n price:n tax:n discount:n
quantity_received:n invoiced_quantity:n baseprice:n net_total:n= total_tax:n= total_price:n= total_discount:n=
override_tax_code:i tax_name:s tax_code:s item_code:s accounts_code:s xero_line_id:s salesorder_id:i
salesorder_line_id:i line_site_id:i isgroupdesc:b hideitems:b
""")
_ORDER = _parse("""
id:i title:s po_ref:s 3rd_party_ponumber:s suppliers_order_reference:s accounts_ref:s supplier_id:i
supplier_name:s= date:d datesent:d date_published:d est_delivery_date:d duedate:d status:i goodsin_status:i
approval_status:i thirdparty_status:s price:n= carriage_desc:s carriage_price:n tax_total:n= total:n= currency:s
currency_code:i currency_conversion_rate:n deliver_to_us:b delivery_address:o- deladdress1:s- deladdress2:s-
deladdress3:s- deladdress4:s- deladdress5:s- site_id:i client_id:i user_id:i ticket_id:i salesorder_id:i
cost_centre_id:i xero_id:s xero_tenant_id:s xero_status:s last_synced:d last_update_time:d= lines:a- add_lines:a-
customfields:a- invoices:a- invoice_count:i= percentage_invoiced:n= note:s-
""")
_PAYMENT = _parse("""
id:i invoice_id:i date:d amount:n method:s status:i module_id:i xero_id:s thirdpartyid:s client_id:i
""")
_DETAILS = _parse("""
id:i name:s tenant_id:s tenant_name:s authorized:b token_expiry:d isdefault:b enablesync:b sync_entities:s
sync_entities_list:a client_top_level:i supplier_top_level:i item_group:i default_item_code:s
default_order_item_code:s default_creditnote_item_code:s archive_contacts:b receive_client_created:b
receive_client_updated:b receive_invoice_created:b receive_invoice_updated:b
rounding_adjustment_account_code:s sync_currency_for_invoices:b no_item_group_sync:b no_tax_code:s
invoice_description_data:i category_1_id:s category_1_name:s category_2_id:s category_2_name:s
""")

_ALL = (
    Entity("Client", "customer", "clients", "customers", _CLIENT, "alastupdate", "xeroid", ("name", "accountsid")),
    Entity("Site", "site", "sites", "customers", _SITE, "slastupdate"),
    Entity("Supplier", "supplier", "suppliers", "suppliers", _SUPPLIER, "last_modified", "xero_id",
           ("name", "accounts_id")),
    Entity("Item", "item", "items", "items", _ITEM, "lastmodified", "third_party_id", ("name", "accountsid")),
    Entity("AssetGroup", "item_group", "", "items", _GROUP),
    Entity("Tax", "tax", "", "", _TAX),
    Entity("TaxRule", "tax_rule", "", "", _parse("id:i name:s taxid:i sequence:i tax_conditions:a"), writable=False),
    Entity("Lookup", "lookup", "", "", _LOOKUP),
    Entity("ChargeRate", "charge_rate", "", "", _CHARGE_RATE, writable=False),
    Entity("Currency", "currency", "", "", _CURRENCY, search=("name", "code")),
    Entity("Invoice", "invoice", "invoices", "invoices", _INVOICE, "last_modified", "xeroid",
           ("invoicenumber", "thirdpartyinvoicenumber", "client_name", "reference"), _INVOICE_LINE),
    Entity("RecurringInvoice", "recurring_invoice", "invoices", "invoices", _INVOICE, "last_modified",
           search=("client_name",), line_fields=_INVOICE_LINE, writable=False),
    Entity("PurchaseOrder", "purchase_order", "purchaseorders", "pos", _ORDER, "last_update_time", "xero_id",
           ("po_ref", "title", "supplier_name"), _ORDER_LINE),
    Entity("InvoicePayment", "payment", "payments", "invoices", _PAYMENT, link="xero_id",
           search=("xero_id", "thirdpartyid", "method")),
    Entity("XeroDetails", "xero_details", "", "", _DETAILS, writable=False),
)  # fmt: skip

ENTITIES = {entity.name.lower(): entity for entity in _ALL}
