"""The big run: 5,000 invoices, 8,000 items and 1,500 customers of one Halo, over three Xero organisations.

Both sides are emulated in a process of their own, at their own limits, the world's clock running thirty times as fast
as ours while Halo is read and four times as fast while Xero is written. Printed are the world's minutes of reading,
planning and sending beside the least that the limits allow for what has to be read and sent; the throttle answers of
both sides, which should be none; the most memory of our process; and a second pass over an unchanged world, which
writes nothing and reads deltas. `bench_halo.py 0.1` runs a tenth of it.
"""

import asyncio
import datetime as dt
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

INVOICES, ITEMS, CUSTOMERS = 5000, 8000, 1500
# World seconds in one of ours: waiting for Halo is told fast, our own work nearly in its own time.
READING_RATE, RATE = 30.0, 4.0
HALO_LIMIT, HALO_ASKED = 300, 280
XERO_LIMIT = 60
SOURCE, LOGIN = "halo", "xero"
BATCH, PAGE = 50, 1000


# ------------------------------------------------------------------------------------------------ the emulated side


def large_world(scale: float) -> Any:
    """Three organisations without anything in them but their settings, and a Halo that has it all."""
    import msgspec

    from xerotui.sandbox.world import build

    small = build(scale=0.1)
    uk, au = (
        msgspec.structs.replace(
            t, contacts=(), items=(), documents=(), period_lock_date=None, end_of_year_lock_date=None
        )
        for t in (small.tenant("uk"), small.tenant("au"))
    )
    third = msgspec.structs.replace(
        uk, key="third", name="Northgate Cloud Ltd", tenant_id="7d0c5a51-93c4-4b0e-8f4e-0a3f6c1d2e01",
        connection_id="7d0c5a51-93c4-4b0e-8f4e-0a3f6c1d2e02", organisation_id="7d0c5a51-93c4-4b0e-8f4e-0a3f6c1d2e03",
        short_code="!third",
    )  # fmt: skip
    keys = ("uk", "au", "third")
    psa = small.psa
    taxes = [t for t in psa.taxes if t.tenant in ("uk", "au") and t.tax_type]
    taxes += [msgspec.structs.replace(t, id=t.id + 100, tenant="third") for t in taxes if t.tenant == "uk"]
    sales = {key: next(t for t in taxes if t.tenant == key and t.rate and not t.purchases) for key in keys}
    bought = {key: next(t for t in taxes if t.tenant == key and t.rate and t.purchases).id for key in keys}
    model = next(i for i in psa.items if not i.parent)
    items = [
        msgspec.structs.replace(
            model, id=1000 + n, tenant=keys[n % 3], code=f"IT-{n:05}", name=f"Part {n}", description=f"Part {n}",
            purchase_description="", price=Decimal(n % 900 + 1) + Decimal("0.55"), cost=Decimal(1),
            sales_account="200", purchase_account="310", sales_tax=sales[keys[n % 3]].id,
            purchase_tax=bought[keys[n % 3]], supplier=0, recurring=False,
            updated=model.updated - dt.timedelta(hours=n),
        )
        for n in range(round(ITEMS * scale))
    ]  # fmt: skip
    customers, sites = _customers(small, bought, sales, round(CUSTOMERS * scale))
    invoices = _invoices(small, customers, items, sales, round(INVOICES * scale))
    psa = msgspec.structs.replace(
        psa, taxes=tuple(taxes), items=tuple(items), customers=customers, sites=sites, invoices=invoices, suppliers=(),
        purchase_orders=(),
    )  # fmt: skip
    return msgspec.structs.replace(small, tenants=(uk, au, third), psa=psa, trouble=())


