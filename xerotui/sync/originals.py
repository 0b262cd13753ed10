"""What a credit has to do with the invoice that it credits before either is planned."""

from collections.abc import Mapping

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.records import Document
from xerotui.sync.findings import Findings
from xerotui.sync.pair import PairData

# Of what of a credit isn't laid on an invoice; no trouble of the credit's own.
UNALLOCATED = "core.credit_unallocated"


def wait_for_original(
    data: PairData, documents: Mapping[tuple[Kind, str], Findings], document: Document, found: Findings
) -> None:
    """A credit waits for the invoice that it credits while that is stopped, under the same cause: one fix frees both.

    `documents` are the findings so far, invoices before credits. Where the original never comes (left out on purpose,
    unknown at the source), or either is in Xero already, nothing is waited for.
    """
    if document.kind is not Kind.CREDIT_NOTE or not document.credits:
        return
    original = documents.get((Kind.INVOICE, document.credits))
    if original is None or original.skip or not original.blocked:
        return
    if data.link(Kind.CREDIT_NOTE, document.id) or data.link(Kind.INVOICE, document.credits):
        return
    for problem in original.problems:
        if problem.blocks and all(p.cause != problem.cause for p in found.problems):
            sentence = f"Waits for invoice {original.ref.title[:60]}, which it credits: {problem.sentence}"
            found.problems.append(msgspec.structs.replace(problem, record=found.ref, sentence=sentence))


__all__ = ["UNALLOCATED", "wait_for_original"]
