"""Nothing but `safe` and its like turns foreign strings into what a widget paints; checked in the source itself."""

import ast
from pathlib import Path

import pytest

import xerotui.console

ROOT = Path(next(iter(xerotui.console.__path__)))
FILES = sorted(ROOT.rglob("*.py"))
# What a widget reads as markup when it is a plain string, by method and class name (tui-and-plugins section 5).
CALLS = {"update", "Static", "Label", "Button", "Option", "Selection", "Content", "add_option", "add_column", "Toast"}
ATTRIBUTES = {"border_title", "border_subtitle", "tooltip", "sub_title"}


def _name(call: ast.Call) -> str:
    function = call.func
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _unsafe(node: ast.expr) -> bool:
    """A string that may hold markup: an f-string, a sum, a format, or a literal with a bracket."""
    if isinstance(node, ast.JoinedStr | ast.BinOp):
        return True
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return "[" in node.value
    return isinstance(node, ast.Call) and _name(node) in ("format", "str", "clean", "short", "money")


def faults(source: str) -> list[int]:
    """Lines where a widget is given a string that isn't a `Text`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _name(node) in CALLS and node.args and _unsafe(node.args[0]):
            found.append(node.lineno)
        if isinstance(node, ast.Call) and _name(node) == "notify":
            plain = not any(
                k.arg == "markup" and isinstance(k.value, ast.Constant) and k.value.value is False
                for k in node.keywords
            )
            if plain or (node.args and isinstance(node.args[0], ast.JoinedStr)):
                found.append(node.lineno)
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Attribute) and t.attr in ATTRIBUTES for t in node.targets
        ):
            found.append(node.lineno)
        if isinstance(node, ast.Call) and _name(node) in ("from_markup", "from_ansi"):
            found.append(node.lineno)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_widget_is_given_a_foreign_string(path: Path) -> None:
    """Every file of the console."""
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        'Static(f"{name}")',
        'label.update("a" + name)',
        "self.app.notify(words)",
        'self.app.notify(f"{x}", markup=False)',
        "self.border_title = name",
        "Text.from_markup(name)",
        "Option(str(row.title))",
    ],
)
def test_the_check_finds_what_it_is_for(line: str) -> None:
    """A check that finds nothing in bad code proves nothing in good code."""
    assert faults(line)


def test_rich_text_is_made_of_literals_alone() -> None:
    """`Text(...)` in screens and rows is for our own words; foreign ones go through `safe`."""
    found = []
    for path in FILES:
        if path.name == "text.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node) == "Text" and node.args:
                first = node.args[0]
                if isinstance(first, ast.JoinedStr):
                    found.append(f"{path.name}:{node.lineno}")
    assert found == []
