"""What is written into Halo: the body of a create, of a link, and whether Halo kept it (halo-api section 5).

The smallest body always: Halo merges what it is sent. Lines are never sent.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from xerotui.model.kinds import Kind
from xerotui.model.records import Address, Item, Party, Record, TaxRate
from xerotui.source.contract import Attachment, SourceRefused
from xerotui_halo.reference import Reference
from xerotui_halo.values import Row, text

Body = dict[str, Any]
PATHS = {
    Kind.CUSTOMER: "Client",
    Kind.SUPPLIER: "Supplier",
    Kind.ITEM: "Item",
    Kind.TAX_RATE: "Tax",
    Kind.INVOICE: "Invoice",
    Kind.CREDIT_NOTE: "Invoice",
    Kind.PURCHASE_ORDER: "PurchaseOrder",
}
# Where each keeps the Xero id; clients and invoices spell it in one word (halo-api section 7.3).
XERO_ID = {
    Kind.CUSTOMER: "xeroid",
    Kind.SUPPLIER: "xero_id",
    Kind.ITEM: "third_party_id",
    Kind.INVOICE: "xeroid",
    Kind.CREDIT_NOTE: "xeroid",
    Kind.PURCHASE_ORDER: "xero_id",
}
TERMS = {"DAYSAFTERBILLDATE": 0, "DAYSAFTERBILLMONTH": 1, "OFFOLLOWINGMONTH": 2, "OFCURRENTMONTH": 3}


async def creation(reference: Reference, kind: Kind, record: Record) -> Body:
    """The body of a create, the Xero id and tenant in it. Raises SourceRefused for a kind that isn't imported."""
    if kind is Kind.CUSTOMER and isinstance(record, Party):
        return _filled(await _customer(reference, record))
    if kind is Kind.SUPPLIER and isinstance(record, Party):
        return _filled(await _supplier(reference, record))
    if kind is Kind.ITEM and isinstance(record, Item):
        return _filled(await _item(reference, record))
    if kind is Kind.TAX_RATE and isinstance(record, TaxRate):
        return _tax(record)
    raise SourceRefused(f"Halo takes no {kind.plural} from XeroTUI")


def _filled(body: Body) -> Body:
    return {name: value for name, value in body.items() if value not in ("", None)}


def _id(value: str) -> int | None:
    return int(value) if value.isdigit() else None


async def _currency(reference: Reference, code: str) -> int | None:
    ids = {iso: id for id, iso in (await reference.currencies()).items() if id}
    return _id(ids.get(code.upper(), ""))


async def _customer(reference: Reference, party: Party) -> Body:
    terms = party.terms
    place = address_store(party.address)
    return {
        "name": party.name,
        "accountsid": party.number,
        "xeroid": party.xero_id,
        "xero_tenant_id": party.tenant,
        "accountsfirstname": party.first_name,
        "accountslastname": party.last_name,
        "accountsemailaddress": party.email,
        "main_phonenumber": party.phone,
        "website": party.website,
        "tax_number": party.tax_number,
        "sales_tax_code": _id(party.sales_tax),
        "purchase_tax_code": _id(party.purchase_tax),
        "due_date_type": TERMS.get(terms.rule, 0) if terms else None,
        "invoiceduedaysextraclient": terms.days if terms else None,
        "default_currency_code": await _currency(reference, party.currency),
        "main_invoice_address": place,
        "newclient_sitename": "Main",
        "newclient_phonenumber": party.phone,
        "newclient_delivery_address": place,
    }


async def _supplier(reference: Reference, party: Party) -> Body:
    return {
        "name": party.name,
        "accounts_id": party.number,
        "xero_id": party.xero_id,
        "xero_tenant_id": party.tenant,
        "contact_name": f"{party.first_name} {party.last_name}".strip(),
        "email_address": party.email,
        "phone_number": party.phone,
        "website": party.website,
        "address": address_text(party.address or Address()),
        "purchase_tax_code": _id(party.purchase_tax),
        "supplier_invoice_due_date_extra_days": party.terms.days if party.terms else None,
        "default_currency_code": await _currency(reference, party.currency),
        "is_supplier": True,
    }


