"""Fields of Halo's records that XeroTUI may set, and the numbers that Halo itself gives (halo-api sections 5 and 7)."""

from collections.abc import Mapping
from typing import Any

from xerotui.model.kinds import Kind
from xerotui.model.records import Address, Record, Terms
from xerotui.source.contract import SourceRefused
from xerotui_halo.client import HaloClient
from xerotui_halo.values import text
from xerotui_halo.writing import PATHS, TERMS, Body, address_store, address_text, answered

# What Halo calls each field of a record.
FIELDS: Mapping[Kind, Mapping[str, str]] = {
    Kind.CUSTOMER: {
        "number": "accountsid",
        "name": "name",
        "email": "accountsemailaddress",
        "phone": "main_phonenumber",
        "tax_number": "tax_number",
        "address": "main_invoice_address",
        "terms": "due_date_type",
        "sales_tax": "sales_tax_code",
        "purchase_tax": "purchase_tax_code",
    },
    Kind.SUPPLIER: {
        "number": "accounts_id",
        "name": "name",
        "email": "email_address",
        "phone": "phone_number",
        "address": "address",
        "terms": "supplier_invoice_due_date_extra_days",
        "purchase_tax": "purchase_tax_code",
    },
    Kind.ITEM: {
        "code": "accountsid",
        "name": "name",
        "sales_price": "baseprice",
        "purchase_price": "costprice",
        "sales_account": "nominalcode",
        "purchase_account": "purchasenominalcode",
        "sales_tax": "taxcode",
        "purchase_tax": "taxcodeother",
    },
}
_DAYS = "DAYSAFTERBILLDATE"
# Kinds of which Halo gives the next number itself.
NUMBERED = (Kind.CUSTOMER, Kind.ITEM)


def amendment(kind: Kind, id: str, changes: Mapping[str, Any]) -> Body:
    """The body that sets these fields of one record. Raises SourceRefused for what Halo has no place for."""
    names = FIELDS.get(kind, {})
    if not id.isdigit() or not set(changes) <= set(names):
        raise SourceRefused(f"Halo's {kind.label} {id[:40]} has no place for {', '.join(sorted(changes))}")
    body: Body = {"id": int(id)}
    for field, value in changes.items():
        body |= _values(kind, field, names[field], value)
    return body


def _values(kind: Kind, field: str, name: str, value: Any) -> Body:
    """What Halo is sent for one field: addresses, terms and taxes are kept in another form there."""
    if isinstance(value, Address):
        return {name: address_store(value) if kind is Kind.CUSTOMER else address_text(value)}
    if isinstance(value, Terms):
        if kind is Kind.CUSTOMER:
            return {name: TERMS.get(value.rule, 0), "invoiceduedaysextraclient": value.days}
        if value.rule != _DAYS:
            raise SourceRefused("Halo's suppliers have payment terms of days after the bill's date only")
        return {name: value.days}
    if field.endswith("_tax") and str(value).isdigit():
        return {name: int(value)}
    return {name: value}


async def new_number(client: HaloClient, kind: Kind, record: Record) -> str:
    """What Halo's own Generate would put in. Which shape it answers in isn't documented: all that make sense do."""
    if kind not in NUMBERED:
        raise SourceRefused(f"Halo gives {kind.plural} no numbers")
    about = {"id": int(record.id), "name": record.name} if record.id.isdigit() else {"name": record.name}
    answer = await client.post(f"{PATHS[kind]}/NewAccountsId", [about])
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if isinstance(answer, str | int):
        number = str(answer).strip()
    else:
        # A row of a record that isn't kept yet has no id.
        rows = [*([answer] if isinstance(answer, dict) else []), *answered(answer).values()]
        number = next((n for row in rows if (n := text(row, "accountsid", "accounts_id", "newaccountsid"))), "")
    if not number:
        raise SourceRefused(f"Halo answered no number for {kind.label} {record.name[:80]}")
    return number
