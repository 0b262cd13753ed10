"""Payments back (M2): what was paid in Xero as the source is to be told, never twice, and credit never as money."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from xerotui.model import settling
from xerotui.model.kinds import Kind
from xerotui.model.postings import Change
from xerotui.model.records import Document
from xerotui.model.settling import PAID, PART, UNPAID, Laid, Settlement
from xerotui.model.work import Basis, Link, Operation, Verb
from xerotui.sync.drift import version
from xerotui.sync.into_source import writing
from xerotui.sync.pair import PairData

SETTLED = (Kind.INVOICE,)
# How a change reads whose payment was taken back in Xero.
TAKEN_BACK = "taken back"
_NOTHING = Decimal(0)
_OVER = ("VOIDED", "DELETED")


def settlement(held: Document, ours: frozenset[str] = frozenset()) -> Settlement:
    """How a document stands in Xero; payments of `ours` came from the source and don't come back to it."""
    paid, credited = held.amount_paid or _NOTHING, held.amount_credited or _NOTHING
    due = held.amount_due if held.amount_due is not None else (held.total or _NOTHING) - paid - credited
    settled = held.status == PAID.upper() or (due <= 0 and bool(paid or credited))
    return Settlement(
        xero_id=held.id,
        number=held.number,
        currency=held.currency,
        status=PAID if settled else PART if paid or credited else UNPAID,
        total=held.total or _NOTHING,
        paid=paid,
        credited=credited,
        due=due,
        paid_on=held.paid_on or max((s.date for s in held.settled if s.date), default=None) if settled else None,
        payments=tuple(
            Laid(id=s.id, amount=s.amount, date=s.date, reference=s.number)
            for s in sorted(held.settled, key=lambda s: s.id)
            if s.how == "payment" and s.id not in ours
        ),
    )


def news(held: Document, told: Settlement | None, ours: frozenset[str] = frozenset()) -> Settlement | None:
    """What the source is to be told of a document; None when it knows it, or when there was never anything to tell.

    A voided document is a matter of its own.
    """
    now = settlement(held, ours)
    if held.status in _OVER or (told is None and now.status == UNPAID):
        return None
    if told is None:
        return now
    there = {p.id for p in now.payments}
    gone = tuple(p for p in (*told.payments, *told.taken_back) if p.id not in there)
    if any(p.id not in {t.id for t in told.taken_back} for p in gone) and not _whole(held):
        # What a short list leaves out isn't taken back: it is told once the document was read in full.
        return None
    now = msgspec.structs.replace(now, taken_back=gone)
    return None if now == told else now


def _whole(held: Document) -> bool:
    """Whether the payments that a document lists are all that it says was paid."""
    return sum((s.amount for s in held.settled if s.how == "payment"), _NOTHING) == held.amount_paid


def operations(
    data: PairData, plan: str, told: dict[tuple[Kind, str], tuple[Settlement, str]], busy: set[tuple[Kind, str]]
) -> Iterator[Operation]:
    """What is to be written into the source, by document; `busy` ones have work of this sort under way."""
    ours = frozenset(link.xero_id for (kind, _), link in data.links.items() if kind is Kind.PAYMENT)
    for link in linked(data):
        key = (link.kind, link.record)
        document = data.documents.get(key)
        held = data.xero_documents[link.kind].get(link.xero_id)
        if held is None or document is None or key in busy or document.facts.get("voided"):
            continue
        before = told[key][0] if key in told else None
        if (now := news(held, before, ours)) is not None:
            yield _operation(data, plan, document, held, before, now)


def linked(data: PairData) -> Iterator[Link]:
    """The links of documents that payments are laid on, in one order."""
    for kind in SETTLED:
        for _, link in sorted((record, link) for (k, record), link in data.links.items() if k is kind):
            yield link


def _operation(
    data: PairData, plan: str, document: Document, held: Document, before: Settlement | None, now: Settlement
) -> Operation:
    party = data.party_of(document)
    return writing(
        data,
        plan,
        document.kind,
        Verb.SETTLE,
        document.id,
        document.number or held.number,
        party=party.name if party else document.name,
        target=held.id,
        body=settling.encode(now),
        basis=Basis(xero_version=version(held)),
        changes=changes(before, now),
        rungs={"status": "Xero"},
        currency=now.currency,
        total=now.paid,
    )


def changes(before: Settlement | None, now: Settlement) -> tuple[Change, ...]:
    """What becomes another, as a person reads it."""
    was = before or Settlement(xero_id=now.xero_id)
    found = [Change("status", was.status if before else "", _status(now))]
    for name in ("paid", "credited"):
        old, new = getattr(was, name), getattr(now, name)
        if old != new:
            found.append(Change(name, format(old, "f"), format(new, "f")))
    if now.paid_on != was.paid_on:
        found.append(Change("paid on", _day(was.paid_on), _day(now.paid_on)))
    known = {p.id for p in was.payments}
    found += [Change("payment", "", _laid(p, now.currency)) for p in now.payments if p.id not in known]
    over = {p.id for p in was.taken_back}
    found += [Change("payment", _laid(p, now.currency), TAKEN_BACK) for p in now.taken_back if p.id not in over]
    return tuple(found)


def takes_back(operation: Operation) -> bool:
    """True for what takes a payment away at the source that it was told of before."""
    return operation.verb is Verb.SETTLE and any(change.after == TAKEN_BACK for change in operation.changes)


def _status(now: Settlement) -> str:
    if now.status == PAID and now.by_credit:
        return "settled by credit alone" if not now.paid else "settled by payments and credit"
    return now.status


def _laid(payment: Laid, currency: str) -> str:
    return f"{format(payment.amount, 'f')} {currency} on {_day(payment.date) or 'an unknown day'}"


def _day(day: object) -> str:
    return str(day) if day else ""


__all__ = ["SETTLED", "changes", "linked", "news", "operations", "settlement", "takes_back"]
