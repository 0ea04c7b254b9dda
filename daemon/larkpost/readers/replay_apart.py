"""Replays a reader's votes in a separate process, so that other visitors do not wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from larkpost.child_process import ChildProcess, database_for_child
from larkpost.db import papers
from larkpost.domain import Reader
from larkpost.editions.evaluate import evaluate

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.ranking import ReplayReport, TfidfRanker

SMALL = 200  # papers, with fewer of which a replay takes less time than starting a process
LONGEST = 120.0  # seconds: a reader waits for it
REPLAY_MODULE = "larkpost.readers.replay_process"


class Evaluate(Protocol):
    """A function that replays a reader's votes."""

    def __call__(
        self, store: Store, ranker: TfidfRanker, reader: Reader, *, fewest: int
    ) -> ReplayReport:
        """Replay; raises every error, and writes nothing to the database."""
        ...


@dataclass(frozen=True, slots=True)
class EvaluateApart:
    """Replays in a separate process, because in a thread all visitors would wait for it.

    The process reads the database itself, runs with a low priority (nice), takes ``seconds`` at
    most, and ends with this one. With fewer than ``small`` papers the replay is done here. Raises
    RuntimeError if the process fails or is killed, TimeoutError if it takes too long, ValueError if
    its output is no report, TryAgainLater if ``stopped`` says that this process is to end.
    """

    stopped: Callable[[], bool] = lambda: False
    seconds: float = LONGEST
    small: int = SMALL

    def __call__(
        self, store: Store, ranker: TfidfRanker, reader: Reader, *, fewest: int
    ) -> ReplayReport:
        """Replay a reader's votes with this ranker's settings."""
        from larkpost.ranking.evaluation.report_json import report_from_json

        with store.read() as connection:
            few = papers.extent(connection).count < self.small
        address = database_for_child(store)
        if few or address is None:
            return evaluate(store, ranker, reader, fewest=fewest)
        child = ChildProcess(REPLAY_MODULE, "replaying votes", self.seconds, self.stopped)
        wanted = {
            "store": address,
            "half_life_days": ranker.half_life_days,
            "accurate": ranker.accurate,
            "reader": reader.id,
            "fewest": fewest,
        }
        return report_from_json(child.run(wanted))
