"""Adds a search index over existing papers, bounces, and limits on the actions of strangers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from larkpost.db.search import index

revision = "0002"
down_revision = "0001"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, and the search index with every paper in it."""
    op.create_table(
        "bounce",
        sa.Column("id", Id, nullable=False),
        sa.Column("reader_id", Id, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=4), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('hard', 'soft')", name=op.f("ck_bounce_kind")),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["reader.id"], name="fk_bounce_reader_id_reader", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_bounce"),
    )
    op.create_index("ix_bounce_reader_id_at", "bounce", ["reader_id", "at"])
    op.create_table(
        "attempt",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("full_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_attempt"),
    )
    op.create_index("ix_attempt_full_at", "attempt", ["full_at"])
    # The indexed words must be those that this program searches for, so its rules are not copied.
    index.create(op.get_bind())
    index.fill(op.get_bind())
