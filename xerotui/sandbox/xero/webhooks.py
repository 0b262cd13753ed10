"""Webhooks as Xero sends them: the intent to receive, batches of events, retries, and the switching off.

Rules of xero-api section 10 live here. Whoever registers an address does it behind the API, as in the portal.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import random
import secrets
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from xerotui.sandbox.service import CONTROL, Journal, decode, json_reply
from xerotui.sandbox.xero.auth import Identity
from xerotui.sandbox.xero.store import Organisation, Record

CATEGORIES = {"Contacts": "CONTACT", "Invoices": "INVOICE", "CreditNotes": "CREDITNOTE"}
# Real seconds that Xero waits for an answer; world time between two tries, until it gives up, and for which events
# are kept for a webhook that was switched off.
ANSWER_SECONDS = 5.0
AGAIN, GIVE_UP, KEPT = timedelta(minutes=15), timedelta(hours=24), timedelta(days=31)
# Real seconds for which events gather into one delivery.
GATHER = 0.05
_LOOK = 0.05


@dataclass
class Answer:
    """What a receiver answered; status 0 where it didn't, `fault` in words where Xero would not take it."""

    status: int
    fault: str = ""


@dataclass
class Posting:
    """One delivery: its bytes stay what they were at the first try."""

    body: bytes
    first: int
    last: int
    tries: int = 0
    due: datetime | None = None
    began: datetime | None = None


@dataclass
class Hook:
    """The webhook of one app. `state` is pending (never asked), ok, failed (the intent was answered wrongly) or off."""

    client_id: str
    url: str
    key: str
    categories: tuple[str, ...]
    random: random.Random
    state: str = "pending"
    sequence: int = 0
    # How many events go into one delivery, and how untidily deliveries are sent.
    batch: int = 50
    held: bool = False
    unordered: bool = False
    duplicates: float = 0.0
    lost: float = 0.0
    waiting: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    intent: list[dict[str, Any]] = field(default_factory=list)


