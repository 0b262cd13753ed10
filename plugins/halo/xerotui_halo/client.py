"""Speaking to Halo: discovery, the token, single calls, lists page by page. What the rows mean isn't known here."""

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, NoReturn

import msgspec

from xerotui.net.http import BadAnswer, NetError, NotSent, Response, Throttle
from xerotui.source.contract import Context, SourceLocked, SourceRefused, SourceUnreachable
from xerotui_halo.answers import elements, record_count, said, single, unwrap
from xerotui_halo.settings import HaloSettings, base_url
from xerotui_halo.values import Row, integer, text

# Ask again this long before a token ends (halo-api section 2).
EARLY = dt.timedelta(seconds=120)
# What XeroTUI needs at least; asked for only where "all" isn't granted.
SCOPES = (
    "read:customers edit:customers read:suppliers edit:suppliers read:items edit:items "
    "read:invoices edit:invoices read:pos edit:pos"
)
# More than any list that ignores paging holds; Halo has no documented maximum (halo-api section 4.1).
EVERYTHING = 100_000
_REMEDY = "Check client ID, secret and the application's permissions in Halo, then connect again."


class Instance(msgspec.Struct, frozen=True):
    """What Halo says of itself before any login."""

    base: str
    auth_url: str
    tenant: str = ""


class Tally(msgspec.Struct):
    """How whole a list came: rows that Halo counted and gave, and entries that are no rows."""

    counted: int = 0
    received: int = 0
    broken: int = 0

    @property
    def missing(self) -> int:
        """How many rows a person won't see."""
        return max(0, self.counted - self.received) + self.broken

    def words(self) -> str:
        """What is wrong with the list; "" for nothing."""
        if self.counted > self.received:
            return f"Halo counted {self.counted} and gave {self.received}"
        return f"{self.broken} of its entries hold no id" if self.broken else ""


class NotThere(SourceRefused):
    """404: no such id, or no such route; only a second look tells which."""


