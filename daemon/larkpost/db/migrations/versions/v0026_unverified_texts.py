"""Stores which texts of a paper come from a source that is no authority for papers.

Existing texts count as verified: whose they are is unknown.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "paper", sa.Column("unverified", sa.Integer(), nullable=False, server_default="0")
    )
