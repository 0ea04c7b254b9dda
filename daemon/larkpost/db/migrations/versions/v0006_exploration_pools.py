"""Keeps with a pick from how many papers the lot drew for its place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# It was not written down before; what was left when the others had their places comes nearest.
_LEFT = """
UPDATE pick SET pool = (
    SELECT CASE WHEN edition.considered >= pick.position
    THEN edition.considered - pick.position + 1 ELSE 1 END
    FROM edition WHERE edition.id = pick.edition_id
)
WHERE propensity < 1
"""


def upgrade() -> None:
    """Add the column, and tell it for places that were given away by lot."""
    op.add_column("pick", sa.Column("pool", sa.Integer(), nullable=False, server_default="1"))
    op.execute(_LEFT)
