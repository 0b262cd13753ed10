"""Keeping a connection's tokens alive: one refresher at a time over all processes, nothing used before it is stored.

One token set serves every organisation of a login, and refreshing it makes the old refresh token lapse half an hour
later (xero-api sections 0 and 1.3); hence the lease, the fence, and the memory of the previous one.
"""

import asyncio
import datetime as dt
import random
from collections.abc import Callable
from typing import Protocol, TypeGuard

import msgspec

from xerotui.net.clock import Clock
from xerotui.net.http import NetError
from xerotui.net.oauth import Grants, OAuthError, TokenSet
from xerotui.xero.errors import Busy, Paused

EARLY = 180.0
GRACE = dt.timedelta(minutes=30)
LEASE_SECONDS = 90.0
# Machine seconds that a process waits for another one's refresh.
WAIT_SECONDS = 45.0
TRIES = 2
# Machine seconds between two looks at whether another process's refresh is over.
SHORTEST, LONGEST = 0.02, 0.4
# World time for which an early renewal that failed isn't tried again.
REST = dt.timedelta(seconds=20)
# The refusals after which asking again is pointless (xero-api section 1.3). Any other may pass by itself, or be the
# answer of something in between: it pauses nothing.
DEAD = ("invalid_grant", "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope")
CONNECT = "Connect again: a person has to log in."
# A login without a refresh token, because offline_access wasn't granted (xero-api section 1.4).
SPENT = "The sign-in has ended: without the permission offline_access nothing renews it."
ALLOW = "Connect again with that permission: leave the scopes blank."


# How long a refresh token lives unless it is used (xero-api section 1.3), and when to say that the end comes near.
REFRESH_LIFE = dt.timedelta(days=60)
WARN = dt.timedelta(days=14)


