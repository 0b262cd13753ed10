"""New records of Xero that can't be created in a source but go to its own importer, as a file, and are waited for.

The file holds all that wait, of every organisation, so that it may be written again at any time. What was handed over
is linked like any other record once the source lists it: by account number, code or name.
"""

import asyncio
from collections.abc import Collection, Sequence
from weakref import WeakKeyDictionary

from xerotui.model import records
from xerotui.model.kinds import Kind, Side
from xerotui.model.records import Record
from xerotui.model.work import DONE, OPEN, Operation, Plan, PlanKind, Verb
from xerotui.source.contract import Source, SourceLocked, SourceRefused, SourceUnreachable
from xerotui.source.guard import plain
from xerotui.sync import import_taxes, importing
from xerotui.sync import pair as pairs
from xerotui.sync.outcomes import Done, Outcome
from xerotui.sync.pair import PairData
from xerotui.sync.ports import Ports

# Operations in one call: each call writes the whole file.
BATCH = 50
# Of a source one file is written at a time: what was gathered first is never written last.
_LOCKS: WeakKeyDictionary[Source, asyncio.Lock] = WeakKeyDictionary()


async def handed(ports: Ports, connection: str, tenant: str, kind: Kind) -> dict[str, str]:
    """What was handed over of a kind of one organisation: the name of the file by Xero's id, tax type for rates."""
    async with ports.ledger.read() as tx:
        work = ports.ledger.work
        done = await work.find(
            tx, connection=connection, tenant=tenant, kind=kind, side=Side.SOURCE, verb=Verb.HAND_OVER, states=DONE
        )
        said = await work.results(tx, [o.id for o in done])
    return {said[o.id].xero_id: said[o.id].number for o in done if o.id in said}


def new(data: PairData, kind: Kind) -> list[tuple[str, Record]]:
    """What an organisation has of a kind and the source hasn't, by Xero's id, as the source would get it."""
    if kind is Kind.TAX_RATE:
        rates = import_taxes.offered(data)
        return [(r.code, import_taxes.as_source_rate(data, r)) for r in rates if import_taxes.known(data, r) is None]
    return [(held.id, importing.as_source_record(data, kind, held)) for held in importing.unknown(data, kind)]


def waiting(data: PairData, kind: Kind, given: Collection[str]) -> list[tuple[str, Record]]:
    """Of what was handed over what the source doesn't have yet; what Xero no longer offers is left out."""
    return [(id, record) for id, record in new(data, kind) if id in given] if given else []


class Hander:
    """Hands over for one source connection."""

    def __init__(self, ports: Ports, connection: str) -> None:
        self.ports = ports
        self.connection = connection

    async def send(self, source: Source, operations: Sequence[Operation]) -> Outcome:
        """Write the whole file with these in it; raises what the source raises."""
        where = await self.write(source, operations[0].kind, operations)
        return Outcome(done=[Done(o, o.target, where) for o in operations], status=200)

    async def write(self, source: Source, kind: Kind, operations: Sequence[Operation] = ()) -> str:
        """Let the file of a kind hold what waits now; its name."""
        async with _LOCKS.setdefault(source, asyncio.Lock()):
            return plain(await source.hand_over(kind, await self.whole(kind, operations)), 200)

    async def whole(self, kind: Kind, operations: Sequence[Operation]) -> list[Record]:
        """All that waits to be taken over: what was handed over before, and all that is approved, as it was approved.

        By name, so that two files of the same records are the same.
        """
        found: dict[tuple[str, str], Record] = {}
        for pair in (await self.ports.book.read()).pairs(self.connection):
            given = await handed(self.ports, self.connection, pair.tenant, kind)
            if given:
                data = await pairs.load(self.ports, self.connection, pair.tenant)
                found |= {(pair.tenant, id): record for id, record in waiting(data, kind, given)}
        async with self.ports.ledger.read() as tx:
            approved = await self.ports.ledger.work.find(
                tx, connection=self.connection, kind=kind, side=Side.SOURCE, verb=Verb.HAND_OVER, states=OPEN
            )
        found |= {(o.tenant, o.target): records.decode(o.body) for o in (*approved, *operations)}
        return [found[key] for key in sorted(found, key=lambda key: (found[key].name.casefold(), key))]


async def tidy(ports: Ports, plan: Plan) -> None:
    """After an import that handed nothing over: what came back meanwhile leaves the file, lest it be taken twice."""
    kind = plan.options.get("kind", "")
    if plan.kind is not PlanKind.IMPORT or plan.options.get("numbers") or kind not in set(Kind):
        return
    async with ports.ledger.read() as tx:
        done = await ports.ledger.work.find(
            tx, connection=plan.connection, kind=Kind(kind), verb=Verb.HAND_OVER, states=DONE
        )
    if not done or any(o.plan == plan.id for o in done):
        return
    source = await ports.source(plan.connection)
    try:
        if source.can.hands_over(Kind(kind)):
            await Hander(ports, plan.connection).write(source, Kind(kind))
    except (SourceRefused, SourceUnreachable, SourceLocked) as error:
        # The next file says the same.
        ports.log.warning("what came back is still in the importer's file", kind=kind, reason=str(error))


__all__ = ["BATCH", "Hander", "handed", "new", "tidy", "waiting"]
