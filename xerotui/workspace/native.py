"""A source's own sync with Xero: where it is on, and a person's word to write beside it (B15)."""

import datetime as dt

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.problems import SyncError
from xerotui.sync import native
from xerotui.workspace.base import REFUSED
from xerotui.workspace.policies import Policies


class NativeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A pair whose source syncs these kinds by itself; `reason`, `actor` and `at` of the word that holds for them."""

    source: str
    source_name: str
    tenant: str
    tenant_name: str
    kinds: tuple[Kind, ...]
    confirmed: bool = False
    reason: str = ""
    actor: str = ""
    at: dt.datetime | None = None


class NativeSync(Policies):
    """Confirming that there are two writers."""

    async def native(self, source: str = "", tenant: str = "") -> tuple[NativeRow, ...]:
        """Where a source's own sync is on, as it was read last."""
        db = await self.wiring.book.read()
        rows: list[NativeRow] = []
        async with self.wiring.ledger.read() as tx:
            for document in db.sources():
                mine = await native.guarded(self.wiring.ports(), tx, db, document.id)
                for one in mine.values():
                    if source not in ("", one.source) or tenant not in ("", one.tenant):
                        continue
                    known = db.tenant(one.tenant)
                    word = one.confirmed
                    rows.append(
                        NativeRow(
                            source=one.source,
                            source_name=document.name,
                            tenant=one.tenant,
                            tenant_name=known.name if known and known.name else one.tenant,
                            kinds=one.kinds,
                            confirmed=word is not None,
                            reason=word.reason if word else "",
                            actor=word.actor if word else "",
                            at=word.at if word else None,
                        )
                    )
        return tuple(sorted(rows, key=lambda row: (row.source_name.casefold(), row.tenant_name.casefold())))

    async def confirm_native(self, source: str, tenant: str, reason: str) -> NativeRow:
        """Take two writers upon oneself, for the kinds that the source's own sync writes now.

        Raises SyncError where it is off, without a reason, and where this person only reads.
        """
        self.gate("native.confirm")
        now = self.wiring.clock.now()
        await native.confirm(self.wiring.ports(), source, tenant, self.actor, reason, now)
        found = await self.native(source, tenant)
        if not found:
            raise SyncError("The source's own sync was switched off meanwhile", exit_code=REFUSED)
        return found[0]
