"""Marks the links of papers that may be from a source that is no authority.

Those of unverified titles are. Of others it was not stored whose link they have: one is taken for
a feed's if a polled source listed the paper, and the paper has no identifier with a link.
"""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"

_FILL = """
    UPDATE paper SET unverified = unverified | 8
    WHERE unverified & 1 = 1 OR (
        url IS NOT NULL AND scheme NOT IN ('arxiv', 'doi', 'url') AND EXISTS (
            SELECT 1 FROM dump_paper
            JOIN dump ON dump.id = dump_paper.dump_id
            WHERE dump_paper.paper_id = paper.id AND dump.source IS NOT NULL
        )
    )
"""


def upgrade() -> None:
    """Set the mark."""
    op.execute(_FILL)
