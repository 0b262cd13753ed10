"""Writes `problems.md` and `keys.md` from what the program itself knows; a test holds the pages to it.

Run `python docs/generate.py` after a problem code, a command or a key has changed.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from xerotui.cli.app import COMMANDS as COMMAND_LINE
from xerotui.console.keys import MOVES, shown
from xerotui.model.kinds import Kind
from xerotui.model.problems import CORE, Explanation, Problem, RecordRef
from xerotui.source.registry import Registry
from xerotui.workspace.command import Command
from xerotui.workspace.commands import BY_ID, COMMANDS
from xerotui.xero.catalogue import CATALOGUE

HERE = Path(__file__).parent
ROOT = HERE.parent
_CODE = re.compile(r"[a-z][a-z0-9_-]*\.[a-z_]+")
AREAS = {
    "": "Everywhere",
    "overview": "Overview",
    "setup": "Setup",
    "tenants": "Tenants",
    "pair": "Settings of a pair",
    "connection": "A connection",
    "connect": "Connecting",
    "mapping": "Tax mapping",
    "imports": "Imports",
    "plan": "Plan",
    "queue": "Sync queue",
    "errors": "Errors",
    "records": "Records of one cause",
    "drift": "Drift",
    "story": "A record's story",
}

_PROBLEMS = """\
# Problems

A *problem* belongs to one record. It has a code that never changes its meaning, a *subject* (the tax rate, item,
account or contact at fault), a sentence, and a remedy. Code and subject together are its *cause*: Errors lists causes
with the number of records that wait for each, and one fix releases them all. A few only accompany a record that went: a
warning of Xero's, a total that differs afterwards, a link that couldn't be written back. All others stop their record.

    xerotui errors                        # the causes; ends with 2 when something is stopped
    xerotui errors --cause CODE/SUBJECT   # the records that wait for one
    xerotui retry --cause CODE/SUBJECT    # read both sides again and resolve anew what waits for it

The sentence shown with a record is more exact than this page: it names the values. What Xero or the source said is kept
to the letter beside it.

This page is written by `docs/generate.py`."""
_REFUSED = """\
## Refusals

