"""An invoice or purchase order becomes a Xero document: contact, dates, status, lines, predicted totals."""

import calendar
import datetime as dt

import msgspec

from xerotui.model.kinds import Kind, Trade
from xerotui.model.money import totals
from xerotui.model.postings import DocumentPosting, PostingLine
from xerotui.model.problems import Problem
from xerotui.model.records import Document, Party, Terms
from xerotui.sync import checks, exchange, former, numbering, overriding
from xerotui.sync.findings import Findings
from xerotui.sync.pair import PairData, code_key
from xerotui.sync.readiness import needs_switched_off
from xerotui.sync.resolve_line import resolve_line
from xerotui.sync.resolve_party import place_of

STATUSES = ("DRAFT", "SUBMITTED", "AUTHORISED")
# xero-api section 9.8.
REFERENCE_LIMIT = 255


def due_date(date: dt.date, terms: Terms | None) -> dt.date | None:
    """The due date by payment terms; days of the month are clipped to its length (halo-api section 8.2)."""
    if terms is None:
        return None
    if terms.rule == "DAYSAFTERBILLDATE":
        return date + dt.timedelta(days=terms.days)
    if terms.rule == "DAYSAFTERBILLMONTH":
        last = date.replace(day=calendar.monthrange(date.year, date.month)[1])
        return last + dt.timedelta(days=terms.days)
    year, month = date.year, date.month
    if terms.rule == "OFFOLLOWINGMONTH":
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return dt.date(year, month, min(max(terms.days, 1), calendar.monthrange(year, month)[1]))


def _contact(data: PairData, document: Document, found: Findings, parties: dict[tuple[Kind, str], Findings]) -> str:
    """The Xero id of the document's contact; "" when it is to be made first, or when a problem says why not."""
    kind = Kind.SUPPLIER if document.kind is Kind.PURCHASE_ORDER else Kind.CUSTOMER
    party = data.parties.get((kind, document.party))
    if party is None:
        found.problem(
            "core.customer_missing",
            f"{kind}:{document.party}",
            f"The {kind.label} {document.party} of this document isn't at the source.",
        )
        return ""
    theirs = parties.get((kind, party.id))
    sent_to = data.link(kind, party.id)
    if sent_to is not None and theirs is not None and data.link(document.kind, document.id) and _archived(theirs):
        # What was sent before its contact was archived is none the worse for it.
        return former.contact_of(data, document, party, sent_to.xero_id)
    if theirs is not None and theirs.blocked:
        _inherit(theirs, found, party)
        return ""
    link = data.link(kind, party.id)
    if link is not None:
        contact = former.contact_of(data, document, party, link.xero_id)
        found.value("contact", "link" if contact == link.xero_id else "as sent, before the link was moved")
        return contact
    if party.tenant and party.tenant != data.tenant:
        found.problem(
            "core.tenant_missing",
            f"{kind}:{party.id}",
            f"{kind.label.capitalize()} {party.name[:80]} belongs to another organisation than this document.",
            place=place_of(found.ref),
        )
        return ""
    if not data.policy.syncs(kind):
        needs_switched_off(data, kind, party.name, found)
        return ""
    found.waits.append((kind, party.id))
    found.value("contact", "made by this plan")
    return ""


def _archived(theirs: Findings) -> bool:
    """True when nothing is wrong with a party but that its contact is archived in Xero."""
    return theirs.blocked and all(p.code == "core.contact_archived" for p in theirs.problems if p.blocks)


def _inherit(theirs: Findings, found: Findings, party: Party) -> None:
    """A document waits for its contact's own cause, so that one fix releases both (H13, B5)."""
    for problem in theirs.problems:
        if problem.blocks:
            sentence = f"Waits for {party.kind.label} {party.name[:60]}: {problem.sentence}"
            mine: Problem = msgspec.structs.replace(problem, record=found.ref, sentence=sentence)
            found.problems.append(mine)


