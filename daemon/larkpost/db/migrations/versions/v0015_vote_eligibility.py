"""Stores whose thumbs count for others and from when; existing readers count as before."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_ALWAYS = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC, as SQLite stores it


def upgrade() -> None:
    """Add the columns and fill them for all readers except unconfirmed ones."""
    always: datetime = _ALWAYS
    if op.get_bind().dialect.name != "sqlite":
        always = always.replace(tzinfo=UTC)
    for table in ("reader", "vote"):
        op.add_column(table, sa.Column("counts_from", sa.DateTime(timezone=True)))
    since = sa.bindparam("since", always, sa.DateTime(timezone=True))
    statement = sa.text("UPDATE reader SET counts_from = :since WHERE status <> 'pending'")
    op.execute(statement.bindparams(since))
    op.execute(sa.text("UPDATE vote SET counts_from = at"))
    for old in ("ix_vote_thumb_reader_id_paper_id", "ix_vote_paper_id"):
        op.drop_index(old, "vote")
    for columns in (
        ["thumb", "reader_id", "counts_from", "paper_id"],
        ["paper_id", "thumb", "counts_from"],
    ):
        op.create_index(f"ix_vote_{'_'.join(columns)}", "vote", columns)
