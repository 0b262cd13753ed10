"""Which record of the other side is meant: stored link first, then numbers, then names; never e-mail alone.

Three outcomes (H9): exactly one hit, contradicting or several hits, none. Archived contacts are looked at as well,
because Xero keeps their numbers taken (xero-api section 9.2).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from xerotui.model.records import Item, Party
from xerotui.store import name_key
from xerotui.sync.pair import PairData, code_key

R = TypeVar("R", Party, Item)


class Fit(StrEnum):
    """How sure a match is."""

    EXACT = "exact"
    ARCHIVED = "archived"
    CONTRADICTS = "contradicts"
    SEVERAL = "several"
    NONE = "none"


@dataclass(frozen=True)
class Match(Generic[R]):
    """The outcome with its candidates; `by` says by what the hit was made."""

    fit: Fit
    found: tuple[R, ...] = ()
    by: str = ""

    @property
    def one(self) -> R:
        """The single hit of an exact or archived match."""
        return self.found[0]


def _merged(data: PairData, party: Party) -> Party:
    """The contact that survived a merge in Xero, as far as the chain goes."""
    seen: set[str] = set()
    while party.merged_into and party.merged_into not in seen:
        seen.add(party.id)
        survivor = data.contacts.by_id.get(party.merged_into)
        if survivor is None:
            break
        party = survivor
    return party


def _judge(by_number: list[Party], by_name: list[Party]) -> Match[Party]:
    numbers = {p.id: p for p in by_number}
    names = {p.id: p for p in by_name}
    both = [p for i, p in numbers.items() if i in names]
    if len(both) == 1 and len(numbers) == 1:
        return Match(Fit.EXACT, (both[0],), "number and name")
    if len(numbers) > 1 or (not numbers and len(names) > 1):
        return Match(Fit.SEVERAL, tuple({**numbers, **names}.values()))
    if numbers and names and not both:
        return Match(Fit.CONTRADICTS, (*numbers.values(), *names.values()))
    if numbers:
        return Match(Fit.EXACT, tuple(numbers.values()), "account number")
    if names:
        return Match(Fit.EXACT, tuple(names.values()), "name")
    return Match(Fit.NONE)


def contact_for(data: PairData, party: Party) -> Match[Party]:
    """The Xero contact that an unlinked customer or supplier is."""
    if party.xero_id and (known := data.contacts.by_id.get(party.xero_id)):
        return _archived(Match(Fit.EXACT, (_merged(data, known),), "the id kept by the source"))
    by_number = data.contacts.by_number.get(code_key(party.number), []) if party.number.strip() else []
    by_name = data.contacts.by_name.get(name_key(party.name), [])
    if party.number.strip():
        # A contact of that name that carries another number is somebody else of the same name… or a mistake.
        by_name = [p for p in by_name if not p.number or code_key(p.number) == code_key(party.number)] or by_name
    active = [p for p in by_number if p.status != "ARCHIVED"], [p for p in by_name if p.status != "ARCHIVED"]
    match = _judge(*active)
    if match.fit is not Fit.NONE:
        return _numbered(match, party)
    return _archived(_judge(by_number, by_name))


def _numbered(match: Match[Party], party: Party) -> Match[Party]:
    """A hit by name alone whose account number says otherwise is no exact hit."""
    hit = match.found[0]
    if match.fit is Fit.EXACT and match.by == "name" and hit.number and party.number.strip():
        return Match(Fit.CONTRADICTS, match.found)
    return match


def _archived(match: Match[Party]) -> Match[Party]:
    if match.fit is Fit.EXACT and match.one.status == "ARCHIVED":
        return Match(Fit.ARCHIVED, match.found, match.by)
    return match


def party_for(contact: Party, candidates: list[Party]) -> Match[Party]:
    """The source customer or supplier that a Xero contact is, among those this tenant may claim (H10)."""
    known = [p for p in candidates if p.xero_id == contact.id]
    if known:
        return Match(Fit.EXACT if len(known) == 1 else Fit.SEVERAL, tuple(known), "the id kept by the source")
    free = [p for p in candidates if not p.xero_id]
    number = code_key(contact.number)
    by_number = [p for p in free if number and code_key(p.number) == number]
    by_name = [p for p in free if name_key(p.name) == name_key(contact.name)]
    match = _judge(by_number, by_name)
    if match.fit is Fit.EXACT and match.by == "name" and number and match.one.number.strip():
        return Match(Fit.CONTRADICTS, match.found)
    return match


def item_for(item: Item, candidates: list[Item]) -> Match[Item]:
    """The source item that a Xero item is: by the id it keeps, else by code."""
    known = [i for i in candidates if i.xero_id == item.id]
    hits = known or [i for i in candidates if i.code.strip() and code_key(i.code) == code_key(item.code)]
    # A child product lends its parent's code and is no item of its own (H25).
    hits = [i for i in hits if not i.parent] or hits
    if not hits:
        return Match(Fit.NONE)
    return Match(Fit.EXACT if len(hits) == 1 else Fit.SEVERAL, tuple(hits), "code")