These are no problems of a record: a command, a request or a connection is refused as a whole. With `--json` stdout then
holds `{"error": {"code", "sentence", "remedy"}}`; the exit code says the sort of trouble
([operating](operating.md#exit-codes)).

"""
_SAID = """\
## What Xero says

Xero refuses in words of its own. These are known; wording that isn't here is shown as it came, under `core.rejected`.
Letters in angles stand for values. *Goes to* is where `g` leads on Errors.

"""
_KEYS = """\
# Keys and commands

Everything that can be done is one registry of commands: keys, the bar at the bottom, the palette (`:`), the help (`?`)
and the command line are drawn from it. No command needs Ctrl, Alt or a mouse. `esc` closes the innermost thing and
never quits. Enter opens; it never destroys.

*It* says whether a command reads, writes or destroys; in read-only mode all but the first are refused. Words in
capitals stand for values. A command without a twin on the command line belongs to the screen alone.

This page is written by `docs/generate.py`."""
_OPTIONS = """\
Each has `--help`. Global options come before the command: `--home DIRECTORY`, `--read-only`, `--version`. What a
command ends with is on the page about [operating](operating.md#exit-codes)."""


# What a person calls places that are no screen of their own.
_LEADS = {"queue.open": "Sync queue", "go.errors": "the record's story"}


class Refusal(msgspec.Struct, frozen=True):
    """Why a command or a request is refused as a whole: the code in the `error` object of `--json`."""

    code: str
    meaning: str
    remedy: str


_REFUSALS = (
    Refusal("core.book", "The book can't be read or saved", "The sentence says why: rights, room, or a damaged file."),
    Refusal("core.book_newer", "The book was written by a newer XeroTUI", "Upgrade XeroTUI on this machine."),
    Refusal("core.duplicate_work", "Work for this record is already under way", "Wait for its end, then plan again."),
    Refusal("core.error", "Anything that has no code of its own", "The sentence and its remedy say what to do."),
    Refusal("core.home", "The home directory can't be used", "Make it writable, or name another in XEROTUI_HOME."),
    Refusal("core.internal", "An error that nobody foresaw (exit code 70)", "Report it with the crash file it names."),
    Refusal(
        "core.ledger",
        "The ledger can't be opened or read, or lies on a network file system",
        "Check rights and room; keep the home on a local disk; else restore a backup.",
    ),
    Refusal("core.ledger_newer", "The ledger was written by a newer XeroTUI", "Upgrade XeroTUI on this machine."),
    Refusal(
        "core.link_taken",
        "The Xero record is already linked with another record of this source",
        "Open both records and decide which one it is.",
    ),
    Refusal("core.login", "A login was refused or never begun", "Begin the connection again."),
    Refusal("core.mapping", "The source value or the Xero value doesn't exist", "Read both sides again."),
    Refusal(
        "core.mapping_refused",
        "The two values may not be mapped to each other, most often because their percentages differ",
        "Choose one of equal percentage that Xero allows on that side.",
    ),
    Refusal("core.mail_refused", "Xero refuses to mail the document", "The sentence says why; mail it in Xero."),
    Refusal(
        "core.mail_unknown", "Nobody knows whether it was mailed", "Look in Xero; it isn't asked for again by itself."
    ),
    Refusal("core.not_connected", "There is no such connection (exit code 3)", "Connect it: `xerotui connect`."),
    Refusal("core.not_proven", "No plan of this pair was carried out yet", "Approve a plan of it first."),
    Refusal("core.plan_missing", "There is no such plan", "Make one: `xerotui plan`."),
    Refusal("core.plugin", "A plugin is missing or can't be used", "See `xerotui plugins`."),
    Refusal(
        "core.port",
        "Nothing can listen on the port of the redirect address",
        "Paste the address that the browser comes to; or end what holds the port.",
    ),
    Refusal("core.read_only", "Something would be changed in read-only mode", "Start without `--read-only`."),
    Refusal(
        "core.reason_missing",
        "The plan only removes documents in Xero, which takes a reason (exit code 4)",
        "Give it: `xerotui apply PLAN --removals --reason TEXT`.",
    ),
    Refusal(
        "core.mail_refused",
        "Xero would mail this invoice not at all, or a second time (exit code 4)",
        "Do what the sentence says; a second time: `xerotui mail NUMBER --again`.",
    ),
    Refusal(
        "core.mail_unknown",
        "Nobody can tell whether Xero mailed the invoice",
        "Ask the customer, or look at its history in Xero, then decide.",
    ),
    Refusal("core.record", "The record isn't known here", "Read both sides again: `xerotui tenants --refresh`."),
    Refusal("core.refused", "The worker refused the request", "The sentence says why."),
    Refusal("core.request_missing", "There is no such request", "Ask again."),
    Refusal("core.row", "There is no such row in the plan or queue", "List them: `--rows`, or `xerotui queue`."),
    Refusal("core.settings", "The settings of a connection are wrong or no longer fit", "Connect again."),
    Refusal("core.setup", "A step of the setup isn't there or can't be left as it is", "List them: `xerotui setup`."),
    Refusal("core.source_off", "The source is switched off", "Switch it on: `xerotui tenants on SOURCE`."),
    Refusal("core.source_refused", "The source refuses the request", "See `xerotui doctor`."),
    Refusal(
        "core.stale",
        "The plan is out of date, expired, or no longer waiting (exit code 4)",
        "Look at the new plan that is offered, or make one.",
    ),
    Refusal(
        "core.tenant_busy",
        "A run works on the organisation that is to be disconnected (exit code 4)",
        "Wait for its end: `xerotui queue`.",
    ),
    Refusal("core.take", "Neither side can be taken here", "The sentence says why."),
    Refusal("core.throttled", "A limit of the other system is reached", "Wait: the work goes on by itself."),
    Refusal("core.unreachable", "The other system can't be reached", "Check address and network, then try again."),
    Refusal("core.usage", "The command line is wrong (exit code 1)", "See the command's `--help`."),
    Refusal("core.vault", "The vault's key is missing, readable by others, or another one", "Restore `vault.key`."),
    Refusal("core.vault_locked", "The vault is locked: this process has no key", "Start with the vault's key."),
    Refusal("core.worker", "The worker doesn't start, answer or end (exit code 5)", "Read the log that is named."),
    Refusal("demo.home", "The demo's home holds something that is no demo", "Name another directory with `--home`."),
    Refusal("demo.running", "A demo already runs in this home", "End it: `xerotui demo --stop`."),
    Refusal("demo.sandbox", "The demo's sandbox doesn't start or end", "Read the log that is named."),
    Refusal("sandbox.start", "The sandbox can't start", "Choose another port or directory."),
    Refusal("xero.access_denied", "The login was cancelled in the browser", "Open the address again and allow access."),
    Refusal(
        "webhooks.key",
        "There is no webhook key, or the text can't be one",
        "Copy it from the app's page in Xero's developer portal: `xerotui webhooks key`.",
    ),
    Refusal(
        "webhooks.port",
        "The receiver's port is taken (exit code 4)",
        "Choose another with `--port`, and tell the reverse proxy.",
    ),
    Refusal("xero.busy", "Another process is renewing this login", "Try again in a minute."),
    Refusal(
        "xero.client_refused",
        "Client id, secret, kind of app or redirect address isn't what the developer portal has",
        "Compare all four with the app's page there, letter by letter.",
    ),
    Refusal(
        "xero.code_refused",
        "The code is more than five minutes old, was used already, or is of another app or redirect address",
        "Open the address again, sign in, and come back with the new answer at once.",
    ),
    Refusal("xero.code_used", "The same code was tried before", "Open the address again: a code works once."),
    Refusal("xero.error", "Any other failure of Xero", "The sentence says what."),
    Refusal("xero.invalid", "Xero refuses a change of its set-up", "Do what Xero says, then ask again."),
    Refusal("xero.login", "The Xero login has ended", "Connect again: a person has to log in."),
    Refusal(
        "xero.no_address",
        "What was pasted is neither the address that the browser came to nor the code in it",
        "Copy the whole address that the browser shows after the login.",
    ),
    Refusal("xero.not_found", "Xero has no such record", "It may have been deleted or merged: read again."),
    Refusal(
        "xero.offline",
        "Xero has taken this one organisation offline",
        "It does so for a while only: the work goes on by itself after five minutes.",
    ),
    Refusal(
        "xero.other_organisation",
        "The secret of a custom connection is for another organisation than the connection (exit code 4)",
        "Use the right app's secret, or connect the other organisation under a name of its own.",
    ),
    Refusal("xero.refused", "Xero refuses a read as it was asked", "Report it with the correlation id."),
    Refusal("xero.scope", "The login lacks a permission", "Add the scope in the settings, then connect again."),
    Refusal(
        "xero.scope_refused",
        "The app asks for a scope that is retired or that it can't have",
        "Correct the scopes in the settings, or leave them blank: then what XeroTUI needs is asked for.",
    ),
    Refusal("xero.state_mismatch", "The address belongs to another login", "Open the address that is shown now."),
    Refusal("xero.tenant", "Xero gives no access to this organisation", "Check it in Xero, then connect again."),
    Refusal("xero.token", "Xero doesn't accept the login", "Connect again."),
    Refusal("xero.too_large", "A call would be larger than Xero takes", "Report it: calls are split before that."),
    Refusal("xero.unavailable", "Xero is down or has the organisation offline", "Try again in a few minutes."),
    Refusal(
        "xero.unsettled",
        "Nobody can tell whether Xero did what was asked",
        "Read the organisation again and look before you ask again.",
    ),
    Refusal("xero.unsupported", "Xero can't do this with records of that kind", "Report it."),
)


def error_codes() -> tuple[Refusal, ...]:
    """The codes with which a whole command or request is refused, by name."""
    return _REFUSALS


def _strings(package: Path) -> Iterator[str]:
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.fullmatch(node.value):
                yield node.value


def plugin_problems() -> dict[str, dict[str, Explanation]]:
    """By plugin of this repository: the codes that its source holds and its `xerotui_explain` knows."""
    found: dict[str, dict[str, Explanation]] = {}
    for folder in sorted((ROOT / "plugins").iterdir()):
        registry = Registry(limit=folder.name)
        registry.load_all()
        codes = {c for c in _strings(folder / f"xerotui_{folder.name}") if c.startswith(f"{folder.name}.")}
        ref = RecordRef(connection=folder.name, kind=Kind.INVOICE, id="1")
        asked = {c: registry.explain(Problem(code=c, subject="", record=ref, sentence="")) for c in sorted(codes)}
        found[folder.name] = {code: words for code, words in asked.items() if words is not None}
    return found


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _words(known: dict[str, Explanation]) -> str:
    return _table(
        ("code", "what it is", "what to do"), [(f"`{c}`", known[c].title, known[c].remedy) for c in sorted(known)]
    )


def _said() -> str:
    rows = []
    for row in CATALOGUE:
        words = " / ".join(f"{wording.strip()} …" for wording in row.says.split(" | "))
        place = _LEADS.get(row.place.command) or BY_ID[row.place.command].title
        rows.append((words.replace("<", "‹").replace(">", "›"), f"`{row.code}`", row.cause, row.remedy, place))
    return _table(("Xero's words begin", "code", "cause", "what to do", "goes to"), rows)


def problems() -> str:
    """The page of problem codes."""
    parts = [_PROBLEMS, "## Of XeroTUI\n\n" + _words(CORE)]
    parts += [f"## Of the plugin {name}\n\n{_words(known)}" for name, known in plugin_problems().items() if known]
    parts.append(_SAID + _said())
    rows = [(f"`{r.code}`", r.meaning, r.remedy) for r in sorted(error_codes(), key=lambda r: r.code)]
    parts.append(_REFUSED + _table(("code", "what it is", "what to do"), rows))
    return "\n\n".join(parts) + "\n"


def _row(command: Command) -> tuple[str, ...]:
    key = f"`{shown(command.key)}`" if command.key else ""
    # Of what every command can be told there is the option alone.
    words = command.cli if command.cli.startswith("--tenant") else f"xerotui {command.cli}"
    twin = f"`{words}`" if command.cli else ""
    return (key, command.title, command.sentence, command.danger.value, twin)


def keys() -> str:
    """The page of keys and commands."""
    head = ("key", "command", "what it does", "it", "on the command line")
    moves = _table(("key", "what it does"), [(f"`{key}`", words) for key, words in MOVES])
    parts = [_KEYS, f"## Moving\n\n{moves}"]
    for area, title in AREAS.items():
        rows = [_row(command) for command in COMMANDS if command.where == area]
        parts.append(f"## {title}\n\n{_table(head, rows)}")
    listed = [(f"`xerotui {name}`", words) for name, (_, _, words) in sorted(COMMAND_LINE.items())]
    parts.append(f"## The command line\n\n{_table(('command', 'what it does'), listed)}")
    parts.append(_OPTIONS)
    return "\n\n".join(parts) + "\n"


PAGES = {"problems.md": problems, "keys.md": keys}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
