"""Halo read alone unless its settings say otherwise: a source whose connections can do different things.

New customers, suppliers and tax rates of Xero go into a folder, as records in files that are replaced whole.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec

from xerotui.model import records
from xerotui.model.kinds import Kind
from xerotui.model.records import Record
from xerotui.model.settings import Title
from xerotui.source.contract import Abilities, Capability, Source, SourceRefused
from xerotui.source.hooks import hookimpl
from xerotui_halo.settings import HaloSettings
from xerotui_halo.source import HaloSource

XEROTUI_CONTRACT = 1
NAME = "filing"
_READ = frozenset({Capability.FIND, Capability.DELTA, Capability.GONE})


class FilingSettings(HaloSettings, kw_only=True):
    """Halo's, whether it is written to, and the folder of its importer."""

    write: Annotated[bool, Title("Write")] = False
    folder: Annotated[str, Title("Folder")] = ""


class FilingSource(HaloSource):
    """Without `write` nothing is written but files."""

    name = NAME
    title = "Filing"
    settings_type = FilingSettings
    capabilities = HaloSource.capabilities | {Capability.HAND_OVER}
    handed = (Kind.CUSTOMER, Kind.SUPPLIER, Kind.TAX_RATE)

    @classmethod
    def abilities(cls, settings: Any) -> Abilities:
        """What is read and handed over; with `write` all of it."""
        if settings.write:
            return cls.declared()
        can = _READ | ({Capability.HAND_OVER} if settings.folder else set())
        return Abilities(capabilities=can, handed=cls.handed if settings.folder else ())

    async def hand_over(self, kind: Kind, some: Sequence[Record]) -> str:
        """One file a kind, replaced at once."""
        name = f"{kind.plural.replace(' ', '_')}_new.json"
        place = Path(self.settings.folder)  # type: ignore[attr-defined]
        fresh = place / f".{name}"
        try:
            fresh.write_bytes(msgspec.json.encode([records.encode(one).decode() for one in some]))
            os.replace(fresh, place / name)
        except OSError as error:
            raise SourceRefused(f"{name} can't be written: {error.strerror}") from None
        return name


def filed(folder: Path, kind: Kind) -> list[Record]:
    """What lies in the folder of a kind."""
    texts = msgspec.json.decode((folder / f"{kind.plural.replace(' ', '_')}_new.json").read_bytes(), type=list[str])
    return [records.decode(text.encode()) for text in texts]


@hookimpl
def xerotui_sources() -> Sequence[type[Source]]:
    """The one source."""
    return [FilingSource]
