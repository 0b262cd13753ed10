"""What a connection to NetHelpDesk needs to know, and the reading of those settings that hold a small language.

Only settings and their parsing live here; what they decide is decided where it is used.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import msgspec

from xerotui.model.settings import Choice, Help, Secret, Section, Title, Where
from xerotui.source.texts import BOTH, TEXTS
from xerotui_nethelpdesk.csv_columns import headers_of

MODES = ("sql", "csv")
ACCOUNT_SOURCES = ("fixed", "line", "item")
# How an invoice's exchange rate is to be read: its direction is documented nowhere.
RATES = ("not sent", "foreign units for one of ours", "our units for one foreign")
CODE_FIELDS = ("auto", *(f"fvalue{n}" for n in range(2, 11)))
DECIMALS = ("auto", "dot", "comma")
_SQL, _CSV = Where("mode", ("sql",)), Where("mode", ("csv",))
_PLACE = re.compile(r"\{(id|number)(?::0(\d)d)?\}")
_CODE = re.compile(r"[A-Za-z]{3}")


class NetHelpDeskSettings(msgspec.Struct, kw_only=True):
    """The settings of one NetHelpDesk connection.

    Raises ValueError naming the field whose value can't be used.
    """

    mode: Annotated[
        str,
        Title("Read from"),
        Help("The database of NetHelpDesk (sql), or files that it exports into a folder (csv)."),
        Choice(MODES),
    ] = "sql"
    url: Annotated[
        str,
        Title("Database URL"),
        Help("As SQLAlchemy writes it, without the password: mssql+pymssql://xerotui@10.0.0.5:1433/NetHelpDesk."),
        Section("Database"),
        _SQL,
    ] = ""
    password: Annotated[str, Title("Database password"), Secret(), _SQL] = ""
    schema: Annotated[
        str, Title("Schema"), Help("Where the tables lie; blank for the login's own, most often dbo."), _SQL
    ] = ""
    db_timezone: Annotated[
        str, Title("Time zone of the database"), Help("As Europe/London; blank asks the server."), _SQL
    ] = ""
    days: Annotated[
        int,
        Title("Days compared"),
        Help("Documents of so many days are compared as a whole once a day; older ones are read when they change."),
        _SQL,
    ] = 90
    mapping_file: Annotated[
        str,
        Title("Mapping file"),
        Help("A TOML file that renames tables and columns, or gives a SELECT instead; blank for the usual names."),
        _SQL,
    ] = ""
    writeback: Annotated[
        bool,
        Title("Write links back"),
        Help("Xero id, number and payment into their own columns; needs UPDATE on them. Off, nothing is ever written."),
        _SQL,
    ] = False
    allow_insert: Annotated[
        bool,
        Title("Create records"),
        Help("Customers, suppliers and taxes from Xero, with INSERT; only together with writing links back."),
        _SQL,
    ] = False
    undo_file: Annotated[
        str,
        Title("Undo file"),
        Help("A file of yours that every old value is added to before it is written over; blank: they are logged."),
        _SQL,
    ] = ""
    sql_preview: Annotated[
        bool,
        Title("Show what is written"),
        Help("The check of the connection shows the statements that would be sent, and the GRANTs that they need."),
        _SQL,
    ] = False
    invoice_number: Annotated[
        str,
        Title("Invoice numbers"),
        Help("{id} is the invoice's id, {id:03d} the same with zeros before it, {number} the number shown on it."),
        Section("What is posted"),
    ] = "NHD-{id:03d}"
    order_number: Annotated[str, Title("Purchase order numbers"), Help("The same for purchase orders.")] = (
        "NHDPO-{id:03d}"
    )
    sales_account: Annotated[str, Title("Sales account"), Help("The account of invoice lines.")] = "200"
    purchase_account: Annotated[str, Title("Purchase account"), Help("The account of purchase order lines.")] = "300"
    account_source: Annotated[
        str,
        Title("Accounts come from"),
        Help("fixed: the two above; line: the code on the line, else those; item: that of the item or its group."),
        Choice(ACCOUNT_SOURCES),
    ] = "fixed"
    line_text: Annotated[str, Title("Line description"), Help("Which text of a line Xero shows."), Choice(TEXTS)] = BOTH
    charge_code_field: Annotated[
        str,
        Title("Charge type code"),
        Help("The field of a charge type that holds its accounts code; auto finds it by the codes of the items."),
        Choice(CODE_FIELDS),
        _SQL,
    ] = "auto"
    currency: Annotated[
        str, Title("Currency"), Help("Of documents that name none, as GBP; blank where each names its own.")
    ] = ""
    symbols: Annotated[
        str,
        Title("Currency symbols"),
        Help("What a symbol means where the help desk has no ISO codes: $ = AUD; £ = GBP. None is guessed."),
    ] = ""
    exchange_rates: Annotated[
        str,
        Title("Exchange rates"),
        Help("What NetHelpDesk's rate on an invoice means. Not sent: Xero's rate of the day applies."),
        Choice(RATES),
    ] = "not sent"
    organisations: Annotated[
        str,
        Title("Organisations"),
        Help("Top levels of clients and their Xero tenant ids: London = 5b1c…; Sydney = 77aa…. Blank: the default's."),
    ] = ""
    exclude_client_ids: Annotated[
        str, Title("Clients left out"), Help("Ids parted by commas: NetHelpDesk's own system rows, for one.")
    ] = ""
    include_posted: Annotated[
        bool,
        Title("Take what is marked as posted"),
        Help("Off: what NetHelpDesk says was posted, but not to Xero by XeroTUI, is left alone."),
    ] = False
    po_min_approval: Annotated[
        int,
        Title("Approval of orders"),
        Help("2 takes approved orders, 3 those whose approval is under way too, 0 all. Rejected ones are never taken."),
    ] = 2
    csv_inbox: Annotated[
        str, Title("Folder read"), Help("Where NetHelpDesk's files are dropped."), Section("Files"), _CSV
    ] = ""
    csv_outbox: Annotated[
        str,
        Title("Folder written"),
        Help("Where results, and new customers and suppliers for NetHelpDesk's own importer, are laid."),
    ] = ""
    csv_settle_seconds: Annotated[
        int, Title("Seconds to settle"), Help("A file is taken when it was still for so long."), _CSV
    ] = 10
    csv_date_format: Annotated[str, Title("Dates in files"), Help("As %d/%m/%Y; blank for 2026-11-21."), _CSV] = ""
    csv_headers: Annotated[
        str,
        Title("Headers in files"),
        Help("Where a file's headers are other words: Client No = customer_id; Nr = invoices.invoice_id."),
        _CSV,
    ] = ""
    csv_decimal: Annotated[str, Title("Decimal sign in files"), Choice(DECIMALS), _CSV] = "auto"

    def __post_init__(self) -> None:
        """Refuse what can't be used, by the name that the form shows."""
        self.url = _url(self.url.strip())
        _number("Invoice numbers", self.invoice_number)
        _number("Purchase order numbers", self.order_number)
        for title, code in (("Sales account", self.sales_account), ("Purchase account", self.purchase_account)):
            if len(code) > 10:
                raise ValueError(f"{title}: an account code of Xero has 10 characters at most")
        if not 1 <= self.days <= 3660:
            raise ValueError("Days compared: 1 to 3660")
        if self.po_min_approval not in (0, 2, 3):
            raise ValueError("Approval of orders: 0, 2 or 3")
        if not 0 <= self.csv_settle_seconds <= 86_400:
            raise ValueError("Seconds to settle: 0 to 86400")
        if self.allow_insert and not self.writeback:
            raise ValueError("Create records: only together with writing links back")
        if self.currency and not _CODE.fullmatch(self.currency.strip()):
            raise ValueError("Currency: an ISO code of three letters, as GBP")
        if self.csv_date_format and "%" not in self.csv_date_format:
            raise ValueError("Dates in files: a format such as %d/%m/%Y")
        try:
            headers_of(self.csv_headers)
        except ValueError as error:
            raise ValueError(f"Headers in files: {error}") from None
        if self.db_timezone:
            _zone(self.db_timezone)
        symbols_of(self), tenants_of(self), excluded_clients(self)


