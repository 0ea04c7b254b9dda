"""Keeps the TF-IDF model fresh: uses the stored one, and fits a new one when needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db import fitted_models, papers, popularity
from larkpost.db.coordination import job_status
from larkpost.db.paper_cache import PaperCache
from larkpost.db.usage.vote_cache import VoteCache
from larkpost.editions.fit_model import LIKED, Fit, Fitted, fit_here
from larkpost.editions.refit_policy import FitBasis, serves_meanwhile, still_serves
from larkpost.errors import LarkpostError, TryAgainLater
from larkpost.log_events import LogEvent

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store
    from larkpost.ranking import TextSpace, TfidfRanker
    from larkpost.ranking.near_duplicates import DuplicateCache

log = logs.get_logger(__name__)

TRY_AGAIN = timedelta(hours=1)  # after a fit that failed

# With so many readers, and so many liked papers each, common likes say something about texts; with
# fewer they are noise, and could reveal a reader's taste.
READERS = 300


@dataclass(frozen=True, slots=True)
class ModelBuild:
    """A model, its data and time, and its bytes if it is not stored yet.

    ``problem`` says why an older model is used because a fit failed.
    """

    space: TextSpace
    basis: FitBasis
    at: datetime
    body: bytes = b""
    problem: str = ""


def fresh_space(
    store: Store, ranker: TfidfRanker, *, now: datetime, fit: Fit = fit_here
) -> TextSpace:
    """Return the newest model if it still matches the papers, else fit and store a new one.

    With hundreds of readers their common likes are trained with it; again when thumbs up changed by
    10 %, but at most once per day. If fitting fails, the newest stored model that can be read is
    used, and the log and the event ``space`` report it; without one the error is raised.
    """
    made = _load_or_fit(store, ranker, now, fit)
    _keep(store, made)
    return made.space


@dataclass(frozen=True, slots=True)
class Held:
    """A model in memory, and the number of the newest stored one when it was read.

    ``blank`` means none: no model is stored, or none that can be read.
    """

    number: int | None
    space: TextSpace
    blank: bool = False


class ModelCache:
    """The model that a process shares: the tick fits it, page views only use it.

    A fit takes seconds, and every new paper makes the last model stale, so page views never fit.
    They use the newest stored model, even if papers came since; words that occur only in newer
    papers are left out. ``fit`` is the function that the tick uses: the daemon's fits in a separate
    process. ``papers`` are those that were voted on, ``votes`` these votes. While ``is_growing``,
    editions use an older one, too, as long as it ``serves_meanwhile``: an inbox that is being read
    makes each model stale within minutes, and editions waited for one fit after the other.
    """

    def __init__(self, fit: Fit = fit_here) -> None:
        self._fit = fit
        self._held: Held | None = None
        self._lock = Lock()
        self._readable = True
        self.is_growing = False
        self.papers = PaperCache()
        self.votes = VoteCache()

    @cached_property
    def duplicates(self) -> DuplicateCache:
        """Return the cache of the near-duplicates among candidates."""
        from larkpost.ranking.near_duplicates import DuplicateCache

        return DuplicateCache()

    def refresh(self, store: Store, ranker: TfidfRanker, *, now: datetime) -> None:
        """Fit and store a model if the newest does not match the papers any more.

        For the tick, one call at a time. A failed fit is tried again after an hour.
        """
        with store.read() as connection:
            if self._readable and _is_fresh(connection, now, growing=self.is_growing):
                return
        held = self._held
        if held is not None:
            held.space.forget_derived()  # or the caches of two models would be in memory
        try:
            made = _load_or_fit(store, ranker, now, self._fit)
            number = _keep(store, made)
            if number is not None:
                with self._lock:
                    self._held = Held(number, made.space)
        except LarkpostError:
            raise
        except Exception as error:  # editions and pages work without, and say so
            problem = f"{type(error).__name__}: {error}"
            log.warning(LogEvent.MODEL_FAILED, older=False, exc_info=True)
            with store.begin() as connection:
                job_status.record(connection, "fit", ok=False, now=now, problem=problem, ups=0)
        self._readable = True

    def fresh(self, store: Store, ranker: TfidfRanker, *, now: datetime) -> TextSpace:
        """Return ``fresh_space``; it is read once, and held while it is valid.

        If a fit failed within the hour, and while it ``is_growing``, an older model that can be
        read is used meanwhile.
        """
        with store.read() as connection:
            serves = _is_fresh(connection, now, growing=self.is_growing)
        if serves:
            held = self.newest(store, ranker, wait=True)
            if not held.blank:
                return held.space
        return fresh_space(store, ranker, now=now, fit=self._fit)

    def newest(self, store: Store, ranker: TfidfRanker, *, wait: bool = False) -> Held:
        """The newest stored model that can be read; an empty one while there is none.

        It is read once. While one thread reads a newer one, the others use the held one, unless
        they are to ``wait``.
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
            self._readable = False  # the next tick fits one
            space = _last_good(store, ranker)
        return Held(number, space or ranker.fit([]), blank=space is None)


