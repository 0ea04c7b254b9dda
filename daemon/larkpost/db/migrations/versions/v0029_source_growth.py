"""Stores how many papers and characters each polled source, and each sender of mails, adds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from larkpost.db.column_types import UtcDateTime

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Create the table; what was added before does not count."""
    op.create_table(
        "source_growth",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("papers", sa.Integer(), nullable=False),
        sa.Column("characters", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "hour", name="pk_source_growth"),
    )
