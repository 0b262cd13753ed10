"""The columns of each kind of file, as data: what each means, whether it is needed, and other headers for it.

The contract of `docs/nethelpdesk.md`; the database's own column names are among the other headers, because an export
layout may use them.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from xerotui_nethelpdesk.csv_format import BadFile


class As(StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    KEY = "key"
    WHOLE = "whole"
    PRICE = "price"
    AMOUNT = "amount"
    PERCENT = "percent"
    RATE = "rate"
    DATE = "date"
    FLAG = "flag"


NUMBERS = (As.PRICE, As.AMOUNT, As.PERCENT, As.RATE)


class Column(msgspec.Struct, frozen=True):
    """A column by its name in the contract."""

    name: str
    kind: As = As.TEXT
    also: tuple[str, ...] = ()
    needed: bool = False


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of file. Of each of `either` one column is needed; `heads` are a document's, alike on all its lines."""

    name: str
    key: str
    columns: tuple[Column, ...]
    either: tuple[tuple[str, str], ...] = ()
    heads: tuple[str, ...] = ()

    def column(self, name: str) -> Column | None:
        """A column by its name in the contract."""
        return next((one for one in self.columns if one.name == name), None)


def _party(name: str, id: tuple[str, ...], title: tuple[str, ...], account: str) -> Table:
    return Table(
        name=name,
        key="id",
        columns=(
            Column("id", As.KEY, id, needed=True),
            Column("name", As.TEXT, title, needed=True),
            Column("account_code", As.TEXT, (account, "accounts_code", "accounts_id", "account_number")),
            Column("email", As.TEXT, ("email_address", "aaccountsemailaddress", "cemailaddress")),
            Column("first_name", As.TEXT, ("aaccountsfirstname",)),
            Column("last_name", As.TEXT, ("aaccountslastname", "surname")),
            Column("phone", As.TEXT, ("telephone", "phone_number", "sphonenumber", "cphone1")),
            *(Column(f"address{n}", As.TEXT, (f"address_{n}", f"address_line_{n}", f"asline{n}")) for n in range(1, 5)),
            Column("postcode", As.TEXT, ("post_code", "postal_code", "zip", "asline5")),
            Column("country", As.TEXT),
            Column("vat_no", As.TEXT, ("vat_number", "tax_number", "abn", "axerotaxnumber")),
            Column("currency", As.TEXT, ("currency_code",)),
            Column("due_type", As.WHOLE, ("aduedatetype",)),
            Column("due_days", As.WHOLE, ("ainvoiceduedaysextra", "csupplierinvoiceduedateextradays")),
            Column("terms_days", As.WHOLE, ("payment_terms", "apaymentterms")),
            Column("active", As.FLAG),
            Column("website", As.TEXT, ("awebsite", "cwebsite")),
            Column("top_level", As.TEXT, ("toplevel", "treedesc")),
            Column("sales_tax", As.TEXT),
            Column("purchase_tax", As.TEXT),
            Column("organisation", As.TEXT, ("organization", "xero_organisation", "tenant")),
        ),
    )


_LINES = (
    Column("line_no", As.WHOLE, ("line", "line_number", "idsequenceid", "sdsortseq"), needed=True),
    Column("item_code", As.TEXT, ("item", "product_code", "iditem_code", "sditemcode")),
    Column("nominal_code", As.TEXT, ("idnominal_code", "nominal")),
    Column("description", As.TEXT, ("text", "iditem_shortdescription", "sddesc"), needed=True),
    Column("long_description", As.TEXT, ("iditem_longdescription", "sdnote")),
    Column("quantity", As.PRICE, ("qty", "idqty_order", "sdquantity"), needed=True),
    Column("unit_price", As.PRICE, ("price", "unit_amount", "idunit_price", "sdprice"), needed=True),
    Column("net", As.AMOUNT, ("net_amount", "line_net", "idnet_amount")),
    Column("tax_amount", As.AMOUNT, ("tax", "vat", "vat_amount", "idtax_amount")),
    Column("tax_code", As.TEXT, ("vat_code", "idtax_code", "sdtaxcode")),
    Column("tax_rate", As.PERCENT, ("vat_rate",)),
    Column("account_code", As.TEXT, ("account", "sdaccountscode")),
    Column("heading", As.FLAG, ("idisgroupdesc", "sdisgroupdesc")),
)
_HEADS = (
    Column("currency", As.TEXT, ("currency_code",)),
    Column("currency_rate", As.RATE, ("exchange_rate", "ihcurrencyconversionrate")),
    Column("line_count", As.WHOLE, ("lines",)),
    Column("organisation", As.TEXT, ("organization", "xero_organisation", "tenant")),
)


