"""Numbers that plans hold for a source's records until they are written there: none is given to two."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from xerotui.model.kinds import PARTIES, Kind, Side
from xerotui.model.work import OPEN, Operation, State, Verb
from xerotui.sync.pair import code_key
from xerotui.sync.ports import Ports

# The field of a record that gets the number.
FIELD = {Kind.CUSTOMER: "number", Kind.SUPPLIER: "number", Kind.ITEM: "code"}


def _shared(kind: Kind) -> Kind:
    return Kind.CUSTOMER if kind in PARTIES else kind


@dataclass
class Promised:
    """Numbers that are given already: as they are compared, and to what records.

    Customers and suppliers share theirs, because both are contacts in Xero.
    `mine` are those of the plan that is worked out anew, with the rung of each: they stay as long as they are free.
    """

    numbers: dict[Kind, set[str]] = field(default_factory=dict)
    records: set[tuple[Kind, str]] = field(default_factory=set)
    mine: dict[tuple[Kind, str], tuple[str, str]] = field(default_factory=dict)

    def add(self, kind: Kind, record: str, number: str) -> None:
        """Promise a number to a record."""
        self.records.add((kind, record))
        self.numbers.setdefault(_shared(kind), set()).add(code_key(number))

    def has(self, kind: Kind, number: str) -> bool:
        """Whether a number is promised to a record of a kind."""
        return code_key(number) in self.of(kind)

    def of(self, kind: Kind) -> set[str]:
        """The numbers that no further record of a kind may get."""
        return self.numbers.get(_shared(kind), set())

    def reserved(self, kind: Kind) -> set[str]:
        """The numbers that the plan which is worked out anew has for records of a kind."""
        return {code_key(number) for (of, _), (number, _) in self.mine.items() if _shared(of) is _shared(kind)}

    def kept(self, kind: Kind, record: str, rung: str) -> str:
        """The number that a plan worked out anew has for a record by the same rung; "" where there is none."""
        number, by = self.mine.get((kind, record), ("", ""))
        return number if by == rung else ""


def given(operations: Iterable[Operation]) -> Iterator[tuple[Operation, str]]:
    """Of these operations those that write a number where there was none, each with it."""
    for o in operations:
        if o.side is not Side.SOURCE or o.verb is not Verb.UPDATE:
            continue
        for change in o.changes:
            if change.path == FIELD.get(o.kind) and not change.before:
                yield o, change.after


async def held(ports: Ports, connection: str, *, anew: Sequence[Operation] = (), beside: str | None = None) -> Promised:
    """What plans under way write into a source; `anew` are the operations of a plan that is worked out once more.

    Of a plan that goes `beside` those of other organisations, one for this organisation alone, what waits in theirs
    for approval counts as well.
    """
    states = OPEN if beside is None else (State.PLANNED, *OPEN)
    async with ports.ledger.read() as tx:
        found = await ports.ledger.work.find(
            tx, connection=connection, side=Side.SOURCE, verb=Verb.UPDATE, states=states
        )
    mine = {o.id for o in anew}
    promised = Promised()
    for o, number in given(found):
        if o.id not in mine and not (o.state is State.PLANNED and o.tenant == beside):
            promised.add(o.kind, o.record, number)
    for o, number in given(anew):
        promised.mine[(o.kind, o.record)] = (number, o.rungs.get(FIELD[o.kind], ""))
    return promised


__all__ = ["FIELD", "Promised", "given", "held"]
