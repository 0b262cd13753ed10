"""Account numbers and item codes for records that have none (H26, H27): made by a template or the source's own series.

They are written into the source, as operations of a plan; Xero gets them with the record. A template holds any of
`{name3}` (so many letters and digits of the name, in capitals), `{n:04}` (the next free number, so many digits long)
and `{id}` (the source's id).
"""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from xerotui.model import records
from xerotui.model.kinds import PARTIES, Kind, Side
from xerotui.model.postings import Change
from xerotui.model.problems import RecordRef, SyncError
from xerotui.model.records import Item, Party
from xerotui.model.work import DONE, Basis, Plan, Verb
from xerotui.net.errors import NetError
from xerotui.source.contract import Capability, Source, SourceLocked, SourceRefused, SourceUnreachable
from xerotui.sync.findings import Findings
from xerotui.sync.into_source import writing
from xerotui.sync.pair import PairData, code_key
from xerotui.sync.plan import Draft
from xerotui.sync.ports import Ports
from xerotui.sync.promising import FIELD, Promised
from xerotui.sync.promising import given as numbered
from xerotui.sync.resolve_item import CODE_LIMIT
from xerotui.sync.resolve_party import NUMBER_LIMIT, place_of

R = TypeVar("R", Party, Item)
SOURCE = "source"
KINDS = (*PARTIES, Kind.ITEM)
LIMIT = {Kind.CUSTOMER: NUMBER_LIMIT, Kind.SUPPLIER: NUMBER_LIMIT, Kind.ITEM: CODE_LIMIT}
# The problems that a number mends.
CODES = ("core.account_number_missing", "core.item_incomplete")
_PART = re.compile(r"\{(name|n|id)(?::?(\d{1,3}))?\}")
_COUNTED = re.compile(r"\{n(?::?\d{1,3})?\}")
_MOST = 1_000_000
# Digits of a counter.
_WIDEST = 12


def fault(template: str) -> str:
    """What is wrong with a template; "" when nothing is."""
    bare = _PART.sub("", template)
    if "{" in bare or "}" in bare:
        return "it holds {name3}, {n:04} and {id} alone"
    if any(match[1] == "n" and int(match[2] or 0) > _WIDEST for match in _PART.finditer(template)):
        return f"a counter has at most {_WIDEST} digits"
    return "" if _COUNTED.search(template) or "{id}" in template else "without {n} or {id} all would get one number"


def made(template: str, name: str, id: str, taken: set[str]) -> str:
    """The first number of a template that nobody has; blank where there is none."""
    letters = "".join(c for c in name.upper() if c.isalnum() and c.isascii())

    def filled(n: int) -> str:
        values = {"name": letters, "n": str(n), "id": id}

        def part(match: re.Match[str]) -> str:
            value, size = values[match[1]], int(match[2] or 0)
            if match[1] == "name":
                return value[:size] if size else value
            return value.zfill(size) if match[1] == "n" else value

        return _PART.sub(part, template).strip()

    counted = bool(_COUNTED.search(template))
    for n in range(1, _MOST if counted else 2):
        number = filled(n)
        if number and code_key(number) not in taken:
            return number
    return ""


def following(number: str, taken: set[str]) -> str:
    """A number that the source's series gave, or the next one of it where that is promised to another record."""
    match = re.search(r"(\d+)$", number)
    if code_key(number) not in taken:
        return number
    if match is None:
        return ""
    stem, digits = number[: match.start()], match[1]
    for n in range(int(digits) + 1, int(digits) + _MOST):
        following_one = stem + str(n).zfill(len(digits))
        if code_key(following_one) not in taken:
            return following_one
    return ""


def taken(data: PairData, kind: Kind) -> set[str]:
    """Every number or code that is used: at the source in any organisation, in Xero also by what is archived."""
    if kind is Kind.ITEM:
        return {code_key(i.code) for i in data.items.values() if i.code.strip()} | set(data.xero_items)
    return {code_key(p.number) for p in data.parties.values() if p.number.strip()} | set(data.contacts.by_number)


