"""Runs Larkpost in the closed loop: a SQLite home with the program's own daily runs.

Only the daemon's own functions are used, with the default settings: papers are ingested, due
editions published, thumbs cast.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.closed_loop.stream import WEEKDAYS, morning
from bench.closed_loop.systems import Shown
from bench.support.process_cost import children_seconds, megabytes, processor_seconds

from larkpost.db import editions, migrations, papers
from larkpost.db.engine import Store
from larkpost.domain import Identifier, PaperRecord
from larkpost.editions.fit_model import FitApart
from larkpost.editions.model_cache import ModelCache
from larkpost.editions.publish import PublishContext, publish_due
from larkpost.garbage_collection import CollectionPauses
from larkpost.ranking import TfidfRanker
from larkpost.readers import record_votes, subscriptions
from larkpost.serve.freed_memory import return_freed_memory
from larkpost.settings.model import RankingSettings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from bench.closed_loop.readers import Draw, Person
    from bench.closed_loop.systems import Cast

    from larkpost.domain import Paper
    from larkpost.ranking import TextSpace

AN_HOUR = timedelta(hours=1)


class TimedTfidf(TfidfRanker):
    """The program's ranker; ``fitting`` is the processor time of its fits in seconds."""

    fitting = 0.0

    def fit(
        self, corpus: Iterable[Paper], *, libraries: Sequence[Collection[int]] = ()
    ) -> TextSpace:
        """Fit as the program does, and measure the time."""
        began = processor_seconds()
        space = super().fit(corpus, libraries=libraries)
        self.fitting += processor_seconds() - began
        return space


@dataclass(slots=True)
class Cost:
    """The cost of each day: processor time (s), that of fits, and memory after it (MB).

    Memory is that of the whole process; ``before`` is the benchmark's own share of it.
    """

    before: float = 0.0
    seconds: list[float] = field(default_factory=list)
    fitting: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)


class Ours:
    """The program with its readers: papers arrive at five, editions at six, thumbs at seven.

    If ``apart``, models are fitted in processes of their own, and freed memory is returned after
    each day, as in the daemon.
    """

    def __init__(
        self, draw: Draw, store: Store, ranker: TimedTfidf | None = None, *, apart: bool = False
    ) -> None:
        ships = RankingSettings()
        self.cost = Cost(before=megabytes())
        self._store, self._stream = store, draw.stream
        self._ranker = ranker or TimedTfidf(
            half_life_days=ships.half_life_days, accurate=ships.mode == "accurate"
        )
        window = timedelta(days=ships.window_days)
        self._spaces = ModelCache(FitApart()) if apart else ModelCache()
        self._pauses = CollectionPauses() if apart else None
        self.newsroom = PublishContext(
            store, self._ranker, window, "example.org", ships.exploration, spaces=self._spaces
        )
        self._readers = [_sign_up(store, person) for person in draw.people]
        self._papers: list[int] = []  # by number in the stream
        self._numbers: dict[int, int] = {}

    def publish(self, day: int) -> list[list[Shown]]:
        """Ingest the day's papers, publish due editions, and read them."""
        self.take_in(day)
        began, fitted = processor_seconds(), self._fitting()
        now = morning(day) + AN_HOUR
        self._spaces.refresh(self._store, self._ranker, now=now)
        publish_due(self.newsroom, now=now)
        if self._pauses:
            return_freed_memory()
        self.cost.seconds.append(processor_seconds() - began)
        self.cost.fitting.append(self._fitting() - fitted)
        self.cost.megabytes.append(megabytes())
        if self._pauses:
            self._pauses.shorten()
        with self._store.read() as connection:
            issued = [editions.on(connection, one, morning(day).date()) for one in self._readers]
        return [
            [
                Shown(self._numbers[pick.paper.id], _chance(pick.shown_probability))
                for pick in (one.picks if one else ())
            ]
            for one in issued
        ]

    def _fitting(self) -> float:
        """Return the processor time of all fits, here and in ended processes."""
        return self._ranker.fitting + children_seconds()

    def take(self, day: int, cast: Sequence[Cast]) -> None:
        """Cast the thumbs as a reader's page does."""
        now = morning(day) + 2 * AN_HOUR
        for one in cast:
            reader, paper = self._readers[one.reader], self._papers[one.paper]
            record_votes.cast(self._store, reader, paper, one.thumb, source="page", now=now)

    def take_in(self, day: int) -> None:
        """Ingest the papers of a day, unless they are stored."""
        if len(self._papers) > self._stream.announced(day).start:
            return
        now, numbers = morning(day), self._stream.announced(day)
        with self._store.begin() as connection:
            taken = papers.absorb(connection, [self._draft(one) for one in numbers], now=now)
        self._papers += [one.paper_id for one in taken]
        for number, one in zip(numbers, taken, strict=True):
            self._numbers.setdefault(one.paper_id, number)  # the same paper may come again

    def _draft(self, number: int) -> PaperRecord:
        title, abstract, categories = self._stream.documents[number]
        name = Identifier("bench", str(number))
        return PaperRecord(title, abstract, (name,), categories=categories)


@contextmanager
def home() -> Iterator[Store]:
    """Make an empty database in a temporary folder."""
    with TemporaryDirectory(prefix="larkpost-loop-") as folder:
        file = Path(folder) / "larkpost.db"
        migrations.make_file(file)
        store = Store(f"sqlite:///{file}")
        try:
            migrations.upgrade(store)
            yield store
        finally:
            store.close()


def _sign_up(store: Store, person: Person) -> int:
    """Create a reader with a feed only, for whom no messages are made."""
    uid = f"loop-{person.draw}-{person.number}"
    reader = subscriptions.add(
        store, None, now=morning(0), words=person.words, uid=uid, weekdays=WEEKDAYS
    )
    return reader.id


def _chance(known: float | None) -> float:
    return float("nan") if known is None else known
