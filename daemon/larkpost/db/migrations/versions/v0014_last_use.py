"""Readers who go when nobody uses their page or feed, and the day on which it last was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make the columns; whoever is there already stays for good."""
    op.add_column(
        "reader", sa.Column("expires", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("reader", sa.Column("last_used", sa.Date()))
    op.create_index("ix_reader_expires_id", "reader", ["expires", "id"])
