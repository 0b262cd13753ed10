"""Where Xero's OpenAPI files are known to be wrong or silent, each with the reason. Whatever isn't here is a defect.

An entry that nothing uses is a defect too: a test provokes every one of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.contract.openapi import Difference


@dataclass(frozen=True)
class Known:
    """A difference that is right, though the file doesn't say so; ``place`` and ``what`` are patterns of the whole."""

    side: str
    place: str
    what: str
    reason: str

    def fits(self, found: Difference) -> bool:
        """Return whether this entry explains ``found``."""
        return (
            self.side == found.side
            and re.fullmatch(self.place, found.place) is not None
            and re.fullmatch(self.what, found.what) is not None
        )


_RECORDED = "recorded from live organisations; the file's own examples have it as well, its schema doesn't"

KNOWN = (
    Known("answer", "Id|Status|ProviderName|DateTimeUTC", "unknown", f"the envelope: {_RECORDED}"),
    Known(
        "answer",
        r".*(Date|DateUTC|Arrival\w*)String",
        "unknown",
        f"text twins of dates (xero-api section 8): {_RECORDED}",
    ),
    Known("answer", r"(PurchaseOrders|Elements)\.(Type|HasErrors|IsDiscounted)", "unknown", f"orders: {_RECORDED}"),
    Known(
        "answer",
        r"(.*\.)?Options\.(HasValidationErrors|IsActive|IsArchived|IsDeleted)",
        "unknown",
        "flags of a tracking option, recorded from live organisations (xero-api section 9.6)",
    ),
    Known(
        "answer",
        "createdDateUtc|updatedDateUtc",
        "format",
        "connections have naive dates with seven decimals (xero-api section 1.5), as in the file's own example",
    ),
    Known(
        "answer",
        r"Elements\.ValidationErrors",
        "unknown",
        "every refused element says why (xero-api section 7), of whatever kind it is",
    ),
    Known(
        "answer",
        ".*",
        r"\w+ of a refused element",
        "a refused element echoes what was asked for, right or wrong (xero-api section 5.2)",
    ),
    Known(
        "answer",
        "status (401|403|404|412|413|415|429|500|501|503)",
        "unknown",
        "real, but the file documents little beside 200 and 400 (xero-api section 7)",
    ),
    Known("answer", "status 400", "unknown", "a bad filter is refused with 400 as well (xero-api section 6.3)"),
    Known(
        "answer",
        "status 406",
        "unknown",
        "the sandbox's own way of failing loudly where Xero would send XML (xero-api section 13)",
    ),
    Known("request", "address", "letters", "Xero documents /connections in small letters and minds no case"),
    Known(
        "request",
        "header if-modified-since",
        "format",
        "the file wants an offset; Xero wants plain seconds of UTC (xero-api section 6.2)",
    ),
    Known(
        "request",
        r"path \w+ID",
        "format",
        "a number or a code may stand where the file has an id (xero-api section 5.1)",
    ),
)

# What tests spoil in the sandbox on purpose, to see what becomes of a record that can't be read.
SPOILT = (Known("answer", r"Contacts\.EmailAddress", "type", "a contact whose address is a number"),)
