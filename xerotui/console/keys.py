"""Keys: bindings, footer and help, all drawn from the command registry; no key is written anywhere else."""

from collections.abc import Iterable, Mapping

from textual.binding import Binding

from xerotui.workspace.command import Command
from xerotui.workspace.commands import COMMANDS

# What a person reads for a key's name.
_SHOWN = {
    "colon": ":",
    "slash": "/",
    "question_mark": "?",
    "enter": "⏎",
    "space": "space",
    "escape": "esc",
}
FOOTER = 7
# Screens that show one organisation or all of them; elsewhere `t` answers, but isn't advertised.
SCOPED = ("mapping", "imports", "plan", "queue", "errors", "records", "duplicates", "drift")
# Keys of lists and bars that are no commands; help shows them after the commands.
MOVES = (
    ("↑ ↓", "Move; past the end the next page comes"),
    ("PgUp PgDn", "A page back or on"),
    ("Home End", "First page; last row of this one"),
    ("tab", "To the next part of the screen"),
    ("esc", "Close the innermost thing; never quits"),
)


def shown(key: str) -> str:
    """A key as footer and help print it."""
    return _SHOWN.get(key, key)


def commands_for(area: str) -> tuple[Command, ...]:
    """The commands that a screen offers: its own first, then those of every screen."""
    own = tuple(c for c in COMMANDS if area and c.where == area)
    taken = {c.key for c in own}
    return own + tuple(c for c in COMMANDS if c.where == "" and (not c.key or c.key not in taken))


def bindings_for(area: str, keymap: Mapping[str, str] | None = None) -> list[Binding]:
    """The bindings of a screen; enter is left to the focused table, which says what was opened."""
    out = [Binding("escape", "close", "Close", show=False)]
    for command in commands_for(area):
        key = (keymap or {}).get(command.id, command.key)
        if key and key != "enter":
            out.append(Binding(key, f"command({command.id!r})", command.title, show=False, id=command.id))
    return out


def entered(area: str) -> str:
    """The id of the command that enter runs on this screen; "" when it has none."""
    return next((c.id for c in commands_for(area) if c.key == "enter"), "")


def footer_for(area: str) -> tuple[Command, ...]:
    """At most seven commands for the key bar, `?` always last."""
    listed = [c for c in commands_for(area) if c.footer and c.id != "app.help"]
    listed = [c for c in listed if c.id != "map.tenant" or area in SCOPED]
    listed.sort(key=lambda c: c.id == "app.quit")
    return tuple(listed[:FOOTER]) + tuple(c for c in COMMANDS if c.id == "app.help")


def clashes(commands: Iterable[Command]) -> list[tuple[str, str, str]]:
    """Two commands on one key of one screen, as (key, id, id); global keys clash with every screen's."""
    seen: dict[tuple[str, str], str] = {}
    out = []
    for command in commands:
        if not command.key:
            continue
        for area in {command.where, ""}:
            other = seen.get((area, command.key))
            if other and other != command.id:
                out.append((command.key, other, command.id))
        seen[(command.where, command.key)] = command.id
    return out
