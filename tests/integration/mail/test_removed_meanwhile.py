"""Tests that readers who delete everything while messages are being sent stop no others.

Their messages go with them; a bounce of one, or its bytes, that could not be stored for a reader
who was gone ended the run, and its other messages waited for two minutes, again and again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import DAY, NOW
from tests.helpers.mail.outbox_helpers import Mailbag, PlainRenderer, publish, run, smtp, states
from tests.helpers.mail.smtp_server import SmtpServer, when

from larkpost.mail.deliver import DeliveryCounts, deliver
from larkpost.readers import subscriptions, suspension

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from larkpost.db.engine import Store
    from larkpost.domain import Edition, Message, Reader


class SlowRenderer(PlainRenderer):
    """Renders newsletters, while one of the readers deletes everything."""

    def __init__(self, store: Store, leaving: Reader) -> None:
        super().__init__()
        self._store, self._leaving = store, leaving

    def newsletter(self, editions: Sequence[Edition]) -> Iterator[Message]:
        yield from super().newsletter(editions)
        subscriptions.remove(self._store, self._leaving.id)


def test_a_message_refused_after_its_reader_was_removed_stops_no_other(store: Store) -> None:
    _, leaving, _ = publish(store, 3)

    def answer(line: str) -> str | None:
        if "reader2@" not in line:
            return None
        subscriptions.remove(store, leaving.id)
        return "550 5.1.1 no such user"

    with SmtpServer({"RCPT": answer}) as server:
        counts = run(store, smtp(server))

    assert counts == DeliveryCounts(sent=2, failed=1)
    assert states(store) == ["sent", "sent"]


def test_a_reader_removed_while_messages_are_made_stops_no_other(store: Store) -> None:
    leaving, _, _ = publish(store, 3)
    bag = Mailbag()

    counts = deliver(
        store, SlowRenderer(store, leaving), bag.open_transport, now=NOW, holder="test"
    )

    assert counts == DeliveryCounts(sent=2)
    assert bag.recipients() == ["reader2", "reader3"]


def test_a_reader_removed_before_a_late_message_stops_no_other(store: Store) -> None:
    _, leaving, _ = publish(store, 3)
    bag = Mailbag()
    waiting = iter([leaving])

    def remove() -> None:
        for reader in waiting:
            subscriptions.remove(store, reader.id)

    bag.when_ready = remove
    run(store, bag.open_transport, NOW + 2 * DAY)

    assert bag.recipients() == ["reader1", "reader3"]


def test_an_outcome_that_cannot_be_written_keeps_no_other_message_waiting(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_named: object) -> bool:
        raise RuntimeError("a fault of the program")

    monkeypatch.setattr(suspension, "count", fail)
    publish(store, 3)
    with SmtpServer({"RCPT": when("reader1@", "550 5.1.1 no such user")}) as server:
        with pytest.raises(RuntimeError, match="a fault of the program"):
            run(store, smtp(server))

        counts = run(store, smtp(server))

    assert counts == DeliveryCounts(sent=2)
    assert states(store) == ["sending", "sent", "sent"]
