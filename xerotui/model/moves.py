"""What moving a link would do, as the engine works it out and screens and commands show it."""

from decimal import Decimal

import msgspec

from xerotui.model.kinds import Kind


class Sum(msgspec.Struct, frozen=True):
    """Documents of one currency, and what they come to."""

    currency: str
    documents: int
    total: Decimal


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What a move would do. `to` is the contact's id, blank where the next plan finds or makes one.

    `stays` is in Xero under the former contact and stays, `goes` isn't there yet. With an `obstacle` it can't be done.
    """

    connection: str
    kind: Kind
    record: str
    title: str
    tenant: str
    tenant_name: str
    contact: str
    contact_name: str
    to_tenant: str
    to_tenant_name: str
    to: str
    to_name: str
    stays: tuple[Sum, ...] = ()
    goes: tuple[Sum, ...] = ()
    obstacle: str = ""
    remedy: str = ""
