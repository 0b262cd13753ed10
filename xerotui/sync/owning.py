"""Who owns which shared field of contacts and items (M8), and what the three who speak of it say: what the source has
now, what was last sent, what Xero holds. The side that doesn't own a field is never allowed to overwrite it."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec

from xerotui.model.kinds import PARTIES, Kind, Side, Trade
from xerotui.model.postings import ContactPosting, ItemPosting, Posting, PriceSide
from xerotui.model.records import Address, Item, Party, Record, Terms
from xerotui.store import Pair, Taken
from xerotui.sync.pair import ACCOUNT, ANY, TAX, PairData, code_key

Values = dict[str, Any]
Choices = Mapping[tuple[Kind, str, str], Taken]

_CONTACT = {
    "name": "contact.name",
    "email": "contact.email",
    "phone": "contact.phone",
    "address": "contact.address",
    "tax_number": "contact.tax_number",
    "terms": "contact.terms",
    "sales_tax": "contact.tax",
    "purchase_tax": "contact.tax",
}
_ITEM = {
    "name": "item.name",
    "sales_price": "item.price",
    "purchase_price": "item.price",
    "sales_account": "item.account",
    "purchase_account": "item.account",
    "sales_tax": "item.tax",
    "purchase_tax": "item.tax",
}
_SIDES = {"sales": Trade.SALES, "purchase": Trade.PURCHASE}
# What a person calls them on the command line and in lists.
TITLES = {
    "email": "e-mail",
    "tax_number": "tax number",
    "terms": "payment terms",
    "sales_tax": "sales tax",
    "purchase_tax": "purchase tax",
    "sales_price": "sales price",
    "purchase_price": "purchase price",
    "sales_account": "sales account",
    "purchase_account": "purchase account",
}


def shared(kind: Kind) -> tuple[str, ...]:
    """The fields of a kind that have an owner, by their names in records; none of documents. Bank details never."""
    return tuple(_CONTACT) if kind in PARTIES else tuple(_ITEM) if kind is Kind.ITEM else ()


def owner(policy: Pair, kind: Kind, field: str) -> Side:
    """The side that owns a field; the source, unless the pair says otherwise."""
    name = (_CONTACT if kind in PARTIES else _ITEM).get(field, "")
    return Side.XERO if policy.owners.get(name) == Side.XERO.value else Side.SOURCE


def posted(posting: Posting) -> Values:
    """What a posting says of the shared fields; what it leaves to Xero is left out."""
    if isinstance(posting, ContactPosting):
        values = {name: getattr(posting, name) for name in _CONTACT}
    elif isinstance(posting, ItemPosting):
        values = {"name": posting.name}
        for side in _SIDES:
            part: PriceSide | None = getattr(posting, side)
            values |= {f"{side}_{n}": getattr(part, n) if part else None for n in ("price", "account", "tax")}
    else:
        return {}
    return {name: value for name, value in values.items() if value not in ("", None)}


def held(record: Record | None) -> Values:
    """What a record that Xero holds says of the shared fields."""
    if isinstance(record, Party):
        return {name: getattr(record, name) for name in _CONTACT}
    if isinstance(record, Item):
        return {name: getattr(record, name) for name in _ITEM}
    return {}


def same(a: Any, b: Any) -> bool:
    """Whether two values say the same, as Xero keeps them: outer and doubled blanks make no difference."""
    return a == b or _plain(a) == _plain(b)


def _plain(value: Any) -> str:
    if isinstance(value, Address):
        # Sources keep the country elsewhere or by another name, so that it proves nothing.
        value = msgspec.structs.replace(value, country="")
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return " ".join(spoken(value).split())


def spoken(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, Address):
        parts = [*value.lines, value.city, value.region, value.postcode, value.country]
        return ", ".join(part for part in parts if part)
    if isinstance(value, Terms):
        return f"{value.days} {_RULES.get(value.rule, value.rule)}"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


_RULES = {
    "DAYSAFTERBILLDATE": "days after the bill's date",
    "DAYSAFTERBILLMONTH": "days after the bill's month",
    "OFFOLLOWINGMONTH": "of the following month",
    "OFCURRENTMONTH": "of the current month",
}


def adopted(posting: Posting, theirs: Record | None) -> Posting:
    """The posting of a link over which nothing was sent: what Xero doesn't have of it was never there (`unsent`)."""
    if not isinstance(posting, ContactPosting | ItemPosting):
        return posting
    values = held(theirs)
    lacking = frozenset(name for name in posted(posting) if name in values and values[name] in ("", None))
    if isinstance(posting, ContactPosting) and isinstance(theirs, Party) and posting.number and not theirs.number:
        # No field with an owner, and blank in Xero all the same.
        lacking |= {"number"}
    return msgspec.structs.replace(posting, unsent=lacking)


def updated(sent: Posting, now: Posting, fields: Collection[str]) -> Posting:
    """The posting of an update that sends these of its fields: what it leaves out stays as unsent as it was."""
    if not isinstance(sent, ContactPosting | ItemPosting) or not isinstance(now, ContactPosting | ItemPosting):
        return now
    return msgspec.structs.replace(now, unsent=frozenset(n for n in sent.unsent if _root(now, n) not in fields))


