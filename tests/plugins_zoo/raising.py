"""A plugin whose hooks raise, each in its own way."""

from collections.abc import Sequence

from xerotui.model.problems import Explanation, Problem
from xerotui.model.records import Record
from xerotui.source.contract import FieldChange
from xerotui.source.hooks import hookimpl

XEROTUI_CONTRACT = 1
calls: list[str] = []


@hookimpl
def xerotui_resolve(record: Record) -> Sequence[FieldChange]:
    """Raises for every record but 'good'."""
    calls.append(record.id)
    if record.id == "good":
        return ()
    raise ValueError(f"no {record.id}")


@hookimpl
def xerotui_explain(problem: Problem) -> Explanation | None:
    """Raises always."""
    raise KeyError(problem.code)
