"""Stores whether the operator made a polled source an authority; none is so far."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "polled_source",
        sa.Column("authority", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
