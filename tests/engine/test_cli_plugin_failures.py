"""A source whose calls raise is named where plugins are listed, until it goes again."""

from pathlib import Path

import pytest

from tests.plugins_zoo import raising_source, sound
from xerotui.cli.codes import Exit
from xerotui.model.problems import SyncError
from xerotui.store import SourceConnection
from xerotui.sync.pull import FAILED, pull_source
from xerotui.workspace.door import Workspace


async def test_a_source_that_raises_is_named_on_plugins_until_it_goes_again(tmp_path: Path) -> None:
    space = await Workspace.open(tmp_path / "home", attached=True)
    registry = space.wiring.registry
    for module, name in ((raising_source, "zoo-raising"), (sound, "zoo-sound")):
        registry.register(module, name)
    try:
        for name in ("raising", "sound"):
            document = SourceConnection(id=name, name=name.title(), source=name, created=space.wiring.clock.now())
            async with space.wiring.book.edit() as db:
                db.put_source(document)
        with pytest.raises(SyncError) as caught:
            await pull_source(space.wiring.ports(), "raising")
        assert (caught.value.code, caught.value.exit_code) == ("core.plugin", Exit.NOT_CONNECTED)
        rows = {row.name: row for row in await space.plugins()}
        assert rows["zoo-raising"].state == "failed"
        assert "ZeroDivisionError" in rows["zoo-raising"].error
        assert "Raising" in rows["zoo-raising"].error
        assert rows["zoo-sound"].state != "failed"
        async with space.wiring.ledger.write() as tx:
            await space.wiring.ledger.marks.set(tx, FAILED + "sound", "it failed yesterday")
        assert "yesterday" in {row.name: row for row in await space.plugins()}["zoo-sound"].error
        await pull_source(space.wiring.ports(), "sound")
        assert {row.name: row for row in await space.plugins()}["zoo-sound"].error == ""
    finally:
        for name in ("zoo-raising", "zoo-sound"):
            registry.unregister(name)
        await space.close()
