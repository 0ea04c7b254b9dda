"""Tests that no kind of message is lost or doubled if the process is killed or the disk full."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.helpers.mail.every_kind import (
    KINDS,
    FaultyStore,
    later,
    queue,
    rows,
    send,
    stored_messages,
)
from tests.helpers.mail.outbox_helpers import Killed, Mailbag

from larkpost.db import schema
from larkpost.db.engine import Store
from larkpost.domain import MessageKind
from larkpost.errors import NoRoom

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from larkpost.domain import Message

MOST_COMMITS = 40


def has_ended(store: Store, kind: MessageKind, sent: int) -> bool:
    """Return whether all are sent: of an edition the row stays, of another kind nothing does."""
    expected = [("edition", "sent")] * sent if kind is MessageKind.EDITION else []
    return rows(store) == expected and stored_messages(store) == 0


class FillingStore(Store):
    """A store whose disk fills up, and has room again three transactions later."""

    refusals = 0

    def fill(self, _message: Message) -> None:
        self.refusals = 3

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        if self.refusals > 0:
            self.refusals -= 1
            raise NoRoom("the disk is full")
        with super().begin() as connection:
            yield connection


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_killed_at_any_commit_loses_no_message_and_doubles_only_what_was_in_doubt(
    database_url: str, kind: MessageKind, after: bool
) -> None:
    """Each time a home of its own: two messages, a run that is killed, and a run that is not."""
    store = Store(database_url)
    commit, commits = 1, MOST_COMMITS
    while commit <= commits:
        wipe(store)
        to = queue(store, kind, 2)
        bag = Mailbag()
        dying = FaultyStore(database_url, at=commit, after=after)
        try:
            send(dying, bag.open_transport)
            commits = dying.commits
        except Killed:
            pass
        dying.close()
        in_doubt = sum(state == "sending" for _, state in rows(store))

        for number in (1, 2):
            send(store, bag.open_transport, later(number))

        assert in_doubt <= 1
        assert set(bag.tries) == set(to), commit
        assert len(bag.tries) <= len(to) + in_doubt, commit
        for address in to:  # a copy is the same to the byte, under the same Message-ID
            assert len({one for one in bag.messages if one.recipient == address}) == 1
        assert has_ended(store, kind, len(to)), commit
        commit += 1
    store.close()
    assert commits < MOST_COMMITS


def wipe(store: Store) -> None:
    """Empty the outbox and forget the readers, so that the next round begins anew."""
    with store.begin() as connection:
        for table in (
            schema.pick,
            schema.delivery,
            schema.edition,
            schema.reader,
            schema.rate_limit,
        ):
            connection.execute(table.delete())


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_is_full_at_any_commit_loses_and_doubles_no_message(
    sqlite_url: str, kind: MessageKind
) -> None:
    store = Store(sqlite_url)
    commit, commits = 1, MOST_COMMITS
    while commit <= commits:
        wipe(store)
        to = queue(store, kind, 2)
        bag = Mailbag()
        full = FaultyStore(sqlite_url, at=commit, killed=False)
        try:
            send(full, bag.open_transport)
            commits = full.commits
        except NoRoom:
            pass
        full.close()

        send(store, bag.open_transport, later(1))

        assert sorted(bag.tries) == sorted(to), commit
        assert has_ended(store, kind, len(to)), commit
        commit += 1
    store.close()
    assert commits < MOST_COMMITS


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_that_the_server_took_is_settled_once_the_disk_has_room(
    sqlite_url: str, kind: MessageKind
) -> None:
    """The answer is known to nobody else, so it is written again and again, and not sent again."""
    store = FillingStore(sqlite_url)
    to = queue(store, kind)
    bag = Mailbag()

    bag.before_each = store.fill
    send(store, bag.open_transport)
    send(store, bag.open_transport, later(1))

    assert bag.tries == to
    assert has_ended(store, kind, 1)
    store.close()
