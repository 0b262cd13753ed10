"""The vault: boxes that open with one key and under their own name alone."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.store_kit import opened
from xerotui.model.problems import SyncError
from xerotui.store import Ledger, VaultKey
from xerotui.store.vault import KEY_FD


async def open_with(home: Path) -> Ledger:
    """A ledger with the home's own key."""
    return await Ledger.open(home / "ledger.db", key=VaultKey.load(home))


async def test_secrets_come_back_and_nothing_of_them_is_on_disk(tmp_path: Path) -> None:
    ledger = await open_with(tmp_path)
    async with ledger.write() as tx:
        await ledger.vault.put(tx, "xero/a/tokens", "hunter2-Ωμέγα")
        await ledger.vault.put(tx, "xero/a/tokens", "hunter3")
        await ledger.vault.put(tx, "xero/b/tokens", "")
        await ledger.vault.put(tx, "XERO/c", "x")
    async with ledger.read() as tx:
        assert await ledger.vault.get(tx, "xero/a/tokens") == "hunter3"
        assert await ledger.vault.get(tx, "xero/b/tokens") == ""
        assert await ledger.vault.get(tx, "nobody") is None
        assert await ledger.vault.names(tx, "xero/") == ["xero/a/tokens", "xero/b/tokens"]
    await ledger.close()
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))
    assert b"xero/a/tokens" in raw
    assert b"hunter" not in raw
    ledger = await open_with(tmp_path)
    async with ledger.write() as tx:
        assert await ledger.vault.get(tx, "xero/a/tokens") == "hunter3"
        await ledger.vault.delete(tx, "xero/a/tokens")
        assert await ledger.vault.get(tx, "xero/a/tokens") is None
    await ledger.close()


async def test_another_key_is_refused_with_words_and_no_key_means_locked(tmp_path: Path) -> None:
    ledger = await open_with(tmp_path)
    async with ledger.write() as tx:
        await ledger.vault.put(tx, "a", "secret")
    await ledger.close()
    (tmp_path / "vault.key").unlink()
    with pytest.raises(SyncError, match="another key"):
        await open_with(tmp_path)
    async with opened(tmp_path) as locked:
        assert locked.vault.locked
        async with locked.read() as tx:
            assert await locked.vault.names(tx) == ["a"]
            with pytest.raises(SyncError, match="locked"):
                await locked.vault.get(tx, "a")


async def test_a_box_under_another_name_or_changed_does_not_open(tmp_path: Path) -> None:
    ledger = await open_with(tmp_path)
    async with ledger.write() as tx:
        await ledger.vault.put(tx, "low", "a")
        await ledger.vault.put(tx, "high", "b")
    for change in ("SET box = (SELECT box FROM vault WHERE name = 'low')", "SET box = zeroblob(40)"):
        with sqlite3.connect(tmp_path / "ledger.db") as connection:
            connection.execute(f"UPDATE vault {change} WHERE name = 'high'")
        connection.close()
        async with ledger.read() as tx:
            with pytest.raises(SyncError, match="doesn't open"):
                await ledger.vault.get(tx, "high")
            assert await ledger.vault.get(tx, "low") == "a"
    await ledger.close()


def test_the_key_file_is_private_made_once_and_never_shown(tmp_path: Path) -> None:
    key = VaultKey.load(tmp_path)
    path = tmp_path / "vault.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert VaultKey.load(tmp_path).hex() == key.hex()
    assert key.hex() not in f"{key!r} {key}"
    assert list(tmp_path.iterdir()) == [path]
    path.chmod(0o640)
    with pytest.raises(SyncError, match="read by others"):
        VaultKey.load(tmp_path)
    path.chmod(0o600)
    path.write_text("short")
    with pytest.raises(SyncError, match="32 bytes"):
        VaultKey.load(tmp_path)


def test_many_starters_agree_on_one_key(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from xerotui.store import VaultKey\n"
        "print(VaultKey.load(Path(sys.argv[1])).hex())"
    )
    starters = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert len({starter.communicate(timeout=30)[0] for starter in starters}) == 1


def test_a_detached_process_gets_the_key_through_a_pipe(tmp_path: Path) -> None:
    key = VaultKey.load(tmp_path)
    reading, writing = os.pipe()
    os.write(writing, key.hex().encode())
    os.close(writing)
    code = (
        "from pathlib import Path; from xerotui.store import VaultKey\n"
        "home = Path('/nowhere'); first = VaultKey.load(home)\n"
        "print(VaultKey.load(home).hex() == first.hex(), first.hex())"
    )
    environment = {**os.environ, KEY_FD: str(reading)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, pass_fds=[reading], capture_output=True, text=True, check=True
    )
    os.close(reading)
    assert done.stdout.split() == ["True", key.hex()]
