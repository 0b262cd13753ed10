"""What every area of the workspace stands on: the wiring, who acts, and the read-only gate."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from xerotui.model.problems import SyncError
from xerotui.model.work import Operation
from xerotui.net.errors import NetError
from xerotui.net.governor import for_people
from xerotui.net.oauth import OAuthError
from xerotui.source.contract import SourceLocked, SourceRefused, SourceUnreachable
from xerotui.sync.pull import words
from xerotui.workspace.command import Danger
from xerotui.workspace.commands import BY_ID
from xerotui.workspace.home import Home
from xerotui.workspace.pages import OperationRow
from xerotui.workspace.wiring import Wiring

Key = TypeVar("Key", bound=tuple[Any, ...])
REFUSED = 4
NOT_CONNECTED = 3
WORKER = 5


class Area:
    """The base of all areas."""

    def __init__(self, wiring: Wiring, place: Home, actor: str, *, read_only: bool, attached: bool) -> None:
        self.wiring = wiring
        self.place = place
        self.home: Path = place.root
        self.actor = actor
        self.read_only = read_only
        # True: worker and console end together (demo, tests).
        self.attached = attached

    def gate(self, command: str) -> None:
        """Refuse what changes something where this person only reads; the registry says what does.

        Raises SyncError.
        """
        known = BY_ID.get(command)
        if self.read_only and (known is None or known.danger is not Danger.READS):
            raise SyncError(
                "This console only reads",
                "Start it without --read-only to change something.",
                code="core.read_only",
                exit_code=REFUSED,
            )

    async def audit(self, action: str, subject: str, **detail: str) -> None:
        """Note who changed what."""
        ledger = self.wiring.ledger
        async with ledger.write() as tx:
            await ledger.audit.append(tx, self.actor, action, subject, detail, self.wiring.clock.now())


@asynccontextmanager
async def told(who: str) -> AsyncIterator[None]:
    """Turn the other side's failures into sentences with a remedy; what is called in here goes first.

    Raises SyncError.
    """
    try:
        with for_people():
            yield
    except SyncError:
        raise
    except OAuthError as error:
        raise SyncError(error.sentence, error.remedy, code="core.login", exit_code=NOT_CONNECTED) from None
    except NetError as error:
        raise SyncError(
            f"{who} can't be reached: {error.sentence}",
            "Check address and network, then try again.",
            code="core.unreachable",
            exit_code=NOT_CONNECTED,
        ) from None
    except (SourceLocked, SourceRefused, SourceUnreachable) as error:
        raise words(error, who) from None


def operation_row(operation: Operation) -> OperationRow:
    """An operation as a line of the queue."""
    return OperationRow(
        id=operation.id,
        side=operation.side.value,
        kind=operation.kind,
        verb="link" if operation.verb.value == "attach" else operation.verb.value,
        state=operation.state.value,
        title=operation.title,
        party=operation.party,
        tenant=operation.tenant,
        currency=operation.currency,
        total=operation.total,
        attempts=operation.attempts,
        error=operation.error,
        updated=operation.updated,
    )


def totalled(numbers: Mapping[Key, int], index: int) -> dict[str, int]:
    """Counts by tuple keys, added up by one member of the key; zeroes left out."""
    out: dict[str, int] = {}
    for key, n in numbers.items():
        word = str(key[index])
        out[word] = out.get(word, 0) + n
    return {word: n for word, n in out.items() if n}