class Hooks:
    """Every app's webhook, and the task that sends."""

    def __init__(self, identity: Identity, journal: Journal) -> None:
        self.identity = identity
        self.journal = journal
        self.clock = identity.clock
        self.hooks: dict[str, Hook] = {}
        self._task: asyncio.Task[None] | None = None
        self._sending = False

    def routes(self) -> Iterator[BaseRoute]:
        """Yield the control routes."""
        path = f"{CONTROL}/webhooks"
        yield Route(path, self._show, methods=["GET"])
        yield Route(path, self._register, methods=["POST"])
        yield Route(f"{path}/intent", self._ask, methods=["POST"])
        yield Route(f"{path}/change", self._change, methods=["POST"])

    async def stop(self) -> None:
        """Send nothing more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    # ---------------------------------------------------------------- control

    async def _show(self, request: Request) -> Response:
        return json_reply([self._told(hook) for hook in self.hooks.values()])

    async def _register(self, request: Request) -> Response:
        """Register an address for an app (`url`, perhaps `client_id`, `key`, `categories`, `seed`, `sequence`)."""
        body = decode(await request.body() or b"{}")
        if not isinstance(body, dict) or urlsplit(str(body.get("url", ""))).hostname not in ("127.0.0.1", "localhost"):
            return json_reply({"error": "an object with a url on this machine is needed"}, 400)
        client_id = str(body.get("client_id") or next(iter(self.identity.apps)))
        hook = Hook(
            client_id=client_id,
            url=str(body["url"]),
            key=str(body.get("key") or secrets.token_urlsafe(48)),
            categories=tuple(body.get("categories") or CATEGORIES.values()),
            random=random.Random(int(body.get("seed", 1))),
            sequence=int(body.get("sequence", 0)),
        )
        self.hooks[client_id] = hook
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return json_reply({**self._told(hook), "key": hook.key})

    async def _ask(self, request: Request) -> Response:
        """Ask the receiver of an app whether it means to receive; what was kept for it goes out when it does."""
        body = decode(await request.body() or b"{}")
        hook = self._hook(body)
        if hook is None:
            return json_reply({"error": "no webhook was registered"}, 404)
        await self._intent(hook)
        return json_reply(self._told(hook))

    async def _change(self, request: Request) -> Response:
        """Change how an app's webhook is sent: `batch`, `held`, `unordered`, `duplicates`, `lost`, `url`, `key`."""
        body = decode(await request.body() or b"{}")
        hook = self._hook(body)
        if hook is None:
            return json_reply({"error": "no webhook was registered"}, 404)
        known = ("batch", "held", "unordered", "duplicates", "lost", "url", "key")
        if unknown := set(body) - {"client_id", *known}:
            return json_reply({"error": f"a webhook has no {', '.join(sorted(unknown))}"}, 400)
        for name in known:
            if name in body:
                setattr(hook, name, type(getattr(hook, name))(body[name]))
        return json_reply(self._told(hook))

    def _hook(self, body: Any) -> Hook | None:
        client_id = str(body.get("client_id") or "") if isinstance(body, dict) else ""
        return self.hooks.get(client_id) if client_id else next(iter(self.hooks.values()), None)

    def _told(self, hook: Hook) -> dict[str, Any]:
        return {
            "client_id": hook.client_id,
            "url": hook.url,
            "state": hook.state,
            "sequence": hook.sequence,
            "waiting": len(hook.waiting),
            "undelivered": len(hook.postings),
            "sending": self._sending,
            "intent": hook.intent,
            "deliveries": hook.log,
        }

    # ---------------------------------------------------------------- events

    def saw(self, org: Organisation, plural: str, record: Record, created: bool) -> None:
        """Take note of a stored record; the watcher of every organisation."""
        category = CATEGORIES.get(plural)
        if category is None:
            return
        id = str(record[org[plural].id_field])
        event: dict[str, Any] = {
            "resourceUrl": f"https://api.xero.com/api.xro/2.0/{plural}/{id}",
            "resourceId": id,
            "tenantId": org.tenant_id,
            "tenantType": "ORGANISATION",
            "eventCategory": category,
            "eventType": "CREATE" if created else "UPDATE",
            "eventDateUtc": _stamp(record["UpdatedDateUTC"]),
        }
        if category == "CREDITNOTE":
            event["data"] = {"Type": record.get("Type"), "Status": record.get("Status")}
        for hook in self.hooks.values():
            reached = self.identity.connection(hook.client_id, org.tenant_id) is not None
            if category in hook.categories and reached and hook.state != "pending":
                hook.waiting.append((self.clock.now(), dict(event)))

    def _posted(self, hook: Hook) -> None:
        """Make deliveries of what waits; events lost on purpose take their number with them."""
        kept = [event for at, event in hook.waiting if self.clock.now() - at < KEPT]
        hook.waiting.clear()
        for start in range(0, len(kept), hook.batch):
            events = kept[start : start + hook.batch]
            first, hook.sequence = hook.sequence + 1, hook.sequence + len(events)
            if hook.lost and hook.random.random() < hook.lost:
                continue
            body = _body(events, first, hook.sequence, hook.random)
            posting = Posting(body, first, hook.sequence)
            hook.postings.append(posting)
            if hook.duplicates and hook.random.random() < hook.duplicates:
                hook.postings.append(Posting(body, first, hook.sequence))
        if hook.unordered:
            hook.random.shuffle(hook.postings)

    # ---------------------------------------------------------------- sending

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            for hook in list(self.hooks.values()):
                if hook.state != "ok" or hook.held:
                    continue
                self._sending = True
                try:
                    if hook.waiting:
                        await asyncio.sleep(GATHER)
                        self._posted(hook)
                    await self._send(hook)
                finally:
                    self._sending = False

    async def _send(self, hook: Hook) -> None:
        for posting in list(hook.postings):
            if hook.state != "ok" or hook.held or (posting.due is not None and self.clock.now() < posting.due):
                continue
            posting.began = posting.began or self.clock.now()
            answer = await self._try(hook, posting)
            if answer.status != 200 and posting.tries == 1:
                answer = await self._try(hook, posting)
            if answer.status == 200:
                hook.postings.remove(posting)
            elif self.clock.now() - posting.began >= GIVE_UP:
                # A person gets an e-mail now; what waits is kept for 31 days.
                hook.state = "off"
            else:
                posting.due = self.clock.now() + AGAIN

    async def _try(self, hook: Hook, posting: Posting) -> Answer:
        posting.tries += 1
        answer = await post(hook.url, posting.body, sign(hook.key, posting.body))
        hook.log.append(
            {
                "at": self.clock.iso(),
                "first": posting.first,
                "last": posting.last,
                "try": posting.tries,
                "status": answer.status,
                "fault": answer.fault,
            }
        )
        return answer

    async def _intent(self, hook: Hook) -> None:
        """Post bodies without events, some signed wrongly by one character; all must be told apart."""
        hook.intent.clear()
        wrong = [False, True, False, True]
        hook.random.shuffle(wrong)
        for spoilt in wrong:
            body = _body([], 0, 0, hook.random)
            signature = sign(hook.key, body)
            answer = await post(hook.url, body, _spoilt(signature, hook.random) if spoilt else signature)
            expected = 401 if spoilt else 200
            good = answer.status == expected and not answer.fault
            hook.intent.append({"signed": not spoilt, "status": answer.status, "fault": answer.fault, "good": good})
        hook.state = "ok" if all(entry["good"] for entry in hook.intent) else "failed"


