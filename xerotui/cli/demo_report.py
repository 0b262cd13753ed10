"""What the emulators themselves say of a demo run: totals, writes, violations, and where the two sides differ."""

import math
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from xerotui.cli import control
from xerotui.cli.demo_connect import XERO
from xerotui.model.kinds import Kind, Side
from xerotui.model.paging import View
from xerotui.model.work import DONE

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace

# {tenant: {currency: {kind: {"documents": n, "total": text}}}}
Totals = dict[str, dict[str, dict[str, dict[str, Any]]]]
# A call carries at most so many operations (DESIGN section 1).
BATCH = 50


async def written(controls: dict[str, str]) -> int:
    """How many effects all emulators have accepted so far."""
    return sum([len(await control.get(f"{url}/writes")) for url in controls.values()])


async def violations(controls: dict[str, str]) -> list[dict[str, Any]]:
    """Every rule that was broken, as the emulators judged."""
    return [entry for url in controls.values() for entry in await control.get(f"{url}/violations")]


async def totals(controls: dict[str, str]) -> tuple[dict[str, Totals], Totals]:
    """The sources' totals, `sent` and `blocked`, and Xero's."""
    source: dict[str, Totals] = {"sent": {}, "blocked": {}}
    for name, url in controls.items():
        if name == XERO:
            continue
        said = await control.get(f"{url}/totals")
        for part, sums in source.items():
            _add(sums, said.get(part, {}))
    return source, await control.get(f"{controls[XERO]}/totals")


def _add(sums: Totals, more: Totals) -> None:
    for tenant, currencies in more.items():
        for currency, kinds in currencies.items():
            into = sums.setdefault(tenant, {}).setdefault(currency, {})
            for kind, entry in kinds.items():
                have = into.get(kind, {"documents": 0, "total": "0"})
                into[kind] = {
                    "documents": have["documents"] + entry["documents"],
                    "total": str(Decimal(have["total"]) + Decimal(entry["total"])),
                }


def _flat(sums: Totals) -> dict[tuple[str, str, str], tuple[int, Decimal]]:
    return {
        (tenant, currency, kind): (int(entry["documents"]), Decimal(entry["total"]))
        for tenant, currencies in sums.items()
        for currency, kinds in currencies.items()
        for kind, entry in kinds.items()
    }


def differences(sent: Totals, xero: Totals) -> list[dict[str, Any]]:
    """Where what the sources say was sent isn't what Xero holds, document for document and penny for penny."""
    ours, theirs = _flat(sent), _flat(xero)
    nothing = (0, Decimal(0))
    found = []
    for key in sorted({*ours, *theirs}):
        mine, held = ours.get(key, nothing), theirs.get(key, nothing)
        if mine != held:
            found.append(
                {
                    "tenant": key[0],
                    "currency": key[1],
                    "kind": key[2],
                    "source": {"documents": mine[0], "total": str(mine[1])},
                    "xero": {"documents": held[0], "total": str(held[1])},
                }
            )
    return found


def worded(differing: list[dict[str, Any]], violations: list[dict[str, Any]]) -> list[str]:
    """A line for each way in which the two sides differ, and for each rule that was broken; empty when all is well."""
    lines = [
        f"{d['kind']} {d['currency']} of {d['tenant']}: the source has {d['source']['documents']} over"
        f" {d['source']['total']}, Xero {d['xero']['documents']} over {d['xero']['total']}"
        for d in differing
    ]
    return lines + [
        f"{entry['service']}: a rule was broken: {entry['what']} {entry['detail']}".rstrip() for entry in violations
    ]


async def calls(space: "Workspace", controls: dict[str, str]) -> dict[str, int]:
    """Write calls that Xero accepted, and the least that so many effects could have taken.

    Counted plan by plan, because what a follow-up brings was blocked when the plan before it left. The kinds are
    ours: customers and suppliers are two, though Xero has one endpoint for both.
    """
    writes = await control.get(f"{controls[XERO]}/writes")
    made = {entry["call"] for entry in writes if entry.get("call") is not None}
    effects = [await _effects(space, plan.id) for plan in await space.plans()]
    least = sum(math.ceil(number / BATCH) for numbers in effects for number in numbers.values())
    return {"made": len(made), "least": least}


async def _effects(space: "Workspace", plan: str) -> Counter[tuple[str, Kind, str]]:
    """How many effects a plan had on Xero, by organisation, kind and verb."""
    found: Counter[tuple[str, Kind, str]] = Counter()
    anchor = ""
    while True:
        fields = {"side": Side.XERO.value, "state": ",".join(DONE), "plan": plan}
        page = await space.queue(View(fields=fields, anchor=anchor, limit=500))
        found.update((row.tenant, row.kind, row.verb) for row in page.rows)
        anchor = page.next
        if not anchor:
            return found
