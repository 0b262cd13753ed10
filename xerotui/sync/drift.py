"""What Xero holds against what was last sent: is it still as written, may it still be changed, what is new?"""

from collections.abc import Sequence

import msgspec

from xerotui.model.kinds import PARTIES, Kind
from xerotui.model.postings import Change, ContactPosting, DocumentPosting, ItemPosting, Posting, PostingLine
from xerotui.model.records import Document, Item, Party, Record
from xerotui.sync.pair import PairData, code_key

# Xero's status flow (xero-api section 9.8), by height; a status is never lowered (H34).
HEIGHT = {"DRAFT": 0, "SUBMITTED": 1, "AUTHORISED": 2, "BILLED": 3, "PAID": 3}
FINAL = ("PAID", "VOIDED", "DELETED", "BILLED")


def held_record(data: PairData, kind: Kind, xero_id: str) -> Record | None:
    """The record that Xero holds under an id, as last read."""
    if kind in PARTIES:
        return data.contacts.by_id.get(xero_id)
    if kind is Kind.ITEM:
        return data.xero_items_by_id.get(xero_id)
    return data.xero_documents.get(kind, {}).get(xero_id)


def moved(sent: Posting, held: Record) -> tuple[str, ...]:
    """The fields in which Xero differs from what was last sent: somebody edited it there.

    What Xero didn't have when a contact or item was linked, and still doesn't, nobody edited.
    """
    pairs: list[tuple[str, object, object]] = []
    if isinstance(sent, ContactPosting) and isinstance(held, Party):
        pairs = [("name", sent.name, held.name)]
        if held.number or "number" not in sent.unsent:
            pairs.append(("number", code_key(sent.number), code_key(held.number)))
    elif isinstance(sent, ItemPosting) and isinstance(held, Item):
        pairs = [("code", code_key(sent.code), code_key(held.code)), ("name", sent.name, held.name or sent.name)]
        never = held.sales_price is None and "sales_price" in sent.unsent
        if sent.sales and sent.sales.price is not None and not never:
            pairs.append(("sales price", sent.sales.price, held.sales_price))
    elif isinstance(sent, DocumentPosting) and isinstance(held, Document):
        pairs = [
            # Blank where Xero gave it.
            ("number", code_key(sent.number or held.number), code_key(held.number)),
            ("contact", sent.contact, held.party),
            ("date", sent.date, held.date),
            ("total", sent.total, held.total),
            *_moved_lines(sent, held),
        ]
        if sent.due_date and held.due_date:
            pairs.append(("due date", sent.due_date, held.due_date))
        if sent.theme:
            pairs.append(("theme", sent.theme, held.theme))
        if sent.kind is not Kind.PURCHASE_ORDER:
            pairs.append(("reference", sent.reference, held.reference))
    return tuple(dict.fromkeys(name for name, mine, theirs in pairs if mine != theirs))


_FIELD = {"name": "name", "number": "number", "code": "code", "sales price": "sales"}


def archived(data: PairData, contact: str) -> bool:
    """Whether a contact is archived in Xero: no document of it can be changed any more (xero-api section 7.1)."""
    held = data.contacts.by_id.get(contact)
    return held is not None and held.status == "ARCHIVED"


def version(held: Record | None) -> str:
    """Xero's version of a record as last read: when it moves, what was compared with it is stale."""
    return held.facts.get("version", "") if held is not None else ""


def touched(changes: Sequence[Change]) -> set[str]:
    """The fields of a posting that changes are about."""
    return {change.path.split(".", 1)[0] for change in changes}


def both_changed(sent: Posting, held: Record, changes: Sequence[Change], seen: str) -> tuple[str, ...]:
    """The fields that were edited in Xero and would be overwritten.

    Of a contact or item only what changes at the source is sent, so only that can collide; and where Xero's
    version is still the one that was `seen` when the link was made, nobody has edited anything there.
    """
    fields = moved(sent, held)
    if isinstance(sent, DocumentPosting):
        return fields
    if seen and version(held) == seen:
        return ()
    mine = touched(changes)
    return tuple(name for name in fields if field_of(name) in mine)


def field_of(name: str) -> str:
    """The field of a posting under which what `moved` names is kept."""
    return _FIELD.get(name, name)


