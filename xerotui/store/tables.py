"""The ledger's tables of what is synced: records, links, work, problems, and what people said of one of them.

A table is written by one module alone, named at its definition; `columns` says how values are kept.
"""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from xerotui.model.kinds import PARTIES
from xerotui.model.work import OPEN, State
from xerotui.store.columns import among, blob, chars, flag, key, metadata, where, whole

LIVE = (*OPEN, State.BLOCKED)

# snapshots.py
snapshots = Table(
    "snapshots",
    metadata,
    *key("side", "connection", "kind", "id"),
    Column("shape", Integer, nullable=False),
    chars("fingerprint"),
    flag("gone"),
    chars("title"),
    chars("name_key"),
    chars("number"),
    chars("tenant"),
    chars("party"),
    chars("date"),
    chars("total"),
    whole("units"),
    chars("currency"),
    chars("xero_id"),
    chars("status"),
    whole("modified"),
    whole("seen_at"),
    blob("body"),
    Index("ix_snapshots_name", "side", "connection", "kind", "name_key", "id"),
    Index("ix_snapshots_number", "side", "connection", "kind", "number", "id"),
    Index("ix_snapshots_date", "side", "connection", "kind", "date", "id"),
)
cursors = Table("cursors", metadata, *key("side", "connection", "kind"), chars("cursor"), whole("at"))
organisations = Table("organisations", metadata, *key("tenant"), chars("body"), whole("seen_at"))

# links.py
links = Table(
    "links",
    metadata,
    *key("connection", "kind", "record", "tenant"),
    chars("xero_id"),
    chars("number"),
    chars("fingerprint"),
    chars("version"),
    chars("how"),
    flag("attached"),
    whole("at"),
    blob("posting"),
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
        **where("NOT " + among("kind", PARTIES)),
    ),
)

# operations.py
operations = Table(
    "operations",
    metadata,
    *key("id"),
    whole("seq"),
    chars("plan"),
    chars("side"),
    chars("lane"),
    chars("kind"),
    chars("verb"),
    chars("state"),
    chars("connection"),
    chars("tenant"),
    chars("record"),
    chars("title"),
    chars("search"),
    chars("party"),
    chars("target"),
    chars("currency"),
    chars("total"),
    whole("units"),
    chars("call"),
    Column("attempts", Integer, nullable=False),
    whole("not_before"),
    chars("error"),
    whole("updated"),
    chars("done_number"),
    chars("done_version"),
    chars("basis"),
    chars("changes"),
    chars("rungs"),
    chars("needs"),
    blob("body"),
    Index("ux_operations_seq", "seq", unique=True),
    Index("ix_operations_plan", "plan", "seq"),
    Index("ix_operations_state", "state", "seq"),
    Index("ix_operations_tenant", "tenant", "seq"),
    # The side rides along so that a lane is counted from the index alone.
    Index("ix_operations_due", "lane", "state", "kind", "verb", "seq", "side"),
    Index("ix_operations_record", "connection", "kind", "record", "tenant", "side", "state"),
    Index("ix_operations_target", "lane", "target", "state", **where("target <> ''")),
    Index(
        "ux_operations_live",
        "connection",
        "kind",
        "record",
        "tenant",
        "side",
        "verb",
        unique=True,
        **where(among("state", LIVE)),
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
    *key("id"),
    chars("lane"),
    chars("kind"),
    chars("verb"),
    chars("method"),
    chars("path"),
    chars("key"),
    chars("state"),
    whole("fence"),
    whole("first_sent"),
    whole("last_sent"),
    whole("settled_at"),
    Column("attempts", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    blob("body"),
    Index("ix_calls_lane", "lane", "state", "first_sent"),
    Index("ux_calls_key", "key", unique=True, **where("key <> ''")),
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
    *key("id"),
    chars("connection"),
    chars("state"),
    chars("actor"),
    whole("created"),
    chars("moved"),
    chars("body"),
    Index("ix_plans_created", "created"),
    Index("ix_plans_connection", "connection", "created"),
)
blocked = Table(
    "blocked",
    metadata,
    Column("plan", Text, ForeignKey("plans.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    chars("connection"),
    chars("kind"),
    chars("record"),
    chars("tenant"),
    chars("title"),
    chars("search"),
    chars("code"),
    chars("subject"),
    chars("sentence"),
    chars("currency"),
    chars("total"),
    whole("units"),
)

# runs.py
runs = Table(
    "runs",
    metadata,
    *key("id"),
    chars("plan"),
    chars("kind"),
    whole("started"),
    whole("ended"),
    whole("total"),
    chars("counts"),
    whole("calls"),
    chars("error"),
    Index("ix_runs_started", "started"),
    Index("ix_runs_plan", "plan"),
)

# requests.py
requests = Table(
    "requests",
    metadata,
    *key("id"),
    whole("seq"),
    chars("verb"),
    chars("args"),
    chars("actor"),
    chars("state"),
    chars("worker"),
    whole("created"),
    chars("answer"),
    chars("error"),
    chars("remedy"),
    chars("progress"),
    Index("ux_requests_seq", "seq", unique=True),
    Index("ix_requests_state", "state", "seq"),
)

# problems.py
problems = Table(
    "problems",
    metadata,
    *key("id"),
    chars("connection"),
    chars("kind"),
    chars("record"),
    chars("tenant"),
    chars("phase"),
    chars("code"),
    chars("subject"),
    chars("state"),
    flag("blocks"),
    chars("title"),
    chars("search"),
    chars("sentence"),
    chars("remedy"),
    chars("place"),
    chars("said"),
    chars("correlation"),
    whole("at"),
    whole("resolved_at"),
    Index("ix_problems_record", "connection", "tenant", "kind", "phase", "record"),
    Index("ix_problems_cause", "state", "code", "subject", "id"),
)

# departures.py
departures = Table(
    "departures",
    metadata,
    *key("connection", "kind", "record"),
    chars("how"),
    whole("at"),
    chars("actor"),
    chars("reason"),
    whole("approved"),
)

# overrides.py: what people chose for one document, a row a field
overrides = Table(
    "overrides",
    metadata,
    *key("connection", "tenant", "kind", "record", "line", "field"),
    chars("value"),
    chars("title"),
    chars("actor"),
    whole("at"),
)

# mails.py: the last mail of each document
mails = Table(
    "mails", metadata, *key("tenant", "xero_id"), chars("request"), chars("state"), chars("actor"), whole("at")
)

# backs.py: what comes back from Xero
apart = Table(
    "apart",
    metadata,
    *key("connection", "tenant", "what", "kind", "record", "field"),
    chars("title"),
    chars("search"),
    chars("party"),
    chars("source"),
    chars("xero"),
    chars("owner"),
    chars("why"),
    chars("currency"),
    chars("total"),
    whole("units"),
    chars("xero_id"),
    chars("tie"),
    Index("ix_apart_search", "search", "tie"),
)
told = Table("told", metadata, *key("connection", "tenant", "kind", "record"), blob("body"), chars("lost"), whole("at"))
taken = Table(
    "taken",
    metadata,
    *key("connection", "tenant", "kind", "record", "field"),
    chars("side"),
    chars("version"),
    chars("actor"),
    whole("at"),
)
