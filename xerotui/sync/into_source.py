"""An operation that writes into the source: what every one of them says, whatever it writes."""

from typing import Any

from xerotui.model.kinds import Kind, Side
from xerotui.model.work import Operation, Verb
from xerotui.sync.pair import PairData
from xerotui.sync.plan import new_id, source_lane


def writing(data: PairData, plan: str, kind: Kind, verb: Verb, record: str, title: str, **more: Any) -> Operation:
    """An operation of a plan on one record of a pair's source; `more` are the fields in which it is its own."""
    return Operation(
        id=new_id("op"),
        plan=plan,
        side=Side.SOURCE,
        lane=source_lane(data.connection),
        kind=kind,
        verb=verb,
        connection=data.connection,
        tenant=data.tenant,
        record=record,
        title=title,
        **more,
    )


__all__ = ["writing"]
