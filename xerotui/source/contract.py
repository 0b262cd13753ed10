"""What a source plugin is: the `Source` class with the values that go in and out of it."""

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar, Protocol

import msgspec

from xerotui.model.kinds import Kind, Trade
from xerotui.model.problems import Problem
from xerotui.model.records import Record
from xerotui.model.settling import Settlement
from xerotui.net.http import HttpClient, Response
from xerotui.net.limits import Limits, Throttled
from xerotui.source.abilities import Abilities, Capability
from xerotui.source.emulating import Emulator

# The contract's version: a plugin states the one it was built for as `XEROTUI_CONTRACT`.
CONTRACT = 1


class Target(StrEnum):
    """What at Xero a mapping spec maps to."""

    TAX_RATE = "tax_rate"
    ACCOUNT = "account"
    ITEM = "item"
    TRACKING = "tracking"
    THEME = "theme"


class MappingSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of mapping: from a source value to something of a tenant.

    Screen, command, check and readiness step are drawn from it. `kinds` are those whose records need it.
    """

    id: str
    title: str
    source_title: str
    target: Target
    kinds: tuple[Kind, ...]
    trades: tuple[Trade, ...] = (Trade.SALES,)
    equal_rates: bool = False
    help: str = ""


# Of a source that marks its lines with tracking options, under placeholders of its own (`Line.tracked`): it lists this
# spec among its own, and `choices` names the placeholders. One of the name of a category needs no mapping.
TRACKING = MappingSpec(
    id="tracking",
    title="Tracking",
    source_title="Tracking placeholder",
    target=Target.TRACKING,
    kinds=(Kind.INVOICE,),
    help="Which tracking category the options of each placeholder belong to; or that they aren't sent at all.",
)


class TextField(msgspec.Struct, frozen=True):
    """A named text of a line that can be chosen for the Xero line description (H39)."""

    name: str
    title: str


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a listing: records, ids that the source says are gone, and the cursor after it.

    The cursor is opaque to the core; it is stored in the transaction that stores the records. A record that
    can't be read is named in `skipped` as (id, reason) and never stops the page. `trouble` says what is wrong with the
    listing as a whole (fewer rows than counted); it stands with the page that carries the cursor.
    """

    records: tuple[Record, ...] = ()
    gone: tuple[str, ...] = ()
    cursor: str = ""
    skipped: tuple[tuple[str, str], ...] = ()
    trouble: str = ""


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """The natural keys by which `find` looks: any may be blank."""

    xero_id: str = ""
    number: str = ""
    name: str = ""
    tenant: str = ""


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A link to be written back to the source record: the Xero id, the final number, tenant and status.

    A blank tenant leaves the record offered to every organisation, as it was.
    """

    kind: Kind
    record: str
    xero_id: str
    tenant: str
    number: str = ""
    status: str = ""


class Fact(msgspec.Struct, frozen=True):
    """One line of a connection check: `ok` False is a fault with its remedy."""

    title: str
    value: str
    ok: bool = True
    remedy: str = ""


class ReadinessStep(msgspec.Struct, frozen=True, kw_only=True):
    """A thing to be done before the first sync, in the order that the source declares.

    `what`: connect, tenant, reference, import, map, entities, settings or start; `kind` or `spec` says of which. An
    optional one may be left as it is once a person looked at it, unless documents wait for it.
    """

    id: str
    title: str
    what: str
    kind: Kind | None = None
    spec: str = ""
    command: str = ""
    optional: bool = False


class Gone(Exception):
    """The source answers that this very record no longer exists."""


class SourceRefused(Exception):
    """The source refused: its own words, and whether the thing asked for surely did not happen."""

    def __init__(self, said: str, *, status: int = 0, certain: bool = True) -> None:
        super().__init__(said)
        self.said = said
        self.status = status
        self.certain = certain


class SourceUnreachable(Exception):
    """The source can't be reached or doesn't answer; `sent` tells whether the request may have arrived."""

    def __init__(self, said: str, *, sent: bool) -> None:
        super().__init__(said)
        self.said = said
        self.sent = sent


class SourceLocked(Exception):
    """The login is refused: reconnect. The words say what to do."""


class Secrets(Protocol):
    """The connection's secrets in the vault."""

    async def get(self, name: str) -> str:
        """A secret, blank where there is none of that name."""
        ...

    async def put(self, name: str, value: str) -> None:
        """Keep a secret under a name, in place of what was there."""
        ...


