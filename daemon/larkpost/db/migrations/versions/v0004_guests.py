"""Distinguishes papers that only readers added from those in a dump or an import."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# A paper that a reader added was never in a dump, has neither link nor upvotes, is dated back to
# one moment, and has a thumb. Any other paper like this is public again once a dump or an import
# contains it.
_BROUGHT = """
UPDATE paper SET guest = :yes
WHERE url IS NULL AND upvotes IS NULL AND arrived = first_seen
AND NOT EXISTS (SELECT 1 FROM listing WHERE listing.paper_id = paper.id)
AND EXISTS (SELECT 1 FROM vote WHERE vote.paper_id = paper.id AND vote.via = 'import')
"""


def upgrade() -> None:
    """Add the column, mark the papers that readers added, and index the others by their day."""
    op.add_column(
        "paper", sa.Column("guest", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.execute(sa.text(_BROUGHT).bindparams(sa.bindparam("yes", True, sa.Boolean())))
    op.drop_index("ix_paper_first_seen", "paper")
    op.create_index("ix_paper_guest_first_seen", "paper", ["guest", "first_seen"])
