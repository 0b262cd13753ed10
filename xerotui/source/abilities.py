"""What a source can do: the capabilities that it declares, and what of them one connection has by its settings."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from xerotui.model.kinds import Kind


class Capability(StrEnum):
    """What a source declares that it can do; what isn't declared is shown as such, never tried."""

    FIND = "find"
    SAVE = "save"
    HAND_OVER = "hand_over"
    ATTACH = "attach"
    DELTA = "delta"
    GONE = "gone"
    NATIVE = "native"
    AMEND = "amend"
    NUMBER = "number"
    REMOVE = "remove"
    SETTLE = "settle"
    VOID = "void"


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What one connection can do. Each field but `closed` is the class attribute of `Source` of the same name."""

    capabilities: frozenset[Capability] = frozenset()
    importable: tuple[Kind, ...] = ()
    handed: tuple[Kind, ...] = ()
    removable: tuple[Kind, ...] = ()
    item_groups: str = ""
    amendable: Mapping[Kind, tuple[str, ...]] = {}
    numbering: tuple[Kind, ...] = ()
    attach_batch: int = 1
    # Where new records are taken in no way: what has to be set for it, as a sentence.
    closed: str = ""

    def has(self, capability: Capability) -> bool:
        """Whether the connection has a capability."""
        return capability in self.capabilities

    def creates(self, kind: Kind) -> bool:
        """Whether records of a kind can be created in the source; `find` proves that none is made twice."""
        return {Capability.FIND, Capability.SAVE} <= self.capabilities and kind in self.importable

    def hands_over(self, kind: Kind) -> bool:
        """Whether new records of a kind go to the source's own importer, as they can't be created there."""
        return self.has(Capability.HAND_OVER) and kind in self.handed and not self.creates(kind)

    def beyond(self, most: "Abilities") -> str:
        """What of these isn't among the most that any connection of the source can do; "" where nothing is."""
        for name in ("capabilities", "importable", "handed", "removable", "numbering"):
            if more := set(getattr(self, name)) - set(getattr(most, name)):
                return f"{name}: {', '.join(sorted(more))}"
        for kind, names in self.amendable.items():
            if more := set(names) - set(most.amendable.get(kind, ())):
                return f"amendable: {', '.join(sorted(more))} of {kind}"
        if self.item_groups not in ("", most.item_groups):
            return f"item_groups: {self.item_groups}"
        return f"attach_batch: {self.attach_batch}" if not 1 <= self.attach_batch <= most.attach_batch else ""


__all__ = ["Abilities", "Capability"]
