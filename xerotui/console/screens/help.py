"""Help for the screen in front: what it is for, and its keys as they are now, drawn from the registry."""

from rich.text import Text

from xerotui.console.keys import MOVES, commands_for, shown
from xerotui.console.screens.base import AreaScreen
from xerotui.console.screens.text_screen import TextScreen
from xerotui.console.text import join, safe, stack
from xerotui.workspace.command import Command, Danger


def _line(screen: AreaScreen, command: Command) -> Text:
    danger = {Danger.WRITES: " (writes)", Danger.DESTROYS: " (destroys)"}.get(command.danger, "")
    line = join(
        safe(f" {shown(command.key) or ':':>6}  ", "bold"),
        safe(f"{command.title:<16} ", "bold"),
        safe(command.sentence + danger),
    )
    if command.cli:
        line = join(line, Text("\n" + " " * 9), safe(f"xerotui {command.cli}", "dim"))
    reason = screen.refused(command.id)
    return join(line, safe(f"  now: {reason}", "yellow")) if reason else line


def help_text(screen: AreaScreen) -> Text:
    """Purpose, own keys, keys of every screen, moves."""
    commands = commands_for(screen.AREA)
    own = [c for c in commands if c.where]
    parts: list[object] = [safe(screen.NAME, "bold"), safe(screen.HELP or "", ""), ""]
    if own:
        parts += [Text("On this screen", style="bold"), *(_line(screen, c) for c in own), ""]
    parts += [Text("Everywhere", style="bold"), *(_line(screen, c) for c in commands if not c.where), ""]
    parts.append(Text("Moving", style="bold"))
    parts += [join(safe(f" {key:>10}  ", "bold"), safe(words)) for key, words in MOVES]
    parts += [
        "",
        safe("A dim key can't run now: press it and it says why. Every action has the command beside it.", "dim"),
    ]
    return stack(*parts)


class HelpScreen(TextScreen):
    """Generated help."""

    AREA = "help"

    def __init__(self, about: AreaScreen) -> None:
        super().__init__(help_text(about), "Help")

    def do_app_help(self) -> None:
        """Pressed again, help goes."""
        self.app.pop_screen()
