"""The command registry: everything a person can make happen, once. Keys, footer, palette, help, docs and the
command line are drawn from it; the console adds handlers to the ids, the command line its options."""

from enum import StrEnum

import msgspec


class Danger(StrEnum):
    """What a command touches; read-only refuses all but the first."""

    READS = "reads"
    WRITES = "writes"
    DESTROYS = "destroys"


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """`where` is the screen that offers it ("" = everywhere), `cli` the words of its command-line twin."""

    id: str
    title: str
    sentence: str
    danger: Danger = Danger.READS
    key: str = ""
    where: str = ""
    cli: str = ""
    footer: bool = False


def _c(id: str, key: str, where: str, title: str, sentence: str, cli: str = "", **more: object) -> Command:
    return Command(id=id, key=key, where=where, title=title, sentence=sentence, cli=cli, **more)  # type: ignore[arg-type]


COMMANDS: tuple[Command, ...] = (
    _c("go.overview", "1", "", "Overview", "What is still to be done, budgets, last runs.", "queue --summary"),
    _c("go.tenants", "2", "", "Tenants", "Xero organisations and source connections.", "tenants"),
    _c("go.mapping", "3", "", "Tax mapping", "Which Xero tax rate each source tax rate becomes.", "map"),
    _c("go.imports", "4", "", "Imports", "Bring customers, suppliers and items from Xero.", "import"),
    _c("go.plan", "5", "", "Plan", "See what a sync would do, then approve it.", "plan"),
    _c("go.queue", "6", "", "Sync queue", "Every operation and where it stands.", "queue"),
    _c("go.errors", "7", "", "Errors", "What waits, grouped by cause.", "errors"),
    _c("go.setup", "", "", "Setup", "The way from nothing to the first sync, step by step.", "setup"),
    _c("go.plugins", "", "", "Plugins", "Source plugins, their state and faults.", "plugins"),
    _c("app.palette", "colon", "", "Go anywhere", "Find a screen, a command or a record.", "why NAME"),
    _c("app.help", "question_mark", "", "Help", "What this screen is for and its keys.", "--help", footer=True),
    _c("app.quit", "q", "", "Quit", "Leave the console; a run goes on in the worker.", "", footer=True),
    _c("list.filter", "slash", "", "Filter", "Show only rows that hold a text.", ""),
    _c("list.mark", "space", "", "Mark", "Mark the row for a bulk action.", ""),
    _c("list.pause", "p", "", "Pause", "Stop repainting until pressed again.", ""),
    _c("list.reload", "r", "", "Reload", "Read the page again.", ""),
    _c(
        "overview.open",
        "enter",
        "overview",
        "Go there",
        "Open the screen where this step is done.",
        "queue --summary",
        footer=True,
    ),
    _c("overview.setup", "s", "overview", "Setup", "The steps with what each misses and blocks.", "setup", footer=True),
    _c(
        "setup.open", "enter", "setup", "Go there", "Open the place of this step; esc comes back.", "setup", footer=True
    ),
    _c(
        "setup.look",
        "k",
        "setup",
        "Leave as it is",
        "Say that this optional step was looked at and is right as it is; or take that back.",
        "setup --looked STEP",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c(
        "setup.waits",
        "w",
        "setup",
        "What waits",
        "The causes on Errors for which documents wait at this step.",
        "errors",
        footer=True,
    ),
    _c(
        "tenant.connect",
        "c",
        "tenants",
        "Connect Xero",
        "Add Xero organisations.",
        "connect xero",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c(
        "source.connect",
        "s",
        "tenants",
        "Connect source",
        "Add a PSA or CRM.",
        "connect SOURCE",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c(
        "tenant.check",
        "k",
        "tenants",
        "Check",
        "Prove that the connection works.",
        "doctor",
        footer=True,
    ),
    _c(
        "tenant.refresh",
        "f",
        "tenants",
        "Read again",
        "Read accounts, tax rates and records of both sides again.",
        "tenants --refresh",
        footer=True,
    ),
    _c("tenant.open", "enter", "tenants", "Open", "Everything known about this one.", "tenants show NAME", footer=True),
    _c(
        "pair.open",
        "e",
        "tenants",
        "Sync settings",
        "What is synced between a source and this organisation, from when, and how.",
        "pair show SOURCE NAME",
    ),
    _c(
        "pair.set",
        "enter",
        "pair",
        "Change",
        "Change this setting, with those of its part.",
        "pair set SOURCE NAME --SETTING VALUE",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c(
        "source.switch",
        "w",
        "tenants",
        "Switch source",
        "Switch this source off, so that nothing is read, planned or sent for it, or on again; what waits stays.",
        "tenants off SOURCE",
        danger=Danger.WRITES,
    ),
    _c(
        "tenant.readonly",
        "o",
        "tenants",
        "Read-only",
        "Let nothing be written to this organisation, or let it again.",
        "tenants set TENANT --read-only",
        danger=Danger.WRITES,
    ),
    _c(
        "tenant.disconnect",
        "x",
        "tenants",
        "Disconnect",
        "Take this organisation away from its login, at Xero too; links, mappings and history stay.",
        "tenants disconnect NAME",
        danger=Danger.DESTROYS,
    ),
    _c(
        "login.delete",
        "d",
        "tenants",
        "Delete login",
        "End the login at Xero and forget it, with all of its organisations; links, mappings and history stay.",
        "tenants delete NAME",
        danger=Danger.DESTROYS,
    ),
    _c(
        "connection.check",
        "k",
        "connection",
        "Ask Xero",
        "Ask Xero for the organisation and what may be done there, and say what is wrong.",
        "tenants show NAME --check",
        footer=True,
    ),
    _c(
        "connection.dates",
        "d",
        "connection",
        "Start dates",
        "Set from which day a source's documents sync with this organisation, and see first what that parts.",
        "tenants set NAME --start-date DATE",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c(
        "connection.copy",
        "c",
        "connection",
        "Copy",
        "Send this text to the terminal's clipboard.",
        "tenants show NAME",
        footer=True,
    ),
    _c("connect.paste", "e", "connect", "Enter code", "Put in the code or the address you came to.", "connect xero"),
    _c("connect.qr", "u", "connect", "QR code", "Show the address as a QR code.", "connect xero", footer=True),
    _c("connect.copy", "c", "connect", "Copy", "Send the address to the terminal's clipboard.", "connect xero"),
    _c(
        "connect.save",
        "s",
        "connect",
        "Save",
        "Keep the marked organisations.",
        "connect xero",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c(
        "connect.discard",
        "d",
        "connect",
        "Discard",
        "Give the authorisation back.",
        "connect xero",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c(
        "map.set",
        "enter",
        "mapping",
        "Map",
        "Choose the Xero value of this row.",
        "map set",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c(
        "map.accept",
        "a",
        "mapping",
        "Take proposals",
        "Take every proposal of equal rate.",
        "map accept",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c("map.clear", "x", "mapping", "Unmap", "Remove the mapping of this row.", "map clear", danger=Danger.DESTROYS),
    _c(
        "map.spec",
        "m",
        "mapping",
        "Next kind",
        "Switch between tax rates and the source's own values.",
        "map --spec",
        footer=True,
    ),
    _c("map.tenant", "t", "", "Tenant", "Switch to the next tenant.", "--tenant", footer=True),
    _c(
        "import.preview",
        "enter",
        "imports",
        "Preview",
        "See what an import would link and create.",
        "import --dry-run",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c(
        "import.choose",
        "l",
        "imports",
        "Link",
        "Choose the Xero record that a source record is.",
        "import link",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c(
        "plan.make",
        "n",
        "plan",
        "New plan",
        "Read both sides and work out a plan.",
        "plan",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c(
        "plan.approve",
        "a",
        "plan",
        "Approve",
        "Let the plan run.",
        "apply PLAN",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c("plan.discard", "d", "plan", "Discard", "Throw the plan away.", "plan --discard PLAN", danger=Danger.WRITES),
    _c("plan.open", "enter", "plan", "Open", "Field by field: what changes and why.", "plan --show ID", footer=True),
    _c("plan.verb", "v", "plan", "Verb", "Show only one kind of change, or all again.", "plan --rows", footer=True),
    _c("plan.pick", "o", "plan", "Other plans", "Choose among the plans that are kept.", "plan"),
    _c("queue.open", "enter", "queue", "Open", "The record's whole story.", "queue --show ID", footer=True),
    _c("queue.retry", "y", "queue", "Retry", "Try this one again.", "retry ID", danger=Danger.WRITES, footer=True),
    _c("queue.state", "s", "queue", "State", "Show only one state.", "queue --state", footer=True),
    _c(
        "errors.open", "enter", "errors", "Open", "The records that wait for this cause.", "errors --cause", footer=True
    ),
    _c("errors.fix", "g", "errors", "Go and fix", "Open the place where this is mended.", "errors", footer=True),
    _c(
        "errors.retry",
        "y",
        "errors",
        "Retry",
        "Check again everything that waits for this.",
        "retry --cause",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c("errors.order", "o", "errors", "In order", "Every problem by itself, in the order of time.", "errors --list"),
    _c("records.open", "enter", "records", "Open", "The record's whole story.", "why NAME", footer=True),
    _c("records.fix", "g", "records", "Go and fix", "Open the place where this is mended.", "errors", footer=True),
    _c(
        "records.retry",
        "y",
        "records",
        "Retry",
        "Check these records again.",
        "retry --cause",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c("story.fix", "g", "story", "Go and fix", "Open the place where this is mended.", "errors", footer=True),
    _c(
        "story.retry",
        "y",
        "story",
        "Retry",
        "Try this one again.",
        "retry ID",
        danger=Danger.WRITES,
        footer=True,
    ),
    _c("story.copy", "c", "story", "Copy", "Send this text to the terminal's clipboard.", "why NAME"),
)

BY_ID = {command.id: command for command in COMMANDS}
