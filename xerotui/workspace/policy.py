"""The settings of a pair as one flat struct, for forms and options; there and back between it and the book's `Pair`.

Every field of a pair is here, and what may be written into it is checked here. What it does is the engine's.
"""

import datetime as dt
import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.problems import SyncError
from xerotui.model.settings import Choice, Help, Section, Title, as_text, fields, fill
from xerotui.source.abilities import Abilities, Capability
from xerotui.store.documents import AUTOMATIC, MANUAL, Pair

# xero-api section 9.8: the statuses in which a document may be made.
STATUSES = ("DRAFT", "SUBMITTED", "AUTHORISED")
SIDES = ("source", "xero")
_DAY = "As 2026-01-31; blank: all of them. Older ones are listed as before the start, never created."
_NUMBER = "source: as there. xero: it gives one, a call each. Else a template with {number} or {id}: INV-{number}."
_TEMPLATE = "As {name3}{n:04}: letters of the name, next free number; source: its own series. Blank: none is made."
_OWNER = "The side that this field belongs to. A change on the other side is shown as drift, never overwritten."

Kept = Annotated[str, Choice(SIDES)]
Status = Annotated[str, Choice(STATUSES)]


class PairSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is synced between a source and an organisation, and how; one field a setting, in the order of the form."""

    mode: Annotated[
        str,
        Section("How it runs"),
        Title("Mode"),
        Help("automatic: the worker plans and approves by itself, within the ceilings below. After a first plan."),
        Choice((MANUAL, AUTOMATIC)),
    ] = MANUAL
    default_tenant: Annotated[
        bool,
        Title("Default organisation"),
        Help("Records of the source that name no organisation belong to this one. One organisation of a source alone."),
    ] = False
    announce: Annotated[bool, Title("Announce"), Help("Says each record that was synced, beside the run's end.")] = (
        False
    )

    sync_customers: Annotated[
        bool, Section("What is synced"), Title("Customers"), Help("Off: listed as switched off, never written.")
    ] = True
    sync_suppliers: Annotated[bool, Title("Suppliers"), Help("Off: listed as switched off, never written.")] = True
    sync_items: Annotated[bool, Title("Items"), Help("Off: listed as switched off, never written.")] = True
    sync_invoices: Annotated[bool, Title("Invoices"), Help("Off: listed as switched off, never written.")] = True
    sync_credit_notes: Annotated[bool, Title("Credit notes"), Help("Off: listed as switched off, never written.")] = (
        True
    )
    sync_purchase_orders: Annotated[
        bool, Title("Purchase orders"), Help("Off: listed as switched off, never written.")
    ] = True

    start_invoices: Annotated[
        dt.date | None, Section("From when, and when finished"), Title("Invoices from"), Help(_DAY)
    ] = None
    start_credit_notes: Annotated[dt.date | None, Title("Credit notes from"), Help(_DAY)] = None
    start_purchase_orders: Annotated[dt.date | None, Title("Purchase orders from"), Help(_DAY)] = None
    closed_through: Annotated[
        dt.date | None,
        Title("Closed through"),
        Help("Nothing dated on or before this day is written, though Xero would still take it. As 2026-01-31."),
    ] = None
    settle_minutes: Annotated[
        int,
        Title("Settle time, minutes"),
        Help("A document is left alone until it has been unchanged for so long. 0: taken at once."),
    ] = 10
    zero_totals: Annotated[
        str,
        Title("Totals of zero"),
        Help("skip: listed, not sent (Xero calls such an invoice paid at once). send: as any other."),
        Choice(("skip", "send")),
    ] = "skip"

    status_invoices: Annotated[
        Status,
        Section("What documents become"),
        Title("Invoices are made"),
        Help("Where the document itself names no status. AUTHORISED posts it, and sends no mail."),
    ] = "DRAFT"
    status_credit_notes: Annotated[
        Status, Title("Credit notes are made"), Help("As with invoices. Only AUTHORISED ones can be allocated.")
    ] = "DRAFT"
    status_purchase_orders: Annotated[
        Status, Title("Orders are made"), Help("Where the order itself names no status. Sends no mail.")
    ] = "DRAFT"
    numbers_invoices: Annotated[str, Title("Invoice numbers"), Help(_NUMBER)] = "source"
    numbers_credit_notes: Annotated[str, Title("Credit note numbers"), Help(_NUMBER)] = "source"
    numbers_purchase_orders: Annotated[str, Title("Order numbers"), Help(_NUMBER)] = "source"
    number_overrides: Annotated[
        bool,
        Title("Number by document"),
        Help("On: a single document's number can be chosen on its story, or with xerotui set."),
    ] = False
    rate: Annotated[Kept, Title("Exchange rate"), Help("Whose rate is used: the source's, or Xero's of the day.")] = (
        "source"
    )
    default_item_sales: Annotated[
        str, Title("Default item, sales"), Help("Item code for lines without one; every use is counted. Blank: none.")
    ] = ""
    default_item_purchase: Annotated[
        str, Title("Default item, bought"), Help("Item code for lines without one; every use is counted. Blank: none.")
    ] = ""
    default_account_sales: Annotated[
        str, Title("Account, sales"), Help("Account code for lines that nothing else gives one. Blank: none.")
    ] = ""
    default_account_purchase: Annotated[
        str, Title("Account, bought"), Help("Account code for lines that nothing else gives one. Blank: none.")
    ] = ""
    tracking: Annotated[
        bool,
        Title("Tracking"),
        Help("Off: tracking of the source's lines isn't sent, nor missed. What is chosen for a single line is."),
    ] = True
    allocate_credit: Annotated[
        bool,
        Title("Allocate credit"),
        Help("Lay a credit note on its invoice, up to what is due, once both are final."),
    ] = True
    history_notes: Annotated[
        bool,
        Title("History notes"),
        Help("Write the source's id into the document's history in Xero: a call for each."),
    ] = False

    supplier_codes: Annotated[
        bool,
        Section("Contacts and items"),
        Title("Supplier codes"),
        Help("On: a supplier needs an account number, as a customer does, and one may be made. Off: neither."),
    ] = False
    supplier_addresses: Annotated[
        bool, Title("Supplier addresses"), Help("On: the address of a supplier is sent. Off: Xero's stays.")
    ] = False
    archive_inactive: Annotated[
        bool,
        Title("Archive inactive"),
        Help("Archive the contact of an inactive customer or supplier. Xero's API can't restore it."),
    ] = False
    generate_customers: Annotated[str, Title("Customer numbers"), Help(_TEMPLATE)] = ""
    generate_suppliers: Annotated[str, Title("Supplier numbers"), Help(_TEMPLATE)] = ""
    generate_items: Annotated[str, Title("Item codes"), Help(_TEMPLATE)] = ""
    generate_unasked: Annotated[
        bool,
        Title("Make them unasked"),
        Help("Missing numbers and codes are made with each plan, not only when asked."),
    ] = False

    removals: Annotated[
        str,
        Section("Removals, and ceilings of automatic mode"),
        Title("Removals"),
        Help("Of what is gone at the source. ask: always a person. automatic: within the ceiling of voids."),
        Choice(("ask", "automatic")),
    ] = "ask"
    ceiling_voids: Annotated[
        int, Title("Most removals a plan"), Help("What an automatic plan may remove unasked. 0: nothing.")
    ] = 0
    ceiling_documents: Annotated[
        int | None, Title("Most documents a plan"), Help("More wait for a person. Blank: no ceiling.")
    ] = None
    ceiling_updates_percent: Annotated[
        int | None,
        Title("Most updates, percent"),
        Help("Of all linked records; more at once look like a mistake and wait. Blank: no ceiling."),
    ] = None
    ceiling_total: Annotated[
        Decimal | None,
        Title("Largest sum a plan"),
        Help("In the organisation's base currency; more waits for a person. Blank: no ceiling."),
    ] = None

    back_payments: Annotated[
        bool,
        Section("Back from Xero into the source"),
        Title("Payments"),
        Help("Payments of invoices in Xero are planned for the source, with amount and date; credit is no money."),
    ] = False
    back_voids: Annotated[
        bool,
        Title("Voids"),
        Help("An invoice voided in Xero is planned to be voided at the source; always waits for a person."),
    ] = False
    back_contacts: Annotated[
        bool,
        Title("Contacts"),
        Help("Fields that Xero owns are planned for the source; new contacts are proposed on Imports."),
    ] = False
    back_invoices: Annotated[
        bool, Title("Invoices"), Help("Invoices born in Xero are made at the source, where it declares that it can.")
    ] = False

    own_contact_name: Annotated[Kept, Section("Who owns which field"), Title("Name"), Help(_OWNER)] = "source"
    own_contact_email: Annotated[Kept, Title("E-mail"), Help(_OWNER)] = "source"
    own_contact_phone: Annotated[Kept, Title("Phone"), Help(_OWNER)] = "source"
    own_contact_address: Annotated[Kept, Title("Address"), Help(_OWNER)] = "source"
    own_contact_tax_number: Annotated[Kept, Title("Tax number"), Help(_OWNER)] = "source"
    own_contact_terms: Annotated[Kept, Title("Payment terms"), Help(_OWNER)] = "source"
    own_contact_tax: Annotated[Kept, Title("Default tax"), Help(_OWNER)] = "source"
    own_item_name: Annotated[Kept, Title("Item: name"), Help(_OWNER)] = "source"
    own_item_price: Annotated[Kept, Title("Item: prices"), Help(_OWNER)] = "source"
    own_item_account: Annotated[Kept, Title("Item: accounts"), Help(_OWNER)] = "source"
    own_item_tax: Annotated[Kept, Title("Item: taxes"), Help(_OWNER)] = "source"


_DOCUMENTS = {"invoices": Kind.INVOICE, "credit_notes": Kind.CREDIT_NOTE, "purchase_orders": Kind.PURCHASE_ORDER}
_PARTIES = {"customers": Kind.CUSTOMER, "suppliers": Kind.SUPPLIER, "items": Kind.ITEM}
# Settings that are one entry of a dictionary of the pair: its field there, and the key.
_ENTRY: dict[str, tuple[str, str]] = {
    **{f"sync_{word}": ("entities", kind.value) for word, kind in {**_PARTIES, **_DOCUMENTS}.items()},
    **{f"start_{word}": ("start", kind.value) for word, kind in _DOCUMENTS.items()},
    **{f"status_{word}": ("statuses", kind.value) for word, kind in _DOCUMENTS.items()},
    **{f"numbers_{word}": ("numbers", kind.value) for word, kind in _DOCUMENTS.items()},
    **{f"generate_{word}": ("generate", kind.value) for word, kind in _PARTIES.items()},
    **{f"default_item_{trade}": ("default_item", trade) for trade in ("sales", "purchase")},
    **{f"default_account_{trade}": ("default_account", trade) for trade in ("sales", "purchase")},
    **{f"back_{what}": ("back", what) for what in ("payments", "voids", "contacts", "invoices")},
    **{
        name: ("owners", name.removeprefix("own_").replace("_", ".", 1))
        for name in PairSettings.__struct_fields__
        if name.startswith("own_")
    },
}
_CEILING = "ceiling_"
# What a setting of writing back needs of the source.
_NEEDS = {
    "back_payments": Capability.SETTLE,
    "back_voids": Capability.VOID,
    "back_contacts": Capability.AMEND,
    **{f"generate_{word}": Capability.AMEND for word in (*_PARTIES, "unasked")},
}
_DEFAULTS = PairSettings()


class Change(msgspec.Struct, frozen=True):
    """One setting's old and new value, as a person reads them."""

    field: str
    title: str
    before: str
    after: str


