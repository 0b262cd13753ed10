"""Work: operations, calls, plans, runs, requests and their states, as the ledger keeps and the screens show them."""

import datetime as dt
from decimal import Decimal
from enum import StrEnum

import msgspec

from xerotui.model.kinds import Kind, Side
from xerotui.model.postings import Change


class State(StrEnum):
    """Where an operation stands: DESIGN section 5."""

    PLANNED = "planned"
    APPROVED = "approved"
    READY = "ready"
    SENDING = "sending"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    VERIFIED = "verified"
    BLOCKED = "blocked"
    PARKED = "parked"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


OPEN = (State.APPROVED, State.READY, State.SENDING, State.UNKNOWN)
DONE = (State.CONFIRMED, State.VERIFIED)
FAILED = (State.REJECTED, State.PARKED)

# What may follow what. The store refuses anything else.
TRANSITIONS: dict[State, tuple[State, ...]] = {
    State.PLANNED: (State.APPROVED, State.CANCELLED, State.SUPERSEDED),
    State.APPROVED: (State.READY, State.BLOCKED, State.CANCELLED, State.SUPERSEDED, State.PARKED),
    State.READY: (State.SENDING, State.BLOCKED, State.CANCELLED, State.SUPERSEDED, State.PARKED),
    State.SENDING: (State.CONFIRMED, State.REJECTED, State.UNKNOWN, State.READY, State.PARKED),
    State.UNKNOWN: (State.CONFIRMED, State.REJECTED, State.READY, State.SENDING, State.PARKED),
    State.CONFIRMED: (State.VERIFIED,),
    State.BLOCKED: (State.APPROVED, State.READY, State.CANCELLED, State.SUPERSEDED),
    State.PARKED: (State.READY, State.CANCELLED, State.SUPERSEDED),
    State.REJECTED: (State.CANCELLED, State.SUPERSEDED),
    State.VERIFIED: (),
    State.CANCELLED: (),
    State.SUPERSEDED: (),
}


class Verb(StrEnum):
    """What an operation does."""

    CREATE = "create"
    UPDATE = "update"
    ARCHIVE = "archive"
    VOID = "void"
    DELETE = "delete"
    ALLOCATE = "allocate"
    # Takes an allocation of credit back.
    DEALLOCATE = "deallocate"
    PAY = "pay"
    SETTLE = "settle"
    ATTACH = "attach"
    # Gives a record to the source's own importer, in a file.
    HAND_OVER = "hand_over"
    # Writes our own id into the history of a record in Xero.
    NOTE = "note"


class Basis(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an operation was worked out from; when one of these moves, the operation is stale."""

    fingerprint: str = ""
    mappings: dict[str, int] = {}
    xero_version: str = ""
    # Of what people chose for this very document; blank for nothing.
    overrides: str = ""


class Operation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One intended effect. `body` is the encoded posting (xero) or record (source) that it writes."""

    id: str
    plan: str
    side: Side
    lane: str
    kind: Kind
    verb: Verb
    state: State = State.PLANNED
    connection: str
    tenant: str
    record: str
    title: str = ""
    party: str = ""
    target: str = ""
    body: bytes = b""
    basis: Basis = Basis()
    changes: tuple[Change, ...] = ()
    # Where each value came from, by path: link, mapping, source, default, plugin.
    rungs: dict[str, str] = {}
    needs: tuple[str, ...] = ()
    currency: str = ""
    total: Decimal | None = None
    call: str = ""
    attempts: int = 0
    not_before: dt.datetime | None = None
    error: str = ""
    updated: dt.datetime | None = None


class CallState(StrEnum):
    """Where a call stands; an open one is found again after a kill."""

    SENDING = "sending"
    UNKNOWN = "unknown"
    SETTLED = "settled"


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One HTTP request for an ordered list of operations; key and exact body are stored before it leaves."""

    id: str
    lane: str
    kind: Kind
    verb: Verb
    method: str
    path: str
    key: str
    body: bytes
    operations: tuple[str, ...]
    state: CallState = CallState.SENDING
    first_sent: dt.datetime
    attempts: int = 1
    status: int = 0


class PlanState(StrEnum):
    """Where a plan stands."""

    READY = "ready"
    APPROVED = "approved"
    APPLYING = "applying"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"
    DISCARDED = "discarded"


class PlanKind(StrEnum):
    """What a plan does: documents to Xero, or records into the source."""

    SYNC = "sync"
    IMPORT = "import"


class PlanTotal(msgspec.Struct, frozen=True):
    """Number and sum of the documents of one tenant, currency, kind and verb (`blocked` is a verb here)."""

    tenant: str
    currency: str
    kind: Kind
    verb: str
    documents: int
    total: Decimal


class DefaultUse(msgspec.Struct, frozen=True):
    """Lines of one tenant, kind and currency that go out under the default item `code`, and their sum.

    The sum is that of the line amounts as they are sent: with tax where the document's amounts include it.
    """

    tenant: str
    kind: Kind
    code: str
    currency: str
    lines: int
    total: Decimal


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A saved, hashed, expiring list of operations."""

    id: str
    kind: PlanKind
    connection: str
    tenants: tuple[str, ...]
    state: PlanState
    hash: str
    created: dt.datetime
    expires: dt.datetime
    actor: str = ""
    follows: str = ""
    # Follow-up plans made only of what this one lists as blocked are approved in advance.
    follow: bool = False
    title: str = ""
    counts: dict[str, int] = {}
    totals: tuple[PlanTotal, ...] = ()
    calls: int = 0
    minutes: int = 0
    problems: dict[str, int] = {}
    moved: tuple[str, ...] = ()
    # What was asked for beside the pair: an import's kind and item group.
    options: dict[str, str] = {}
    # Documents that would be voided or deleted in Xero, which takes a person's reason (H35).
    removals: int = 0
    # What else approval would do, as sentences that a person reads first.
    warnings: tuple[str, ...] = ()
    # Every use of a default item: a code that nobody chose for the line (H22).
    defaults: tuple[DefaultUse, ...] = ()


class RequestState(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"
    TAKEN = "taken"
    DONE = "done"
    FAILED = "failed"


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person asked of the worker: `verb` with arguments, and the answer when it is done."""

    id: str
    verb: str
    args: dict[str, str] = {}
    actor: str = ""
    state: RequestState = RequestState.WAITING
    created: dt.datetime
    answer: dict[str, str] = {}
    error: str = ""
    remedy: str = ""
    progress: str = ""


class Link(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """(connection, kind, source id, tenant) to a Xero id; `posting` as last sent, `version` its UpdatedDateUTC."""

    connection: str
    kind: Kind
    record: str
    tenant: str
    xero_id: str
    number: str = ""
    posting: bytes = b""
    fingerprint: str = ""
    version: str = ""
    how: str = "created"
    attached: bool = False
    at: dt.datetime | None = None


class Topic(StrEnum):
    """What the change counter counts by."""

    REQUESTS = "requests"
    PLANS = "plans"
    QUEUE = "queue"
    PROBLEMS = "problems"
    SNAPSHOTS = "snapshots"
    LINKS = "links"
    BOOK = "book"
    WORKERS = "workers"
    BUDGET = "budget"
    AUDIT = "audit"
    APART = "apart"


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The carrying out of a plan; `counts` by final state, `error` when it stopped for a reason of its own."""

    id: str
    plan: str
    kind: PlanKind
    started: dt.datetime
    ended: dt.datetime | None = None
    total: int = 0
    counts: dict[str, int] = {}
    calls: int = 0
    error: str = ""
