"""Counts how often a reader renewed the link to their own page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; links in messages that were already sent keep working."""
    op.add_column("reader", sa.Column("relinked", sa.Integer(), nullable=False, server_default="0"))
