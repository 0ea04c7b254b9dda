"""Adds the index by which the merged records of a dump are found, without reading all of them."""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Create the index."""
    op.create_index("ix_merged_record_dump_digest", "merged_record", ["dump_digest"])
