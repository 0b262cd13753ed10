"""`xerotui demo --headless` on NetHelpDesk: the main job on each age of its database and on its folder, exact."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from xerotui.cli.codes import Exit

KEYS = {
    "tenants", "imported", "operations", "blocked_at_first", "blocked_at_end", "source", "xero", "differences",
    "violations", "calls", "second_run_writes", "seconds",
}  # fmt: skip
AGES = ("nethelpdesk", "nethelpdesk-middle", "nethelpdesk-old", "nethelpdesk-csv")


def summed(totals: dict[str, Any]) -> dict[tuple[str, str, str], tuple[int, Decimal]]:
    """Documents and amounts by organisation, currency and kind."""
    return {
        (tenant, currency, kind): (entry["documents"], Decimal(entry["total"]))
        for tenant, currencies in totals.items()
        for currency, kinds in currencies.items()
        for kind, entry in kinds.items()
    }


@pytest.mark.parametrize("name", AGES)
def test_the_whole_job_without_a_screen(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "xerotui", "--home", str(tmp_path / "home"), "demo", "--headless", "--json"]
    command += ["--rate", "60", "--source", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=dict(os.environ))
    # 0 says that the trouble found is the trouble seeded, record for record, before and after it was mended.
    assert done.returncode == Exit.DONE, done.stderr
    said = json.loads(done.stdout)
    assert set(said) == KEYS
    # Where records can't be created and no folder takes them there is no import; the sync links what there is.
    assert bool(said["imported"]["customer"]) is (name != "nethelpdesk-middle")
    assert said["differences"] == []
    assert said["violations"] == []
    assert said["second_run_writes"] == 0
    assert summed(said["source"]["sent"]) == summed(said["xero"])
    assert sum(n for n, _ in summed(said["xero"]).values()) > 400
    assert said["blocked_at_first"]["core.tax_unmapped"] == 12
    assert "core.tax_unmapped" not in said["blocked_at_end"]
    assert said["blocked_at_end"]["nethelpdesk.charge_rate_uncoded"] == 1
    assert said["calls"]["least"] <= said["calls"]["made"] <= said["calls"]["least"] + 2
