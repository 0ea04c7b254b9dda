"""Makes one outbox: notices become rows of ``delivery``, whose columns get technical names."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

from larkpost.db.column_types import CleanText, UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Row

revision = "0020"
down_revision = "0019"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT_ONCE = 1_000
_RENAMED = {
    "doubts": "ambiguous_attempts",
    "next_try": "next_attempt_at",
    "holder": "lease_owner",
    "reply": "last_response",
    "reopened": "requeued_at",
}

_NOTICE = sa.table(
    "notice",
    sa.column("id"),
    sa.column("address"),
    sa.column("wishes", sa.JSON),
    sa.column("asked", UtcDateTime),
    sa.column("attempts"),
    sa.column("next_try", UtcDateTime),
    sa.column("domain"),
    sa.column("place", UtcDateTime),
)
_READER = sa.table("reader", sa.column("id"), sa.column("uid"), sa.column("address_key"))
_DELIVERY = sa.table(
    "delivery",
    *map(sa.column, ("kind", "reader_id", "state", "attempts", "ambiguous_attempts")),
    *map(sa.column, ("last_response", "address_key", "domain")),
    sa.column("day", sa.Date),
    sa.column("queued_at", UtcDateTime),
    sa.column("next_attempt_at", UtcDateTime),
    sa.column("payload", sa.JSON(none_as_null=True)),
    sa.column("place", UtcDateTime),
)


def upgrade() -> None:
    """Rename and add columns, move the notices, and drop their table."""
    connection = op.get_bind()
    op.drop_index("ix_delivery_state_next_try", "delivery")
    with op.batch_alter_table("delivery", table_kwargs={"sqlite_autoincrement": True}) as table:
        for old, new in _RENAMED.items():
            table.alter_column(old, new_column_name=new)
        table.alter_column("edition_id", existing_type=Id, nullable=True)
        table.alter_column("reader_id", existing_type=Id, nullable=True)
        table.alter_column("message_id", existing_type=sa.String(200), nullable=True)
        table.add_column(sa.Column("kind", sa.String(20), nullable=False, server_default="edition"))
        table.add_column(sa.Column("queued_at", UtcDateTime()))
        table.add_column(sa.Column("payload", sa.JSON(none_as_null=True)))
        table.add_column(sa.Column("address_key", CleanText()))
        table.add_column(sa.Column("domain", CleanText()))
        table.add_column(sa.Column("place", UtcDateTime()))
    op.execute(
        "UPDATE delivery SET queued_at = "
        "(SELECT published_at FROM edition WHERE edition.id = delivery.edition_id)"
    )
    _tighten()
    for some in _in_portions(_rows_of_notices(connection)):
        connection.execute(sa.insert(_DELIVERY), some)
    op.drop_table("notice")
    _rename_letter()


def _tighten() -> None:
    with op.batch_alter_table("delivery", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column(
            "kind", existing_type=sa.String(20), existing_nullable=False, server_default=None
        )
        table.alter_column("queued_at", existing_type=UtcDateTime(), nullable=False)
        table.create_unique_constraint("uq_delivery_address_key", ["address_key"])
        table.create_check_constraint(
            op.f("ck_delivery_kind"),
            "kind IN ('edition', 'confirmation', 'empty_notice', 'operator_report')",
        )
        table.create_check_constraint(
            op.f("ck_delivery_edition"), "(kind = 'edition') = (edition_id IS NOT NULL)"
        )
    for columns in (("state", "next_attempt_at"), ("kind", "place"), ("domain", "place")):
        op.create_index(f"ix_delivery_{'_'.join(columns)}", "delivery", list(columns))


def _rename_letter() -> None:
    """Create ``letter`` under its new name, so that its constraints are named after it."""
    op.create_table(
        "sent_message",
        sa.Column("delivery_id", Id),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_sent_message"),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.id"],
            name="fk_sent_message_delivery_id_delivery",
            ondelete="CASCADE",
        ),
    )
    op.execute(
        "INSERT INTO sent_message (delivery_id, sender, recipient, content) "
        "SELECT delivery_id, sender, recipient, content FROM letter"
    )
    op.drop_table("letter")


def _rows_of_notices(connection: Connection) -> Iterator[dict[str, Any]]:
    """Return the rows of the outbox made from the notices, in the order of the notices.

    A confirmation names the person who requested it, any other notice the uid of its reader; if
    that reader was removed, the notice is dropped.
    """
    for notice in connection.execute(sa.select(_NOTICE).order_by(_NOTICE.c.id)).all():
        asks = "@" in notice.address
        key = _READER.c.address_key if asks else _READER.c.uid
        reader = connection.execute(sa.select(_READER.c.id).where(key == notice.address)).scalar()
        if asks or reader is not None:
            yield _row_of(notice, reader, asks=asks)


def _row_of(notice: Row[Any], reader: int | None, *, asks: bool) -> dict[str, Any]:
    payload = dict(notice.wishes)
    doubts = int(payload.pop("doubts", 0))
    quiet_day = payload.pop("day", None)
    if asks:
        payload.setdefault("address", notice.address)
    state = "unknown" if doubts else "deferred" if notice.attempts else "planned"
    return {
        "kind": "confirmation" if asks else "empty_notice",
        # A confirmation gets its reader at its first attempt, when it was counted.
        "reader_id": None if asks and not notice.attempts else reader,
        "state": state,
        "day": date.fromisoformat(quiet_day) if quiet_day else notice.asked.date(),
        "queued_at": notice.asked,
        "attempts": notice.attempts,
        "ambiguous_attempts": doubts,
        "next_attempt_at": notice.next_try,
        "last_response": "",
        "payload": payload,
        "address_key": notice.address if asks else None,
        "domain": notice.domain,
        "place": (notice.place or notice.asked) if asks else None,
    }


def _in_portions(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    portion: list[dict[str, Any]] = []
    for row in rows:
        portion.append(row)
        if len(portion) == _AT_ONCE:
            yield portion
            portion = []
    if portion:
        yield portion
