"""Fits a TF-IDF model to the papers: in this process, or in a separate one to free its memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from larkpost import logs
from larkpost.child_process import ChildProcess, database_for_child
from larkpost.db import papers, popularity
from larkpost.db.value_batches import gather
from larkpost.log_events import LogEvent

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.ranking import TextSpace, TfidfRanker

log = logs.get_logger(__name__)

NEWEST = 20_000  # papers to which a model is fitted
MOST_READ = 100_000  # ids of papers, of which these are chosen
FEWEST_OF_SOURCE = 1_000  # of one source that is no authority, if there are fewer of all others
LIKED = 3  # the least number of liked papers for a reader's thumbs to count
LONGEST = 240.0  # seconds: a tick without progress for five minutes ends the daemon
FIT_MODULE = "larkpost.editions.fit_process"


class Fitted(NamedTuple):
    """A model as bytes, and in memory if it was fitted here."""

    body: bytes
    space: TextSpace | None = None


class Fit(Protocol):
    """A function that fits a model to a database at ``now``, optionally with readers' likes."""

    def __call__(
        self, store: Store, ranker: TfidfRanker, now: datetime, *, together: bool
    ) -> Fitted:
        """Fit a model; raises every error, and writes nothing to the database."""
        ...


def choose_corpus(sources: Sequence[tuple[int, str | None]]) -> list[int]:
    """Choose papers to which a model is fitted, of ids and sources, newest first.

    The source None stands for all authorities. Of any other at most as many as of all smaller ones:
    otherwise one feed could make the words of other papers common, and its own what others are
    compared with, within a day.
    """
    of = gather((source, paper_id) for paper_id, source in sources)
    listed, others = of.pop(None, []), list[int]()
    for some in sorted(of.values(), key=len):
        room = len(listed) + len(others) or NEWEST
        others += some[: max(FEWEST_OF_SOURCE, room)]
    others = others[: max(NEWEST // 2, NEWEST - len(listed))]
    return [*listed[: NEWEST - len(others)], *others]


def fit_here(store: Store, ranker: TfidfRanker, now: datetime, *, together: bool) -> Fitted:
    """Fit a model in this process, with no transaction open meanwhile."""
    with store.read() as connection:
        chosen = choose_corpus(papers.newest_sources(connection, limit=MOST_READ))
        corpus = list(papers.get(connection, chosen).values())
        libraries = popularity.libraries(connection, least=LIKED, at=now) if together else []
    space = ranker.fit(corpus, libraries=libraries)
    return Fitted(space.to_bytes(), space)


@dataclass(frozen=True, slots=True)
class FitApart:
    """Fits a model in a separate process, so that its memory goes back to the system.

    The process reads the database itself, runs with a low priority (nice), takes ``seconds`` at
    most, and ends with this one. Its output is a model as bytes, which is read like a stored one.
    Raises RuntimeError if it fails or is killed, TimeoutError if it takes too long, TryAgainLater
    if ``stopped`` says that this process is to end.
    """

    stopped: Callable[[], bool] = lambda: False
    seconds: float = LONGEST

    def __call__(
        self, store: Store, ranker: TfidfRanker, now: datetime, *, together: bool
    ) -> Fitted:
        """Fit with this ranker's settings."""
        address = database_for_child(store)
        if address is None:
            return fit_here(store, ranker, now, together=together)
        began = time.monotonic()
        child = ChildProcess(FIT_MODULE, "fitting the model", self.seconds, self.stopped)
        body = child.run(
            {
                "store": address,
                "accurate": ranker.accurate,
                "now": now.isoformat(),
                "together": together,
            }
        )
        log.info(LogEvent.MODEL_FITTED, seconds=round(time.monotonic() - began, 1), bytes=len(body))
        return Fitted(body)
