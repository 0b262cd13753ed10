"""The home's rights, the address of consent, and crash files: what is ours to change and what isn't."""

import stat
from pathlib import Path

import pytest

from xerotui.cli.codes import Exit
from xerotui.model.problems import SyncError
from xerotui.net.http import HttpClient
from xerotui.workspace import crash
from xerotui.workspace.home import prepare
from xerotui.xero.connections import XeroSettings, grants


def mode(path: Path) -> int:
    """The rights of a path."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_directory_of_somebody_is_left_as_it_is(tmp_path: Path) -> None:
    place = tmp_path / "shared"
    place.mkdir(mode=0o755)
    (place / "other.txt").write_text("x")
    with pytest.raises(SyncError) as caught:
        prepare(place)
    assert caught.value.exit_code == Exit.REFUSED
    assert "holds no workspace" in caught.value.sentence
    assert mode(place) == 0o755
    assert [path.name for path in place.iterdir()] == ["other.txt"]


@pytest.mark.parametrize("name", ["book.json", "ledger.db", "vault.key"])
def test_a_workspace_that_was_opened_to_others_is_closed_again(tmp_path: Path, name: str) -> None:
    place = tmp_path / "home"
    place.mkdir(mode=0o755)
    (place / name).write_text("")
    prepare(place)
    assert mode(place) == 0o700


def test_a_home_that_is_made_is_closed(tmp_path: Path) -> None:
    assert mode(prepare(tmp_path / "new").root) == 0o700
    assert mode(tmp_path / "new" / "logs") == 0o700


def test_the_directories_of_a_crash_file_are_closed(tmp_path: Path) -> None:
    path = crash.record(ValueError("x"), tmp_path / "home" / "logs")
    assert path is not None
    assert {mode(path.parent), mode(path.parent.parent)} == {0o700}


@pytest.mark.parametrize(
    ("given", "begins"),
    [
        ({}, "https://login.xero.com/identity/connect/authorize?"),
        ({"identity_url": "http://127.0.0.1:1/identity/"}, "http://127.0.0.1:1/identity/connect/authorize?"),
        ({"identity_url": "http://127.0.0.1:1/i", "authorize_url": "http://127.0.0.1:2/a"}, "http://127.0.0.1:2/a?"),
    ],
)
async def test_consent_is_asked_for_beside_an_identity_address_of_ones_own(given: dict[str, str], begins: str) -> None:
    http = HttpClient()
    try:
        assert grants(http, XeroSettings(client_id="c", **given)).begin().url.startswith(begins)  # type: ignore[arg-type]
    finally:
        await http.aclose()
