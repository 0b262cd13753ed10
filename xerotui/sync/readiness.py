"""Whether a record is taken at all: kinds that are on, the start line, finished and still documents (H19, M3, M9).

What is left alone here is no problem: it is listed with its reason, and with the hour at which that ends.
"""

import datetime as dt

from xerotui.model.kinds import Kind
from xerotui.model.problems import Place
from xerotui.model.records import Document, Item, Party, fingerprint, unlinked
from xerotui.sync.findings import Findings
from xerotui.sync.pair import PairData
from xerotui.sync.start_line import before

EXCLUDED = "core.excluded"
UNFINISHED = "core.unfinished"
ZERO = "core.zero_total"
BEFORE_START = "core.before_start"
NOT_READY = "core.not_ready"
SWITCHED_OFF = "core.switched_off"
INACTIVE = "core.inactive"
# Codes of rows that are left alone on purpose; they are no problems.
SKIPS = (EXCLUDED, UNFINISHED, ZERO, BEFORE_START, NOT_READY, SWITCHED_OFF, INACTIVE)

Reason = tuple[str, str]


def skip_reason(data: PairData, document: Document, now: dt.datetime) -> Reason | None:
    """Why a document isn't even looked at, as (code, sentence); None when it is."""
    if document.excluded:
        return EXCLUDED, document.excluded
    if document.unfinished:
        return UNFINISHED, document.unfinished
    if not data.policy.syncs(document.kind):
        return off_reason(data, document)
    if data.link(document.kind, document.id):
        # Lines are taken out one by one: an update without any would only send an edit that is half done.
        return None if document.lines else (NOT_READY, "it has no lines any more")
    party = data.party_of(document)
    if party is not None and party.excluded and data.link(party.kind, party.id) is None:
        # Its contact is never made, so that it could only fail.
        return EXCLUDED, f"its {party.kind.label} {party.name[:80]} is left out: {party.excluded}"
    if before(data.policy, document):
        start = data.policy.start[document.kind.value]
        return BEFORE_START, f"dated {document.date}, before the start date {start.isoformat()}"
    if document.total is not None and document.total == 0 and data.policy.zero_totals == "skip":
        return ZERO, "its total is zero"
    if why := _unready(data, document, now):
        return NOT_READY, why
    return None


def _unready(data: PairData, document: Document, now: dt.datetime) -> str:
    """What of a document isn't complete yet, "" when nothing."""
    numbers = data.policy.numbers.get(document.kind.value, "source")
    if not document.number.strip() and (numbers == "source" or "{number}" in numbers):
        return "it has no number yet"
    return unsettled(data, document, now) if document.lines else "it has no lines yet"


def unsettled(data: PairData, document: Document, now: dt.datetime) -> str:
    """When a document that was touched just now is ready; "" when it lay still for the settle time.

    One that is as it was sent doesn't wait: our own write-back touches a document too.
    """
    still = dt.timedelta(minutes=data.policy.settle_minutes)
    if document.modified is None or now - document.modified >= still:
        return ""
    if data.vouched.get((document.kind, document.id)) in ("", fingerprint(document)):
        return ""
    link = data.link(document.kind, document.id)
    if link is not None and link.fingerprint in _prints(document):
        return ""
    changed, ready = (document.modified.astimezone(dt.UTC), (document.modified + still).astimezone(dt.UTC))
    return f"changed at {changed:%H:%M} UTC; ready at {ready:%H:%M} UTC if it stays as it is"


def off_reason(data: PairData, record: Party | Item | Document) -> Reason | None:
    """The reason of a record whose kind is switched off; None for a linked one that didn't change since."""
    link = data.link(record.kind, record.id)
    name = data.organisation.name
    words = f"{record.kind.plural} aren't synced with {name}: that is switched off"
    if link is None:
        return SWITCHED_OFF, words
    same = not link.fingerprint or link.fingerprint in _prints(record)
    return None if same else (SWITCHED_OFF, f"changed, but {words}")


def _prints(record: Party | Item | Document) -> set[str]:
    """The fingerprints that a record has now and may have had before our own write-back, which is no change of it."""
    return {fingerprint(one) for one in unlinked(record)}


def needs_switched_off(data: PairData, kind: Kind, name: str, found: Findings) -> None:
    """A document that waits for a record whose kind is off: a problem that one switch, or a link, ends."""
    setting = f"sync_{kind.plural.replace(' ', '_')}"
    args = {"connection": data.connection, "tenant": data.tenant, "setting": setting}
    found.problem(
        "core.kind_off",
        f"kind:{data.tenant}:{kind.value}",
        f"Needs {kind.label} {name[:80]}, which isn't in {data.organisation.name}, and {kind.plural} are switched off.",
        place=Place("pair.open", args),
    )


def is_off(data: PairData, record: Party | Item, found: Findings) -> bool:
    """True when the kind of a contact or item is off; the reason is noted, and no more is looked at."""
    if data.policy.syncs(record.kind):
        return False
    found.skip = off_reason(data, record)
    return True


__all__ = [
    "NOT_READY",
    "SKIPS",
    "SWITCHED_OFF",
    "UNFINISHED",
    "is_off",
    "needs_switched_off",
    "off_reason",
    "skip_reason",
    "unsettled",
]