def senseless(kinds: Collection[Kind], can: Abilities) -> tuple[str, ...]:
    """The settings that change nothing for a source: of kinds that it hasn't, and of what it can't take."""
    absent = {word: kind for word, kind in {**_PARTIES, **_DOCUMENTS}.items() if kind not in kinds}
    of_kinds = {f"{what}_{word}" for word in absent for what in ("sync", "start", "status", "numbers", "generate")}
    credit = {"allocate_credit"} if Kind.CREDIT_NOTE not in kinds else set()
    beyond = {name for name, needed in _NEEDS.items() if not can.has(needed)}
    return tuple(name for name in PairSettings.__struct_fields__ if name in of_kinds | credit | beyond)


def settings_of(pair: Pair) -> PairSettings:
    """The settings of a pair."""
    values: dict[str, Any] = {}
    for name in PairSettings.__struct_fields__:
        if name in _ENTRY:
            group, key = _ENTRY[name]
            values[name] = getattr(pair, group).get(key, getattr(_DEFAULTS, name))
        elif name.startswith(_CEILING):
            values[name] = getattr(pair.ceilings, name.removeprefix(_CEILING))
        else:
            values[name] = getattr(pair, name)
    return PairSettings(**values)


def pair_with(pair: Pair, settings: PairSettings) -> Pair:
    """The pair with these settings; what is as usual is left out of its dictionaries, unknown keys stay."""
    plain: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    ceilings: dict[str, Any] = {}
    for name in PairSettings.__struct_fields__:
        value = getattr(settings, name)
        if name in _ENTRY:
            group, key = _ENTRY[name]
            entries = groups.setdefault(group, dict(getattr(pair, group)))
            entries[key] = value
            if value == getattr(_DEFAULTS, name):
                del entries[key]
        elif name.startswith(_CEILING):
            ceilings[name.removeprefix(_CEILING)] = value
        else:
            plain[name] = value
    return msgspec.structs.replace(pair, **plain, **groups, ceilings=msgspec.structs.replace(pair.ceilings, **ceilings))


