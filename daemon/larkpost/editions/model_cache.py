"""Keeps the TF-IDF model fresh: fitted when it must be, else the one that is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db import fitted_models, papers, popularity
from larkpost.db.coordination import job_status
from larkpost.db.paper_cache import PaperCache
from larkpost.editions.fit_model import LIKED, Fit, Fitted, fit_here
from larkpost.editions.refit_policy import FitBasis, still_serves
from larkpost.errors import LarkpostError, TryAgainLater
from larkpost.log_events import LogEvent

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store
    from larkpost.ranking import TextSpace, TfidfRanker

log = logs.get_logger(__name__)

TRY_AGAIN = timedelta(hours=1)  # after a fit that failed

# From as many readers on, with as many liked papers each, what they like together teaches
# something about texts; below it is noise, and whose taste it is could be told from it.
READERS = 300


@dataclass(frozen=True, slots=True)
class ModelBuild:
    """A space, what it was fitted to and when, and its bytes where the store is yet to keep it.

    ``problem`` says why it is an older one that stands in for what could not be fitted.
    """

    space: TextSpace
    basis: FitBasis
    at: datetime
    body: bytes = b""
    problem: str = ""


def fresh_space(
    store: Store, ranker: TfidfRanker, *, now: datetime, fit: Fit = fit_here
) -> TextSpace:
    """The newest space if it still fits the corpus, else a new one, kept for the next time.

    Where hundreds of readers vote, what they like together is learnt with it, anew where there are
    a tenth more thumbs up, or fewer, but once a day at most. Where fitting fails, the newest kept
    space that can be read serves, which the log and the event ``space`` tell; without one the
    failure is raised.
    """
    made = _load_or_fit(store, ranker, now, fit)
    _keep(store, made)
    return made.space


@dataclass(frozen=True, slots=True)
class Held:
    """A space as it is held in memory, and the number of the newest kept one when it was read.

    ``blank`` is one that stands for none: nothing is kept, or nothing that can be read.
    """

    number: int | None
    space: TextSpace
    blank: bool = False


class ModelCache:
    """The space that a process shares: its rounds make it, its visits take it as it is.

    To fit one takes seconds, and whoever brings a paper makes the last one stale: so a visit never
    fits. It takes the newest space that is kept, though papers came since; what a space does not
    know of them, the words in no paper before, is left out. ``fit`` is how the rounds fit one: the
    daemon's do so in a process of its own. ``papers`` are those that were voted on.
    """

    def __init__(self, fit: Fit = fit_here) -> None:
        self._fit = fit
        self._held: Held | None = None
        self._lock = Lock()
        self._readable = True
        self.papers = PaperCache()

    def refresh(self, store: Store, ranker: TfidfRanker, *, now: datetime) -> None:
        """Fit and keep a space where the newest does not fit the corpus any more.

        It is for rounds, one at a time. Where fitting failed, it is tried again after an hour.
        """
        with store.read() as connection:
            if self._readable and _is_fresh(connection, now):
                return
        try:
            _keep(store, _load_or_fit(store, ranker, now, self._fit))
        except LarkpostError:
            raise
        except Exception as error:  # editions and pages go without, and say so
            problem = f"{type(error).__name__}: {error}"
            log.warning(LogEvent.MODEL_FAILED, older=False, exc_info=True)
            with store.begin() as connection:
                job_status.record(connection, "fit", ok=False, now=now, problem=problem, ups=0)
        self._readable = True

    def fresh(self, store: Store, ranker: TfidfRanker, *, now: datetime) -> TextSpace:
        """Give what ``fresh_space`` gives; it is read once, and held as long as it serves.

        Where a fit has failed within the hour, an older space that can be read serves meanwhile.
        """
        with store.read() as connection:
            serves = _is_fresh(connection, now)
        if serves:
            held = self.newest(store, ranker, wait=True)
            if not held.blank:
                return held.space
        return fresh_space(store, ranker, now=now, fit=self._fit)

    def newest(self, store: Store, ranker: TfidfRanker, *, wait: bool = False) -> Held:
        """The newest kept space that can be read; one of no papers while there is none.

        It is read once. While somebody reads a newer one, the others go on with what is held,
        unless they are to ``wait``.
        """
        with store.read() as connection:
            number = fitted_models.newest_id(connection)
        held = self._held
        if held is not None and held.number == number:
            return held
        if not self._lock.acquire(blocking=wait or held is None):
            assert held is not None  # noqa: S101 - or else the lock was waited for
            return held
        try:
            if self._held is None or self._held.number != number:
                self._held = self._read(store, ranker, number)
            return self._held
        finally:
            self._lock.release()

    def _read(self, store: Store, ranker: TfidfRanker, number: int | None) -> Held:
        with store.read() as connection:
            newest = fitted_models.newest_model(connection)
        space = ranker.space_from(newest.body) if newest else None
        if newest is not None and space is None:
            self._readable = False  # the next round makes one
            space = _last_good(store, ranker)
        return Held(number, space or ranker.fit([]), blank=space is None)


def _is_fresh(connection: Connection, now: datetime) -> bool:
    """Say whether the newest kept space still serves, or need not be tried again so soon."""
    wanted = _basis(connection, now)
    last = job_status.latest(connection).get("fit")
    if not wanted.papers or (last and not last.ok and timedelta(0) <= now - last.at < TRY_AGAIN):
        return True
    kept = fitted_models.newest_facts(connection)
    if kept is None:
        return False
    return still_serves(
        FitBasis(kept.paper_count, kept.corpus_updated_at, _ups(connection)),
        wanted,
        now - kept.fitted_at,
    )


def _load_or_fit(store: Store, ranker: TfidfRanker, now: datetime, fit: Fit) -> ModelBuild:
    """The space that is kept if it fits what there is, else one fitted now."""
    with store.read() as connection:
        basis = _basis(connection, now)
        kept = _load(connection, ranker, basis, now)
    if kept:
        return kept
    try:
        return _made(ranker, fit(store, ranker, now, together=bool(basis.ups)), basis, now)
    except TryAgainLater:  # nothing is wrong with it
        raise
    except Exception as error:  # yesterday's space ranks nearly as well, no space not at all
        last = _last_good(store, ranker)
        if last is None:
            raise
        problem = f"{type(error).__name__}: {error}"
        log.warning(LogEvent.MODEL_FAILED, older=True, problem=problem, exc_info=True)
        return ModelBuild(last, basis, now, problem=problem)


def _made(ranker: TfidfRanker, fitted: Fitted, basis: FitBasis, now: datetime) -> ModelBuild:
    """Take up what was fitted; raises ValueError where another process gave what is no space."""
    space = ranker.space_from(fitted.body) if fitted.space is None else fitted.space
    if space is None:
        raise ValueError("what the process that fits has answered is no space")
    return ModelBuild(space, basis, now, body=fitted.body)


def _last_good(store: Store, ranker: TfidfRanker) -> TextSpace | None:
    """The newest of the kept spaces that can be read."""
    with store.read() as connection:
        read = (ranker.space_from(kept.body) for kept in fitted_models.models(connection))
        return next((space for space in read if space is not None), None)


def _basis(connection: Connection, now: datetime) -> FitBasis:
    extent = papers.extent(connection)
    common = popularity.common_tastes(connection, least=LIKED, at=now)
    return FitBasis(extent.count, extent.updated, common.ups if common.readers >= READERS else 0)


def _load(
    connection: Connection, ranker: TfidfRanker, wanted: FitBasis, now: datetime
) -> ModelBuild | None:
    """Read the space that is kept, if it still serves and can be read."""
    newest = fitted_models.newest_model(connection)
    if newest is None:
        return None
    basis = FitBasis(newest.paper_count, newest.corpus_updated_at, _ups(connection))
    if not still_serves(basis, wanted, now - newest.fitted_at):
        return None
    space = ranker.space_from(newest.body)
    return ModelBuild(space, basis, newest.fitted_at) if space else None


def _keep(store: Store, made: ModelBuild) -> None:
    """Write a space down that is not kept yet, or why there is no new one."""
    if made.problem:
        with store.begin() as connection:
            ups, problem = _ups(connection), made.problem
            job_status.record(connection, "fit", ok=False, now=made.at, problem=problem, ups=ups)
    elif made.body:
        with store.begin() as connection:
            _save(connection, made.body, made.basis, made.at)


def _save(connection: Connection, body: bytes, basis: FitBasis, now: datetime) -> None:
    fitted_models.save_model(
        connection, body, paper_count=basis.papers, corpus_updated_at=basis.updated, now=now
    )
    fitted_models.prune(connection)
    job_status.record(connection, "fit", ok=True, now=now, papers=basis.papers, ups=basis.ups)


def _ups(connection: Connection) -> int:
    """How many thumbs up the kept space was learnt from, other readers' and all."""
    learnt = job_status.latest(connection).get("fit")
    return int(learnt.detail.get("ups", 0)) if learnt else 0
