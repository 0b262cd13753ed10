"""The verdict on a folder of recorded traffic: which differences from Xero's files nobody has explained."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from tests.contract.known import KNOWN, SPOILT, Known
from tests.contract.openapi import Difference, judged


@dataclass
class Verdict:
    """What came of judging traffic: ``exchanges`` counted, differences without a reason, entries that were used."""

    exchanges: int = 0
    unexplained: list[Difference] = field(default_factory=list)
    used: set[Known] = field(default_factory=set)
    operations: set[str] = field(default_factory=set)

    def words(self) -> str:
        """Return the verdict for people, each kind of difference once."""
        kinds = {(found.operation, found.side, found.place, found.what): found for found in self.unexplained}
        return "\n".join(str(found) for found in sorted(kinds.values()))


def verdict(specs: str, traffic: Path) -> Verdict:
    """Judge every exchange in ``traffic`` by the files under ``specs``."""
    made = Verdict()
    for file in sorted(traffic.glob("*.jsonl")):
        for text in file.read_text("utf-8").splitlines():
            made.exchanges += 1
            for found in judged(str(Path(specs) / "xero"), json.loads(text)):
                reasons = [known for known in KNOWN if known.fits(found)]
                made.used.update(reasons)
                if not reasons and not any(known.fits(found) for known in SPOILT):
                    made.unexplained.append(found)
    return made
