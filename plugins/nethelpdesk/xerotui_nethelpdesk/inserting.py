"""New rows in NetHelpDesk's tables: customers with a site and an address, suppliers, tax codes (nethelpdesk section 6).

Whether the program is content with such rows is unknown (section 13); so they are short: what is known of the record,
and zero values where a column can't do without.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from xerotui.model.kinds import Kind
from xerotui.model.records import Party, Record, TaxRate
from xerotui.source.contract import SourceRefused
from xerotui_nethelpdesk import dialects
from xerotui_nethelpdesk.mapping import Found
from xerotui_nethelpdesk.records import Desk
from xerotui_nethelpdesk.settings import NetHelpDeskSettings, tenants_of
from xerotui_nethelpdesk.shapes import Shape, fitted, nothing, shapes
from xerotui_nethelpdesk.undo import Undo
from xerotui_nethelpdesk.updating import alike, table_of
from xerotui_nethelpdesk.values import key

TERMS = {"DAYSAFTERBILLDATE": 0, "DAYSAFTERBILLMONTH": 1, "OFFOLLOWINGMONTH": 2, "OFCURRENTMONTH": 3}
# The kind of address that the vendor's own export of customers reads (nethelpdesk section 7.1).
INVOICE_ADDRESS = -2
# What must not be cut: half of it would be another's.
_WHOLE = ("name", "account_code", "code", "xero_id", "tenant")
_ADDRESS_LINES = 4


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row to be made, by canonical name; `owner` is the column that points to the row made before it."""

    found: Found
    values: Mapping[str, Any]
    owner: str = ""


class Inserter:
    """Makes the rows of one record and lays them into the tables."""

    def __init__(self, settings: NetHelpDeskSettings, mapping: Mapping[str, Found], desk: Desk) -> None:
        self._tenants, self._mapping, self._desk = tenants_of(settings), mapping, desk

    def rows(self, kind: Kind, record: Record) -> list[Row]:
        """The rows of a new record, the first of which gives its id. Raises SourceRefused for what can't be made."""
        if kind is Kind.CUSTOMER and isinstance(record, Party):
            return self._customer(record)
        if kind is Kind.SUPPLIER and isinstance(record, Party):
            return [self._row("supplier", self._supplier(record))]
        if kind is Kind.TAX_RATE and isinstance(record, TaxRate):
            return [self._row("tax", _tax(record))]
        raise SourceRefused(f"NetHelpDesk takes no {kind.plural} from XeroTUI.")

    def _row(self, name: str, values: Mapping[str, Any], owner: str = "") -> Row:
        found = self._mapping[name]
        if found.absent or found.query:
            why = found.absent or "it is read by a query of the mapping file"
            raise SourceRefused(f"No {found.entity.title} can be created: {why}.")
        return Row(found=found, values={n: v for n, v in values.items() if v not in (None, "")}, owner=owner)

    def _customer(self, party: Party) -> list[Row]:
        rows = [self._row("customer", self._client(party))]
        site = {"name": "Main", "invoice_site": True, "inactive": False, "phone": party.phone}
        rows.append(self._row("site", site, owner="customer"))
        place = party.address
        if place is not None and not self._mapping["address"].absent:
            first, rest = (place.lines[0], place.lines[1:]) if place.lines else ("", ())
            lines = (first, ", ".join(rest), place.city, place.region)
            told = {f"line{n}": line for n, line in zip(range(1, _ADDRESS_LINES + 1), lines, strict=True)}
            more = {"type": INVOICE_ADDRESS, "postcode": place.postcode, "primary": True, "inactive": False}
            rows.append(self._row("address", told | more, owner="site"))
        return rows

    def _client(self, party: Party) -> dict[str, Any]:
        terms = party.terms
        return {
            **self._party(party),
            "top_level": self._top_level(party),
            "first_name": party.first_name,
            "last_name": party.last_name,
            "tax_number": party.tax_number,
            "sales_tax": _id(party.sales_tax),
            "due_type": TERMS.get(terms.rule, 0) if terms else None,
            "due_days": terms.days if terms else None,
        }

    def _supplier(self, party: Party) -> dict[str, Any]:
        place = party.address
        block = (*place.lines, place.city, place.region, place.country, place.postcode) if place else ()
        return {
            **self._party(party),
            "is_supplier": True,
            "contact": f"{party.first_name} {party.last_name}".strip(),
            "phone": party.phone,
            "address": "\r\n".join(line for line in block if line),
            "due_days": party.terms.days if party.terms else None,
        }

    def _party(self, party: Party) -> dict[str, Any]:
        currencies = {one.code.upper(): one.id for one in self._desk.currencies.values() if one.code}
        return {
            "name": party.name,
            "account_code": party.number,
            "inactive": False,
            "email": party.email,
            "website": party.website,
            "purchase_tax": _id(party.purchase_tax),
            "currency": _id(currencies.get(party.currency.upper(), "")),
            "xero_id": party.xero_id,
            "tenant": party.tenant,
        }

    def _top_level(self, party: Party) -> str:
        """The name of the top level of the organisation, where the settings tell one; "" where none is needed.

        Raises SourceRefused where the client would belong to another organisation without one.
        """
        names = [name for name, tenant in self._tenants.items() if tenant == party.tenant.lower() and name != "*"]
        if names:
            return names[0]
        if self._mapping["customer"].has("tenant") or not self._tenants or self._tenants.get("*") == party.tenant:
            return ""
        raise SourceRefused(
            "No client is created: in this database an organisation is known by its top level alone. Name one for it "
            "in the connection's settings, under Organisations."
        )

    def make(self, connection: Connection, rows: Sequence[Row]) -> tuple[str, list[Undo]]:
        """Lay the rows into their tables, each under the next free key; the first one's id, and what to undo.

        One that carries the Xero id already is left as it is, and is the answer. Raises SourceRefused where a table
        doesn't keep what is laid into it.
        """
        dialects.alone(connection)
        if there := _there(connection, rows[0]):
            return there, []
        ids: dict[str, int] = {}
        lines = []
        for row in rows:
            values = dict(row.values)
            if row.owner:
                values[row.owner] = ids[row.owner]
            if "top_level" in values:
                values["top_level"] = self._level(connection, str(values["top_level"]))
            lines.append(_insert(connection, row.found, values))
            ids[row.found.entity.name] = lines[-1].id
        return str(lines[0].id), lines

    def _level(self, connection: Connection, name: str) -> int:
        found = self._mapping["top_level"]
        if found.absent or found.query:
            raise SourceRefused(f"No client is created: there are no top levels to put it under ({found.absent}).")
        table, columns = table_of(found), found.columns
        for id, said in connection.execute(sa.select(table.c[columns["id"]], table.c[columns["name"]])):
            if str(said or "").strip().casefold() == name:
                return int(key(id))
        raise SourceRefused(f"No client is created: NetHelpDesk has no top level {name[:60]}.")