def texts_of(settings: PairSettings) -> dict[str, str]:
    """The settings as a form shows them."""
    return {name: as_text(getattr(settings, name)) for name in PairSettings.__struct_fields__}


def changed(settings: PairSettings, values: Mapping[str, str]) -> PairSettings:
    """The settings with some of them as a person wrote them.

    Raises SyncError that names the first field that is wrong.
    """
    wanted = {**texts_of(settings), **{name: value.strip() for name, value in values.items()}}
    try:
        made = fill(PairSettings, wanted)
    except msgspec.ValidationError as error:
        raise SyncError(_wrong(str(error)), "Correct the setting.", code="core.settings", exit_code=1) from None
    assert isinstance(made, PairSettings)
    for name, fault in faults(made).items():
        raise SyncError(f"{_TITLES[name]}: {fault}", "Correct the setting.", code="core.settings", exit_code=1)
    return made


def changes(before: PairSettings, after: PairSettings) -> tuple[Change, ...]:
    """What differs, in the order of the form."""
    return tuple(
        Change(name, _TITLES[name], as_text(old) or "none", as_text(new) or "none")
        for name in PairSettings.__struct_fields__
        if (old := getattr(before, name)) != (new := getattr(after, name))
    )


def faults(settings: PairSettings) -> dict[str, str]:
    """What can't be meant, by field."""
    found = {}
    for name in PairSettings.__struct_fields__:
        value = getattr(settings, name)
        if name.startswith("numbers_"):
            said = "" if value in SIDES else _unnumbering(value)
        elif name.startswith("generate_") and isinstance(value, str):
            said = "" if value in ("", SIDES[0]) else _ungenerating(value)
        elif isinstance(value, int | Decimal) and not isinstance(value, bool):
            said = _out_of_bounds(value, _MOST[name])
        else:
            said = ""
        if said:
            found[name] = said
    return found


