"""The stream of papers of the closed loop, by day: announced ones, or generated for short runs."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DAILY = 100  # papers per day
WEEKDAYS = frozenset(range(5))
FRESH = 5  # weekdays whose papers are candidates: the default window of 7 days
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
TOPICS, WORDS_OF_A_TOPIC, COMMON = 12, 12, 400  # of generated papers
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so")


class Document(NamedTuple):
    """A paper of the stream, before any program has stored it."""

    title: str
    abstract: str
    categories: tuple[str, ...]

    @property
    def text(self) -> str:
        """Title and abstract, as every recipe reads them."""
        return f"{self.title}\n{self.abstract}"


@dataclass(frozen=True, slots=True)
class Stream:
    """Papers in the order of their announcement, ``daily`` of them on each weekday.

    Papers are numbered as in ``documents``, days from 0.
    """

    documents: Sequence[Document]
    daily: int = DAILY

    @property
    def days(self) -> int:
        """Count the complete days."""
        return len(self.documents) // self.daily

    def announced(self, day: int) -> range:
        """Return the papers of a day."""
        return range(day * self.daily, (day + 1) * self.daily)

    def candidates(self, day: int) -> range:
        """Return the candidates for the edition of a day."""
        return range(max(0, day + 1 - FRESH) * self.daily, (day + 1) * self.daily)

    def stretch(self, first: int, days: int) -> Stream:
        """Return so many days of the stream, from one day on."""
        some = self.documents[first * self.daily : (first + days) * self.daily]
        return Stream(some, self.daily)


def morning(day: int) -> datetime:
    """Return the time (UTC) at which the papers of a day are announced; days are weekdays."""
    weeks, weekday = divmod(day, 5)
    return MONDAY + timedelta(weeks=weeks, days=weekday, hours=5)


def read_stream(folder: Path, daily: int = DAILY) -> Stream:
    """Read arxiv-background: a hundred papers per weekday, in order, not by their own days."""
    with gzip.open(folder / "docs.jsonl.gz", "rt") as lines:
        told = [json.loads(line) for line in lines]
    told.sort(key=lambda one: str(one["day"]))
    return Stream([Document(one["title"], one["abs"], tuple(one["cats"])) for one in told], daily)


def make_stream(days: int, daily: int = DAILY, *, seed: int = 0) -> Stream:
    """Generate papers on topics in invented words, for use without data.

    A paper has one topic and contains some of its words; all other words are common to all topics.
    Two topics share a category.
    """
    rng = np.random.default_rng([seed, 23])
    words = _make_words(TOPICS * WORDS_OF_A_TOPIC + COMMON)
    common = words[TOPICS * WORDS_OF_A_TOPIC :]
    documents = []
    for topic in rng.integers(TOPICS, size=days * daily):
        own = words[topic * WORDS_OF_A_TOPIC :][:WORDS_OF_A_TOPIC]
        title = [*rng.choice(own, 2, replace=False), *rng.choice(common, 5, replace=False)]
        body = [*rng.choice(own, 6), *rng.choice(common, 60)]
        abstract = " ".join(rng.permutation(body).tolist())
        documents.append(Document(" ".join(title), abstract, (f"t.{topic // 2}",)))
    return Stream(documents, daily)


def _make_words(count: int) -> list[str]:
    """Generate so many different words of three syllables."""
    base = len(SYLLABLES)
    numbers = np.random.default_rng(29).permutation(base**3)[:count]
    return [
        SYLLABLES[n // base**2] + SYLLABLES[n // base % base] + SYLLABLES[n % base] for n in numbers
    ]
