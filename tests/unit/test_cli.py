"""The command line without a workspace: help, usage errors, exit codes, safe text, crash files, JSON in ASCII."""

import json
from pathlib import Path

import pytest

from xerotui.cli import app, demo_expect, demo_report
from xerotui.cli.codes import MEANING, Exit
from xerotui.cli.output import Output
from xerotui.cli.text import money, safe
from xerotui.main import main
from xerotui.model.problems import CORE, SyncError
from xerotui.workspace import crash
from xerotui_halo.emulator import HaloEmulator


def test_every_command_is_listed_with_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == Exit.DONE
    shown = capsys.readouterr().out
    for name in app.COMMANDS:
        assert f"  {name} " in shown
    flat = " ".join(shown.split())
    for code, words in MEANING.items():
        assert f"{int(code)} {words}" in flat


@pytest.mark.parametrize("name", sorted(app.COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == Exit.DONE
    assert capsys.readouterr().out.startswith("Usage:")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["impotr"], "Did you mean 'import'"),
        (["retry"], "One of OPERATION"),
        (["errors", "--cause", "nothing"], "CODE/SUBJECT"),
        (["import", "unicorns"], "is no kind"),
        (["why", " "], "Say a number or a name"),
        (["set", "", "--status", "DRAFT"], "Say a number or a name"),
        (["take", "xero", ""], "Say a number or a name"),
        (["sandbox", "--rate", "61"], "at most 60"),
        (["queue", "--limit", "-1"], "-1 is not in the range"),
        (["queue", "--state", "lost"], "is not one of"),
        (["queue", "--kind", "unicorn"], "is not one of"),
        (["plan", "--verb", "explode"], "is not one of"),
        (["sandbox", "--port-xero", "70000"], "70000 is not in the range"),
        (["sandbox", "--scale", "0"], "is not in the range"),
        (["connect", "xero", "--client-id", "x"], "--answer-file"),
        ([], "needs a terminal"),
    ],
)
def test_usage_errors_end_with_1(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--home", str(tmp_path), *arguments]) == Exit.USAGE
    shown = capsys.readouterr()
    assert words in shown.err
    assert not shown.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["demo", "--json"], "--headless"),
        (["demo", "--headless", "--json", "--source", "nobody"], "no emulator is called nobody; there are halo"),
        (["sandbox", "--json", "--source", "nobody"], "no emulator is called nobody; there are halo"),
        (["retry", "--json"], "One of OPERATION"),
        (["impotr", "--json"], "Did you mean"),
        (["connect", "xero", "--client-id", "x", "--answer-file", "/nowhere/at/all", "--json"], "can't be read"),
    ],
)
def test_usage_errors_are_data_for_those_who_asked_for_it(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--home", str(tmp_path), *arguments]) == Exit.USAGE
    shown = capsys.readouterr()
    assert words in shown.err
    error = json.loads(shown.out)["error"]
    assert error["code"] == "core.usage"
    assert words in error["sentence"]
    assert "--help" in error["remedy"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["retry", "op-of-nobody"], "no such operation"),
        (["retry", "--plan", "plan-of-nobody"], "no such plan"),
        (["retry", "--cause", "core.tax_unmapped/nothing"], "Nothing waits"),
        (["errors", "--code", "core.unheard_of"], "no problem code"),
        (["queue", "--plan", "plan-of-nobody"], "no such plan"),
        (["queue", "--show", "op-of-nobody"], "no such operation"),
    ],
)
def test_what_nobody_knows_ends_with_4(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--home", str(tmp_path), *arguments, "--json"]) == Exit.REFUSED
    shown = capsys.readouterr()
    assert words in json.loads(shown.out)["error"]["sentence"]
    assert words in shown.err


def test_a_code_that_waits_for_nothing_now_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(tmp_path), "errors", "--code", "core.tax_unmapped", "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out) == []


def test_options_of_a_source_are_drawn_from_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connect", "halo", "--help"]) == Exit.DONE
    shown = capsys.readouterr().out
    assert "--url" in shown
    # A secret is never an argument: lists of processes show those to everybody.
    assert "--client-secret-file" in shown
    assert "--client-secret " not in shown
    assert main(["connect", "xero", "--help"]) == Exit.DONE
    assert "[default: http://localhost:8736/callback]" in " ".join(capsys.readouterr().out.split())


def test_secrets_come_from_a_file_or_a_variable_and_are_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--home", str(tmp_path), "connect", "halo", "--url", "http://127.0.0.1:9", "--client-id", "x"]
    assert main(given) == Exit.USAGE
    assert "XEROTUI_CLIENT_SECRET" in capsys.readouterr().err
    (tmp_path / "secret").write_text("hush-hush\n")
    assert main([*given, "--client-secret-file", str(tmp_path / "secret"), "--json"]) == Exit.NOT_CONNECTED
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"]["remedy"]
    assert "hush-hush" not in shown.err + shown.out


def test_sentences_not_tracebacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = SyncError("It is so.", "Do this.", code="core.some", exit_code=4)
    assert app.failed(error, tmp_path, json=True) == Exit.REFUSED
    shown = capsys.readouterr()
    assert shown.err == "It is so. Do this.\n"
    assert json.loads(shown.out) == {"error": {"code": "core.some", "sentence": "It is so.", "remedy": "Do this."}}


def test_the_unforeseen_leaves_a_redacted_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjFDQUY4RTY2"
    secret = "in a local variable"
    with pytest.raises(ValueError) as caught:
        raise ValueError(f"Bearer {token} was refused")
    assert app.failed(caught.value, tmp_path) == Exit.INTERNAL
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    (path,) = (tmp_path / "logs").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    assert "ValueError" in text
    assert "test_cli.py" in text
    assert token not in text
    assert secret not in text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain Über 株式会社", "plain Über 株式会社"),
        ("\x1b]0;owned\x07", "␛]0;owned␇"),
        ("a\u202egnp.exe", "a‹202e›gnp.exe"),
        ("\x9b31m\x00", "‹009b›31m␀"),
        ("two\nlines\tand", "two⏎lines and"),
        ("[b]x[/]", "[b]x[/]"),
    ],
)
def test_text_from_outside_cannot_act(raw: str, shown: str) -> None:
    assert safe(raw) == shown


