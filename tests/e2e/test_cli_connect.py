"""`xerotui connect xero` at a plain terminal and `xerotui tenants` leaving again, on the real sandbox."""

import asyncio
import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.flows.stage import Stage
from tests.flows.test_terminal import Terminal, terminal
from xerotui.cli import control
from xerotui.cli.codes import Exit
from xerotui.main import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A sandbox and an empty home; a port that is free now is the registered one."""
    made = Stage(Path(tmp_path_factory.mktemp("stage")))
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        redirect = f"http://localhost:{found.getsockname()[1]}/callback"
    assert made.sandbox.xero.identity is not None
    apps = made.sandbox.xero.identity.apps
    for client, app in list(apps.items()):
        apps[client] = replace(app, redirect_uris=(redirect,))
    yield made
    main(["--home", str(made.home), "worker", "stop"])
    made.close()


def command(stage: Stage, *more: str, kind: str = "web") -> list[str]:
    """The command line of an app; the secret of a web app is in the environment."""
    about = stage.sandbox.describe()["xero"]
    client = about["client_id" if kind == "web" else "pkce_client_id"]
    assert stage.sandbox.xero.identity is not None
    redirect = stage.sandbox.xero.identity.apps[client].redirect_uris[0]
    options = ["--kind", kind, "--client-id", client, "--redirect-uri", redirect]
    for name in ("api_url", "identity_url", "authorize_url"):
        options += [f"--{name.replace('_', '-')}", about[name]]
    return ["-m", "xerotui", "connect", "xero", *options, *more]


def variables(stage: Stage) -> dict[str, str]:
    """The environment of both."""
    about = stage.sandbox.describe()
    return {"XEROTUI_CLIENT_SECRET": about["xero"]["client_secret"], "XEROTUI_CLOCK": about["clock"]}


def address(shown: Terminal) -> str:
    """The address as it was written: a link whose target and text are the same, in one piece."""
    found = re.search(rb"\x1b\]8;;(http[^\x1b]+)\x1b\\(http[^\x1b]+)\x1b\]8;;\x1b\\", shown.written)
    assert found is not None, shown.written
    assert found[1] == found[2]
    return found[1].decode()


@pytest.fixture
def run(stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command that needs no terminal, in this process: exit code, stdout, stderr."""
    for name, value in variables(stage).items():
        monkeypatch.setenv(name, value)

    def called(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["--home", str(stage.home), *arguments])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return called


def test_paste_and_browser_are_waited_for_at_once(stage: Stage, run: Run) -> None:
    """Left at the last question the login is given back, in so many words.

    A wrong paste is explained and asked for again; then the browser comes back by itself and wins."""
    assert stage.sandbox.xero.identity is not None
    with terminal(stage.home, *command(stage, "--no-listen"), **variables(stage)) as shown:  # type: ignore[arg-type]
        shown.until(b"Paste the address")
        landed = asyncio.run(control.consent(address(shown)))
        shown.press(landed + "\r")
        shown.until(b"Which ones?")
        assert stage.sandbox.xero.identity.connections
        os.write(shown.master, b"\x03")
        assert shown.wait() == Exit.INTERRUPTED
        assert b"Not saved: the login was given back to Xero." in shown.written
        assert stage.sandbox.xero.identity.connections == []
    with terminal(stage.home, *command(stage, "--qr", "--copy"), columns=100, **variables(stage)) as shown:  # type: ignore[arg-type]
        shown.until(b"Paste the address")
        url = address(shown)
        assert b"\x1b]52;c;" in shown.written
        assert "▀".encode() in shown.written
        assert b"Listening on port" in shown.written
        shown.press("what is this?\r")
        shown.until(b"neither an address nor a code")
        landed = asyncio.run(control.consent(url))
        wrong = re.sub(r"state=[^&]+", "state=other", landed)
        with pytest.raises(OSError):
            urlopen(wrong, timeout=30)
        with urlopen(landed, timeout=30) as page:
            assert b"go back to the terminal" in page.read()
        shown.until(b"come back by itself")
        shown.until(b"Which ones?")
        assert b"live" in shown.written
        assert b"permissions that XeroTUI uses" in shown.written
        # A slip at the last question costs nothing.
        shown.press("9\r")
        shown.until(b"'9' is none of the numbers 1 to 2")
        shown.press("1\r")
        assert shown.wait() == Exit.DONE
        assert b"Not saved" not in shown.written
    listed = json.loads(run("tenants", "--json")[1])["tenants"]
    assert [row["state"] for row in listed] == ["connected"]


def test_without_listening_and_beside_a_taken_port_pasting_goes_on(stage: Stage, run: Run) -> None:
    """The answer is pasted by hand; what the port is taken by is left alone."""
    assert stage.sandbox.xero.identity is not None
    redirect = next(iter(stage.sandbox.xero.identity.apps.values())).redirect_uris[0]
    port = int(redirect.rpartition(":")[2].partition("/")[0])
    with (
        socket.create_server(("127.0.0.1", port)),
        # What is saved under the name needn't be given again.
        terminal(stage.home, "-m", "xerotui", "connect", "xero", "--all", **variables(stage)) as shown,  # type: ignore[arg-type]
    ):
        shown.until(b"Paste the address")
        assert b"is taken by another program" in shown.written
        shown.press(asyncio.run(control.consent(address(shown))) + "\r")
        assert shown.wait() == Exit.DONE
        assert b"already connected" in shown.written
    clock = {"XEROTUI_CLOCK": variables(stage)["XEROTUI_CLOCK"]}
    with terminal(stage.home, *command(stage, "--no-listen", "--name", "Left", kind="pkce"), **clock) as shown:  # type: ignore[arg-type]
        shown.until(b"Paste the address")
        assert b"Listening" not in shown.written
        assert b"secret" not in shown.written, "such an app has none"
        os.write(shown.master, b"\x03")
        assert shown.wait() == Exit.INTERRUPTED
    assert [row["name"] for row in json.loads(run("tenants", "logins", "--json")[1])] == ["Xero"]


def test_organisations_leave_and_the_login_is_deleted(stage: Stage, run: Run) -> None:
    """Each with --json and words; without --yes and without a terminal nothing is taken away."""
    first, second = sorted(json.loads(run("tenants", "--json")[1])["tenants"], key=lambda row: row["name"])
    # A name of which several begin alike says which they are.
    code, _, err = run("tenants", "show", "northgate")
    assert code == Exit.USAGE
    assert first["name"] in err
    assert second["name"] in err
    assert "called" not in err
    assert run("tenants", "disconnect", first["name"])[0] == Exit.USAGE
    code, out, err = run("tenants", "disconnect", first["name"], "--yes", "--json")
    assert code == Exit.DONE, err
    assert json.loads(out)["tenants"] == [first["name"]]
    assert "history are kept" in err
    table = " ".join(run("tenants", "logins")[1].split())
    assert second["name"] in table
    assert first["name"] not in table
    assert run("tenants", "delete", "nobody", "--yes")[0] == Exit.USAGE
    code, _, err = run("tenants", "delete", "xero", "--yes")
    assert code == Exit.DONE, err
    assert "withdrawn at Xero" in err
    assert stage.sandbox.xero.identity is not None
    assert stage.sandbox.xero.identity.connections == []
    listed = json.loads(run("tenants", "--json")[1])["tenants"]
    assert {row["state"] for row in listed} == {"disconnected"}
