"""The published suite: a sound tiny source passes it whole, and each flaw fails the check that is there for it."""

import inspect
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.kit.tiny import OpenSettings, TinyEmulator, TinySource, flawed
from xerotui.conformance import SourceSuite, Stand
from xerotui.model.kinds import Kind
from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.world import build
from xerotui.source.contract import Capability

WORLD = build(scale=0.1)


class TestTiny(SourceSuite):
    """The tiny source as it stands."""

    source: ClassVar = TinySource
    emulator: ClassVar = TinyEmulator
    world: ClassVar = staticmethod(lambda: WORLD)
    clock: ClassVar = WorldClock

    async def touch(self, stand: Stand, kind: Kind, id: str, words: str) -> None:
        await stand.control("person", {"kind": kind.value, "id": id, "change": {"name": words}})

    async def handed(self, stand: Stand, kind: Kind) -> list[str]:
        names: list[str] = stand.emulator.handed
        return names

    async def remove(self, stand: Stand, kind: Kind, id: str) -> None:
        await stand.control("person", {"kind": kind.value, "id": id, "remove": True})

    async def spoil(self, stand: Stand, kind: Kind, id: str) -> None:
        await stand.control("person", {"kind": kind.value, "id": id, "change": {"total": "a lot"}})


DECLARED, LIMITS = "test_declarations_fit_together", "test_limits_and_throttle_answers"
FORM, CHECK = "test_settings_make_a_form", "test_check_proves_the_connection"
PAGES, BROKEN = "test_pages_bring_every_record_once_and_exact", "test_a_broken_reading_loses_nothing"
DELTA, SINGLE = "test_a_cursor_brings_what_changed_and_little_else", "test_single_records_and_gone"
CHOICES, THROTTLED = "test_choices_belong_to_their_specs", "test_throttling_is_obeyed"
HOSTILE, SPOILT = (
    "test_hostile_text_harms_nothing",
    "test_a_record_that_cant_be_read_is_named_and_stops_nothing",
)
FIND, SAVE = "test_find_by_every_key", "test_save_makes_one_record_whatever_happens"
NONE, EMULATED = "test_an_answer_that_is_none_is_an_error", "test_the_emulator_tells_what_is_wrong_in_it"
PAID = "test_payments_and_voids_happen_once"
HANDED = "test_what_is_handed_over_is_there_once"
LINKS = "test_links_are_kept_and_twice_is_once"
NO_FIND = frozenset({Capability.SAVE, Capability.DELTA})
FLAWS: list[tuple[str, str, dict[str, Any]]] = [
    (DECLARED, "save without find", {"capabilities": NO_FIND}),
    (DECLARED, "kind twice", {"kinds": (Kind.CUSTOMER, Kind.CUSTOMER)}),
    (LIMITS, "throttle unread", {}),
    (LIMITS, "all is a throttle", {}),
    (FORM, "open secret", {"settings_type": OpenSettings}),
    (EMULATED, "another source", {"name": "other"}),
    (CHECK, "check asks nobody", {}),
    (CHECK, "secret told", {}),
    (CHECK, "sent for sure", {}),
    (PAGES, "twice", {}),
    (PAGES, "floats", {}),
    (PAGES, "ids are numbers", {}),
    (PAGES, "past the governor", {}),
    (PAGES, "logs the key", {}),
    (BROKEN, "goes on", {}),
    (BROKEN, "cursor too early", {}),
    (DELTA, "no delta", {}),
    (DELTA, "gap", {}),
    (SINGLE, "all is gone", {}),
    (CHOICES, "any spec", {}),
    (THROTTLED, "impatient", {}),
    (HOSTILE, "hostile text fails", {}),
    (SPOILT, "skips in silence", {}),
    (NONE, "raises what it likes", {}),
    (FIND, "not by name", {}),
    (SAVE, "create without id", {}),
    (SAVE, "creates again", {}),
    (SAVE, "sure of too much", {}),
    (SAVE, "sent is forgotten", {}),
    (HANDED, "handed over again", {}),
    (LINKS, "links are lost", {}),
    (LINKS, "links add up", {}),
    (PAID, "paid again", {}),
    (PAID, "voided again", {}),
]


@pytest.mark.parametrize(("check", "flaw", "declared"), FLAWS, ids=[flaw for _, flaw, _ in FLAWS])
async def test_a_flaw_fails_its_check(check: str, flaw: str, declared: dict[str, Any], tmp_path: Path) -> None:
    suite = type("Suite", (TestTiny,), {"source": flawed(flaw, **declared)})()
    work = getattr(suite, check)
    wants_home = "tmp_path" in inspect.signature(work).parameters
    with pytest.raises((AssertionError, UnicodeError, ValueError, pytest.fail.Exception)):
        await (work(tmp_path) if wants_home else work())


def test_every_check_has_a_flaw_that_fails_it() -> None:
    assert {name for name in dir(TestTiny) if name.startswith("test_")} == {check for check, _, _ in FLAWS}
