"""Imports from Xero into a source: three piles (one exact hit, unclear, none), then a plan of links and creations."""

import msgspec

from xerotui.model import records
from xerotui.model.kinds import PARTIES, Kind, Trade
from xerotui.model.postings import Change, encode
from xerotui.model.problems import CORE, Place, Problem, RecordRef
from xerotui.model.records import Address, Item, Party, Record, Terms
from xerotui.model.work import Basis, Verb
from xerotui.sync.drift import version
from xerotui.sync.findings import Findings
from xerotui.sync.into_source import writing
from xerotui.sync.match import Fit, Match, item_for, party_for
from xerotui.sync.owning import source_account
from xerotui.sync.pair import ANY, TAX, PairData
from xerotui.sync.plan import Draft
from xerotui.sync.resolve_item import resolve_item
from xerotui.sync.resolve_party import resolve_party


class Piles(msgspec.Struct, frozen=True, kw_only=True):
    """How many records of a kind an import would find: already linked, exact, unclear, new."""

    in_xero: int
    linked: int
    exact: int
    unclear: int
    new: int


def candidates(data: PairData, kind: Kind) -> list[Record]:
    """What Xero has to offer for a kind: active contacts by their flags, items."""
    if kind is Kind.ITEM:
        return list(data.xero_items.values())
    contacts = [c for c in data.contacts.by_id.values() if c.status != "ARCHIVED"]
    if kind is Kind.SUPPLIER:
        return [c for c in contacts if c.is_supplier]
    # A contact that is neither yet, because nothing was billed: ours when it isn't known as a supplier.
    suppliers = data.linked(Kind.SUPPLIER)
    return [c for c in contacts if c.is_customer or not (c.is_supplier or c.id in suppliers)]


def match(data: PairData, kind: Kind, held: Record) -> Match[Party] | Match[Item]:
    """The source record that a Xero record is; records of another tenant are left alone (H10)."""
    if isinstance(held, Item):
        return item_for(held, [i for i in data.items.values() if i.tenant in ("", data.tenant)])
    assert isinstance(held, Party)
    mine = [p for (k, _), p in data.parties.items() if k is kind and p.tenant in ("", data.tenant)]
    return party_for(held, mine)


def piles(data: PairData, kind: Kind) -> Piles:
    """The sizes of the piles of one kind."""
    linked = data.linked(kind)
    offered = candidates(data, kind)
    fits = [match(data, kind, held).fit for held in offered if held.id not in linked]
    exact = fits.count(Fit.EXACT)
    new = fits.count(Fit.NONE)
    return Piles(
        in_xero=len(offered),
        linked=sum(1 for held in offered if held.id in linked),
        exact=exact,
        unclear=len(fits) - exact - new,
        new=new,
    )


def _source_value(data: PairData, spec: str, target: str, trade: Trade) -> str:
    """The source's value that is mapped to a Xero one here, that of this side of the books first; "" for none.

    So a record that is born in Xero goes back there as it came (H12).
    """
    hits = [m for m in data.mappings.values() if m.spec == spec and target and m.target == target and m.value != ANY]
    best = min(hits, key=lambda m: (m.trade != trade.value, m.value), default=None)
    return best.value if best is not None else ""


def _source_tax(data: PairData, tax_type: str, trade: Trade) -> str:
    return _source_value(data, TAX, tax_type, trade)


def unknown(data: PairData, kind: Kind) -> list[Record]:
    """What an organisation offers of a kind that is neither linked nor any record of the source."""
    linked = data.linked(kind)
    offered = (held for held in candidates(data, kind) if held.id not in linked)
    return [held for held in offered if match(data, kind, held).fit is Fit.NONE]


def as_source_record(data: PairData, kind: Kind, held: Record, group: str = "") -> Record:
    """The record that an import creates in the source: Xero's fields, the tenant, taxes by the mapping."""
    if isinstance(held, Party):
        sales = _source_tax(data, held.sales_tax, Trade.SALES) or _default_tax(data, Trade.SALES)
        purchase = _source_tax(data, held.purchase_tax, Trade.PURCHASE) or _default_tax(data, Trade.PURCHASE)
        return msgspec.structs.replace(
            held,
            id="",
            kind=kind,
            xero_id=held.id,
            tenant=data.tenant,
            modified=None,
            facts={},
            status="",
            sales_tax=sales,
            purchase_tax=purchase,
            balance=None,
        )
    assert isinstance(held, Item)
    return msgspec.structs.replace(
        held,
        id="",
        xero_id=held.id,
        tenant=data.tenant,
        modified=None,
        facts={},
        group=group,
        sales_account=source_account(data, held.sales_account, Trade.SALES),
        purchase_account=source_account(data, held.purchase_account, Trade.PURCHASE),
        sales_tax=_source_tax(data, held.sales_tax, Trade.SALES),
        purchase_tax=_source_tax(data, held.purchase_tax, Trade.PURCHASE),
    )


def _default_tax(data: PairData, trade: Trade) -> str:
    """The source tax of the organisation's usual rate: the highest mapped one of that side."""
    best = ""
    highest = None
    for mapping in data.mappings.values():
        rate = data.tax_rates.get(mapping.target)
        if mapping.spec != TAX or rate is None or rate.status != "ACTIVE":
            continue
        sales = "REVENUE" in rate.classes
        if sales == (trade is Trade.SALES) and (highest is None or rate.rate > highest):
            best, highest = mapping.value, rate.rate
    return best


