"""Keeps when a reader last declined an interest that was offered to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from larkpost.db.column_types import UtcDateTime

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the column; nobody has declined anything yet."""
    op.add_column("reader", sa.Column("offer_declined", UtcDateTime()))
