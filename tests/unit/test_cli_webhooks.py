"""`xerotui webhooks` on the command line: its keys, its status, its refusals, polling's setting, doctor's words."""

import asyncio
import io
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.engine.webhook_kit import KEY, TENANT, lonely
from xerotui.cli.codes import Exit
from xerotui.main import main
from xerotui.net.clock import machine_now
from xerotui.store import Hint
from xerotui.workspace.webhooks import RECEIVER, findings, status
from xerotui.workspace.wiring import Wiring


def run(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    """Run a command to this exit code; what it wrote on stdout and stderr."""
    assert main(["--home", str(home / "home"), *arguments]) == code
    shown = capsys.readouterr()
    assert KEY not in shown.out + shown.err
    return shown.out, shown.err


def test_a_key_is_set_and_forgotten_and_never_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def prepared() -> None:
        async with lonely(tmp_path) as wiring:
            await wiring.vault.drop("xero/xero/webhook_key")

    async def kept() -> str:
        wiring = await Wiring.open(home_of(tmp_path))
        try:
            return await wiring.vault.get("xero/xero/webhook_key")
        finally:
            await wiring.close()

    asyncio.run(prepared())
    said = run(tmp_path, capsys, "webhooks", code=Exit.NOT_CONNECTED)[1]
    assert "xerotui webhooks key" in said
    file = tmp_path / "key.txt"
    file.write_text(f"{KEY}\n")
    out = run(tmp_path, capsys, "webhooks", "key", "--key-file", str(file), "--json")[0]
    assert json.loads(out) == {"connection": "xero", "has_key": True}
    assert asyncio.run(kept()) == KEY
    assert "silent" in run(tmp_path, capsys, "webhooks", "--status", "--json")[0]
    assert "no receiver runs" in run(tmp_path, capsys, "webhooks", "--status")[0]
    run(tmp_path, capsys, "webhooks", "key", "--forget")
    assert asyncio.run(kept()) == ""
    monkeypatch.setenv("XEROTUI_WEBHOOK_KEY", f" {KEY} ")
    run(tmp_path, capsys, "webhooks", "key", "--connection", "XERO")
    assert asyncio.run(kept()) == KEY
    monkeypatch.delenv("XEROTUI_WEBHOOK_KEY")
    for wrong in ("", "a\x1bb"):
        monkeypatch.setattr("sys.stdin", io.StringIO(wrong))
        said = run(tmp_path, capsys, "webhooks", "key", "--key-file", "-", code=Exit.USAGE)[1]
        assert "blank" in said or "no webhook key" in said
    run(tmp_path, capsys, "webhooks", "key", "--connection", "other", code=Exit.USAGE)
    run(tmp_path, capsys, "webhooks", "key", code=Exit.USAGE)
    assert main(["--read-only", "--home", str(tmp_path / "home"), "webhooks", "key", "--forget"]) == Exit.REFUSED
    assert main(["--read-only", "--home", str(tmp_path / "home"), "webhooks"]) == Exit.REFUSED
    capsys.readouterr()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = run(tmp_path, capsys, "webhooks", "--port", port, "--json", code=Exit.REFUSED)[0]
    assert json.loads(said)["error"]["code"] == "webhooks.port"
    run(tmp_path, capsys, "webhooks", "--path", "xero", code=Exit.USAGE)
    run(tmp_path, capsys, "worker", "--poll", "--until-idle", code=Exit.USAGE)
    said = run(tmp_path, capsys, "tenants", "set", "Aston Ltd", "--poll", "60", "--reread", "30", "--json")[0]
    assert {"poll_minutes": 60, "reread_minutes": 30}.items() <= json.loads(said).items()
    run(tmp_path, capsys, "worker", "stop")
    (row,) = json.loads(run(tmp_path, capsys, "webhooks", "--status", "--json")[0])["polling"]
    assert (row["name"], row["minutes"]) == ("Aston Ltd", 60)


def home_of(tmp: Path) -> Any:
    """The home of the test."""
    from xerotui.workspace.home import prepare

    return prepare(tmp / "home")


async def test_doctor_says_what_is_wrong_with_webhooks(tmp_path: Path) -> None:
    async with lonely(tmp_path) as wiring:

        async def said() -> list[tuple[str, str]]:
            return [(f.level, f"{f.title}: {f.detail} {f.remedy}") for f in [f async for f in findings(wiring)]]

        ((level, words),) = await said()
        assert level == "warn"
        assert "xerotui webhooks" in words
        # What a killed receiver left behind tells of nobody.
        async with wiring.ledger.write() as tx:
            text = json.dumps({"process": "elsewhere|b:1|999999|1", "address": "x", "since": machine_now().isoformat()})
            dead = wiring.identity.key.replace(f"{wiring.identity.pid}", "999999")
            await wiring.ledger.marks.set(tx, RECEIVER, text.replace("elsewhere|b:1|999999|1", dead))
            await wiring.ledger.inbox.count(tx, {"rejected.signature": 3})
        found = await status(wiring)
        assert (found.state, found.rejected) == ("silent", {"signature": 3})
        async with wiring.ledger.write() as tx:
            live = json.dumps({"process": wiring.identity.key, "address": "x", "since": machine_now().isoformat()})
            await wiring.ledger.marks.set(tx, RECEIVER, live)
        ((level, words),) = await said()
        assert (level, "Compare the key" in words, "3 refused" in words) == ("warn", True, True)
        async with wiring.ledger.write() as tx:
            await wiring.ledger.inbox.count(tx, {"intent": 2})
            await wiring.ledger.inbox.add(tx, [Hint(tenant=TENANT, category="INVOICE", resource="x")])
        ((level, words),) = await said()
        assert (level, "1 waiting" in words) == ("ok", True)
        await wiring.vault.drop("xero/xero/webhook_key")
        async with wiring.ledger.write() as tx:
            await wiring.ledger.marks.set(tx, RECEIVER, "")
        assert (await said())[0][0] == "ok"
