"""What lasts: the book (TinyDB), the ledger (SQL), the vault. Names alone; libraries load with their first use."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xerotui.store.backs import Apart, Taken
    from xerotui.store.book import Book
    from xerotui.store.db import Db, mappings
    from xerotui.store.departures import Departure
    from xerotui.store.documents import (
        Ceilings,
        Mapping,
        Native,
        Pair,
        SourceConnection,
        TenantDoc,
        Tick,
        XeroConnectionDoc,
    )
    from xerotui.store.errors import BookMoved, DuplicateWork, Fenced, IllegalMove, LinkTaken
    from xerotui.store.identity import Fence, WorkerIdentity, gone, me
    from xerotui.store.inbox import Hint
    from xerotui.store.keys import name_key
    from xerotui.store.ledger import Ledger
    from xerotui.store.mails import Mail
    from xerotui.store.overrides import Chosen, Override
    from xerotui.store.plans import BlockedRow
    from xerotui.store.problems import CauseRow
    from xerotui.store.tx import Tx
    from xerotui.store.usage import Used
    from xerotui.store.vault import VaultKey

__all__ = [
    "Apart",
    "BlockedRow",
    "Book",
    "BookMoved",
    "CauseRow",
    "Ceilings",
    "Chosen",
    "Db",
    "Departure",
    "DuplicateWork",
    "Fence",
    "Fenced",
    "Hint",
    "IllegalMove",
    "Ledger",
    "LinkTaken",
    "Mail",
    "Mapping",
    "Native",
    "Override",
    "Pair",
    "SourceConnection",
    "Taken",
    "TenantDoc",
    "Tick",
    "Tx",
    "Used",
    "VaultKey",
    "WorkerIdentity",
    "XeroConnectionDoc",
    "gone",
    "mappings",
    "me",
    "name_key",
]

_HOME = {
    "Apart": "backs",
    "BlockedRow": "plans",
    "CauseRow": "problems",
    "Book": "book",
    "BookMoved": "errors",
    "Ceilings": "documents",
    "Db": "db",
    "Departure": "departures",
    "Mapping": "documents",
    "Native": "documents",
    "Pair": "documents",
    "SourceConnection": "documents",
    "TenantDoc": "documents",
    "Tick": "documents",
    "XeroConnectionDoc": "documents",
    "mappings": "db",
    "DuplicateWork": "errors",
    "Fence": "identity",
    "Fenced": "errors",
    "Hint": "inbox",
    "IllegalMove": "errors",
    "Ledger": "ledger",
    "Mail": "mails",
    "Chosen": "overrides",
    "Override": "overrides",
    "LinkTaken": "errors",
    "Taken": "backs",
    "Tx": "tx",
    "Used": "usage",
    "VaultKey": "vault",
    "WorkerIdentity": "identity",
    "gone": "identity",
    "me": "identity",
    "name_key": "keys",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"xerotui.store.{_HOME[name]}"), name)
