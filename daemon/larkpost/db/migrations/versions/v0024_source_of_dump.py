"""Stores which polled source a dump came from, so that unneeded dumps can be deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Add the column, and fill it for earlier polled dumps from their names."""
    op.add_column("dump", sa.Column("source", sa.Text()))
    op.create_index("ix_dump_source_read_at", "dump", ["source", "read_at"])
    connection = op.get_bind()
    names = connection.execute(sa.text("SELECT name FROM polled_source")).scalars().all()
    fill = sa.text(
        "UPDATE dump SET source = :source"
        " WHERE source IS NULL AND substr(name, 1, :length) = :source"
        " AND (substr(name, :length + 1) LIKE ' (http%'"
        " OR substr(name, :length + 1) LIKE ' ____-__-__ (http%')"
    )
    for name in names:
        connection.execute(fill, {"source": name, "length": len(name)})
