"""Renames tables and columns to the usual technical terms; see ``docs/glossary.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

from larkpost.db.column_types import CleanText, UtcDateTime

if TYPE_CHECKING:
    from sqlalchemy import Connection

revision = "0019"
down_revision = "0018"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_COLUMNS = {
    "dump": {"source": "format"},
    "paper": {"arrived": "ingested_at"},
    "reader": {
        "at": "send_time",
        "days": "weekday_mask",
        "size": "papers_per_edition",
        "relinked": "page_link_version",
        "quiet_mail": "notify_when_empty",
    },
    "vote": {"via": "source"},
    "forgotten_vote": {"via": "source"},
    "edition": {"since": "catch_up_from", "considered": "candidate_count"},
    "pick": {
        "because": "positive_terms",
        "against": "negative_terms",
        "like_id": "similar_paper_id",
        "likeness": "similarity",
        "terms": "shown_terms",
    },
}
_INDEXES = {  # old names, and their replacements
    "ix_paper_arrived": ("paper", "ingested_at"),
    "ix_pick_like_id": ("pick", "similar_paper_id"),
}


def upgrade() -> None:
    """Rename, and keep every row."""
    connection = op.get_bind()
    for table, names in _COLUMNS.items():
        for old, new in names.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    for old, (table, column) in _INDEXES.items():
        op.drop_index(old, table)
        op.create_index(f"ix_{table}_{column}", table, [column])
    if connection.dialect.name == "sqlite":
        _rebuild_pick()
        _rebuild_reader(connection)
    else:
        _rename_constraint("pick", "fk_pick_like_id_paper", "fk_pick_similar_paper_id_paper")
        _rename_constraint("reader", "ck_reader_size", "ck_reader_papers_per_edition")
    _move_tables(connection)
    op.execute("UPDATE job_status SET kind = 'fit' WHERE kind = 'space'")


def _rename_constraint(table: str, old: str, new: str) -> None:
    op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")


def _rebuild_pick() -> None:
    """Rename the constraint: SQLite needs a new table for that."""
    with op.batch_alter_table("pick") as pick:
        pick.drop_constraint("fk_pick_like_id_paper", type_="foreignkey")
        pick.create_foreign_key(
            "fk_pick_similar_paper_id_paper", "paper", ["similar_paper_id"], ["id"]
        )


def _rebuild_reader(connection: Connection) -> None:
    """Rename the constraint; no id is used twice, not even that of a deleted row."""
    last = sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'reader'")
    number = connection.execute(last).scalar()
    with op.batch_alter_table("reader", table_kwargs={"sqlite_autoincrement": True}) as reader:
        reader.drop_constraint(op.f("ck_reader_size"), type_="check")
        reader.create_check_constraint(
            op.f("ck_reader_papers_per_edition"), "papers_per_edition BETWEEN 1 AND 100"
        )
    if number is not None:
        op.execute("DELETE FROM sqlite_sequence WHERE name = 'reader'")
        again = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('reader', :number)")
        connection.execute(again, {"number": number})


def _move_tables(connection: Connection) -> None:
    """Move rows to tables with the new names: constraints and indexes get new names as well."""
    _make_tfidf_model()
    _make_minhash()
    _make_dump_paper()
    _make_rejected_record()
    _make_rate_limit()
    _make_job_status()
    _move("space", "tfidf_model", "id made_at papers newest body",
          "id fitted_at paper_count corpus_updated_at body")  # fmt: skip
    _move("sketch", "minhash", "paper_id hash")
    _move("listing", "dump_paper", "dump_id position paper_id")
    _move("reject", "rejected_record", "id dump_id line reason text")
    _move("attempt", "rate_limit", "key full_at")
    _move("event", "job_status", "kind at ok detail")
    op.create_index("ix_minhash_hash", "minhash", ["hash"])
    op.create_index("ix_dump_paper_paper_id", "dump_paper", ["paper_id"])
    op.create_index("ix_rejected_record_dump_id", "rejected_record", ["dump_id"])
    op.create_index("ix_rate_limit_full_at", "rate_limit", ["full_at"])
    if connection.dialect.name == "postgresql":
        for table in ("tfidf_model", "rejected_record"):
            op.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id))"  # noqa: S608 - the two above
                f" FROM {table} HAVING max(id) IS NOT NULL"
            )


def _move(old: str, new: str, columns: str, names: str = "") -> None:
    source, target = (", ".join(text.split()) for text in (columns, names or columns))
    op.execute(f"INSERT INTO {new} ({target}) SELECT {source} FROM {old}")  # noqa: S608 - ours
    op.drop_table(old)


def _cascade(table: str, column: str, parent: str) -> Any:
    return sa.ForeignKeyConstraint(
        [column], [f"{parent}.id"], name=f"fk_{table}_{column}_{parent}", ondelete="CASCADE"
    )


def _make_tfidf_model() -> None:
    op.create_table(
        "tfidf_model",
        sa.Column("id", Id, nullable=False),
        sa.Column("fitted_at", UtcDateTime(), nullable=False),
        sa.Column("paper_count", sa.Integer(), nullable=False),
        sa.Column("corpus_updated_at", UtcDateTime()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tfidf_model"),
    )


def _make_minhash() -> None:
    op.create_table(
        "minhash",
        sa.Column("paper_id", Id, nullable=False),
        sa.Column("hash", sa.BigInteger(), nullable=False),
        _cascade("minhash", "paper_id", "paper"),
        sa.PrimaryKeyConstraint("paper_id", "hash", name="pk_minhash"),
    )


def _make_dump_paper() -> None:
    op.create_table(
        "dump_paper",
        sa.Column("dump_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("paper_id", Id, nullable=False),
        _cascade("dump_paper", "dump_id", "dump"),
        _cascade("dump_paper", "paper_id", "paper"),
        sa.PrimaryKeyConstraint("dump_id", "position", name="pk_dump_paper"),
    )


def _make_rejected_record() -> None:
    op.create_table(
        "rejected_record",
        sa.Column("id", Id, nullable=False),
        sa.Column("dump_id", Id, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("reason", CleanText(), nullable=False),
        sa.Column("text", CleanText(), nullable=False),
        _cascade("rejected_record", "dump_id", "dump"),
        sa.PrimaryKeyConstraint("id", name="pk_rejected_record"),
    )


def _make_rate_limit() -> None:
    op.create_table(
        "rate_limit",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("full_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_rate_limit"),
    )


def _make_job_status() -> None:
    op.create_table(
        "job_status",
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name="pk_job_status"),
    )
