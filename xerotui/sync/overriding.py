"""What a person chose for one document: the highest rung of the ladder (M14), and how it enters a posting.

A template's choices are inherited by the documents made from it, unless one has its own.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from xerotui.model.kinds import Kind, Trade
from xerotui.model.problems import Place
from xerotui.model.records import Account, Document, Line, TaxRate
from xerotui.store import Chosen, Override
from xerotui.store.overrides import TEMPLATE
from xerotui.sync.findings import Findings
from xerotui.sync.pair import PairData, code_key

STATUS, THEME, NUMBER, DATE = "status", "theme", "number", "date"
ACCOUNT, TAX, ITEM, TRACKING = "account", "tax", "item", "tracking"
OF_DOCUMENTS = (STATUS, THEME, NUMBER, DATE)
# What the documents of a template inherit (H29).
OF_TEMPLATES = (STATUS, THEME)
OF_LINES = (ACCOUNT, TAX, ITEM, TRACKING)
# The theme that means: the contact's own in Xero.
NO_THEME = "-"
SPEC_THEME = "theme"


By = Mapping[tuple[Kind, str], tuple[Override, ...]]


def chosen_of(overrides: By, document: Document) -> Chosen:
    """What people chose for a document, among all that they chose."""
    template = overrides.get((document.kind, TEMPLATE + document.template), ()) if document.template else ()
    own = overrides.get((document.kind, document.id), ())
    return Chosen(own, tuple(o for o in template if o.field in OF_TEMPLATES))


def chosen(data: PairData, document: Document) -> Chosen:
    """What people chose for a document."""
    return chosen_of(data.overrides, document)


def rung(override: Override) -> str:
    """How the plan names it."""
    whose = "override on its template" if override.record.startswith(TEMPLATE) else "override"
    return f"{whose} by {override.actor}" if override.actor else whose


def line_key(document: Document, line: Line) -> str:
    """By what a line is known from one reading to the next: its id, else its place."""
    return line.id or f"#{next(n for n, one in enumerate(document.lines, 1) if one is line)}"


def stale(document: Document, found: Findings) -> None:
    """Record a problem for choices whose line is gone: nobody knows for which one they would be meant now."""
    lost = found.chosen.lines() - {line_key(document, line) for line in document.lines}
    if lost:
        found.problem(
            "core.override_stale",
            f"{document.kind}:{document.id}",
            f"Something is chosen for lines that {document.kind.label} {document.number} hasn't any more.",
            place=place_of(found),
        )


def status(found: Findings) -> str:
    """The chosen status, blank for none."""
    override = found.chosen.of(STATUS)
    if override is None:
        return ""
    found.value("status", rung(override))
    return override.value


def theme(data: PairData, document: Document, found: Findings) -> str:
    """The branding theme: as chosen, as mapped, the source's own; blank leaves it to the contact's default in Xero."""
    if document.plain:
        # H29: whatever else is set.
        found.value("theme", "the contact's own, as always with labour")
        return ""
    known = {t.id for t in data.themes}
    override = found.chosen.of(THEME)
    if override is not None:
        found.value("theme", rung(override))
        if override.value == NO_THEME or override.value in known:
            return "" if override.value == NO_THEME else override.value
        found.problem(
            "core.override_refused",
            f"{document.kind}:{document.id}:{THEME}",
            f"The theme chosen for {document.kind.label} {document.number} isn't in {data.organisation.name} any more.",
            place=place_of(found),
        )
        return ""
    mapping = data.mapping(SPEC_THEME, document.theme, Trade.SALES) if document.theme else None
    if mapping is not None and mapping.target in known:
        found.value("theme", f"mapping of theme {document.theme}", mapping)
        return mapping.target
    named = code_key(document.theme)
    mine = next((t.id for t in data.themes if named and named in (code_key(t.id), code_key(t.name))), "")
    if mine:
        found.value("theme", "source")
    return mine


def date(document: Document, found: Findings) -> dt.date | None:
    """The day it is dated: as chosen, else the source's."""
    override = found.chosen.of(DATE)
    if override is None:
        return document.date
    found.value("date", rung(override))
    return dt.date.fromisoformat(override.value)


def reference(document: Document, found: Findings) -> str:
    """The reference, with the source's own date where another one was chosen (M6)."""
    if found.chosen.of(DATE) is None or document.date is None:
        return document.reference
    return f"{document.reference} (dated {document.date.isoformat()})".strip()


def account(data: PairData, line: str, found: Findings, path: str) -> Account | None:
    """The account chosen for a line; gone ones are a problem."""
    override = found.chosen.of(ACCOUNT, line)
    if override is None:
        return None
    found.value(path, rung(override))
    held = data.accounts.get(code_key(override.value))
    if held is None or held.status != "ACTIVE":
        _gone(data, found, ACCOUNT, override)
    return held


def rate(data: PairData, line: str, found: Findings, path: str) -> TaxRate | None:
    """The tax rate chosen for a line; gone ones are a problem."""
    override = found.chosen.of(TAX, line)
    if override is None:
        return None
    found.value(path, rung(override))
    held = data.tax_rates.get(override.value)
    if held is None:
        _gone(data, found, TAX, override)
        return TaxRate(id=override.value, kind=Kind.TAX_RATE, code=override.value, rate=Decimal(0))
    return held


def item(line: str, found: Findings, path: str) -> str:
    """The item code chosen for a line, blank for none."""
    override = found.chosen.of(ITEM, line)
    if override is None:
        return ""
    found.value(path, rung(override))
    return override.value


Tracked = dict[str, tuple[str, str, str, str]]


def tracking(data: PairData, line: str, found: Findings, path: str) -> Tracked:
    """The options chosen for a line by category; one with a blank option says: none of that category."""
    out: Tracked = {}
    for category in data.tracking:
        override = found.chosen.of(f"{TRACKING}:{category.id}", line)
        if override is None:
            continue
        found.value(path, rung(override))
        option = next((o for o in category.options if o[0] == override.value and o[2] == "ACTIVE"), None)
        if option is None and override.value:
            _gone(data, found, TRACKING, override)
            continue
        out[category.id] = (category.id, option[0], category.name, option[1]) if option else (category.id, "", "", "")
    return out


def _gone(data: PairData, found: Findings, what: str, override: Override) -> None:
    found.problem(
        "core.override_refused",
        f"{found.ref.kind}:{found.ref.id}:{override.line}:{what}",
        f"The {what} {override.title or override.value}, chosen for a line of {found.ref.title}, isn't active in "
        f"{data.organisation.name}.",
        place=place_of(found),
    )


def place_of(found: Findings) -> Place:
    """Where it is chosen anew: the record's story."""
    ref = found.ref
    return Place(
        "go.errors", {"connection": ref.connection, "kind": ref.kind.value, "record": ref.id, "tenant": ref.tenant}
    )


def merged(before: Iterable[Override], wanted: Iterable[Override]) -> tuple[Override, ...]:
    """The choices of a record with some of them chosen anew, for a preview."""
    found = {o.path: o for o in before} | {o.path: o for o in wanted}
    return tuple(msgspec.structs.replace(o) for o in found.values())
