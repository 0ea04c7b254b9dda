"""Stores when a reader last declined an interest that was offered to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from larkpost.db.column_types import UtcDateTime

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the column; no reader has declined an offer yet."""
    op.add_column("reader", sa.Column("offer_declined", UtcDateTime()))
