"""The check of a connection: what is told in the order in which it can fail (nethelpdesk section 10)."""

from collections.abc import Mapping

from sqlalchemy.engine import Connection

from xerotui.model.kinds import Kind
from xerotui.source.contract import Fact, SourceRefused
from xerotui_nethelpdesk import selects
from xerotui_nethelpdesk.database import Database, TableFault
from xerotui_nethelpdesk.lists import Lists
from xerotui_nethelpdesk.mapping import Found, keeps_links, without
from xerotui_nethelpdesk.schema import OPTIONAL
from xerotui_nethelpdesk.settings import NetHelpDeskSettings, excluded_clients
from xerotui_nethelpdesk.values import Unreadable, flag, guid, key, text

# What NetHelpDesk posts to Xero by its own tick box (nethelpdesk section 3).
POSTED = (Kind.CUSTOMER, Kind.SUPPLIER, Kind.INVOICE, Kind.PURCHASE_ORDER)
# What is off where a column isn't there.
_OFF = {
    "modified": "no stamps, so all are compared each time",
    "inactive": "inactive ones can't be told",
    "account_code": "no accounts codes",
    "top_level": "no top levels",
    "due_type": "no due date rules",
    "due_date": "no due dates of their own",
    "voided": "voided ones can't be told",
    "credits": "credit notes are told by their sign alone",
    "approval": "approvals can't be told",
    "posted": "what was posted can't be told",
    "code": "no item codes",
    "purchase_tax": "no tax for purchases",
    "currency": "currencies by their symbol alone",
    "excluded": "nothing is kept from syncing here",
}
_SYSTEM = (1, 12)
_COUNTED = ("customer", "supplier", "item", "invoice", "order")
_FEATURES = ("site", "address", "top_level", "group", "charge_type", "charge_rate", "currency")


async def facts(settings: NetHelpDeskSettings, database: Database, lists: Lists) -> tuple[Fact, ...]:
    """Everything that a person should know of the connection. Raises as `Database.read` where it doesn't stand."""
    mapping = await lists.mapping()
    told = [Fact("Database", database.url.render_as_string(hide_password=True).partition("?")[0])]
    told += [Fact("NetHelpDesk", version)] if (version := await _version(lists)) else []
    told += [_entity(mapping[name]) for name in ("customer", "supplier", "item")]
    told += [_document(mapping["invoice"], mapping["invoice_line"]), _document(mapping["order"], mapping["order_line"])]
    told.append(await _taxes(lists, mapping))
    off = [f"{mapping[name].entity.title} ({mapping[name].absent})" for name in _FEATURES if mapping[name].absent]
    told += [Fact("Not there, and done without", "; ".join(off))] if off else []
    told += await _counted(database, mapping)
    told += await _suspects(settings, database, mapping["customer"])
    told.append(_access(settings, mapping))
    told += await _own_sync(lists)
    return tuple(told)


def _entity(found: Found) -> Fact:
    title = found.entity.title.capitalize()
    if found.absent:
        return Fact(
            title, found.absent, False, f"Name the table or column in the mapping file, under [{found.entity.name}]."
        )
    off = [words for name, words in _OFF.items() if name in found.missing]
    plain = len(without(found, OPTIONAL)) - sum(name in _OFF for name in found.missing)
    off += [f"{plain} further column{'s' * (plain > 1)} missing"] if plain > 0 else []
    if "xero_id" in found.missing and "xero_id" in found.entity.names:
        off.append("links are kept by XeroTUI alone")
    return Fact(title, "; ".join((f"from {found.where}", *off)))


def _document(found: Found, lines: Found) -> Fact:
    made = _entity(lines) if lines.absent and not found.absent else _entity(found)
    if made.ok and "modified" in found.missing:
        # Without a stamp nobody knows whether a document lay still.
        words = f"{made.value}; no settle time holds one that is still being typed, so look at each plan yourself"
        made = Fact(made.title, words)
    return made


async def _version(lists: Lists) -> str:
    words = []
    for name in ("about", "switches"):
        for raw in (await lists.rows(name))[:1]:
            words += [text(raw.get("version"))] if text(raw.get("version")) else []
            words += [f"NHServer {text(raw.get('server'))}"] if text(raw.get("server")) else []
    return ", ".join(words)


