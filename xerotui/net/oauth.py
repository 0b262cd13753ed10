"""OAuth 2.0 grants: the login URL, its callback, and what the token endpoint is asked. Storing tokens is not done here.

Authlib brings the protocol's parameters, PKCE and client authentication; the calls go through our own client.
"""

import datetime as dt
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from xerotui.model.problems import SyncError
from xerotui.net.http import BadAnswer, HttpClient, Response


class TokenSet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token endpoint gave; `expires_at` is a world instant in UTC."""

    access_token: str
    expires_at: dt.datetime
    refresh_token: str = ""
    scope: str = ""
    id_token: str = ""

    def __repr__(self) -> str:
        return f"TokenSet(expires_at={self.expires_at.isoformat()})"

    def fresh(self, now: dt.datetime, early: float = 0.0) -> bool:
        """True while the access token lives for more than `early` further seconds."""
        return now + dt.timedelta(seconds=early) < self.expires_at


class OAuthError(SyncError):
    """A login or token that is refused: `code` as the protocol names it, a sentence, a remedy.

    `terminal` means that asking again with the same values is pointless.
    """

    def __init__(self, code: str, sentence: str, remedy: str, *, terminal: bool, said: str = "") -> None:
        super().__init__(sentence, remedy, code=code, exit_code=3)
        self.terminal = terminal
        self.said = said


class ClientAuth(StrEnum):
    """How the client proves who it is at the token endpoint."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    NONE = "none"


class Authorisation(msgspec.Struct, frozen=True):
    """A login that was begun: the URL for the browser, and what must be kept until the callback."""

    url: str
    state: str
    verifier: str

    def __repr__(self) -> str:
        return "Authorisation(…)"


# RFC 6749 sections 4.1.2.1 and 5.2: sentence, remedy, terminal.
_REASONS: dict[str, tuple[str, str, bool]] = {
    "access_denied": ("The login was cancelled in the browser.", "Begin the login again and allow access.", True),
    "invalid_grant": (
        "The login has expired, was used already or was withdrawn.",
        "Connect again: a person has to log in.",
        True,
    ),
    "invalid_client": (
        "The client id or the secret is not accepted.",
        "Compare both with what the developer portal shows, then connect again.",
        True,
    ),
    "unauthorized_client": (
        "This app may not log in this way, or its redirect address differs.",
        "Compare app type and redirect address with the developer portal, letter by letter.",
        True,
    ),
    "invalid_scope": (
        "The app asks for a permission that it can't have.",
        "Correct the list of scopes in the connection's settings: one that is retired or not granted spoils them all.",
        True,
    ),
    "unsupported_response_type": (
        "This app may not log in this way.",
        "Choose the kind of app that the developer portal shows, then connect again.",
        True,
    ),
    "unsupported_grant_type": (
        "This app may not log in this way.",
        "Choose the kind of app that the developer portal shows, then connect again.",
        True,
    ),
    "invalid_request": ("The login request was refused as malformed.", "Check the connection's settings.", True),
    "server_error": ("The login service fails.", "Try again in a few minutes.", False),
    "temporarily_unavailable": ("The login service is busy.", "Try again in a few minutes.", False),
}


# The statuses with which a token endpoint itself refuses (RFC 6749 section 5.2).
STATUSES = (400, 401)


class _Answer(msgspec.Struct):
    access_token: str = ""
    refresh_token: str | None = None
    expires_in: float | None = None
    scope: str | list[str] | None = None
    id_token: str | None = None


class _Refusal(msgspec.Struct):
    error: str = ""
    error_description: str | None = None


