"""What waits for each sort of trouble: documents and their sums, counted in SQL. Only reads."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec
from sqlalchemy import case, func, or_, select

from xerotui.model.kinds import DOCUMENTS, Side
from xerotui.store import tables
from xerotui.store.keys import from_millionths
from xerotui.store.tx import Tx


class Waiting(msgspec.Struct, kw_only=True):
    """Stopped documents, their sums by currency, the tenants they belong to, the codes of what stops them."""

    documents: int = 0
    totals: dict[str, Decimal] = {}
    tenants: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


async def documents(tx: Tx, connection: str, sorts: Mapping[str, Sequence[str]]) -> dict[str, Waiting]:
    """The documents of a connection that open problems stop, by what is at fault.

    `sorts` gives each sort the words before the colon of its problems' subjects. A document that waits for two of one
    sort is counted once; one that waits for two sorts is counted in both.
    """
    p, s = tables.problems.c, tables.snapshots.c
    found: dict[str, Waiting] = {}
    branches = [
        (or_(*(p.subject.startswith(f"{word}:", autoescape=True) for word in words)), sort)
        for sort, words in sorts.items()
        if words
    ]
    if not branches:
        return found
    stopped = (p.state == "open", p.blocks, p.connection == connection, p.kind.in_([k.value for k in DOCUMENTS]))
    sort = case(*branches, else_="").label("sort")
    hit = select(sort, p.kind, p.record, p.tenant).where(*stopped).distinct().subquery()
    for row in await tx.all(select(sort, p.code).where(*stopped).distinct().order_by(sort, p.code)):
        mine = found.setdefault(row.sort, Waiting())
        mine.codes = (*mine.codes, row.code)
    found.pop("", None)
    read = (s.connection == connection) & (s.kind == hit.c.kind) & (s.id == hit.c.record)
    by = (hit.c.sort, hit.c.tenant, s.currency)
    query = (
        select(*by, func.count().label("documents"), func.sum(s.units).label("units"))
        .select_from(hit.outerjoin(tables.snapshots, read & (s.side == Side.SOURCE.value)))
        .where(hit.c.sort != "")
        .group_by(*by)
        .order_by(*by)
    )
    for row in await tx.all(query):
        mine = found.setdefault(row.sort, Waiting())
        mine.documents += row.documents
        if row.currency:
            mine.totals[row.currency] = mine.totals.get(row.currency, Decimal(0)) + from_millionths(int(row.units or 0))
        mine.tenants = tuple(dict.fromkeys((*mine.tenants, row.tenant)))
    return found
