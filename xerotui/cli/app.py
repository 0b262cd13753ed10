"""The root of all commands: which module holds which, global options, and how every error ends. Loads nothing heavy."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from xerotui import __version__
from xerotui.cli.codes import Exit, table

Console = Callable[[Path | None, bool, str], int]

# name: (module, attribute, one line of help); the module is imported when the command is called.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "apply": ("plan", "apply", "Approve a plan and let it run."),
    "connect": ("connect", "connect", "Connect Xero or a source."),
    "credits": ("credits", "credits_", "Credit notes of which something isn't laid on an invoice."),
    "demo": ("demo", "demo", "Try everything on an emulated Xero and PSA; no account needed."),
    "doctor": ("doctor", "doctor", "Check connections, plugins, worker and stores."),
    "drift": ("drift", "drift", "Where source and Xero differ and nothing is overwritten."),
    "errors": ("errors", "errors", "What waits, grouped by cause."),
    "generate": ("generate", "generate", "Account numbers and item codes for records that have none."),
    "import": ("imports", "import_", "Bring customers, suppliers and items from Xero."),
    "mail": ("mail", "mail", "Let Xero mail one invoice to its contact."),
    "map": ("map", "map_", "Which Xero value each source value becomes."),
    "pair": ("pair", "pair", "What is synced between a source and an organisation, from when, and how."),
    "plan": ("plan", "plan", "See what a sync would do before it does it."),
    "plugins": ("plugins", "plugins", "Source plugins, their state and faults."),
    "queue": ("queue", "queue", "Every operation and where it stands."),
    "retry": ("errors", "retry", "Try again what was refused or set aside."),
    "sandbox": ("sandbox", "sandbox", "Serve an emulated Xero and PSA until interrupted."),
    "set": ("set", "set_", "Choose status, theme, number, date or a line's values for one document."),
    "setup": ("setup", "setup", "The way from nothing to the first sync, step by step."),
    "take": ("drift", "take", "Take Xero's or the source's side where both differ."),
    "tenants": ("tenants", "tenants", "Xero organisations and source connections."),
    "webhooks": ("webhooks", "webhooks", "Receive Xero's webhooks; how they and polling stand."),
    "why": ("why", "why", "Why any record is in Xero or isn't: its whole story."),
    "worker": ("worker", "worker", "Run, stop or ask after the worker."),
}


@dataclass
class Root:
    """What the global options say."""

    home: Path | None
    read_only: bool
    console: Console
    # Whether the command that runs speaks JSON: then its failure does as well.
    json: bool = False


class Lazy(click.Group):
    """A group that lists its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the alphabet."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module that holds the command."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        found = getattr(import_module(f"xerotui.cli.commands.{module}"), attribute)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands and the exit codes."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in sorted(COMMANDS)])
        formatter.write_paragraph()
        formatter.write_text(table())

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command, or a usage error that names the nearest one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, 1)
            ctx.fail(f"No such command '{args[0]}'." + (f" Did you mean '{near[0]}'?" if near else ""))
        return super().resolve_command(ctx, args)


@click.group(cls=Lazy, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", type=click.Path(path_type=Path), help="Directory of book, ledger and vault (or XEROTUI_HOME).")
@click.option("--read-only", is_flag=True, help="Refuse whatever would change something.")
@click.version_option(__version__, prog_name="xerotui")
@click.pass_context
def root(ctx: click.Context, home: Path | None, read_only: bool) -> int:
    """Billing from PSA and CRM systems into Xero, planned before it is written.

    Without a command the console opens. Data goes to stdout, everything else to stderr.
    """
    ctx.obj.home = home
    ctx.obj.read_only = read_only or os.environ.get("XEROTUI_READ_ONLY", "") not in ("", "0")
    if ctx.invoked_subcommand is not None:
        return 0
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("The console needs a terminal. See 'xerotui --help' for commands that don't.", ctx)
    result: int = ctx.obj.console(home, ctx.obj.read_only, "")
    return result


def run(arguments: list[str], console: Console) -> int:
    """Run one command line to its exit code; nothing that goes wrong shows a traceback."""
    state = Root(None, False, console)
    try:
        result = root.main(arguments, prog_name="xerotui", standalone_mode=False, obj=state)
        return int(result or 0)
    except click.exceptions.Exit as error:
        return int(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("interrupted\n")
        return Exit.INTERRUPTED
    except click.ClickException as error:
        error.show()
        if "--json" in arguments:
            _told(error)
        return Exit.USAGE
    except BrokenPipeError:
        # Whoever read our data has seen enough; Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.INTERRUPTED
    except Exception as error:
        return failed(error, state.home, json=state.json)


def _told(error: click.ClickException) -> None:
    """A usage error as data: a script that asked for JSON gets JSON."""
    from xerotui.cli.output import Output

    context = getattr(error, "ctx", None)
    remedy = f"See: {context.command_path} --help." if context is not None else "See: xerotui --help."
    said = {"code": "core.usage", "sentence": error.format_message(), "remedy": remedy}
    Output(json=True).data({"error": said})


def failed(error: Exception, home: Path | None, *, json: bool = False) -> int:
    """Say what went wrong in a sentence and a remedy; the exit code. Unforeseen errors leave a redacted file."""
    from xerotui.cli.output import Output
    from xerotui.model.problems import SyncError

    out = Output(json=json)
    if isinstance(error, SyncError):
        out.say(" ".join(part for part in (error.sentence.rstrip(".") + ".", error.remedy) if part))
        if json:
            out.data({"error": {"code": error.code, "sentence": error.sentence, "remedy": error.remedy}})
        return error.exit_code
    from xerotui.workspace import crash
    from xerotui.workspace.home import Home, default_root

    path = crash.record(error, Home(home or default_root()).logs)
    where = f" What is known is in {path}." if path else ""
    out.say(f"XeroTUI failed in a way nobody foresaw ({type(error).__name__}).{where}")
    if json:
        out.data({"error": {"code": "core.internal", "sentence": type(error).__name__, "remedy": ""}})
    return Exit.INTERNAL
