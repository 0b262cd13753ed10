"""Reading an organisation of 50,000 contacts and 20,000 invoices: our client beside the official Python SDK.

Both read the same emulated Xero in the same run, page by page of 1,000, with lines and four decimals, each in a process
of its own, and add up what they read, which has to agree. The emulator makes each page once, in a round that isn't
counted, so that the readers are measured and not the emulator; the best of three rounds counts. `make bench` brings
the SDK; XeroTUI itself never uses it.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterable, Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTACTS, INVOICES, PAGE = 50_000, 20_000, 1000
ROUNDS = 3
FIRST = date(2026, 1, 1)


def main() -> None:
    """Serve, read with both, compare."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, __file__, "serve", home]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as serving:
            assert serving.stdout is not None
            about = serving.stdout.readline()
            try:
                for name in ("ours", "sdk"):
                    read(name, about)
                rounds = [{name: read(name, about) for name in ("ours", "sdk")} for _ in range(ROUNDS)]
            finally:
                serving.communicate("")
    assert all(once["ours"]["sums"] == once["sdk"]["sums"] for once in rounds)
    for kind, many in (("contacts", CONTACTS), ("invoices", INVOICES)):
        mine, other = (min(once[name][kind] for once in rounds) for name in ("ours", "sdk"))
        print(f"pull {kind}: {many / mine:,.0f}/s beside {many / other:,.0f}/s of the SDK, ratio {other / mine:.2f}")
    mine, other = (min(once[name]["peak"] for once in rounds) for name in ("ours", "sdk"))
    print(
        f"pull peak memory: {mine:.0f} MB beside {other:.0f} MB of the SDK, ratio {other / mine:.2f} (more is better)"
    )


