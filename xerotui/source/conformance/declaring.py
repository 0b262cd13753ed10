"""Checks of what a source declares: attributes, limits, settings, connection, and what its emulator says of itself."""

import re
from pathlib import Path

import msgspec
import pytest

from xerotui.model.kinds import Kind
from xerotui.model.settings import fields, fill
from xerotui.net.http import Response
from xerotui.source.accept import abilities_of, emulators_of, sources_of
from xerotui.source.conformance.stand import Stand
from xerotui.source.conformance.told import Told
from xerotui.source.contract import Capability, Fact, Source, SourceLocked, SourceUnreachable

_LOOKS_SECRET = re.compile(r"secret|password|passphrase|token|api_?key|private", re.IGNORECASE)
_STEPS = ("connect", "tenant", "reference", "import", "map", "entities", "settings", "start")


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
        assert not type_.handed or Capability.HAND_OVER in can, "kinds to be handed over without hand_over"
        assert set(type_.importable) | set(type_.handed) <= set(type_.kinds), "what is imported is listed as well"
        abilities_of(type_, fill(type_.settings_type, _sample(type_)))
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
        secrets = [str(getattr(made, f.name)) for f in fields(type_.settings_type) if f.secret]
        assert not any(secret and secret in key for secret in secrets), "a secret is in the key that limits go by"
        assert limits.in_flight >= 1
        for window in limits.windows:
            assert window.calls > window.reserve >= 0, f"window {window.name} leaves no call"
            assert window.seconds > 0
        for status in (200, 400, 401, 403, 404, 500, 503):
            assert type_.throttled(Response(status, {}, b"{}")) is None, f"{status} is read as a throttle answer"
        if (order := self.refusal) is None:
            return
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
            free = not field.choices or field.required or field.type is bool
            assert free or field.default in field.choices, f"the default of {field.name} can't be chosen"
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
            assert self.asked(stand) > 0, "a check that asks nobody proves nothing"
            for wrong in self.wrong(stand):
                secrets = [wrong[f.name] for f in fields(stand.type.settings_type) if f.secret and f.name in wrong]
                await self._locked(stand.make(**wrong), secrets)
            if nobody := self.dead(stand):
                with pytest.raises(SourceUnreachable) as dead:
                    await stand.make(**nobody).check()
                assert not dead.value.sent, "nothing can have arrived where nobody listens"
            stand.secretless((repr(stand.source), facts))

    async def test_the_emulator_tells_what_is_wrong_in_it(self, tmp_path: Path) -> None:
        """It is of this source; its seeded trouble has codes of the core or of the plugin, and is among its records."""
        async with self.standing(tmp_path) as stand:
            assert emulators_of([stand.emulator]) == (stand.emulator,)
            assert stand.emulator.source == stand.type.name, "the emulator is of another source"
            told = [(e["code"], e["kind"], e["id"], e["mended"]) for e in stand.emulator.expected()]
            assert len({entry[:3] for entry in told}) == len(told), "trouble is expected twice"
            listed = {kind: await self._listed(stand, kind) for kind in {Kind(kind) for _, kind, _, _ in told}}
            for code, kind, id, _ in told:
                assert code.partition(".")[0] in ("core", stand.type.name), f"a foreign code is expected: {code}"
                assert id in listed[Kind(kind)], f"trouble is expected of {kind} {id}, which isn't listed"

    async def _listed(self, stand: Stand, kind: Kind) -> set[str]:
        pages = await stand.pages(kind) if kind in stand.type.kinds else []
        return {r.id for page in pages for r in page.records} | {id for page in pages for id, _ in page.skipped}

    async def _locked(self, source: Source, secrets: list[str]) -> None:
        facts: tuple[Fact, ...] = ()
        words = ""
        try:
            facts = await source.check()
        except SourceLocked as error:
            words = str(error)
        assert words or not all(fact.ok for fact in facts), "a wrong secret goes unnoticed"
        assert not any(wrong in f"{words} {facts!r}" for wrong in secrets), "a secret is in words that people read"


def _sample(type_: type[Source]) -> dict[str, str]:
    """Settings that fill the form, of a connection that doesn't exist."""
    samples = {str: "https://sample.example", int: "1", bool: "true"}
    wanted = [f for f in fields(type_.settings_type) if f.required]
    made = {f.name: f.choices[0] if f.choices else samples.get(f.type, "x") for f in wanted}
    return made | {f.name: f"sample-{f.name}" for f in wanted if f.secret}
