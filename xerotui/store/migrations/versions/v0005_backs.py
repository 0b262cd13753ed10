"""What comes back from Xero: where the sides differ, what a source was told, which side was chosen."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    """Lay the three tables."""
    op.create_table(
        "apart",
        *_texts("connection", "tenant", "what", "kind", "record", "field"),
        *_texts("title", "search", "party", "source", "xero", "owner", "why", "currency", "total"),
        sa.Column("units", sa.BigInteger(), nullable=False),
        *_texts("xero_id", "tie"),
        sa.PrimaryKeyConstraint("connection", "tenant", "what", "kind", "record", "field"),
    )
    op.create_index("ix_apart_search", "apart", ["search", "tie"], unique=False)
    op.create_table(
        "told",
        *_texts("connection", "tenant", "kind", "record"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        *_texts("lost"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "tenant", "kind", "record"),
    )
    op.create_table(
        "taken",
        *_texts("connection", "tenant", "kind", "record", "field", "side", "version", "actor"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "tenant", "kind", "record", "field"),
    )