async def _taxes(lists: Lists, mapping: Mapping[str, Found]) -> Fact:
    good, bad = await lists.tax_rows()
    where = mapping["tax"].where if not mapping["tax"].absent else "the ten slots of old installations"
    if not good:
        return Fact("Taxes", "none are found", False, "Enter the taxes in NetHelpDesk, or name their table as [tax].")
    return Fact("Taxes", f"{len(good)} from {where}" + (f", {len(bad)} can't be read" if bad else ""))


async def _counted(database: Database, mapping: Mapping[str, Found]) -> list[Fact]:
    """Rows and newest dates; lines that belong to nothing."""
    told = []
    for name in _COUNTED:
        found = mapping[name]
        if found.absent:
            continue

        def job(connection: Connection, found: Found = found) -> tuple[object, ...]:
            return tuple(connection.execute(selects.summary(found)).one())

        try:
            count, *newest = await database.read(job)
        except TableFault as error:
            remedy = "Grant SELECT on it, or name it in the mapping file; the README has both."
            told.append(Fact(f"Reading {found.entity.title}", error.said, False, remedy))
            continue
        date = f", the newest of {text(newest[0])[:10]}" if newest and text(newest[0]) else ""
        told.append(Fact(f"Number of {found.entity.title}", f"{count}{date}"))
    lines, headers = mapping["invoice_line"], mapping["invoice"]
    if not lines.absent and not headers.absent:
        try:
            lost = await database.read(lambda c: c.execute(selects.orphans(lines, headers)).scalar_one())
        except TableFault:
            lost = 0
        if lost:
            told.append(Fact("Lines without an invoice", f"{lost}; they belong to nothing and are left alone"))
    return told


async def _suspects(settings: NetHelpDeskSettings, database: Database, found: Found) -> list[Fact]:
    """Clients that reports of the vendor's leave out, as rows of the program's own may be (nethelpdesk section 5.1)."""
    ids = [id for id in _SYSTEM if str(id) not in excluded_clients(settings)]
    if found.absent or found.query or not ids:
        return []
    try:
        rows = await database.read(lambda c: selects.fetched(c, selects.among(found, "id", ids, ("id", "name"))))
    except TableFault:
        return []
    named = ", ".join(f"{key(raw['id'])} {text(raw['name'])[:40]}" for raw in rows)
    words = "reports of the vendor's leave these out; look whether they are real clients"
    return [Fact("Clients 1 and 12", f"{named}: {words}")] if named else []


def _access(settings: NetHelpDeskSettings, mapping: Mapping[str, Found]) -> Fact:
    if not settings.writeback:
        return Fact("Writing", "off: nothing but SELECT is ever sent")
    kept = [mapping[name].entity.title for name in _COUNTED if keeps_links(mapping[name])]
    words = f"links into {', '.join(kept)}" if kept else "on, but there are no columns for links"
    return Fact("Writing", words + ("; new customers, suppliers and taxes" if settings.allow_insert else ""))


async def own_sync(lists: Lists) -> dict[str, tuple[Kind, ...]]:
    """What NetHelpDesk posts by itself, by tenant ("" = every one); none where its switches are off, or not there.

    Raises SourceRefused where the switches may not be read.
    """
    mapping = await lists.mapping()
    found: dict[str, tuple[Kind, ...]] = {}
    try:
        for raw in await _rows(lists, mapping["switches"]):
            if flag(raw.get("use_xero")) or flag(raw.get("sync")):
                found[guid(raw.get("default_tenant"))] = POSTED
        for raw in await _rows(lists, mapping["own_sync"]):
            if flag(raw["authorised"]) and flag(raw["enabled"]):
                found[guid(raw.get("tenant"))] = POSTED
    except Unreadable as error:
        raise SourceRefused(f"NetHelpDesk's own Xero switches can't be read: {error}") from None
    return found


async def _rows(lists: Lists, found: Found) -> list[selects.Raw]:
    return [] if found.absent else await lists.strict(found)


async def _own_sync(lists: Lists) -> list[Fact]:
    try:
        on = await own_sync(lists)
    except SourceRefused as error:
        return [
            Fact("Its own Xero sync", error.said, False, "Grant SELECT on CONTROL3, so that two writers are noticed.")
        ]
    if not on:
        return [Fact("Its own Xero sync", "off, or not there")]
    remedy = "Switch it off in NetHelpDesk (Advanced Options, Billing): two writers make duplicates."
    return [Fact("Its own Xero sync", "on: NetHelpDesk may post the same documents itself", False, remedy)]
