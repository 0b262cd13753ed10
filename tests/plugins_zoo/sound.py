"""A plugin in good order: a source, a change, a problem and an explanation."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.postings import Posting
from xerotui.model.problems import Explanation, Problem, RecordRef
from xerotui.model.records import Record
from xerotui.net.limits import Limits, Window
from xerotui.source.contract import Fact, FieldChange, Page, ResolveContext, Source
from xerotui.source.hooks import hookimpl

XEROTUI_CONTRACT = 1


class Settings(msgspec.Struct):
    """No settings but a name."""

    name: str = "x"


class SoundSource(Source):
    """A source that brings nothing, soundly."""

    name = "sound"
    title = "Sound"
    settings_type = Settings
    kinds = (Kind.CUSTOMER,)
    capabilities = frozenset()

    @classmethod
    def limits(cls, settings: Any) -> tuple[str, Limits]:
        """One call a second."""
        return "sound", Limits((Window("second", 1, 1),))

    async def check(self) -> tuple[Fact, ...]:
        """All is well."""
        return (Fact("Sound", "yes"),)

    async def pages(self, kind: Kind, cursor: str) -> AsyncIterator[Page]:
        """One empty page."""
        yield Page(cursor="1")


@hookimpl
def xerotui_sources() -> Sequence[type[Source]]:
    """The one source."""
    return [SoundSource]


@hookimpl
def xerotui_resolve(record: Record, context: ResolveContext) -> Sequence[FieldChange]:
    """Fewer arguments than the hook has: that is allowed."""
    return [FieldChange("reference", f"{context.connection}/{record.id}", "the zoo's rule")]


@hookimpl
def xerotui_check(record: Record, posting: Posting | None) -> Sequence[Problem]:
    """A problem for whatever didn't resolve."""
    if posting is not None:
        return ()
    ref = RecordRef(connection="c", kind=record.kind, id=record.id)
    return [Problem(code="sound.odd", subject="x:1", record=ref, sentence="Odd.")]


@hookimpl
def xerotui_explain(problem: Problem) -> Explanation | None:
    """Words for its own code only."""
    return Explanation("Odd", "Make it even.") if problem.code == "sound.odd" else None