def trimmed(posting: Posting, changes: Sequence[Change]) -> Posting:
    """A contact or item with only its changed fields: what is left out keeps its value in Xero (xero-api 5.1)."""
    mine = touched(changes)
    if isinstance(posting, ContactPosting):
        left = {f: "" for f in _TEXTS if f not in mine} | {f: None for f in ("address", "terms") if f not in mine}
        return msgspec.structs.replace(posting, **left)
    if isinstance(posting, ItemPosting):
        texts = ("name", "description", "purchase_description")
        left = {f: "" for f in texts if f not in mine} | {f: None for f in ("sales", "purchase") if f not in mine}
        return msgspec.structs.replace(posting, **left)
    return posting


_TEXTS = (
    "name",
    "number",
    "contact_number",
    "first_name",
    "last_name",
    "email",
    "phone",
    "tax_number",
    "sales_tax",
    "purchase_tax",
)


def _moved_lines(sent: DocumentPosting, held: Document) -> list[tuple[str, object, object]]:
    """Line values to compare; what was left to Xero to fill in (blank here) isn't ours to compare."""
    if not held.lines:
        return []
    if len(sent.lines) != len(held.lines):
        return [("lines", len(sent.lines), len(held.lines))]
    pairs: list[tuple[str, object, object]] = []
    for mine, theirs in zip(sent.lines, held.lines, strict=True):
        text = next(iter(theirs.texts.values()), "")
        if mine.description:
            pairs.append(("line text", " ".join(mine.description.split()), " ".join(text.split())))
        if mine.heading:
            continue
        pairs += [
            ("quantity", mine.quantity, theirs.quantity),
            ("unit amount", mine.unit_amount, theirs.unit_price),
            ("discount", mine.discount_percent or 0, theirs.discount_percent),
        ]
        for name, sent_value, held_value in (
            ("account", mine.account, theirs.account),
            ("tax", mine.tax, theirs.tax_rate),
            ("item", code_key(mine.item_code), code_key(theirs.item_code)),
        ):
            if sent_value:
                pairs.append((name, sent_value, held_value))
    return pairs


def closed(held: Record) -> str:
    """Why a document can't be changed in Xero any more; "" when it can."""
    if not isinstance(held, Document):
        return ""
    if held.status in FINAL:
        return f"it is {held.status.lower()} in Xero"
    if held.amount_paid or held.amount_credited:
        return "something is paid or credited on it in Xero"
    if held.kind is Kind.CREDIT_NOTE and held.settled:
        return "some of it is allocated in Xero"
    return ""


def _emptied(before: PostingLine, now: PostingLine) -> bool:
    """True when a value of the line was taken away: Xero keeps what an update leaves out (xero-api section 5.4)."""
    fields = ("item_code", "discount_percent", "tax_amount", "tracking", "quantity", "account", "tax")
    return any(getattr(before, name) and not getattr(now, name) for name in fields)


def fitted(posting: Posting, held: Record | None, sent: Posting | None = None) -> Posting:
    """The posting as an update of what Xero holds: the status never lower, lines under their own ids.

    Where a value of a line was taken away the lines go without ids, so that Xero makes them anew.
    """
    if not isinstance(posting, DocumentPosting) or not isinstance(held, Document):
        return posting
    status = posting.status if HEIGHT.get(posting.status, 0) >= HEIGHT.get(held.status, 0) else held.status
    lines = posting.lines
    before = sent.lines if isinstance(sent, DocumentPosting) else ()
    same = len(held.lines) == len(lines) == len(before)
    if same and not any(_emptied(old, new) for old, new in zip(before, lines, strict=True)):
        lines = tuple(
            msgspec.structs.replace(line, line_id=old.id) for line, old in zip(lines, held.lines, strict=True)
        )
    return msgspec.structs.replace(posting, status=status, lines=lines)


def raised(sent: Posting, held: Record | None) -> Posting:
    """What was last sent, with the status that it has reached in Xero since."""
    if not isinstance(sent, DocumentPosting) or not isinstance(held, Document):
        return sent
    higher = HEIGHT.get(held.status, -1) > HEIGHT.get(sent.status, 0)
    return msgspec.structs.replace(sent, status=held.status) if higher else sent


def comparable(sent: Posting, posting: Posting) -> tuple[Posting, Posting]:
    """Both without what a comparison must not see: a status that was raised in Xero, and Xero's line ids."""
    if isinstance(sent, DocumentPosting) and isinstance(posting, DocumentPosting):
        height = HEIGHT.get(sent.status, 0) >= HEIGHT.get(posting.status, 0)
        return sent, msgspec.structs.replace(posting, status=sent.status) if height else posting
    return sent, posting
