"""Posting on demand: chosen documents go with what they need, alone; what stays says why; other plans go on waiting."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.engine.sync_kit import (
    SOURCE,
    Rig,
    commanded,
    halo,
    linked,
    made_plan,
    operations,
    policy,
    problems,
    small,
    the_plan,
    writes,
)
from xerotui.cli.codes import Exit
from xerotui.model.kinds import DOCUMENTS, PARTIES, Kind, Side
from xerotui.model.paging import View
from xerotui.model.work import Operation, Plan, PlanState, RequestState, State, Verb
from xerotui.workspace.door import Workspace
from xerotui.workspace.pages import PlanRow


async def _only(bench: Rig, *words: str, waits: str = "") -> Plan:
    answer = await bench.done("plan", connection=SOURCE, only="\n".join(words))
    assert answer.get("waits", "") == waits
    return await the_plan(bench, answer["plan"])


async def _rows(bench: Rig, plan: Plan) -> dict[str, PlanRow]:
    """What a plan leaves where it is, by title."""
    space = Workspace(bench.wiring, bench.wiring.home, "tester", read_only=False, attached=True)
    words = ("blocked", "skip", "conflict")
    pages = [await space.plan_rows(plan.id, View(fields={"verb": word}, limit=500)) for word in words]
    return {row.title: row for page in pages for row in page.rows}


def _said(operations: Iterable[Operation]) -> set[tuple[Kind, str, Verb]]:
    return {(o.kind, o.record, o.verb) for o in operations}


async def test_chosen_documents_go_alone_with_what_they_need(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with small(tmp_path, rate=60) as bench:
        whole = await made_plan(bench)
        there = await operations(bench, plan=whole.id)
        by_id = {o.id: o for o in there}
        needy = next(o for o in there if o.kind is Kind.INVOICE and any(by_id[n].kind in PARTIES for n in o.needs))
        adopted = {(o.tenant, o.title): o for o in there if o.kind is Kind.CUSTOMER and o.verb is Verb.ATTACH}
        bound = next(o for o in there if o.kind is Kind.INVOICE and (o.tenant, o.party) in adopted and not o.needs)
        rows = await _rows(bench, whole)
        stopped = next(r for r in rows.values() if r.verb == "blocked" and r.kind in DOCUMENTS)
        left = next(r for r in rows.values() if r.verb == "skip" and r.kind in DOCUMENTS)

        # By number in any case, as a row of a plan, and by id: each document once.
        words = (needy.title.lower(), bound.id, f"{bound.kind}:{bound.record}", stopped.id, left.title)
        plan = await _only(bench, *words, waits=whole.id)
        assert plan.title == f"Sync 4 documents of {SOURCE}"
        mine = await operations(bench, plan=plan.id)
        needed = [by_id[id] for id in needy.needs]
        assert not any(o.needs for o in needed)
        helper = adopted[(bound.tenant, bound.party)]
        assert _said(mine) == _said([needy, bound, helper, *needed])
        about = await _rows(bench, plan)
        assert {(r.title, r.verb, r.reason) for r in about.values()} == {
            (r.title, r.verb, r.reason) for r in (stopped, left)
        }
        assert set(plan.problems) == {stopped.code}
        assert plan.counts == {
            **{v: n for v, n in plan.counts.items() if v in ("create", "link")},
            "blocked": 1,
            "skip": 1,
        }
        assert (await the_plan(bench, whole.id)).state is PlanState.READY

        # What nobody knows is named, and then nothing is planned.
        known = len(await operations(bench))
        refused = await bench.ask("plan", connection=SOURCE, only=f"{needy.title}\nNO-1\n{helper.id}")
        assert refused.state is RequestState.FAILED
        assert refused.error == f"No document of {SOURCE} is NO-1, customer {helper.title}"
        assert refused.answer["exit"] == "4"
        assert len(await operations(bench)) == known

        # The same from a command, which ends as any plan does.
        code, out, said = await commanded(
            bench, capsys, "plan", "--only", needy.title, "--only", stopped.title, "--json"
        )
        assert code == Exit.PROBLEMS
        shown = json.loads(out)
        assert stopped.reason in {row["reason"] for row in shown["rows"] if row["title"] == stopped.title}
        assert needy.title in {row["title"] for row in shown["rows"]}
        assert f"Plan {whole.id} goes on waiting" in said
        code, _, said = await commanded(bench, capsys, "plan", "--only", "NO-1")
        assert (code, f"No document of {SOURCE} is NO-1" in said) == (Exit.REFUSED, True)
        code, _, said = await commanded(bench, capsys, "plan", "--only", needy.title, "--show")
        assert (code, "--only makes a new plan" in said) == (Exit.USAGE, True)

        # It goes, and nothing else does; what it blocks is chosen again.
        refused = await bench.ask("apply", plan=plan.id, hash=plan.hash, follow="1")
        assert refused.error == "A plan of chosen documents has no follow-ups"
        await bench.done("apply", plan=plan.id, hash=plan.hash)
        done = await operations(bench, plan=plan.id, side=Side.XERO)
        assert {o.state for o in done} == {State.VERIFIED}
        assert len(await writes(bench)) == len(done), "nothing else goes"
        links = await linked(bench, Kind.INVOICE)
        assert set(links) == {needy.record, bound.record}
        again = await _rows(bench, await _only(bench, needy.title, waits=whole.id))
        assert [(r.verb, r.reason) for r in again.values()] == [("skip", "is in Xero as it is")]

        # What waited is worked out anew when it is approved; what has gone is in it no more.
        stale = await bench.ask("apply", plan=whole.id, hash=whole.hash)
        assert stale.answer["code"] == "core.stale"
        offered = await operations(bench, plan=stale.answer["plan"])
        assert not {needy.record, bound.record} & {
            o.record for o in offered if o.kind is Kind.INVOICE and o.verb is Verb.CREATE
        }
        assert _said(there) - _said(mine) <= _said(offered)


async def test_a_plan_of_chosen_documents_that_is_stale_offers_the_same_ones(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60) as bench:
        british = bench.tenants[0]
        whole = await made_plan(bench)
        one, other = [
            o for o in await operations(bench, plan=whole.id) if o.kind is Kind.INVOICE and o.tenant == british
        ][:2]
        await bench.done("discard", plan=whole.id)
        plan = await _only(bench, one.title, other.title)
        row = await halo(bench, "invoice", one.record)
        await bench.control("halo", f"/edit/invoice/{one.record}", {"thirdpartyinvoicenumber": "", "reference": "anew"})
        stale = await bench.ask("apply", plan=plan.id, hash=plan.hash)
        assert stale.answer["code"] == "core.stale", row
        offered = await the_plan(bench, stale.answer["plan"])
        chosen = {o.record for o in await operations(bench, plan=offered.id) if o.kind is Kind.INVOICE}
        assert chosen == {one.record, other.record}
        await bench.done("apply", plan=offered.id, hash=offered.hash)
        assert set(await linked(bench, Kind.INVOICE)) == chosen


async def test_a_number_that_a_chosen_document_needs_is_made_and_no_other(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60) as bench:
        british = bench.tenants[0]
        whole = await made_plan(bench)
        await bench.done("discard", plan=whole.id)
        invoices = [o for o in await operations(bench, plan=whole.id) if o.kind is Kind.INVOICE and o.tenant == british]
        parties = {row["name"]: str(row["id"]) for row in await bench.control("halo", "/state/client")}
        first = invoices[0]
        second = next(o for o in invoices if o.party != first.party)
        for o in (first, second):
            await bench.control("halo", f"/edit/client/{parties[o.party]}", {"accountsid": ""})
        await policy(bench, british, generate={"customer": "Z{n:04}"}, generate_unasked=True)
        plan = await the_plan(bench, (await bench.done("plan", connection=SOURCE, only=first.title))["plan"])
        (made,) = await operations(bench, plan=plan.id)
        assert (made.kind, made.record, made.side, made.verb) == (
            Kind.CUSTOMER, parties[first.party], Side.SOURCE, Verb.UPDATE
        )  # fmt: skip
        assert set(plan.problems) == {"core.account_number_missing"}
        assert plan.tenants == (british,)
        assert await problems(bench, code="core.account_number_missing")