async def _item(reference: Reference, item: Item) -> Body:
    groups = await reference.groups()
    named = [id for id, group in groups.items() if item.group and group.name.casefold() == item.group.casefold()]
    group = item.group if item.group in groups else named[0] if named else ""
    return {
        "name": item.name or item.code,
        "accountsid": item.code,
        "third_party_id": item.xero_id,
        "xero_tenant_id": item.tenant,
        "nominalcode": item.sales_account,
        "purchasenominalcode": item.purchase_account,
        "taxcode": _id(item.sales_tax),
        "taxcodeother": _id(item.purchase_tax),
        "baseprice": item.sales_price,
        "costprice": item.purchase_price,
        "description": item.description,
        "purchase_description": item.purchase_description,
        "assetgroup_id": _id(group),
    }


def _tax(rate: TaxRate) -> Body:
    linked = rate.linked_code or rate.code
    return {
        "name": rate.name,
        "code": linked,
        "value": rate.rate,
        "xero_tenant_id": rate.tenant,
        "xerotaxrate": {"value": linked, "label": rate.name},
    }


def address_store(place: Address | None) -> Body | None:
    """Xero's division as Halo's: city in line 3, region in line 4; more street lines share the second."""
    if place is None:
        return None
    first, rest = (place.lines[0], place.lines[1:]) if place.lines else ("", ())
    return {
        "line1": first,
        "line2": ", ".join(rest),
        "line3": place.city,
        "line4": place.region,
        "postcode": place.postcode,
    }


def address_text(place: Address) -> str:
    """A supplier's address, which Halo keeps as one text."""
    block = [*place.lines, place.city, place.region, place.postcode, place.country]
    return "\n".join(line for line in block if line)


def linking(one: Attachment, now: dt.datetime) -> Body:
    """The body that writes one link back. Raises SourceRefused for a kind that has no place for it."""
    if one.kind not in XERO_ID or not one.record.isdigit():
        raise SourceRefused(f"Halo keeps no link on {one.kind.label} {one.record}")
    body: Body = {"id": int(one.record), XERO_ID[one.kind]: one.xero_id, "xero_tenant_id": one.tenant}
    if one.kind in (Kind.CUSTOMER, Kind.SUPPLIER, Kind.ITEM):
        return body
    at = now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body |= _filled({"xero_status": one.status, "last_synced": at})
    if one.kind in (Kind.INVOICE, Kind.CREDIT_NOTE):
        # The last two keep Halo's own sync and its automations from reacting to our own write.
        own = {"posted": True, "dateposted": at, "dont_sync_to_3rd_party": True, "_dont_fire_automations": True}
        body |= _filled({"thirdpartyinvoicenumber": one.number}) | own
    return body


def answered(body: Any) -> dict[str, Row]:
    """The rows of a write's answer by id, whether they came as a list, as one object, or wrapped."""
    rows = body if isinstance(body, list) else [body]
    if len(rows) == 1 and isinstance(rows[0], dict) and "id" not in rows[0]:
        inner = [value for value in rows[0].values() if isinstance(value, dict | list)]
        rows = inner[0] if len(inner) == 1 and isinstance(inner[0], list) else inner
    return {text(row, "id"): row for row in rows if isinstance(row, dict)}


def kept(sent: Mapping[str, Any], row: Row, name: str) -> bool | None:
    """Whether the row holds what was sent under that name; None when the row doesn't show it."""
    return text(row, name).casefold() == str(sent[name]).casefold() if name in row else None


def unkept(sent: Mapping[str, Any], row: Row, apart_from: Sequence[str]) -> list[str]:
    """The names of texts and switches that the row shows with another value than was sent."""
    plain = {n: v for n, v in sent.items() if isinstance(v, str | bool) and not n.startswith("_") and n in row}
    dates = ("dateposted", "last_synced")
    return [n for n, v in plain.items() if n not in (*apart_from, *dates) and row[n] != v]
