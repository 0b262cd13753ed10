"""What the engine tests ask of both judges and of the ledger, and how they wait for a moment of a run."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.rig import LOGIN, SOURCE, Rig, rig
from xerotui.main import main
from xerotui.model.kinds import DOCUMENTS, Kind, Side
from xerotui.model.problems import Problem
from xerotui.model.work import CallState, Operation, Plan, Request, State, Verb
from xerotui.store import Mapping, Pair, WorkerIdentity, me
from xerotui.sync.plan import new_id
from xerotui.xero import client
from xerotui_halo.emulator.expected import CODES

UNDER_WAY = (State.APPROVED, State.READY, State.SENDING, State.UNKNOWN)
UNMAPPED_TAX = "6"
# World seconds after which Xero has surely forgotten a key.
LAPSE = 400


@asynccontextmanager
async def small(tmp: Path, *, rate: float = 30.0, mapped: bool = True, scale: float = 0.1) -> AsyncIterator[Rig]:
    """The rig over a small world."""
    async with rig(tmp, scale=scale, rate=rate, mapped=mapped) as bench:
        yield bench


# ------------------------------------------------------------------------------------------ the ledger's side


async def operations(bench: Rig, **where: Any) -> list[Operation]:
    """Operations of the ledger."""
    async with bench.wiring.ledger.read() as tx:
        return await bench.wiring.ledger.work.find(tx, **where)


async def problems(bench: Rig, **where: Any) -> list[Problem]:
    """Open problems."""
    async with bench.wiring.ledger.read() as tx:
        return await bench.wiring.ledger.problems.open(tx, **where)


async def the_plan(bench: Rig, id: str) -> Plan:
    """A plan as it stands now."""
    async with bench.wiring.ledger.read() as tx:
        plan = await bench.wiring.ledger.plans.get(tx, id)
    assert plan is not None
    return plan


async def plans(bench: Rig) -> list[Plan]:
    """All plans, oldest first."""
    async with bench.wiring.ledger.read() as tx:
        return list(reversed(await bench.wiring.ledger.plans.list(tx)))


async def made_plan(bench: Rig) -> Plan:
    """A fresh sync plan."""
    return await the_plan(bench, (await bench.done("plan", connection=SOURCE))["plan"])


async def commanded(bench: Rig, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """A command's exit code and what it printed, while the worker of this process works."""
    capsys.readouterr()
    going = asyncio.create_task(asyncio.to_thread(main, ["--home", str(bench.wiring.home.root), *words]))
    while not going.done():
        async with bench.wiring.ledger.read() as tx:
            asked = await bench.wiring.ledger.requests.open(tx)
        if asked:
            await bench.work()
        await asyncio.sleep(0.05)
    said = capsys.readouterr()
    return await going, said.out, said.err


async def linked(bench: Rig, kind: Kind) -> dict[str, tuple[str, str]]:
    """Links of a kind: source id to (tenant, Xero id)."""
    found = {}
    async with bench.wiring.ledger.read() as tx:
        for tenant in bench.tenants:
            for link in await bench.wiring.ledger.links.for_pair(tx, SOURCE, tenant, kind):
                found[link.record] = (tenant, link.xero_id)
    return found


async def map_tax(bench: Rig, value: str = UNMAPPED_TAX, tenant: str = "", target: str = "RROUTPUT") -> None:
    """Save the mapping of a tax rate as the console does."""
    async with bench.wiring.book.edit() as db:
        one = Mapping(spec="tax", connection=SOURCE, value=value, tenant=tenant or bench.tenants[0], target=target)
        db.put_mapping(one)


async def policy(bench: Rig, tenant: str, **changes: Any) -> None:
    """Change the pair of a tenant."""
    async with bench.wiring.book.edit() as db:
        db.put_pair(msgspec.structs.replace(db.pair(SOURCE, tenant) or Pair(source=SOURCE, tenant=tenant), **changes))


async def xero_setting(bench: Rig, **changes: str) -> None:
    """Change settings of the Xero connection."""
    async with bench.wiring.book.edit() as db:
        login = db.xero(LOGIN)
        assert login is not None
        db.put_xero(msgspec.structs.replace(login, settings={**login.settings, **changes}))


# ------------------------------------------------------------------------------------------ the judges' side


async def writes(bench: Rig, service: str = "xero") -> list[dict[str, Any]]:
    """What a service accepted, in order."""
    found: list[dict[str, Any]] = await bench.control(service, "/writes")
    return found


async def asked(bench: Rig, method: str, part: str, service: str = "xero") -> list[dict[str, Any]]:
    """The requests that a service got, by method and a part of the path."""
    found = await bench.control(service, "/requests")
    return [r for r in found if r["method"] == method and part in r["path"]]