class Context(Protocol):
    """What the core lends to a source: nothing else of the core reaches a plugin."""

    connection: str
    http: HttpClient
    secrets: Secrets
    log: Any

    def now(self) -> dt.datetime:
        """World time in UTC."""
        ...

    def cancelled(self) -> bool:
        """True when the work should stop at the next page."""
        ...


class Source(ABC):
    """One connection to a PSA or CRM system.

    Subclasses set the class attributes and implement what they declare; what a connection can't do by its settings
    is left out by `abilities`. All amounts are Decimal, all instants aware UTC, all ids text. Methods raise
    `SourceRefused`, `SourceUnreachable`, `SourceLocked`; anything else is a fault of the plugin, reported as such.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    # Told before the settings are asked for: who is better served by another source; "" where nobody is.
    beforehand: ClassVar[str] = ""
    settings_type: ClassVar[type[msgspec.Struct]]
    kinds: ClassVar[tuple[Kind, ...]]
    capabilities: ClassVar[frozenset[Capability]]
    specs: ClassVar[tuple[MappingSpec, ...]] = ()
    text_fields: ClassVar[tuple[TextField, ...]] = ()
    readiness: ClassVar[tuple[ReadinessStep, ...]] = ()
    # Kinds that `import` can create in the source.
    importable: ClassVar[tuple[Kind, ...]] = ()
    # Kinds that `hand_over` takes, where they can't be created.
    handed: ClassVar[tuple[Kind, ...]] = ()
    # Kinds of which `remove` can take records away.
    removable: ClassVar[tuple[Kind, ...]] = ()
    # The id under which `choices` lists the groups that new items can be put into; "" where there are none.
    item_groups: ClassVar[str] = ""
    # Fields of records of a kind that `amend` can set, by the names that the records themselves have.
    amendable: ClassVar[Mapping[Kind, tuple[str, ...]]] = {}
    # Kinds for which `new_number` gives account numbers or codes.
    numbering: ClassVar[tuple[Kind, ...]] = ()
    # How many attachments one call may carry; more than one only where repeating the call changes nothing.
    attach_batch: ClassVar[int] = 1

    def __init__(self, settings: Any, context: Context) -> None:
        self.settings = settings
        self.context = context

    @classmethod
    def abilities(cls, settings: Any) -> Abilities:
        """What a connection of these settings can do, without asking anybody; never more than `declared`."""
        return cls.declared()

    @classmethod
    def declared(cls) -> Abilities:
        """The most that any connection can do: what the class attributes say."""
        return Abilities(
            capabilities=cls.capabilities,
            importable=cls.importable,
            handed=cls.handed,
            removable=cls.removable,
            item_groups=cls.item_groups,
            amendable=cls.amendable,
            numbering=cls.numbering,
            attach_batch=cls.attach_batch,
        )

    @property
    def can(self) -> Abilities:
        """What this connection can do."""
        return self.abilities(self.settings)

    @classmethod
    @abstractmethod
    def limits(cls, settings: Any) -> tuple[str, Limits]:
        """The key that the vendor counts by, and its limits."""

    @classmethod
    def throttled(cls, response: Response) -> Throttled | None:
        """A throttle answer, read; None when it isn't one."""
        return None

    @abstractmethod
    async def check(self) -> tuple[Fact, ...]:
        """Prove that the connection works; used by connect and doctor."""

    @abstractmethod
    def pages(self, kind: Kind, cursor: str) -> AsyncIterator[Page]:
        """Stream what changed since the cursor ("" = everything), with an overlap of the source's choosing."""

    async def choices(self, spec: str) -> tuple[Record, ...]:
        """The source values of one of its own mapping specs."""
        return ()

    async def get(self, kind: Kind, id: str) -> Record:
        """One record as it is now. Raises `Gone` when the source says that it doesn't exist."""
        raise SourceRefused(f"{self.title} can't read single {kind.plural}")

    async def vanished(self, kind: Kind, ids: Sequence[str]) -> tuple[str, ...]:
        """Of these ids those that a cheap listing no longer shows: suspects, each of which is asked for with `get`."""
        return ()

    async def native_sync(self) -> Mapping[str, tuple[Kind, ...]]:
        """The kinds that the source's own sync with Xero writes, by tenant ("" = every one); none where it is off.

        With `Capability.NATIVE`. Raises SourceRefused where that can't be seen.
        """
        return {}

    async def find(self, kind: Kind, keys: Keys) -> tuple[Record, ...]:
        """Every record that carries the Xero id, or the number, or the name, inactive ones included."""
        raise SourceRefused(f"{self.title} can't look up {kind.plural}")

    async def save(self, kind: Kind, record: Record) -> str:
        """Create one record with its Xero id in it; the new id."""
        raise SourceRefused(f"{self.title} can't save {kind.plural}")

    async def hand_over(self, kind: Kind, records: Sequence[Record]) -> str:
        """Give new records of Xero to the source's own importer, as a file replaced whole; its name, for people.

        They are all that wait to be taken over there, each with its Xero id; none where all of it came back.
        Repeating it must change nothing.
        """
        raise SourceRefused(f"{self.title} takes no {kind.plural} as a file")

    async def amend(self, kind: Kind, id: str, changes: Mapping[str, Any]) -> Record:
        """Set these fields of one record, valued as the record holds them; the record as the source has it then.

        Fields that aren't named stay; repeating it must change nothing.
        """
        raise SourceRefused(f"{self.title} can't change {kind.plural}")

    async def new_number(self, kind: Kind, record: Record) -> str:
        """The account number or code that the source's own series has for this record; nothing is written to it."""
        raise SourceRefused(f"{self.title} gives {kind.plural} no numbers")

    async def uses(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, str]:
        """Which of these records something else of the source uses, in words by id, beyond the records it lists."""
        return {}

    async def remove(self, kind: Kind, id: str) -> None:
        """Take one record away; `SourceRefused` where something uses it. One that is gone already is no fault."""
        raise SourceRefused(f"{self.title} removes no {kind.plural}")

    async def attach(self, attachments: Sequence[Attachment]) -> None:
        """Write links back; repeating it must change nothing."""
        raise SourceRefused(f"{self.title} can't keep links")

    async def settle(self, kind: Kind, id: str, settlement: Settlement) -> tuple[str, ...]:
        """Let a document show what was paid on it in Xero; what of it can't be held, as sentences.

        Each payment is looked for by its Xero id before it is made, so that repeating it changes nothing; one that was
        taken back is taken back here. Credit is never made to look like money.
        """
        raise SourceRefused(f"{self.title} can't keep payments")

    async def void(self, kind: Kind, id: str) -> None:
        """Void a document; one that is void already stays as it is."""
        raise SourceRefused(f"{self.title} can't void {kind.plural}")

    async def void_effect(self, kind: Kind) -> str:
        """In a sentence for the person who decides: what else voiding such a document does at the source."""
        return ""


class ResolveContext(msgspec.Struct, frozen=True, kw_only=True):
    """What `xerotui_resolve` and `xerotui_check` may know beside record and posting.

    `settings` are the connection's settings without secrets; `choices` the source values of its own specs by
    (spec, id); `mapped` the stored mappings by (spec, source value) for this tenant.
    """

    source: str
    connection: str
    tenant: str
    settings: Mapping[str, Any]
    choices: Mapping[tuple[str, str], Record]
    mapped: Mapping[tuple[str, str], str]


class FieldChange(msgspec.Struct, frozen=True):
    """A change that a plugin makes to a posting: path like `reference` or `lines.0.description`, new value, why."""

    path: str
    value: str
    why: str


__all__ = [
    "CONTRACT",
    "TRACKING",
    "Abilities",
    "Attachment",
    "Capability",
    "Context",
    "Emulator",
    "Fact",
    "FieldChange",
    "Gone",
    "Keys",
    "MappingSpec",
    "Page",
    "Problem",
    "ReadinessStep",
    "ResolveContext",
    "Secrets",
    "Source",
    "SourceLocked",
    "SourceRefused",
    "SourceUnreachable",
    "Target",
    "TextField",
]