def lacking(data: PairData, kind: Kind, *, every: bool = False) -> list[Party | Item]:
    """The records without a number that would be synced with one; customers that are billed, unless `every` is asked.

    A customer without a number may be left out on purpose (H26): only where documents wait for it is one missing.
    """
    if kind is Kind.ITEM:
        mine = [i for i in data.items.values() if data.mine(i) or not i.tenant]
        return _sorted([i for i in mine if i.active and not (i.code.strip() or i.parent or i.excluded)])
    found = [p for (k, _), p in data.parties.items() if k is kind and data.mine(p)]
    blank = [p for p in found if p.active and not (p.number.strip() or p.excluded)]
    if not every:
        order = kind is Kind.SUPPLIER
        used = {
            d.party
            for (k, _), d in data.documents.items()
            if (k is Kind.PURCHASE_ORDER) is order and not d.excluded and data.mine(d)
        }
        blank = [p for p in blank if p.id in used]
    return _sorted(blank)


def _sorted(found: Sequence[R]) -> list[Party | Item]:
    return [*sorted(found, key=lambda r: (len(r.id), r.id))]


def template_of(data: PairData, kind: Kind) -> str:
    """The pair's template for a kind.

    Raises SyncError where there is none, or one that can't be meant.
    """
    template = data.policy.generate.get(kind.value, "")
    option = f"--generate-{kind.plural}"
    remedy = f"Set one: xerotui pair set {data.connection} TENANT {option} '{{name3}}{{n:04}}'."
    if not template:
        raise SyncError(f"No template says which numbers {kind.plural} get", remedy, exit_code=4)
    if template != SOURCE and (why := fault(template)):
        raise SyncError(f"The template for {kind.plural} can't be used: {why}", remedy, exit_code=4)
    return template


def check(source: Source, kind: Kind, template: str = "") -> None:
    """Whether the source can take such a number, or give one.

    Raises SyncError.
    """
    can = source.can
    if not can.has(Capability.AMEND) or FIELD[kind] not in can.amendable.get(kind, ()):
        raise SyncError(f"{source.title} can't be given numbers for {kind.plural}", "Type them there by hand.")
    if template == SOURCE and (not can.has(Capability.NUMBER) or kind not in can.numbering):
        raise SyncError(f"{source.title} has no series of its own for {kind.plural}", "Set a template instead.")


async def numbers(
    ports: Ports, data: PairData, kind: Kind, *, every: bool = False, promised: Promised | None = None
) -> dict[str, str]:
    """A number for each record that lacks one, by its id; blank where none could be made.

    Records and numbers that were `promised` are passed over. Raises SyncError for a template or source that can't.
    """
    template = template_of(data, kind)
    source = await ports.source(data.connection)
    check(source, kind, template)
    promised = promised or Promised()
    used = taken(data, kind) | promised.of(kind)
    reserved = promised.reserved(kind)
    out: dict[str, str] = {}
    for record in lacking(data, kind, every=every):
        if (kind, record.id) in promised.records:
            continue
        kept = promised.kept(kind, record.id, rung_of(data, kind))
        if kept and code_key(kept) not in used:
            number = kept
        elif template == SOURCE:
            try:
                number = following((await source.new_number(kind, record)).strip(), used | reserved)
            except (SourceRefused, SourceUnreachable, SourceLocked, NetError) as trouble:
                raise SyncError(
                    f"{source.title} gives no number for {record.name[:60]}: {getattr(trouble, 'said', trouble)}",
                    f"Set a template instead: xerotui pair set --generate-{kind.plural}.",
                ) from None
        else:
            number = made(template, record.name, record.id, used | reserved)
        out[record.id] = number if len(number) <= LIMIT[kind] else ""
        if out[record.id]:
            used.add(code_key(out[record.id]))
    return out


