"""What is told to the suite, and the checks of what a source declares: attributes, limits, settings, connection."""

import re
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from xerotui.model.kinds import Kind
from xerotui.model.settings import fields, fill
from xerotui.net.http import Response
from xerotui.source.accept import sources_of
from xerotui.source.conformance.stand import Stand, standing
from xerotui.source.contract import Capability, Fact, Source, SourceLocked, SourceUnreachable

_LOOKS_SECRET = re.compile(r"secret|password|passphrase|token|api_?key|private", re.IGNORECASE)
_STEPS = ("connect", "tenant", "reference", "import", "map", "entities", "settings", "start")


class Told:
    """What a subclass tells.

    `emulator()` is a new emulator, `world()` the demo world (`xerotui.sandbox.world.build`, a small one), `clock(path)`
    a `xerotui.sandbox.clock.WorldClock`. `edits` are the kinds that `touch` can change and `remove` can remove,
    `spoils` those that `spoil` can. `refusal` is the throttle answer of the source, as a fault, and `refused_for` the
    world seconds that it asks for; `writes` says which requests of the source are writes. `address` is the setting that
    holds the address.
    """

    source: ClassVar[type[Source]]
    emulator: ClassVar[Any]
    world: ClassVar[Any]
    clock: ClassVar[Any]
    edits: ClassVar[tuple[Kind, ...]] = (Kind.CUSTOMER, Kind.INVOICE)
    spoils: ClassVar[tuple[Kind, ...]] = (Kind.INVOICE,)
    refusal: ClassVar[dict[str, Any]] = {"do": "status", "status": 429, "headers": {"retry-after": "7"}}
    refused_for: ClassVar[float] = 7.0
    writes: ClassVar[dict[str, str]] = {"method": "POST"}
    address: ClassVar[str] = "url"

    pytestmark = pytest.mark.asyncio
    _worlds: ClassVar[dict[type, Any]] = {}

    def standing(self, home: Path) -> AbstractAsyncContextManager[Stand]:
        """A stand on a new emulator; the world is made once a class."""
        made = type(self)
        if made not in self._worlds:
            self._worlds[made] = made.world()
        return standing(made.source, made.emulator(), self._worlds[made], made.clock, home)

    async def touch(self, stand: Stand, kind: Kind, id: str, words: str) -> None:
        """A person puts `words` where the record shows them: a customer's name, an invoice's reference."""
        raise NotImplementedError("the suite must be told how a record is changed at the source: override touch()")

    async def remove(self, stand: Stand, kind: Kind, id: str) -> None:
        """A person deletes the record."""
        raise NotImplementedError("the suite must be told how a record is deleted at the source: override remove()")

    async def spoil(self, stand: Stand, kind: Kind, id: str) -> None:
        """The record becomes one that can't be read: an amount that is no number."""
        raise NotImplementedError("the suite must be told how a record is spoilt: override spoil()")

    def declares(self, capability: Capability) -> None:
        """Skip the check when the source doesn't declare the capability."""
        if capability not in self.source.capabilities:
            pytest.skip(f"{self.source.title} doesn't declare {capability.value}")


