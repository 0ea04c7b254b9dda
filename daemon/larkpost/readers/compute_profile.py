"""Computes a reader's taste profile: in this process, or in a separate one for the daemon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from larkpost.child_process import ChildProcess, database_for_child
from larkpost.db import papers
from larkpost.domain import Reader
from larkpost.editions.evaluate import evaluate
from larkpost.readers.taste_summary import TasteSummary, summarize

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.ranking import ReplayReport, TextSpace, TfidfRanker

    # Computes a profile, writing nothing to the database; raises every error. The model is
    # requested only to compute in this process.
    ComputeProfile = Callable[
        [Store, TfidfRanker, Callable[[], TextSpace], "ProfileRequest"], "ComputedProfile"
    ]

SMALL = 200  # papers, with fewer of which a profile takes less time than starting a process
LONGEST = 120.0  # seconds: a reader waits for it
PROFILE_MODULE = "larkpost.readers.profile_process"


class ProfileRequest(NamedTuple):
    """A reader, and whether the votes are to be replayed as well.

    In a replay, votes of others count in steps of ``fewest`` thumbs.
    """

    reader: Reader
    now: datetime
    replays: bool
    fewest: int


class ComputedProfile(NamedTuple):
    """A reader's taste, and the report of the replay if one was requested."""

    summary: TasteSummary
    report: ReplayReport | None


def compute_here(
    store: Store, ranker: TfidfRanker, space: Callable[[], TextSpace], request: ProfileRequest
) -> ComputedProfile:
    """Compute a profile in this process."""
    reader = request.reader
    summary = summarize(store, ranker, space(), reader, now=request.now)
    if not request.replays:
        return ComputedProfile(summary, None)
    return ComputedProfile(summary, evaluate(store, ranker, reader, fewest=request.fewest))


@dataclass(frozen=True, slots=True)
class ComputeProfileApart:
    """Computes in a separate process, because in a thread all visitors would wait for it.

    The process reads the database and its newest model itself, runs with a low priority (nice),
    takes ``seconds`` at most, and ends with this one. With fewer than ``small`` papers the profile
    is computed here. Raises RuntimeError if the process fails or is killed, TimeoutError if it
    takes too long, ValueError if its output is no profile, TryAgainLater if ``stopped`` says that
    this process is to end.
    """

    stopped: Callable[[], bool] = lambda: False
    seconds: float = LONGEST
    small: int = SMALL

    def __call__(
        self,
        store: Store,
        ranker: TfidfRanker,
        space: Callable[[], TextSpace],
        request: ProfileRequest,
    ) -> ComputedProfile:
        """Compute with this ranker's settings."""
        from larkpost.readers.profile_json import profile_from_json

        with store.read() as connection:
            few = papers.extent(connection).count < self.small
        address = database_for_child(store)
        if few or address is None:
            return compute_here(store, ranker, space, request)
        child = ChildProcess(PROFILE_MODULE, "a taste profile", self.seconds, self.stopped)
        wanted = {
            "store": address,
            "half_life_days": ranker.half_life_days,
            "accurate": ranker.accurate,
            "reader": request.reader.id,
            "now": request.now.isoformat(),
            "replays": request.replays,
            "fewest": request.fewest,
        }
        return ComputedProfile(*profile_from_json(child.run(wanted), replays=request.replays))