def _document(name: str, key: Column, *heads: Column) -> Table:
    party = heads[0]
    columns = (key, *heads, *_HEADS, *_LINES)
    return Table(
        name=name,
        key=key.name,
        columns=columns,
        either=((party.name, heads[1].name),),
        heads=tuple(one.name for one in (*heads, *_HEADS)),
    )


CUSTOMERS = _party("customers", ("customer_id", "client_id", "aarea"), ("customer_name", "client_name", "aareadesc"),
                   "aaccountsid")  # fmt: skip
SUPPLIERS = _party("suppliers", ("supplier_id", "cnum"), ("supplier_name", "cdesc"), "csageaccountsid")
ITEMS = Table(
    name="items",
    key="code",
    columns=(
        Column("code", As.TEXT, ("item_code", "iaccountsid"), needed=True),
        Column("name", As.TEXT, ("item_name", "idesc"), needed=True),
        Column("description", As.TEXT, ("inote",)),
        Column("sales_price", As.PRICE, ("price", "ibaseprice")),
        Column("cost_price", As.PRICE, ("cost", "icostprice")),
        Column("sales_account", As.TEXT, ("inominalcode",)),
        Column("purchase_account", As.TEXT, ("ipurchasenominalcode",)),
        Column("sales_tax", As.TEXT, ("itaxcode",)),
        Column("purchase_tax", As.TEXT, ("itaxcodeother",)),
        Column("group", As.TEXT, ("item_group", "gdesc")),
        Column("active", As.FLAG),
    ),
)
TAXES = Table(
    name="taxes",
    key="code",
    columns=(
        Column("code", As.TEXT, ("tax_code", "taxcode"), needed=True),
        Column("description", As.TEXT, ("name", "taxdescription"), needed=True),
        Column("rate", As.PERCENT, ("tax_rate", "taxvalue"), needed=True),
    ),
)
CHARGES = Table(
    name="charges",
    key="code",
    columns=(
        Column("code", As.TEXT, ("charge_code", "fcode"), needed=True),
        Column("name", As.TEXT, ("description", "fvalue"), needed=True),
        Column("rate", As.PRICE, ("price", "crrate")),
        Column("tax", As.TEXT, ("tax_code",)),
        Column("account_code", As.TEXT, ("accounts_code",)),
    ),
)
INVOICES = _document(
    "invoices",
    Column("invoice_id", As.KEY, ("id", "ihid"), needed=True),
    Column("customer_id", As.KEY, ("client_id", "ihaarea")),
    Column("customer_name", As.TEXT, ("client_name", "client", "customer")),
    Column("invoice_date", As.DATE, ("date", "ihinvoice_date"), needed=True),
    Column("number", As.TEXT, ("invoice_number", "ihinvoicenumber")),
    Column("due_date", As.DATE, ("due", "ihdue_date")),
    Column("due_type", As.WHOLE, ("ihduedatetype",)),
    Column("due_days", As.WHOLE, ("ihduedateint",)),
    Column("reference", As.TEXT, ("ihreference",)),
    Column("customer_order", As.TEXT, ("order_number", "ihcust_order_number")),
    Column("voided", As.FLAG, ("void", "ihvoided")),
    Column("credits", As.KEY, ("credited_invoice", "ihcreditlinkedtoinvoiceid")),
)
INVOICES = msgspec.structs.replace(
    INVOICES, columns=(*INVOICES.columns, Column("charge_code", As.TEXT, ("charge", "charge_type")))
)
ORDERS = _document(
    "purchase_orders",
    Column("po_id", As.KEY, ("id", "order_id", "purchase_order_id", "shid"), needed=True),
    Column("supplier_id", As.KEY, ("shsupplierid",)),
    Column("supplier_name", As.TEXT, ("supplier",)),
    Column("date", As.DATE, ("po_date", "order_date", "shpodate"), needed=True),
    Column("number", As.TEXT, ("po_number", "shporef")),
    Column("delivery_date", As.DATE, ("delivery", "shestdeldate")),
    Column("reference", As.TEXT),
    Column("carriage", As.PRICE, ("shcarriageprice",)),
    Column("carriage_description", As.TEXT, ("shcarriagedesc",)),
    Column("approved", As.FLAG),
    Column("voided", As.FLAG, ("void", "cancelled")),
)
TABLES: Mapping[str, Table] = {one.name: one for one in (CUSTOMERS, SUPPLIERS, ITEMS, TAXES, CHARGES, INVOICES, ORDERS)}


