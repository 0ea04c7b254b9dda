"""Adds the paper to the index of sketch numbers: papers are looked up without reading the table."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Replace the index."""
    op.drop_index("ix_minhash_hash", "minhash")
    op.create_index("ix_minhash_hash_paper_id", "minhash", ["hash", "paper_id"])
