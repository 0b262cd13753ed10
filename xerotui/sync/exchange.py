"""Whose exchange rate a document in a foreign currency gets, and what it comes to in the organisation's own (M12)."""

from decimal import Decimal

from xerotui.model.money import exponent, rounded
from xerotui.model.postings import DocumentPosting, decode
from xerotui.model.records import Document
from xerotui.sync.findings import Findings
from xerotui.sync.pair import PairData

XERO = "xero"


def rate_of(data: PairData, document: Document, currency: str, found: Findings) -> Decimal | None:
    """The rate that is sent: so many units of the currency for one of the base; None leaves it to Xero's day rate.

    A document that is in Xero already keeps the rate that it was sent with.
    """
    if currency == data.organisation.base_currency:
        return None
    rate, base = document.currency_rate, document.rate_base
    if data.policy.rate != XERO and rate and base in ("", data.organisation.base_currency):
        found.value("currency_rate", "source")
        return rate
    if data.policy.rate != XERO and rate:
        found.value("currency_rate", f"Xero's rate of the day: the source's own is against {base}")
    link = data.link(document.kind, document.id)
    if link is not None and link.posting:
        sent = decode(link.posting)
        return sent.currency_rate if isinstance(sent, DocumentPosting) else None
    return None


def base_amount(data: PairData, posting: DocumentPosting, found: Findings) -> None:
    """Say beside the total what it comes to in the base currency; of Xero's day rate the last one that was seen."""
    base = data.organisation.base_currency
    if posting.currency == base or not base:
        return
    if posting.currency_rate:
        words = f"at {_plain(posting.currency_rate)} {posting.currency} for 1 {base}"
        found.value("total", f"{_in_base(posting.total, posting.currency_rate, base)} {base} {words}")
        return
    seen = [
        (d.date, d.currency_rate)
        for d in data.xero_documents.get(posting.kind, {}).values()
        if d.currency == posting.currency and d.currency_rate and d.date
    ]
    if not seen:
        found.value("total", f"in {base} at Xero's rate of the day")
        return
    day, rate = max(seen)
    about = _in_base(posting.total, rate, base)
    found.value("total", f"about {about} {base}: Xero's rate of the day, on {day.isoformat()} {_plain(rate)}")


def _in_base(total: Decimal, rate: Decimal, base: str) -> Decimal:
    return rounded(total / rate, exponent(base))


def _plain(rate: Decimal) -> str:
    return format(rate.normalize(), "f")
