"""Tells papers that only readers brought from those that a dump, or an import, told of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# What a reader brought has never been in a dump, was given neither link nor upvotes, is dated back
# to one moment, and came with a thumb. Whatever else looks like this is public again once a dump,
# or an import, tells of it.
_BROUGHT = """
UPDATE paper SET guest = :yes
WHERE url IS NULL AND upvotes IS NULL AND arrived = first_seen
AND NOT EXISTS (SELECT 1 FROM listing WHERE listing.paper_id = paper.id)
AND EXISTS (SELECT 1 FROM vote WHERE vote.paper_id = paper.id AND vote.via = 'import')
"""


def upgrade() -> None:
    """Make the column, mark what readers brought, and find the others by their day."""
    op.add_column(
        "paper", sa.Column("guest", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.execute(sa.text(_BROUGHT).bindparams(sa.bindparam("yes", True, sa.Boolean())))
    op.drop_index("ix_paper_first_seen", "paper")
    op.create_index("ix_paper_guest_first_seen", "paper", ["guest", "first_seen"])
