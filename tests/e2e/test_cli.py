"""The command line as a sysadmin uses it, on the real sandbox with a real worker: connect, map, import, plan, apply.

One home serves all tests of this module, in their order: each step is what the one before made possible.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from xerotui.cli import control
from xerotui.cli.codes import Exit
from xerotui.sandbox.world import DEMO_START
from xerotui.store import Db, Pair
from xerotui.workspace.door import Workspace
from xerotui.workspace.secrets import secret_name


@dataclass
class Shell:
    """A home and the sandbox that it is connected to."""

    home: Path
    services: dict[str, Any]

    def run(self, *arguments: str, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """One command, as another process."""
        env = {**os.environ, "XEROTUI_HOME": str(self.home), "XEROTUI_CLOCK": self.services["clock"], **variables}
        command = [sys.executable, "-m", "xerotui", *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, timeout=120, env=env, check=False)

    def json(self, *arguments: str, code: int = Exit.DONE) -> Any:
        """What a command with --json prints."""
        done = self.run(*arguments, "--json")
        assert done.returncode == code, done.stderr + done.stdout
        assert done.stdout.isascii()
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A served sandbox, its clock fast, and an empty home."""
    directory = tmp_path_factory.mktemp("sandbox")
    command = [sys.executable, "-m", "xerotui", "sandbox", "--json", "--rate", "30", "--scale", "0.1"]
    command += ["--start", f"{DEMO_START:%Y-%m-%dT%H:%M}"]
    with subprocess.Popen([*command, "--directory", str(directory)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        made = Shell(tmp_path_factory.mktemp("home"), json.loads(process.stdout.readline()))
        try:
            yield made
        finally:
            made.run("worker", "stop")
            process.terminate()


def test_the_first_line_of_the_sandbox_is_its_description(shell: Shell) -> None:
    assert set(shell.services) == {"xero", "halo", "clock"}
    wanted = {"api_url", "identity_url", "client_id", "client_secret", "redirect_uri", "tenants", "control_url"}
    assert wanted <= set(shell.services["xero"])
    assert "control_url" in shell.services["halo"]
    for name in ("xero", "halo"):
        url = shell.services[name]["control_url"]
        assert asyncio.run(control.get(f"{url}/writes")) == []
        assert asyncio.run(control.get(f"{url}/violations")) == []


def test_without_connections_commands_say_so(shell: Shell) -> None:
    assert shell.json("plan", code=Exit.NOT_CONNECTED)["error"]["code"] == "core.not_connected"
    assert shell.json("tenants") == {"tenants": [], "sources": [], "unassigned": {}}


def test_connect_the_source_with_its_secret_from_a_variable(shell: Shell) -> None:
    halo = shell.services["halo"]
    given = ["connect", "halo", "--name", "Our PSA", "--url", halo["url"], "--client-id", halo["client_id"], "--json"]
    wrong = shell.run(*given, XEROTUI_CLIENT_SECRET="wrong")
    assert wrong.returncode == Exit.NOT_CONNECTED, wrong.stderr
    assert shell.json("tenants")["sources"] == []
    done = shell.run(*given, XEROTUI_CLIENT_SECRET=halo["client_secret"])
    assert done.returncode == Exit.DONE, done.stderr
    assert json.loads(done.stdout)["connection"] == "our-psa"


def test_connect_xero_by_consent(shell: Shell) -> None:
    xero = shell.services["xero"]
    options = ["--kind", "web", "--all", "--answer-file", "-"]
    for name in ("client_id", "redirect_uri", "api_url", "identity_url", "authorize_url"):
        options += [f"--{name.replace('_', '-')}", xero[name]]
    env = {**os.environ, "XEROTUI_HOME": str(shell.home), "XEROTUI_CLIENT_SECRET": xero["client_secret"]}
    env["XEROTUI_CLOCK"] = shell.services["clock"]
    command = [sys.executable, "-m", "xerotui", "connect", "xero", *options, "--json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=env) as process:
        assert process.stderr is not None
        url = next(line.strip() for line in process.stderr if line.startswith("http"))
        landed = asyncio.run(control.consent(url))
        out, err = process.communicate(landed + "\n", timeout=60)
    assert process.returncode == Exit.DONE, err
    assert {t["name"] for t in json.loads(out)["tenants"]} == {t["name"] for t in xero["tenants"]}
    assert all(row["state"] == "connected" for row in shell.json("tenants")["tenants"])


def test_no_secret_lies_about_in_the_home(shell: Shell) -> None:
    secrets = [shell.services["xero"]["client_secret"].encode(), shell.services["halo"]["client_secret"].encode()]
    for path in shell.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret in content for secret in secrets), path
            # Lock files are empty; whatever holds something is for its owner alone.
            assert not content or path.stat().st_mode & 0o077 == 0, path


def test_proposals_before_anything_was_read_are_none_and_say_so(shell: Shell) -> None:
    error = shell.json("map", "accept", code=Exit.REFUSED)["error"]
    assert "never read" in error["sentence"]
    assert "--refresh" in error["remedy"]


def test_refresh_and_take_the_proposals(shell: Shell) -> None:
    shown = shell.json("tenants", "--refresh")
    assert {row["country"] for row in shown["tenants"]} == {"GB", "AU"}
    taken = shell.json("map", "accept", "--source", "our-psa")
    assert sum(taken.values()) >= 10
    rows = shell.json("map")
    assert not [row for row in rows if row["state"] == "proposed"]


def test_unequal_rates_are_refused(shell: Shell) -> None:
    mapped = [r for r in shell.json("map", "--state", "mapped") if r["trade"] == "sales" and r["target"] == "OUTPUT2"]
    tenant = next(t["name"] for t in shell.services["xero"]["tenants"] if t["country"] == "GB")
    done = shell.run("map", "set", mapped[0]["value"], "RROUTPUT", "--tenant", tenant)
    assert done.returncode == Exit.REFUSED
    assert "is not" in done.stderr
    cleared = shell.json("map", "clear", "rate-of-nobody", "--tenant", tenant, code=Exit.REFUSED)
    assert "Nothing is mapped" in cleared["error"]["sentence"]


def test_read_only_refuses_what_changes(shell: Shell) -> None:
    done = shell.run("--read-only", "map", "accept")
    assert done.returncode == Exit.REFUSED
    assert "only reads" in done.stderr
    assert shell.run("--read-only", "map").returncode == Exit.DONE


def test_import_is_seen_before_it_is_done(shell: Shell) -> None:
    tenant = next(t["name"] for t in shell.services["xero"]["tenants"] if t["country"] == "AU")
    unknown = shell.json("import", "link", "customer", "nobody", "x", "--tenant", tenant, code=Exit.REFUSED)
    assert "no customer nobody" in unknown["error"]["sentence"]
    url = shell.services["halo"]["control_url"]
    before = len(asyncio.run(control.get(f"{url}/writes")))
    plan = shell.json("import", "customers", "--tenant", tenant, "--dry-run")["plan"]
    assert plan["counts"]["link"] > 0
    assert len(asyncio.run(control.get(f"{url}/writes"))) == before
    unasked = shell.run("import", "customers", "--tenant", tenant)
    assert unasked.returncode == Exit.USAGE
    assert len(asyncio.run(control.get(f"{url}/writes"))) == before
    done = shell.run("import", "customers", "--tenant", tenant, "--yes", "--json")
    assert done.returncode == Exit.DONE, done.stderr
    assert shell.json("import", "--source", "our-psa") == shell.json("import")
    assert shell.run("import", "--source", "nobody").returncode == Exit.USAGE
    piles = [p for p in shell.json("import") if p["kind"] == "customer" and p["tenant_name"] == tenant]
    assert (piles[0]["exact"], piles[0]["new"]) == (0, 0)


def test_plan_then_apply_then_nothing_left(shell: Shell) -> None:
    # Ends with 2: the demo world's trouble is blocked.
    shown = shell.json("plan", "--rows", code=Exit.PROBLEMS)
    plan = shown["plan"]
    assert plan["counts"]["create"] > 0
    assert len([row for row in shown["rows"] if row["verb"] == "create"]) == plan["counts"]["create"]
    assert len([row for row in shown["rows"] if row["verb"] == "blocked"]) == plan["counts"]["blocked"]
    assert shell.run("plan", "--show", plan["id"]).stdout
    row = next(row["id"] for row in shown["rows"] if row["kind"] == "invoice" and row["verb"] == "create")
    assert "lines.1." in shell.run("plan", "--show", row).stdout
    applied = shell.json("apply", plan["id"], "--yes")
    states = applied["states"][plan["id"]]
    assert set(states) <= {"confirmed", "verified"}
    again = shell.json("plan", code=Exit.PROBLEMS)["plan"]
    assert not set(again["counts"]) & {"create", "update", "link"}
    url = shell.services["xero"]["control_url"]
    before = len(asyncio.run(control.get(f"{url}/writes")))
    shell.json("apply", plan["id"], "--yes")
    assert len(asyncio.run(control.get(f"{url}/writes"))) == before
    shell.json("apply", "plan-of-nobody", "--yes", code=Exit.REFUSED)


def test_queue_and_errors_tell_what_became_of_it(shell: Shell) -> None:
    listed = shell.json("queue", "--state", "verified", "--limit", "3")
    assert len(listed["rows"]) == 3
    assert listed["total"] >= 3
    story = shell.json("queue", "--show", listed["rows"][0]["id"])
    assert story["operations"]
    causes = shell.json("errors", code=Exit.PROBLEMS)
    assert {"core.tax_unmapped", "core.contact_archived", "core.period_locked"} & {c["code"] for c in causes}
    assert all(c["remedy"] for c in causes)
    cause = f"{causes[0]['code']}/{causes[0]['subject']}"
    assert len(shell.json("errors", "--cause", cause, code=Exit.PROBLEMS)) == causes[0]["records"]
    human = shell.run("errors")
    assert human.returncode == Exit.PROBLEMS
    assert "\x1b" not in human.stdout
    assert "\x07" not in human.stdout


def test_values_are_chosen_for_one_document_and_what_cant_be_is_said(shell: Shell) -> None:
    shown = shell.json("plan", "--rows", code=Exit.PROBLEMS)["rows"]
    invoices = [row for row in shown if row["kind"] == "invoice" and row["verb"] == "blocked" and row["tenant"]]
    waiting = next(row for row in invoices if row["code"] != "core.number_taken")
    which = (waiting["title"], "--tenant", waiting["tenant"])
    seen = shell.json("set", *which, "--status", "authorised", "--dry-run")
    assert (seen["changes"], seen["kept"]) == ([{"what": "status", "before": "", "after": "AUTHORISED"}], False)
    assert shell.json("set", *which, "--status", "authorised")["kept"]
    (held,) = shell.json("set", *which)
    assert (held["field"], held["value"]) == ("status", "AUTHORISED")
    assert shell.json("mail", *which, "--yes", code=Exit.REFUSED)["error"]["code"] == "core.mail_refused"
    assert shell.json("set", *which, "--clear")["kept"]
    said = shell.run("generate", "customers", "--tenant", waiting["tenant"], "--dry-run")
    assert said.returncode == Exit.REFUSED
    assert "pair set" in said.stderr


def test_a_source_that_cannot_be_reached_hides_no_other(shell: Shell) -> None:
    before = {row["name"]: row["last_call"] for row in shell.json("tenants")["tenants"]}
    asyncio.run(_connected(shell.home, "a-dead-one", enabled=True))
    try:
        shown = shell.json("tenants", "--refresh", code=Exit.NOT_CONNECTED)
        assert [error["code"] for error in shown["errors"]] == ["core.unreachable"]
        assert {s["id"] for s in shown["sources"]} == {"a-dead-one", "our-psa"}
        after = {row["name"]: row["last_call"] for row in shown["tenants"]}
        assert all(after[name] > before[name] for name in before)
        assert shell.json("plan", "--source", "a-dead-one", code=Exit.NOT_CONNECTED)["error"]["remedy"]
        # The network's fault, not the plugin's.
        assert {row["state"] for row in shell.json("plugins")} == {"loaded"}
    finally:
        asyncio.run(_connected(shell.home, "a-dead-one", enabled=False))


async def _connected(home: Path, name: str, *, enabled: bool) -> None:
    """A saved connection to an address where nobody answers; None of it where it isn't enabled."""
    space = await Workspace.open(home, wake=False)
    try:
        known = (await space.wiring.book.read()).source("our-psa")
        assert known is not None
        await space.wiring.vault.put(secret_name(f"source/{name}", "client_secret"), "secret")
        settings = {**known.settings, "url": "http://127.0.0.1:1"}
        document = msgspec.structs.replace(known, id=name, name=name, settings=settings)

        def write(db: Db) -> None:
            if enabled:
                db.put_source(document)
                for tenant in db.tenants():
                    db.put_pair(Pair(source=name, tenant=tenant.tenant))
            else:
                db.drop_source(name)

        await space.wiring.book.change(write)
    finally:
        await space.close()


def test_a_connection_is_told_and_start_dates_are_set(shell: Shell) -> None:
    name = shell.json("tenants")["tenants"][0]["name"]
    report = shell.json("tenants", "show", name, "--check")
    assert report["name"] == name
    assert report["facts"]["demo"] is False
    assert report["login"]["days_left"] > 50
    assert [finding["level"] for finding in report["findings"]] == ["ok"]
    assert report["may"]
    assert all(row["granted_by"] for row in report["scopes"])
    set_ = shell.json("tenants", "set", name, "--start-date", "2026-01-31", "--start-date", "credit-note=none")
    assert set_["start"] == {"invoice": "2026-01-31", "credit_note": None, "purchase_order": "2026-01-31"}
    shown = shell.run("tenants", "show", name)
    assert shown.returncode == Exit.DONE
    assert shown.stdout.startswith(f"{name}  LIVE")
    assert "invoice from 2026-01-31, purchase_order from 2026-01-31" in shown.stdout
    assert shell.run("tenants", "set", name, "--start-date", "soon").returncode == Exit.USAGE


def test_taxes_are_imported_row_by_row_links_move_and_mappings_leave_and_return(shell: Shell) -> None:
    tenant = shell.json("tenants")["tenants"][0]["name"]
    shown = shell.json("import", "taxes", "--tenant", tenant, "--clean-up", "--dry-run", "--rows")
    made = [row["title"] for row in shown["rows"] if row["verb"] == "create"]
    assert shown["plan"]["counts"]["create"] == len(made) > 1
    done = shell.run("import", "taxes", "--tenant", tenant, "--only", made[0], "--yes")
    assert done.returncode == Exit.DONE, done.stderr
    assert "1 tax rates imported and mapped." in done.stderr
    assert shell.run("import", "taxes", "--tenant", tenant, "--only", "No such", "--yes").returncode == Exit.USAGE
    assert shell.run("import", "items", "--tenant", tenant, "--group", "No such", "--yes").returncode == Exit.REFUSED
    tracking = shell.json("import", "tracking", "--tenant", tenant)
    assert [(row["title"], row["state"]) for row in tracking["placeholders"]] == [("Region", "mapped")]
    # Where a customer's link would go is shown first; without a yes nothing is moved.
    rows = asyncio.run(control.get(f"{shell.services['halo']['control_url']}/state/client"))
    mine = next(r for r in rows if r["xeroid"] and r["xero_tenant_name"] == tenant)
    url = f"{shell.services['xero']['control_url']}/state/{mine['xero_tenant_id']}/Contacts"
    taken = {r["xeroid"] for r in rows}
    free = next(c for c in asyncio.run(control.get(url)) if c["ContactID"] not in taken)
    where = ("import", "move", mine["name"], "--tenant", tenant, "--to", free["ContactID"])
    moved = shell.run(*where, "--dry-run", "--json")
    assert json.loads(moved.stdout)["contact"] == mine["xeroid"]
    assert shell.run(*where).returncode in (Exit.USAGE, Exit.REFUSED), "nobody can be asked, or it can't be done"
    assert shell.json("map", "--changed") == []
    sheet = shell.run("map", "--csv", "--tenant", tenant).stdout
    assert made[0] in sheet
    again = shell.run("map", "--from", "-", "--dry-run", "--json", given=sheet)
    assert (again.returncode, json.loads(again.stdout)) == (Exit.DONE, [])


def test_doctor_worker_and_summary(shell: Shell) -> None:
    findings = shell.json("doctor")
    assert {f["area"] for f in findings} >= {"home", "stores", "worker", "plugins", "xero", "sources"}
    assert {f["level"] for f in findings} == {"ok"}
    worker = shell.json("worker", "status")
    assert worker["state"] == "running"
    seen = shell.json("queue", "--summary")["overview"]
    assert next(s for s in seen["steps"] if s["id"].endswith(":start"))["state"] == "done"
    assert shell.run("worker", "stop").returncode == Exit.DONE
    assert shell.json("worker", "status")["state"] == "none"


def test_the_emulators_saw_no_rule_broken(shell: Shell) -> None:
    for name in ("xero", "halo"):
        assert asyncio.run(control.get(f"{shell.services[name]['control_url']}/violations")) == []