def _status(data: PairData, document: Document, found: Findings) -> str:
    wanted = overriding.status(found) or document.status.upper()
    if wanted not in STATUSES:
        found.value("status", "default")
        wanted = data.policy.statuses.get(document.kind.value, "DRAFT")
    elif "status" not in found.rungs:
        found.value("status", "source")
    if wanted == "AUTHORISED":
        # H40: people expect that posting an invoice sends it.
        found.value("status", f"{found.rungs['status']}; Xero mails nothing by itself")
    return wanted


def _dates(data: PairData, document: Document, party: Party | None, found: Findings) -> tuple[dt.date, dt.date | None]:
    date = overriding.date(document, found)
    if date is None:
        found.problem("core.date_missing", f"{document.kind}:{document.id}", "The document has no date.")
        return dt.date.min, None
    checks.date_problem(data, date, found)
    if document.kind is Kind.CREDIT_NOTE:
        # A credit note falls due on no day.
        return date, None
    # One that was chosen may be later than the day on which the source has it due.
    due = document.due_date if document.due_date and (date == document.date or document.due_date >= date) else None
    found.value("due_date", "source" if due else "terms of the customer")
    return date, due or due_date(date, party.terms if party else None) or date


def resolve_document(
    data: PairData,
    document: Document,
    found: Findings,
    parties: dict[tuple[Kind, str], Findings],
    items: dict[str, Findings],
) -> None:
    """Fill `found` with the posting of a document, or with everything that stops it.

    `parties` and `items` are the findings of this pair's contacts and items: what blocks one of them blocks the
    document under the same cause, and what is made by the same plan is waited for.
    """
    trade = Trade.PURCHASE if document.kind is Kind.PURCHASE_ORDER else Trade.SALES
    found.chosen = overriding.chosen(data, document)
    party = data.party_of(document)
    contact = _contact(data, document, found, parties)
    date, due = _dates(data, document, party, found)
    number = numbering.number_of(data, document, found)
    overriding.stale(document, found)
    currency = document.currency
    if not currency:
        found.problem(
            "core.currency_missing", f"{document.kind}:{document.id}", "The document names no known currency."
        )
        currency = data.organisation.base_currency
    elif currency not in data.currencies and currency != data.organisation.base_currency:
        found.problem(
            "core.currency_missing",
            f"currency:{currency}",
            f"{data.organisation.name} doesn't have the currency {currency}.",
        )
    lines: list[PostingLine] = []
    for line in document.lines:
        # Counted as posted, so that rungs and posting speak of the same line.
        resolved = resolve_line(data, document, line, len(lines) + 1, trade, found, items)
        if resolved is not None:
            lines.append(resolved)
    sums = totals([x.priced() for x in lines if not x.heading], document.amounts, currency)
    found.posting = DocumentPosting(
        kind=document.kind,
        number=number,
        contact=contact,
        contact_name=party.name[:255] if party else "",
        date=date,
        due_date=due,
        currency=currency,
        currency_rate=exchange.rate_of(data, document, currency, found),
        amounts=document.amounts,
        reference=overriding.reference(document, found)[:REFERENCE_LIMIT],
        status=_status(data, document, found),
        theme=overriding.theme(data, document, found),
        lines=tuple(lines),
        subtotal=sums.subtotal,
        tax=sums.tax,
        total=sums.total,
    )
    exchange.base_amount(data, found.posting, found)


def check_document(data: PairData, document: Document, found: Findings, repeated: dict[tuple[Kind, str], int]) -> None:
    """The checks that need the whole posting, after plugins had their say: totals and numbers."""
    posting = found.posting
    if not isinstance(posting, DocumentPosting) or any(p.code == "core.tax_unmapped" for p in found.problems):
        return
    checks.total_problem(data, document, posting, found)
    if posting.number and repeated.get((posting.kind, code_key(posting.number)), 0) > 1:
        found.problem(
            "core.duplicate_number",
            f"number:{posting.kind}:{posting.number}",
            f"The source has more than one {posting.kind.label} of number {posting.number}.",
        )


__all__ = ["check_document", "due_date", "resolve_document"]
