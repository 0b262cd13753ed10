"""Import of an organisation's tax rates into the source (H7): a diff first; removal is a step of its own (psa H2).

What is added belongs to the organisation alone. Removed is only what a person asked for: rates of no organisation that
nothing uses, never the zero rate.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from xerotui.model import records
from xerotui.model.kinds import Kind, Side, Trade
from xerotui.model.postings import Change
from xerotui.model.problems import RecordRef
from xerotui.model.records import Document, Item, Party, TaxRate
from xerotui.model.work import DONE, Basis, Operation, Plan, PlanKind, Verb
from xerotui.source.contract import Capability, Source
from xerotui.store import Db
from xerotui.store import Mapping as Mapped
from xerotui.sync import rates
from xerotui.sync.findings import Findings
from xerotui.sync.importing import Piles
from xerotui.sync.pair import TAX, PairData
from xerotui.sync.plan import Draft, new_id, source_lane
from xerotui.sync.ports import Ports
from xerotui.sync.pull import pull_source

# Words of a rate that a mapping uses, before the names of the organisations.
MAPPED = "mapped for"
# Begins the record id of what the source doesn't have yet.
BORN = "xero:"


def offered(data: PairData) -> list[TaxRate]:
    """The organisation's active rates, by name."""
    active = (rate for rate in data.tax_rates.values() if rate.status == "ACTIVE")
    return sorted(active, key=lambda rate: (rate.name.casefold(), rate.code))


def same(one: TaxRate, held: TaxRate, tenant: str) -> bool:
    """Whether a source's rate is that of Xero: by its own word, or as the organisation's own of equal name and rate.

    A rate of another organisation never is (H10).
    """
    if one.tenant not in ("", tenant):
        return False
    if one.linked_code:
        return one.linked_code == held.code
    equal = one.name.strip().casefold() == held.name.strip().casefold() and one.rate == held.rate
    return equal and one.tenant == tenant


def mapped(data: PairData, held: TaxRate) -> list[TaxRate]:
    """The source's rates that are mapped to a rate of Xero."""
    ids = sorted({m.value for m in data.mappings.values() if m.spec == TAX and m.target == held.code})
    return [data.source_taxes[id] for id in ids if id in data.source_taxes]


def known(data: PairData, held: TaxRate) -> TaxRate | None:
    """The rate of the source that a rate of Xero is already: mapped to it, or equal; the organisation's own first."""
    if there := mapped(data, held):
        return there[0]
    equal = [one for one in data.source_taxes.values() if same(one, held, data.tenant)]
    return min(equal, key=lambda one: (one.tenant != data.tenant, one.id), default=None)


def piles(data: PairData) -> Piles:
    """How many rates are mapped, there but not mapped yet, and new."""
    rates_ = offered(data)
    linked = sum(1 for held in rates_ if mapped(data, held))
    there = sum(1 for held in rates_ if known(data, held) is not None)
    return Piles(in_xero=len(rates_), linked=linked, exact=there - linked, unclear=0, new=len(rates_) - there)


def used_here(data: PairData) -> dict[str, str]:
    """What was read of the source and uses a rate, in words by the rate's id."""
    numbers: dict[str, dict[Kind, int]] = defaultdict(lambda: defaultdict(int))

    def note(kind: Kind, ids: Iterable[str]) -> None:
        for id in set(ids):
            numbers[id][kind] += 1

    everything: list[Party | Item | Document] = [*data.parties.values(), *data.items.values()]
    for record in [*everything, *data.documents.values()]:
        if isinstance(record, Document):
            note(record.kind, (line.tax_rate for line in record.lines if line.tax_rate))
        else:
            note(record.kind, (tax for tax in (record.sales_tax, record.purchase_tax) if tax))
    return {id: ", ".join(_counted(kind, n) for kind, n in kinds.items()) for id, kinds in numbers.items()}


def _counted(kind: Kind, n: int) -> str:
    return f"{n:,} {kind.label if n == 1 else kind.plural}"


async def used(ports: Ports, source: Source, data: PairData) -> dict[str, str]:
    """Everything that is known to use a rate that could be removed: mappings of any organisation, records, settings.

    Asks the source itself last, and only about what nothing else uses.
    """
    db = await ports.book.read()
    found: dict[str, list[str]] = defaultdict(list)
    for pair in db.pairs(data.connection):
        for mapping in db.mappings(data.connection, pair.tenant):
            if mapping.spec == TAX:
                document = db.tenant(pair.tenant)
                found[mapping.value].append(f"{MAPPED} {document.name if document else pair.tenant}")
    for id, words in used_here(data).items():
        found[id].append(f"used by {words}")
    told = {id: "; ".join(dict.fromkeys(words)) for id, words in found.items()}
    open_ = [rate.id for rate in removable(data) if rate.id not in told]
    return told | (dict(await source.uses(Kind.TAX_RATE, open_)) if open_ else {})


def removable(data: PairData) -> list[TaxRate]:
    """The rates of no organisation that aren't the zero rate, whether they are in use or not."""
    found = (rate for rate in data.source_taxes.values() if not rate.tenant and rate.rate)
    return sorted(found, key=lambda rate: (rate.name.casefold(), rate.id))


def cleans(source: Source) -> bool:
    """Whether the source lets rates be removed."""
    return source.can.has(Capability.REMOVE) and Kind.TAX_RATE in source.can.removable


def draft_taxes(data: PairData, plan: str, uses: Mapping[str, str] | None = None, verb: Verb = Verb.CREATE) -> Draft:
    """What an import adds, what is there already; with `uses` (a clean-up) also what goes and why the rest stays.

    `verb` says how a rate gets into the source: created there, or handed over to its importer.
    """
    draft = Draft(plan)
    for held in offered(data):
        there = known(data, held)
        if there is None:
            _add(draft, data, held, verb)
        else:
            _there(draft, data, held, there)
    if uses is not None:
        _clean(draft, data, uses)
    return draft


