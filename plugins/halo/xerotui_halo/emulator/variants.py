"""The ways in which a Halo may differ where nobody says for sure: one table, each entry a set of switches.

Everything that halo-api marks as unverified and that this plugin touches is here; tests go through all of them.
"""

from __future__ import annotations

from typing import Any

import msgspec

LEAST = (
    "read:customers edit:customers read:suppliers edit:suppliers read:items edit:items read:invoices edit:invoices "
    "read:pos edit:pos"
)
_KEPT = ("posted", "dateposted", "last_synced", "dont_sync_to_3rd_party", "xero_status", "thirdpartyinvoicenumber")


class Variant(msgspec.Struct, frozen=True):
    """One way to be: its name, where halo-api leaves it open, the switches, and the entities that it concerns.

    ``differs`` names what a reader can't know in it, as a field of a record or of a line.
    """

    name: str
    where: str
    switches: dict[str, Any]
    entities: tuple[str, ...]
    differs: tuple[str, ...] = ()


_CLIENT, _ORDER = ("Client",), ("PurchaseOrder",)
VARIANTS = (
    Variant("no_tenant_parameter", "2", {"hosted": False}, ("Tax",)),
    Variant("least_scopes", "2", {"granted": LEAST}, ("Tax", "Supplier")),
    Variant("no_limit", "3", {"unlimited": True}, ("Tax",)),
    Variant("no_retry_after", "3", {"retry_after": False}, ("Tax",)),
    Variant("paging_ignored", "4.1", {"pages_ignored": ["Client", "Supplier", "Item", "Invoice", "PurchaseOrder"]},
            ("Item", "Invoice")),
    Variant("short_pages", "4.1", {"page_cap": 7}, ("Item", "Invoice")),
    Variant("uncounted_lists", "4.1", {"uncounted": True}, ("Item", "Invoice")),
    Variant("enveloped_lists", "4.2",
            {"enveloped": ["Tax", "Currency", "AssetGroup", "Lookup", "ChargeRate", "XeroDetails"]}, ("Tax", "Item")),
    Variant("singles_as_list", "4.2", {"single_as_list": True}, _ORDER),
    Variant("singles_wrapped", "4.2", {"single_wrapped": True}, _ORDER),
    Variant("no_update_filter", "4.3", {"lastupdate": False}, _CLIENT),
    Variant("no_date_search", "4.4", {"datesearch": False}, ("Invoice",)),
    Variant("created_as_list", "5", {"created_as_list": True}, ("Supplier",)),
    Variant("created_with_200", "5", {"created_ok": True}, ("Supplier",)),
    *(Variant(f"new_numbers_{shape}", "5", {"numbers_as": shape}, ()) for shape in ("list", "text", "none")),
    Variant("dates_with_zone", "7", {"zulu": True}, ("Invoice", "Supplier")),
    Variant("item_link_not_kept", "7.4", {"drops": ["Item.third_party_id"]}, ("Item",)),
    Variant("tax_link_not_kept", "7.6", {"drops": ["Tax.xerotaxrate"]}, ("Tax",)),
    Variant("tax_removed_in_silence", "5", {"deletes": "empty"}, ("Tax",)),
    Variant("taxes_never_removed", "5", {"deletes": "refused"}, ("Tax",)),
    *(Variant(f"charge_code_in_{field}", "7.7", {"charge_code_field": field}, ("Lookup",))
      for field in ("value2", "value9")),
    Variant("invoice_fields_not_kept", "7.8", {"drops": [f"Invoice.{name}" for name in _KEPT]}, ("Invoice",)),
    Variant("invoice_link_not_kept", "7.8", {"drops": ["Invoice.xeroid"]}, ("Invoice",)),
    Variant("no_payment_states", "10", {"payment_states": False}, ()),
    Variant("payments_final", "5", {"payments_final": True}, ()),
    Variant("payment_link_not_kept", "7.9", {"drops": ["InvoicePayment.xero_id", "InvoicePayment.thirdpartyid"]},
            ()),
    Variant("void_says_nothing", "5", {"void_rewinds": ""}, ()),
    Variant("payment_numbers", "7.8", {"payment_numbers": [-1, 2, 5]}, ("Invoice",)),
    Variant("credit_sign_price", "7.8", {"credit_sign": "price"}, ("Credit",)),
    # A credit without an original is told from an invoice by its minus alone.
    Variant("credit_sign_none", "7.8", {"credit_sign": "none"}, ("Credit",), ("unlinked",)),
    Variant("tracking_in_lookup", "7.8", {"tracking_in": "lookup"}, ("Invoice",)),
    Variant("no_tracking", "10", {"tracking_in": "none"}, ("Invoice",), ("tracking", "tracked")),
    Variant("hidden_order_amounts", "7.9", {"hidden_order_fields": True}, _ORDER, ("unreadable",)),
    Variant("own_sync_on", "8.1", {"native_sync": "invoices,clients"}, ("Invoice",)),
)  # fmt: skip
