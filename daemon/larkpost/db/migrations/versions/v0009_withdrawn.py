"""Adds the organisation and links of a paper, and whether it was withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op

from larkpost.db.matching.comparison.abstract_rules import LONGEST_NOTICE, is_withdrawal_notice
from larkpost.text.minhash import title_key

if TYPE_CHECKING:
    from collections.abc import Mapping

revision = "0009"
down_revision = "0008"

_PAPER = sa.table("paper", *map(sa.column, ("id", "title", "title_key", "abstract", "withdrawn")))


def upgrade() -> None:
    """Add the columns, mark papers known to be withdrawn, and rewrite keys by the current rules."""
    op.add_column("paper", sa.Column("organisation", sa.Text()))
    op.add_column("paper", sa.Column("links", sa.JSON()))
    op.add_column(
        "paper", sa.Column("withdrawn", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    column = _PAPER.c
    short = sa.select(column.id, column.abstract).where(
        sa.func.length(column.abstract).between(1, LONGEST_NOTICE)
    )
    notices = [row.id for row in op.get_bind().execute(short) if is_withdrawal_notice(row.abstract)]
    _write("withdrawn", dict.fromkeys(notices, True))
    # Keys now treat HTML in titles, Greek letters and some Latin letters differently.
    titles = op.get_bind().execute(sa.select(column.id, column.title, column.title_key))
    keys = {row.id: key for row in titles if (key := title_key(row.title)) != row.title_key}
    _write("title_key", keys)


def _write(name: str, values: Mapping[int, object]) -> None:
    statement = (
        sa.update(_PAPER)
        .where(_PAPER.c.id == sa.bindparam("which"))
        .values({name: sa.bindparam("what")})
    )
    if values:
        rows = [{"which": one, "what": value} for one, value in values.items()]
        op.get_bind().execute(statement, rows)
