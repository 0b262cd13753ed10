"""Contacts of one organisation that look like two of one: found before an import, never merged.

Xero's API can't merge contacts (xero-api section 6.4 tells only of a merge that was made); a person does it in Xero,
and links follow the contact that stays.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from xerotui.model.records import Party
from xerotui.store import name_key
from xerotui.sync.pair import code_key

# So many contacts of one e-mail share a mailbox (accounts@…), and are nobody's doubles for that.
MAILBOX = 4
_FORMS = (
    "ltd", "limited", "pty", "proprietary", "pl", "llp", "llc", "lp", "plc", "inc", "incorporated", "corp",
    "corporation", "co", "company", "gmbh", "ag", "bv", "nv", "sarl", "sas", "srl",
)  # fmt: skip


class Double(msgspec.Struct, frozen=True, kw_only=True):
    """Contacts that look like one, and by what: name, account number, contact number, tax number, e-mail."""

    by: tuple[str, ...]
    contacts: tuple[Party, ...]


def loose_name(name: str) -> str:
    """A name without punctuation, without its legal form, & being and: "Harlow & Pike L.L.P." is "harlow and pike"."""
    text = name_key(name).replace("&", " and ")
    words = re.sub(r"[^\w\s]", "", re.sub(r"[-/,]", " ", text)).split()
    while len(words) > 1 and words[-1] in _FORMS:
        words.pop()
    return " ".join(words)


def tax_key(number: str) -> str:
    """A tax number without blanks and signs, in small letters."""
    return "".join(c for c in number.casefold() if c.isalnum())


def _keys(party: Party) -> Iterator[tuple[str, str]]:
    yield "name", loose_name(party.name)
    yield "account number", code_key(party.number)
    yield "contact number", code_key(party.contact_number)
    yield "tax number", tax_key(party.tax_number)
    yield "e-mail", party.email.strip().casefold()


def doubles(contacts: Iterable[Party]) -> tuple[Double, ...]:
    """Groups of contacts that share a name, number or address, the largest first.

    Archived ones are looked at as well, because they keep their numbers; a group has at least one that is active.
    Contacts that were merged into another are left out.
    """
    known = {p.id: p for p in contacts if not p.merged_into}
    shared: dict[tuple[str, str], list[str]] = defaultdict(list)
    for party in known.values():
        for by, value in _keys(party):
            if value:
                shared[by, value].append(party.id)
    root = {id: id for id in known}

    def top(id: str) -> str:
        while root[id] != id:
            root[id] = root[root[id]]
            id = root[id]
        return id

    meant = {
        key: ids for key, ids in shared.items() if len(ids) > 1 and not (key[0] == "e-mail" and len(ids) > MAILBOX)
    }
    for ids in meant.values():
        for id in ids[1:]:
            root[top(id)] = top(ids[0])
    reasons: dict[str, dict[str, None]] = defaultdict(dict)
    for (by, _), ids in sorted(meant.items()):
        reasons[top(ids[0])][by] = None
    members: dict[str, list[Party]] = defaultdict(list)
    for id, party in known.items():
        members[top(id)].append(party)
    found = [
        Double(by=tuple(reasons[id]), contacts=tuple(sorted(some, key=_order)))
        for id, some in members.items()
        if len(some) > 1 and any(p.status != "ARCHIVED" for p in some)
    ]
    return tuple(sorted(found, key=lambda d: (-len(d.contacts), _order(d.contacts[0]))))


def _order(party: Party) -> tuple[bool, str, str]:
    return (party.status == "ARCHIVED", name_key(party.name), party.id)


__all__ = ["Double", "doubles", "loose_name", "tax_key"]
