"""Every table, with named constraints; ``larkpost.domain`` explains the columns.

The search index differs between databases: see ``larkpost.db.search.index``.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Time,
    UniqueConstraint,
    false,
)

from larkpost.db import column_types
from larkpost.db.column_types import CleanText, TextList, UtcDateTime
from larkpost.db.matching import tables as tables

metadata, Id = column_types.metadata, column_types.Id

dump = Table(
    "dump",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),  # SHA-256 of the bytes
    Column("name", CleanText, nullable=False),
    Column("format", String(40), nullable=False),
    Column("captured", Date),  # the day of capture, if known
    Column("read_at", UtcDateTime, nullable=False),
    Column("papers", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("updated", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("source", CleanText),  # the name of the polled source that it came from; else NULL
    Index("ix_dump_read_at", "read_at", "id"),
    Index("ix_dump_source_read_at", "source", "read_at"),
)

rejected_record = Table(
    "rejected_record",
    metadata,
    Column("id", Id, primary_key=True),
    Column("dump_id", ForeignKey("dump.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("line", Integer, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("text", CleanText, nullable=False),
)

paper = Table(
    "paper",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", String(36), nullable=False, unique=True),
    Column("scheme", String(20), nullable=False),  # the identifier shown to people
    Column("value", String(400), nullable=False),
    Column("title", CleanText, nullable=False),
    Column("abstract", CleanText, nullable=False),
    Column("authors", TextList, nullable=False),
    Column("categories", TextList, nullable=False),
    Column("published", Date),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("ingested_at", UtcDateTime, nullable=False, index=True),
    Column("updated", UtcDateTime, nullable=False),
    Column("url", CleanText),
    Column("upvotes", Integer),
    Column("title_key", String(64), nullable=False, index=True),
    Column("organisation", CleanText),
    Column("links", TextList),
    Column("withdrawn", Boolean, nullable=False, server_default=false()),
    Column("version", Integer),  # arXiv's, of the title and abstract; NULL if unknown
    Column("unverified", Integer, nullable=False, server_default="0"),  # text.unverified
    Column("text_source", CleanText),  # the source of unverified texts; NULL if unknown
    Column("text_seen", UtcDateTime),  # when the record of the text was seen; NULL: first_seen
    Column("keywords", TextList),
    Column("comment", CleanText),
    Column("journal_ref", CleanText),
    Column("thumbnail", CleanText),  # an address that is never loaded
    # The owner, if the paper is private. Private papers have no row in identifier, minhash,
    # dump_paper or the search index. See larkpost.db.private.private_papers.
    Column("owner_id", ForeignKey("reader.id", ondelete="CASCADE")),
    Index("ix_paper_owner_id_first_seen", "owner_id", "first_seen"),
    Index("ix_paper_owner_id_updated", "owner_id", "updated"),
    Index("ix_paper_first_seen", "first_seen", "id"),
    sqlite_autoincrement=True,
)

identifier = Table(
    "identifier",
    metadata,
    Column("scheme", String(20), primary_key=True),
    Column("value", String(400), primary_key=True),
    Column("paper_id", ForeignKey("paper.id", ondelete="CASCADE"), nullable=False, index=True),
)

private_identifier = Table(  # the lookup keys of private papers
    "private_identifier",
    metadata,
    Column("owner_id", ForeignKey("reader.id", ondelete="CASCADE"), primary_key=True),
    Column("scheme", String(20), primary_key=True),
    Column("value", String(400), primary_key=True),
    Column("paper_id", ForeignKey("paper.id", ondelete="CASCADE"), nullable=False, index=True),
    Index("ix_private_identifier_scheme_value", "scheme", "value"),
)

minhash = Table(  # of the abstract, to find duplicates
    "minhash",
    metadata,
    Column("paper_id", ForeignKey("paper.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", BigInteger, primary_key=True),
    # With the paper, so that a lookup reads only the index.
    Index("ix_minhash_hash_paper_id", "hash", "paper_id"),
)

dump_paper = Table(  # the papers of a dump, in its order
    "dump_paper",
    metadata,
    Column("dump_id", ForeignKey("dump.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("paper_id", ForeignKey("paper.id", ondelete="CASCADE"), nullable=False, index=True),
)

reader = Table(
    "reader",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", String(36), nullable=False, unique=True),
    Column("address", CleanText, unique=True),  # for sending: text.spell_address
    Column("address_key", CleanText, index=True, unique=True),  # for comparing: text.address_key
    Column("name", CleanText, nullable=False),
    Column("status", String(12), nullable=False, index=True),
    Column("zone", String(64), nullable=False),
    Column("send_time", Time, nullable=False),  # local
    Column("weekday_mask", SmallInteger, nullable=False),  # a bit for each weekday, Monday is 1
    Column("papers_per_edition", Integer, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("weekly", Boolean, nullable=False),
    Column("paused_until", Date),
    Column("next_slot", UtcDateTime, index=True),
    Column("feed_key", String(64), nullable=False, unique=True),
    Column("created", UtcDateTime, nullable=False),
    Column("page_link_version", Integer, nullable=False, server_default="0"),
    Column("notify_when_empty", Boolean, nullable=False, server_default=false()),
    # A reader whose address differed from another's only in case is just a name for that one. No
    # foreign key: SQLite cannot add one to a table; ``readers.remove`` replaces it.
    Column("merged_into", Id, index=True),
    # Whether a reader expires if nobody uses their page or feed, and the day of last use.
    Column("expires", Boolean, nullable=False, server_default=false()),
    Column("last_used", Date),
    Index("ix_reader_expires_id", "expires", "id"),
    Column("counts_from", UtcDateTime),  # NULL: not yet; see larkpost.db.usage.vote_eligibility
    Column("offer_declined", UtcDateTime),  # see larkpost.editions.second_interest
    CheckConstraint("papers_per_edition BETWEEN 1 AND 100", name="papers_per_edition"),
    sqlite_autoincrement=True,
)

interest = Table(
    "interest",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reader_id", ForeignKey("reader.id", ondelete="CASCADE"), nullable=False),
    Column("name", CleanText, nullable=False),
    Column("words", TextList, nullable=False),
    Column("quota", Integer, nullable=False),
    UniqueConstraint("reader_id", "name"),
    CheckConstraint("quota > 0", name="quota"),
    sqlite_autoincrement=True,
)

vote = Table(
    "vote",
    metadata,
    Column("reader_id", ForeignKey("reader.id", ondelete="CASCADE"), primary_key=True),
    Column("paper_id", ForeignKey("paper.id", ondelete="CASCADE"), primary_key=True),
    Column("thumb", SmallInteger, nullable=False),
    Column("interest_id", ForeignKey("interest.id", ondelete="SET NULL"), index=True),
    Column("source", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("counts_from", UtcDateTime),  # for others; NULL: not yet
    Index("ix_vote_reader_id_at_paper_id", "reader_id", "at", "paper_id"),
    Index("ix_vote_paper_id_thumb_counts_from", "paper_id", "thumb", "counts_from"),
    Index(
        "ix_vote_thumb_reader_id_counts_from_paper_id",
        "thumb",
        "reader_id",
        "counts_from",
        "paper_id",
    ),
    CheckConstraint("thumb IN (-1, 1)", name="thumb"),
)

forgotten_vote = Table(  # a vote that its reader had forgotten; see ``forgotten_votes``
    "forgotten_vote",
    metadata,
    Column("reader_id", ForeignKey("reader.id", ondelete="CASCADE"), primary_key=True),
    Column("paper_id", ForeignKey("paper.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("thumb", SmallInteger, nullable=False),
    Column("interest_id", ForeignKey("interest.id", ondelete="SET NULL"), index=True),
    Column("source", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("counts_from", UtcDateTime),
    Column("forgotten_at", UtcDateTime, nullable=False, index=True),
    CheckConstraint("thumb IN (-1, 1)", name="thumb"),
)

tfidf_model = Table(
    "tfidf_model",
    metadata,
    Column("id", Id, primary_key=True),
    Column("fitted_at", UtcDateTime, nullable=False),
    Column("paper_count", Integer, nullable=False),
    Column("corpus_updated_at", UtcDateTime),  # first_seen of its newest paper
    Column("body", LargeBinary, nullable=False),
)

edition = Table(
    "edition",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reader_id", ForeignKey("reader.id", ondelete="CASCADE"), nullable=False),
    Column("date", Date, nullable=False),  # the reader's local day
    Column("published_at", UtcDateTime, nullable=False, index=True),
    Column("catch_up_from", Date),
    Column("note", CleanText, nullable=False),
    Column("candidate_count", Integer, nullable=False),
    UniqueConstraint("reader_id", "date"),
    sqlite_autoincrement=True,
)

pick = Table(
    "pick",
    metadata,
    Column("edition_id", ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("paper_id", ForeignKey("paper.id"), nullable=False, index=True),
    Column("score", Float, nullable=False),
    Column("probability", Float, nullable=False),
    Column("propensity", Float, nullable=False),
    Column("explored", Boolean, nullable=False),
    Column("pool", Integer, nullable=False, server_default="1"),  # papers in the draw
    Column("interest_id", Id),  # no key, because removing an interest would read every pick
    Column("interest", CleanText, nullable=False),  # and its name
    Column("positive_terms", JSON, nullable=False),  # [[term, weight], …], strongest first
    Column("negative_terms", JSON, nullable=False),
    Column("similar_paper_id", ForeignKey("paper.id"), index=True),
    Column("similarity", Float),  # to the nearest liked paper, shown or not; NULL before a thumb up
    Column("shown_terms", JSON(none_as_null=True)),  # NULL in old editions
)

delivery = Table(  # the outbox; ``larkpost.domain.Delivery`` explains its columns
    "delivery",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("edition_id", ForeignKey("edition.id", ondelete="CASCADE"), unique=True),
    Column("reader_id", ForeignKey("reader.id", ondelete="CASCADE"), index=True),
    Column("state", String(12), nullable=False),
    Column("day", Date, nullable=False),  # today's messages go before older ones
    Column("queued_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("ambiguous_attempts", Integer, nullable=False),
    Column("message_id", String(200), unique=True),  # NULL before the message was first built
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime),
    Column("lease_owner", String(100)),
    Column("last_response", CleanText, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("requeued_at", UtcDateTime),
    Column("shortened_at", UtcDateTime),
    Column("payload", JSON(none_as_null=True)),
    # Only for confirmations: the requester, the limiting domain, and the place in its queue.
    Column("address_key", CleanText, unique=True),
    Column("domain", CleanText),
    Column("place", UtcDateTime),
    Index("ix_delivery_state_day_id", "state", "day", "id"),
    Index("ix_delivery_state_next_attempt_at", "state", "next_attempt_at"),
    Index("ix_delivery_kind_place", "kind", "place"),
    Index("ix_delivery_domain_place", "domain", "place"),
    CheckConstraint(
        "kind IN ('edition', 'confirmation', 'empty_notice', 'operator_report')", name="kind"
    ),
    CheckConstraint("(kind = 'edition') = (edition_id IS NOT NULL)", name="edition"),
    sqlite_autoincrement=True,
)

sent_message = Table(  # a message as sent, while its outcome may be unknown
    "sent_message",
    metadata,
    Column("delivery_id", ForeignKey("delivery.id", ondelete="CASCADE"), primary_key=True),
    Column("sender", CleanText, nullable=False),
    Column("recipient", CleanText, nullable=False),
    Column("content", LargeBinary, nullable=False),  # compressed
)

lease = Table(  # exclusive rights of a process: the tick, a fit
    "lease",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(100), nullable=False),
    Column("until", UtcDateTime, nullable=False),
)

job_status = Table(  # the latest of each kind, for status and healthz
    "job_status",
    metadata,
    Column("kind", String(40), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("detail", JSON, nullable=False),
)

bounce = Table(  # bounces reported by mail servers
    "bounce",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reader_id", ForeignKey("reader.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(4), nullable=False),
    Column("code", String(20), nullable=False),
    Column("text", CleanText, nullable=False),
    Index("ix_bounce_reader_id_at", "reader_id", "at"),
    CheckConstraint("kind IN ('hard', 'soft')", name="kind"),
)

rate_limit = Table(  # counts of actions; see larkpost.db.coordination.rate_limits
    "rate_limit",
    metadata,
    Column("key", String(64), primary_key=True),  # SHA-256: addresses of strangers are not kept
    Column("full_at", BigInteger, nullable=False, index=True),  # microseconds since 1970
)

polled_source = Table(  # polled sources, and their health; see db.polling
    "polled_source",
    metadata,
    Column("name", CleanText, primary_key=True),
    Column("address", CleanText, nullable=False),  # a known name, or a web address
    Column("by_command", Boolean, nullable=False),  # otherwise it is from the settings
    Column("interval_minutes", Float),
    Column("allow_private", Boolean, nullable=False),
    Column("authority", Boolean, nullable=False, server_default=false()),  # its texts count
    Column("added_at", UtcDateTime, nullable=False),
    Column("next_poll_at", UtcDateTime, nullable=False),
    Column("last_poll_at", UtcDateTime),
    Column("last_answer_at", UtcDateTime),
    Column("watched_since", UtcDateTime),  # the start of polling without a pause
    Column("last_news_at", UtcDateTime),  # when it last had new papers
    Column("news_count", Integer, nullable=False),  # how often it had new papers
    Column("longest_gap", Float, nullable=False),  # seconds between two such times
    Column("papers", Integer, nullable=False),  # in the last answer that had any
    Column("failures", Integer, nullable=False),  # in a row
    Column("problem", String(20)),
    Column("problem_text", CleanText, nullable=False),
    Column("problem_hint", CleanText, nullable=False),
    Column("problem_since", UtcDateTime),
    Column("moved_to", CleanText, nullable=False),
)

polled_page = Table(  # one address of a source, with its validators
    "polled_page",
    metadata,
    Column("source", ForeignKey("polled_source.name", ondelete="CASCADE"), primary_key=True),
    Column("url", CleanText, primary_key=True),
    Column("day", Date),  # the day of a daily list
    Column("etag", CleanText, nullable=False),
    Column("last_modified", CleanText, nullable=False),
    Column("trusted", Boolean, nullable=False),  # whether its validators change with its papers
    Column("digest", String(64), nullable=False),
    Column("dump_id", Id),  # no key: dumps may be deleted
    Column("papers", Integer, nullable=False),
    Column("checked_at", UtcDateTime, nullable=False),
    Column("whole_at", UtcDateTime, nullable=False),  # when it last arrived complete, not as a 304
    Column("grown_at", UtcDateTime, nullable=False),
    Column("moved_to", CleanText, nullable=False),
)