_TITLES = {
    field.name: (f"Owner of {field.title.casefold()}" if field.name.startswith("own_") else field.title)
    for field in fields(PairSettings)
}
# The most that a number may be: a year of minutes, and what no ceiling needs to be above.
_MOST = {
    "settle_minutes": 525_600,
    "ceiling_voids": 10**9,
    "ceiling_documents": 10**9,
    "ceiling_updates_percent": 100,
    "ceiling_total": 10**15,
}
_PLACES = 4
_LONGEST = 255


def _out_of_bounds(value: int | Decimal, most: int) -> str:
    if isinstance(value, Decimal) and not value.is_finite():
        return "a number"
    if value < 0:
        return "not below zero"
    if value > most:
        return f"at most {most}"
    # An exponent far below zero would be written out as that many zeros.
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
    return f"at most {_PLACES} decimals" if isinstance(exponent, int) and exponent < -_PLACES else ""


def _unnumbering(template: str) -> str:
    # Here, as the options of the command line are drawn without the engine.
    from xerotui.sync.numbering import fault

    return _unprintable(template) or fault(template)


def _ungenerating(template: str) -> str:
    from xerotui.sync.generating import fault

    return _unprintable(template) or fault(template)


def _unprintable(template: str) -> str:
    if not template.isprintable():
        return "no control characters"
    return f"at most {_LONGEST} characters" if len(template) > _LONGEST else ""


def _wrong(words: str) -> str:
    """A complaint of the decoder with the setting's title, and what a date looks like."""
    match = re.search(r"at `(\w+)`", words) or re.search(r"`\$?\.?(\w+)`$", words)
    title = _TITLES.get(match[1], "") if match else ""
    if not title:
        return words
    if match and match[1] in (*(f"start_{word}" for word in _DOCUMENTS), "closed_through"):
        return f"{title}: a date such as 2026-01-31"
    return f"{title}: {words.split(' - at')[0]}"
