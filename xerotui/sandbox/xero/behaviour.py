"""What isn't known of Xero for sure, each as a switch (xero-api section 15); a client has to stand both ways.

Switches with their usual setting only; each is read where its rule lives.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any, Literal

import msgspec


class Behaviour(msgspec.Struct, forbid_unknown_fields=True):
    """One emulated Xero's way with what sources leave open or contradict each other in.

    ``windows``: limits count in a rolling window or in one that begins anew on the minute and day.
    ``appminute_retry_after``: whether a refusal for the whole app says how long to wait.
    ``refused_calls_count``: whether a call answered with 429 counts in the windows itself.
    ``failures_kept``: whether a 500 is answered again under its idempotency key, or the work is then done.
    ``key_conflict``: the form in which a key used for another request is refused; a bare one has a message only.
    ``ties``: which way half a penny is rounded; ``absorb_totals``: whether totals that were sent and are off by
    at most ten pence are taken with a rounding amount.
    ``order_moves``: the safe table of a purchase order's statuses, or any but out of DELETED; ``billed_by_api``:
    whether BILLED can be written. ``numbers_again``: whether the number of a voided or deleted invoice is free.
    ``due_date_from_terms``: whether an approved invoice without a due date gets one from its contact's terms.
    ``missing_scope``: the status for a login that lacks a scope. ``put_contact_updates``: whether PUT of a taken
    contact name changes that contact. ``custom_connections``: whether a custom connection may read /connections.
    ``connections_shuffled``: whether their order is another one at each call.
    ``names_vanish``: whether a contact name with < or > is answered with 200, a zero id and no error.
    ``address``, ``bytes`` and ``records``: the longest address, the largest body, the most records of one answer.
    ``query_number`` and ``body_number``: error numbers of an expression or a body that can't be read.
    """

    windows: Literal["rolling", "fixed"] = "rolling"
    appminute_retry_after: bool = True
    refused_calls_count: bool = False
    failures_kept: bool = True
    key_conflict: Literal["validation", "bare"] = "validation"
    ties: Literal["up", "even"] = "up"
    absorb_totals: bool = False
    order_moves: Literal["safe", "free"] = "safe"
    billed_by_api: bool = True
    numbers_again: bool = False
    due_date_from_terms: bool = False
    missing_scope: Literal[401, 403] = 401
    put_contact_updates: bool = False
    custom_connections: bool = True
    connections_shuffled: bool = False
    names_vanish: bool = False
    address: int = 16_000
    bytes: int = 3_500_000
    records: int = 100_000
    query_number: int = 16
    body_number: int = 14

    def change(self, body: Any) -> dict[str, Any]:
        """Turn switches and return all of them; msgspec.ValidationError for one that doesn't exist."""
        changed = msgspec.convert({**self.describe(), **body}, Behaviour)
        for name in self.__struct_fields__:
            setattr(self, name, getattr(changed, name))
        return self.describe()

    def describe(self) -> dict[str, Any]:
        """Return every switch with its setting."""
        return {name: getattr(self, name) for name in self.__struct_fields__}

    def rounded(self, amount: Decimal, places: int = 2) -> Decimal:
        """Return an amount that was worked out, with ``places`` decimals, ties as ``ties`` says."""
        ties = ROUND_HALF_UP if self.ties == "up" else ROUND_HALF_EVEN
        return amount.quantize(Decimal(1).scaleb(-places), rounding=ties)
