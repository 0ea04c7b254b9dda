"""Stores messages whose outcome is unknown, and when an operator requeued a message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table and add the column."""
    op.create_table(
        "letter",
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_letter"),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.id"],
            name="fk_letter_delivery_id_delivery",
            ondelete="CASCADE",
        ),
    )
    op.add_column("delivery", sa.Column("reopened", sa.DateTime(timezone=True)))