class Declaring(Told):
    """Checks of declarations and of the connection."""

    async def test_declarations_fit_together(self) -> None:
        """Attributes are of their types, and no capability is half declared."""
        type_ = self.source
        assert sources_of([type_]) == (type_,)
        can = type_.capabilities
        assert type_.kinds, "a source that lists nothing"
        assert len(set(type_.kinds)) == len(type_.kinds), "a kind is declared twice"
        assert Capability.SAVE not in can or Capability.FIND in can, "save without find makes duplicates"
        assert not type_.importable or Capability.SAVE in can, "importable kinds without save"
        assert set(type_.importable) <= set(type_.kinds), "what is imported is listed as well"
        specs = [spec.id for spec in type_.specs]
        assert len(set(specs)) == len(specs), "two mapping specs of one id"
        for step in type_.readiness:
            assert step.what in _STEPS, f"readiness step {step.id} is of no known sort"
            assert step.kind is None or step.kind in type_.kinds, f"readiness step {step.id} of a foreign kind"

    async def test_limits_and_throttle_answers(self) -> None:
        """The key and its windows are usable, and only a throttle answer is read as one."""
        type_ = self.source
        made = fill(type_.settings_type, _sample(type_))
        key, limits = type_.limits(made)
        assert key, "limits are counted by a key"
        assert not any(str(getattr(made, f.name)) in key for f in fields(type_.settings_type) if f.secret)
        assert limits.in_flight >= 1
        for window in limits.windows:
            assert window.calls > window.reserve >= 0, f"window {window.name} leaves no call"
            assert window.seconds > 0
        for status in (200, 400, 401, 403, 404, 500, 503):
            assert type_.throttled(Response(status, {}, b"{}")) is None, f"{status} is read as a throttle answer"
        order = self.refusal
        headers = {name.lower(): value for name, value in order.get("headers", {}).items()}
        found = type_.throttled(Response(order["status"], headers, order.get("text", "").encode()))
        assert found is not None, "the source's throttle answer isn't read"
        assert found.seconds is None or found.seconds == self.refused_for
        assert found.window in {window.name for window in limits.windows}, "a throttle answer of an unknown window"

    async def test_settings_make_a_form(self) -> None:
        """Every field can be asked for, what looks secret is Secret, defaults are allowed values."""
        type_ = self.source.settings_type
        for field in fields(type_):
            assert field.title.strip()
            assert field.type in (str, int, bool), f"{field.name} can't be typed into a form"
            assert field.secret or not _LOOKS_SECRET.search(field.name), f"{field.name} looks secret and isn't Secret"
            assert not field.choices or field.required or field.default in field.choices
        for field in fields(type_):
            if field.required:
                short = {k: v for k, v in _sample(self.source).items() if k != field.name}
                with pytest.raises(msgspec.ValidationError):
                    fill(type_, short)

    async def test_check_proves_the_connection(self, tmp_path: Path) -> None:
        """Facts when all is well, SourceLocked for a wrong secret, SourceUnreachable for a dead address."""
        async with self.standing(tmp_path) as stand:
            facts = await stand.source.check()
            assert facts, "a check that tells nothing"
            assert all(isinstance(fact, Fact) for fact in facts)
            assert all(fact.ok or fact.remedy for fact in facts), "a fault without a remedy"
            assert stand.meter.taken > 0, "a check that asks nobody proves nothing"
            for field in (f for f in fields(stand.type.settings_type) if f.secret):
                wrong = f"wrong-{field.name}-0815"
                await self._locked(stand.make(**{field.name: wrong}), wrong)
            if self.address in stand.settings:
                with pytest.raises(SourceUnreachable) as dead:
                    await stand.make(**{self.address: "http://127.0.0.1:9"}).check()
                assert not dead.value.sent, "nothing can have arrived where nobody listens"
            stand.secretless((repr(stand.source), facts))

    async def _locked(self, source: Source, wrong: str) -> None:
        facts: tuple[Fact, ...] = ()
        words = ""
        try:
            facts = await source.check()
        except SourceLocked as error:
            words = str(error)
        assert words or not all(fact.ok for fact in facts), "a wrong secret goes unnoticed"
        assert wrong not in f"{words} {facts!r}", "a secret is in words that people read"


def _sample(type_: type[Source]) -> dict[str, str]:
    """Settings that fill the form, of a connection that doesn't exist."""
    samples = {str: "https://sample.example", int: "1", bool: "true"}
    wanted = [f for f in fields(type_.settings_type) if f.required]
    made = {f.name: f.choices[0] if f.choices else samples.get(f.type, "x") for f in wanted}
    return made | {f.name: f"sample-{f.name}" for f in wanted if f.secret}
