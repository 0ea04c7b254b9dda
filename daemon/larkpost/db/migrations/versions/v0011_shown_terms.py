"""What a reader is shown as the reason: chosen terms, and how near the nearest liked paper is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the columns; editions that are out keep the reasons they were published with."""
    op.add_column("pick", sa.Column("likeness", sa.Float()))
    op.add_column("pick", sa.Column("terms", sa.JSON()))
