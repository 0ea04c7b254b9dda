"""Adds the log of the records merged into a paper, and the operator's decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from larkpost.db.column_types import UtcDateTime

revision = "0023"
down_revision = "0022"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, and the columns that show which text of a paper is the latest."""
    op.add_column("paper", sa.Column("version", sa.Integer(), nullable=True))
    op.add_column("paper", sa.Column("text_seen", UtcDateTime(), nullable=True))
    _make_merged_record()
    _make_decisions()
    # The report to the operator was called a receipt; without this it would be sent again today.
    op.execute("UPDATE job_status SET kind = 'operator_report' WHERE kind = 'receipt'")
    op.create_table(
        "former_paper",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("uid", sa.String(36), nullable=False),
        sa.Column("paper_id", Id, nullable=False),
        _to_paper("former_paper"),
        sa.PrimaryKeyConstraint("id", name="pk_former_paper"),
        sa.UniqueConstraint("uid", name="uq_former_paper_uid"),
    )
    op.create_index("ix_former_paper_paper_id", "former_paper", ["paper_id"])


def _make_merged_record() -> None:
    op.create_table(
        "merged_record",
        sa.Column("id", Id, nullable=False),
        sa.Column("paper_id", Id, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("format", sa.String(40), nullable=False),
        sa.Column("dump_digest", sa.String(64), nullable=True),
        sa.Column("rule", sa.String(20), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        _to_paper("merged_record"),
        sa.PrimaryKeyConstraint("id", name="pk_merged_record"),
        sa.UniqueConstraint(
            "paper_id", "digest", "format", name="uq_merged_record_paper_id_digest_format"
        ),
    )


def _make_decisions() -> None:
    op.create_table(
        "match_decision",
        sa.Column("id", Id, nullable=False),
        sa.Column("same", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_match_decision"),
    )
    op.create_table(
        "decided_name",
        sa.Column("decision_id", Id, nullable=False),
        sa.Column("scheme", sa.String(20), nullable=False),
        sa.Column("value", sa.String(400), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"],
            ["match_decision.id"],
            name="fk_decided_name_decision_id_match_decision",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("decision_id", "scheme", "value", name="pk_decided_name"),
    )
    op.create_index("ix_decided_name_scheme_value", "decided_name", ["scheme", "value"])


def _to_paper(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_paper_id_paper"
    return sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=name, ondelete="CASCADE")
