"""A whole run over a bad line: one call in five cut, delayed, repeated or failed, and yet everything is there once."""

from pathlib import Path

import pytest

from tests.engine.sync_kit import (
    UNDER_WAY,
    Rig,
    all_well,
    in_xero,
    operations,
    seeded,
    small,
    sound,
    stopped,
    unknown_calls,
    xero_setting,
)
from tests.kit.faulty import KINDS, Faulty
from tests.rig import SOURCE
from xerotui.model.kinds import Kind

ROUNDS = 40


async def _arrived(bench: Rig) -> bool:
    wanted = {key: sorted(numbers) for key, numbers in sound(bench).items() if numbers}
    return await in_xero(bench) == wanted and not await operations(bench, states=UNDER_WAY)


async def _over_a_bad_line(bench: Rig, seed: int) -> Faulty:
    """Plan and apply, as often as it takes, through a line that stays bad all the while."""
    about = bench.sandbox.describe()["xero"]
    async with Faulty(about["api_url"], seed=seed) as line:
        await xero_setting(bench, api_url=line.url, identity_url=line.url + "/identity")
        for _ in range(ROUNDS):
            # Either may be refused where the line was bad three times running; then a person tries again.
            asked = await bench.ask("plan", connection=SOURCE)
            if plan := asked.answer.get("plan"):
                await bench.ask("apply", plan=plan, follow="1")
            if await _arrived(bench):
                break
    return line


async def _exact(bench: Rig, line: Faulty, invoices: int) -> None:
    numbers = [
        number for (_, kind), found in (await in_xero(bench)).items() if kind is Kind.INVOICE for number in found
    ]
    assert len(numbers) >= invoices
    assert await _arrived(bench)
    assert await unknown_calls(bench) == []
    assert await stopped(bench) == seeded(bench)
    assert set(line.met) == set(KINDS)
    await all_well(bench)


async def test_one_call_in_five_goes_wrong_and_all_arrives_once(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60, scale=0.48) as bench:
        line = await _over_a_bad_line(bench, seed=7)
        await _exact(bench, line, invoices=150)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_two_thousand_invoices_over_a_bad_line(tmp_path: Path, seed: int) -> None:
    async with small(tmp_path, rate=60, scale=5.5) as bench:
        line = await _over_a_bad_line(bench, seed)
        await _exact(bench, line, invoices=2000)