async def held(bench: Rig, tenant: str, collection: str) -> list[dict[str, Any]]:
    """A collection of an organisation as Xero holds it."""
    found: list[dict[str, Any]] = await bench.control("xero", f"/state/{tenant}/{collection}")
    return found


async def held_one(bench: Rig, tenant: str, collection: str, **where: str) -> dict[str, Any]:
    """The one record of a collection with these values."""
    found = [r for r in await held(bench, tenant, collection) if all(str(r.get(k)) == v for k, v in where.items())]
    assert len(found) == 1, (where, len(found))
    return found[0]


async def halo(bench: Rig, entity: str, id: int | str) -> dict[str, Any]:
    """A row of Halo."""
    return next(r for r in await bench.control("halo", f"/state/{entity}") if str(r["id"]) == str(id))


async def edit(bench: Rig, entity: str, id: int | str, **patch: Any) -> None:
    """Change a row of Halo as a person does, after the second in which it was read before."""
    await bench.control("halo", "/clock", {"jump_seconds": 5})
    await bench.control("halo", f"/edit/{entity}/{id}", patch)


async def fault(bench: Rig, service: str = "xero", **spec: Any) -> None:
    """Let a service misbehave."""
    await bench.control(service, "/faults", spec)


async def heal(bench: Rig, service: str = "xero") -> None:
    """Let a service behave again."""
    await bench.control(service, "/faults", {"clear": True})


async def invoiced_in_xero(bench: Rig, tenant: str, number: str) -> None:
    """Somebody writes an invoice of that number in Xero itself."""
    like = next(i for i in await held(bench, tenant, "Invoices") if i["Type"] == "ACCREC")
    copy = {k: v for k, v in like.items() if k not in ("InvoiceID", "UpdatedDateUTC")}
    await bench.control("xero", f"/create/{tenant}/Invoices", {**copy, "InvoiceNumber": number})


async def named_in_xero(bench: Rig, tenant: str, name: str) -> None:
    """Somebody makes a contact of that name in Xero itself."""
    like = next(c for c in await held(bench, tenant, "Contacts") if c["ContactStatus"] == "ACTIVE")
    copy = {k: v for k, v in like.items() if k not in ("ContactID", "UpdatedDateUTC", "AccountNumber")}
    await bench.control("xero", f"/create/{tenant}/Contacts", {**copy, "Name": name})


async def jump(bench: Rig, seconds: float = LAPSE) -> None:
    """Move the world on."""
    await bench.control("xero", "/clock", {"jump_seconds": seconds})


def sound(bench: Rig, *, blocked: bool = False) -> dict[tuple[str, Kind], set[str]]:
    """Numbers of the documents that nothing stops, by tenant and kind; with `blocked` of those seeded as trouble."""
    world = bench.world
    trouble = set(world.troubled("invoice", blocking_only=True))
    out: dict[tuple[str, Kind], set[str]] = {}
    for tenant in world.tenants:
        mine = [i for i in world.psa.invoices if (i.tenant, i.kind, i.state) == (tenant.key, "invoice", "open")]
        out[tenant.tenant_id, Kind.INVOICE] = {i.number for i in mine if (i.id in trouble) is blocked}
        orders = [o for o in world.psa.purchase_orders if (o.tenant, o.state) == (tenant.key, "approved")]
        out[tenant.tenant_id, Kind.PURCHASE_ORDER] = {o.number for o in orders} if not blocked else set()
    return out


def seeded(bench: Rig) -> set[tuple[str, str, str]]:
    """The trouble that has to be found: (code, kind, source id)."""
    kinds = ("customer", "supplier", "item", "invoice", "purchase_order")
    return {(CODES[t.kind], t.record, str(t.id)) for t in bench.world.trouble if t.blocks and t.record in kinds}


async def stopped(bench: Rig) -> set[tuple[str, str, str]]:
    """The trouble that was found."""
    return {(p.code, p.record.kind.value, p.record.id) for p in await problems(bench, blocks=True)}


# ------------------------------------------------------------------------------------------ what must hold at the end


async def all_well(bench: Rig, *, violations: Sequence[str] = ()) -> None:
    """Nothing open, everything once, both sides equal to the penny, the audit chain whole.

    `violations` are the kinds of broken rules that this test expects of the Xero side.
    """
    left = await operations(bench, states=UNDER_WAY)
    assert left == [], Counter((o.kind.value, o.state.value, o.error) for o in left)
    await _written_once(bench)
    await _totals_equal(bench)
    assert await bench.control("halo", "/duplicates") == []
    broken = await bench.control("halo", "/violations")
    assert broken == [], broken
    assert {v["what"] for v in await bench.control("xero", "/violations")} == set(violations)
    async with bench.wiring.ledger.read() as tx:
        assert list(await bench.wiring.ledger.audit.verify(tx)) == []
        calls = [
            call
            for lane in [*(f"xero:{t}" for t in bench.tenants), f"source:{SOURCE}"]
            for call in await bench.wiring.ledger.work.calls(tx, lane, (CallState.SENDING, CallState.UNKNOWN))
        ]
    assert calls == []


