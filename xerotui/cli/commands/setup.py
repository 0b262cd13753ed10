"""`xerotui setup`: the way from nothing to the first sync, step by step, and what each step misses and blocks."""

from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.cli.runner import command
from xerotui.cli.text import money

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.pages import Step

_WORDS = {"todo": "→ next", "done": "✓ done", "looked": "✓ left so", "waiting": "· waiting"}
# Where a step is done by a command, by what it is about; words in capitals stand for values.
_DO = {
    "connect": "xerotui connect SOURCE",
    "tenant": "xerotui connect xero",
    "reference": "xerotui tenants --refresh",
    "entities": "xerotui pair set SOURCE NAME --sync-KIND off",
    "settings": "xerotui pair set SOURCE NAME --SETTING VALUE",
    "start": "xerotui plan",
}


def command_of(step: "Step") -> str:
    """The command line that does a step."""
    if step.command == "tenant.refresh":
        return _DO["reference"]
    if step.what == "map":
        return f"xerotui map --spec {step.args.get('spec', 'tax')}"
    if step.what == "import":
        return f"xerotui import {step.args.get('kind', '')}s --dry-run"
    if step.command == "go.plugins":
        return "xerotui plugins"
    return _DO.get(step.what or "connect", "")


@click.command()
@click.option("--looked", default="", metavar="STEP", help="Say that an optional step is right as it is.")
@click.option("--not-looked", "open_", default="", metavar="STEP", help="Take that back.")
@command
async def setup(space: "Workspace", out: Output, *, looked: str, open_: str) -> int:
    """The steps of the setup in order: what is done, what is missing, which documents wait for it.

    Ends with 2 while a step that must be done is open. Optional steps may be left as they are: --looked.
    """
    from xerotui.workspace.setup import open_steps

    if looked and open_:
        raise click.UsageError("Say either --looked or --not-looked.")
    steps = await space.setup()
    if looked or open_:
        step = _named(steps, looked or open_)
        await space.setup_look(step.id, looked=bool(looked))
        out.say(f"{step.title}: {'left as it is' if looked else 'open again'}.")
        steps = await space.setup()
    left = open_steps(steps)
    if out.json:
        out.data({"steps": [{"step": step, "do": command_of(step)} for step in steps], "open": len(left)})
    else:
        names = {tenant.tenant: tenant.name for tenant in await space.tenants()}
        out.table(
            ("", "Step", "Id", "How it stands", "Where", "Waits", "Command"),
            [_row(step, names) for step in steps],
            "Setup",
        )
        out.say("Ready to sync." if not left else f"{len(left)} to do: {', '.join(step.title for step in left)}.")
    return Exit.PROBLEMS if left else Exit.DONE


def _named(steps: "tuple[Step, ...]", given: str) -> "Step":
    """The step of that id, or of that last part of it where no other ends so."""
    found = [s for s in steps if given in (s.id, s.id.rpartition(":")[2])]
    exact = [s for s in steps if s.id == given] or found
    if len(exact) != 1:
        raise click.UsageError(f"No step {given!r}." if not exact else f"Several steps {given!r}: name it whole.")
    return exact[0]


def _row(step: "Step", names: dict[str, str]) -> tuple[object, ...]:
    word = "○ optional" if step.state == "todo" and not step.compulsory else _WORDS.get(step.state, step.state)
    sums = ", ".join(money(total, currency) for currency, total in sorted(step.totals.items()))
    waits = f"{step.documents}: {sums}" if step.documents else ""
    where = ", ".join(names.get(tenant, tenant) for tenant in step.lacking)
    done = step.state in ("done", "looked")
    return word, step.title, step.id, step.detail, where, waits, "" if done else command_of(step)