class Grants:
    """One registered client at one authorisation server.

    `auth` defaults to Basic with a secret and to the id in the body without one (PKCE). `extra` goes into every token
    request. Methods raise OAuthError, or the client's NetError when no answer came.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        client_id: str,
        client_secret: str = "",
        token_url: str,
        authorize_url: str = "",
        revocation_url: str = "",
        redirect_uri: str = "",
        scopes: str = "",
        auth: ClientAuth | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self._http = http
        self._client_id = client_id
        self._client_secret = client_secret
        self._token_url = token_url
        self._authorize_url = authorize_url
        self._revocation_url = revocation_url
        self._redirect_uri = redirect_uri
        self._scopes = scopes
        self._auth = auth or (ClientAuth.BASIC if client_secret else ClientAuth.NONE)
        self._extra = dict(extra or {})

    def begin(self, **more: str) -> Authorisation:
        """Begin a login with PKCE (S256) and a fresh state; `more` goes into the query."""
        from authlib.common.security import generate_token
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        # Xero answers a short verifier with invalid_grant; 43 to 128 characters are allowed (xero-api section 1.2).
        state, verifier = generate_token(32), generate_token(64)
        url: str = prepare_grant_uri(
            self._authorize_url,
            self._client_id,
            "code",
            redirect_uri=self._redirect_uri,
            scope=self._scopes,
            state=state,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            **more,
        )
        return Authorisation(url, state, verifier)

    async def exchange(self, code: str, verifier: str) -> TokenSet:
        """The first tokens for a code, which works once and for a few minutes.

        A code that isn't taken is the OAuthError `code_refused`.
        """
        try:
            return await self._token(
                "authorization_code", redirect_uri=self._redirect_uri, code=code, code_verifier=verifier
            )
        except OAuthError as error:
            if error.code != "invalid_grant":
                raise
            raise OAuthError(
                "code_refused",
                "The code isn't taken: it is more than five minutes old, was used already, or was made for another app "
                "or redirect address.",
                "Open the address again, sign in, and come back with the new answer at once.",
                terminal=True,
                said=error.said,
            ) from None

    async def client_credentials(self) -> TokenSet:
        """A token for the app itself; there is no refresh token, ask again."""
        return await self._token("client_credentials", scope=self._scopes)

    async def refresh(self, refresh_token: str) -> TokenSet:
        """New tokens; where the answer brings no new refresh token the old one stays."""
        tokens = await self._token("refresh_token", refresh_token=refresh_token)
        return tokens if tokens.refresh_token else msgspec.structs.replace(tokens, refresh_token=refresh_token)

    async def revoke(self, refresh_token: str) -> None:
        """Withdraw a refresh token and every connection made with it."""
        from authlib.oauth2.rfc7009 import prepare_revoke_token_request

        body, headers = prepare_revoke_token_request(refresh_token, "refresh_token")
        response = await self._post(self._revocation_url, body, headers)
        if not response.ok:
            raise _refused(response)

    async def _token(self, grant_type: str, redirect_uri: str = "", **values: str) -> TokenSet:
        from authlib.oauth2.rfc6749.parameters import prepare_token_request

        body: str = prepare_token_request(grant_type, "", redirect_uri or None, **values, **self._extra)
        asked = self._http.clock.now()
        response = await self._post(self._token_url, body, {"Content-Type": "application/x-www-form-urlencoded"})
        if not response.ok:
            raise _refused(response)
        answer = response.json(_Answer, strict=False)
        if not answer.access_token:
            raise BadAnswer("a token answer without a token")
        scope = answer.scope if isinstance(answer.scope, str) else " ".join(answer.scope or ())
        # Half an hour where the answer doesn't say; counted from before the call, so that it never lasts too long.
        life = 1800.0 if answer.expires_in is None else answer.expires_in
        return TokenSet(
            access_token=answer.access_token,
            expires_at=asked + dt.timedelta(seconds=life),
            refresh_token=answer.refresh_token or "",
            scope=scope,
            id_token=answer.id_token or "",
        )

    async def _post(self, url: str, body: str, headers: dict[str, str]) -> Response:
        from authlib.oauth2.auth import ClientAuth as Authentication

        client = Authentication(self._client_id, self._client_secret, self._auth.value)
        url, headers, body = client.prepare("POST", url, headers, body)
        headers["Accept"] = "application/json"
        return await self._http.send("POST", url, headers=headers, content=body.encode(), timeout=20.0, urgent=True)


def code_from_callback(pasted: str, state: str) -> str:
    """The code out of what a person pasted: the whole callback address, its query, or the bare code.

    The name of an error, as the browser's page shows it, is taken for what it says. Raises OAuthError for a refusal
    in the callback, for an address of another login, for the address that was to be opened, and for what is neither
    an address nor a code.
    """
    from authlib.oauth2.rfc6749.errors import MismatchingStateException, MissingCodeException
    from authlib.oauth2.rfc6749.parameters import parse_authorization_code_response

    # Terminals wrap long addresses; neither a code nor a query holds blanks.
    text = "".join(pasted.split())
    if "://" not in text and "=" not in text:
        named = next((word for word in re.findall(r"[a-z_]+", pasted) if word in _REASONS), "")
        if named:
            raise _error(named, "")
        if " " in _LINES.sub("", pasted.strip()) or (text and "/" not in text and not _BARE.fullmatch(text)):
            raise _unreadable("no_address", "This is neither an address nor a code.")
        if text and "/" not in text:
            return text
    query = dict(parse_qsl(text.rpartition("?")[2].partition("#")[0]))
    if query.get("error"):
        raise _error(query["error"], query.get("error_description", ""))
    if "response_type" in query:
        raise _unreadable("own_address", "This is the address to be opened, not the one that the browser came to.")
    try:
        found: dict[str, Any] = parse_authorization_code_response(f"https://callback/?{urlencode(query)}", state)
    except MissingCodeException:
        raise _unreadable("no_code", "There is no code in this address.") from None
    except MismatchingStateException:
        raise OAuthError(
            "state_mismatch",
            "This address belongs to another login.",
            "Open the address that is shown now, and paste the one that the browser comes to from there.",
            terminal=True,
        ) from None
    return str(found["code"])


# A code is opaque, but without blanks between words; a line may be broken where a terminal wrapped it.
_LINES = re.compile(r"\s*[\r\n]\s*")
_BARE = re.compile(r"[A-Za-z0-9._~%+-]+")


def _unreadable(code: str, sentence: str) -> OAuthError:
    remedy = "Copy the whole address that the browser shows after the login, or the code in it."
    return OAuthError(code, sentence, remedy, terminal=True)


def _refused(response: Response) -> OAuthError:
    try:
        refusal = response.json(_Refusal)
    except BadAnswer:
        refusal = _Refusal()
    said = _plain(f"HTTP {response.status} {refusal.error} {refusal.error_description or ''}".strip(), 200)
    # Whatever the body says: gateways have words of their own, and what passes must never look like a dead login.
    if response.status >= 500 or response.status in (408, 429):
        return _error("temporarily_unavailable", said)
    if refusal.error and response.status in STATUSES:
        return _error(refusal.error, refusal.error_description or "")
    reason = _plain(refusal.error, 60)
    return OAuthError(
        "refused",
        f"The login service answered {response.status}" + (f": {reason}." if reason else " without a reason."),
        "Check the addresses, the client id and the secret in the connection's settings, and what lies between.",
        terminal=True,
        said=said,
    )


def _error(code: str, said: str) -> OAuthError:
    said = _plain(said, 200)
    if code in _REASONS:
        sentence, remedy, terminal = _REASONS[code]
        return OAuthError(code, sentence, remedy, terminal=terminal, said=said)
    shown = "".join(c for c in code if c.isprintable())[:60]
    return OAuthError(
        shown, f"The login service refuses: {shown}.", "Check the connection's settings.", terminal=True, said=said
    )


def _plain(text: str, most: int) -> str:
    """Another system's words as one printable line."""
    return "".join(c if c.isprintable() else " " for c in text).strip()[:most]
