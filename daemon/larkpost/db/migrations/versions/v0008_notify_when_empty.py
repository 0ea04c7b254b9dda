"""Readers who want to be told of a morning that brings nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the column; nobody has asked yet."""
    op.add_column(
        "reader", sa.Column("quiet_mail", sa.Boolean(), nullable=False, server_default=sa.false())
    )
