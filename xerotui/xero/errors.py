"""What Xero's answers mean when they are no answer to the question: one small hierarchy with stable codes.

Each error keeps Xero's own words and its correlation id. What validation messages mean is in `messages`.
"""

import logging
from functools import cache
from typing import Any

from xerotui.model.problems import SyncError
from xerotui.net.http import BadAnswer, Response
from xerotui.xero.wire import messages

# World seconds to leave an organisation alone that Xero has taken offline (xero-api section 3).
OFFLINE_WAIT = 300.0
# Passing by themselves, or asked for in passing: nothing to look for in a log.
_QUIET = (404, 429)


class XeroError(SyncError):
    """Xero refused or can't serve; `correlation` is what Xero's support asks for, `said` Xero's own words.

    `status` is the HTTP status, 0 where there was no answer of that kind.
    """

    def __init__(
        self,
        sentence: str,
        remedy: str = "",
        *,
        code: str = "xero.error",
        exit_code: int = 2,
        said: str = "",
        correlation: str = "",
        status: int = 0,
    ) -> None:
        super().__init__(sentence, remedy, code=code, exit_code=exit_code)
        self.said = said
        self.correlation = correlation
        self.status = status


class AuthTrouble(XeroError):
    """The token, the scope or the access to this organisation is refused; nothing was done."""


class Paused(XeroError):
    """The connection's login is dead: nothing is asked of Xero before a person connected again."""


class Busy(XeroError):
    """Another process holds the refresh of this connection's tokens; try again."""


class NotFound(XeroError):
    """Xero has no such thing."""


class Refused(XeroError):
    """A read that Xero refuses as asked: trying again changes nothing."""


class Unavailable(XeroError):
    """Xero is down, in maintenance, or has this organisation offline.

    `seconds` of world time to leave it alone, 0 where the answer doesn't say.
    """

    seconds = 0.0


class Unsettled(XeroError):
    """A write whose outcome Xero didn't tell: look whether it was done before it is asked for again."""


REPORT = "This is a fault of XeroTUI, or Xero changed: report it"


class TooLarge(XeroError):
    """A body over the size that Xero takes: split the call."""


def correlation_of(response: Response) -> str:
    """Xero's id of this exchange, blank where there is none; at most 64 printable characters."""
    said = response.headers.get("xero-correlation-id", "")
    return "".join(c for c in said if c.isprintable())[:64]


