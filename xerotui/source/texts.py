"""Line descriptions by a person's choice among a source's texts (H39), for plugins to call in `xerotui_resolve`."""

from collections.abc import Sequence

from xerotui.model.postings import DocumentPosting, Posting
from xerotui.model.records import Document, Line, Record
from xerotui.source.contract import FieldChange

# The choices, of texts that a plugin names `short` and `long`.
SHORT, BOTH, LONG = TEXTS = ("short", "short and long", "long")
# Xero's limit for a line's description (xero-api section 9.8).
_LONGEST = 4000


def chosen(record: Record, posting: Posting, choice: str, whose: str) -> Sequence[FieldChange]:
    """The changes that give each line the text of the choice; an unknown one counts as both texts.

    `whose` is the source's name for the reason. Raises ValueError when the posting's lines aren't those of the
    record, which would put texts on wrong lines.
    """
    if not isinstance(record, Document) or not isinstance(posting, DocumentPosting):
        return ()
    choice = choice if choice in TEXTS else BOTH
    lines = [line for line in record.lines if _posted(line)]
    if len(lines) != len(posting.lines):
        raise ValueError(f"{len(posting.lines)} lines posted for {len(lines)} of the record")
    changes = []
    for index, (line, posted) in enumerate(zip(lines, posting.lines, strict=True)):
        words = description(line, choice)
        if words and words != posted.description:
            changes.append(FieldChange(f"lines.{index}.description", words, f"{whose}'s text: {choice}"))
    return changes


def _posted(line: Line) -> bool:
    """False for a line without text and amount, which Xero doesn't keep."""
    has_amount = not line.heading and bool(line.quantity or line.unit_price)
    return has_amount or any(words.strip() for words in line.texts.values())


def description(line: Line, choice: str) -> str:
    """The line's text by one of the choices; where the chosen one is blank, the other serves."""
    short, long = line.texts.get("short", "").strip(), line.texts.get("long", "").strip()
    if choice == LONG:
        return (long or short)[:_LONGEST]
    if choice == SHORT or not long or long.casefold() == short.casefold():
        return (short or long)[:_LONGEST]
    return f"{short}\n{long}".strip()[:_LONGEST]
