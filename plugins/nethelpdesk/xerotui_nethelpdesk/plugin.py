"""The hooks of the NetHelpDesk plugin: what it brings, the line texts of a person's choice, and its own problems."""

from collections.abc import Sequence
from typing import Any

from xerotui.model.postings import Posting
from xerotui.model.problems import Explanation, Place, Problem, RecordRef
from xerotui.model.records import Document, Record
from xerotui.source.contract import FieldChange, ResolveContext, Source
from xerotui.source.hooks import hookimpl
from xerotui.source.texts import chosen
from xerotui_nethelpdesk.reader import CHARGE_RATE

XEROTUI_CONTRACT = 1
UNCODED = "nethelpdesk.charge_rate_uncoded"
AMOUNTS = "nethelpdesk.line_amounts"
CURRENCY = "nethelpdesk.currency_unclear"
_WORDS = {
    UNCODED: Explanation(
        "Charge type without an accounts code",
        "Give the charge type its accounts code in NetHelpDesk, or map it to an item on Tax mapping (charge types).",
    ),
    CURRENCY: Explanation(
        "Currency that can't be told",
        "Say in the connection's settings what the symbol means (currency symbols), or correct the document.",
    ),
    AMOUNTS: Explanation(
        "Line whose amounts contradict each other",
        "Correct the line in NetHelpDesk: quantity, price, net amount and tax agree, and a heading has none of them.",
    ),
}


@hookimpl
def xerotui_sources() -> Sequence[type[Source]]:
    """NetHelpDesk alone."""
    from xerotui_nethelpdesk.source import NetHelpDeskSource

    return [NetHelpDeskSource]


@hookimpl
def xerotui_emulators() -> Sequence[Any]:
    """NetHelpDesk emulated: its database in three ages, the usual one first, and the folder of its files."""
    from xerotui_nethelpdesk.emulator import NetHelpDeskEmulator, NetHelpDeskFolder

    return [
        # The one that is shown does the whole job, imports too.
        NetHelpDeskEmulator("late", allow_insert=True),
        NetHelpDeskEmulator("middle"),
        NetHelpDeskEmulator("old"),
        NetHelpDeskFolder(),
    ]


@hookimpl
def xerotui_resolve(record: Record, posting: Posting, context: ResolveContext) -> Sequence[FieldChange]:
    """Line descriptions from the texts that the connection's settings choose.

    Raises ValueError when the posting's lines aren't those of the record, which would put texts on wrong lines.
    """
    return chosen(record, posting, str(context.settings.get("line_text") or ""), "NetHelpDesk")


@hookimpl
def xerotui_check(record: Record, posting: Posting | None, context: ResolveContext) -> Sequence[Problem]:
    """Labour whose charge type has neither code nor mapping, and lines that contradict themselves."""
    if not isinstance(record, Document):
        return ()
    found: dict[str, Problem] = {}
    for line in record.lines:
        charge = line.keys.get(CHARGE_RATE, "")
        if not charge or charge in found or (CHARGE_RATE, charge) in context.mapped:
            continue
        known = context.choices.get((CHARGE_RATE, charge))
        if known is None or not getattr(known, "code", "").strip():
            found[charge] = _uncoded(record, context, charge, known.name if known else f"number {charge}")
    return [*found.values(), *_unclear(record, context), *_contradicting(record, context)]


def _ref(record: Document, context: ResolveContext) -> RecordRef:
    return RecordRef(
        connection=context.connection, kind=record.kind, id=record.id, title=record.number, tenant=context.tenant
    )


def _uncoded(record: Document, context: ResolveContext, charge: str, name: str) -> Problem:
    return Problem(
        code=UNCODED,
        subject=f"{CHARGE_RATE}:{charge}",
        record=_ref(record, context),
        sentence=f"The charge type {name[:80]} has no accounts code in NetHelpDesk and is mapped to no Xero item.",
        remedy=_WORDS[UNCODED].remedy,
        place=Place("go.mapping", {"spec": CHARGE_RATE, "connection": context.connection, "value": charge}),
    )


def _unclear(record: Document, context: ResolveContext) -> Sequence[Problem]:
    symbol = record.facts.get("unclear_currency", "")
    if not symbol:
        return ()
    which = f"{record.kind.label.capitalize()} {record.number}"
    problem = Problem(
        code=CURRENCY,
        subject=f"currency:{symbol[:10]}",
        record=_ref(record, context),
        sentence=f"{which} is in {symbol[:10]}, which names no currency for certain.",
        remedy=_WORDS[CURRENCY].remedy,
    )
    return (problem,)


def _contradicting(record: Document, context: ResolveContext) -> Sequence[Problem]:
    faults = record.facts.get("line_faults", "")
    if not faults:
        return ()
    problem = Problem(
        code=AMOUNTS,
        subject=f"{record.kind}:{record.id}",
        record=_ref(record, context),
        sentence=f"{record.kind.label.capitalize()} {record.number} contradicts itself: {faults}.",
        remedy=_WORDS[AMOUNTS].remedy,
        place=Place("go.errors", {"connection": context.connection, "kind": record.kind.value, "record": record.id}),
    )
    return (problem,)


@hookimpl
def xerotui_explain(problem: Problem) -> Explanation | None:
    """Words for the plugin's own codes."""
    return _WORDS.get(problem.code)