def draft(data: PairData, kind: Kind, plan: str, given: Mapping[str, str], promised: Promised | None = None) -> Draft:
    """Operations that write these numbers into the source; one that was `promised` to another record is free no more.

    Records that have a number meanwhile, or are getting one, are passed over.
    """
    made_draft, promised = Draft(plan), promised or Promised()
    for record in lacking(data, kind, every=True):
        if record.id in given and (kind, record.id) not in promised.records:
            number = "" if promised.has(kind, given[record.id]) else given[record.id]
            _one(made_draft, data, kind, record, number, rung_of(data, kind))
    return made_draft


def rung_of(data: PairData, kind: Kind) -> str:
    """Where the numbers come from."""
    template = data.policy.generate.get(kind.value, "")
    return "the source's own series" if template == SOURCE else f"template {template}"


def _one(draft: Draft, data: PairData, kind: Kind, record: Party | Item, number: str, rung: str) -> None:
    ref = RecordRef(connection=data.connection, kind=kind, id=record.id, title=record.name[:200], tenant=data.tenant)
    if not number or code_key(number) in taken(data, kind):
        found = Findings(ref)
        code = CODES[1] if kind is Kind.ITEM else CODES[0]
        sentence = f"No free number can be made for {kind.label} {record.name[:60]}."
        found.problem(code, f"{kind}:{record.id}", sentence, place=place_of(ref))
        draft.problems += found.problems
        draft.stays(found, code, f"{kind}:{record.id}", sentence, record)
        draft.counts["blocked"] += 1
        return
    field = FIELD[kind]
    after = msgspec.structs.replace(record, **{field: number})
    draft.operations.append(
        writing(
            data,
            draft.plan,
            kind,
            Verb.UPDATE,
            record.id,
            record.name[:200],
            body=records.encode(after),
            basis=Basis(fingerprint=records.fingerprint(record)),
            changes=(Change(field, "", number),),
            rungs={field: rung},
        )
    )
    draft.counts["update"] += 1


async def unasked(ports: Ports, data: PairData, draft: Draft, promised: Promised) -> None:
    """Add to a plan the numbers that its pair makes with each plan, for what is stopped by their lack alone.

    What other organisations of the same plan were promised is neither given twice nor made anew. A source that
    gives none just then is told by the problems that stay.
    """
    if not data.policy.generate_unasked:
        return
    for kind in KINDS:
        if not data.policy.generate.get(kind.value) or not data.policy.syncs(kind):
            continue
        try:
            given = await numbers(ports, data, kind, promised=promised)
        except SyncError as trouble:
            ports.log.warning("no numbers made", kind=kind.value, reason=trouble.sentence)
            continue
        wanted = {p.record.id for p in draft.problems if p.record.kind is kind and p.code in CODES}
        for record in lacking(data, kind):
            if given.get(record.id) and record.id in wanted:
                promised.add(kind, record.id, given[record.id])
                _one(draft, data, kind, record, given[record.id], rung_of(data, kind))


async def written(ports: Ports, plan: Plan) -> bool:
    """Whether a plan's run wrote numbers into the source, so that what waited for them can go on."""
    async with ports.ledger.read() as tx:
        done = await ports.ledger.work.find(tx, plan=plan.id, side=Side.SOURCE, states=DONE)
    return any(numbered(done))


async def wanting(ports: Ports, plan: Plan) -> list[str]:
    """The organisations in which something may wait for the numbers of a plan: its own, and those that lack some."""
    db = await ports.book.read()
    paired = [p.tenant for p in db.pairs(plan.connection) if (t := db.tenant(p.tenant)) is not None and t.connection]
    lacks: set[str] = set()
    async with ports.ledger.read() as tx:
        for code in CODES:
            lacks |= {
                p.record.tenant for p in await ports.ledger.problems.open(tx, connection=plan.connection, code=code)
            }
    return [*plan.tenants, *(tenant for tenant in paired if tenant in lacks and tenant not in plan.tenants)]


__all__ = [
    "CODES",
    "FIELD",
    "KINDS",
    "Promised",
    "check",
    "draft",
    "fault",
    "following",
    "lacking",
    "made",
    "numbers",
    "unasked",
    "wanting",
    "written",
]
