"""The Imports screen: the sizes of the piles, what an unclear record could be linked to, the groups of new items."""

from xerotui.model.kinds import PARTIES, Kind, Side
from xerotui.model.moves import Move
from xerotui.model.problems import SyncError
from xerotui.model.records import Choice, Item, Party
from xerotui.source.contract import Abilities
from xerotui.source.guard import PluginFault
from xerotui.sync import handing, import_taxes, importing, moving, pair
from xerotui.sync.import_plans import KINDS
from xerotui.workspace.base import REFUSED
from xerotui.workspace.duplicates import Duplicates
from xerotui.workspace.pages import ImportRow, TargetRow

MOST = 200


class Imports(Duplicates):
    """Bringing tax rates, customers, suppliers and items from Xero."""

    _counted: dict[tuple[str, str], tuple[tuple[int, ...], tuple[ImportRow, ...]]]

    async def imports(self) -> tuple[ImportRow, ...]:
        """The piles of every pair and kind; counted again only when something of it changed."""
        if not hasattr(self, "_counted"):
            self._counted = {}
        changes = await self.changes()
        mark = tuple(changes.get(topic, 0) for topic in ("snapshots", "links", "book"))
        db = await self.wiring.book.read()
        rows: list[ImportRow] = []
        for source in db.sources():
            for policy in db.pairs(source.id):
                key = (source.id, policy.tenant)
                held = self._counted.get(key)
                if held is None or held[0] != mark:
                    document = db.tenant(policy.tenant)
                    name = document.name if document else policy.tenant
                    held = self._counted[key] = (mark, await self._piles(source.id, source.source, policy.tenant, name))
                rows += held[1]
        return tuple(rows)

    async def _piles(self, connection: str, source: str, tenant: str, name: str) -> tuple[ImportRow, ...]:
        reason = ""
        kinds: tuple[Kind, ...] = KINDS
        try:
            type_ = self.wiring.registry.source_type(source)
            kinds = tuple(k for k in KINDS if k in type_.kinds)
            can = await self.wiring.abilities(connection)
            if not any(can.creates(kind) or can.hands_over(kind) for kind in kinds):
                reason = can.closed or f"{type_.title} can't take records from outside"
        except PluginFault as fault:
            reason, can = fault.sentence, Abilities()
        except SyncError as error:
            reason, can = error.sentence, Abilities()
        try:
            data = await pair.load(self.wiring.ports(), connection, tenant)
        except SyncError as error:
            reason, data = reason or error.sentence, None
        rows = []
        for kind in kinds:
            piles = _sizes(data, kind)
            by_file = can.hands_over(kind)
            why = reason or ("" if can.creates(kind) or by_file else f"{kind.plural} can't be created there")
            handed, handed_in = await self._handed(data, kind) if by_file else (0, "")
            rows.append(
                ImportRow(
                    connection=connection,
                    tenant=tenant,
                    tenant_name=name,
                    kind=kind,
                    in_xero=piles.in_xero,
                    linked=piles.linked,
                    exact=piles.exact,
                    unclear=piles.unclear,
                    new=piles.new,
                    supported=not why,
                    reason=why,
                    by_file=by_file,
                    handed=handed,
                    handed_in=handed_in,
                )
            )
        return tuple(rows)

    async def _handed(self, data: "pair.PairData | None", kind: Kind) -> tuple[int, str]:
        """How many new records wait to be taken over by the source's importer, and the file in which they lie."""
        if data is None:
            return 0, ""
        given = await handing.handed(self.wiring.ports(), data.connection, data.tenant, kind)
        waiting = handing.waiting(data, kind, given)
        return len(waiting), next((given[id] for id, _ in reversed(waiting)), "")

    async def item_groups(self, connection: str) -> tuple[tuple[str, str], ...]:
        """Id and name of the groups that new items of a connection can be put into; empty where there are none."""
        try:
            spec = (await self.wiring.abilities(connection)).item_groups
        except SyncError:
            spec = ""
        if not spec:
            return ()
        async with self.wiring.ledger.read() as tx:
            found = await self.wiring.ledger.snapshots.all(tx, Side.SOURCE, connection, Kind.CHOICE)
        groups = [(c.id.removeprefix(f"{spec}:"), c.name) for c in found if isinstance(c, Choice) and c.spec == spec]
        return tuple(sorted(groups, key=lambda group: group[1].casefold()))

    async def linked(self, connection: str, tenant: str, kind: Kind) -> tuple[TargetRow, ...]:
        """The linked records of a kind, by name; `detail` names the contact in Xero."""
        data = await pair.load(self.wiring.ports(), connection, tenant)
        found = []
        for (of, id), link in data.links.items():
            party = data.parties.get((of, id)) if of is kind else None
            if party is not None:
                held = data.contacts.by_id.get(link.xero_id)
                found.append(TargetRow(id=id, title=party.name, detail=held.name if held else link.xero_id))
        return tuple(sorted(found, key=lambda row: row.title.casefold()))

    async def moved(self, connection: str, kind: Kind, record: str, tenant: str, to: str) -> Move:
        """What moving the link of a record would do; nothing is written. `record` is an id, a number or a name.

        Raises SyncError when the record isn't linked there, or for a target that nobody knows.
        """
        data = await pair.load(self.wiring.ports(), connection, tenant)
        word = record.strip().casefold()
        mine = [p for (of, id), p in data.parties.items() if of is kind and (of, id) in data.links]
        hits = [p for p in mine if p.id == record] or [
            p for p in mine if word in (p.number.casefold(), p.name.casefold())
        ]
        if len(hits) != 1:
            raise SyncError(
                f"{'Several' if hits else 'No'} linked {kind.plural} there are called {record[:60]}",
                "Name it by its id at the source: xerotui why NAME.",
                code="core.record",
                exit_code=REFUSED,
            )
        return await moving.preview(self.wiring.ports(), connection, kind, hits[0].id, tenant, to)

    async def candidates(self, connection: str, tenant: str, kind: Kind, record_or_xero: str) -> tuple[TargetRow, ...]:
        """What a record can be linked to: Xero records for a source record, source records for a Xero one.

        A Xero record is named `xero:<id>`. Likely ones come first; those that are linked already are greyed.
        """
        data = await pair.load(self.wiring.ports(), connection, tenant)
        xero_id = record_or_xero.removeprefix("xero:")
        if xero_id != record_or_xero or xero_id in data.contacts.by_id:
            return _sources(data, kind, xero_id)
        record = data.items.get(record_or_xero) if kind is Kind.ITEM else data.parties.get((kind, record_or_xero))
        if record is None:
            raise SyncError("Nobody knows this record", "Read both sides again.", code="core.record", exit_code=REFUSED)
        taken = data.linked(kind)
        offered = list(data.xero_items.values()) if kind is Kind.ITEM else list(data.contacts.by_id.values())
        rows = [_target(held, taken=held.id in taken) for held in _likely(record, offered)]
        return tuple(rows[:MOST])


