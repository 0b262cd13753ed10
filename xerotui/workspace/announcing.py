"""A message after each record that was synced, for the pairs that ask for it (H20), and what waits for a default
organisation (H23)."""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Sequence

import msgspec

from xerotui.model.kinds import PARTIES, Kind, Side
from xerotui.model.records import Party
from xerotui.model.work import DONE, Operation, Verb
from xerotui.workspace.policies import Policies

# More than these at once are said as counts.
SINGLY = 5
# How far back one look goes at most.
MOST = 500
_DID = {
    Verb.CREATE: "created",
    Verb.UPDATE: "updated",
    Verb.ATTACH: "linked",
    Verb.ARCHIVE: "archived",
    Verb.VOID: "voided",
    Verb.DELETE: "deleted",
    Verb.ALLOCATE: "allocated",
}


class Synced(msgspec.Struct, frozen=True):
    """Records that were synced: their operations' ids, and what is said of them, a sentence a line."""

    ids: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


class Announcing(Policies):
    """News of single records."""

    def world_now(self) -> dt.datetime:
        """The world's time: what `synced` counts from."""
        return self.wiring.clock.now()

    async def synced(self, since: dt.datetime, seen: Collection[str] = (), plan: str = "") -> Synced:
        """What was synced since an instant of world time and isn't among `seen`, of the pairs that announce.

        Many at once are counted by kind, verb and organisation.
        """
        db = await self.wiring.book.read()
        wanted = {(pair.source, pair.tenant) for pair in db.all_pairs() if pair.announce}
        if not wanted:
            return Synced()
        async with self.wiring.ledger.read() as tx:
            found = await self.wiring.ledger.work.find(
                tx, plan=plan or None, side=Side.XERO, states=DONE, limit=MOST, order="updated"
            )
        fresh = [
            o
            for o in reversed(found)
            if (o.connection, o.tenant) in wanted and o.id not in seen and (o.updated is None or o.updated >= since)
        ]
        names = {document.tenant: document.name for document in db.tenants()}
        return Synced(tuple(o.id for o in fresh), tuple(_lines(fresh, names)))

    async def unassigned(self) -> dict[str, str]:
        """What of each source isn't synced because it names no organisation and none is the default, in words.

        Sources with a default organisation, and those where nothing waits for one, are left out.
        """
        db = await self.wiring.book.read()
        found: dict[str, str] = {}
        for source in db.sources():
            if not db.pairs(source.id) or any(pair.default_tenant for pair in db.pairs(source.id)):
                continue
            numbers = await self._without(source.id)
            if numbers:
                said = ", ".join(f"{n} {kind.label if n == 1 else kind.plural}" for kind, n in numbers.items())
                found[source.id] = f"no default organisation: {said} that name none aren't synced"
        return found

    async def _without(self, connection: str) -> dict[Kind, int]:
        numbers: Counter[Kind] = Counter()
        async with self.wiring.ledger.read() as tx:
            for kind in PARTIES:
                for party in await self.wiring.ledger.snapshots.all(tx, Side.SOURCE, connection, kind):
                    if isinstance(party, Party) and not (party.tenant or party.excluded) and party.active:
                        numbers[kind] += 1
            for problem in await self.wiring.ledger.problems.open(tx, connection=connection, tenant=""):
                if problem.code == "core.tenant_missing":
                    numbers[problem.record.kind] += 1
        return dict(numbers)


def _lines(operations: Sequence[Operation], names: dict[str, str]) -> list[str]:
    if len(operations) <= SINGLY:
        return [f"{o.kind.label.capitalize()} {o.title} {_did(o.verb, o.tenant, names)}." for o in operations]
    groups = Counter((o.kind, o.verb, o.tenant) for o in operations)
    return [
        f"{n:,} {kind.label if n == 1 else kind.plural} {_did(verb, tenant, names)}."
        for (kind, verb, tenant), n in groups.items()
    ]


def _did(verb: Verb, tenant: str, names: dict[str, str]) -> str:
    return f"{_DID.get(verb, verb.value)} in {names.get(tenant, tenant)}"
