"""Contacts and items back (H37, M8): what the other side changed of a field that it doesn't own, and Xero's own."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from xerotui.model import records
from xerotui.model.kinds import PARTIES, Kind, Side
from xerotui.model.postings import Change, decode
from xerotui.model.records import Address, Item, Party, Record, fingerprint
from xerotui.model.work import Basis, Link, Operation, Verb
from xerotui.store import Apart
from xerotui.store.backs import DRIFT
from xerotui.sync import owning
from xerotui.sync.drift import held_record, version
from xerotui.sync.owning import Choices
from xerotui.sync.pair import PairData
from xerotui.sync.plan import new_id, source_lane
from xerotui.sync.resolve import Resolved

Amendable = Mapping[Kind, tuple[str, ...]]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field in which the two sides differ since they were linked, with the side that owns it.

    `moved` is the side that changed it; `value` what the source would get, None where it can't take it.
    """

    name: str
    ours: Any
    theirs: Any
    owner: Side
    moved: Side
    value: Any = None
    choice: Side | None = None


def differing(resolved: Resolved, link: Link, choices: Choices, can: Amendable) -> Iterator[Field]:
    """The fields of one linked contact or item in which Xero holds something else than the source says."""
    data = resolved.data
    held = held_record(data, link.kind, link.xero_id)
    record = data.record(link.kind, link.record)
    found = resolved.item_findings.get(link.record) if link.kind is Kind.ITEM else resolved.parties.get(link_key(link))
    if held is None or record is None or found is None or found.posting is None or not link.posting:
        return
    values, ours = owning.held(held), owning.posted(found.posting)
    base = decode(link.posting)
    sent = owning.posted(base)
    # Where Xero's version is still the one that was seen, nobody has edited anything there.
    untouched = bool(link.version) and version(held) == link.version
    for name in owning.shared(link.kind):
        theirs, mine = values[name], ours.get(name)
        side = owning.owner(data.policy, link.kind, name)
        if owning.same(theirs, mine):
            continue
        at_source = not owning.same(mine, sent.get(name))
        still = owning.same(theirs, sent.get(name)) or owning.never_there(base, name, theirs)
        if still and (side is Side.SOURCE or not at_source):
            # The source's own change, which an update takes to Xero; or Xero has never had a value there.
            continue
        if side is Side.SOURCE and (mine is None or untouched):
            # Never sent, or never edited.
            continue
        value = owning.at_source(data, name, theirs) if name in can.get(link.kind, ()) else None
        if isinstance(value, Address):
            value = msgspec.structs.replace(value, country=mine.country if isinstance(mine, Address) else value.country)
        yield Field(
            name=name,
            ours=mine,
            theirs=theirs,
            owner=side,
            moved=Side.SOURCE if at_source else Side.XERO,
            value=value,
            choice=owning.chosen(choices, link.kind, link.record, name, theirs, mine),
        )


def link_key(link: Link) -> tuple[Kind, str]:
    """What a link is found by in a pair."""
    return (link.kind, link.record)


def linked(data: PairData) -> Iterator[Link]:
    """The links of contacts and items, in one order."""
    for kind in (*PARTIES, Kind.ITEM):
        for _, link in sorted((record, link) for (of, record), link in data.links.items() if of is kind):
            yield link


def rows(resolved: Resolved, choices: Choices, can: Amendable) -> Iterator[Apart]:
    """Every difference as a row, with what becomes of it."""
    data = resolved.data
    on = data.policy.back.get("contacts", False)
    for link in linked(data):
        record = data.record(link.kind, link.record)
        for field in differing(resolved, link, choices, can):
            yield Apart(
                connection=data.connection,
                tenant=data.tenant,
                what=DRIFT,
                kind=link.kind,
                record=link.record,
                field=field.name,
                title=record.name if record else link.record,
                party=getattr(record, "number", "") or getattr(record, "code", ""),
                source=owning.spoken(field.ours),
                xero=owning.spoken(field.theirs),
                owner=field.owner.value,
                why=_why(field, on=on),
                xero_id=link.xero_id,
            )


def _why(field: Field, *, on: bool) -> str:
    """What became of it, in a sentence."""
    if field.choice is Side.SOURCE:
        return "A person took the source's side: the next plan sends it to Xero."
    if field.choice is Side.XERO:
        return "A person took Xero's side: the next plan writes it into the source."
    if field.owner is Side.SOURCE:
        return "Xero holds something else, but the source owns it: it is left alone until a person takes a side."
    if field.moved is Side.SOURCE:
        lead = "Changed at the source, but Xero owns it: it isn't sent."
    else:
        lead = "Changed in Xero, which owns it."
    if field.value is None:
        return f"{lead} The source can't take Xero's value by its interface: change it there by hand."
    return f"{lead} The next plan writes Xero's value into the source." if on else f"{lead} The switch is off."


def operations(
    resolved: Resolved, plan: str, choices: Choices, can: Amendable, busy: set[tuple[Kind, str]]
) -> Iterator[Operation]:
    """Xero's values for the source: of fields that Xero owns where the switch is on, and of those a person took."""
    data = resolved.data
    on = data.policy.back.get("contacts", False)
    for link in linked(data):
        record = data.record(link.kind, link.record)
        if (link.kind, link.record) in busy or not isinstance(record, Party | Item):
            continue
        wanted = [
            field
            for field in differing(resolved, link, choices, can)
            if field.value is not None
            and field.choice is not Side.SOURCE
            and (field.choice is Side.XERO or (on and field.owner is Side.XERO))
        ]
        if wanted:
            yield _operation(resolved, plan, link, record, wanted)


def _operation(resolved: Resolved, plan: str, link: Link, record: Party | Item, fields: list[Field]) -> Operation:
    data = resolved.data
    # The fields alone: what else the source says of the record is no part of this, and our own link no change.
    before: Record = type(record)(id=record.id, kind=record.kind, **{f.name: getattr(record, f.name) for f in fields})
    after: Record = msgspec.structs.replace(before, **{f.name: f.value for f in fields})
    held = held_record(data, link.kind, link.xero_id)
    shown = [Change(f.name, owning.spoken(getattr(record, f.name)), owning.spoken(f.value)) for f in fields]
    return Operation(
        id=new_id("op"),
        plan=plan,
        side=Side.SOURCE,
        lane=source_lane(data.connection),
        kind=link.kind,
        verb=Verb.UPDATE,
        connection=data.connection,
        tenant=data.tenant,
        record=link.record,
        title=record.name[:200],
        target=link.xero_id,
        body=records.encode(after),
        basis=Basis(fingerprint=fingerprint(before), xero_version=version(held)),
        changes=tuple(shown),
        rungs={f.name: "taken from Xero by a person" if f.choice else "owned by Xero" for f in fields},
    )


__all__ = ["Field", "differing", "linked", "operations", "rows"]
