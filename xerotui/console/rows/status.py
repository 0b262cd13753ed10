"""The status line: one line that is always on screen, the weightiest things first."""

from rich.color import Color, ColorParseError
from rich.style import Style
from rich.text import Text

from xerotui.console.text import join, middle, safe, short
from xerotui.workspace.pages import StatusLine, WorkerStatus

_WORKER = {
    "running": ("● worker", "green"),
    "draining": ("◐ worker stopping", "yellow"),
    "locked": ("✗ worker locked", "bold red"),
    "none": ("○ no worker", "dim"),
    "lost": ("✗ worker lost", "bold red"),
}
_REMEDY = {
    "lost": "The worker died or hangs. Any request starts another, which takes over and sends nothing twice.",
    "locked": "The worker has no key to the vault: start it from a console that has one.",
}


def accent_style(accent: str) -> str:
    """A tenant's accent as a style; anything that is no colour gives none."""
    try:
        Color.parse(accent)
        Style.parse(f"reverse {accent}")
    except (ColorParseError, Exception):  # a colour that nobody knows is no reason to stop
        return "bold"
    return f"reverse {accent}"


def worker_text(worker: WorkerStatus) -> Text:
    """The worker's state with its sign."""
    words, style = _WORKER.get(worker.state, ("? worker", "yellow"))
    return safe(words, style)


def remedy(worker: WorkerStatus) -> str:
    """What to do about a worker that isn't well; "" when nothing is to be done."""
    return _REMEDY.get(worker.state, "")


def aged(age: str) -> str:
    """An age in minutes or more: seconds would repaint the line all the time, and help nobody."""
    number, _, unit = age.partition(" ")
    return "fresh" if number.isdecimal() and unit in ("s", "sec", "second", "seconds") else age


def trouble_text(status: StatusLine, width: int) -> Text:
    """What holds the run up, in that many cells; empty when nothing does."""
    return safe(short(f"! waits: {status.trouble}", width), "bold yellow") if status.trouble else Text("")


def parting(status: StatusLine) -> str:
    """What a console says of an unfinished run when it is left; "" when there is none."""
    if status.total <= status.done:
        return ""
    rest = f"{status.total - status.done:,} of {status.total:,} still to do"
    tail = f" It waits: {status.trouble}" if status.trouble else ""
    if status.worker.state == "running":
        return f"The run goes on in the worker: {rest}. See it with: xerotui queue --summary.{tail}"
    return f"No worker runs: the run goes on when XeroTUI is opened again, {rest}.{tail}"


def status_text(status: StatusLine, tenant_name: str, *, read_only: bool, width: int) -> Text:
    """The line: tenant, read-only, worker, progress, problems, budget, age of the data, as far as it fits."""
    name = tenant_name or "all organisations"
    style = accent_style(status.accent) if status.accent and tenant_name else "bold"
    parts: list[Text] = [safe(f" {middle(name, 26 if width < 100 else 40)} ", style)]
    if read_only or status.read_only:
        parts.append(Text("READ-ONLY", style="bold yellow"))
    if status.automatic:
        parts.append(safe("auto", "cyan"))
    parts.append(worker_text(status.worker))
    running = status.total > 0 and status.done < status.total
    if running:
        parts.append(safe(f"▶ {status.done:,}/{status.total:,}", "bold cyan"))
    elif status.waiting:
        parts.append(safe(f"○ {status.waiting:,} waiting"))
    if status.trouble:
        parts.append(trouble_text(status, 30 if width < 100 else 60))
    if status.login_days is not None:
        left = f"{status.login_days} d" if status.login_days else "less than a day"
        parts.append(safe(f"! login ends in {left}", "bold red" if status.login_days <= 3 else "yellow"))
    if status.activity:
        parts.append(safe(short(status.activity, 30)))
    if status.problems:
        parts.append(safe(f"! {status.problems:,} problem" + ("s" if status.problems != 1 else ""), "yellow"))
    if status.budget:
        words = f"day {status.budget}" if status.budget[:1].isdecimal() else status.budget
        parts.append(safe(words, "", 40))
    if status.data_age:
        parts.append(safe(f"data {aged(status.data_age)}", "dim", 40))
    if status.clock_rate != 1.0:
        parts.append(safe(f"clock ×{status.clock_rate:g}", "dim"))
    line = Text(end="")
    for part in parts:
        glue = Text(" │ ", style="dim") if line.plain else Text("")
        if line.cell_len + glue.cell_len + part.cell_len > width:
            break
        line = join(line, glue, part)
    return line
