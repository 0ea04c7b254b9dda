"""The tables of merges, decisions and growth; the others are in ``larkpost.db.schema``."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from larkpost.db.column_types import Id, UtcDateTime, metadata

merged_record = Table(  # records merged into a paper; see larkpost.db.matching.merge_log
    "merged_record",
    metadata,
    Column("id", Id, primary_key=True),
    Column("paper_id", ForeignKey("paper.id", ondelete="CASCADE"), nullable=False),
    Column("digest", String(32), nullable=False),  # of its identifiers: the key of a record
    Column("format", String(40), nullable=False),  # of the dump; empty if unknown
    # SHA-256 of the dump's bytes. No key: a dump is recorded after its records.
    Column("dump_digest", String(64)),
    Column("rule", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("content", JSON, nullable=False),  # the record, as read
    UniqueConstraint("paper_id", "digest", "format"),
    Index("ix_merged_record_dump_digest", "dump_digest"),
)

match_decision = Table(  # the operator's decisions: identifiers that are one paper, or are not
    "match_decision",
    metadata,
    Column("id", Id, primary_key=True),
    Column("same", Boolean, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

decided_name = Table(  # groups of identifiers: each group is one paper
    "decided_name",
    metadata,
    Column("decision_id", ForeignKey("match_decision.id", ondelete="CASCADE"), primary_key=True),
    Column("scheme", String(20), primary_key=True),
    Column("value", String(400), primary_key=True),
    Column("part", Integer, nullable=False),
    Index("ix_decided_name_scheme_value", "scheme", "value"),
)

former_paper = Table(  # a paper merged into another one: its id and uid lead there
    "former_paper",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("uid", String(36), nullable=False, unique=True),
    Column("paper_id", ForeignKey("paper.id", ondelete="CASCADE"), nullable=False, index=True),
)

source_growth = Table(  # what a source or sender added in an hour; see db.usage.source_growth
    "source_growth",
    metadata,
    Column("account", String(64), primary_key=True),  # SHA-256 of its kind and name
    Column("hour", UtcDateTime, primary_key=True),
    Column("papers", Integer, nullable=False),
    Column("characters", BigInteger, nullable=False),
)
