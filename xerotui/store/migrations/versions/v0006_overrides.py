"""What people chose for one document, and the mails that Xero was asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    """Lay the two tables."""
    op.create_table(
        "overrides",
        *_texts("connection", "tenant", "kind", "record", "line", "field", "value", "title", "actor"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "tenant", "kind", "record", "line", "field"),
    )
    op.create_table(
        "mails",
        *_texts("tenant", "xero_id", "request", "state", "actor"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "xero_id"),
    )