def _is_fresh(connection: Connection, now: datetime, *, growing: bool) -> bool:
    """Return whether the newest stored model is still valid, or a fit failed too recently.

    While the papers are ``growing``, one that ``serves_meanwhile`` is valid, too.
    """
    wanted = _basis(connection, now)
    last = job_status.latest(connection).get("fit")
    if not wanted.papers or (last and not last.ok and timedelta(0) <= now - last.at < TRY_AGAIN):
        return True
    kept = fitted_models.newest_facts(connection)
    if kept is None:
        return False
    made = FitBasis(kept.paper_count, kept.corpus_updated_at, _ups(connection))
    age = now - kept.fitted_at
    return still_serves(made, wanted, age) or (growing and serves_meanwhile(made, wanted, age))


def _load_or_fit(store: Store, ranker: TfidfRanker, now: datetime, fit: Fit) -> ModelBuild:
    """Return the stored model if it matches the papers, else fit one now."""
    with store.read() as connection:
        basis = _basis(connection, now)
        kept = _load(connection, ranker, basis, now)
    if kept:
        return kept
    try:
        return _made(ranker, fit(store, ranker, now, together=bool(basis.ups)), basis, now)
    except TryAgainLater:  # a valid model
        raise
    except Exception as error:  # an old model ranks nearly as well
        last = _last_good(store, ranker)
        if last is None:
            raise
        problem = f"{type(error).__name__}: {error}"
        log.warning(LogEvent.MODEL_FAILED, older=True, problem=problem, exc_info=True)
        return ModelBuild(last, basis, now, problem=problem)


def _made(ranker: TfidfRanker, fitted: Fitted, basis: FitBasis, now: datetime) -> ModelBuild:
    """Load a fitted model; raises ValueError if another process returned invalid bytes."""
    space = ranker.space_from(fitted.body) if fitted.space is None else fitted.space
    if space is None:
        raise ValueError("what the process that fits has answered is no space")
    return ModelBuild(space, basis, now, body=fitted.body)


def _last_good(store: Store, ranker: TfidfRanker) -> TextSpace | None:
    """Return the newest stored model that can be read."""
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
    """Read the stored model, if it is still valid and can be read."""
    newest = fitted_models.newest_model(connection)
    if newest is None:
        return None
    basis = FitBasis(newest.paper_count, newest.corpus_updated_at, _ups(connection))
    if not still_serves(basis, wanted, now - newest.fitted_at):
        return None
    space = ranker.space_from(newest.body)
    return ModelBuild(space, basis, newest.fitted_at) if space else None


def _keep(store: Store, made: ModelBuild) -> int | None:
    """Store a new model, or the reason why there is none; returns the number of a stored one."""
    if made.problem:
        with store.begin() as connection:
            ups, problem = _ups(connection), made.problem
            job_status.record(connection, "fit", ok=False, now=made.at, problem=problem, ups=ups)
    elif made.body:
        with store.begin() as connection:
            return _save(connection, made.body, made.basis, made.at)
    return None


def _save(connection: Connection, body: bytes, basis: FitBasis, now: datetime) -> int:
    number = fitted_models.save_model(
        connection, body, paper_count=basis.papers, corpus_updated_at=basis.updated, now=now
    )
    fitted_models.prune(connection)
    job_status.record(connection, "fit", ok=True, now=now, papers=basis.papers, ups=basis.ups)
    return number


def _ups(connection: Connection) -> int:
    """Return the number of thumbs up that the stored model was trained with, of all readers."""
    learnt = job_status.latest(connection).get("fit")
    return int(learnt.detail.get("ups", 0)) if learnt else 0