@cache
def _log() -> Any:
    """The log of refusals, over the standard logger, so that nothing is written where nobody has configured one."""
    # Loaded with the first refusal: it takes as long as everything else that the client loads.
    import structlog

    return structlog.wrap_logger(
        logging.getLogger("xerotui.xero"),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def log_refusal(response: Response, method: str, path: str) -> None:
    """Note an answer that is none in the log, with what Xero's support asks for; never its body or the query."""
    if response.status >= 400 and response.status not in _QUIET:
        where = path.partition("?")[0][:200]
        _log().info(
            "xero refused", status=response.status, call=f"{method} {where}", correlation=correlation_of(response)
        )


def log_oddity(event: str, **facts: str | int) -> None:
    """Note in the log what is odd about Xero but stops nothing."""
    _log().info(event, **facts)


def offline(response: Response) -> float:
    """How many world seconds a 5xx asks to be left alone: five minutes where the organisation itself is offline."""
    return OFFLINE_WAIT if "organisation is offline" in words_of(response).lower() else 0.0


def words_of(response: Response) -> str:
    """What an error answer says, from JSON of any of Xero's shapes or plain text; at most 500 printable characters.

    Validation messages anywhere in it come before the general sentence above them (xero-api section 7).
    """
    try:
        body = response.json()
        words = "; ".join(messages(body) or messages(body, "Errors")) or _heading(body)
    except BadAnswer:
        words = "" if "html" in response.headers.get("content-type", "") else response.text()
    return "".join(c if c.isprintable() else " " for c in words).strip()[:500]


def _heading(body: Any) -> str:
    if not isinstance(body, dict):
        return ""
    return next((str(body[name]) for name in ("Detail", "Message", "Title", "Type") if body.get(name)), "")


def auth_trouble(response: Response) -> AuthTrouble:
    """What a 401 or 403 means.

    A missing scope is 401 with a header by one account and 403 by another (xero-api section 1.4), so both are read.
    """
    said = words_of(response)
    challenge = response.headers.get("www-authenticate", "").lower()
    if "scope" in challenge or "scope" in said.lower():
        code, sentence = "xero.scope", "The login lacks a permission that this needs."
        remedy = "Add the missing scope to the connection's settings and connect again; a login can't be widened."
    elif response.status == 401:
        code, sentence, remedy = "xero.token", "Xero doesn't accept the login.", "Connect again."
    else:
        code, sentence = "xero.tenant", "Xero gives no access to this organisation."
        remedy = "It may have been disconnected in Xero, or the user lost access: check Tenants, then connect again."
    correlation = correlation_of(response)
    return AuthTrouble(
        sentence, remedy, code=code, exit_code=3, said=said, correlation=correlation, status=response.status
    )


def read_trouble(response: Response, what: str) -> XeroError:
    """The error for a read that wasn't answered with 200; `what` names the thing asked for."""
    if response.status in (401, 403):
        return auth_trouble(response)
    said, correlation, status = words_of(response), correlation_of(response), response.status
    if status == 404:
        return NotFound(
            f"Xero has no {what}.",
            "It may have been deleted or merged: read both sides again.",
            code="xero.not_found",
            said=said,
            correlation=correlation,
            status=status,
        )
    if status >= 500 and status != 501:
        return _unavailable(response, what)
    code, sentence = "xero.refused", f"Xero refuses to list {what} ({status})"
    remedy = f"{REPORT} with Xero's correlation id {correlation}." if correlation else f"{REPORT}."
    if status == 412:
        remedy = "Something between here and Xero changes the request: look at proxies and their TLS settings."
    elif status == 413:
        code = "xero.too_large"
    elif status in (405, 501):
        code, sentence = "xero.unsupported", f"Xero has no such call for {what} ({status})"
    return Refused(
        f"{sentence}: {said or 'no reason given'}",
        remedy,
        code=code,
        said=said,
        correlation=correlation,
        status=status,
    )


def _unavailable(response: Response, what: str) -> Unavailable:
    seconds = offline(response)
    code, sentence = "xero.unavailable", f"Xero can't serve {what} now ({response.status})."
    remedy = "Try again in a few minutes."
    if seconds == OFFLINE_WAIT:
        code, sentence = "xero.offline", f"Xero has taken this organisation offline ({response.status})."
        remedy = "It does so for a while only: try again in five minutes."
    error = Unavailable(
        sentence,
        remedy,
        code=code,
        exit_code=3,
        said=words_of(response),
        correlation=correlation_of(response),
        status=response.status,
    )
    error.seconds = seconds
    return error


def write_trouble(response: Response, what: str, said: tuple[str, ...] = ()) -> XeroError:
    """The error for a write outside a plan that wasn't done; `what` names it, `said` are its validation messages.

    A 5xx says nothing about what was done (xero-api section 7): Unsettled.
    """
    if response.status in (401, 403):
        return auth_trouble(response)
    correlation, status = correlation_of(response), response.status
    if status >= 500 and status != 501:
        return Unsettled(
            f"Xero didn't say whether it did this: {what} ({status}).",
            "Read the organisation again and look before you ask again.",
            code="xero.unsettled",
            said=words_of(response),
            correlation=correlation,
            status=status,
        )
    words = "; ".join(said) or words_of(response) or "no reason given"
    code = {404: "xero.not_found", 405: "xero.unsupported", 413: "xero.too_large", 501: "xero.unsupported"}
    type_ = NotFound if status == 404 else Refused
    return type_(
        f"Xero refused this: {what}. It said: {words}",
        "Do what Xero says, then ask again.",
        code=code.get(status, "xero.invalid"),
        said=words,
        correlation=correlation,
        status=status,
    )
