"""Makes papers that readers added private: each reader with a thumb gets a copy.

Until now all readers who added a paper shared one row, open to anybody who knew its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

from larkpost.db.column_types import CleanText, TextList
from larkpost.db.search import index
from larkpost.db.search.tokenize import index_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Row

revision = "0013"
down_revision = "0012"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT_ONCE = 1_000

_COLUMNS = "scheme value title abstract authors categories published first_seen arrived updated"
_COPIED = (*_COLUMNS.split(), "url", "upvotes", "title_key", "organisation", "links", "withdrawn")
_PAPER = sa.table(
    "paper",
    *map(sa.column, ("id", "uid", "guest", "owner_id", *_COPIED)),
)
_READ = sa.table(
    "paper",
    sa.column("id"),
    sa.column("guest"),
    sa.column("title", CleanText),
    sa.column("abstract", CleanText),
    sa.column("authors", TextList),
)
_VOTE = sa.table("vote", sa.column("reader_id"), sa.column("paper_id"))
_NAME = sa.table("identifier", sa.column("scheme"), sa.column("value"), sa.column("paper_id"))
_OWN_NAME = sa.table(
    "private_identifier", *map(sa.column, ("owner_id", "scheme", "value", "paper_id"))
)
_PICK = sa.table("pick", sa.column("edition_id"), sa.column("paper_id"), sa.column("like_id"))
_EDITION = sa.table("edition", sa.column("id"), sa.column("reader_id"))
_READER = sa.table("reader", sa.column("id"), sa.column("merged_into"))


def upgrade() -> None:
    """Add the column and the table, copy the papers that readers added, and delete shared rows."""
    connection = op.get_bind()
    _change_tables()
    if connection.execute(sa.select(_READ.c.id).where(_READ.c.guest == sa.true()).limit(1)).first():
        _make_all_private(connection)
    op.drop_index("ix_paper_guest_first_seen", "paper")
    _tie_to_owner(connection)


def _make_all_private(connection: Connection) -> None:
    # Models were fitted to them, too. A new one is fitted at the next visit.
    op.execute("DELETE FROM taste")
    op.execute("DELETE FROM space")
    for papers in _guests(connection):
        for paper in papers:
            _make_private(connection, paper.id)
        gone = [(one.id, index_document(one.title, one.authors, one.abstract)) for one in papers]
        index.remove(connection, gone)
    index.merge_parts(connection)


def _change_tables() -> None:
    op.add_column("paper", sa.Column("owner_id", Id))
    op.create_index("ix_paper_owner_id_first_seen", "paper", ["owner_id", "first_seen"])
    op.create_index("ix_paper_owner_id_updated", "paper", ["owner_id", "updated"])
    op.drop_index("ix_paper_updated", "paper")
    op.create_table(
        "private_identifier",
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("scheme", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(length=400), nullable=False),
        sa.Column("paper_id", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["reader.id"],
            name="fk_private_identifier_owner_id_reader",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["paper_id"],
            ["paper.id"],
            name="fk_private_identifier_paper_id_paper",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("owner_id", "scheme", "value", name="pk_private_identifier"),
    )
    op.create_index("ix_private_identifier_paper_id", "private_identifier", ["paper_id"])
    op.create_index("ix_private_identifier_scheme_value", "private_identifier", ["scheme", "value"])
    op.drop_index("ix_vote_thumb_reader_id", "vote")
    op.create_index("ix_vote_thumb_reader_id_paper_id", "vote", ["thumb", "reader_id", "paper_id"])


def _tie_to_owner(connection: Connection) -> None:
    """Delete private papers with their reader; SQLite needs a new table for that."""
    lite = connection.dialect.name == "sqlite"
    last = sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'paper'")
    number = connection.execute(last).scalar() if lite else None
    with op.batch_alter_table("paper", table_kwargs={"sqlite_autoincrement": True}) as paper:
        paper.drop_column("guest")
        paper.create_foreign_key(
            "fk_paper_owner_id_reader", "reader", ["owner_id"], ["id"], ondelete="CASCADE"
        )
    if number is not None:  # no id is used twice, not even that of a deleted last row
        op.execute("DELETE FROM sqlite_sequence WHERE name = 'paper'")
        kept = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('paper', :number)")
        connection.execute(kept, {"number": number})


def _guests(connection: Connection) -> Iterator[Sequence[Row[Any]]]:
    """Read the papers that only readers added, in batches; the caller deletes each batch."""
    guests = sa.select(_READ).where(_READ.c.guest == sa.true()).order_by(_READ.c.id).limit(_AT_ONCE)
    while rows := connection.execute(guests).all():
        yield rows


def _make_private(connection: Connection, paper: int) -> None:
    """Give each reader with a thumb on a paper a private copy, and delete the shared one."""
    voters = sa.select(_VOTE.c.reader_id).where(_VOTE.c.paper_id == paper)
    for reader in connection.execute(voters.order_by(_VOTE.c.reader_id)).scalars().all():
        own = _copy(connection, paper, reader)
        mine = sa.update(_VOTE).where(_VOTE.c.paper_id == paper, _VOTE.c.reader_id == reader)
        connection.execute(mine.values(paper_id=own))
        theirs = sa.select(_READER.c.id).where(
            sa.or_(_READER.c.id == reader, _READER.c.merged_into == reader)
        )
        editions = sa.select(_EDITION.c.id).where(_EDITION.c.reader_id.in_(theirs))
        likes = sa.update(_PICK).where(_PICK.c.like_id == paper, _PICK.c.edition_id.in_(editions))
        connection.execute(likes.values(like_id=own))
    likes = sa.update(_PICK).where(_PICK.c.like_id == paper)
    connection.execute(likes.values(like_id=None))
    # Foreign keys are off meanwhile on SQLite: nothing is deleted automatically. Since such papers
    # are distinguished, none was recommended; earlier editions must not show one either.
    for table in ("pick", "vote", "identifier", "sketch", "listing"):
        op.execute(sa.text(f"DELETE FROM {table} WHERE paper_id = {paper:d}"))  # noqa: S608
    connection.execute(sa.delete(_PAPER).where(_PAPER.c.id == paper))


def _copy(connection: Connection, paper: int, reader: int) -> int:
    """Write a private copy of a paper, with its names, under a random uid; returns its id."""
    uid = str(uuid4())
    columns = [_PAPER.c[name] for name in _COPIED]
    row = sa.select(sa.literal(uid), sa.literal(reader), sa.false(), *columns).where(
        _PAPER.c.id == paper
    )
    names = ["uid", "owner_id", "guest", *_COPIED]
    connection.execute(sa.insert(_PAPER).from_select(names, row))
    made = sa.select(_PAPER.c.id).where(_PAPER.c.uid == uid)
    own: int = connection.execute(made).scalar_one()
    its = sa.select(sa.literal(reader), _NAME.c.scheme, _NAME.c.value, sa.literal(own)).where(
        _NAME.c.paper_id == paper
    )
    columns_of_name = ["owner_id", "scheme", "value", "paper_id"]
    connection.execute(sa.insert(_OWN_NAME).from_select(columns_of_name, its))
    return own
