"""The hooks of the Halo plugin: what it brings, the line texts of a person's choice, and its own problems."""

from collections.abc import Sequence
from typing import Any

from xerotui.model.postings import Posting
from xerotui.model.problems import Explanation, Place, Problem, RecordRef
from xerotui.model.records import Document, Record
from xerotui.source.contract import FieldChange, ResolveContext, Source
from xerotui.source.hooks import hookimpl
from xerotui.source.texts import chosen
from xerotui_halo.reference import CHARGE_RATE

XEROTUI_CONTRACT = 1
UNCODED = "halo.charge_rate_uncoded"
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
    return chosen(record, posting, str(context.settings.get("line_text") or ""), "Halo")


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
