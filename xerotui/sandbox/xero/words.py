"""Which refusals are in Xero's own words (xero-api section 7.1), so that the others can be told apart.

A client that is tested against the others has been tested against words that Xero never said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_OWN = re.compile(
    "|".join(
        (
            r"The contact name .* is already assigned to another contact\.",
            r"The contact number .* is already assigned|Another contact has this contact number",
            r"The Account Number already exists\.|The contact with the specified contact details has been archived\.",
            r"The specified contact details matched an archived contact\.|Unable to assign an Archived contact\.",
            r"The status '.*' is not valid for contacts|Contact Name cannot be empty\.",
            r"The Contact must contain at least 1 of|A Contact must be specified for this type of transaction",
            r"Email address must be valid|Website must be valid|Invoice # must be unique\.",
            r"Order number must be unique|PurchaseOrder status change is invalid|Deleted PurchaseOrders cannot be",
            r"Invoice not of valid (status|type) for (modification|creation)",
            r"This document cannot be edited as it has|The status VOIDED cannot be applied",
            r"One or more line items must be specified|The invoice total does not equal the sum",
            r"Account code (or ID )?must be specified|Account code '.*' (is not a valid code|has been)",
            r"The TaxType field is mandatory|The TaxType code .* (does not exist|cannot be used)",
            r"(Account|Tax rate) must be valid\.|The tax amount cannot be greater than|Item code .* is not valid",
            r"Price List Item with Code '.*' already exists|Price List Item Code must not be more than",
            r"The document date cannot be before|Unknown tracking details\.|Payment amount exceeds the amount",
            r"Payments can only be made against|Account could not be found|(Users )?Organisation is not subscribed",
            r"A currency rate must be specified|The discount rate '.*' is invalid\.|Only AUTHORISED ",
            r"Could not find line item\(s\)|An existing Credit Note with the specified CreditNoteID could not",
            r"Please enter a unique Name\.|You've reached the limit of 100 contact groups\.",
            r"You have reached the limit of invoices|The User specified does not have the correct permissions",
            r"The document with the supplied id was not found|Guid should contain 32 digits",
        )
    )
)


def ours(messages: Iterable[str]) -> list[str]:
    """Return those of the messages for whose words there is no source, each once."""
    return [text for text in dict.fromkeys(messages) if not _OWN.match(text)]
