"""Voids back (psa-sync-pain X20): what was voided or deleted in Xero and still stands at the source."""

from collections.abc import Iterator

from xerotui.model.kinds import Kind
from xerotui.model.postings import Change
from xerotui.model.records import Document
from xerotui.model.work import Basis, Link, Operation, Verb
from xerotui.store import Apart
from xerotui.store.backs import VOIDED
from xerotui.sync.drift import version
from xerotui.sync.into_source import writing
from xerotui.sync.pair import PairData
from xerotui.sync.plan import AT_SOURCE
from xerotui.sync.settle import REMOVED

VOIDABLE = (Kind.INVOICE,)
OVER = ("VOIDED", "DELETED")


def voided(data: PairData) -> Iterator[tuple[Link, Document, Document]]:
    """Linked documents that are over in Xero and not at the source, with what either side says, in one order."""
    for kind in (Kind.INVOICE, Kind.CREDIT_NOTE, Kind.PURCHASE_ORDER):
        for record, link in sorted((r, k) for (of, r), k in data.links.items() if of is kind):
            document, held = data.documents.get((kind, record)), data.xero_documents[kind].get(link.xero_id)
            if document is None or held is None or link.how == REMOVED:
                # What was removed in Xero because it left the source is another story.
                continue
            if held.status not in OVER or document.facts.get("voided"):
                continue
            yield link, document, held


def rows(data: PairData, *, can: bool) -> Iterator[Apart]:
    """Each of them, with what becomes of it."""
    on = data.policy.back.get("voids", False)
    for _, document, held in voided(data):
        if document.kind not in VOIDABLE or not can:
            next_ = "The source can't void it by its interface: do it there by hand."
        elif on:
            next_ = "A plan voids it at the source once a person approves that."
        else:
            next_ = "Nothing is done at the source: the pair's switch for voids is off."
        party = data.party_of(document)
        yield Apart(
            connection=data.connection,
            tenant=data.tenant,
            what=VOIDED,
            kind=document.kind,
            record=document.id,
            title=document.number or held.number,
            party=party.name if party else document.name,
            source="open",
            xero=held.status.lower(),
            why=f"It is {held.status.lower()} in Xero and still stands at the source. {next_}",
            currency=document.currency or held.currency,
            total=document.total,
            xero_id=held.id,
        )


def operations(data: PairData, plan: str, effect: str, busy: set[tuple[Kind, str]]) -> Iterator[Operation]:
    """The voids at the source; `effect` says what else they do there."""
    for _, document, held in voided(data):
        if document.kind not in VOIDABLE or (document.kind, document.id) in busy:
            continue
        party = data.party_of(document)
        yield writing(
            data,
            plan,
            document.kind,
            Verb.VOID,
            document.id,
            document.number or held.number,
            party=party.name if party else document.name,
            target=held.id,
            basis=Basis(xero_version=version(held)),
            changes=(Change("status", "open", "void"), *([Change(AT_SOURCE, "", effect)] if effect else [])),
            rungs={"status": f"{held.status.lower()} in Xero"},
            currency=document.currency or held.currency,
            total=document.total,
        )


__all__ = ["VOIDABLE", "operations", "rows", "voided"]
