"""The first version of the database: every table of version 0.1."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table."""
    _papers()
    _dumps()
    _readers()
    _votes()
    _models()
    _editions()
    _deliveries()
    _housekeeping()


def _papers() -> None:
    op.create_table(
        "paper",
        sa.Column("id", Id, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("scheme", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(length=400), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("abstract", sa.Text(), nullable=False),
        sa.Column("authors", sa.JSON(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("published", sa.Date(), nullable=True),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("upvotes", sa.Integer(), nullable=True),
        sa.Column("title_key", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_paper"),
        sa.UniqueConstraint("uid", name="uq_paper_uid"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_paper_arrived", "paper", ["arrived"])
    op.create_index("ix_paper_first_seen", "paper", ["first_seen"])
    op.create_index("ix_paper_title_key", "paper", ["title_key"])
    op.create_table(
        "identifier",
        sa.Column("scheme", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(length=400), nullable=False),
        sa.Column("paper_id", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name="fk_identifier_paper_id_paper", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("scheme", "value", name="pk_identifier"),
    )
    op.create_index("ix_identifier_paper_id", "identifier", ["paper_id"])
    op.create_table(
        "sketch",
        sa.Column("paper_id", Id, nullable=False),
        sa.Column("hash", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name="fk_sketch_paper_id_paper", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("paper_id", "hash", name="pk_sketch"),
    )
    op.create_index("ix_sketch_hash", "sketch", ["hash"])


def _dumps() -> None:
    op.create_table(
        "dump",
        sa.Column("id", Id, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("captured", sa.Date(), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("papers", sa.Integer(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dump"),
        sa.UniqueConstraint("digest", name="uq_dump_digest"),
    )
    op.create_table(
        "reject",
        sa.Column("id", Id, nullable=False),
        sa.Column("dump_id", Id, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dump_id"], ["dump.id"], name="fk_reject_dump_id_dump", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reject"),
    )
    op.create_index("ix_reject_dump_id", "reject", ["dump_id"])
    op.create_table(
        "listing",
        sa.Column("dump_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("paper_id", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["dump_id"], ["dump.id"], name="fk_listing_dump_id_dump", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name="fk_listing_paper_id_paper", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dump_id", "position", name="pk_listing"),
    )
    op.create_index("ix_listing_paper_id", "listing", ["paper_id"])


def _readers() -> None:
    op.create_table(
        "reader",
        sa.Column("id", Id, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Time(), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("weekly", sa.Boolean(), nullable=False),
        sa.Column("paused_until", sa.Date(), nullable=True),
        sa.Column("next_slot", sa.DateTime(timezone=True), nullable=True),
        sa.Column("feed_key", sa.String(length=64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size BETWEEN 1 AND 100", name=op.f("ck_reader_size")),
        sa.PrimaryKeyConstraint("id", name="pk_reader"),
        sa.UniqueConstraint("address", name="uq_reader_address"),
        sa.UniqueConstraint("feed_key", name="uq_reader_feed_key"),
        sa.UniqueConstraint("uid", name="uq_reader_uid"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reader_next_slot", "reader", ["next_slot"])
    op.create_table(
        "interest",
        sa.Column("id", Id, nullable=False),
        sa.Column("reader_id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("quota", sa.Integer(), nullable=False),
        sa.CheckConstraint("quota > 0", name=op.f("ck_interest_quota")),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["reader.id"], name="fk_interest_reader_id_reader", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_interest"),
        sa.UniqueConstraint("reader_id", "name", name="uq_interest_reader_id_name"),
        sqlite_autoincrement=True,
    )


def _votes() -> None:
    op.create_table(
        "vote",
        sa.Column("reader_id", Id, nullable=False),
        sa.Column("paper_id", Id, nullable=False),
        sa.Column("thumb", sa.SmallInteger(), nullable=False),
        sa.Column("interest_id", Id, nullable=True),
        sa.Column("via", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("thumb IN (-1, 1)", name=op.f("ck_vote_thumb")),
        sa.ForeignKeyConstraint(
            ["interest_id"],
            ["interest.id"],
            name="fk_vote_interest_id_interest",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["paper.id"], name="fk_vote_paper_id_paper", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["reader.id"], name="fk_vote_reader_id_reader", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("reader_id", "paper_id", name="pk_vote"),
    )
    op.create_index("ix_vote_interest_id", "vote", ["interest_id"])
    op.create_index("ix_vote_paper_id", "vote", ["paper_id"])


def _models() -> None:
    op.create_table(
        "space",
        sa.Column("id", Id, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("papers", sa.Integer(), nullable=False),
        sa.Column("newest", sa.DateTime(timezone=True), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_space"),
    )
    op.create_table(
        "taste",
        sa.Column("interest_id", Id, nullable=False),
        sa.Column("space_id", Id, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["interest_id"],
            ["interest.id"],
            name="fk_taste_interest_id_interest",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["space_id"], ["space.id"], name="fk_taste_space_id_space", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("interest_id", name="pk_taste"),
    )
    op.create_index("ix_taste_space_id", "taste", ["space_id"])


def _editions() -> None:
    op.create_table(
        "edition",
        sa.Column("id", Id, nullable=False),
        sa.Column("reader_id", Id, nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("considered", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["reader.id"], name="fk_edition_reader_id_reader", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_edition"),
        sa.UniqueConstraint("reader_id", "date", name="uq_edition_reader_id_date"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_edition_published_at", "edition", ["published_at"])
    op.create_table(
        "pick",
        sa.Column("edition_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("paper_id", Id, nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("propensity", sa.Float(), nullable=False),
        sa.Column("explored", sa.Boolean(), nullable=False),
        sa.Column("interest_id", Id, nullable=True),
        sa.Column("interest", sa.Text(), nullable=False),
        sa.Column("because", sa.JSON(), nullable=False),
        sa.Column("against", sa.JSON(), nullable=False),
        sa.Column("like_id", Id, nullable=True),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name="fk_pick_edition_id_edition", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["like_id"], ["paper.id"], name="fk_pick_like_id_paper"),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name="fk_pick_paper_id_paper"),
        sa.PrimaryKeyConstraint("edition_id", "position", name="pk_pick"),
    )
    op.create_index("ix_pick_paper_id", "pick", ["paper_id"])


def _deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", Id, nullable=False),
        sa.Column("edition_id", Id, nullable=False),
        sa.Column("reader_id", Id, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("doubts", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("next_try", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("holder", sa.String(length=100), nullable=True),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["edition_id"],
            ["edition.id"],
            name="fk_delivery_edition_id_edition",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["reader.id"], name="fk_delivery_reader_id_reader", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("edition_id", name="uq_delivery_edition_id"),
        sa.UniqueConstraint("message_id", name="uq_delivery_message_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_delivery_reader_id", "delivery", ["reader_id"])
    op.create_index("ix_delivery_state_day_id", "delivery", ["state", "day", "id"])
    op.create_index("ix_delivery_state_next_try", "delivery", ["state", "next_try"])


def _housekeeping() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=100), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )
    op.create_table(
        "event",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name="pk_event"),
    )
