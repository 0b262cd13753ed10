"""Logins: what goes into the browser's address, and what a person may paste back."""

from urllib.parse import parse_qs, urlsplit

import pytest

from xerotui.net.http import HttpClient
from xerotui.net.oauth import Authorisation, Grants, OAuthError, TokenSet, code_from_callback


async def begun() -> Authorisation:
    async with HttpClient() as http:
        return Grants(
            http,
            client_id="CLIENT",
            token_url="http://127.0.0.1:1/token",
            authorize_url="https://login.example/authorize",
            redirect_uri="http://localhost:8736/callback",
            scopes="openid accounting.invoices",
        ).begin()


async def test_a_login_begins_with_pkce_and_a_state_of_its_own() -> None:
    first, second = await begun(), await begun()
    query = {k: v[0] for k, v in parse_qs(urlsplit(first.url).query).items()}
    assert query["response_type"] == "code"
    assert query["code_challenge_method"] == "S256"
    assert query["scope"] == "openid accounting.invoices"
    assert query["redirect_uri"] == "http://localhost:8736/callback"
    assert query["state"] == first.state != second.state
    assert 43 <= len(first.verifier) <= 128
    assert first.verifier not in first.url
    assert first.verifier not in repr(first)


@pytest.mark.parametrize(
    "pasted",
    [
        "http://localhost:8736/callback?code=abc_1-2&scope=x&state=S",
        "  http://localhost:8736/callback?code=abc_\n1-2&state=S#_=_ ",
        "localhost:8736/callback?state=S&code=abc_1-2",
        "?code=abc_1-2&state=S",
        "code=abc_1-2&state=S",
        "abc_1-2\n",
        "abc_\n   1-2",
    ],
)
def test_a_callback_is_read_however_it_was_pasted(pasted: str) -> None:
    assert code_from_callback(pasted, "S") == "abc_1-2"


@pytest.mark.parametrize(
    ("pasted", "code"),
    [
        ("http://localhost:8736/callback?code=abc&state=OTHER", "state_mismatch"),
        ("http://localhost:8736/callback?code=abc", "state_mismatch"),
        ("http://localhost:8736/callback?error=access_denied&state=S", "access_denied"),
        ("http://localhost:8736/callback?state=S", "no_code"),
        ("http://localhost:8736/callback", "no_code"),
        ("", "no_code"),
        ("what is this?", "no_address"),
        ("(no code)", "no_address"),
        ("Sorry, something went wrong. Error: invalid_scope", "invalid_scope"),
        ("unauthorized_client", "unauthorized_client"),
        ("https://login.example/authorize?response_type=code&state=S", "own_address"),
        ("?error=%1b[31mred", "[31mred"),
    ],
)
def test_a_callback_without_a_usable_code_is_refused_with_words(pasted: str, code: str) -> None:
    with pytest.raises(OAuthError) as caught:
        code_from_callback(pasted, "S")
    assert caught.value.code == code
    assert caught.value.remedy


def test_tokens_never_show_themselves() -> None:
    import datetime as dt

    tokens = TokenSet(access_token="hush", refresh_token="hush2", expires_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert "hush" not in f"{tokens} {tokens!r} {[tokens]}"
    assert tokens.fresh(dt.datetime(2025, 12, 31, tzinfo=dt.UTC), 180)
    assert not tokens.fresh(dt.datetime(2025, 12, 31, 23, 58, tzinfo=dt.UTC), 180)
