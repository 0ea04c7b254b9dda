"""Marks readers who expire unless their page or feed is used, and stores the day of last use."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the columns; existing readers never expire."""
    op.add_column(
        "reader", sa.Column("expires", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("reader", sa.Column("last_used", sa.Date()))
    op.create_index("ix_reader_expires_id", "reader", ["expires", "id"])