def _tax(rate: TaxRate) -> dict[str, Any]:
    # Tax codes of NetHelpDesk are meant to be Xero's own (nethelpdesk section 3).
    code = rate.linked_code or rate.code
    return {"name": rate.name, "code": code, "rate": rate.rate, "tenant": rate.tenant}


def _id(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdecimal() else None


def _there(connection: Connection, row: Row) -> str:
    """The id of the row that carries this Xero id; "" for none."""
    wanted = str(row.values.get("xero_id", "")).lower()
    if not wanted or not row.found.has("xero_id"):
        return ""
    table, columns = table_of(row.found), row.found.columns
    held = sa.func.lower(sa.func.ltrim(sa.func.rtrim(table.c[columns["xero_id"]])))
    ids = connection.execute(sa.select(table.c[columns["id"]]).where(held == wanted)).scalars().all()
    if len(ids) > 1:
        raise SourceRefused(f"NetHelpDesk has {len(ids)} {row.found.entity.title} with the Xero id {wanted[:40]}.")
    return key(ids[0]) if ids else ""


def _insert(connection: Connection, found: Found, values: Mapping[str, Any]) -> Undo:
    known = shapes(connection, found)
    columns = found.columns
    if known[columns["id"]].filled:
        raise SourceRefused(f"No {found.entity.title} can be created: the database hands out their ids by itself.")
    table = table_of(found)
    highest = sa.select(sa.func.max(table.c[columns["id"]]))
    last = connection.execute(dialects.held(highest, table, summed=True)).scalar()
    id = max(int(key(last) or 0), 0) + 1
    put = {columns[n]: _put(found, n, known[columns[n]], v) for n, v in values.items() if n in columns}
    put[columns["id"]] = fitted(known[columns["id"]], id)
    for column, shape in known.items():
        if shape.needed and not shape.filled and column not in put:
            put[column] = nothing(found, column, shape)
    whole = sa.table(found.table, *[sa.column(name) for name in put], schema=found.schema or None)
    bound = {name: sa.literal(value, known[name].type) for name, value in put.items()}
    connection.execute(sa.insert(whole).values(bound))
    _check(connection, found, id, values)
    return Undo(table=found.table, key=columns["id"], id=id, after=put, made=True)


def _put(found: Found, name: str, shape: Shape, value: Any) -> Any:
    """A value for its column. Raises SourceRefused for one that must be whole and is too long."""
    if isinstance(value, str) and shape.length and len(value) > shape.length:
        if name in _WHOLE:
            raise SourceRefused(
                f"{found.table}.{found.columns[name]} takes {shape.length} characters, {value[:40]}… has {len(value)}."
            )
        return value[: shape.length]
    return fitted(shape, value)


def _check(connection: Connection, found: Found, id: int, values: Mapping[str, Any]) -> None:
    """What a record is known by reads back as it was written, from one row alone."""
    table, columns = table_of(found), found.columns
    names = [name for name in values if name in (*_WHOLE, "rate") and name in columns]
    chosen = [table.c[columns[name]].label(name) for name in (*names, "id")]
    rows = connection.execute(sa.select(*chosen).where(table.c[columns["id"]] == id)).mappings().all()
    if len(rows) != 1:
        raise SourceRefused(f"{found.table} has {len(rows)} rows of the new id {id}; nothing is created.")
    if lost := [columns[name] for name in names if not alike(name, rows[0][name], values[name])]:
        raise SourceRefused(f"{found.table} doesn't keep {', '.join(lost)} as written; nothing is created.")
