"""Adds polled sources, and the validators for conditional requests to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from larkpost.db.column_types import UtcDateTime

revision = "0022"
down_revision = "0021"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "polled_source",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("by_command", sa.Boolean(), nullable=False),
        sa.Column("interval_minutes", sa.Float()),
        sa.Column("allow_private", sa.Boolean(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("next_poll_at", UtcDateTime(), nullable=False),
        sa.Column("last_poll_at", UtcDateTime()),
        sa.Column("last_answer_at", UtcDateTime()),
        sa.Column("watched_since", UtcDateTime()),
        sa.Column("last_news_at", UtcDateTime()),
        sa.Column("news_count", sa.Integer(), nullable=False),
        sa.Column("longest_gap", sa.Float(), nullable=False),
        sa.Column("papers", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(20)),
        sa.Column("problem_text", sa.Text(), nullable=False),
        sa.Column("problem_hint", sa.Text(), nullable=False),
        sa.Column("problem_since", UtcDateTime()),
        sa.Column("moved_to", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_polled_source"),
    )
    op.create_table(
        "polled_page",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("day", sa.Date()),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("last_modified", sa.Text(), nullable=False),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("dump_id", Id),
        sa.Column("papers", sa.Integer(), nullable=False),
        sa.Column("checked_at", UtcDateTime(), nullable=False),
        sa.Column("whole_at", UtcDateTime(), nullable=False),
        sa.Column("grown_at", UtcDateTime(), nullable=False),
        sa.Column("moved_to", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source"],
            ["polled_source.name"],
            name="fk_polled_page_source_polled_source",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source", "url", name="pk_polled_page"),
    )
