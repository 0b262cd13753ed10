"""The Imports screen: the sizes of the piles, and what an unclear record could be linked to."""

from xerotui.model.kinds import PARTIES, Kind
from xerotui.model.problems import SyncError
from xerotui.model.records import Item, Party
from xerotui.source.contract import Capability
from xerotui.source.guard import PluginFault
from xerotui.sync import importing, pair
from xerotui.workspace.base import REFUSED
from xerotui.workspace.errors import Errors
from xerotui.workspace.pages import ImportRow, TargetRow

MOST = 200


class Imports(Errors):
    """Bringing customers, suppliers and items from Xero."""

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
        kinds: tuple[Kind, ...] = importing.IMPORTABLE
        try:
            type_ = self.wiring.registry.source_type(source)
            if not {Capability.FIND, Capability.SAVE} <= type_.capabilities:
                reason = f"{type_.title} can't take records from outside"
            kinds = tuple(k for k in importing.IMPORTABLE if k in type_.kinds)
            importable = type_.importable
        except PluginFault as fault:
            reason, importable = fault.sentence, ()
        try:
            data = await pair.load(self.wiring.ports(), connection, tenant)
        except SyncError as error:
            reason, data = reason or error.sentence, None
        rows = []
        for kind in kinds:
            piles = (
                importing.piles(data, kind) if data else importing.Piles(in_xero=0, linked=0, exact=0, unclear=0, new=0)
            )
            why = reason or ("" if kind in importable else f"{kind.plural} can't be created there")
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
                )
            )
        return tuple(rows)

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