def read(name: str, about: str) -> dict[str, Any]:
    """What one reader says of its work."""
    done = subprocess.run([sys.executable, __file__, name], input=about, capture_output=True, text=True, check=True)
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def told(made: dict[str, Any]) -> None:
    """Print what was measured, with the most memory that this process ever held, in megabytes."""
    print(json.dumps({**made, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def ours(about: dict[str, Any]) -> None:
    """Our client: pages of typed records."""
    from xerotui.model.records import Record
    from xerotui.net.clock import WorldClock
    from xerotui.net.http import HttpClient
    from xerotui.xero.client import TenantClient
    from xerotui.xero.connections import XeroSettings

    class Held:
        async def access(self, *, refused: str = "") -> str:
            return str(about["token"])

    async def counted(pages: AsyncIterable[list[Record]], amount: Callable[[Any], Decimal | None]) -> Decimal:
        total = Decimal(0)
        async for page in pages:
            for record in page:
                total += amount(record) or 0
        return total

    async def work() -> None:
        made: dict[str, Any] = {}
        settings = XeroSettings(client_id="", api_url=about["url"], identity_url=about["url"] + "/identity")
        async with HttpClient(clock=WorldClock()) as http:
            client = TenantClient(http, Held(), about["tenant"], settings)
            for kind, pages, amount in (
                ("contacts", client.contacts(), lambda party: Decimal(len(party.name))),
                ("invoices", client.invoices(), lambda document: document.total),
            ):
                began = time.perf_counter()
                made.setdefault("sums", {})[kind] = str(await counted(pages, amount))
                made[kind] = time.perf_counter() - began
        told(made)

    asyncio.run(work())


def sdk(about: dict[str, Any]) -> None:
    """The official SDK: pages of its models."""
    from xero_python.accounting import AccountingApi
    from xero_python.api_client import ApiClient
    from xero_python.api_client.configuration import Configuration
    from xero_python.api_client.oauth2 import OAuth2Token

    token = {
        "access_token": about["token"],
        "token_type": "Bearer",
        "expires_in": 1800,
        "expires_at": time.time() + 1700,
        "scope": ["accounting.contacts", "accounting.invoices"],
    }
    caller = ApiClient(
        Configuration(oauth2_token=OAuth2Token(client_id="x", client_secret="y")),
        pool_threads=1,
        oauth2_token_getter=lambda: token,
        oauth2_token_saver=lambda _: None,
    )
    api = AccountingApi(caller, base_url=about["url"] + "/api.xro/2.0")
    tenant = about["tenant"]

    def contacts() -> Decimal:
        total, page, pages = Decimal(0), 1, 1
        while page <= pages:
            found = api.get_contacts(tenant, page=page, page_size=PAGE, include_archived=True, order="ContactID ASC")
            pages, page = found.pagination.page_count, page + 1
            total += sum(len(contact.name) for contact in found.contacts)
        return total

    def invoices() -> Decimal:
        total, page, pages = Decimal(0), 1, 1
        while page <= pages:
            found = api.get_invoices(
                tenant, page=page, page_size=PAGE, unitdp=4, where='Type=="ACCREC"', order="InvoiceID ASC"
            )
            pages, page = found.pagination.page_count, page + 1
            total += sum((invoice.total for invoice in found.invoices), Decimal(0))
        return total

    made: dict[str, Any] = {"sums": {}}
    for kind, work in (("contacts", contacts), ("invoices", invoices)):
        began = time.perf_counter()
        made["sums"][kind] = str(work())
        made[kind] = time.perf_counter() - began
    told(made)


def serve(home: str) -> None:
    """The emulated Xero with one large organisation, until its input ends; prints where it is."""
    import msgspec

    from xerotui.sandbox.run import serve as start
    from xerotui.sandbox.world import Address, XeroContact, XeroDocument, XeroLine, build

    def guid(kind: int, n: int) -> str:
        # As ids of Xero do, they say nothing of the order in which things were made.
        return f"{(n * 2654435761) % 2**32:08x}-{kind:04x}-4000-8000-{n:012d}"

    contacts = tuple(
        XeroContact(
            contact_id=guid(1, n),
            name=f"Customer {n} & Söhne Ltd",
            account_number=f"ACC{n}",
            first_name="Jo",
            last_name=f"Bloggs {n}",
            email=f"jo{n}@example.com",
            phone=f"0113 {n:07}",
            address=Address(line1=f"{n} High Street", city="Leeds", postcode="LS1 4AP", country="United Kingdom"),
            is_customer=True,
        )
        for n in range(CONTACTS)
    )
    price, tax = Decimal("101.25"), Decimal("20.25")

    def lines(n: int) -> tuple[XeroLine, ...]:
        return tuple(
            XeroLine(guid(3 + k, n), f"Managed service, part {k}", Decimal(1), price, "200", "OUTPUT2", price, tax)
            for k in range(3)
        )

    documents = tuple(
        XeroDocument(
            document_id=guid(2, n),
            type="ACCREC",
            number=f"INV-{n:06}",
            contact_id=guid(1, n % CONTACTS),
            date=FIRST + timedelta(days=n % 300),
            due_date=FIRST + timedelta(days=n % 300 + 30),
            status="AUTHORISED",
            currency="GBP",
            lines=lines(n),
            reference=f"Job {n}",
        )
        for n in range(INVOICES)
    )
    world = build()
    large = msgspec.structs.replace(world.tenants[0], contacts=contacts, documents=documents)
    world = msgspec.structs.replace(world, tenants=(large, *world.tenants[1:]))

    def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(url, json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request) as answer:
            made: dict[str, Any] = json.loads(answer.read())
        return made

    def remembering(app: ASGIApp) -> ASGIApp:
        answers: dict[tuple[str, bytes], list[Message]] = {}

        async def remembered(scope: Scope, receive: Receive, send: Send) -> None:
            key = (scope["path"], scope["query_string"])
            if key not in answers:
                made: list[Message] = []

                async def note(message: Message) -> None:
                    made.append(message)

                await app(scope, receive, note)
                answers[key] = made
            for message in answers[key]:
                await send(message)

        return remembered

    async def work() -> None:
        async with await start(world, [], home=Path(home)) as sandbox:
            sandbox.xero.service._app = remembering(sandbox.xero.service._app)
            control = sandbox.describe()["xero"]["control_url"]
            await asyncio.to_thread(post, control + "/limits", {"minute": 10**6, "day": 10**6})
            granted = await asyncio.to_thread(post, control + "/grant", {})
            about = {"url": sandbox.describe()["xero"]["api_url"], "tenant": large.tenant_id}
            print(json.dumps({**about, "token": granted["access_token"]}), flush=True)
            await asyncio.to_thread(sys.stdin.read)

    asyncio.run(work())


if __name__ == "__main__":
    os.environ.pop("XEROTUI_TRAFFIC", None)
    role = sys.argv[1] if len(sys.argv) > 1 else ""
    if role == "serve":
        serve(sys.argv[2])
    elif role:
        {"ours": ours, "sdk": sdk}[role](json.loads(sys.stdin.read()))
    else:
        main()