def test_long_text_is_cut_and_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(safe("x" * 10_000)) == 2000
    Output(json=True).data({"name": "\x1b[2J\u202e\x9b Ü"})
    shown = capsys.readouterr().out
    assert shown.isascii()
    assert "\x1b" not in shown
    assert json.loads(shown)["name"] == "\x1b[2J\u202e\x9b Ü"


def test_tables_show_markup_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(("Name",), [("[b]Bold[/b] \x1b[31m",)], title="[red]x")
    shown = capsys.readouterr().out
    assert "[b]Bold[/b] ␛[31m" in shown
    assert "[red]x" in shown


def test_money_keeps_every_digit() -> None:
    from decimal import Decimal

    assert money(Decimal("1234567.80"), "GBP") == "1,234,567.80 GBP"
    assert money(None) == ""


def test_every_expected_code_of_the_core_exists() -> None:
    from xerotui.sandbox.world import build

    world = build(1)
    emulator = HaloEmulator()
    emulator.load(world)
    seeded = emulator.expected()
    # Beside a tax rate and a charge rate, which are seen on the documents that they stop.
    told = {(t.record, str(t.id)) for t in world.trouble if t.blocks and t.record != "charge_rate"}
    assert {(entry["kind"].replace("tax_rate", "tax"), entry["id"]) for entry in seeded} == told
    assert {entry["code"] for entry in seeded if entry["code"].startswith("core.")} <= set(CORE)
    assert demo_expect.left(seeded) == {str(t.id) for t in world.trouble if t.record == "tax"}
    first, end = demo_expect.expected(seeded, mended=False), demo_expect.expected(seeded, mended=True)
    assert demo_expect.by_code(first)["core.tax_unmapped"] == 12
    assert "core.tax_unmapped" not in demo_expect.by_code(end)
    assert demo_expect.differing(end, first) == [
        f"not found: core.tax_unmapped invoice {id}" for id in sorted(e[2] for e in first - end)
    ]


def test_differences_to_the_penny() -> None:
    ours: demo_report.Totals = {"t": {"GBP": {"invoice": {"documents": 2, "total": "10.00"}}}}
    assert demo_report.differences(ours, {"t": {"GBP": {"invoice": {"documents": 2, "total": "10"}}}}) == []
    (found,) = demo_report.differences(ours, {"t": {"GBP": {"invoice": {"documents": 2, "total": "10.01"}}}})
    assert found["source"]["total"] == "10.00"
    assert found["xero"]["total"] == "10.01"
    assert len(demo_report.differences(ours, {})) == 1


def test_what_might_be_a_secret_is_masked() -> None:
    assert "hunter2" not in crash.masked("password=hunter2")
    assert crash.masked("no such file") == "no such file"


def test_no_cell_of_a_csv_is_a_formula_or_acts(capsys: pytest.CaptureFixture[str]) -> None:
    Output().csv(("a", "b"), [("=1+1", " @x"), ("-2", "\x1b[2Jtwo\nlines"), ("plain", "a,b")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["a,b", "'=1+1,' @x"]
    assert lines[2].startswith("'-2,")
    assert "\x1b" not in lines[2]
    assert lines[3] == 'plain,"a,b"'
    assert len(lines) == 4
