"""The Errors screen: causes with words and the place where they are mended, and their records."""

from xerotui.model.kinds import Kind
from xerotui.model.paging import Page, View
from xerotui.model.problems import CORE, Problem, RecordRef
from xerotui.store import problems as stored
from xerotui.workspace.pages import CauseRow
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

    async def problems(self, view: View) -> Page[Problem]:
        """A page of every problem in the order of time; fields code, tenant, kind, connection."""
        async with self.wiring.ledger.read() as tx:
            return await self.wiring.ledger.problems.page(tx, view)

    async def error_records(self, code: str, subject: str, view: View) -> Page[Problem]:
        """A page of the records that wait for one cause."""
        async with self.wiring.ledger.read() as tx:
            return await self.wiring.ledger.problems.of_cause(tx, code, subject, view)
