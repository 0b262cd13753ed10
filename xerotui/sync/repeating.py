"""Templates by which Xero bills somebody itself whom the source bills as well: told before both send an invoice."""

import datetime as dt
from collections import Counter

from xerotui.model.kinds import Kind
from xerotui.model.records import Party, Repeating
from xerotui.sync.plan import Draft
from xerotui.sync.resolve import Resolved

CODE = "core.repeating_in_xero"
_UNITS = {"WEEKLY": "week", "MONTHLY": "month"}


def note(resolved: Resolved, today: dt.date) -> None:
    """Add to each customer whom the source bills what Xero bills it by itself; it stops nothing."""
    data = resolved.data
    billed = Counter(d.party for (kind, _), d in data.documents.items() if kind is Kind.INVOICE and not d.excluded)
    customers: dict[str, list[str]] = {}
    for (kind, id), found in resolved.parties.items():
        if kind is not Kind.CUSTOMER or not billed[id] or found.skip:
            continue
        link = data.link(kind, id)
        contact = link.xero_id if link else resolved.adopt.get((kind, id), "")
        if contact:
            customers.setdefault(contact, []).append(id)
    for template in data.repeating:
        if not template.runs(today):
            continue
        for id in customers.get(template.party, ()):
            found = resolved.parties[(Kind.CUSTOMER, id)]
            found.problem(
                CODE, f"repeating:{template.id}", words(template, data.parties[(Kind.CUSTOMER, id)]), blocks=False
            )


def words(template: Repeating, customer: Party) -> str:
    """One template beside the customer whom the source bills: how much, how often, when next."""
    unit = _UNITS.get(template.unit, template.unit.lower() or "time")
    every = f"every {unit}" if template.period == 1 else f"every {template.period} {unit}s"
    as_what = "as a draft" if template.status == "DRAFT" else "approved at once"
    coming = f", next on {template.next.isoformat()}" if template.next else ""
    called = f" ({template.reference[:40]})" if template.reference else ""
    return (
        f"Xero itself bills {customer.name[:80]} {template.total} {template.currency} {every}{called}, "
        f"{as_what}{coming}; the source bills this customer as well."
    )


def list_in(draft: Draft, resolved: Resolved) -> None:
    """Put what `note` found into the plan as rows of their own; nothing is done about them."""
    for (kind, id), found in resolved.parties.items():
        for problem in found.problems:
            if problem.code == CODE:
                draft.stays(found, CODE, problem.subject, problem.sentence, resolved.record(kind, id))
                draft.counts["repeats"] += 1


__all__ = ["CODE", "list_in", "note", "words"]
