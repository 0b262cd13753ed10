"""The ledger's tables of the installation itself: who works, within which limits, what it heard, did and hides.

A table is written by one module alone, named at its definition; `columns` says how values are kept.
"""

from sqlalchemy import BigInteger, Column, Index, Table

from xerotui.store.columns import blob, chars, key, metadata, whole

# changes.py
changes = Table("changes", metadata, *key("topic"), whole("value"))
marks = Table("marks", metadata, *key("name"), chars("value"))

# audit.py
audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    whole("at"),
    chars("actor"),
    chars("action"),
    chars("subject"),
    chars("detail"),
    chars("previous"),
    chars("hash"),
)
audit_head = Table("audit_head", metadata, *key("name"), whole("seq"), chars("hash"))

# lanes.py
lanes = Table(
    "lanes", metadata, *key("lane"), whole("fence"), chars("worker"), whole("taken"), whole("until"), whole("beat")
)

# workers.py
workers = Table(
    "workers",
    metadata,
    *key("key"),
    chars("version"),
    chars("state"),
    whole("since"),
    whole("beat"),
    whole("ended"),
)

# leases.py
leases = Table("leases", metadata, *key("name"), whole("fence"), chars("holder"), whole("until"))

# permits.py
permit_log = Table(
    "permit_log",
    metadata,
    *key("id"),
    chars("key"),
    chars("window"),
    whole("at"),
    whole("calls"),
    Index("ix_permit_log_key", "key", "at"),
)
permit_flights = Table(
    "permit_flights",
    metadata,
    *key("id"),
    chars("key"),
    whole("taken"),
    whole("lapses"),
    chars("holder"),
    Index("ix_permit_flights_key", "key"),
)
permit_holds = Table("permit_holds", metadata, *key("key", "window"), whole("until"))

# usage.py: one row a key and day of world time
usage = Table(
    "usage",
    metadata,
    *key("key", "day"),
    whole("calls"),
    whole("throttled"),
    whole("sent"),
    whole("received"),
    whole("unmetered"),
)

# vault.py
vault = Table("vault", metadata, *key("name"), blob("nonce"), blob("box"), whole("at"))

# inbox.py
inbox = Table(
    "inbox",
    metadata,
    *key("tenant", "category", "resource"),
    chars("type"),
    whole("at"),
    whole("received"),
    whole("events"),
    whole("turn"),
    Index("ix_inbox_received", "tenant", "received"),
)
inbox_counts = Table("inbox_counts", metadata, *key("name"), whole("total"), whole("at"))
inbox_sequences = Table(
    "inbox_sequences", metadata, *key("app"), whole("high"), chars("ahead"), whole("since"), whole("latest")
)
