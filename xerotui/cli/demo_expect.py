"""What the demo must find: the trouble that the emulated sources say is seeded in them."""

from collections.abc import Iterable, Mapping
from typing import Any

from xerotui.cli import control
from xerotui.model.kinds import READ_ONLY, Kind

# An entry of `xerotui.source.contract.Emulator.expected`.
Entry = Mapping[str, Any]
Found = set[tuple[str, str, str]]


async def told(controls: Mapping[str, str]) -> list[Entry]:
    """What every service says is seeded in it."""
    return [entry for url in controls.values() for entry in await control.get(f"{url}/expected")]


def expected(entries: Iterable[Entry], *, mended: bool) -> Found:
    """The trouble that must be found, as (code, kind, source id); `mended` leaves out what the demo mends."""
    return {
        (entry["code"], entry["kind"], entry["id"])
        for entry in entries
        if Kind(entry["kind"]) not in READ_ONLY and not (mended and entry["mended"])
    }


def left(entries: Iterable[Entry]) -> set[str]:
    """The tax rates, by source value, that aren't mapped before they are mended."""
    return {entry["id"] for entry in entries if entry["kind"] == Kind.TAX_RATE.value}


def by_code(found: Found) -> dict[str, int]:
    """How many records each code stops."""
    counts: dict[str, int] = {}
    for code, _, _ in sorted(found):
        counts[code] = counts.get(code, 0) + 1
    return counts


def differing(found: Found, seeded: Found) -> list[str]:
    """What was found and not seeded, or seeded and not found, in words; empty when they are equal."""
    return [f"not seeded: {' '.join(entry)}" for entry in sorted(found - seeded)] + [
        f"not found: {' '.join(entry)}" for entry in sorted(seeded - found)
    ]
