"""Stores which source the unverified texts of a paper come from.

Those that are here are taken for the first polled source that listed their paper; for a mail none
is known.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from larkpost.db.column_types import CleanText

revision = "0030"
down_revision = "0029"

_FILL = """
    UPDATE paper SET text_source = (
        SELECT 'source ' || dump.source FROM dump_paper
        JOIN dump ON dump.id = dump_paper.dump_id
        WHERE dump_paper.paper_id = paper.id AND dump.source IS NOT NULL
        ORDER BY dump.id LIMIT 1
    ) WHERE unverified != 0
"""


def upgrade() -> None:
    """Add the column and fill it."""
    op.add_column("paper", sa.Column("text_source", CleanText()))
    op.execute(_FILL)