# What a preview shows of a record, in the order in which a person reads it.
SHOWN = (
    "name",
    "number",
    "code",
    "first_name",
    "last_name",
    "email",
    "phone",
    "website",
    "tax_number",
    "address",
    "terms",
    "currency",
    "group",
    "description",
    "purchase_description",
    "sales_price",
    "purchase_price",
    "sales_account",
    "purchase_account",
    "sales_tax",
    "purchase_tax",
    "tenant",
    "xero_id",
)


def _changes(data: PairData, old: Record | None, new: Record) -> tuple[Change, ...]:
    """Old → new by field, as the preview shows it: rates, group and organisation by name."""
    out = []
    for name in SHOWN:
        after = _shown(data, name, new)
        before = _shown(data, name, old) if old is not None else ""
        if after and after != before:
            out.append(Change(name, before, after))
    return tuple(out)


def _shown(data: PairData, name: str, record: Record) -> str:
    held = getattr(record, name, None)
    if isinstance(held, Address):
        parts = (*held.lines, held.city, held.region, held.postcode, held.country)
        return ", ".join(part for part in parts if part)
    if isinstance(held, Terms):
        return f"{held.days}, {held.rule}"
    value = str(held if held is not None else "")
    if name.endswith("_tax") and value in data.source_taxes:
        return data.source_taxes[value].name
    return data.organisation.name if name == "tenant" and value == data.tenant else value


def _posting(data: PairData, record: Record, ref: RecordRef) -> bytes:
    """What the linked record would send now: the base of later comparisons; blank when it can't be resolved."""
    found = Findings(ref)
    if isinstance(record, Party):
        resolve_party(data, record, found)
    elif isinstance(record, Item):
        resolve_item(data, record, found)
    return encode(found.posting) if found.posting is not None and not found.blocked else b""


def _link(draft: Draft, data: PairData, kind: Kind, held: Record, mine: Party | Item, by: str) -> None:
    ref = RecordRef(connection=data.connection, kind=kind, id=mine.id, title=mine.name[:200], tenant=data.tenant)
    # An item that is offered to every organisation stays so.
    tenant = mine.tenant if kind is Kind.ITEM else data.tenant
    after = msgspec.structs.replace(mine, xero_id=held.id, tenant=tenant)
    draft.operations.append(
        writing(
            data,
            draft.plan,
            kind,
            Verb.ATTACH,
            mine.id,
            mine.name[:200],
            target=held.id,
            body=_posting(data, mine, ref),
            basis=Basis(fingerprint=records.fingerprint(mine), xero_version=version(held)),
            changes=_changes(data, mine, after),
            rungs={"xero_id": f"found by {by}"},
        )
    )
    draft.counts["link"] += 1


def _create(draft: Draft, data: PairData, kind: Kind, held: Record, group: str, verb: Verb) -> None:
    record = as_source_record(data, kind, held, group)
    draft.operations.append(
        writing(
            data,
            draft.plan,
            kind,
            verb,
            f"xero:{held.id}",
            held.name[:200],
            target=held.id,
            body=records.encode(record),
            basis=Basis(fingerprint=records.fingerprint(held), xero_version=version(held)),
            changes=_changes(data, None, record),
        )
    )
    draft.counts[verb.value] += 1


def draft_import(data: PairData, kind: Kind, plan: str, group: str = "", verb: Verb = Verb.CREATE) -> Draft:
    """Links for exact hits, creations for the rest, the unclear ones listed for a person (H9).

    `verb` says how a record gets into the source: created there, or handed over to its importer.
    """
    draft = Draft(plan)
    linked = data.linked(kind)
    for held in candidates(data, kind):
        if held.id in linked:
            draft.counts["unchanged"] += 1
            continue
        found = match(data, kind, held)
        if found.fit is Fit.NONE:
            _create(draft, data, kind, held, group, verb)
        elif found.fit is Fit.EXACT:
            if (kind, found.one.id) in data.links:
                draft.counts["unchanged"] += 1
            else:
                _link(draft, data, kind, held, found.one, found.by)
        else:
            _unclear(draft, data, kind, held, len(found.found))
    return draft


def _unclear(draft: Draft, data: PairData, kind: Kind, held: Record, hits: int) -> None:
    ref = RecordRef(
        connection=data.connection, kind=kind, id=f"xero:{held.id}", title=held.name[:200], tenant=data.tenant
    )
    subject = f"xero:{held.id}"
    sentence = f"{kind.label.capitalize()} {held.name[:80]} in Xero fits {hits} records of the source."
    args = {"connection": data.connection, "tenant": data.tenant, "kind": kind.value, "xero": held.id}
    draft.problems.append(
        Problem(
            code="core.import_ambiguous",
            subject=subject,
            record=ref,
            sentence=sentence,
            remedy=CORE["core.import_ambiguous"].remedy,
            place=Place("go.imports", args),
        )
    )
    draft.stays(Findings(ref), "core.import_ambiguous", subject, sentence)
    draft.counts["blocked"] += 1


IMPORTABLE = (*PARTIES, Kind.ITEM)
