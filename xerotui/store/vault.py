"""The vault: tokens and secrets as AES-256-GCM rows, and the key that is kept outside. Writes `vault`.

A name is bound to its box as associated data: a box moved to another name doesn't open.
"""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select

from xerotui.model.problems import SyncError
from xerotui.store import house_tables
from xerotui.store.tx import Tx

KEY_FILE = "vault.key"
KEY_FD = "XEROTUI_VAULT_KEY_FD"
_table = house_tables.vault
_BYTES = 32
_NONCE = 12
# Sealed when the vault is first written to: only the same key opens it again. No other name may be blank.
_SEAL = ""
_inherited: dict[int, bytes] = {}


class VaultKey:
    """32 bytes that never appear in a text of the program."""

    __slots__ = ("_bytes",)

    def __init__(self, key: bytes) -> None:
        if len(key) != _BYTES:
            raise SyncError(
                "The vault's key isn't 32 bytes of hexadecimal.",
                f"Restore {KEY_FILE} from a backup.",
                code="core.vault",
            )
        self._bytes = key

    def __repr__(self) -> str:
        return "VaultKey(…)"

    def hex(self) -> str:
        """The key as text, for the pipe to a process of one's own."""
        return self._bytes.hex()

    def raw(self) -> bytes:
        """The key itself."""
        return self._bytes

    @classmethod
    def load(cls, home: Path) -> "VaultKey":
        """The key of a home: from the pipe that XEROTUI_VAULT_KEY_FD names, else from its file (mode 0600), which
        is made at first start.

        Raises SyncError when others may read the file, or it holds no key.
        """
        if handle := os.environ.get(KEY_FD):
            return cls(_from_pipe(handle))
        path = home / KEY_FILE
        try:
            if not path.exists():
                _make(path)
            if path.stat().st_mode & 0o077:
                raise SyncError(
                    "The vault's key file can be read by others.", f"chmod 600 {KEY_FILE}", code="core.vault"
                )
            return cls(_unhex(path.read_text(errors="replace")))
        except OSError as error:
            raise SyncError(
                f"The vault's key can't be read: {error.strerror}.", "Check the workspace's rights.", code="core.vault"
            ) from error


def _unhex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.strip())
    except ValueError:
        return b""


def _from_pipe(text: str) -> bytes:
    """The key of an inherited pipe; it can be read but once, so that it is kept for a second asker."""
    handle = int(text) if text.isdigit() else -1
    if handle not in _inherited:
        read = b""
        try:
            while len(read) < 2 * _BYTES and (more := os.read(handle, 2 * _BYTES - len(read))):
                read += more
            os.close(handle)
        except OSError:
            read = b""
        _inherited[handle] = _unhex(read.decode(errors="replace"))
    return _inherited[handle]


def _make(path: Path) -> None:
    """Make a key file whole or not at all; of two starters the first one's key is kept."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(handle, secrets.token_hex(_BYTES).encode() + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


class Vault:
    """Secrets by name. Without a key it is locked: names can be listed, nothing read or written."""

    def __init__(self) -> None:
        self._key: VaultKey | None = None

    @property
    def locked(self) -> bool:
        """True without a key."""
        return self._key is None

    @property
    def key(self) -> VaultKey:
        """The key.

        Raises SyncError when the vault is locked.
        """
        if self._key is None:
            raise SyncError(
                "The vault is locked.", "Start with the vault's key: see `xerotui doctor`.", code="core.vault_locked"
            )
        return self._key

    async def unlock(self, tx: Tx, key: VaultKey) -> None:
        """Use a key from now on.

        Raises SyncError when the vault was written with another one.
        """
        seal = await tx.one(select(_table).where(_table.c.name == _SEAL))
        if seal is not None:
            _open(key, seal.name, seal.nonce, seal.box)
        self._key = key

    async def get(self, tx: Tx, name: str) -> str | None:
        """The secret of a name, None when there is none.

        Raises SyncError when the vault is locked, or the row was tampered with.
        """
        key = self.key
        row = await tx.one(select(_table).where(_table.c.name == _named(name)))
        return _open(key, name, row.nonce, row.box) if row else None

    async def put(self, tx: Tx, name: str, value: str) -> None:
        """Keep a secret, in place of an older one.

        Raises SyncError when the vault is locked, or was written with another key meanwhile.
        """
        key = self.key
        seal = await tx.one(select(_table).where(_table.c.name == _SEAL))
        if seal is not None:
            _open(key, seal.name, seal.nonce, seal.box)
        rows = [_row(key, _named(name), value, tx.now())]
        if seal is None:
            rows.append(_row(key, _SEAL, "", tx.now()))
        await tx.upsert(_table, rows)

    async def delete(self, tx: Tx, name: str) -> None:
        """Forget a secret."""
        await tx.run(_table.delete().where(_table.c.name == _named(name)))

    async def names(self, tx: Tx, prefix: str = "") -> Sequence[str]:
        """The names that begin so, in order."""
        query = select(_table.c.name).where(_table.c.name != _SEAL, _table.c.name.startswith(prefix, autoescape=True))
        # LIKE may overlook the case of letters.
        return [row.name for row in await tx.all(query.order_by(_table.c.name)) if row.name.startswith(prefix)]


def _named(name: str) -> str:
    if not name:
        raise ValueError("a secret needs a name")
    return name


def _row(key: VaultKey, name: str, value: str, now: int) -> dict[str, object]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    box = AESGCM(key.raw()).encrypt(nonce, value.encode(), name.encode())
    return {"name": name, "nonce": nonce, "box": box, "at": now}


def _open(key: VaultKey, name: str, nonce: bytes, box: bytes) -> str:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key.raw()).decrypt(nonce, box, name.encode()).decode()
    except InvalidTag:
        raise SyncError(
            "The vault was written with another key." if name == _SEAL else "A secret of the vault doesn't open.",
            f"Restore {KEY_FILE} from a backup, or connect everything again with a new vault.",
            code="core.vault",
        ) from None
