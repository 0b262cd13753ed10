"""Fields of Halo's records that XeroTUI may set, and the numbers that Halo itself gives (halo-api sections 5 and 7)."""

from collections.abc import Mapping
from typing import Any

from xerotui.model.kinds import Kind
from xerotui.model.records import Record
from xerotui.source.contract import SourceRefused
from xerotui_halo.client import HaloClient
from xerotui_halo.values import text
from xerotui_halo.writing import PATHS, Body, answered

# What Halo calls each field of a record.
FIELDS: Mapping[Kind, Mapping[str, str]] = {
    Kind.CUSTOMER: {"number": "accountsid"},
    Kind.SUPPLIER: {"number": "accounts_id"},
    Kind.ITEM: {"code": "accountsid"},
}
# Kinds of which Halo gives the next number itself.
NUMBERED = (Kind.CUSTOMER, Kind.ITEM)


def amendment(kind: Kind, id: str, changes: Mapping[str, Any]) -> Body:
    """The body that sets these fields of one record. Raises SourceRefused for what Halo has no place for."""
    names = FIELDS.get(kind, {})
    if not id.isdigit() or not set(changes) <= set(names):
        raise SourceRefused(f"Halo's {kind.label} {id[:40]} has no place for {', '.join(sorted(changes))}")
    return {"id": int(id), **{names[field]: value for field, value in changes.items()}}


async def new_number(client: HaloClient, kind: Kind, record: Record) -> str:
    """What Halo's own Generate would put in. Which shape it answers in isn't documented: all that make sense do."""
    if kind not in NUMBERED:
        raise SourceRefused(f"Halo gives {kind.plural} no numbers")
    about = {"id": int(record.id), "name": record.name} if record.id.isdigit() else {"name": record.name}
    answer = await client.post(f"{PATHS[kind]}/NewAccountsId", [about])
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if isinstance(answer, str | int):
        number = str(answer).strip()
    else:
        rows = list(answered(answer).values())
        number = next((n for row in rows if (n := text(row, "accountsid", "accounts_id", "newaccountsid"))), "")
    if not number:
        raise SourceRefused(f"Halo answered no number for {kind.label} {record.name[:80]}")
    return number