class HaloClient:
    """One connection's calls. All paths are below `/api`; all errors are those of the source contract."""

    def __init__(self, settings: HaloSettings, context: Context) -> None:
        self.settings = settings
        self.context = context
        self.urgent = False
        self._instance: Instance | None = None
        self._token = ""
        self._until = dt.datetime.fromtimestamp(0, dt.UTC)
        self._lock = asyncio.Lock()
        # Routes that refused a token just made: theirs is a question of permission.
        self._denied: set[str] = set()

    async def instance(self) -> Instance:
        """Where to log in: authinfo's word, and the usual place where that isn't answered."""
        if self._instance is None:
            base = base_url(self.settings.url)
            response = await self._send("GET", f"{base}/api/authinfo", {})
            if response.status == 429 or response.status >= 500:
                raise SourceUnreachable(f"Halo is out of order ({response.status}): {said(response)}", sent=False)
            info = _object(response)
            auth = text(info, "auth_url").rstrip("/") or f"{base}/auth"
            if not auth.startswith("https://") and not base.startswith("http://"):
                raise SourceLocked("Halo names a login address that isn't https; the secret isn't sent there.")
            self._instance = Instance(base, auth, text(info, "tenant_id"))
        return self._instance

    async def about(self) -> Row:
        """Product and version, which Halo tells without a login; empty where it doesn't."""
        base = base_url(self.settings.url)
        return _object(await self._send("GET", f"{base}/api/InstanceInfo", {}))

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The JSON of a GET. Raises NotThere for 404, and the contract's errors."""
        return _json(await self._call("GET", path, params=params))

    async def one(self, path: str, id: str) -> Row:
        """One record with its details."""
        return single(await self.get(f"{path}/{id}", {"includedetails": "true"}))

    async def post(self, path: str, rows: Sequence[Mapping[str, Any]]) -> Any:
        """Write rows: Halo takes an array, and may answer with the bare object for an array of one."""
        response = await self._call("POST", path, json=list(rows))
        try:
            return response.json()
        except BadAnswer as error:
            raise SourceUnreachable(f"Halo's answer to a write can't be read: {error.sentence}", sent=True) from None

    async def delete(self, path: str) -> None:
        """Take one record away. Raises NotThere where there is none, and the contract's errors."""
        await self._call("DELETE", path)

    async def whole(self, path: str, key: str, params: Mapping[str, str] | None = None) -> list[Row]:
        """A short list that Halo gives in one piece."""
        body = await self.get(path, params)
        rows = unwrap(body, key)
        if (total := record_count(body)) is not None and total > len(rows):
            return [row async for page in self.pages(path, key, params or {}, 200) for row in page]
        return rows

    async def count(self, path: str, key: str, params: Mapping[str, str]) -> int:
        """How many rows a list has."""
        body = await self.get(path, {**params, "pageinate": "true", "page_size": "1", "page_no": "1"})
        total = record_count(body)
        return len(unwrap(body, key)) if total is None else total

    async def pages(
        self, path: str, key: str, params: Mapping[str, str], size: int, tally: Tally | None = None
    ) -> AsyncGenerator[list[Row], None]:
        """A list page by page, no row twice; `tally` is told how whole it came.

        Guards against lists that ignore paging (asked for once more in one piece), servers that give shorter pages
        than asked for, and rows that move up because others were deleted meanwhile (halo-api section 4.1).
        """
        seen: set[Any] = set()
        told = tally if tally is not None else Tally()
        number, top, before = 1, 0, 0
        while True:
            paging = {"pageinate": "true", "page_size": str(size), "page_no": str(number)}
            body = await self.get(path, {**params, **paging})
            rows, total = elements(body, key), record_count(body)
            fresh = _fresh(rows, seen, told)
            if fresh:
                yield fresh
            stuck = bool(rows) and not fresh and number > top > 0
            if stuck and (total is None or total > len(seen)):
                rows = elements(await self.get(path, {**params, "count": str(total or EVERYTHING)}), key)
                if fresh := _fresh(rows, seen, told):
                    yield fresh
            if stuck or not rows:
                self._short(path, total, len(seen) + told.broken, told)
                return
            if (len(rows) != size if total is None else len(seen) >= total) and number >= top:
                return
            moved = total is not None and number > 1 and total < before
            before, top = total or 0, max(top, number)
            number = number - 1 if moved else number + 1

    def _short(self, path: str, total: int | None, got: int, tally: Tally) -> None:
        if total is not None and got < total:
            tally.counted, tally.received = total, got
            self.context.log.warning("halo_list_short", path=path, counted=total, received=got)

    async def _call(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, json: Any = None
    ) -> Response:
        route = path.partition("/")[0]
        token = ""
        for _ in range(2):
            token = await self._bearer(refused=token)
            base = (await self.instance()).base
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
            response = await self._send(method, f"{base}/api/{path}", headers, params=params, json=json)
            if response.status != 401 or f"{method} {route}" in self._denied:
                break
        if response.status == 401:
            # The lists of a route may work while its details are refused (halo-api section 6): never loop.
            self._denied.add(f"{method} {route}")
        return response if response.ok else _refuse(method, path, response)

    async def _bearer(self, *, refused: str) -> str:
        """The token, a new one when this very one was `refused` or ends: asked for once for all that wait."""
        async with self._lock:
            if self._token == refused or self.context.now() >= self._until:
                await self._log_in()
            return self._token

    async def _log_in(self) -> None:
        instance = await self.instance()
        form = {
            "grant_type": "client_credentials",
            "client_id": self.settings.client_id,
            "client_secret": self.settings.client_secret,
            "scope": "all",
        }
        params = {"tenant": instance.tenant} if instance.tenant else None
        response = await self._send("POST", f"{instance.auth_url}/token", {}, params=params, form=form)
        if response.status in (400, 403) and "scope" in said(response).lower():
            form["scope"] = SCOPES
            response = await self._send("POST", f"{instance.auth_url}/token", {}, params=params, form=form)
        self._accept(response)

    def _accept(self, response: Response) -> None:
        body = _object(response)
        token = text(body, "access_token")
        if response.ok and token:
            lifetime = dt.timedelta(seconds=max(10, integer(body, "expires_in") or 3600))
            self._token, self._until = token, self.context.now() + lifetime - min(EARLY, lifetime / 2)
            return
        words = self._unsecret(said(response)) if not response.ok else "it answered without a token"
        if response.status == 429:
            raise SourceUnreachable(f"Halo's limit of calls is reached: {words}", sent=False)
        if response.status >= 500:
            # Halo answers so for a tenant that it doesn't know as well (halo-api section 6).
            raise SourceUnreachable(f"Halo's login failed ({response.status}): {words or 'no reason given'}", sent=True)
        raise SourceLocked(f"Halo refuses the login: {words or response.status}. {_REMEDY}")

    def _unsecret(self, words: str) -> str:
        secret = self.settings.client_secret
        return words.replace(secret, "•••") if secret else words

    async def _send(self, method: str, url: str, headers: Mapping[str, str], **more: Any) -> Response:
        while True:
            try:
                return await self._once(method, url, headers, more)
            except Throttle as error:
                if self.urgent or method != "GET":
                    words = f"Halo's limit of calls is used up for another {max(1, round(error.seconds))} s"
                    raise SourceUnreachable(words, sent=False) from error
                await self._wait(error.seconds)

    async def _wait(self, seconds: float) -> None:
        """Let world time pass; a long read waits for its window rather than fail half-way."""
        until = self.context.now() + dt.timedelta(seconds=seconds)
        while self.context.now() < until:
            if self.context.cancelled():
                raise SourceUnreachable("Stopped while waiting for Halo's limit of calls", sent=False)
            await asyncio.sleep(0.25)

    async def _once(self, method: str, url: str, headers: Mapping[str, str], more: dict[str, Any]) -> Response:
        try:
            return await self.context.http.send(method, url, headers=headers, urgent=self.urgent, **more)
        except Throttle:
            raise
        except NotSent as error:
            raise SourceUnreachable(f"Halo can't be reached: {error}", sent=False) from error
        except NetError as error:
            raise SourceUnreachable(f"Halo didn't answer: {error}", sent=error.effect_possible) from error


