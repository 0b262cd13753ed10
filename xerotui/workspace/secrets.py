"""Secrets and tokens over the vault: what the rooms that don't know the store are lent."""

import os

import msgspec

from xerotui.model.problems import SyncError
from xerotui.store import Fenced, Ledger, Tx, VaultKey, me
from xerotui.store.vault import KEY_FD, KEY_FILE
from xerotui.workspace.home import Home
from xerotui.xero.tokens import LeaseLost, StoredTokens


def secret_name(owner: str, name: str) -> str:
    """The vault's name of one secret; `owner` is `xero/<connection>` or `source/<connection>`."""
    return f"{owner}/{name}"


async def vault_key(home: Home, ledger: Ledger, tx: Tx) -> VaultKey:
    """The key of a home's vault; made at the first start, and never beside a vault that was sealed with another one.

    Raises SyncError when it is missing or can't be used.
    """
    lent = os.environ.get(KEY_FD, "")
    if not lent and not (home.root / KEY_FILE).exists() and (names := await ledger.vault.names(tx)):
        raise SyncError(
            f"The vault's key is missing: there is no {KEY_FILE}, and {len(names)} secrets are sealed with it",
            f"Put {KEY_FILE} back from a backup. Without it, move {home.root} away and connect everything anew.",
            code="core.vault",
        )
    return VaultKey.load(home.root)


class Vaulted:
    """Texts by name in the vault, and the token store of the Xero room over it (see `xerotui.xero.tokens`)."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def get(self, name: str) -> str:
        """The text of a name, blank when there is none."""
        async with self._ledger.read() as tx:
            return await self._ledger.vault.get(tx, name) or ""

    async def put(self, name: str, value: str) -> None:
        """Keep a text durably."""
        async with self._ledger.write() as tx:
            await self._ledger.vault.put(tx, name, value)

    async def drop(self, prefix: str) -> None:
        """Forget every name that begins with the prefix."""
        async with self._ledger.write() as tx:
            for name in await self._ledger.vault.names(tx, prefix):
                await self._ledger.vault.delete(tx, name)

    async def load(self, connection: str) -> StoredTokens | None:
        """The tokens of a Xero connection as last stored by any process."""
        text = await self.get(_tokens(connection))
        return msgspec.json.decode(text, type=StoredTokens) if text else None

    async def store(self, connection: str, tokens: StoredTokens, fence: int) -> None:
        """Store tokens under the fence of a lease, in one transaction with its check.

        Raises LeaseLost when a newer fence was lent.
        """
        async with self._ledger.write() as tx:
            try:
                await self._ledger.leases.check(tx, _tokens(connection), fence)
            except Fenced:
                raise LeaseLost from None
            await self._ledger.vault.put(tx, _tokens(connection), msgspec.json.encode(tokens).decode())

    async def lease(self, connection: str, seconds: float) -> int | None:
        """The right to refresh, or None while another process holds it."""
        async with self._ledger.write() as tx:
            return await self._ledger.leases.take(tx, _tokens(connection), me(), seconds)

    async def release(self, connection: str, fence: int) -> None:
        """Give the right back."""
        async with self._ledger.write() as tx:
            await self._ledger.leases.release(tx, _tokens(connection), fence)


class ConnectionSecrets:
    """The secrets of one source connection, as its plugin is lent them."""

    def __init__(self, vault: Vaulted, owner: str) -> None:
        self._vault = vault
        self._owner = owner

    async def get(self, name: str) -> str:
        """A secret, blank when there is none."""
        return await self._vault.get(secret_name(self._owner, name))

    async def put(self, name: str, value: str) -> None:
        """Keep a secret durably."""
        await self._vault.put(secret_name(self._owner, name), value)


def _tokens(connection: str) -> str:
    return f"xero/{connection}/tokens"