async def _written_once(bench: Rig) -> None:
    """One accepted write for each confirmed operation, and no number or id created twice."""
    log = await writes(bench)
    created = [(w["tenant"], w["kind"], w["number"] or w["name"]) for w in log if w["verb"] == "create"]
    assert [key for key, n in Counter(created).items() if n > 1] == []
    theirs = Counter((w["tenant"], w["kind"], w["verb"]) for w in log)
    done = await operations(bench, side=Side.XERO, states=(State.CONFIRMED, State.VERIFIED))
    mine: Counter[tuple[str, str, str]] = Counter()
    for o in done:
        kind = "contact" if o.kind in (Kind.CUSTOMER, Kind.SUPPLIER) else o.kind.value
        mine[o.tenant, kind, o.verb.value] += 1
    assert mine == theirs


async def _totals_equal(bench: Rig) -> None:
    """What Halo's emulator counts as sent is what Xero's emulator counts as made."""
    sent = (await bench.control("halo", "/totals"))["sent"]
    xero = await bench.control("xero", "/totals")
    assert flat(sent) == flat(xero)


def flat(sums: dict[str, Any]) -> dict[tuple[str, str, str], tuple[int, Decimal]]:
    """An emulator's totals by (tenant, currency, kind); rows of nothing left out."""
    return {
        (tenant, currency, kind): (int(entry["documents"]), Decimal(entry["total"]))
        for tenant, currencies in sums.items()
        for currency, kinds in currencies.items()
        for kind, entry in kinds.items()
        if entry["documents"]
    }


async def in_xero(bench: Rig) -> dict[tuple[str, Kind], list[str]]:
    """Numbers of the documents that were created through the API, by tenant and kind."""
    out: dict[tuple[str, Kind], list[str]] = {(t, k): [] for t in bench.tenants for k in DOCUMENTS}
    for entry in await writes(bench):
        if entry["verb"] == "create" and entry["kind"] in (Kind.INVOICE.value, Kind.PURCHASE_ORDER.value):
            out[entry["tenant"], Kind(entry["kind"])].append(entry["number"])
    return {key: sorted(numbers) for key, numbers in out.items() if numbers}


async def everything_arrived(bench: Rig) -> None:
    """Every document that nothing stops is in Xero, once."""
    wanted = {key: sorted(numbers) for key, numbers in sound(bench).items() if numbers}
    assert await in_xero(bench) == wanted


# ------------------------------------------------------------------------------------------ waiting for a moment


async def until(true: Callable[[], Awaitable[Any]], seconds: float = 20.0) -> Any:
    """The first thing that is true; fails after machine seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := await true():
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to that")


async def leave(bench: Rig, verb: str, **args: str) -> str:
    """A request that waits for a worker; its id."""
    request = Request(id=new_id("req"), verb=verb, args=args, actor="tester", created=bench.wiring.clock.now())
    async with bench.wiring.ledger.write() as tx:
        await bench.wiring.ledger.requests.add(tx, request)
    return request.id


async def unknown_calls(bench: Rig, kind: Kind | None = None) -> list[str]:
    """Calls of unknown outcome, by id."""
    async with bench.wiring.ledger.read() as tx:
        found = []
        for lane in [*(f"xero:{t}" for t in bench.tenants), f"source:{SOURCE}"]:
            found += await bench.wiring.ledger.work.calls(tx, lane, (CallState.UNKNOWN,))
    return [c.id for c in found if kind is None or c.kind is kind]


@contextmanager
def other_process() -> Iterator[tuple[WorkerIdentity, subprocess.Popen[bytes]]]:
    """A living process that a worker of this test can pass for, to be killed when it has to be gone."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    try:
        stat = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        yield WorkerIdentity(me().host, me().boot, child.pid, stat[19]), child
    finally:
        child.kill()
        child.wait()


def impatient(monkeypatch: Any, seconds: float = 0.4) -> None:
    """Give up on an unanswered write sooner, so that a slow answer is a lost one within a test's time."""
    monkeypatch.setattr(client, "WRITE_TIMEOUT", seconds)


__all__ = ["SOURCE", "Rig", "Verb"]
