"""Problem codes are a promise: what is used is in the table, what the table holds is used, and all is in words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import xerotui
from docs.generate import error_codes
from xerotui.model.problems import CORE

PACKAGE = Path(xerotui.__file__).parent
TABLE = PACKAGE / "model" / "problems.py"
_CODE = re.compile(r"core\.[a-z_]+")


def modules() -> Iterator[Path]:
    yield from (path for path in PACKAGE.rglob("*.py") if path != TABLE)


def used() -> dict[str, set[str]]:
    """Every whole string `core.…` of the package, outside the table, with the modules that hold it."""
    found: dict[str, set[str]] = {}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.fullmatch(node.value):
                found.setdefault(node.value, set()).add(str(path.relative_to(PACKAGE)))
    return found


def test_every_code_in_use_is_a_known_problem_or_a_refusal_of_a_command() -> None:
    known = set(CORE) | {refusal.code for refusal in error_codes()}
    assert {code: places for code, places in used().items() if code not in known} == {}


def test_every_known_problem_can_happen() -> None:
    assert sorted(set(CORE) - set(used())) == []


def test_the_search_sees_codes_at_all() -> None:
    assert "core.tax_unmapped" in used()
    assert len(used()) > 40


@pytest.mark.parametrize("code", sorted(CORE))
def test_every_problem_has_words_for_people(code: str) -> None:
    words = CORE[code]
    assert _CODE.fullmatch(code)
    assert words.title[0].isupper()
    assert not words.title.endswith(".")
    assert words.remedy.endswith(".")
    assert len(words.title) <= 70
