"""Letters that strangers ask for wait by domain, each at its place in the queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from larkpost.db.column_types import UtcDateTime

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make the columns; what waits already goes first, and counts for no domain."""
    op.add_column("notice", sa.Column("domain", sa.Text()))
    op.add_column("notice", sa.Column("place", UtcDateTime()))
    op.create_index("ix_notice_domain_place", "notice", ["domain", "place"])
