"""Mails that Xero was asked to send, kept so that none is asked for a second time unseen. Writes `mails`."""

import datetime as dt

import msgspec
from sqlalchemy import select

from xerotui.store import tables
from xerotui.store.keys import micros, moment
from xerotui.store.tx import Tx

_table = tables.mails
# States: asked before the call leaves, then sent or unknown; what Xero refused is forgotten.
ASKED, SENT, UNKNOWN = "asked", "sent", "unknown"


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """The last mail of one document; `request` is what asked for it, `at` when, in world time."""

    tenant: str
    xero_id: str
    request: str
    state: str
    actor: str
    at: dt.datetime


class Mails:
    """Which documents were mailed from here."""

    async def get(self, tx: Tx, tenant: str, xero_id: str) -> Mail | None:
        """The last mail of a document."""
        row = await tx.one(select(_table).where(_table.c.tenant == tenant, _table.c.xero_id == xero_id))
        if row is None:
            return None
        return Mail(
            tenant=row.tenant,
            xero_id=row.xero_id,
            request=row.request,
            state=row.state,
            actor=row.actor,
            at=moment(row.at),
        )

    async def put(self, tx: Tx, mail: Mail) -> None:
        """Note how a mail stands."""
        await tx.upsert(_table, [{**msgspec.structs.asdict(mail), "at": micros(mail.at)}])

    async def drop(self, tx: Tx, tenant: str, xero_id: str) -> None:
        """Forget a mail that surely never left."""
        await tx.run(_table.delete().where(_table.c.tenant == tenant, _table.c.xero_id == xero_id))
