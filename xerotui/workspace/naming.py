"""Names for the ids that stand in a record's fields, out of what both sides said when they were last read."""

from collections.abc import Iterable, Mapping

from xerotui.model.kinds import Kind, Side
from xerotui.model.records import Record
from xerotui.store import Ledger, Tx
from xerotui.workspace.pages import Story, last

# By the last part of a field's path: whose ids may stand there.
PARTIES = (Kind.CUSTOMER, Kind.SUPPLIER)
MEANT: Mapping[str, tuple[Kind, ...]] = {
    "party": PARTIES,
    "contact": PARTIES,
    "item": (Kind.ITEM,),
    "document": (Kind.INVOICE, Kind.CREDIT_NOTE),
    "tax": (Kind.TAX_RATE,),
    "tax_rate": (Kind.TAX_RATE,),
    "sales_tax": (Kind.TAX_RATE,),
    "purchase_tax": (Kind.TAX_RATE,),
    "account": (Kind.ACCOUNT,),
    "sales_account": (Kind.ACCOUNT,),
    "purchase_account": (Kind.ACCOUNT,),
    "theme": (Kind.BRANDING_THEME,),
}
# Where an amount may stand as well: only a code of Xero's is taken for an id there.
AMOUNTS = ("tax",)
# Few enough of them to be read whole, and named by code as well as by id.
BY_CODE = (Kind.TAX_RATE, Kind.ACCOUNT, Kind.BRANDING_THEME)


async def names_for(ledger: Ledger, tx: Tx, story: Story) -> dict[str, dict[str, str]]:
    """For each last part of a path, the names of the values that stand there."""
    values: dict[str, set[str]] = {}
    pairs = [(path, value) for path, value, _ in story.fields]
    pairs += [(c.path, value) for c in story.changes for value in (c.before, c.after)]
    for path, value in pairs:
        if value and last(path) in MEANT:
            values.setdefault(last(path), set()).add(value)
    out: dict[str, dict[str, str]] = {}
    for part, wanted in values.items():
        for kind in MEANT[part]:
            found = await _known(ledger, tx, story, kind, wanted, source=part not in AMOUNTS)
            out.setdefault(part, {}).update(found)
    return {part: found for part, found in out.items() if found}


async def _known(ledger: Ledger, tx: Tx, story: Story, kind: Kind, wanted: set[str], *, source: bool) -> dict[str, str]:
    sides = [(Side.XERO, story.tenant), *([(Side.SOURCE, story.connection)] if source else [])]
    out: dict[str, str] = {}
    for side, connection in sides:
        if kind in BY_CODE:
            records: Iterable[Record] = await ledger.snapshots.all(tx, side, connection, kind, include_gone=True)
        else:
            records = (await ledger.snapshots.many(tx, side, connection, kind, sorted(wanted))).values()
        for record in records:
            words = record.name or getattr(record, "number", "")
            for key in (record.id, getattr(record, "code", "")):
                if key in wanted and words:
                    out.setdefault(key, words)
    # What was made a moment ago has not been read back yet: its own record says its name.
    missing = sorted(wanted - set(out))
    if missing and kind in PARTIES:
        links = await ledger.links.by_xero(tx, story.connection, story.tenant, kind, missing)
        ids = [link.record for link in links.values()]
        known = await ledger.snapshots.many(tx, Side.SOURCE, story.connection, kind, ids)
        out |= {id: known[link.record].name for id, link in links.items() if link.record in known}
    return out