class StoredTokens(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the vault keeps for a connection; `paused` says in words why its login is dead, `remedy` what to do."""

    current: TokenSet
    previous_refresh: str = ""
    # When the refresh token was got, by login or renewal.
    rotated_at: dt.datetime | None = None
    paused: str = ""
    remedy: str = ""
    paused_at: dt.datetime | None = None

    @property
    def renews(self) -> bool:
        """Whether the login can be renewed; else it ends with its access token."""
        return bool(self.current.refresh_token)

    @property
    def born(self) -> dt.datetime:
        """When the refresh token was got: its life counts from there."""
        return self.rotated_at or self.current.expires_at - GRACE

    def __repr__(self) -> str:
        return f"StoredTokens({self.current!r}, paused={self.paused!r})"


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """How a connection's login stands, without any of its secrets; instants in world time.

    `state` is connected, expiring (under two weeks are left), paused (a person has to log in again: `why` and
    `remedy` say so), none (never logged in) or app (custom connections: no refresh token, nothing can expire).
    One that nothing `renews` ends with its access token.
    """

    connection: str
    state: str
    scopes: str = ""
    refreshed: dt.datetime | None = None
    access_until: dt.datetime | None = None
    dies: dt.datetime | None = None
    days_left: int | None = None
    renews: bool = True
    paused_at: dt.datetime | None = None
    why: str = ""
    remedy: str = ""


def login_of(connection: str, stored: StoredTokens | None, now: dt.datetime) -> Login:
    """How the login of stored tokens stands at a world instant."""
    if stored is None:
        return Login(connection=connection, state="none", why="Nobody has logged in.", remedy=CONNECT)
    dies = stored.born + REFRESH_LIFE if stored.renews else stored.current.expires_at
    left = dies - now
    why, remedy = stored.paused, stored.remedy or CONNECT
    if not why and left <= dt.timedelta() and not stored.renews:
        why, remedy = SPENT, ALLOW
    elif not why and left <= dt.timedelta():
        why = f"The login has expired: it wasn't used for {REFRESH_LIFE.days} days."
    return Login(
        connection=connection,
        state="paused" if why else "expiring" if left < WARN else "connected",
        scopes=stored.current.scope,
        refreshed=stored.born,
        access_until=stored.current.expires_at,
        dies=dies,
        days_left=0 if why else max(0, left.days),
        renews=stored.renews,
        paused_at=stored.paused_at,
        why=why,
        remedy=remedy if why else "",
    )


# Whether what another process has stored meanwhile is what a renewal was wanted for.
Done = Callable[[StoredTokens], bool]


class LeaseLost(Exception):
    """Raised by a TokenStore when the fence is no longer the newest: somebody else refreshes."""


class TokenStore(Protocol):
    """Where tokens last and how the right to refresh them is lent; machine time for leases."""

    async def load(self, connection: str) -> StoredTokens | None:
        """The tokens as last stored by any process."""
        ...

    async def store(self, connection: str, tokens: StoredTokens, fence: int) -> None:
        """Store them durably under the fence. Raises LeaseLost when a newer fence was lent."""
        ...

    async def lease(self, connection: str, seconds: float) -> int | None:
        """The right to refresh with its growing fence, or None while another one holds it."""
        ...

    async def release(self, connection: str, fence: int) -> None:
        """Give the right back; nothing happens when it was lost."""
        ...


class TokenProvider(Protocol):
    """What a client needs: an access token. `refused` is one that Xero has just answered 401 to."""

    async def access(self, *, refused: str = "") -> str: ...


class TokenKeeper:
    """The access tokens of one connection with a refresh token. Within a process there should be one of it.

    Raises Paused when the login is dead, Busy when another process refreshes for too long, and the client's NetError
    or OAuthError when the identity service can't be reached and the present token is past its end.
    """

    def __init__(self, connection: str, store: TokenStore, grants: Grants, clock: Clock) -> None:
        self.connection = connection
        self._store = store
        self._grants = grants
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known: TokenSet | None = None
        self._renewing: set[asyncio.Task[TokenSet]] = set()
        # After a renewal that failed early: until then the present token is used to its end.
        self._rests_until: dt.datetime | None = None

    async def access(self, *, refused: str = "") -> str:
        """An access token with at least three minutes to live, other than `refused`."""
        if self._usable(self._known, refused):
            return self._known.access_token
        async with self._lock:
            known = self._known
            if not self._usable(known, refused):
                self._known = known = await self._renew(refused)
            return known.access_token

    async def keep(self, age: dt.timedelta) -> bool:
        """Renew a login that nobody has renewed for `age` of world time; False when it needn't or can't be."""
        async with self._lock:
            stored = await self._stored()
            if not stored.renews or self._younger(stored, age):
                return False
            self._known = await self._alone(lambda stored: self._younger(stored, age))
            return True

    async def begin(self, tokens: TokenSet) -> None:
        """Store the tokens of a new login, which ends a pause."""
        async with self._lock:
            fence = await self._lease()
            assert fence is not None
            try:
                new = StoredTokens(current=tokens, rotated_at=self._clock.now())
                await self._store.store(self.connection, new, fence)
            finally:
                await self._store.release(self.connection, fence)
            self._known = tokens

    async def revoke(self) -> None:
        """Withdraw the login at Xero; forgetting what is stored is the caller's part."""
        async with self._lock:
            stored = await self._store.load(self.connection)
            self._known = None
            if stored and stored.current.refresh_token:
                await self._grants.revoke(stored.current.refresh_token)

    def _usable(self, tokens: TokenSet | None, refused: str) -> TypeGuard[TokenSet]:
        now = self._clock.now()
        early = 0.0 if self._rests_until is not None and now < self._rests_until else EARLY
        return tokens is not None and tokens.access_token != refused and tokens.fresh(now, early)

    def _younger(self, stored: StoredTokens, age: dt.timedelta) -> bool:
        return self._clock.now() - stored.born < age

    async def _lease(self, done: Done | None = None) -> int | None:
        """The right to refresh; None when meanwhile somebody else has refreshed as `done` asks for.

        Raises Busy when it isn't to be had.
        """
        patience = asyncio.get_running_loop().time() + WAIT_SECONDS
        pause = SHORTEST
        while (fence := await self._store.lease(self.connection, LEASE_SECONDS)) is None:
            if asyncio.get_running_loop().time() > patience:
                raise Busy("Another process is renewing this login.", "Try again in a minute.", code="xero.busy")
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 1.5, LONGEST)
            # Looking costs others nothing, asking for the lease does.
            if done is not None and done(await self._stored()):
                return None
        return fence

    async def _stored(self) -> StoredTokens:
        stored = await self._store.load(self.connection)
        if stored is None:
            raise Paused("This connection isn't logged in.", "Connect it.", code="xero.login", exit_code=3)
        if stored.paused:
            raise Paused(stored.paused, stored.remedy or CONNECT, code="xero.login", exit_code=3)
        return stored

    async def _renew(self, refused: str) -> TokenSet:
        stored = await self._stored()
        if self._usable(stored.current, refused):
            return stored.current
        if not stored.renews and stored.current.access_token != refused and stored.current.fresh(self._clock.now()):
            return stored.current
        try:
            return await self._alone(lambda later: self._usable(later.current, refused))
        except (NetError, OAuthError, Busy):
            # Renewal is early: where it fails for a while, the present token is good until its end.
            now = self._clock.now()
            if stored.current.access_token != refused and stored.current.fresh(now):
                self._rests_until = now + REST
                return stored.current
            raise

    async def _alone(self, done: Done) -> TokenSet:
        """Renew under the lease, unless somebody else has just done so.

        Whoever is cancelled meanwhile doesn't take the renewal with them: its answer would be lost.
        """
        task = asyncio.create_task(self._leased(done))
        self._renewing.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[TokenSet]) -> None:
        self._renewing.discard(task)
        if not task.cancelled():
            # Heard here as well, for where nobody waits for it any more.
            task.exception()

    async def _leased(self, done: Done) -> TokenSet:
        fence = await self._lease(done)
        if fence is None:
            return (await self._stored()).current
        try:
            # Another process may have been first while we waited for the lease.
            stored = await self._stored()
            if done(stored):
                return stored.current
            return await self._rotate(stored, fence)
        except LeaseLost:
            later = await self._stored()
            if done(later):
                return later.current
            raise Busy("Another process is renewing this login.", "Try again.", code="xero.busy") from None
        finally:
            await self._store.release(self.connection, fence)

    async def _rotate(self, stored: StoredTokens, fence: int) -> TokenSet:
        """Renew with the refresh token; where that is dead, once with the one before it, inside its grace.

        What comes is stored before it is handed out.
        """
        if not stored.renews:
            raise Paused(SPENT, ALLOW, code="xero.login", exit_code=3)
        now = self._clock.now()
        candidates = [stored.current.refresh_token]
        if stored.previous_refresh and stored.rotated_at and now - stored.rotated_at < GRACE:
            candidates.append(stored.previous_refresh)
        for token in candidates:
            try:
                tokens = await self._ask(token)
            except OAuthError as error:
                if error.code == "invalid_grant" and token != candidates[-1]:
                    continue
                if error.code in DEAD:
                    await self._pause(stored, fence, error)
                raise
            tokens = _completed(tokens, stored.current)
            new = StoredTokens(current=tokens, previous_refresh=token, rotated_at=now)
            await self._store.store(self.connection, new, fence)
            return tokens
        raise AssertionError("no candidate left without an error")

    async def _ask(self, refresh_token: str) -> TokenSet:
        """Refresh; a lost answer is asked for again, which the grace of the old token allows."""
        for left in reversed(range(TRIES)):
            try:
                return await self._grants.refresh(refresh_token)
            except NetError:
                if not left:
                    raise
            except OAuthError as error:
                if error.terminal or not left:
                    raise
            await asyncio.sleep(random.uniform(0.2, 1.0))
        raise AssertionError("the last try returns or raises")

    async def _pause(self, stored: StoredTokens, fence: int, error: OAuthError) -> None:
        """Note that the login is dead, so that no process asks again, and say so."""
        dead = msgspec.structs.replace(stored, paused=error.sentence, remedy=error.remedy, paused_at=self._clock.now())
        await self._store.store(self.connection, dead, fence)
        raise Paused(
            error.sentence, error.remedy, code="xero.login", exit_code=3, said=error.said or error.code
        ) from None


def _completed(tokens: TokenSet, before: TokenSet) -> TokenSet:
    """A renewal may leave out what it doesn't change: the scopes, and who logged in."""
    return msgspec.structs.replace(
        tokens, scope=tokens.scope or before.scope, id_token=tokens.id_token or before.id_token
    )


class AppTokens:
    """The access tokens of a custom connection: no refresh token, so another one is simply asked for.

    Raises Paused, and stays so, when the app itself is refused.
    """

    def __init__(self, grants: Grants, clock: Clock) -> None:
        self._grants = grants
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known: TokenSet | None = None
        self._dead: Paused | None = None

    async def access(self, *, refused: str = "") -> str:
        """An access token with at least three minutes to live, other than `refused`."""
        async with self._lock:
            if self._dead:
                raise self._dead
            known = self._known
            if known is None or known.access_token == refused or not known.fresh(self._clock.now(), EARLY):
                self._known = known = await self._ask()
            return known.access_token

    async def _ask(self) -> TokenSet:
        try:
            return await self._grants.client_credentials()
        except OAuthError as error:
            if error.code in DEAD:
                self._dead = Paused(
                    error.sentence, error.remedy, code="xero.login", exit_code=3, said=error.said or error.code
                )
                raise self._dead from None
            raise
