"""The Errors screen: causes with words and the place where they are mended, and their records; search."""

from xerotui.model.kinds import SYNCED, Kind, Side
from xerotui.model.paging import Page, View
from xerotui.model.problems import CORE, Problem, RecordRef
from xerotui.model.records import Document
from xerotui.store import problems as stored
from xerotui.workspace.pages import CauseRow, SearchRow
from xerotui.workspace.plans import Plans


class Errors(Plans):
    """What waits, and why."""

    async def errors(self, view: View) -> Page[CauseRow]:
        """A page of causes, those of most records first; fields code, tenant, kind, connection."""
        async with self.wiring.ledger.read() as tx:
            page = await self.wiring.ledger.problems.causes(tx, view)
        return page.map(self._cause)

    def _cause(self, cause: "stored.CauseRow") -> CauseRow:
        known = CORE.get(cause.code) or self.wiring.registry.explain(
            Problem(
                code=cause.code,
                subject=cause.subject,
                record=RecordRef(connection="", kind=Kind.INVOICE, id=""),
                sentence=cause.sentence,
            )
        )
        return CauseRow(
            code=cause.code,
            subject=cause.subject,
            title=known.title if known else cause.code,
            sentence=cause.sentence,
            remedy=cause.remedy or (known.remedy if known else ""),
            place=cause.place,
            records=cause.records,
            kinds=tuple(kind.value for kind in cause.kinds),
            tenants=cause.tenants,
            oldest=cause.oldest,
            blocks=cause.blocks,
        )

    async def error_records(self, code: str, subject: str, view: View) -> Page[Problem]:
        """A page of the records that wait for one cause."""
        async with self.wiring.ledger.read() as tx:
            return await self.wiring.ledger.problems.of_cause(tx, code, subject, view)

    async def search(self, text: str, limit: int = 20) -> tuple[SearchRow, ...]:
        """Source records whose name or number holds the text, a few of each kind."""
        if not text.strip():
            return ()
        ledger, found = self.wiring.ledger, []
        db = await self.wiring.book.read()
        async with ledger.read() as tx:
            for source in db.sources():
                for kind in SYNCED:
                    view = View(text=text, limit=min(limit, 50))
                    page = await ledger.snapshots.page(tx, Side.SOURCE, source.id, kind, view)
                    for record in page.rows:
                        title = record.number if isinstance(record, Document) else record.name
                        found.append(
                            SearchRow(
                                title=title or record.id,
                                kind=kind,
                                connection=source.id,
                                record=record.id,
                                tenant=record.tenant,
                            )
                        )
        wanted = text.strip().casefold()
        found.sort(key=lambda row: (row.title.casefold() != wanted, not row.title.casefold().startswith(wanted)))
        return tuple(found[:limit])
