"""Queues the messages that strangers request by domain, each at its place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from larkpost.db.column_types import UtcDateTime

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the columns; waiting messages go first, and count for no domain."""
    op.add_column("notice", sa.Column("domain", sa.Text()))
    op.add_column("notice", sa.Column("place", UtcDateTime()))
    op.create_index("ix_notice_domain_place", "notice", ["domain", "place"])