def _customers(small: Any, bought: dict[str, int], sales: dict[str, Any], number: int) -> tuple[Any, Any]:
    import msgspec

    keys = tuple(bought)
    models = {
        key: next(c for c in small.psa.customers if c.tenant == ("au" if key == "au" else "uk") and c.active)
        for key in keys
    }
    site = small.psa.sites[0]
    customers = tuple(
        msgspec.structs.replace(
            models[keys[n % 3]], id=10_000 + n, tenant=keys[n % 3], name=f"Customer {n} Ltd",
            account_number=f"ACC{n:05}", email=f"accounts{n}@example.com", tax_number="", main_site=20_000 + n,
            sales_tax=sales[keys[n % 3]].id, purchase_tax=bought[keys[n % 3]],
            updated=models["uk"].updated - dt.timedelta(hours=n),
        )
        for n in range(number)
    )  # fmt: skip
    sites = tuple(msgspec.structs.replace(site, id=20_000 + n, customer=10_000 + n) for n in range(number))
    return customers, sites


def _invoices(small: Any, customers: Any, items: Any, sales: dict[str, Any], number: int) -> tuple[Any, ...]:
    import msgspec

    from xerotui.sandbox.world_types import Line, cents, document_totals

    model = next(i for i in small.psa.invoices if i.kind == "invoice" and i.state == "open")
    mine = {key: [i for i in items if i.tenant == key] for key in sales}
    found = []
    for n in range(number):
        customer = customers[n % len(customers)]
        tax = sales[customer.tenant]
        lines = []
        for k in range(3):
            item = mine[customer.tenant][(n * 3 + k) % len(mine[customer.tenant])]
            net = cents(item.price * 2)
            lines.append(
                Line(
                    id=100_000 + n * 3 + k, kind="item", description=item.name, item=item.id, code=item.code,
                    account="200", quantity=Decimal(2), unit_price=item.price, tax=tax.id, tax_rate=tax.rate, net=net,
                    tax_amount=cents(net * tax.rate / 100),
                )
            )  # fmt: skip
        net, vat, total = document_totals(lines)
        day = small.today - dt.timedelta(days=1 + n % 25)
        at = dt.datetime.combine(day, dt.time(9), dt.UTC) + dt.timedelta(seconds=n)
        found.append(
            msgspec.structs.replace(
                model, id=30_000 + n, tenant=customer.tenant, number=str(30_000 + n), customer=customer.id,
                site=customer.main_site, date=day, due_date=day + dt.timedelta(days=30), currency=customer.currency,
                reference=f"Job {n}", lines=tuple(lines), net=net, tax=vat, total=total, created=at, updated=at,
            )
        )  # fmt: skip
    return tuple(found)


def serve(home: str, scale: float) -> None:
    """The emulated side until its input ends; prints where it is."""
    from xerotui.sandbox.run import serve as start
    from xerotui_halo.emulator import HaloEmulator

    async def work() -> None:
        world = large_world(scale)
        async with await start(world, [HaloEmulator()], home=Path(home), clock_rate=READING_RATE) as sandbox:
            about: dict[str, Any] = sandbox.describe()
            await asyncio.to_thread(post, about["halo"]["control_url"] + "/limits", {"calls": HALO_LIMIT})
            about["granted"] = await asyncio.to_thread(post, about["xero"]["control_url"] + "/grant", {})
            about["tenants"] = [
                {"tenant": t.tenant_id, "row": t.connection_id, "name": t.name, "country": t.country,
                 "currency": t.currency}
                for t in world.tenants
            ]  # fmt: skip
            print(json.dumps(about), flush=True)
            await asyncio.to_thread(sys.stdin.read)

    asyncio.run(work())


