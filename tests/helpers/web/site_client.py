"""A test site: a real program with a reader and an edition, and a client for it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.testclient import TestClient
from tests.helpers.factories import add_papers, picks_of

from larkpost.bootstrap import Program, build
from larkpost.db import editions, readers, schema, votes
from larkpost.readers import subscriptions
from larkpost.settings import load
from larkpost.web import app

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from larkpost.db.engine import Store
    from larkpost.domain import Edition, Paper, Reader, Thumb

BASE = "https://papers.example.org"
NOW = datetime(2026, 8, 7, 10, 0, tzinfo=UTC)
TODAY = date(2026, 8, 7)
# A client may send any Host header; pages must not trust it.
FOREIGN = "http://attacker.example"


@dataclass
class Clock:
    """A clock that is fixed until it is set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@dataclass
class Place:
    """The program, its clock, a client, and the initial reader and edition."""

    program: Program
    client: TestClient
    clock: Clock
    reader: Reader
    papers: list[Paper]
    edition: Edition
    clients: list[TestClient] = field(default_factory=list)

    def path(self, link: str) -> str:
        """Return the path of a link."""
        assert link.startswith(BASE)
        return link.removeprefix(BASE)

    def vote_path(self, position: int, wish: str) -> str:
        """Return the path of a vote link of the edition."""
        return f"{self.path(self.program.links.ballot(self.edition))}/{position}/{wish}"

    def fit(self) -> None:
        """Fit a model to the papers, as the daemon's tick does before any visit."""
        program = self.program
        program.spaces.refresh(program.store, program.ranker, now=self.clock())

    def thumb(self, position: int) -> Thumb | None:
        """Read the reader's thumb on a pick of the edition."""
        paper = self.edition.picks[position - 1].paper
        with self.program.store.read() as connection:
            vote = votes.one(connection, self.reader.id, paper.id)
        return vote.thumb if vote else None

    def current(self) -> Reader:
        """Read the reader's current row."""
        with self.program.store.read() as connection:
            return readers.get(connection, self.reader.id)


@contextmanager
def place(
    home: Path,
    database_url: str,
    flags: Mapping[str, object] | None = None,
    *,
    papers: int = 3,
    peer: str = "testclient",
) -> Iterator[Place]:
    """Open a site whose reader Ada has an edition of that many papers; it closes at the end.

    ``peer`` is the IP address of the client.
    """
    settings = load(
        home=home, flags={"database.url": database_url, "site.base_url": BASE} | dict(flags or {})
    )
    program = build(settings)
    program.prepare()
    reader = subscriptions.add(
        program.store,
        "ada@example.org",
        now=NOW,
        name="Ada",
        zone="Europe/Berlin",
        send_time=time(6),
    )
    there, edition = publish(program.store, reader, papers)
    clock = Clock()
    client = TestClient(
        app(program, clock=clock),
        base_url=FOREIGN,
        client=(peer, 50_000),
        follow_redirects=False,
        raise_server_exceptions=False,
    )
    try:
        with client:  # one event loop for all requests, as in the daemon
            yield Place(program, client, clock, reader, there, edition)
    finally:
        program.store.close()


def publish(
    store: Store, reader: Reader, count: int, day: date = TODAY, now: datetime = NOW
) -> tuple[list[Paper], Edition]:
    """Publish an edition of the first ``count`` papers of ``tests.helpers.factories``."""
    with store.begin() as connection:
        papers = add_papers(connection, count)
        edition = editions.publish(
            connection,
            reader=readers.get(connection, reader.id),
            date=day,
            picks=picks_of(papers),
            now=now,
            next_slot=reader.next_slot,
            message_id=f"<{day}.{reader.id}@example.org>",
        )
    assert edition
    return papers, edition


def contents(store: Store) -> dict[str, list[Any]]:
    """Read every row of every table."""
    with store.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in schema.metadata.sorted_tables
        }
