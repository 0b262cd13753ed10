"""Xero's limits: the windows of one app in one organisation, and how its throttle answers and counts read."""

from xerotui.net.clock import Clock
from xerotui.net.governor import Governor
from xerotui.net.http import HttpClient, Response
from xerotui.net.limits import Limits, Permits, Throttled, Window
from xerotui.xero.connections import XeroSettings

MINUTE, DAY, APP = "minute", "day", "appminute"
# Xero allows five (xero-api section 3); the fifth is left to whoever else uses the app.
IN_FLIGHT = 4
# What an app may make in a minute over all its organisations, and how much of it is never used.
APP_LIMIT, APP_SPARE = 10_000, 500
# Xero doesn't bill what it answers about the organisation itself (xero-api section 1.6).
UNMETERED = ("/Organisation",)
# From the Core tier on: calls a day, and the egress a month that it includes; the tiers above include more.
CORE_CALLS, CORE_BYTES = 5_000, 10_000_000_000
# World seconds to wait where a throttle answer doesn't say, by its window; a concurrent one passes by itself.
_SILENT: dict[str, float | None] = {MINUTE: 30.0, DAY: 3600.0, APP: 15.0, "concurrent": None}


def headroom(settings: XeroSettings) -> int:
    """How many of the calls a minute are never used: a twelfth, at least one."""
    return max(1, settings.minute_limit // 12)


def quota(settings: XeroSettings) -> int | None:
    """The bytes of answers that the app's tier surely includes a month; None where Xero doesn't meter them."""
    return None if settings.tier < CORE_CALLS else CORE_BYTES


def app_key(client_id: str) -> str:
    """The key under which all calls of one app are counted."""
    return f"xero:{client_id}"


def limits(settings: XeroSettings, tenant: str) -> tuple[str, Limits]:
    """The key that Xero counts by, and its windows.

    For people a fifth of the day and a twelfth of the minute are kept. The app's window is counted under the app's
    own key, so that all its organisations and logins fill the same one.
    """
    app = app_key(settings.client_id)
    spare = headroom(settings)
    windows = (
        Window(MINUTE, settings.minute_limit - spare, 60, reserve=min(spare, (settings.minute_limit - spare) // 2)),
        Window(DAY, settings.tier, 86_400, reserve=settings.tier // 5),
        Window(APP, APP_LIMIT - APP_SPARE, 60, reserve=APP_SPARE, key=app),
    )
    return f"{app}:{tenant}", Limits(windows, IN_FLIGHT, UNMETERED)


def throttled(response: Response) -> Throttled | None:
    """A 429, read from its headers: its body is empty."""
    if response.status != 429:
        return None
    window = response.headers.get("x-rate-limit-problem", "").strip().lower() or MINUTE
    try:
        return Throttled(window, max(0.0, float(response.headers["retry-after"])))
    except (KeyError, ValueError):
        return Throttled(window, _SILENT.get(window, 30.0))


async def correct(governor: Governor | None, settings: XeroSettings, response: Response) -> None:
    """Take over what Xero says is left of the windows, less our headroom.

    Only once half of a window is gone: before that nothing can go wrong, and each correction is a write.
    """
    if governor is None:
        return
    for window, header, limit, spare in (
        (MINUTE, "x-minlimit-remaining", settings.minute_limit, headroom(settings)),
        (DAY, "x-daylimit-remaining", settings.tier, 0),
        (APP, "x-appminlimit-remaining", APP_LIMIT, APP_SPARE),
    ):
        left = response.headers.get(header, "")
        if left.isdecimal() and int(left) < limit // 2:
            await governor.correct(window, max(0, int(left) - spare))


def governed(http: HttpClient, permits: Permits, settings: XeroSettings, tenant: str, clock: Clock) -> HttpClient:
    """The client through which one organisation is called, held to its limits."""
    key, windows = limits(settings, tenant)
    return http.governed(Governor(permits, key, windows, clock), throttled)
