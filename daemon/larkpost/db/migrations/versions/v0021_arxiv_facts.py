"""Adds data from feeds and arXiv: keywords, a comment, a journal reference, a thumbnail.

From now on a search also covers categories and the organisation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op

from larkpost.db.column_types import TextList
from larkpost.db.search import index
from larkpost.db.search.tokenize import index_document
from larkpost.db.value_batches import BATCH

if TYPE_CHECKING:
    from typing import Any

    from larkpost.db.search.tokenize import Document

revision = "0021"
down_revision = "0020"

_PAPER = sa.table(
    "paper",
    *map(sa.column, ("id", "title", "abstract", "organisation", "owner_id")),
    sa.column("authors", TextList),
    sa.column("categories", TextList),
)


def upgrade() -> None:
    """Add the columns, empty: earlier versions read none of these data. Index existing papers."""
    op.add_column("paper", sa.Column("keywords", sa.JSON()))
    op.add_column("paper", sa.Column("comment", sa.Text()))
    op.add_column("paper", sa.Column("journal_ref", sa.Text()))
    op.add_column("paper", sa.Column("thumbnail", sa.Text()))
    column, last = _PAPER.c, 0
    public = sa.select(_PAPER).where(column.owner_id.is_(None)).order_by(column.id).limit(BATCH)
    while rows := op.get_bind().execute(public.where(column.id > last)).all():
        index.replace(op.get_bind(), map(_documents, rows))
        last = rows[-1].id


def _documents(row: sa.Row[Any]) -> tuple[int, Document, Document]:
    facts = [*row.categories, *([row.organisation] if row.organisation else [])]
    before = index_document(row.title, row.authors, row.abstract)
    return row.id, before, index_document(row.title, row.authors, row.abstract, facts)