def never_there(sent: Posting, field: str, theirs: Any) -> bool:
    """Whether Xero's blank is nobody's edit, but as it was when the record was linked."""
    return theirs in ("", None) and isinstance(sent, ContactPosting | ItemPosting) and field in sent.unsent


def _root(posting: Posting, field: str) -> str:
    """The field of a posting under which a shared field is kept."""
    return field.split("_")[0] if isinstance(posting, ItemPosting) and field != "name" else field


def digest(theirs: Any, ours: Any) -> str:
    """What both sides said when a person chose: the choice holds until one of them says something else."""
    text = "\x1f".join(v.decode() if isinstance(v, bytes) else _plain(v) for v in (theirs, ours))
    return sha256(text.encode()).hexdigest()[:16]


def with_values(posting: Posting, values: Mapping[str, Any]) -> Posting:
    """The posting with other values of shared fields; a side of an item that it doesn't have is left away."""
    if isinstance(posting, ContactPosting):
        return msgspec.structs.replace(posting, **{n: v for n, v in values.items() if n in _CONTACT})
    if not isinstance(posting, ItemPosting):
        return posting
    changed: dict[str, Any] = {"name": values["name"] or posting.name} if "name" in values else {}
    for side in _SIDES:
        part: PriceSide | None = getattr(posting, side)
        new = {n: values[f"{side}_{n}"] for n in ("price", "account", "tax") if f"{side}_{n}" in values}
        if part is not None and new:
            changed[side] = msgspec.structs.replace(part, **new)
    return msgspec.structs.replace(posting, **changed)


def agreed(
    data: PairData, kind: Kind, record: str, sent: Posting, now: Posting, theirs: Record | None, choices: Choices
) -> tuple[Posting, Posting]:
    """What an update is worked out from: the base that counts as sent, and what may be sent.

    What is so in Xero already needs no sending; what Xero owns keeps what Xero has; where a person chose the source,
    Xero's own value is the base, so that the source's goes there.
    """
    values, ours, before = held(theirs), posted(now), posted(sent)
    if not values:
        return sent, now
    base: Values = {}
    may: Values = {}
    for field in shared(kind):
        if field not in ours and field not in before:
            continue
        has = values[field]
        if field in ours and same(has, ours[field]):
            base[field] = ours[field]
        elif chosen(choices, kind, record, field, has, ours.get(field)) is Side.SOURCE:
            base[field] = has
        elif owner(data.policy, kind, field) is Side.XERO:
            base[field] = may[field] = has
    return with_values(sent, base), with_values(now, may)


def chosen(choices: Choices, kind: Kind, record: str, field: str, theirs: Any, ours: Any) -> Side | None:
    """The side that a person chose for a field, while both still say what they said then."""
    choice = choices.get((kind, record, field))
    return choice.side if choice is not None and choice.version == digest(theirs, ours) else None


def collided(base: Posting, now: Posting, theirs: Record, fields: Collection[str]) -> tuple[str, ...]:
    """The fields among those to be changed that were edited in Xero as well, to something else."""
    values, ours, before = held(theirs), posted(now), posted(base)
    found = []
    for field in shared(now.kind):
        if _root(now, field) not in fields or field not in ours or never_there(base, field, values[field]):
            continue
        if not same(values[field], before.get(field)) and not same(values[field], ours[field]):
            found.append(TITLES.get(field, field))
    return tuple(found)


def source_account(data: PairData, code: str, trade: Trade) -> str:
    """The source's code of one of Xero's accounts: that which resolving takes there, as mapped or of the same code.

    "" where there is none: a code that is mapped to another account would come back as that one.
    """
    mine = [m for m in data.mappings.values() if m.spec == ACCOUNT and m.trade == trade.value and m.value != ANY]
    mapped = {m.value: m.target for m in mine}
    there = min((value for value, target in mapped.items() if code_key(target) == code_key(code)), default="")
    return there or (code if all(code_key(value) != code_key(code) for value in mapped) else "")


def at_source(data: PairData, field: str, value: Any) -> Any:
    """A value of Xero's as the source holds it; None where the source has no word for it."""
    if value in ("", None):
        return None
    trade, _, what = field.partition("_")
    if what == "account":
        return source_account(data, value, _SIDES[trade]) or None
    if what != "tax":
        return value
    hits = [m for m in data.mappings.values() if m.spec == TAX and m.target == value]
    mine = [m.value for m in hits if m.trade == trade] or [m.value for m in hits]
    return min(mine, default=None)


__all__ = [
    "TITLES",
    "Choices",
    "adopted",
    "agreed",
    "at_source",
    "chosen",
    "collided",
    "digest",
    "held",
    "never_there",
    "owner",
    "posted",
    "same",
    "shared",
    "source_account",
    "spoken",
    "updated",
    "with_values",
]
