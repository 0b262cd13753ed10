"""Contacts that look twice in Xero: the groups of each organisation, and their pages. Nothing of them is changed."""

import msgspec

from xerotui.model.kinds import PARTIES, Kind, Side
from xerotui.model.paging import Page, View
from xerotui.model.records import Party
from xerotui.sync.duplicates import doubles
from xerotui.workspace.errors import Errors

ADVICE = (
    "Nothing is merged here: Xero's API can't. Merge them in Xero (Contacts, mark both, Options, Merge), then read the "
    "organisation again; links follow the contact that stays."
)


class DuplicateRow(msgspec.Struct, frozen=True, kw_only=True):
    """One contact of a group; `group` counts from 1 within all that is listed.

    `by` says what its group shares; `linked` are source records linked with it, as `customer 901`.
    """

    tenant: str
    tenant_name: str
    group: int
    id: str
    name: str
    number: str
    email: str
    tax_number: str
    archived: bool
    by: tuple[str, ...]
    linked: tuple[str, ...]


class Duplicates(Errors):
    """The view of Imports that lists what looks twice."""

    _twice: dict[str, tuple[tuple[int, ...], tuple[DuplicateRow, ...]]]

    async def duplicates(self, view: View) -> Page[DuplicateRow]:
        """A page of contacts that look twice, group by group; field tenant, text in the name.

        From what was read of Xero; worked out anew only when something of it changed.
        """
        db = await self.wiring.book.read()
        chosen = view.fields.get("tenant", "")
        rows: list[DuplicateRow] = []
        for tenant in sorted(db.tenants(), key=lambda t: t.name):
            if tenant.connection and chosen in ("", tenant.tenant):
                rows += await self._of(tenant.tenant, tenant.name or tenant.tenant)
        rows = _numbered(rows)
        if words := view.text.casefold():
            meant = {r.group for r in rows if words in f"{r.name} {r.number} {r.email}".casefold()}
            rows = [r for r in rows if r.group in meant]
        start = int(view.anchor) if view.anchor.isdecimal() else 0
        end = start + view.limit
        return Page(
            rows=tuple(rows[start:end]),
            total=len(rows),
            next=str(end) if end < len(rows) else "",
            previous=str(max(0, start - view.limit)) if start else "",
        )

    async def _of(self, tenant: str, name: str) -> tuple[DuplicateRow, ...]:
        if not hasattr(self, "_twice"):
            self._twice = {}
        changes = await self.changes()
        mark = tuple(changes.get(topic, 0) for topic in ("snapshots", "links", "book"))
        held = self._twice.get(tenant)
        if held is None or held[0] != mark:
            held = self._twice[tenant] = (mark, await self._worked_out(tenant, name))
        return held[1]

    async def _worked_out(self, tenant: str, name: str) -> tuple[DuplicateRow, ...]:
        db = await self.wiring.book.read()
        linked: dict[str, list[str]] = {}
        async with self.wiring.ledger.read() as tx:
            contacts = await self.wiring.ledger.snapshots.all(tx, Side.XERO, tenant, Kind.CUSTOMER)
            for source in db.sources():
                for kind in PARTIES:
                    for link in await self.wiring.ledger.links.for_pair(tx, source.id, tenant, kind):
                        linked.setdefault(link.xero_id, []).append(f"{kind.label} {link.record}")
        groups = doubles(p for p in contacts if isinstance(p, Party))
        return tuple(
            DuplicateRow(
                tenant=tenant,
                tenant_name=name,
                group=n,
                id=p.id,
                name=p.name,
                number=p.number,
                email=p.email,
                tax_number=p.tax_number,
                archived=p.status == "ARCHIVED",
                by=group.by,
                linked=tuple(linked.get(p.id, ())),
            )
            for n, group in enumerate(groups, 1)
            for p in group.contacts
        )


def _numbered(rows: list[DuplicateRow]) -> list[DuplicateRow]:
    """The same rows, their groups counted on from one organisation to the next."""
    numbers: dict[tuple[str, int], int] = {}
    for row in rows:
        numbers.setdefault((row.tenant, row.group), len(numbers) + 1)
    return [msgspec.structs.replace(row, group=numbers[row.tenant, row.group]) for row in rows]
