"""The script of the docs: from an empty home to every healthy invoice in two organisations, by commands alone."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from xerotui.cli import control
from xerotui.sandbox.world import DEMO_START, build

SCRIPT = Path(__file__).parents[2] / "docs" / "first-sync.sh"
SCALE = 0.02


@pytest.mark.soak
def test_the_script_brings_every_healthy_invoice_to_both_organisations(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "xerotui", "sandbox", "--json", "--rate", "30", "--scale", str(SCALE)]
    command += ["--start", f"{DEMO_START:%Y-%m-%dT%H:%M}"]
    with subprocess.Popen(
        [*command, "--directory", str(tmp_path / "sandbox")], stdout=subprocess.PIPE, text=True
    ) as served:
        assert served.stdout is not None
        try:
            _session(tmp_path, json.loads(served.stdout.readline()))
        finally:
            served.terminate()


def _session(tmp_path: Path, services: dict[str, dict[str, str]]) -> None:
    halo, xero = services["halo"], services["xero"]
    for name, service in (("halo", halo), ("xero", xero)):
        (tmp_path / name).write_text(service["client_secret"] + "\n", encoding="utf-8")
    options = ["--answer-file", "-"]
    for name in ("redirect_uri", "api_url", "identity_url", "authorize_url"):
        options += [f"--{name.replace('_', '-')}", xero[name]]
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "XEROTUI_HOME": str(tmp_path / "home"),
        "XEROTUI_CLOCK": str(services["clock"]),
        "HALO_URL": halo["url"],
        "HALO_CLIENT_ID": halo["client_id"],
        "HALO_SECRET_FILE": str(tmp_path / "halo"),
        "XERO_CLIENT_ID": xero["client_id"],
        "XERO_SECRET_FILE": str(tmp_path / "xero"),
        "XERO_OPTIONS": " ".join(options),
    }
    said = tmp_path / "said"
    try:
        with (
            said.open("w", encoding="utf-8") as out,
            subprocess.Popen(
                ["sh", str(SCRIPT)], stdin=subprocess.PIPE, stdout=out, stderr=subprocess.PIPE, text=True, env=env
            ) as script,
        ):
            assert script.stderr is not None
            url = next(line.strip() for line in script.stderr if line.startswith("http"))
            _, err = script.communicate(asyncio.run(control.consent(url)) + "\n", timeout=120)
        assert script.returncode == 0, err
        _everything_is_there(xero, said.read_text(encoding="utf-8"))
    finally:
        subprocess.run([sys.executable, "-m", "xerotui", "worker", "stop"], env=env, capture_output=True, check=False)


def _everything_is_there(xero: dict[str, str], said: str) -> None:
    """Each organisation got every invoice that is sound once tax rates are mapped, no other, and no rule was broken."""
    world = build(1, scale=SCALE)
    # The script itself maps the rate that one kind of trouble is about.
    trouble = {t.id for t in world.trouble if t.blocks and (t.record, t.kind) != ("invoice", "tax_unmapped")}
    opened = [i for i in world.psa.invoices if (i.kind, i.state) == ("invoice", "open")]
    writes = asyncio.run(control.get(f"{xero['control_url']}/writes"))
    for tenant in world.tenants:
        made = [str(w["number"]) for w in writes if (w["tenant"], w["kind"]) == (tenant.tenant_id, "invoice")]
        sound = {i.number for i in opened if i.tenant == tenant.key and i.id not in trouble}
        assert sound, tenant.name
        assert set(made) == sound, tenant.name
    assert "core.contact_archived" in said, "what is left is told"
    assert asyncio.run(control.get(f"{xero['control_url']}/violations")) == []
