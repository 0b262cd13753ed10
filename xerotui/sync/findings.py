"""What resolving one record came to: the posting with each value's rung, or the problems that stop it."""

from dataclasses import dataclass, field

from xerotui.model.kinds import Kind
from xerotui.model.postings import Posting
from xerotui.model.problems import CORE, Place, Problem, RecordRef
from xerotui.model.records import Record
from xerotui.store import Chosen, Mapping


def title_of(record: Record) -> str:
    """What people call a record: a document's number, else its name."""
    return getattr(record, "number", "") or record.name or record.id if _is_document(record) else record.name


def _is_document(record: Record) -> bool:
    return hasattr(record, "lines")


@dataclass
class Findings:
    """Gathered while one record is resolved."""

    ref: RecordRef
    posting: Posting | None = None
    rungs: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    used: list[Mapping] = field(default_factory=list)
    # Source records that must be in Xero first, as (kind, id).
    waits: list[tuple[Kind, str]] = field(default_factory=list)
    skip: tuple[str, str] | None = None
    # What people chose for this very document.
    chosen: Chosen = field(default_factory=Chosen)

    @property
    def blocked(self) -> bool:
        """True when a problem stops the record."""
        return any(p.blocks for p in self.problems)

    def problem(
        self, code: str, subject: str, sentence: str, *, place: Place | None = None, blocks: bool = True, said: str = ""
    ) -> None:
        """Record a problem of the core's own codes; one cause is listed once a record."""
        if any(p.cause == (code, subject) for p in self.problems):
            return
        self.problems.append(
            Problem(
                code=code,
                subject=subject,
                record=self.ref,
                sentence=sentence,
                remedy=CORE[code].remedy,
                place=place,
                blocks=blocks,
                said=said,
            )
        )

    def value(self, path: str, rung: str, mapping: Mapping | None = None) -> None:
        """Remember from where a value came, and the mapping that gave it."""
        self.rungs[path] = rung
        if mapping is not None:
            self.used.append(mapping)
