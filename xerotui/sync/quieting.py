"""What of a pair's problems is none, once all of its records are known: nothing waits for the record."""

from typing import TYPE_CHECKING

from xerotui.model.kinds import Kind
from xerotui.model.records import Document

if TYPE_CHECKING:
    from xerotui.sync.resolve import Resolved


def quiet(resolved: "Resolved") -> None:
    """Let go the problems that are none, each record with the reason why it is left out."""
    _unneeded(resolved)
    _internal(resolved)
    _archived(resolved)


def _unneeded(resolved: "Resolved") -> None:
    """Problems of records that nobody asked for are no problems: an unused item offered to every tenant."""
    needed = {(k, i) for f in resolved.documents.values() for k, i in f.waits}
    for kind, id in resolved.on_demand:
        if (kind, id) in needed:
            continue
        found = resolved.item_findings[id] if kind is Kind.ITEM else resolved.parties[(kind, id)]
        found.problems.clear()
        found.skip = ("core.excluded", "made when a document needs it")


def _party_kind(document: Document) -> Kind:
    return Kind.SUPPLIER if document.kind is Kind.PURCHASE_ORDER else Kind.CUSTOMER


def _archived(resolved: "Resolved") -> None:
    """A party that is inactive at the source and archived in Xero is as it should be, unless something waits for it."""
    waiting = {
        (Kind.SUPPLIER if kind is Kind.PURCHASE_ORDER else Kind.CUSTOMER, resolved.data.documents[(kind, id)].party)
        for (kind, id), found in resolved.documents.items()
        if not found.skip and resolved.data.link(kind, id) is None
    }
    for key, found in resolved.parties.items():
        archived = bool(found.problems) and all(p.code == "core.contact_archived" for p in found.problems)
        if archived and key not in waiting and not resolved.data.parties[key].active:
            found.problems.clear()
            found.skip = ("core.excluded", "inactive at the source and archived in Xero")


def _internal(resolved: "Resolved") -> None:
    """A contact without an account number is left out on purpose (H26); a problem only where a document needs it."""
    documents = (resolved.data.documents[key] for key, found in resolved.documents.items() if not found.skip)
    billed = {(_party_kind(document), document.party) for document in documents}
    for (kind, id), found in resolved.parties.items():
        numberless = [p for p in found.problems if p.code == "core.account_number_missing"]
        if (kind, id) not in billed and found.problems and numberless == found.problems:
            found.problems.clear()
            found.skip = ("core.excluded", "it has no account number, and nothing is billed to it")


__all__ = ["quiet"]