def folded(header: str) -> str:
    """A header as it is compared: case, blanks and signs don't count, so `Invoice ID` is `invoice_id`."""
    text = unicodedata.normalize("NFKC", header).casefold()
    return re.sub(r"[\W_]+", "_", text).strip("_")


def headers_of(text: str) -> dict[str, str]:
    """Configured headers, `Client No = customer_id; Nr = invoices.invoice_id`, as column by folded header.

    A column may name its kind of file before a dot. Raises ValueError in words for what is no column.
    """
    found: dict[str, str] = {}
    for part in text.split(";"):
        if not part.strip():
            continue
        header, sign, column = (one.strip() for one in part.rpartition("="))
        table, dot, name = column.rpartition(".")
        known = [one for one in TABLES.values() if (not dot or one.name == table) and one.column(name)]
        if not sign or not folded(header) or not known:
            raise ValueError(f"entries such as Client No = customer_id, parted by semicolons; not {part.strip()[:60]}")
        found[f"{table}.{folded(header)}" if dot else folded(header)] = name
    return found


class Header(msgspec.Struct, frozen=True):
    """A header row, understood: the column of each cell, None for one that isn't used, and those headers."""

    columns: tuple[Column | None, ...]
    unused: tuple[str, ...] = ()


def understood(table: Table, cells: Sequence[str], configured: Mapping[str, str]) -> Header:
    """What the cells of a header row mean: a configured header goes before the contract's name, that before others.

    Raises BadFile when a needed column is missing or two headers mean the same one equally well.
    """
    best: dict[str, tuple[int, int]] = {}
    for at, cell in enumerate(cells):
        rank, column = _meant(table, folded(cell), configured)
        if column is None:
            continue
        other = best.get(column.name)
        if other and other[0] == rank:
            a, b = (cells[n].strip()[:40] for n in (other[1], at))
            words = f"has the header {a} twice" if a == b else f"has the column {column.name} twice: {a} and {b}"
            raise BadFile(words, 1, column.name)
        if other is None or rank < other[0]:
            best[column.name] = (rank, at)
    missing = [one.name for one in table.columns if one.needed and one.name not in best]
    missing += [" or ".join(names) for names in table.either if not best.keys() & set(names)]
    if missing:
        seen = ", ".join(cell.strip()[:30] for cell in cells[:12])
        raise BadFile(f"lacks the column {', '.join(missing)}; its headers are {seen}", 1, missing[0])
    used = {at: table.column(name) for name, (_, at) in best.items()}
    unused = tuple(cell.strip()[:60] for at, cell in enumerate(cells) if at not in used and cell.strip())
    return Header(tuple(used.get(at) for at in range(len(cells))), unused)


def _meant(table: Table, header: str, configured: Mapping[str, str]) -> tuple[int, Column | None]:
    """The column that a folded header means, and how surely: 0 is surest."""
    named = table.column(configured.get(f"{table.name}.{header}") or configured.get(header, ""))
    if named:
        return 0, named
    if exact := table.column(header):
        return 1, exact
    return 2, next((one for one in table.columns if header in one.also), None)
