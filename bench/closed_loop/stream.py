"""The stream of the closed loop: papers by day, as they were announced, or made for a short run."""

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

DAILY = 100  # papers a day
FRESH = 5  # weekdays of papers out of which an edition is chosen: the default window of 7 days
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
TOPICS, WORDS_OF_A_TOPIC, COMMON = 12, 12, 400  # of the papers that are made
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so")


class Document(NamedTuple):
    """A paper of the stream, before any program has taken it in."""

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

    Papers go by their number in ``documents``, days by their number from 0.
    """

    documents: Sequence[Document]
    daily: int = DAILY

    @property
    def days(self) -> int:
        """Count the days that are full."""
        return len(self.documents) // self.daily

    def announced(self, day: int) -> range:
        """Return the papers of a day."""
        return range(day * self.daily, (day + 1) * self.daily)

    def candidates(self, day: int) -> range:
        """Return the papers out of which the edition of a day is chosen."""
        return range(max(0, day + 1 - FRESH) * self.daily, (day + 1) * self.daily)

    def stretch(self, first: int, days: int) -> Stream:
        """Return so many days of it, from one day on."""
        some = self.documents[first * self.daily : (first + days) * self.daily]
        return Stream(some, self.daily)


def morning(day: int) -> datetime:
    """Return the hour (UTC) at which papers of a day, a weekday, are announced."""
    weeks, weekday = divmod(day, 5)
    return MONDAY + timedelta(weeks=weeks, days=weekday, hours=5)


def read_stream(folder: Path, daily: int = DAILY) -> Stream:
    """Read arxiv-background, by day, a hundred papers a weekday whatever day they really had."""
    with gzip.open(folder / "docs.jsonl.gz", "rt") as lines:
        told = [json.loads(line) for line in lines]
    told.sort(key=lambda one: str(one["day"]))
    return Stream([Document(one["title"], one["abs"], tuple(one["cats"])) for one in told], daily)


def make_stream(days: int, daily: int = DAILY, *, seed: int = 0) -> Stream:
    """Make papers of topics in words that nobody knows: for where there is no data.

    A paper has one topic, of whose words it holds some; all other words are common to all. Two
    topics share a category.
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
    """Make so many words of three syllables, all different."""
    base = len(SYLLABLES)
    numbers = np.random.default_rng(29).permutation(base**3)[:count]
    return [
        SYLLABLES[n // base**2] + SYLLABLES[n // base % base] + SYLLABLES[n % base] for n in numbers
    ]
