"""What the webhook tests share: a home with a key, the real receiver process, requests to the letter."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xerotui.store import TenantDoc, XeroConnectionDoc
from xerotui.workspace.home import prepare
from xerotui.workspace.wiring import Wiring
from xerotui.workspace.worker import STOPPED
from xerotui.xero.webhooks_events import sign

KEY = "a-signing-key"
LOGIN = "xero"
TENANT = "11111111-2222-4333-8444-555555555555"
RESOURCE = "00000000-0000-4000-8000-{:012d}"


@dataclass
class Receiver:
    """A running `xerotui webhooks`."""

    process: asyncio.subprocess.Process
    port: int

    @property
    def url(self) -> str:
        """Where it takes deliveries."""
        return f"http://127.0.0.1:{self.port}/xero"

    def memory(self) -> int:
        """Resident megabytes, as the kernel says."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")) // 1024

    async def raw(self, data: bytes, *, end: bool = False) -> bytes:
        """Send bytes on a connection of their own; what comes back until the other side closes or has said all."""
        reading, writing = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writing.write(data)
            try:
                await writing.drain()
                if end:
                    writing.write_eof()
            except OSError:
                pass
            answer = b""
            try:
                while not _whole(answer) and (more := await reading.read(65_536)):
                    answer += more
            except OSError:
                pass
            return answer
        finally:
            writing.close()

    async def deliver(self, body: bytes, signature: str = "", key: str = KEY, **headers: str) -> int:
        """Post a body; the status, after the answer was found to be without body, cookie and server."""
        said = {
            "Host": "localhost",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "X-Xero-Signature": signature or sign(key, body),
            "X-Forwarded-For": "203.0.113.7",
            "Connection": "close",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in said.items() if value != "-")
        return status(await self.raw(b"POST /xero HTTP/1.1\r\n" + head.encode() + b"\r\n" + body))


def _whole(answer: bytes) -> bool:
    head, end, _ = answer.partition(b"\r\n\r\n")
    return bool(end) and b"content-length: 0" in head.lower()


def status(answer: bytes) -> int:
    """The status of an answer, which must be bare; 0 for none."""
    if not answer:
        return 0
    head, _, rest = answer.partition(b"\r\n\r\n")
    names = {line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
    assert rest == b"", answer
    assert not names & {b"set-cookie", b"server"}, head
    return int(head.split(b" ")[1])


def event(number: int = 1, **more: Any) -> dict[str, Any]:
    """An event about a made-up invoice."""
    return {
        "resourceUrl": "https://api.xero.com/api.xro/2.0/Invoices/x",
        "resourceId": RESOURCE.format(number),
        "tenantId": TENANT,
        "tenantType": "ORGANISATION",
        "eventCategory": "INVOICE",
        "eventType": "UPDATE",
        "eventDateUtc": "2026-11-21T10:00:00.123",
        **more,
    }


def body(*events: dict[str, Any], first: int = 1) -> bytes:
    """A body as Xero writes it, blanks and all."""
    last = first + len(events) - 1
    text = json.dumps({"events": list(events), "firstEventSequence": first, "lastEventSequence": last})
    return text.encode()


@asynccontextmanager
async def receiving(home: Path, *options: str) -> AsyncIterator[Receiver]:
    """The real receiver of a home, ended by SIGTERM, which must end it well."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "xerotui", "--home", str(home), "webhooks", "--port", "0", "--json", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    line = await asyncio.wait_for(process.stdout.readline(), 60)
    try:
        assert line, (await process.stderr.read()).decode()
        yield Receiver(process, int(json.loads(line)["address"].rsplit(":", 1)[1].partition("/")[0]))
    finally:
        if process.returncode is None:
            process.terminate()
        said = (await asyncio.wait_for(process.communicate(), 60))[1].decode()
        assert process.returncode == 0, said
        assert "Traceback" not in said, said
        assert KEY not in said
        # Strangers can't fill the log.
        assert "Invalid HTTP" not in said


@asynccontextmanager
async def lonely(tmp: Path) -> AsyncIterator[Wiring]:
    """A home with one Xero connection, its key, one organisation, and no worker."""
    wiring = await Wiring.open(prepare(tmp / "home"))
    try:
        async with wiring.book.edit() as db:
            db.put_xero(XeroConnectionDoc(id=LOGIN, name="Xero", settings={"client_id": "abc"}, saved=True))
            db.put_tenant(TenantDoc(tenant=TENANT, connection=LOGIN, name="Aston Ltd"))
        await wiring.vault.put(f"xero/{LOGIN}/webhook_key", KEY)
        async with wiring.ledger.write() as tx:
            await wiring.ledger.marks.set(tx, STOPPED, "the test")
        yield wiring
    finally:
        await wiring.close()
