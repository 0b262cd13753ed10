"""The table of what is true for HaloPSA names every promise once, and only tests that exist; it counts itself truly."""

import ast
import re
import shlex
from collections import Counter
from pathlib import Path

import pytest

from tests.unit.test_docs import looked_up

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "halo.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if re.match(r"\| [HMXB]\d+ \|", line)
]
WANTED = {f"H{n}" for n in range(1, 41)} | {"M2", "M3", "M4", "M6", "M7", "M8", "M9", "M12", "M14", "M16", "X10", "B15"}


def exists(test: str) -> bool:
    """Whether a test of that path and name is in its file."""
    path, _, name = test.partition("::")
    file = ROOT / path
    if not file.is_file():
        return False
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return name in {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_promise_has_one_row() -> None:
    assert Counter(row[0] for row in ROWS) == Counter(WANTED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_says_what_it_rests_on_and_what_is_missing(row: list[str]) -> None:
    _, promise, true, console, command, tests, missing = row
    assert promise
    assert true in ("yes", "part", "no")
    named = re.findall(r"`([^`]+)`", tests)
    assert [test for test in named if not exists(test)] == []
    if true == "yes":
        assert console
        assert re.match(r"`xerotui ", command)
        assert named
        assert not missing
    else:
        assert missing
    if true == "no":
        assert not named


def test_the_count_above_the_table_is_that_of_its_rows() -> None:
    found = Counter(row[2] for row in ROWS)
    assert f"Of {len(ROWS)}: {found['yes']} yes, {found['part']} in part, {found['no']} no." in TEXT


def test_a_test_that_does_not_exist_is_noticed() -> None:
    assert not exists("tests/unit/test_docs_halo.py::test_nobody_wrote")
    assert not exists("tests/unit/nowhere.py::test_x")
    assert exists("tests/unit/test_docs_halo.py::test_every_promise_has_one_row")


def test_commands_of_the_script_exist() -> None:
    script = (ROOT / "docs" / "first-sync.sh").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^xerotui (.*?)(?: \|\| .*)?$", script, re.MULTILINE)
    assert len(lines) == 9
    for line in lines:
        looked_up(shlex.split(line))