def _url(url: str) -> str:
    if not url:
        return url
    if "://" not in url or url.startswith(":"):
        raise ValueError("Database URL: it begins with the kind of database, as mssql+pymssql://")
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    # Read by the library that connects with it: what it takes for a password may hold any sign.
    try:
        password = make_url(url).password
    except (ArgumentError, ValueError):
        raise ValueError("Database URL: it isn't one") from None
    # An ODBC string inside the URL may hold one as well, quoted more than once.
    plain = url
    while (once := unquote(plain)) != plain:
        plain = once
    if password is not None or re.search(r"(pwd|password)\s*=", plain, re.IGNORECASE):
        raise ValueError("Database URL: the password has a field of its own, where it is kept in the vault")
    return url


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name.strip())
    except (ValueError, OSError, LookupError):
        raise ValueError("Time zone of the database: a name such as Europe/London") from None


def zone_of(settings: NetHelpDeskSettings) -> ZoneInfo | None:
    """The time zone that was set; None where the server has to be asked."""
    return _zone(settings.db_timezone) if settings.db_timezone else None


def _number(title: str, template: str) -> None:
    bare, places = _PLACE.subn("", template)
    if not places or "{" in bare or "}" in bare:
        raise ValueError(f"{title}: a template with {{id}}, {{id:03d}} or {{number}}")


