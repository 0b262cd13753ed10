"""What would be written, for a person to read before any of it is: the statements themselves, and their GRANTs.

Nothing is sent: the statements are made by what would send them, and put into the words of the database.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.engine import URL, Dialect

from xerotui.model.kinds import Kind
from xerotui.model.settling import PAID, Settlement
from xerotui.source.contract import Attachment, Fact
from xerotui_nethelpdesk.mapping import Found
from xerotui_nethelpdesk.settings import NetHelpDeskSettings
from xerotui_nethelpdesk.updating import Wish, statement, table_of
from xerotui_nethelpdesk.writing import ENTITY, linking, settling

_LINKED = (Kind.CUSTOMER, Kind.SUPPLIER, Kind.INVOICE, Kind.PURCHASE_ORDER)
_CREATED = ("customer", "site", "address", "supplier", "tax")
# Their other columns hold tokens.
_BESIDE_SECRETS = ("switches", "own_sync")
_SAMPLE = "00000000-0000-4000-8000-000000000001"
_TENANT = "00000000-0000-4000-8000-000000000002"
_NOW = dt.datetime(2026, 1, 31, 9, 30)  # noqa: DTZ001


def facts(settings: NetHelpDeskSettings, url: URL, mapping: Mapping[str, Found]) -> tuple[Fact, ...]:
    """Statements and grants as the lines of a check; none unless the settings ask for them."""
    if not settings.sql_preview:
        return ()
    dialect = url.get_dialect()()
    told = [Fact("Its GRANT script", " ".join(grants(settings, dialect, mapping, url.username or "")))]
    if not settings.writeback:
        return (*told, Fact("Statements", "only SELECT: writing links back is off"))
    for kind in _LINKED:
        found = mapping[ENTITY[kind]]
        one = Attachment(kind=kind, record="1", xero_id=_SAMPLE, tenant=_TENANT, number="NO-1", status="AUTHORISED")
        told.append(_said(f"Link of {kind.plural}", linking(found, one, _NOW), dialect))
    paid = Settlement(
        xero_id=_SAMPLE, number="NO-1", status=PAID, total=Decimal(12), paid=Decimal(12), paid_on=_NOW.date()
    )
    told.append(_said("Payment of an invoice", settling(mapping["invoice"], "1", paid)[0], dialect))
    if settings.allow_insert:
        told += [Fact(f"New {f.entity.title}", _insert(f, dialect)) for n in _CREATED if not (f := mapping[n]).absent]
    return tuple(told)


def _said(title: str, wish: Wish | None, dialect: Dialect) -> Fact:
    if wish is None:
        return Fact(title, "none: there is no column for it, XeroTUI alone knows the links")
    return Fact(title, _text(statement(wish, {**wish.values, **wish.fills, **wish.stamps}, {}), dialect))


def _insert(found: Found, dialect: Dialect) -> str:
    made = sa.insert(table_of(found)).values({column: sa.bindparam(name) for name, column in found.columns.items()})
    return f"{_text(made, dialect)}; columns without a value are left out, but for those that need one"


def _text(made: sa.ClauseElement, dialect: Dialect) -> str:
    try:
        words = made.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    except (sa.exc.CompileError, NotImplementedError):
        words = made.compile(dialect=dialect)
    return " ".join(str(words).split())


def grants(
    settings: NetHelpDeskSettings, dialect: Dialect, mapping: Mapping[str, Found], login: str
) -> tuple[str, ...]:
    """The GRANT statements that this connection needs, for the tables and columns that were found."""
    quote = dialect.identifier_preparer.quote
    to = quote(login or "xerotui")
    said = []
    for found in mapping.values():
        if found.absent or found.query:
            continue
        schema = found.schema or settings.schema
        table = f"{quote(schema)}.{quote(found.table)}" if schema else quote(found.table)
        read = ", ".join(quote(column) for column in found.columns.values())
        only = f" ({read})" if found.entity.name in _BESIDE_SECRETS else ""
        said.append(f"GRANT SELECT{only} ON {table} TO {to};")
        columns = [quote(found.columns[c.name]) for c in found.entity.columns if c.written and found.has(c.name)]
        if settings.writeback and columns:
            said.append(f"GRANT UPDATE ({', '.join(columns)}) ON {table} TO {to};")
        if settings.allow_insert and found.entity.name in _CREATED:
            said.append(f"GRANT INSERT ON {table} TO {to};")
    return tuple(dict.fromkeys(said))