def _sizes(data: "pair.PairData | None", kind: Kind) -> importing.Piles:
    if data is None:
        return importing.Piles(in_xero=0, linked=0, exact=0, unclear=0, new=0)
    return import_taxes.piles(data) if kind is Kind.TAX_RATE else importing.piles(data, kind)


def _sources(data: pair.PairData, kind: Kind, xero_id: str) -> tuple[TargetRow, ...]:
    held: Party | Item | None = (
        data.contacts.by_id.get(xero_id)
        if kind in PARTIES
        else next((i for i in data.xero_items.values() if i.id == xero_id), None)
    )
    offered: list[Party | Item] = (
        list(data.items.values()) if kind is Kind.ITEM else [p for (k, _), p in data.parties.items() if k is kind]
    )
    mine = [r for r in offered if r.tenant in ("", data.tenant)]
    rows = [_target(r, taken=data.link(kind, r.id) is not None) for r in (_likely(held, mine) if held else mine)]
    return tuple(rows[:MOST])


def _likely(record: Party | Item, offered: "list[Party] | list[Item] | list[Party | Item]") -> "list[Party | Item]":
    """The offered records, the most alike first; rapid, because a pair may hold thousands."""
    words = set(record.name.casefold().split())
    number = _number(record).casefold()

    def rank(other: Party | Item) -> tuple[bool, int, str]:
        same = bool(number) and _number(other).casefold() == number
        return (not same, -len(words & set(other.name.casefold().split())), other.name.casefold())

    return sorted(offered, key=rank)


def _number(record: Party | Item) -> str:
    return record.code if isinstance(record, Item) else record.number


def _target(record: Party | Item, *, taken: bool) -> TargetRow:
    archived = isinstance(record, Party) and record.status == "ARCHIVED"
    reason = "it is linked already" if taken else "it is archived in Xero" if archived else ""
    return TargetRow(
        id=record.id, title=record.name or _number(record), detail=_number(record), allowed=not reason, reason=reason
    )
