"""The pages are true: written ones are current, links and commands exist, variables, codes and states are all there."""

import ast
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

import xerotui
from docs.generate import AREAS, PAGES, error_codes, plugin_problems
from xerotui.cli.app import Root, root
from xerotui.cli.codes import MEANING
from xerotui.model.problems import CORE
from xerotui.model.work import TRANSITIONS, PlanState
from xerotui.workspace.commands import COMMANDS

ROOT = Path(__file__).parents[2]
PACKAGE = Path(xerotui.__file__).parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
READ = {path.name: path.read_text(encoding="utf-8") for path in DOCS}
_SECRETS = {"XEROTUI_CLIENT_SECRET"}


def anchors(text: str) -> set[str]:
    """The anchors that headings make, as the usual renderers do."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_written_pages_are_current(name: str) -> None:
    assert READ[name] == PAGES[name](), "run: python docs/generate.py"


def test_links_lead_somewhere() -> None:
    found = 0
    for path in [*DOCS, ROOT / "README.md"]:
        for target in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
            file, _, anchor = unquote(target).partition("#")
            there = (path.parent / file).resolve() if file else path
            assert there.exists(), (path.name, target)
            if anchor:
                assert anchor in anchors(there.read_text(encoding="utf-8")), (path.name, target)
            found += 1
    assert found > 10


def test_every_page_is_on_the_map() -> None:
    for path in DOCS:
        assert path.name == "index.md" or f"]({path.name})" in READ["index.md"]


# ---- commands


def spoken() -> Iterator[tuple[str, str]]:
    """Every `xerotui …` of the pages, in blocks and in running text."""
    for name, text in READ.items():
        for line in re.findall(r"^ {4,}(?:sudo -u \w+ )?xerotui (.*)$", text, re.MULTILINE):
            yield name, line.partition(" #")[0]
        for line in re.findall(r"`xerotui ([^`]+)`", text):
            # The made-up system of the example for plugin authors.
            yield name, line.replace("connect desk --url … --api-key-file …", "connect halo")


def looked_up(words: list[str]) -> None:
    """Walk the words of a command line through the real commands; AssertionError for what doesn't exist."""
    context = click.Context(root, info_name="xerotui", obj=Root(None, False, lambda home, read_only, banner: 0))
    command: click.Command = root
    known = {"--help", "-h"} | {o for p in root.params for o in p.opts}
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            assert word in known, word
            continue
        if isinstance(command, click.Group) and (sub := command.get_command(context, word)) is not None:
            command = sub
            known |= {o for p in sub.params for o in (*p.opts, *p.secondary_opts)}
        elif word.islower() and word.isalpha() and isinstance(command, click.Group):
            raise AssertionError(f"no command {word}")


@pytest.mark.parametrize(("page", "line"), sorted(set(spoken())))
def test_commands_of_the_pages_exist(page: str, line: str) -> None:
    looked_up(shlex.split(line.replace("…", "X")))


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.cli], ids=lambda c: c.id)
def test_twins_of_keys_exist_on_the_command_line(command: object) -> None:
    words = str(getattr(command, "cli", "")).replace("connect SOURCE", "connect halo").split()
    if words == ["--tenant"]:
        words = ["plan", *words]
    looked_up(words)


def texts(node: ast.AST) -> list[str]:
    """What a string of the source may say: X stands for what is filled in, both ways for a choice of two."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else ["X"]
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    if isinstance(node, ast.FormattedValue):
        return texts(node.value)
    if isinstance(node, ast.JoinedStr):
        return ["".join(parts) for parts in itertools.product(*map(texts, node.values))]
    return ["X"]


def said() -> Iterator[tuple[str, str]]:
    """Every `xerotui …` that the program itself says: remedies, and what a key is the same as."""
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        within = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in within:
                for text in texts(node):
                    for line in re.findall(r"(?<![\w/])xerotui ([a-z-]+ [^`]*?)(?=$|[`\n(;]|[.,:](?:\s|$))", text):
                        yield path.stem, line


@pytest.mark.parametrize(("module", "line"), sorted(set(said())))
def test_commands_that_the_program_says_exist(module: str, line: str) -> None:
    words = line.replace('"', "").replace("'", "").replace("connect SOURCE", "connect halo").split()
    # What is filled in may be an option.
    looked_up([word.removesuffix(".X") for word in words if not re.match(r"--[a-z-]*[A-Z]", word)])


def test_the_look_up_can_fail() -> None:
    for line in ("nosuch", "plan --nosuch", "map nosuch"):
        with pytest.raises(AssertionError):
            looked_up(line.split())


def test_every_area_of_the_registry_has_its_heading() -> None:
    assert {c.where for c in COMMANDS} == set(AREAS)


# ---- codes, variables, states


def strings(package: Path, pattern: str) -> set[str]:
    """Whole strings of the source that fit a pattern."""
    found = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(pattern, node.value):
                found.add(node.value)
    return found


def test_refusals_are_those_of_the_source() -> None:
    raised = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                raised.add(str(node.value.value))
    raised = {code for code in raised if "." in code} - set(CORE)
    documented = {r.code for r in error_codes()}
    assert raised - documented == set()
    assert documented - strings(PACKAGE, r"[a-z]+\.[a-z_]+") == set()


def test_plugins_explain_the_codes_that_they_use() -> None:
    found = plugin_problems()
    assert "halo.charge_rate_uncoded" in found["halo"]


def test_exit_codes_are_those_of_the_program() -> None:
    section = READ["operating.md"].partition("### Exit codes")[2].partition("###")[0]
    assert dict(re.findall(r"^\| (\d+) \| (.+?) \|$", section, re.MULTILINE)) == {
        str(int(code)): words for code, words in MEANING.items()
    }


def test_environment_variables_are_those_of_the_program() -> None:
    section = READ["operating.md"].partition("### Environment")[2]
    documented = set(re.findall(r"`(XEROTUI_[A-Z_]+)`", section)) - {"XEROTUI_"}
    used = strings(PACKAGE, r"XEROTUI_[A-Z_]+") - {"XEROTUI_CONTRACT"}
    assert documented - _SECRETS == used


def test_states_and_their_ways_are_those_of_the_law() -> None:
    section = READ["concepts.md"].partition("## States of an operation")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([a-z, ]+) \| .+ \| (.+?) \|$", section, re.MULTILINE)
    shown = {
        name: set() if after == "–" else set(after.split(", ")) for names, after in rows for name in names.split(", ")
    }
    shown.pop("state", None)
    assert shown == {state.value: {n.value for n in nexts} for state, nexts in TRANSITIONS.items()}
    # `approved` is a passing state of a plan, which no page and no list ever shows.
    for state in set(PlanState) - {PlanState.APPROVED}:
        assert f"*{state.value}*" in section


def test_pages_keep_to_their_width() -> None:
    for name, text in READ.items():
        free = ("|", "- `", "### `", "![")
        long = [line for line in text.splitlines() if len(line) > 120 and not line.startswith(free)]
        assert long == [], name
