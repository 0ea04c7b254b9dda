"""Stores with each pick the number of papers in the draw for its place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# Earlier versions did not store it; the number of papers left after the other places is closest.
_LEFT = """
UPDATE pick SET pool = (
    SELECT CASE WHEN edition.considered >= pick.position
    THEN edition.considered - pick.position + 1 ELSE 1 END
    FROM edition WHERE edition.id = pick.edition_id
)
WHERE propensity < 1
"""


def upgrade() -> None:
    """Add the column, and estimate it for places that were drawn at random."""
    op.add_column("pick", sa.Column("pool", sa.Integer(), nullable=False, server_default="1"))
    op.execute(_LEFT)
