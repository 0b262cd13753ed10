"""What is known of the connection to one organisation, as frozen values; they are filled by `connection`."""

import base64
import binascii
import datetime as dt

import msgspec

from xerotui.model.kinds import Kind
from xerotui.workspace.health import Failure
from xerotui.workspace.login_pages import ScopeRow
from xerotui.workspace.meters import UsageRow
from xerotui.workspace.pages import Finding

# Kinds that a start date is set for: documents, which carry a date.
STARTING = (Kind.INVOICE, Kind.CREDIT_NOTE, Kind.PURCHASE_ORDER)


class SignIn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The login behind a connection; instants are world time.

    `state` is connected, expiring, paused, none, app (custom connections: nothing can expire), unsaved or
    disconnected. `refreshed` is when its tokens were last renewed, `access_until` the end of the access token, `ends`
    when the login dies unless it is used (at any rate where nothing `renews` it), `days_left` the whole days until
    then. `why` says why it is dead, `remedy`
    what to do. `who` is whoever consented, as far as Xero's tokens tell, `consented` when they did.
    """

    kind: str
    state: str
    why: str = ""
    remedy: str = ""
    refreshed: dt.datetime | None = None
    access_until: dt.datetime | None = None
    ends: dt.datetime | None = None
    days_left: int | None = None
    renews: bool = True
    paused: dt.datetime | None = None
    who: str = ""
    consented: dt.datetime | None = None


class BudgetLine(msgspec.Struct, frozen=True, kw_only=True):
    """One window of calls; its oldest call leaves it at `resets`, Xero lets nothing through before `until`."""

    window: str
    used: int
    limit: int
    reserve: int = 0
    resets: dt.datetime | None = None
    until: dt.datetime | None = None

    @property
    def left(self) -> int:
        """Calls that may still be made."""
        return max(0, self.limit - self.used)


class Age(msgspec.Struct, frozen=True, kw_only=True):
    """When a kind was last read from the organisation; None where it never was."""

    kind: Kind
    read: dt.datetime | None


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """Webhooks as this connection has them: `state` is off (no key), silent (a key, no receiver) or listening.

    `last` is the last event of any organisation, `backlog` what waits to be read of this one.
    """

    state: str
    last: dt.datetime | None = None
    backlog: int = 0
    rejected: int = 0


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the organisation said of itself when it was last read; `demo` is None where it never was."""

    demo: bool | None = None
    legal_name: str = ""
    country: str = ""
    version: str = ""
    edition: str = ""
    status: str = ""
    timezone: str = ""
    base_currency: str = ""
    currencies: tuple[str, ...] = ()
    period_lock: dt.date | None = None
    year_lock: dt.date | None = None


class PairRow(msgspec.Struct, frozen=True, kw_only=True):
    """A source that syncs with the organisation: by whom it is set going, and from which day on, by kind."""

    source: str
    name: str
    mode: str
    start: dict[str, dt.date] = {}


class ConnectionReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known of one organisation's connection at a world instant.

    `ahead` is how many seconds our clock is before Xero's.
    `usage` is what calls cost today and this month, `app_usage` the same of the whole app, by which Xero bills.
    `may` and `may_not` are what the consenting user is allowed to do there, as read at `asked`.
    `poll_minutes` 0 means that a worker doesn't look for changes by itself. `findings` are worst first.
    """

    at: dt.datetime
    tenant: str
    name: str
    connection: str
    connection_name: str
    read_only: bool
    facts: Facts
    login: SignIn
    scopes: tuple[ScopeRow, ...]
    scopes_known: bool
    budgets: tuple[BudgetLine, ...]
    usage: UsageRow | None
    app_usage: UsageRow | None
    may: tuple[str, ...]
    may_not: tuple[str, ...]
    asked: dt.datetime | None
    last_good: dt.datetime | None
    failure: Failure | None
    failing: bool
    ahead: float | None
    webhooks: Hooks
    poll_minutes: int
    ages: tuple[Age, ...]
    pairs: tuple[PairRow, ...]
    worker: str
    findings: tuple[Finding, ...] = ()


# An instant beyond any calendar is no instant.
_FAR = 10**11


class _Claims(msgspec.Struct):
    """Those claims of an identity or access token that say who consented, and when (xero-api section 1.2)."""

    email: str = ""
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    preferred_username: str = ""
    xero_userid: str = ""
    auth_time: int = 0


def person(*tokens: str) -> tuple[str, dt.datetime | None]:
    """Who consented and when, out of the first token that tells; blank and None where none does.

    The tokens came from Xero itself over TLS; their signature isn't looked at, and nothing is decided by this.
    """
    seen = [claims for token in tokens if (claims := _claims(token)) is not None]
    when = next((dt.datetime.fromtimestamp(c.auth_time, dt.UTC) for c in seen if 0 < c.auth_time < _FAR), None)
    for claims in seen:
        name = claims.name or f"{claims.given_name} {claims.family_name}".strip()
        address = claims.email or claims.preferred_username
        if name or address:
            return (f"{name} <{address}>" if name and address else name or address), when
    user = next((c.xero_userid for c in seen if c.xero_userid), "")
    return (f"Xero user {user}" if user else ""), when


def _claims(token: str) -> _Claims | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(body, type=_Claims, strict=False)
    except (binascii.Error, ValueError, OverflowError):
        return None
