"""What a plan looks like: totals a tenant and currency, counts, cost, its rows, and the words of its question."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from rich.cells import cell_len
from rich.text import Text

from xerotui.console.rows.signs import sign, style, worded
from xerotui.console.text import clean, count, join, middle, money, safe, short, stack, when
from xerotui.console.widgets.columns import Column, Row
from xerotui.model.work import Plan, PlanKind, PlanState, PlanTotal
from xerotui.workspace.pages import PlanRow


def columns(titles: int = 14, *, parties: bool = True) -> tuple[Column, ...]:
    """The columns for titles of that many cells; names of parties alone take what is left."""
    return (
        Column("Change", 11),
        Column("Kind", 15),
        Column("Record", max(10, min(titles + 1, 22)) if parties else 0),
        *((Column("Party / why", 0),) if parties else ()),
        Column("Organisation", 24, least=140, middle=True),
        *((Column("Total", 15, right=True),) if parties else ()),
        Column("State", 13, least=140),
    )


# Verbs of rows that a person has to look at.
LOUD = ("blocked", "conflict", "repeats", "unallocated", "mapping")
# Verbs that are no writes: listed in the plan, no part of what is approved.
LISTED = ("blocked", "skipped", "skip", "conflict", "repeats", "unallocated", "mapping", "unchanged")
# Writes whose amounts are counted with the documents that they are about.
WITHIN = ("allocate",)


def row(item: PlanRow, names: Mapping[str, str], *, parties: bool = True) -> Row:
    """One line of the plan."""
    party = safe(item.party)
    if item.reason:
        party = join(
            party,
            " " if item.party else "",
            safe(item.reason, "yellow" if item.verb in LOUD else "dim"),
        )
    return Row(
        item.id,
        (
            worded(item.verb),
            safe(item.kind.label),
            safe(item.title),
            *((party,) if parties else ()),
            safe(names.get(item.tenant, item.tenant), "dim"),
            *((safe(money(item.total, item.currency)),) if parties else ()),
            worded(item.state) if item.state else Text(""),
        ),
    )


def shape(items: Sequence[PlanRow]) -> tuple[int, bool]:
    """How wide the titles of these rows are, and whether any has a party, a reason or a total."""
    return (
        max((cell_len(clean(i.title, 40)) for i in items), default=0),
        any(i.party or i.reason or i.total is not None for i in items),
    )


def operations_of(plan: Plan) -> int:
    """How many operations approval would let go."""
    return sum(number for verb, number in plan.counts.items() if verb not in LISTED)


def sums(plan: Plan) -> dict[str, Decimal]:
    """What is approved, a currency: blocked and skipped documents don't count."""
    out: dict[str, Decimal] = {}
    for total in plan.totals:
        if total.verb not in (*LISTED, *WITHIN) and total.currency:
            out[total.currency] = out.get(total.currency, Decimal(0)) + total.total
    return out


def totals_of(plan: Plan) -> str:
    """Operations and sums in one line."""
    amounts = " + ".join(money(amount, currency) for currency, amount in sorted(sums(plan).items()))
    words = count(operations_of(plan), "operation")
    if plan.removals:
        words += f" ({plan.removals:,} of them {'removals' if plan.removals > 1 else 'a removal'})"
    return f"{words}, {amounts}" if amounts else words


def _bits(totals: Sequence[PlanTotal]) -> list[Text]:
    """Writes kind by kind, what stays behind in one number a verb."""
    out = []
    for total in totals:
        if total.verb not in LISTED:
            words = f"{sign(total.verb)} {count(total.documents, total.kind.label, total.kind.plural)}"
            out.append(safe(f"{words} {money(total.total, total.currency, code=False)}", style(total.verb)))
    for verb in LISTED:
        mine = [t for t in totals if t.verb == verb]
        if mine and verb != "unchanged":
            amount = money(sum((t.total for t in mine), Decimal(0)), mine[0].currency, code=False)
            out.append(safe(f"{sign(verb)} {sum(t.documents for t in mine):,} {verb} {amount}", style(verb)))
    return out


def total_lines(plan: Plan, names: Mapping[str, str]) -> list[Text]:
    """One line for each tenant and currency: what happens to how many, for how much."""
    groups: dict[tuple[str, str], list[PlanTotal]] = {}
    for total in plan.totals:
        groups.setdefault((total.tenant, total.currency), []).append(total)
    out = []
    for (tenant, currency), totals in groups.items():
        name = safe(middle(names.get(tenant, tenant), 16), "bold")
        line = join(name, " ", safe(currency or "no amounts", "bold"))
        for bit in _bits(totals):
            line = join(line, "  ", bit)
        out.append(line)
    return out


