"""Rows of the setup path: each step with how far it is, and what waits for it; the step in full as text."""

from rich.text import Text

from xerotui.console.rows.signs import worded
from xerotui.console.text import count, join, middle, money, safe, stack
from xerotui.console.widgets.columns import Column, Row
from xerotui.workspace.pages import Step

COLUMNS = (Column("", 12), Column("Step", 34), Column("How it stands", 0))
WORDS = {"todo": "next", "looked": "left so", "done": "done", "waiting": "waiting"}


def blocked(step: Step) -> str:
    """The documents that wait for a step, with their sums; "" when none do."""
    if not step.documents:
        return ""
    sums = ", ".join(money(total, currency) for currency, total in sorted(step.totals.items()))
    return f"{count(step.documents, 'document')}" + (f", {sums}" if sums else "")


def word(step: Step) -> Text:
    """Sign and word of a step: what may be left and what can wait read otherwise than what must be done."""
    if step.state == "todo" and not step.compulsory:
        return safe("○ optional", "cyan")
    return worded(step.state, WORDS.get(step.state, step.state))


def row(number: int, step: Step) -> Row:
    """One step; what waits stands before what is missing."""
    waits = blocked(step)
    stands = safe(step.detail, "dim")
    if waits:
        stands = join(safe(f"! {waits}", "yellow"), safe(f"  {step.detail}", "dim"))
    title = safe(f"{number:>2} {step.title}", "dim" if step.state == "waiting" else "")
    return Row(step.id, (word(step), title, stands))


_MEANS = {
    "connect": "The source, switched on: nothing is read or sent without it.",
    "tenant": "The login at Xero, the organisations that are chosen, and both sides read once.",
    "reference": "Accounts, tax rates and records of both sides, read once.",
    "import": "What is in Xero already is linked by number or name, and what is only there can be taken over. What is "
    "only at the source is made in Xero by the plan, when it is complete.",
    "entities": "Which kinds are synced with which organisation. What is off is listed and left alone.",
    "settings": "From when documents are taken, their status, numbers, defaults, and what comes back from Xero.",
    "start": "Nothing is written before somebody has read a plan and approved it.",
}


def text(step: Step, names: dict[str, str]) -> Text:
    """A step in full."""
    parts: list[object] = [safe(step.title, "bold"), word(step), ""]
    if step.what == "map":
        parts.append(safe("What uses a value that isn't mapped waits, and is named in every plan."))
    elif step.what in _MEANS:
        parts.append(safe(_MEANS[step.what]))
    if step.detail:
        parts += ["", safe(step.detail)]
    if step.lacking:
        where = [safe(middle(names.get(tenant, tenant), 60)) for tenant in step.lacking]
        parts += ["", Text("Where", style="bold"), *where]
    if waits := blocked(step):
        parts += ["", Text("Waits for it", style="bold"), safe(waits, "yellow")]
    if step.looked:
        parts += ["", safe(f"Left as it is, says {step.looked}; k takes that back.", "dim")]
    elif not step.compulsory and step.state == "todo":
        parts += ["", safe("It may be left as it is: k says that you looked.", "dim")]
    return stack(*parts)
