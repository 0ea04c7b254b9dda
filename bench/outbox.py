"""Measures the outbox: claiming messages, and recording each as begun and as sent.

Usage: python -m bench.outbox [--messages 5000] [--rounds 3] [--url postgresql+psycopg://…]

``floor`` is the limit of the disk: one commit per message through the driver, and nothing else.
Messages per second (wall-clock time) depend on the disk and on other load; the CPU time hardly
does.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from datetime import timedelta
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from bench import editions as sample

from larkpost.db import editions, papers, readers
from larkpost.db.editions import PreparedEdition
from larkpost.db.engine import Store, open_sqlite
from larkpost.db.migrations import upgrade
from larkpost.db.outbox import deliveries, sent_messages
from larkpost.domain import DeliveryState, Message
from larkpost.render import EditionRenderer
from larkpost.transports.sent_log import SentLog, SkipAlreadySent

if TYPE_CHECKING:
    from collections.abc import Callable

    from larkpost.domain import PaperRecord

BATCH = 100
LEASE = timedelta(minutes=2)
NOW = sample.OUT


def fill(store: Store, count: int) -> None:
    """Plan one message for each of so many readers."""
    from larkpost.domain import PaperRecord

    upgrade(store)
    draft: PaperRecord = PaperRecord(
        title="Sparse routing in mixtures of experts", abstract="Of routes."
    )
    with store.begin() as connection:
        papers.absorb(connection, [draft], now=NOW)
        who = [
            readers.add(connection, address=f"reader{n}@example.org", now=NOW, next_slot=NOW)
            for n in range(count)
        ]
        prepared = [
            PreparedEdition(reader, NOW.date(), [], NOW, NOW + LEASE, f"<{reader.uid}@example.org>")
            for reader in who
        ]
        editions.publish_many(connection, prepared)


def claimed(store: Store) -> list[int]:
    """Claim the next hundred messages."""
    with store.begin() as connection:
        rows = deliveries.claim(connection, NOW, limit=BATCH, lease=LEASE, holder="bench")
    return [row.id for row in rows]


def keep(store: Store, ids: list[int]) -> None:
    """Store the bytes of messages that are about to be sent."""
    content = edition_in_print()
    with store.begin() as connection:
        sent_messages.sweep(connection)
        sent_messages.keep(connection, {number: Message("", "", "", content) for number in ids})


@cache
def edition_in_print() -> bytes:
    """Render a newsletter of ten papers."""
    renderer = EditionRenderer(
        sample.FixedLinks(), sender="Larkpost <post@example.org>", title="Larkpost"
    )
    return next(iter(renderer.newsletter(sample.editions(1)))).content


def one_by_one(store: Store, send: Callable[[int], None] = lambda _: None) -> None:
    """Do as delivery does: each transaction settles one message and begins the next one."""
    while ids := claimed(store):
        last = None
        for number in [*ids, None]:
            with store.begin() as connection:
                if last is not None:
                    deliveries.settle(connection, last, DeliveryState.SENT, now=NOW)
                if number is not None:
                    deliveries.begin(connection, number, "bench", now=NOW, lease=LEASE)
            if number is not None:
                send(number)
            last = number


def one_by_one_logged(store: Store) -> None:
    """Deliver over a transport that accepts everything, with the log of sent messages."""
    with tempfile.TemporaryDirectory() as folder, SentLog(Path(folder), NOW.date()) as sent:
        transport = SkipAlreadySent(_Nowhere(), sent)
        one_by_one(store, lambda number: transport.send(_message(number)))


class _Nowhere:
    """A transport without any cost."""

    def ready(self) -> None:
        """Wait for nothing."""

    def send(self, message: Message) -> None:
        """Accept the message."""


def _message(number: int) -> Message:
    return Message("a@example.org", "b@example.org", f"<{number}@example.org>", b"")


def batch_by_batch(store: Store) -> None:
    """Do the same with one commit per hundred messages: the cost without waiting for disks."""
    while ids := claimed(store):
        with store.begin() as connection:
            for number in ids:
                deliveries.begin(connection, number, "bench", now=NOW, lease=LEASE)
                deliveries.settle(connection, number, DeliveryState.SENT, now=NOW)


def keeping(store: Store) -> None:
    """Do as ``batch_by_batch``, and store the messages: the difference is the cost of storing."""
    while ids := claimed(store):
        keep(store, ids)
        with store.begin() as connection:
            for number in ids:
                deliveries.begin(connection, number, "bench", now=NOW, lease=LEASE)
                deliveries.settle(connection, number, DeliveryState.SENT, now=NOW)


def reserving(store: Store) -> None:
    """Only claim messages."""
    while claimed(store):
        pass


class Cost(NamedTuple):
    """Messages per second, and CPU microseconds of this process per message."""

    rate: float
    cpu: float


class Watch:
    """Measures time and CPU time since its creation."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def cost(self, messages: int) -> Cost:
        """Return the cost of so many messages."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return Cost(messages / wall, cpu / messages * 1e6)


def floor(folder: Path, messages: int) -> Cost:
    """Commit one row per message with sqlite3 alone, as safely as the store does."""
    file = folder / "floor.db"
    sqlite3.connect(file).execute("CREATE TABLE row (id INTEGER PRIMARY KEY, state TEXT)")
    connection = open_sqlite(file, 1)
    watch = Watch()
    for number in range(messages):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO row VALUES (?, 'sent')", (number,))
        connection.execute("COMMIT")
    return watch.cost(messages)


def measured(way: Callable[[Store], None], url: str | None, messages: int) -> Cost:
    """Run one of the ways over a full outbox."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(url or f"sqlite:///{folder}/larkpost.db")
        fill(store, messages)
        watch = Watch()
        way(store)
        cost = watch.cost(messages)
        if url:
            with store.begin() as connection:
                for reader in readers.all(connection):
                    readers.remove(connection, reader.id)
        store.close()
        return cost


def main() -> None:
    """Measure and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--messages", type=int, default=5000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--url", default=None, help="an empty PostgreSQL database; else SQLite")
    given = arguments.parse_args()
    ways = (reserving, batch_by_batch, keeping, one_by_one, one_by_one_logged)
    costs: dict[str, list[Cost]] = {}
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            costs.setdefault("floor", []).append(floor(Path(folder), given.messages))
        for way in ways:
            cost = measured(way, given.url, given.messages)
            costs.setdefault(way.__name__, []).append(cost)
    for name, found in costs.items():
        rates = [cost.rate for cost in found]
        spread = f"[{min(rates):,.0f}..{max(rates):,.0f}]"
        cpu = median(cost.cpu for cost in found)
        print(f"{name:<24}{median(rates):>9,.0f}/s  {spread:<20}{cpu:>7,.0f} us of CPU a message")


if __name__ == "__main__":
    main()
