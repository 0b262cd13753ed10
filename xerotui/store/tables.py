"""The ledger's tables. A table is written by one module alone, named at its definition.

Texts and numbers are never NULL, so that keysets work: blank and 0 stand for none. Instants are microseconds since
1970 in UTC; amounts are exact text, beside them millionths for sorting and sums. Lasting structs are JSON text.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

from xerotui.model.kinds import PARTIES
from xerotui.model.work import OPEN, State

metadata = MetaData()
LIVE = (*OPEN, State.BLOCKED)


def _text(name: str, **more: Any) -> Column[str]:
    return Column(name, Text, nullable=False, **more)


def _whole(name: str, **more: Any) -> Column[int]:
    return Column(name, BigInteger, nullable=False, **more)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean(create_constraint=False), nullable=False)


def _key(*names: str) -> list[Column[str]]:
    return [_text(name, primary_key=True) for name in names]


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def _among(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(str(v)) for v in values)})"


# changes.py
changes = Table("changes", metadata, *_key("topic"), _whole("value"))
marks = Table("marks", metadata, *_key("name"), _text("value"))

# snapshots.py
snapshots = Table(
    "snapshots",
    metadata,
    *_key("side", "connection", "kind", "id"),
    Column("shape", Integer, nullable=False),
    _text("fingerprint"),
    _flag("gone"),
    _text("title"),
    _text("name_key"),
    _text("number"),
    _text("tenant"),
    _text("party"),
    _text("date"),
    _text("total"),
    _whole("units"),
    _text("currency"),
    _text("xero_id"),
    _text("status"),
    _whole("modified"),
    _whole("seen_at"),
    _bytes("body"),
    Index("ix_snapshots_name", "side", "connection", "kind", "name_key", "id"),
    Index("ix_snapshots_number", "side", "connection", "kind", "number", "id"),
    Index("ix_snapshots_date", "side", "connection", "kind", "date", "id"),
)
cursors = Table("cursors", metadata, *_key("side", "connection", "kind"), _text("cursor"), _whole("at"))
organisations = Table("organisations", metadata, *_key("tenant"), _text("body"), _whole("seen_at"))

# links.py
links = Table(
    "links",
    metadata,
    *_key("connection", "kind", "record", "tenant"),
    _text("xero_id"),
    _text("number"),
    _text("fingerprint"),
    _text("version"),
    _text("how"),
    _flag("attached"),
    _whole("at"),
    _bytes("posting"),
    Index("ix_links_xero", "connection", "tenant", "kind", "xero_id"),
    Index("ix_links_unattached", "connection", "attached", "at"),
    # One Xero contact may be several parties of one source; anything else is one record's alone.
    Index(
        "ux_links_xero",
        "connection",
        "tenant",
        "kind",
        "xero_id",
        unique=True,
        **_where("NOT " + _among("kind", PARTIES)),
    ),
)

# operations.py
operations = Table(
    "operations",
    metadata,
    *_key("id"),
    _whole("seq"),
    _text("plan"),
    _text("side"),
    _text("lane"),
    _text("kind"),
    _text("verb"),
    _text("state"),
    _text("connection"),
    _text("tenant"),
    _text("record"),
    _text("title"),
    _text("search"),
    _text("party"),
    _text("target"),
    _text("currency"),
    _text("total"),
    _whole("units"),
    _text("call"),
    Column("attempts", Integer, nullable=False),
    _whole("not_before"),
    _text("error"),
    _whole("updated"),
    _text("done_number"),
    _text("done_version"),
    _text("basis"),
    _text("changes"),
    _text("rungs"),
    _text("needs"),
    _bytes("body"),
    Index("ux_operations_seq", "seq", unique=True),
    Index("ix_operations_plan", "plan", "seq"),
    Index("ix_operations_state", "state", "seq"),
    Index("ix_operations_tenant", "tenant", "seq"),
    # The side rides along so that a lane is counted from the index alone.
    Index("ix_operations_due", "lane", "state", "kind", "verb", "seq", "side"),
    Index("ix_operations_record", "connection", "kind", "record", "tenant", "side", "state"),
    Index("ix_operations_target", "lane", "target", "state", **_where("target <> ''")),
    Index(
        "ux_operations_live",
        "connection",
        "kind",
        "record",
        "tenant",
        "side",
        "verb",
        unique=True,
        **_where(_among("state", LIVE)),
    ),
)
needs = Table(
    "needs",
    metadata,
    Column("operation", Text, ForeignKey("operations.id"), primary_key=True),
    Column("need", Text, ForeignKey("operations.id"), primary_key=True),
    Index("ix_needs_need", "need"),
)

# calls.py
calls = Table(
    "calls",
    metadata,
    *_key("id"),
    _text("lane"),
    _text("kind"),
    _text("verb"),
    _text("method"),
    _text("path"),
    _text("key"),
    _text("state"),
    _whole("fence"),
    _whole("first_sent"),
    _whole("last_sent"),
    _whole("settled_at"),
    Column("attempts", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    _bytes("body"),
    Index("ix_calls_lane", "lane", "state", "first_sent"),
    Index("ux_calls_key", "key", unique=True, **_where("key <> ''")),
)
call_operations = Table(
    "call_operations",
    metadata,
    Column("call", Text, ForeignKey("calls.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("operation", Text, ForeignKey("operations.id"), nullable=False),
    Index("ix_call_operations_operation", "operation"),
)

# plans.py
plans = Table(
    "plans",
    metadata,
    *_key("id"),
    _text("connection"),
    _text("state"),
    _text("actor"),
    _whole("created"),
    _text("moved"),
    _text("body"),
    Index("ix_plans_created", "created"),
    Index("ix_plans_connection", "connection", "created"),
)
blocked = Table(
    "blocked",
    metadata,
    Column("plan", Text, ForeignKey("plans.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _text("connection"),
    _text("kind"),
    _text("record"),
    _text("tenant"),
    _text("title"),
    _text("search"),
    _text("code"),
    _text("subject"),
    _text("sentence"),
    _text("currency"),
    _text("total"),
    _whole("units"),
)

# runs.py
runs = Table(
    "runs",
    metadata,
    *_key("id"),
    _text("plan"),
    _text("kind"),
    _whole("started"),
    _whole("ended"),
    _whole("total"),
    _text("counts"),
    _whole("calls"),
    _text("error"),
    Index("ix_runs_started", "started"),
    Index("ix_runs_plan", "plan"),
)

# requests.py
requests = Table(
    "requests",
    metadata,
    *_key("id"),
    _whole("seq"),
    _text("verb"),
    _text("args"),
    _text("actor"),
    _text("state"),
    _text("worker"),
    _whole("created"),
    _text("answer"),
    _text("error"),
    _text("remedy"),
    _text("progress"),
    Index("ux_requests_seq", "seq", unique=True),
    Index("ix_requests_state", "state", "seq"),
)

# problems.py
problems = Table(
    "problems",
    metadata,
    *_key("id"),
    _text("connection"),
    _text("kind"),
    _text("record"),
    _text("tenant"),
    _text("phase"),
    _text("code"),
    _text("subject"),
    _text("state"),
    _flag("blocks"),
    _text("title"),
    _text("search"),
    _text("sentence"),
    _text("remedy"),
    _text("place"),
    _text("said"),
    _text("correlation"),
    _whole("at"),
    _whole("resolved_at"),
    Index("ix_problems_record", "connection", "tenant", "kind", "phase", "record"),
    Index("ix_problems_cause", "state", "code", "subject", "id"),
)

# audit.py
audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _whole("at"),
    _text("actor"),
    _text("action"),
    _text("subject"),
    _text("detail"),
    _text("previous"),
    _text("hash"),
)
audit_head = Table("audit_head", metadata, *_key("name"), _whole("seq"), _text("hash"))

# lanes.py
lanes = Table(
    "lanes", metadata, *_key("lane"), _whole("fence"), _text("worker"), _whole("taken"), _whole("until"), _whole("beat")
)

# workers.py
workers = Table(
    "workers",
    metadata,
    *_key("key"),
    _text("version"),
    _text("state"),
    _whole("since"),
    _whole("beat"),
    _whole("ended"),
)

# leases.py
leases = Table("leases", metadata, *_key("name"), _whole("fence"), _text("holder"), _whole("until"))

# permits.py
permit_log = Table(
    "permit_log",
    metadata,
    *_key("id"),
    _text("key"),
    _text("window"),
    _whole("at"),
    _whole("calls"),
    Index("ix_permit_log_key", "key", "at"),
)
permit_flights = Table(
    "permit_flights",
    metadata,
    *_key("id"),
    _text("key"),
    _whole("taken"),
    _whole("lapses"),
    _text("holder"),
    Index("ix_permit_flights_key", "key"),
)
permit_holds = Table("permit_holds", metadata, *_key("key", "window"), _whole("until"))

# departures.py
departures = Table(
    "departures",
    metadata,
    *_key("connection", "kind", "record"),
    _text("how"),
    _whole("at"),
    _text("actor"),
    _text("reason"),
    _whole("approved"),
)

# usage.py: one row a key and day of world time
usage = Table(
    "usage",
    metadata,
    *_key("key", "day"),
    _whole("calls"),
    _whole("throttled"),
    _whole("sent"),
    _whole("received"),
    _whole("unmetered"),
)

# overrides.py: what people chose for one document, a row a field
overrides = Table(
    "overrides",
    metadata,
    *_key("connection", "tenant", "kind", "record", "line", "field"),
    _text("value"),
    _text("title"),
    _text("actor"),
    _whole("at"),
)

# mails.py: the last mail of each document
mails = Table(
    "mails", metadata, *_key("tenant", "xero_id"), _text("request"), _text("state"), _text("actor"), _whole("at")
)

# vault.py
vault = Table("vault", metadata, *_key("name"), _bytes("nonce"), _bytes("box"), _whole("at"))

# inbox.py
inbox = Table(
    "inbox",
    metadata,
    *_key("tenant", "category", "resource"),
    _text("type"),
    _whole("at"),
    _whole("received"),
    _whole("events"),
    _whole("turn"),
    Index("ix_inbox_received", "tenant", "received"),
)
inbox_counts = Table("inbox_counts", metadata, *_key("name"), _whole("total"), _whole("at"))
inbox_sequences = Table(
    "inbox_sequences", metadata, *_key("app"), _whole("high"), _text("ahead"), _whole("since"), _whole("latest")
)

# backs.py: what comes back from Xero
apart = Table(
    "apart",
    metadata,
    *_key("connection", "tenant", "what", "kind", "record", "field"),
    _text("title"),
    _text("search"),
    _text("party"),
    _text("source"),
    _text("xero"),
    _text("owner"),
    _text("why"),
    _text("currency"),
    _text("total"),
    _whole("units"),
    _text("xero_id"),
    _text("tie"),
    Index("ix_apart_search", "search", "tie"),
)
told = Table(
    "told", metadata, *_key("connection", "tenant", "kind", "record"), _bytes("body"), _text("lost"), _whole("at")
)
taken = Table(
    "taken",
    metadata,
    *_key("connection", "tenant", "kind", "record", "field"),
    _text("side"),
    _text("version"),
    _text("actor"),
    _whole("at"),
)
