"""Adds the table of forgotten thumbs, and drops the table of tastes, which was never used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from larkpost.db.column_types import UtcDateTime

revision = "0018"
down_revision = "0017"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create one table and drop the other."""
    op.drop_index("ix_taste_space_id", "taste")
    op.drop_table("taste")
    op.create_table(
        "forgotten_vote",
        sa.Column("reader_id", Id, nullable=False),
        sa.Column("paper_id", Id, nullable=False),
        sa.Column("thumb", sa.SmallInteger(), nullable=False),
        sa.Column("interest_id", Id, nullable=True),
        sa.Column("via", sa.String(20), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("counts_from", UtcDateTime(), nullable=True),
        sa.Column("forgotten_at", UtcDateTime(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [f"{table}_id"],
                [f"{table}.id"],
                name=f"fk_forgotten_vote_{table}_id_{table}",
                ondelete=then,
            )
            for table, then in (
                ("reader", "CASCADE"),
                ("paper", "CASCADE"),
                ("interest", "SET NULL"),
            )
        ),
        sa.PrimaryKeyConstraint("reader_id", "paper_id", name="pk_forgotten_vote"),
        sa.CheckConstraint("thumb IN (-1, 1)", name=op.f("ck_forgotten_vote_thumb")),
    )
    for column in ("paper_id", "interest_id", "forgotten_at"):
        op.create_index(f"ix_forgotten_vote_{column}", "forgotten_vote", [column])
