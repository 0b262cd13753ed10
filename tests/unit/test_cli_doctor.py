"""Doctor on a home that is broken, and what commands say of a book or a clock that isn't as it should be."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from xerotui.cli.codes import Exit
from xerotui.cli.settings import options_of, values_of
from xerotui.main import main
from xerotui.model.settings import Secret, Title
from xerotui.workspace.door import Workspace
from xerotui.workspace.forms import drawn


def findings(home: Path, capsys: pytest.CaptureFixture[str], code: int) -> dict[str, dict[str, Any]]:
    """Doctor's findings by title."""
    assert main(["--home", str(home), "doctor", "--json"]) == code
    return {row["title"]: row for row in json.loads(capsys.readouterr().out)}


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A home with a book in it."""
    place = tmp_path / "home"
    assert main(["--home", str(place), "tenants"]) == Exit.DONE
    capsys.readouterr()
    about = {"book": "xerotui book", "format": 1, "revision": 3, "tables": {}}
    (place / "book.json").write_text(json.dumps(about))
    return place


def test_a_broken_ledger_is_named_and_the_rest_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (home / name).unlink(missing_ok=True)
    (home / "ledger.db").write_bytes(b"this is no database" * 500)
    found = findings(home, capsys, Exit.PROBLEMS)
    assert found["Ledger"]["level"] == "bad"
    assert found["Ledger"]["remedy"]
    assert found["Home directory"]["level"] == "ok"
    assert found["Vault"]["level"] == "ok"
    assert any(row["area"] == "plugins" for row in found.values())


def test_a_broken_book_is_named_and_the_rest_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "book.json").write_text("{")
    found = findings(home, capsys, Exit.PROBLEMS)
    assert found["Ledger"]["level"] == "ok"
    assert any(row["level"] == "bad" and "book.json" in row["detail"] for row in found.values())
    assert any(row["area"] == "plugins" and row["level"] == "ok" for row in found.values())


def test_a_clock_that_is_none_is_named(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XEROTUI_CLOCK", str(home / "nowhere.json"))
    clock = findings(home, capsys, Exit.PROBLEMS)["World clock"]
    assert clock["level"] == "bad"
    assert "XEROTUI_CLOCK" in clock["remedy"]


def test_a_newer_book_is_said_where_tenants_are_listed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = json.loads((home / "book.json").read_text())
    (home / "book.json").write_text(json.dumps({**book, "format": 99}))
    assert main(["--home", str(home), "tenants", "--json"]) == Exit.DONE
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"tenants": [], "sources": [], "unassigned": {}}
    assert "newer XeroTUI" in shown.err
    assert findings(home, capsys, Exit.DONE)["Book"]["level"] == "warn"


def test_a_key_that_is_missing_open_or_another_one_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def seal() -> None:
        space = await Workspace.open(home, wake=False)
        await space.wiring.vault.put("xero/a/client_secret", "hunter2")
        await space.close()

    (home / "book.json").unlink()
    asyncio.run(seal())
    path = home / "vault.key"
    key = path.read_text()
    path.chmod(0o644)
    shown = findings(home, capsys, Exit.PROBLEMS)["Vault"]
    assert (shown["level"], shown["remedy"]) == ("bad", "chmod 600 vault.key")
    path.unlink()
    missing = findings(home, capsys, Exit.PROBLEMS)["Vault"]
    assert "there is no vault.key, and 1 secrets" in missing["detail"]
    assert "from a backup" in missing["remedy"]
    # A new one in its place would only hide that.
    assert not path.exists()
    path.write_text("0" * 64)
    path.chmod(0o600)
    assert "another key" in findings(home, capsys, Exit.PROBLEMS)["Vault"]["detail"]
    path.write_text(key)
    assert findings(home, capsys, Exit.DONE)["Vault"]["level"] == "ok"


class Awkward(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that are called as the command's own options."""

    name: Annotated[str, Title("Database")]
    json: Annotated[str, Title("Key"), Secret()]
    url: Annotated[str, Title("Address")]


def test_settings_that_are_called_as_options_of_the_command_are_told_apart(tmp_path: Path) -> None:
    fields = drawn(Awkward)
    flags = {p.name: p.opts[0] for p in options_of(fields)}
    assert flags == {"setting_name": "--setting-name", "setting_json": "--setting-json-file", "url": "--url"}
    (tmp_path / "key").write_text("k\n")
    given = {"name": "My PSA", "setting_name": "db1", "setting_json": str(tmp_path / "key"), "url": "u", "json": True}
    assert values_of(fields, given) == {"name": "db1", "json": "k", "url": "u"}
