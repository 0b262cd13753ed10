"""What differs between builds and tenants of Halo, as switches that tests turn while it runs."""

from __future__ import annotations

import msgspec


class Switches(msgspec.Struct, forbid_unknown_fields=True):
    """The build and the set-up that is emulated.

    ``hosted``: authinfo gives a tenant, and the token endpoint wants it. ``datesearch``: the newer build whose
    /Invoice filters by date. ``lastupdate``: /Client and /Site filter by lastupdatefromdate. ``pages_ignored``:
    entities whose list answers page 1 for every page_no. ``enveloped``: entities whose bare array comes
    as an object instead. ``denied``: entities whose single GET answers 401 although the list works.
    ``drops``: properties ("Invoice.xeroid") that a write silently doesn't keep. ``single_as_list`` and
    ``created_as_list``: a single GET, or the answer to a one-element POST, comes as a list. ``retry_after``:
    429 carries the header. ``hidden_order_fields``: order lines come without quantity and price.
    ``settings_scope``: the scope that guards taxes, lookups, currencies (empty: none).
    ``native_sync``: the entities ("invoices,clients") that Halo's own Xero sync sends (empty: it is off).
    ``numbers_as``: what NewAccountsId answers for an array of one: "row", "list", "text", or "none" (no such route).
    ``credit_sign``: where a credit has its minus: its lines' "quantity" or "price", or "none" (amounts above nought).
    ``charge_code_field``: the field of lookup 17 that holds the accounts code.
    ``deletes``: what DELETE /Tax answers: "row" (what it was), "empty" (204), or "refused" (a broken rule).
    ``tenant_moves``: the Xero tenant of a customer may be changed once it is set.
    ``payment_states``: /InvoiceStatus names them; older builds have no such list. ``payments_final``: a payment's
    amount can't be changed once it is made. ``void_rewinds``: what /Control says of tickets billed on an invoice that
    is voided: "yes", "no" or "" (nothing).
    """

    hosted: bool = True
    datesearch: bool = True
    lastupdate: bool = True
    pages_ignored: list[str] = msgspec.field(default_factory=lambda: ["Supplier"])
    enveloped: list[str] = []
    denied: list[str] = []
    drops: list[str] = []
    single_as_list: bool = False
    created_as_list: bool = False
    retry_after: bool = True
    hidden_order_fields: bool = False
    settings_scope: str = ""
    native_sync: str = ""
    charge_code_field: str = "value4"
    granted: str = "all"
    unlimited: bool = False
    page_cap: int = 0
    uncounted: bool = False
    short: list[str] = []
    junk: list[str] = []
    single_wrapped: bool = False
    created_ok: bool = False
    zulu: bool = False
    tracking_in: str = "name"
    payment_numbers: list[int] = []
    payment_states: bool = True
    payments_final: bool = False
    void_rewinds: str = "yes"
    numbers_as: str = "row"
    credit_sign: str = "quantity"
    deletes: str = "row"
    tenant_moves: bool = False