def _operation(draft: Draft, data: PairData, verb: Verb, record: str, title: str, **more: object) -> None:
    draft.operations.append(
        Operation(
            id=new_id("op"),
            plan=draft.plan,
            side=Side.SOURCE,
            lane=source_lane(data.connection),
            kind=Kind.TAX_RATE,
            verb=verb,
            connection=data.connection,
            tenant=data.tenant,
            record=record,
            title=title[:200],
            **more,  # type: ignore[arg-type]
        )
    )
    draft.counts[verb.value] += 1


def as_source_rate(data: PairData, held: TaxRate) -> TaxRate:
    """The rate that an import makes in the source: Xero's, of this organisation alone."""
    return TaxRate(
        id="",
        kind=Kind.TAX_RATE,
        name=held.name,
        tenant=data.tenant,
        code=held.code,
        linked_code=held.code,
        rate=held.rate,
    )


def _add(draft: Draft, data: PairData, held: TaxRate, verb: Verb) -> None:
    # What only goes into a file is mapped by a person, once the source lists it.
    trades = _trades(held) if verb is Verb.CREATE else []
    changes = (
        Change("name", "", held.name),
        Change("rate", "", rates.percent(held.rate)),
        Change("Xero tax type", "", held.code),
        Change("tenant", "", data.organisation.name),
        *(Change(f"mapping ({trade})", "", held.name) for trade in trades),
    )
    _operation(
        draft,
        data,
        verb,
        f"{BORN}{held.code}",
        held.name,
        target=held.code,
        body=records.encode(as_source_rate(data, held)),
        basis=Basis(fingerprint=records.fingerprint(held)),
        changes=changes,
    )


def _trades(held: TaxRate) -> list[Trade]:
    return [trade for trade in Trade if rates.serves(held, trade)]


def _there(draft: Draft, data: PairData, held: TaxRate, there: TaxRate) -> None:
    if mapped(data, held):
        draft.counts["unchanged"] += 1
        words = f"it is there as {there.name} ({there.id}) and mapped to it"
    else:
        words = f"it is there as {there.name} ({there.id}), not mapped yet: take the proposal on Tax mapping"
        draft.counts["skip"] += 1
    _stays(draft, data, f"{BORN}{held.code}", held.name, words)


def _clean(draft: Draft, data: PairData, uses: Mapping[str, str]) -> None:
    for rate in data.source_taxes.values():
        if not rate.tenant and not rate.rate:
            _stays(draft, data, rate.id, rate.name, "the zero rate is never removed")
            draft.counts["skip"] += 1
    wanted = {there.id: held for held in offered(data) if (there := known(data, held)) is not None}
    for rate in removable(data):
        why = uses.get(rate.id, "") or (f"it is {wanted[rate.id].name} of this one" if rate.id in wanted else "")
        if why:
            _stays(draft, data, rate.id, rate.name, f"of no organisation, but {why}: it stays")
            draft.counts["skip"] += 1
            continue
        changes = (Change("name", rate.name, ""), Change("rate", rates.percent(rate.rate), ""))
        basis = Basis(fingerprint=records.fingerprint(rate))
        _operation(
            draft, data, Verb.DELETE, rate.id, rate.name, body=records.encode(rate), basis=basis, changes=changes
        )  # fmt: skip


def _stays(draft: Draft, data: PairData, record: str, title: str, words: str) -> None:
    ref = RecordRef(
        connection=data.connection, kind=Kind.TAX_RATE, id=record, title=title[:200], tenant=data.tenant
    )  # fmt: skip
    draft.stays(Findings(ref), "core.excluded", f"tax:{record}", words)


async def map_imported(ports: Ports, plan: Plan) -> int:
    """Map the rates that an import made to those of Xero; how many were mapped. Repeating it changes nothing.

    Asked before the run counts as ended, so that a worker that is killed meanwhile leaves none unmapped. Raises
    SyncError where the source can't be read.
    """
    if plan.kind is not PlanKind.IMPORT or plan.options.get("kind") != Kind.TAX_RATE:
        return 0
    tenant = plan.tenants[0]
    async with ports.ledger.read() as tx:
        done = [o for o in await ports.ledger.work.find(tx, plan=plan.id, states=DONE) if o.verb is Verb.CREATE]
        targets = {
            r.code: r
            for r in await ports.ledger.snapshots.all(tx, Side.XERO, tenant, Kind.TAX_RATE)
            if isinstance(r, TaxRate)
        }
    if not done:
        return 0
    await pull_source(ports, plan.connection, (Kind.TAX_RATE,))
    edits = [
        Mapped(
            spec=TAX,
            connection=plan.connection,
            # The id that the source gave it.
            value=o.target,
            trade=trade.value,
            tenant=tenant,
            target=rate.code,
            target_title=rate.name,
            actor=plan.actor,
            at=ports.clock.now(),
        )
        for o in done
        if (rate := targets.get(o.record.removeprefix(BORN))) is not None
        for trade in _trades(rate)
    ]

    def write(db: Db) -> None:
        for one in edits:
            if db.mapping(TAX, one.connection, one.value, one.trade, one.tenant) is None:
                db.put_mapping(one)

    await ports.book.change(write)
    return len(edits)


__all__ = [
    "as_source_rate",
    "cleans",
    "draft_taxes",
    "known",
    "map_imported",
    "mapped",
    "offered",
    "piles",
    "same",
    "used",
]
