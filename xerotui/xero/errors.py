"""What Xero's answers mean when they are no answer to the question: a sentence, a remedy, Xero's correlation id."""

import msgspec

from xerotui.model.problems import SyncError
from xerotui.net.http import BadAnswer, Response


class XeroError(SyncError):
    """Xero refused or can't serve; `correlation` is what Xero's support asks for, `said` Xero's own words."""

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
    """Xero is down, in maintenance, or has this organisation offline."""


class TooLarge(XeroError):
    """A body over the size that Xero takes: split the call."""


class _Problem(msgspec.Struct):
    """The body of 401 and 403 (`Title`, `Detail`) and of 400 (`Type`, `Message`): xero-api section 7."""

    Type: str | None = None
    Title: str | None = None
    Detail: str | None = None
    Message: str | None = None


def correlation_of(response: Response) -> str:
    """Xero's id of this exchange, blank where there is none."""
    return response.headers.get("xero-correlation-id", "")


def words_of(response: Response) -> str:
    """What an error answer says, from JSON or plain text; at most 500 printable characters."""
    try:
        problem = response.json(_Problem)
        words = problem.Detail or problem.Message or problem.Title or problem.Type or ""
    except BadAnswer:
        words = "" if "html" in response.headers.get("content-type", "") else response.text()
    return "".join(c if c.isprintable() else " " for c in words).strip()[:500]


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
        return NotFound(f"Xero has no {what}.", code="xero.not_found", correlation=correlation, status=status)
    if status >= 500 and status != 501:
        remedy = "Try again in a few minutes."
        if "organisation is offline" in said.lower():
            remedy = "Xero has taken this organisation offline for a while: try again in five minutes."
        return Unavailable(
            f"Xero can't serve {what} now ({status}).",
            remedy,
            code="xero.unavailable",
            said=said,
            correlation=correlation,
            status=status,
        )
    return Refused(
        f"Xero refuses to list {what} ({status}): {said or 'no reason given'}",
        "This is a fault of XeroTUI, or Xero changed: report it with the correlation id.",
        code="xero.refused",
        said=said,
        correlation=correlation,
        status=status,
    )
