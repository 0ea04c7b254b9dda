"""Stores whether a reader wants a notice on an empty day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column; no reader has asked for the notice yet."""
    op.add_column(
        "reader", sa.Column("quiet_mail", sa.Boolean(), nullable=False, server_default=sa.false())
    )
