"""Adds the index by which a reader's newest thumbs are found, without reading all of them."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Create the index."""
    op.create_index("ix_vote_reader_id_at_paper_id", "vote", ["reader_id", "at", "paper_id"])
