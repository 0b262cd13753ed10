"""A login in the making: what is kept of it until it is saved, and what its refusals are called."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from xerotui.model.problems import SyncError
from xerotui.net.oauth import OAuthError, TokenSet
from xerotui.workspace.base import NOT_CONNECTED
from xerotui.workspace.forms import filled
from xerotui.workspace.login_pages import ScopeRow
from xerotui.xero import scopes
from xerotui.xero.connections import XeroSettings

# What the protocol calls it, and the stable code of the refusal.
CODES = {
    "access_denied": "xero.access_denied",
    "code_refused": "xero.code_refused",
    "state_mismatch": "xero.state_mismatch",
    "no_code": "xero.no_address",
    "no_address": "xero.no_address",
    "own_address": "xero.no_address",
    "invalid_client": "xero.client_refused",
    "unauthorized_client": "xero.client_refused",
    "invalid_request": "xero.client_refused",
    "unsupported_response_type": "xero.client_refused",
    "invalid_scope": "xero.scope_refused",
}


class Pending(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A login in the making; kept in the vault, because it may be finished by another process.

    `used` is the mark of the code that brought `tokens`, `tried` those of codes that were refused.
    """

    name: str
    settings: dict[str, str]
    secrets: dict[str, str] = {}
    begun: dt.datetime
    state: str = ""
    verifier: str = ""
    tokens: TokenSet | None = None
    used: str = ""
    tried: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Pending({self.name!r})"

    def filled(self) -> XeroSettings:
        """The settings with their secrets."""
        settings = filled(XeroSettings, {**self.settings, **self.secrets})
        assert isinstance(settings, XeroSettings)
        return settings

    @property
    def granted(self) -> str:
        """What the login may do; an answer that doesn't say has granted what was asked for (RFC 6749 section 5.1)."""
        if self.tokens is None:
            return ""
        return " ".join(self.tokens.scope.split()) or self.filled().wanted_scopes


def pending_name(connection: str) -> str:
    """Where the vault keeps a connection's login in the making."""
    return f"xero/{connection}/pending"


def tokens_name(connection: str) -> str:
    """Where the vault keeps a connection's tokens."""
    return f"xero/{connection}/tokens"


@asynccontextmanager
async def refusals(settings: XeroSettings) -> AsyncIterator[None]:
    """Give what Xero's identity service refuses its stable code, and name the setting at fault.

    Raises SyncError.
    """
    try:
        yield
    except OAuthError as error:
        code = CODES.get(error.code, "core.login")
        remedy = error.remedy
        if error.code == "invalid_scope" and (old := scopes.retired(settings.wanted_scopes)):
            instead = "; ".join(f"{scope} (now {scopes.RETIRED[scope]})" for scope in old)
            remedy = f"Xero has retired {instead}. Correct the scopes in the settings, or leave them blank."
        elif code == "xero.client_refused":
            redirect = f", redirect address {settings.redirect_uri}" if settings.kind != "custom" else ""
            remedy = f"{remedy} Set here: kind {settings.kind}{redirect}."
        raise SyncError(error.sentence, remedy, code=code, exit_code=NOT_CONNECTED) from None


def scope_rows(granted: str, kind: str) -> tuple[ScopeRow, ...]:
    """Granted held against needed, as screens show it; nothing where it isn't known what was granted."""
    if not granted:
        return ()
    return tuple(
        ScopeRow(
            feature=grant.need.feature,
            scopes=grant.need.scopes,
            granted_by=grant.by,
            costs=grant.need.costs,
            essential=grant.need.essential,
        )
        for grant in scopes.held_against(granted, custom=kind == "custom")
    )