def rendered(template: str, id: str, number: str) -> str:
    """The number by a template; "" where it needs the shown number and there is none.

    Padding grows from 1000 up, as far as one knows (the vendor shows one example only).
    """

    def value(match: re.Match[str]) -> str:
        text = id if match[1] == "id" else number.strip()
        return text.zfill(int(match[2])) if match[2] and text.isdigit() else text

    if "{number" in template and not number.strip():
        return ""
    return _PLACE.sub(value, template).strip()


def _entries(title: str, text: str, ask: Callable[[str, str], str]) -> dict[str, str]:
    """`a = b; c = d` as a mapping; `ask(key, value)` says what is wrong with one, "" for nothing."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        if not part.strip():
            continue
        key, sign, value = (one.strip() for one in part.rpartition("="))
        wrong = ask(key, value) if sign and key and value else "entries such as name = value, parted by semicolons"
        if wrong:
            raise ValueError(f"{title}: {wrong}")
        found[key] = value
    return found


def symbols_of(settings: NetHelpDeskSettings) -> Mapping[str, str]:
    """ISO codes by currency symbol, as set."""
    wrong = "an ISO code of three letters after each symbol"
    found = _entries("Currency symbols", settings.symbols, lambda _, v: "" if _CODE.fullmatch(v) else wrong)
    return {key: value.upper() for key, value in found.items()}


def tenants_of(settings: NetHelpDeskSettings) -> Mapping[str, str]:
    """Xero tenant ids by the name of a top level, folded."""
    guid = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
    wrong = "a Xero tenant id after each name; `xerotui tenants` shows them"
    found = _entries("Organisations", settings.organisations, lambda _, v: "" if guid.fullmatch(v) else wrong)
    return {key.casefold(): value.lower() for key, value in found.items()}


def excluded_clients(settings: NetHelpDeskSettings) -> frozenset[str]:
    """The ids of the clients that are left out."""
    ids = [one for one in re.split(r"[\s,;]+", settings.exclude_client_ids) if one]
    if not all(one.isdigit() for one in ids):
        raise ValueError("Clients left out: ids parted by commas")
    return frozenset(str(int(one)) for one in ids)
