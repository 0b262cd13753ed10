"""What connecting Xero, its logins and disconnecting show, as frozen values; filled by the areas of this room."""

import datetime as dt

import msgspec


class XeroConsent(msgspec.Struct, frozen=True, kw_only=True):
    """A login that was begun: the address for the browser; a custom connection needs no code.

    `warnings` are sentences about what may go wrong at Xero with these settings.
    """

    connection: str
    url: str
    state: str
    redirect_uri: str
    needs_code: bool = True
    warnings: tuple[str, ...] = ()


class XeroTenantChoice(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation that a login reaches; `already` when it is connected here.

    `is_demo` is None where the organisation couldn't be asked, and `trouble` says why. `reached` False: it is
    connected here by this connection, but this login doesn't hold it. `kept` are links of it from before.
    """

    tenant: str
    name: str
    type: str = "ORGANISATION"
    already: bool = False
    is_demo: bool | None = None
    country: str = ""
    currency: str = ""
    trouble: str = ""
    reached: bool = True
    other: str = ""
    kept: int = 0


class ScopeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One permission that XeroTUI uses: any of `scopes` gives it, `granted_by` is the one that does ("" = none).

    `costs` is what doesn't work without it; `essential` ones stop the work.
    """

    feature: str
    scopes: tuple[str, ...]
    granted_by: str
    costs: str
    essential: bool = True


class XeroConnectionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One Xero connection: `state` is connected, unsaved, expired or signed out; `unsaved` a newer login waits."""

    connection: str
    name: str
    kind: str
    state: str
    unsaved: bool = False
    tenants: tuple[str, ...] = ()
    granted: str = ""
    consented: dt.datetime | None = None
    scopes: tuple[ScopeRow, ...] = ()


class Parted(msgspec.Struct, frozen=True, kw_only=True):
    """What a disconnection did: names of the organisations, and `at_xero`, what became of it there, as a sentence."""

    connection: str
    name: str
    tenants: tuple[str, ...]
    at_xero: str
    login_ended: bool = False
