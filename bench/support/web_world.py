"""A site to visit: thousands of papers, readers with thumbs, and one with fifty editions."""

from __future__ import annotations

import gzip
import json
import random
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from bench.replay import made

from larkpost.bootstrap import build
from larkpost.db import editions, papers, readers, votes
from larkpost.domain import Identifier, PaperRecord, Pick, Status, TermWeight, Thumb, Vote
from larkpost.readers import interests, subscriptions
from larkpost.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from larkpost.bootstrap import Program
    from larkpost.db.engine import Connection
    from larkpost.domain import Edition, Paper, Reader

NOW = datetime(2026, 8, 7, 10, tzinfo=UTC)
DAILY = 100  # papers
EDITIONS, VOTES = 50, 200  # of the visited reader
OTHERS, THEIR_VOTES = 100, 10
BASE = "https://papers.example.org"
ADMIN = 1
_BATCH = 2000


@dataclass(frozen=True)
class World:
    """A program with papers, and a reader whose newest edition is ``edition``."""

    program: Program
    reader: Reader
    edition: Edition
    paper: Paper
    papers: int

    def path(self, link: str) -> str:
        """Return the path of a link."""
        return link.removeprefix(self.program.settings.site.base_url)

    def newcomer(self) -> Reader:
        """Create one more reader, without an address."""
        return subscriptions.add(self.program.store, None, now=NOW)

    def pending(self, number: int) -> Reader:
        """Create a reader who has not confirmed yet."""
        address = f"pending{number}@example.org"
        return subscriptions.add(self.program.store, address, now=NOW, status=Status.PENDING)


def drafts(count: int, folder: Path, now: datetime) -> Iterator[PaperRecord]:
    """Make so many papers, newest first, 100 per day.

    They are papers of arXiv if the data are available; further ones combine halves of two papers.
    Without the data they are made of the sample's sentences.
    """
    for number, (title, abstract) in enumerate(islice(_texts(count, folder), count)):
        yield PaperRecord(
            title=title,
            abstract=abstract,
            identifiers=(Identifier("arxiv", f"{2001 + number // 90_000}.{number % 90_000:05}"),),
            authors=(f"Ann Author {number % 997}", f"Bob Writer {number % 1009}"),
            first_seen=now - timedelta(days=number // DAILY, minutes=number % DAILY),
            ingested_at=now - timedelta(days=number // DAILY, minutes=number % DAILY),
        )


def _texts(count: int, folder: Path) -> Iterator[tuple[str, str]]:
    file = folder / "arxiv-background" / "docs.jsonl.gz"
    if not file.exists():
        yield from ((f"{one.title} {one.id}", one.abstract) for one in made(count))
        return
    with gzip.open(file, "rt") as lines:
        known = [(one["title"], one["abs"]) for one in map(json.loads, lines)]
    yield from known
    draw = random.Random(3)  # noqa: S311 - the same papers on every run
    number = len(known)
    while True:
        (title, first), (_, second) = draw.choice(known), draw.choice(known)
        yield f"{title} {number}", f"{second[len(second) // 2 :]} {first[: len(first) // 2]}"
        number += 1


@contextmanager
def world(
    home: Path,
    count: int,
    folder: Path,
    *,
    now: datetime = NOW,
    flags: Mapping[str, object] | None = None,
) -> Iterator[World]:
    """Open a site with so many papers and 101 readers."""
    given: dict[str, object] = {"site.base_url": BASE, "web.admin_link_version": ADMIN}
    program = build(load(home=home, flags=given | dict(flags or {})))
    program.prepare()
    try:
        yield _furnished(program, count, folder, now)
    finally:
        program.store.close()


def _furnished(program: Program, count: int, folder: Path, now: datetime) -> World:
    told = drafts(count, folder, now)
    while some := list(islice(told, _BATCH)):
        with program.store.begin() as connection:
            papers.absorb(connection, some, now=now)
    reader = _subscribe(program, now)
    with program.store.begin() as connection:
        everything = papers.corpus(connection, until=now, limit=EDITIONS * DAILY)
        _give_thumbs(connection, reader, everything[-VOTES:], now)
        _take_in_others(connection, everything[: 7 * DAILY], now)
        for back in reversed(range(EDITIONS)):
            _publish(connection, reader, everything, now, back)
        (newest,) = editions.latest(connection, reader.id, limit=1)
        total = papers.count(connection)
    return World(program, reader, newest, everything[DAILY], total)


def _subscribe(program: Program, now: datetime) -> Reader:
    reader = subscriptions.add(
        program.store,
        "ada@example.org",
        now=now - timedelta(days=EDITIONS),
        name="Ada",
        words=["mixture of experts", "quantization"],
    )
    interests.set_interest(
        program.store, reader.id, "theory", words=["graph neural networks"], quota=1
    )
    with program.store.read() as connection:
        return readers.get(connection, reader.id)


def _give_thumbs(
    connection: Connection, reader: Reader, liked: Sequence[Paper], now: datetime
) -> None:
    votes.cast_many(
        connection,
        [
            Vote(
                reader.id,
                paper.id,
                Thumb.DOWN if number % 3 == 0 else Thumb.UP,
                now - timedelta(hours=6 * (len(liked) - number)),
                "bench",
                reader.interests[number % len(reader.interests)].id,
            )
            for number, paper in enumerate(liked)
        ],
    )


def _take_in_others(connection: Connection, among: Sequence[Paper], now: datetime) -> None:
    draw = random.Random(5)  # noqa: S311 - the same thumbs on every run
    for number in range(OTHERS):
        joined = now - timedelta(days=40)
        other = readers.add(connection, address=f"reader{number}@example.org", now=joined)
        liked = draw.sample(list(among), min(THEIR_VOTES, len(among)))
        _give_thumbs(connection, other, liked, now)


def _publish(
    connection: Connection, reader: Reader, among: Sequence[Paper], now: datetime, back: int
) -> None:
    """Publish the edition of so many days ago, with ten papers of the previous day."""
    first = (back + 1) * DAILY % max(1, len(among) - 10)
    chosen = among[first : first + 10]
    out = now - timedelta(days=back)
    published = editions.publish(
        connection,
        reader=reader,
        date=out.date(),
        picks=[
            Pick(
                paper,
                at,
                1 / at,
                0.5,
                positive_terms=(TermWeight("routing", 0.5),),
                similar_paper=among[-1],
            )
            for at, paper in enumerate(chosen, 1)
        ],
        now=out,
        next_slot=reader.next_slot,
        message_id=f"<{out:%Y%m%d}.{reader.id}@example.org>",
    )
    if published is None:
        raise SystemExit(f"the edition of {out:%Y-%m-%d} could not be published")
