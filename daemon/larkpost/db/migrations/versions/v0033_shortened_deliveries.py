"""Stores when an edition was returned for its content, so that it goes again, once and shorter."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from larkpost.db.column_types import UtcDateTime

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Add the column."""
    op.add_column("delivery", sa.Column("shortened_at", UtcDateTime()))