def post(url: str, body: dict[str, Any] | None = None) -> Any:
    """A control call: GET without a body."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=120) as answer:
        return json.loads(answer.read())


# ------------------------------------------------------------------------------------------------ our side


async def connected(wiring: Any, about: dict[str, Any]) -> None:
    """Save connections, organisations, pairs and the login."""
    from xerotui.net.oauth import TokenSet
    from xerotui.store import Pair, SourceConnection, TenantDoc, XeroConnectionDoc

    halo, xero, granted = about["halo"], about["xero"], about["granted"]
    settings = {k: xero[k] for k in ("client_id", "api_url", "identity_url", "redirect_uri", "authorize_url")}
    await wiring.vault.put(f"source/{SOURCE}/client_secret", halo["client_secret"])
    await wiring.vault.put(f"xero/{LOGIN}/client_secret", xero["client_secret"])
    plain = {"url": halo["url"], "client_id": halo["client_id"], "calls_per_window": str(HALO_ASKED)}
    async with wiring.book.edit() as db:
        db.put_source(SourceConnection(id=SOURCE, name="HaloPSA", source="halo", settings=plain))
        db.put_xero(XeroConnectionDoc(id=LOGIN, name="Xero", settings={**settings, "kind": "web"}, saved=True))
        for one in about["tenants"]:
            db.put_tenant(
                TenantDoc(
                    tenant=one["tenant"], connection=LOGIN, connection_row_id=one["row"], name=one["name"],
                    country=one["country"], currency=one["currency"],
                )
            )  # fmt: skip
            db.put_pair(Pair(source=SOURCE, tenant=one["tenant"]))
    until = wiring.clock.now() + dt.timedelta(seconds=granted["expires_in"])
    tokens = TokenSet(
        access_token=granted["access_token"], refresh_token=granted["refresh_token"], expires_at=until,
        scope=granted["scope"],
    )  # fmt: skip
    keeper = await wiring.keeper(LOGIN)
    await keeper.begin(tokens)


async def mapped(wiring: Any, tenants: list[str]) -> None:
    """Map every tax rate to the one that Halo itself proposes."""
    from xerotui.model.kinds import Kind, Side
    from xerotui.store import Mapping

    async with wiring.ledger.read() as tx:
        rates = await wiring.ledger.snapshots.all(tx, Side.SOURCE, SOURCE, Kind.TAX_RATE)
    async with wiring.book.edit() as db:
        for rate in rates:
            for tenant in [rate.tenant] if rate.tenant else tenants:
                one = Mapping(spec="tax", connection=SOURCE, value=rate.id, tenant=tenant, target=rate.linked_code)
                db.put_mapping(one)


async def asked(wiring: Any, verb: str, **args: str) -> dict[str, str]:
    """Leave a request, let the worker do all there is, and return the answer."""
    from xerotui.model.work import Request, RequestState
    from xerotui.sync.plan import new_id
    from xerotui.sync.worker import serve as work

    request = Request(id=new_id("req"), verb=verb, args=args, actor="bench", created=wiring.clock.now())
    async with wiring.ledger.write() as tx:
        await wiring.ledger.requests.add(tx, request)
    await work(wiring.ports(), asyncio.Event(), until_idle=True)
    async with wiring.ledger.read() as tx:
        answered = await wiring.ledger.requests.get(tx, request.id)
    assert answered is not None
    assert answered.state is RequestState.DONE, answered
    return dict(answered.answer)


async def counted(wiring: Any, plan: str) -> dict[str, int]:
    """What a plan is made of."""
    async with wiring.ledger.read() as tx:
        found = await wiring.ledger.plans.get(tx, plan)
    assert found is not None
    return dict(found.counts)


class Judge:
    """What the emulated side has seen since the last time it was asked."""

    def __init__(self, about: dict[str, Any]) -> None:
        self.urls = {name: about[name]["control_url"] for name in ("xero", "halo")}
        self.seen = dict.fromkeys(self.urls, 0)
        self.throttled = 0

    def calls(self) -> dict[str, Counter[str]]:
        """Calls by side: of Xero by organisation, of Halo by route."""
        found = {}
        for name, url in self.urls.items():
            requests = post(url + "/requests")
            new = [r for r in requests[self.seen[name] :] if "/api" in r["path"]]
            self.seen[name] = len(requests)
            self.throttled += sum(r["status"] == 429 for r in new)
            if name == "xero":
                found[name] = Counter(r["tenant"] for r in new if r["tenant"])
            else:
                found[name] = Counter(f"{r['method']} {_route(r['path'])}" for r in new)
        return found

    def writes(self) -> dict[str, int]:
        """Accepted writes so far."""
        return {name: len(post(url + "/writes")) for name, url in self.urls.items()}


def _route(path: str) -> str:
    parts = path.partition("?")[0].removeprefix("/api/").split("/")
    return parts[0] + ("/#" if len(parts) > 1 else "")


async def run(root: Path, about: dict[str, Any], scale: float) -> None:
    """Both passes, printed as they end."""
    from xerotui.workspace.home import prepare
    from xerotui.workspace.wiring import Wiring

    wiring = await Wiring.open(prepare(root))
    judge = Judge(about)
    try:
        await connected(wiring, about)
        began, cpu, world = time.perf_counter(), time.process_time(), wiring.clock.now()

        def lap(what: str) -> None:
            nonlocal began, cpu, world
            now, used, at = time.perf_counter(), time.process_time(), wiring.clock.now()
            calls = judge.calls()
            most = max(calls["xero"].values(), default=0)
            words = f"{(at - world).total_seconds() / 60:.1f} world minutes, {used - cpu:.1f} s of our processor"
            print(f"halo {what}: {words}; calls: {sum(calls['halo'].values())} of Halo, {most} of one organisation")
            if what.startswith("second"):
                print(f"halo {what}: {dict(calls['halo'])}")
            began, cpu, world = now, used, at

        start = world
        await asked(wiring, "refresh")
        await mapped(wiring, [one["tenant"] for one in about["tenants"]])
        lap("reading")
        await asyncio.to_thread(post, about["halo"]["control_url"] + "/clock", {"rate": RATE})
        plan = (await asked(wiring, "plan", connection=SOURCE))["plan"]
        lap(f"plan {await counted(wiring, plan)}")
        await asked(wiring, "apply", plan=plan)
        lap("sending")
        took = (wiring.clock.now() - start).total_seconds() / 60
        writes = judge.writes()
        least = least_minutes(scale)
        print(
            f"halo whole: {took:.1f} world minutes beside at least {least:.1f} at the limits, ratio {took / least:.2f}"
        )
        print(f"halo writes: {writes}; throttle answers: {judge.throttled}")
        await asyncio.to_thread(post, about["halo"]["control_url"] + "/clock", {"rate": READING_RATE})
        again = (await asked(wiring, "plan", connection=SOURCE))["plan"]
        lap("second pass")
        assert judge.writes() == writes, "a second pass writes nothing"
        print(f"halo second plan: {await counted(wiring, again)}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"halo peak memory: {peak:.0f} MB; throttle answers: {judge.throttled}")
    finally:
        await wiring.close()


def least_minutes(scale: float) -> float:
    """The minutes that the limits alone ask for: the longer of Halo's calls and of one organisation's."""
    halo = CUSTOMERS * scale + sum(n * scale / 200 for n in (ITEMS, CUSTOMERS)) + INVOICES * scale / 100
    halo += sum(n * scale / BATCH for n in (INVOICES, ITEMS, CUSTOMERS))
    xero = sum(n * scale / 3 / BATCH for n in (INVOICES, ITEMS, CUSTOMERS))
    return max((halo / HALO_ASKED - 1) * 5, (xero / XERO_LIMIT - 1), 1.0)


def main(scale: float) -> None:
    """Serve and run."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, __file__, "serve", home, str(scale)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as serving:
            assert serving.stdout is not None
            about = json.loads(serving.stdout.readline())
            os.environ["XEROTUI_CLOCK"] = about["clock"]
            try:
                asyncio.run(run(Path(home) / "home", about, scale))
            finally:
                serving.communicate("")


if __name__ == "__main__":
    os.environ.pop("XEROTUI_TRAFFIC", None)
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2], float(sys.argv[3]))
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
