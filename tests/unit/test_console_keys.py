"""The registry and the console: every key is unique where it works, every command has a handler, a sentence, a twin."""

import importlib
import pkgutil

import pytest

import xerotui.console.screens
from xerotui.console import keys
from xerotui.console.app import XeroTUI
from xerotui.console.screens import modes
from xerotui.console.screens.base import AreaScreen
from xerotui.console.widgets.bars import Hint, key_line
from xerotui.workspace.command import Command
from xerotui.workspace.commands import BY_ID, COMMANDS


def screens() -> dict[str, list[type[AreaScreen]]]:
    """Every screen class by its area."""
    for module in pkgutil.iter_modules(xerotui.console.screens.__path__):
        importlib.import_module(f"xerotui.console.screens.{module.name}")
    found: dict[str, list[type[AreaScreen]]] = {}
    waiting = list(AreaScreen.__subclasses__())
    while waiting:
        screen = waiting.pop()
        waiting += screen.__subclasses__()
        if screen.AREA:
            found.setdefault(screen.AREA, []).append(screen)
    return found


def test_no_key_means_two_things_on_one_screen() -> None:
    """Global keys included."""
    assert keys.clashes(COMMANDS) == []


def test_a_clash_would_be_found() -> None:
    """The check itself: two commands of one screen, and one of a screen against a global one."""
    one = Command(id="a.b", title="A", sentence="A.", key="x", where="plan")
    two = Command(id="a.c", title="B", sentence="B.", key="x", where="plan")
    everywhere = Command(id="a.d", title="C", sentence="C.", key="x")
    assert keys.clashes((one, two))
    assert keys.clashes((everywhere, one))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.id)
def test_every_command_is_answered_where_it_is_offered(command: Command) -> None:
    """A key in the footer that nothing answers to is a lie."""
    if command.id.startswith("go."):
        area = command.id.removeprefix("go.")
        assert area in modes.MODES or area == "plugins"
        return
    name = "do_" + command.id.replace(".", "_")
    if command.where:
        assert all(hasattr(screen, name) for screen in screens()[command.where]), command.where
    elif command.id not in ("list.filter", "list.mark"):
        assert hasattr(AreaScreen, name) or hasattr(XeroTUI, name)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.id)
def test_every_command_can_be_reached_by_a_plain_key(command: Command) -> None:
    """No Ctrl, no Alt; what has no key is in the palette."""
    assert "ctrl" not in command.key
    assert "alt" not in command.key
    assert command.title
    assert command.sentence.endswith(".")


@pytest.mark.parametrize("area", sorted(screens()))
def test_every_screen_says_what_it_is_for(area: str) -> None:
    """Help is generated from it."""
    for screen in screens()[area]:
        assert screen.NAME
        assert area == "help" or (screen.HELP or "").endswith(".")


@pytest.mark.parametrize("area", sorted({c.where for c in COMMANDS if c.where}))
def test_the_footer_fits_eighty_columns_with_help_at_its_end(area: str) -> None:
    """At most seven commands, and `?` is there whatever is left out."""
    listed = keys.footer_for(area)
    assert len(listed) <= keys.FOOTER + 1
    hints = tuple(Hint(keys.shown(c.key), "" if c.id == "app.help" else c.title) for c in listed)
    line = key_line(hints, 80)
    assert line.cell_len <= 80
    assert line.plain.rstrip().endswith("?")
    assert all(c.title in line.plain for c in listed if c.id != "app.help"), "the footer hides a key at 80 columns"


def test_a_narrow_footer_keeps_help() -> None:
    """On forty columns keys go, help stays."""
    hints = (*(Hint(str(n), "Something long") for n in range(7)), Hint("?", ""))
    line = key_line(hints, 40)
    assert line.cell_len <= 40
    assert line.plain.rstrip().endswith("?")


def test_destruction_never_sits_on_enter() -> None:
    """Nor does anything that destroys share a key with moving about."""
    for command in COMMANDS:
        if command.danger == "destroys":
            assert command.key not in ("enter", "space", "")
    assert BY_ID["map.clear"].danger == "destroys"
