"""Adds indexes for the statements that read a whole table, found by EXPLAIN on both databases."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"

_INDEXES = {
    "ix_paper_first_seen": ("paper", ["first_seen", "id"]),
    "ix_paper_updated": ("paper", ["updated"]),
    "ix_pick_like_id": ("pick", ["like_id"]),
    "ix_reader_status": ("reader", ["status"]),
    "ix_dump_read_at": ("dump", ["read_at", "id"]),
    "ix_vote_thumb_reader_id": ("vote", ["thumb", "reader_id"]),
}


def upgrade() -> None:
    """Create the indexes."""
    for name, (table, columns) in _INDEXES.items():
        op.create_index(name, table, columns)