async def gathered(client: HaloClient, path: str, key: str, params: Mapping[str, str], size: int) -> list[Row]:
    """A whole list by which a write is decided. Raises SourceRefused where it comes short: it proves no absence."""
    for _ in range(2):
        # Once more, because rows that were deleted meanwhile make a list short too.
        tally = Tally()
        rows = [row async for page in client.pages(path, key, params, size, tally) for row in page]
        if not tally.missing:
            return rows
    raise SourceRefused(f"Halo's list of {path} comes short ({tally.words()}), so nothing is done by it")


def _fresh(entries: Sequence[Any], seen: set[Any], tally: Tally) -> list[Row]:
    """The rows that weren't there before; entries that are no rows, or rows without an id, are counted."""
    fresh = []
    broken = 0
    for row in entries:
        id = integer(row, "id") if isinstance(row, dict) else None
        if id is None:
            broken += 1
        elif id not in seen:
            seen.add(id)
            fresh.append(row)
    # Where a list ignores paging the same ones come again.
    tally.broken = max(tally.broken, broken) if not fresh else tally.broken + broken
    return fresh


def _object(response: Response) -> Row:
    try:
        body = response.json() if response.ok else {}
    except BadAnswer:
        return {}
    return body if isinstance(body, dict) else {}


def _json(response: Response) -> Any:
    try:
        return response.json()
    except BadAnswer as error:
        raise SourceRefused(f"Halo's answer can't be read: {error.sentence}", status=response.status) from None


def _refuse(method: str, path: str, response: Response) -> NoReturn:
    words, status = said(response), response.status
    route = path.partition("/")[0]
    if status == 401:
        words = f"Halo doesn't let the application's agent do this to {route}; check the agent's permissions. {words}"
    elif status == 403:
        words = f"The application lacks the permission (scope) for {route}. {words}"
    elif status == 404:
        raise NotThere(words or f"Halo knows nothing at {path}", status=status)
    elif status == 429:
        raise SourceUnreachable(f"Halo's limit of calls is reached: {words}", sent=False)
    certain = method == "GET" or status < 500
    raise SourceRefused(words.strip() or f"Halo answered {status} without a reason", status=status, certain=certain)
