"""Migrating an older home: deliveries, stored messages and notices become one outbox."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import MetaData, Table, insert, select, text
from tests.helpers.mail.every_kind import send
from tests.helpers.mail.outbox_helpers import Mailbag
from tests.helpers.old_databases import AT, Before, left_at

from larkpost.db import migrations, readers, schema
from larkpost.db.outbox import deliveries, notices, sent_messages
from larkpost.domain import DeliveryState, MessageKind, Status
from larkpost.errors import Unanswered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from larkpost.db.engine import Store

DAY = date(2026, 8, 7)
BEFORE = date(2026, 8, 6)
LATER = AT + timedelta(minutes=5)
WISHES = {"zone": "UTC", "at": "06:00", "days": [0], "size": 3, "words": ["birdsong"]}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a store as the version before left it; once on each kind of database."""
    with left_at("0018", request, tmp_path) as store:
        with store.begin() as connection:
            _furnish(connection)
        yield store


def _furnish(connection: Connection) -> None:
    """Insert three readers, a message in each of some states, and a notice of each kind."""
    before = Before(connection)
    before.paper(1)
    for number in (1, 2, 3, 4):
        before.reader(
            number, f"reader{number}@example.org", address_key=f"reader{number}@example.org",
            status="pending" if number == 4 else "active", quiet_mail=True,
        )  # fmt: skip
        before.interest(number, number, "first")
    for number, state in ((1, "sent"), (2, "unknown"), (3, "planned")):
        before.edition(number, number, DAY, 1, state)
    table = Table("delivery", MetaData(), autoload_with=connection)
    doubtful = table.update().where(table.c.edition_id == 2)
    connection.execute(doubtful.values(doubts=1, attempts=1, reply="no answer", reopened=AT))
    kept = Table("letter", MetaData(), autoload_with=connection)
    number = connection.execute(select(table.c.id).where(table.c.edition_id == 2)).scalar_one()
    connection.execute(
        insert(kept).values(delivery_id=number, sender="a@x", recipient="b@x", content=b"x\x9c")
    )
    _notice(
        before, "new@example.org", WISHES | {"address": "New@example.org"}, domain="example.org"
    )
    _notice(before, "reader4@example.org", WISHES, attempts=1)
    _notice(before, "twice@example.org", WISHES | {"doubts": 1}, attempts=1)
    _notice(before, "uid-1", {"day": BEFORE.isoformat(), "why": "there were no new papers"})
    _notice(before, "uid-of-nobody", {"day": DAY.isoformat(), "why": "there were no new papers"})

    if connection.dialect.name == "postgresql":  # the ids above were given by hand
        for name in ("reader", "interest"):
            beyond = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), 100)")
            connection.execute(beyond, {"name": name})


def _notice(before: Before, address: str, wishes: dict[str, Any], **values: Any) -> None:
    usual = {"attempts": 0, "domain": None, "asked": AT, "next_try": LATER, "place": AT}
    before._insert("notice", address=address, wishes=wishes, **usual | values)


def all_rows(store: Store) -> list[Any]:
    table = schema.delivery
    with store.read() as connection:
        return list(connection.execute(select(table).order_by(table.c.id)).all())


def test_messages_keep_their_state_under_the_new_names(older: Store) -> None:
    migrations.upgrade(older)

    with older.read() as connection:
        sent, unknown, planned = (deliveries.of(connection, who)[0] for who in (1, 2, 3))
    assert [one.state for one in (sent, unknown, planned)] == [
        DeliveryState.SENT, DeliveryState.UNKNOWN, DeliveryState.PLANNED,
    ]  # fmt: skip
    assert {one.kind for one in (sent, unknown, planned)} == {MessageKind.EDITION}
    assert (unknown.ambiguous_attempts, unknown.last_response) == (1, "no answer")
    assert (unknown.requeued_at, unknown.queued_at, unknown.next_attempt_at) == (AT, AT, AT)
    assert [one.message_id for one in (sent, unknown, planned)] == ["<1@x>", "<2@x>", "<3@x>"]


def test_what_was_kept_of_a_message_in_doubt_is_still_kept(older: Store) -> None:
    migrations.upgrade(older)

    with older.read() as connection:
        (row,) = connection.execute(select(schema.sent_message)).all()
        (delivery,) = deliveries.of(connection, 2)
    assert (row.delivery_id, row.sender, row.recipient) == (delivery.id, "a@x", "b@x")
    assert bytes(row.content) == b"x\x9c"


def test_notices_become_rows_of_the_outbox_and_those_of_nobody_go(older: Store) -> None:
    migrations.upgrade(older)

    new, known, twice, empty = all_rows(older)[3:]
    assert [row.kind for row in (new, known, twice, empty)] == [
        "confirmation", "confirmation", "confirmation", "empty_notice",
    ]  # fmt: skip
    assert (new.address_key, new.domain, new.reader_id) == ("new@example.org", "example.org", None)
    assert new.payload == WISHES | {"address": "New@example.org"}
    assert (new.state, new.queued_at, new.next_attempt_at, new.place) == ("planned", AT, LATER, AT)
    assert (known.state, known.attempts, known.reader_id) == ("deferred", 1, 4)
    assert known.payload["address"] == "reader4@example.org"
    assert (twice.state, twice.ambiguous_attempts) == ("unknown", 1)
    assert "doubts" not in twice.payload
    assert (empty.reader_id, empty.day, empty.address_key) == (1, BEFORE, None)
    assert empty.payload == {"why": "there were no new papers"}


def test_what_waited_goes_out_once_by_the_rules_of_its_kind(older: Store) -> None:
    migrations.upgrade(older)
    with older.begin() as connection:
        connection.execute(schema.sent_message.delete())  # no message that was really sent
    bag = Mailbag(twice=Unanswered("no answer"))

    send(older, bag.open_transport, LATER + timedelta(minutes=1))
    send(older, bag.open_transport, LATER + timedelta(hours=3))

    assert sorted(bag.tries) == [
        "New@example.org", "reader1@example.org", "reader2@example.org", "reader3@example.org",
        "reader4@example.org", "twice@example.org",
    ]  # fmt: skip
    kinds = [row.kind for row in all_rows(older)]
    assert kinds == ["edition"] * 3 + ["confirmation"]  # the one that may have arrived twice
    with older.read() as connection:
        assert readers.by_address(connection, "new@example.org").status is Status.PENDING


def test_the_outbox_of_a_new_home_takes_each_kind_once(older: Store) -> None:
    """An address has one confirmation that waits, as before."""
    migrations.upgrade(older)

    with older.begin() as connection:
        notices.ask(connection, "new@example.org", WISHES | {"size": 9}, now=LATER)
        assert sent_messages.read(connection, []) == {}

    assert [row.payload["size"] for row in all_rows(older) if row.domain] == [9]
