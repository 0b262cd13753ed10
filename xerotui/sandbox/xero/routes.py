"""Every operation of the accounting API that is emulated, with the parameters it takes (xero-api section 2).

A table and nothing else: what isn't in it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from xerotui.sandbox.xero import batches, contacts, documents, groups, items, notes, payments, rates, settings, tracking
from xerotui.sandbox.xero.call import Call
from xerotui.sandbox.xero.doctypes import FAMILIES, Family
from xerotui.sandbox.xero.listing import get_list, get_one
from xerotui.sandbox.xero.listings import LISTINGS
from xerotui.sandbox.xero.pdf import PRINTED

Handler = Callable[[Call], Response]

_SETTINGS = ("accounting.settings",)
SCOPES: dict[str, tuple[str, ...]] = {
    "Invoices": ("accounting.invoices",),
    "CreditNotes": ("accounting.invoices",),
    "PurchaseOrders": ("accounting.invoices",),
    "RepeatingInvoices": ("accounting.invoices",),
    "Items": ("accounting.invoices", "accounting.settings"),
    "Payments": ("accounting.payments",),
    "BatchPayments": ("accounting.payments",),
    "Contacts": ("accounting.contacts",),
    "ContactGroups": ("accounting.contacts",),
    **dict.fromkeys(
        ("Accounts", "TaxRates", "TrackingCategories", "BrandingThemes", "Currencies", "Organisation"), _SETTINGS
    ),
}


@dataclass(frozen=True)
class Route:
    """One operation: verb, address, allowed parameters, handler."""

    method: str
    pattern: re.Pattern[str]
    endpoint: str
    params: frozenset[str]
    handler: Handler


def _route(method: str, path: str, handler: Handler, *params: str) -> Route:
    pattern = re.compile("/" + path.replace("{}", "([^/]+)") + "/?", re.IGNORECASE)
    return Route(method, pattern, path.partition("/")[0], frozenset(params), handler)


def _reading() -> list[Route]:
    found = [
        _route("GET", "Organisation", settings.organisation),
        _route("GET", "Organisation/Actions", settings.actions),
        _route("GET", "Invoices/{}/OnlineInvoice", notes.online_invoice),
    ]
    for plural, listing in LISTINGS.items():
        found.append(_route("GET", plural, get_list(plural), *listing.params))
        if plural != "Currencies":
            one = ("unitdp",) if "unitdp" in listing.params else ()
            found.append(_route("GET", f"{plural}/{{}}", get_one(plural), *one))
        if plural in PRINTED:
            found.append(_route("GET", f"{plural}/{{}}/pdf", get_one(plural)))
    for plural in ("Invoices", "CreditNotes", "PurchaseOrders", "Contacts", "Items", "Payments", "BatchPayments"):
        found.append(_route("GET", f"{plural}/{{}}/History", notes.history(plural, "GET")))
        found.append(_route("PUT", f"{plural}/{{}}/History", notes.history(plural, "PUT")))
    return found


def _documents(family: Family) -> list[Route]:
    one = ("unitdp",) if family.ledger else ()
    return [
        _route("PUT", family.plural, documents.put_many(family), "summarizeErrors", *one),
        _route("POST", family.plural, documents.post_many(family), "summarizeErrors", *one),
        _route("POST", f"{family.plural}/{{}}", documents.post_one(family), *one),
    ]


def _writing() -> list[Route]:
    found = [route for family in FAMILIES.values() for route in _documents(family)]
    return [
        *found,
        _route("POST", "Invoices/{}/Email", notes.email),
        _route("PUT", "CreditNotes/{}/Allocations", payments.allocate, "summarizeErrors"),
        _route("DELETE", "CreditNotes/{}/Allocations/{}", payments.deallocate),
        _route("PUT", "Contacts", contacts.put_many, "summarizeErrors"),
        _route("POST", "Contacts", contacts.post_many, "summarizeErrors"),
        _route("POST", "Contacts/{}", contacts.post_one),
        _route("PUT", "Items", items.put_many, "summarizeErrors", "unitdp"),
        _route("POST", "Items", items.post_many, "summarizeErrors", "unitdp"),
        _route("POST", "Items/{}", items.post_one, "unitdp"),
        _route("DELETE", "Items/{}", items.delete),
        _route("PUT", "Payments", payments.put_many, "summarizeErrors"),
        _route("POST", "Payments", payments.post_one),
        _route("POST", "Payments/{}", payments.delete),
        _route("PUT", "BatchPayments", batches.put_many, "summarizeErrors"),
        _route("POST", "BatchPayments", batches.delete),
        _route("POST", "BatchPayments/{}", batches.delete),
        _route("PUT", "ContactGroups", groups.put_many),
        _route("POST", "ContactGroups/{}", groups.post_one),
        _route("PUT", "ContactGroups/{}/Contacts", groups.put_members),
        _route("DELETE", "ContactGroups/{}/Contacts", groups.delete_members),
        _route("DELETE", "ContactGroups/{}/Contacts/{}", groups.delete_members),
        _route("PUT", "Accounts", settings.put_account),
        _route("POST", "Accounts/{}", settings.post_account),
        _route("DELETE", "Accounts/{}", settings.delete_account),
        _route("PUT", "TaxRates", rates.put),
        _route("POST", "TaxRates", rates.post),
        _route("PUT", "TrackingCategories", tracking.put_category),
        _route("POST", "TrackingCategories/{}", tracking.post_category),
        _route("DELETE", "TrackingCategories/{}", tracking.delete_category),
        _route("PUT", "TrackingCategories/{}/Options", tracking.put_option),
        _route("POST", "TrackingCategories/{}/Options/{}", tracking.post_option),
        _route("DELETE", "TrackingCategories/{}/Options/{}", tracking.delete_option),
        _route("PUT", "Currencies", settings.put_currency),
    ]


ROUTES = [*_reading(), *_writing()]
# These answer 204 and have nothing to say in any form.
SILENT = (items.delete, groups.delete_members, notes.email)