def default_lines(plan: Plan, names: Mapping[str, str]) -> list[Text]:
    """One line for each default item that is used: by how many lines, for how much."""
    out = []
    for use in plan.defaults:
        words = f"! default item {short(use.code, 30)} on {count(use.lines, 'line')} of {use.kind.plural}"
        where = middle(names.get(use.tenant, use.tenant), 16)
        out.append(safe(f"{words}, {money(use.total, use.currency)} ({where})", "yellow"))
    return out


def stands(plan: Plan, overtaken: bool) -> str:
    """The word for where a plan stands, as people read it."""
    return "superseded" if overtaken else plan.state.value


def _verdict(plan: Plan, overtaken: bool) -> Text:
    if overtaken:
        return safe("a newer one was made: o shows it", "yellow")
    words = {
        PlanState.READY: f"approve it by {when(plan.expires)} UTC",
        PlanState.APPROVED: "approved; the worker takes it next",
        PlanState.APPLYING: "is being carried out: see Sync queue",
        PlanState.DONE: "has been carried out",
        PlanState.REFUSED: "is stale: the world moved. o shows what is offered instead",
        PlanState.EXPIRED: "has expired: n makes a new one",
        PlanState.DISCARDED: "was thrown away",
    }[plan.state]
    return safe(words, "bold red" if plan.state in (PlanState.REFUSED, PlanState.EXPIRED) else "")


def summary(plan: Plan, names: Mapping[str, str], budget: str = "", *, overtaken: bool = False) -> Text:
    """The head of the plan: what it is, totals, counts, cost, problems, and what moved when it is stale."""
    title = plan.title or ("Import into the source" if plan.kind is PlanKind.IMPORT else "Sync to Xero")
    word = worded(stands(plan, overtaken))
    head = join(word, "  ", safe(short(title, 33), "bold"), " ", _verdict(plan, overtaken))
    if plan.follows:
        head = join(head, safe("  (follow-up)", "cyan"))
    parts: list[object] = [head]
    if plan.moved and not overtaken:
        parts.append(safe("What moved: " + "; ".join(short(m, 80) for m in plan.moved[:4]), "bold red"))
        if len(plan.moved) > 4:
            parts.append(safe(f"… and {len(plan.moved) - 4:,} more", "red"))
    parts += total_lines(plan, names)
    parts += default_lines(plan, names)
    if plan.removals:
        words = f"- {count(plan.removals, 'document')} left the source: voided or deleted in Xero only with your reason"
        parts.append(safe(words, "bold red"))
    parts += [safe(f"- {words}", "bold red", 200) for words in plan.warnings]
    if archived := plan.counts.get("archive", 0):
        words = f"- {count(archived, 'contact')} to be archived: Xero's API can't bring them back"
        parts.append(safe(words, "yellow"))
    cost: list[str] = []
    if plan.calls:
        cost.append(count(plan.calls, "call"))
        cost.append("less than a minute" if plan.minutes < 1 else f"about {count(plan.minutes, 'minute')}")
    if budget:
        cost.append(f"{budget} of the day used" if budget[:1].isdecimal() else budget)
    counts = "  ".join(f"{verb.replace('_', ' ')} {number:,}" for verb, number in plan.counts.items() if number)
    parts.append(join(safe(counts or "nothing to do"), safe("   " + ", ".join(cost), "dim")))
    if plan.problems:
        listed = sorted(plan.problems.items(), key=lambda pair: -pair[1])
        words = "  ".join(f"{code} {number:,}" for code, number in listed[:2])
        more = f"  and {count(len(listed) - 2, 'more kind')}" if len(listed) > 2 else ""
        parts.append(safe(f"! {words}{more}", "yellow"))
    return stack(*parts)


def question(plan: Plan, names: Mapping[str, str], width: int = 80) -> str:
    """What approval asks, with count, sums and names; `width` is that of the terminal, in cells."""
    room = 20 if width < 100 else 36
    where = ", ".join(middle(names.get(tenant, tenant), room) for tenant in plan.tenants[:3])
    if len(plan.tenants) > 3:
        where += f" and {len(plan.tenants) - 3} more"
    way = "from" if plan.kind is PlanKind.IMPORT else "to"
    if plan.options.get("back"):
        way = "from"
    first = " ".join((*plan.warnings, ""))
    return f"{first}Approve {totals_of(plan)} {way} {where}?"
