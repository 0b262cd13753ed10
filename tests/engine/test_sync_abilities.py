"""What a connection can't do by its settings isn't tried, and is shown as such, whatever its source declares."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from tests.engine.sync_kit import SOURCE, Rig, held, linked, operations, policy, small, writes
from tests.kit import filing
from xerotui.model.kinds import Kind, Side
from xerotui.model.problems import SyncError
from xerotui.model.work import RequestState, Verb
from xerotui.source.accept import abilities_of
from xerotui.source.contract import Abilities, Capability
from xerotui.workspace.door import Workspace
from xerotui.workspace.forms import registry
from xerotui_halo.source import HaloSource


@pytest.fixture(autouse=True)
def _plugin() -> Iterator[None]:
    registry().register(filing, filing.NAME)
    yield
    registry().unregister(filing.NAME)


async def filing_away(bench: Rig, **settings: str) -> None:
    """Let the connection be one of the other source, of these settings besides."""
    async with bench.wiring.book.edit() as db:
        one = db.source(SOURCE)
        assert one is not None
        db.put_source(msgspec.structs.replace(one, source=filing.NAME, settings={**one.settings, **settings}))


def test_a_connection_can_do_no_more_than_its_source_declares() -> None:
    filled = filing.FilingSettings(url="x", client_id="x", client_secret="")
    assert abilities_of(filing.FilingSource, filled).capabilities == filing._READ
    assert abilities_of(HaloSource, filled) == HaloSource.declared()
    for more, word in (
        (Abilities(capabilities=frozenset({Capability.HAND_OVER})), "capabilities: hand_over"),
        (Abilities(importable=(Kind.INVOICE,)), "importable: invoice"),
        (Abilities(amendable={Kind.ITEM: ("colour",)}), "amendable: colour of item"),
        (Abilities(item_groups="others"), "item_groups: others"),
        (Abilities(attach_batch=1000), "attach_batch: 1000"),
        (SimpleNamespace(), "SimpleNamespace"),
    ):
        wide = type("Wide", (HaloSource,), {"abilities": classmethod(lambda cls, settings, more=more: more)})
        with pytest.raises(TypeError, match=word):
            abilities_of(wide, filled)


async def test_what_a_connection_cant_do_by_its_settings_isnt_tried(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60) as bench:
        british = bench.tenants[0]
        ports = bench.wiring.ports()
        assert await ports.keeps_links(SOURCE)
        await filing_away(bench)
        assert not await ports.keeps_links(SOURCE)
        space = Workspace(bench.wiring, bench.wiring.home, "tester", read_only=False, attached=True)
        assert {(row.supported, row.new > 0) for row in await space.imports() if row.kind is Kind.CUSTOMER} == {
            (False, True)
        }
        assert await space.item_groups(SOURCE) == ()
        refused = await bench.ask("import", connection=SOURCE, tenant=british, kind="customer")
        assert (refused.state, refused.error) == (RequestState.FAILED, "Filing can't take customers")
        await policy(bench, british, generate={"customer": "{n:04}"})
        refused = await bench.ask("import", connection=SOURCE, tenant=british, kind="customer", numbers="1")
        assert "can't be given numbers" in refused.error
        before = await writes(bench, "halo")
        plan = await bench.sync()
        assert await held(bench, british, "Invoices")
        assert await linked(bench, Kind.INVOICE)
        mine = await operations(bench, plan=plan, side=Side.SOURCE)
        assert not [o for o in mine if o.verb is not Verb.ATTACH], "nothing else is written back"
        assert await writes(bench, "halo") == before, "links stay here alone"
        # The same connection, allowed to write: what was refused goes.
        await filing_away(bench, write="on")
        assert await ports.keeps_links(SOURCE)
        assert await space.item_groups(SOURCE)
        await bench.done("import", connection=SOURCE, tenant=british, kind="customer")


async def test_settings_that_fit_no_longer_lose_no_link(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60) as bench:
        ports = bench.wiring.ports()
        await filing_away(bench, calls_per_window="many")
        with pytest.raises(SyncError):
            await ports.abilities(SOURCE)
        assert await ports.keeps_links(SOURCE), "a link that can't be written waits"
        assert not await ports.keeps_links("nobody")
