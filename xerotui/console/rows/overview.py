"""Rows of the overview: readiness steps, what waits for a person, problems; budgets and runs as text."""

from dataclasses import dataclass

from rich.text import Text

from xerotui.console.rows.plan import operations_of, totals_of
from xerotui.console.rows.setup import blocked, word
from xerotui.console.rows.signs import style, worded
from xerotui.console.text import bar, count, join, middle, safe, stack, when
from xerotui.console.widgets.columns import Column, Row
from xerotui.model.work import Plan, PlanKind, Run
from xerotui.workspace.pages import BudgetRow, Overview, Place, Step

COLUMNS = (Column("", 12), Column("What", 43), Column("How it stands", 0))


@dataclass(frozen=True)
class Item:
    """One row and where enter leads."""

    row: Row
    place: Place | None = None


def _heading(key: str, title: str) -> Item:
    return Item(Row(key, (Text(title, end=""), Text(""), Text("")), heading=True))


def step_item(step: Step) -> Item:
    """A readiness step."""
    shade = "dim" if step.state == "waiting" else ""
    waits = blocked(step)
    stands = join(safe(f"! {waits}", "yellow"), "  ") if waits else ""
    cells = (word(step), safe(step.title, shade), join(stands, safe(step.detail, "dim")))
    return Item(Row(f"step {step.id}", cells), Place(step.command, step.args) if step.command else None)


def plan_item(plan: Plan) -> Item:
    """A plan that waits for approval."""
    title = plan.title or ("Import" if plan.kind is PlanKind.IMPORT else "Sync")
    cells = (worded("proposed", "approve"), safe(title), safe(totals_of(plan), "dim"))
    return Item(Row(f"plan {plan.id}", cells), Place("go.plan", {"plan": plan.id}))


def problem_item(code: str, number: int, title: str) -> Item:
    """A problem code with its count."""
    cells = (safe(f"! {number:,}", "yellow"), safe(title), safe(code, "dim"))
    return Item(Row(f"problem {code}", cells), Place("go.errors", {"code": code}))


def shown(step: Step, steps: tuple[Step, ...]) -> bool:
    """Whether a step stands on the overview: what is to be done, and until the first plan also what may be."""
    begun = any(s.what == "start" and s.state == "done" and s.connection == step.connection for s in steps)
    return step.state in ("todo", "waiting") and (step.compulsory or not begun)


def items(data: Overview, titles: dict[str, str]) -> tuple[Item, ...]:
    """All rows; `titles` gives words for problem codes."""
    steps = [step for step in data.steps if shown(step, data.steps)]
    begun = any(step.what == "start" and step.state == "done" for step in data.steps)
    head = _heading("# steps", "Setup that is not complete" if begun else "Before the first sync")
    out = [head, *map(step_item, steps)] if steps else []
    waiting = [plan for plan in data.plans_waiting if operations_of(plan)]
    if waiting:
        out += [_heading("# plans", "Waiting for your approval"), *map(plan_item, waiting)]
    if data.problems:
        out.append(_heading("# problems", "Problems"))
        ranked = sorted(data.problems.items(), key=lambda pair: (-pair[1], pair[0]))
        out += [problem_item(code, number, titles.get(code, code)) for code, number in ranked]
    if data.plugin_faults:
        out.append(_heading("# plugins", "Plugins"))
        for index, fault in enumerate(data.plugin_faults):
            cells = (worded("failed"), Text("A plugin is left out", end=""), safe(fault))
            out.append(Item(Row(f"plugin {index}", cells), Place("go.plugins")))
    return tuple(out)


# How a budget's window is called where its own name is no word.
WINDOWS = {"appminute": "minute, whole app"}


def budget_line(row: BudgetRow, width: int) -> Text:
    """A bar with its numbers; full bars turn to words as well as colour."""
    near = row.limit > 0 and row.used * 10 >= row.limit * 9
    shade = "bold red" if row.limit > 0 and row.used >= row.limit else "yellow" if near else "green"
    words = " used up" if row.limit > 0 and row.used >= row.limit else " nearly" if near else ""
    room = max(16, width - 44)
    window = WINDOWS.get(row.window, row.window)
    # The name is cut, never the window: without it two bars of one organisation look alike.
    title = f"{middle(row.title, max(8, room - len(window) - 1))} {window}"
    pad = " " * max(0, room - safe(title).cell_len)
    return join(safe(title), pad, " ", safe(bar(row.used, row.limit), shade), f" {row.used:,}/{row.limit:,}{words}")


def run_line(run: Run) -> Text:
    """One run: when, what, how it ended."""
    kind = "import" if run.kind is PlanKind.IMPORT else "sync"
    counts = ", ".join(f"{number:,} {state}" for state, number in sorted(run.counts.items()) if number)
    state = "applying" if run.ended is None else "failed" if run.error else "done"
    words = run.error or counts or count(run.total, "operation")
    return join(
        safe(when(run.started), "dim"), " ", worded(state, kind), " ", safe(words, "" if run.error else style(""))
    )


def below(data: Overview, width: int, runs: int = 2, budgets: int = 3) -> Text:
    """Budgets and last runs, under the list."""
    parts: list[object] = []
    if data.budgets:
        parts.append(Text("Calls", style="bold"))
        parts += [budget_line(row, width) for row in data.budgets[:budgets]]
    if data.runs:
        parts.append(Text("Last runs", style="bold"))
        parts += [run_line(run) for run in data.runs[:runs]]
    return stack(*parts) if parts else safe("No runs yet.", "dim")
