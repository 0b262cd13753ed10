"""The tables of what is true for a source name every promise once, and only tests that exist; they count truly."""

import ast
import re
import shlex
from collections import Counter
from pathlib import Path

import pytest

from tests.unit.test_docs import looked_up

ROOT = Path(__file__).parents[2]


def rows(text: str) -> list[list[str]]:
    """The cells of the rows of a table of promises."""
    found = (line for line in text.splitlines() if re.match(r"\| [HNMXB]\d+ \|", line))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found]


# What each page's table has to speak of.
WANTED = {
    "halo": {f"H{n}" for n in range(1, 41)}
    | {"M2", "M3", "M4", "M6", "M7", "M8", "M9", "M12", "M14", "M16", "X10", "B15"},
    "nethelpdesk": {f"N{n}" for n in range(1, 13)} | {"M2"},
}
TEXTS = {page: (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") for page in WANTED}
ROWS = {page: rows(text) for page, text in TEXTS.items()}


def _test(test: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    path, _, name = test.partition("::")
    file = ROOT / path
    if not file.is_file():
        return None
    found = (n for n in ast.parse(file.read_text(encoding="utf-8")).body if getattr(n, "name", "") == name)
    return next((n for n in found if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)), None)


def exists(test: str) -> bool:
    """Whether a test of that path and name is in its file."""
    return _test(test) is not None


def long(test: str) -> bool:
    """Whether a test is left to `make soak`."""
    found = _test(test)
    return found is not None and "pytest.mark.soak" in map(ast.unparse, found.decorator_list)


@pytest.mark.parametrize("page", WANTED)
def test_every_promise_has_one_row(page: str) -> None:
    assert Counter(row[0] for row in ROWS[page]) == Counter(WANTED[page])


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=f"{page}-{row[0]}") for page, found in ROWS.items() for row in found]
)
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


@pytest.mark.parametrize("page", WANTED)
def test_what_only_the_soak_runs_is_marked_and_nothing_rests_on_it_alone(page: str) -> None:
    for row in ROWS[page]:
        named = re.findall(r"`([^`]+)`( \(soak\))?", row[5])
        assert [test for test, mark in named if long(test) is not bool(mark)] == [], row[0]
        assert row[2] == "no" or not all(mark for _, mark in named), row[0]
    assert "(soak)" not in TEXTS[page] or "`make soak`" in TEXTS[page]


@pytest.mark.parametrize("page", WANTED)
def test_the_count_above_the_table_is_that_of_its_rows(page: str) -> None:
    found = Counter(row[2] for row in ROWS[page])
    words = f"Of {len(ROWS[page])}: {found['yes']} yes, {found['part']} in part, {found['no']} no."
    assert words in TEXTS[page]


def test_a_test_that_does_not_exist_is_noticed() -> None:
    assert not exists("tests/unit/test_docs_sources.py::test_nobody_wrote")
    assert not exists("tests/unit/nowhere.py::test_x")
    assert exists("tests/unit/test_docs_sources.py::test_every_promise_has_one_row")


def test_commands_of_the_script_exist() -> None:
    script = (ROOT / "docs" / "first-sync.sh").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^xerotui (.*?)(?: \|\| .*)?$", script, re.MULTILINE)
    assert len(lines) == 9
    for line in lines:
        looked_up(shlex.split(line))
