"""What Xero still lets be changed of a document that is paid, credited or in a closed period (H34).

The rules are those of xero-api section 9.8; what they don't allow is a credit note's work.
"""

from collections.abc import Sequence

from xerotui.model.kinds import Kind
from xerotui.model.postings import Change, DocumentEdit, DocumentPosting
from xerotui.model.records import Document, Record
from xerotui.sync.drift import closed

# Fields that a paid document still takes, the contact only while no credit note is laid on it; of its lines these.
FIELDS = ("reference", "due_date", "number", "theme", "contact")
LINE_FIELDS = ("description", "account", "tracking")
# The rung of a planned update whose document is settled in Xero, or in part.
SETTLED = "settled"
ENDED = ("VOIDED", "DELETED", "BILLED")
# Sums that follow from the lines, and are no fields of their own.
_SUMS = ("subtotal", "tax", "total")


def _path(change: Change) -> tuple[str, str]:
    """The field of a change, and of a line's the line's own field."""
    parts = change.path.split(".")
    return parts[0], parts[2] if parts[0] == "lines" and len(parts) > 2 else ""


def _harmless(change: Change) -> bool:
    field, of_line = _path(change)
    return of_line in LINE_FIELDS if field == "lines" else field in FIELDS


def edited(posting: DocumentPosting, changes: Sequence[Change], *, settled: bool) -> DocumentEdit | None:
    """An update that names only what changed, where that is nothing but what Xero takes in any status; else None.

    So it goes through also where the document was paid a moment ago. Lines in part are for a `settled` document alone,
    whose other values Xero keeps: of an open one nobody says that a line keeps what is left out (xero-api section 5.1).
    """
    if not changes or not all(map(_harmless, changes)):
        return None
    fields = {_path(change)[0] for change in changes}
    lines = "lines" in fields
    if lines and not (settled and all(line.line_id for line in posting.lines)):
        return None
    return DocumentEdit(posting=posting, fields=frozenset(fields - {"lines"}), lines=lines)


def rungs(held: Record | None) -> dict[str, str]:
    """What a planned update tells its sender of the document as Xero holds it."""
    return {SETTLED: why} if isinstance(held, Document) and (why := closed(held)) else {}


def refused(posting: DocumentPosting, held: Record, changes: Sequence[Change]) -> tuple[str, ...]:
    """The changed fields that Xero no longer takes of this document, as words; none while nothing settles it."""
    if not isinstance(held, Document) or not closed(held) or ended(held):
        return ()
    fields = [_words(change) for change in changes if not _harmless(change) and change.path not in _SUMS]
    if held.amount_credited and any(change.path == "contact" for change in changes):
        fields.append("contact")
    if edited(posting, changes, settled=True) is None and not fields:
        # A line's value can't be taken away without making the line anew.
        fields.append("lines")
    return tuple(dict.fromkeys(fields))


def ended(held: Record) -> bool:
    """Whether nothing of a document can be changed any more, and no credit note helps."""
    return isinstance(held, Document) and held.status in ENDED


def _words(change: Change) -> str:
    field, of_line = _path(change)
    return (of_line or field).replace("_", " ")


def needs_credit_note(kind: Kind) -> bool:
    """Whether a document of that kind is put right by a credit note; an order is none of the ledger's."""
    return kind is not Kind.PURCHASE_ORDER


__all__ = ["SETTLED", "edited", "ended", "needs_credit_note", "refused", "rungs"]
