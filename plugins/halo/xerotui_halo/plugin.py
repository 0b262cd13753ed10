"""The hooks of the Halo plugin: what it brings, the line texts of a person's choice, and its own problems."""

from collections.abc import Sequence
from typing import Any

from xerotui.model.postings import DocumentPosting, Posting
from xerotui.model.problems import Explanation, Place, Problem, RecordRef
from xerotui.model.records import Document, Line, Record
from xerotui.source.contract import FieldChange, ResolveContext, Source
from xerotui.source.hooks import hookimpl
from xerotui_halo.reference import CHARGE_RATE
from xerotui_halo.settings import TEXTS

XEROTUI_CONTRACT = 1
UNCODED = "halo.charge_rate_uncoded"
# Xero's limit for a line's description (xero-api section 9.8).
_LONGEST = 4000
_WORDS = {
    UNCODED: Explanation(
        "Charge rate without an accounts code",
        "Give the charge rate its accounts code in Halo, or map it to a Xero item on Tax mapping (charge rates).",
    )
}


@hookimpl
def xerotui_sources() -> Sequence[type[Source]]:
    """Halo alone."""
    from xerotui_halo.source import HaloSource

    return [HaloSource]


@hookimpl
def xerotui_emulators() -> Sequence[Any]:
    """Halo emulated, for the sandbox and the tests."""
    from xerotui_halo.emulator import HaloEmulator

    return [HaloEmulator()]


@hookimpl
def xerotui_resolve(record: Record, posting: Posting, context: ResolveContext) -> Sequence[FieldChange]:
    """Line descriptions from the texts that the connection's settings choose (H39).

    Raises ValueError when the posting's lines aren't those of the record, which would put texts on wrong lines.
    """
    if not isinstance(record, Document) or not isinstance(posting, DocumentPosting):
        return ()
    choice = str(context.settings.get("line_text") or "")
    choice = choice if choice in TEXTS else "short and long"
    lines = [line for line in record.lines if _posted(line)]
    if len(lines) != len(posting.lines):
        raise ValueError(f"{len(posting.lines)} lines posted for {len(lines)} of the record")
    changes = []
    for index, (line, posted) in enumerate(zip(lines, posting.lines, strict=True)):
        words = description(line, choice)
        if words and words != posted.description:
            changes.append(FieldChange(f"lines.{index}.description", words, f"Halo's text: {choice}"))
    return changes


def _posted(line: Line) -> bool:
    """False for a line without text and amount, which Xero doesn't keep."""
    has_amount = not line.heading and bool(line.quantity or line.unit_price)
    return has_amount or any(words.strip() for words in line.texts.values())


def description(line: Line, choice: str) -> str:
    """The line's text by one of the choices; where the chosen one is blank, the other serves."""
    short, long = line.texts.get("short", "").strip(), line.texts.get("long", "").strip()
    if choice == "long":
        return (long or short)[:_LONGEST]
    if choice == "short" or not long or long.casefold() == short.casefold():
        return (short or long)[:_LONGEST]
    return f"{short}\n{long}".strip()[:_LONGEST]


@hookimpl
def xerotui_check(record: Record, posting: Posting | None, context: ResolveContext) -> Sequence[Problem]:
    """Labour lines whose charge rate has neither an accounts code nor a mapping."""
    if not isinstance(record, Document):
        return ()
    found: dict[str, Problem] = {}
    for line in record.lines:
        rate = line.keys.get(CHARGE_RATE, "")
        if not rate or rate in found or (CHARGE_RATE, rate) in context.mapped:
            continue
        known = context.choices.get((CHARGE_RATE, rate))
        if known is None or not getattr(known, "code", "").strip():
            name = known.name if known else f"number {rate}"
            found[rate] = _uncoded(record, context, rate, name)
    return list(found.values())


def _uncoded(record: Document, context: ResolveContext, rate: str, name: str) -> Problem:
    ref = RecordRef(
        connection=context.connection, kind=record.kind, id=record.id, title=record.number, tenant=context.tenant
    )
    return Problem(
        code=UNCODED,
        subject=f"{CHARGE_RATE}:{rate}",
        record=ref,
        sentence=f"The charge rate {name[:80]} has no accounts code in Halo and is mapped to no Xero item.",
        remedy=_WORDS[UNCODED].remedy,
        place=Place("go.mapping", {"spec": CHARGE_RATE, "connection": context.connection, "value": rate}),
    )


@hookimpl
def xerotui_explain(problem: Problem) -> Explanation | None:
    """Words for the plugin's own codes."""
    return _WORDS.get(problem.code)
