"""Makes editions for the benchmarks: papers of the sample dump, and readers who share them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

from larkpost.domain import Edition, Identifier, Interest, Paper, Pick, Reader, Status, TermWeight
from larkpost.packaged_files import shipped_path

if TYPE_CHECKING:
    from larkpost.interfaces import FeedFormat

OUT = datetime(2026, 8, 7, 6, tzinfo=UTC)
SITE = "https://larkpost.example.org"


class FixedLinks:
    """URLs as long as the real ones, but not signed."""

    def paper(self, uid: str) -> str:
        """Link to the page of a paper."""
        return f"{SITE}/paper/{uid}"

    def ballot(self, edition: Edition) -> str:
        """Return the beginning of a vote link."""
        return f"{SITE}/vote/{edition.id:035d}"

    def edition(self, edition: Edition) -> str:
        """Link to an edition."""
        return f"{SITE}/edition/{edition.id:035d}"

    def leave(self, reader: Reader) -> str:
        """Link to unsubscribe."""
        return f"{SITE}/leave/{reader.id:035d}"

    def page(self, reader: Reader) -> str:
        """Link to a reader's page."""
        return f"{SITE}/me/{reader.id:035d}"

    def confirm(self, reader: Reader) -> str:
        """Link to the page where a new reader confirms."""
        return f"{SITE}/confirm/{reader.id:035d}"

    def feed(self, reader: Reader, form: FeedFormat) -> str:
        """Link to a feed."""
        return f"{SITE}/feed/{reader.feed_key}.{form}"

    def front(self) -> str:
        """Link to the front page."""
        return f"{SITE}/"


def papers() -> list[Paper]:
    """Read the titles and abstracts of the sample dump; they alternate after its header."""
    text = next(shipped_path("seeds").glob("*.txt")).read_text("utf-8")
    blocks = [block.strip() for block in text.split("\n\n") if block.strip()]
    blocks = blocks[next(at for at, block in enumerate(blocks) if len(block) > 300) - 1 :]
    return [
        paper(number, title, abstract)
        for number, (title, abstract) in enumerate(zip(blocks[::2], blocks[1::2], strict=False), 1)
    ]


def paper(number: int, title: str, abstract: str) -> Paper:
    """Make a paper of the day of the sample dump."""
    return Paper(
        id=number,
        uid=str(uuid5(NAMESPACE_URL, title)),
        identifier=Identifier("arxiv", f"2508.{number:05d}"),
        title=title,
        abstract=abstract,
        first_seen=OUT,
        ingested_at=OUT,
        updated=OUT,
        authors=("Ada Lovelace", "Grace Hopper", "Emmy Noether"),
        categories=("cs.CL", "cs.LG"),
    )


def reader(number: int) -> Reader:
    """Make a reader."""
    return Reader(
        id=number,
        uid=str(UUID(int=number)),
        address=f"reader{number}@example.org",
        name=f"Reader {number}",
        status=Status.ACTIVE,
        zone="UTC",
        send_time=time(6),
        weekdays=frozenset(range(7)),
        papers_per_edition=10,
        feed_key=f"{number:022d}",
        created=OUT,
        interests=(Interest(1, "main"),),
    )


def editions(readers: int, *, size: int = 10, each: int = 1) -> list[Edition]:
    """Make ``each`` editions per reader, of ``size`` random papers with reasons of their own."""
    dice = random.Random(7)  # noqa: S311 - the same editions on every run
    stock = papers()
    words = sorted({word for one in stock for word in one.title.lower().split()})
    return [
        _edition(number, dice, stock, words, size)
        for number in range(1, readers * each + 1)
    ]  # fmt: skip


def _edition(
    number: int, dice: random.Random, stock: list[Paper], words: list[str], size: int
) -> Edition:
    picks = tuple(
        Pick(
            paper=chosen,
            position=position,
            score=1 / position,
            probability=dice.random(),
            positive_terms=tuple(TermWeight(word, 1.0) for word in dice.sample(words, 5)),
            similar_paper=dice.choice(stock),
        )
        for position, chosen in enumerate(dice.sample(stock, size), 1)
    )
    return Edition(number, reader(number), OUT.date(), OUT, picks, candidate_count=len(stock))