def sign(key: str, body: bytes) -> str:
    """Return the signature of raw bytes."""
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def _spoilt(signature: str, chance: random.Random) -> str:
    """Return the signature with one character that is another."""
    at = chance.randrange(len(signature) - 2)
    other = chance.choice([c for c in string.ascii_letters + string.digits if c != signature[at]])
    return signature[:at] + other + signature[at + 1 :]


def _stamp(moment: datetime) -> str:
    """Return an instant as events carry it: no zone, milliseconds."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")


def _body(events: list[dict[str, Any]], first: int, last: int, chance: random.Random) -> bytes:
    """Return a body with blanks after some colons, so that whoever writes it anew spoils its signature."""
    entropy = "".join(chance.choices(string.ascii_uppercase, k=20))
    whole = {"events": events, "firstEventSequence": first, "lastEventSequence": last, "entropy": entropy}
    text = json.dumps(whole, separators=(",", ":"))
    for name in ("events", "firstEventSequence", "lastEventSequence", "entropy"):
        if chance.random() < 0.7 or name == "entropy":
            text = text.replace(f'"{name}":', f'"{name}": ', 1)
    return text.encode()


async def post(url: str, body: bytes, signature: str) -> Answer:
    """Post a delivery to an address on this machine and return what Xero would make of the answer."""
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await _exchange(parts.hostname or "", parts.port or 80, parts.path or "/", body, signature)
    except TimeoutError:
        return Answer(0, "no answer within five seconds")
    except (OSError, ValueError, asyncio.IncompleteReadError) as error:
        return Answer(0, type(error).__name__)


async def _exchange(host: str, port: int, path: str, body: bytes, signature: str) -> Answer:
    reading, writing = await asyncio.open_connection(host, port)
    try:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: Xero-Webhooks\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nX-Xero-Signature: {signature}\r\n"
            "Connection: close\r\n\r\n"
        )
        writing.write(head.encode("latin-1") + body)
        await writing.drain()
        answer = await reading.read(65_536)
        while b"\r\n\r\n" not in answer and (more := await reading.read(65_536)):
            answer += more
        head_, _, rest = answer.partition(b"\r\n\r\n")
        rest += await reading.read(1)
    finally:
        writing.close()
    lines = head_.decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ")[1]) if lines[0].startswith("HTTP/1.") else 0
    names = {line.partition(":")[0].lower() for line in lines[1:]}
    fault = "a cookie" if "set-cookie" in names else "a body" if rest else ""
    return Answer(status, fault)
