"""Stores the reason shown with a pick: its terms, and the similarity of the nearest liked paper."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the columns; published editions keep their reasons."""
    op.add_column("pick", sa.Column("likeness", sa.Float()))
    op.add_column("pick", sa.Column("terms", sa.JSON()))
