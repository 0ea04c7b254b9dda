"""Keeps the space in which papers are compared fresh: fitted when it must be, else as it was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.errors import LarkpostError
from larkpost.store import community, events, models, papers

if TYPE_CHECKING:
    from datetime import datetime

    from larkpost.seams import Ranker, Space
    from larkpost.store.engine import Connection, Store

log = logs.get_logger(__name__)

# Up to this many papers the space is fitted anew whenever one of them changes, which makes a
# ranking a function of the data alone; beyond, fits are rarer because they take seconds.
EXACT_UP_TO = 20_000
GROWTH = 1.1
STALE_AFTER = timedelta(days=7)
# A reader can take thumbs back and give them again all day long: that is to cost no fit each time.
THUMBS_AFTER = timedelta(days=1)
TRY_AGAIN = timedelta(hours=1)  # after a fit that failed

# From as many readers on, with as many liked papers each, what they like together teaches
# something about texts; below it is noise, and whose taste it is could be told from it.
READERS, LIKED = 300, 3


@dataclass(frozen=True, slots=True)
class Basis:
    """What there is to fit a space to: papers, the last change of a text, thumbs up to learn."""

    papers: int
    updated: datetime | None
    ups: int


@dataclass(frozen=True, slots=True)
class Made:
    """A space, what it was fitted to and when, and whether the store keeps it.

    ``problem`` says why it is an older one that stands in for what could not be fitted.
    """

    space: Space
    basis: Basis
    at: datetime
    kept: bool = True
    problem: str = ""


def fresh_space(store: Store, ranker: Ranker, *, now: datetime) -> Space:
    """The newest space if it still fits the corpus, else a new one, kept for the next time.

    Where hundreds of readers vote, what they like together is learnt with it, anew where there are
    a tenth more thumbs up, or fewer, but once a day at most. Where fitting fails, the newest kept
    space that can be read serves, which the log and the event ``space`` tell; without one the
    failure is raised.
    """
    return _keep(store, _found(store, ranker, now)).space


@dataclass(frozen=True, slots=True)
class Held:
    """A space as it is held in memory, and the number of the newest kept one when it was read."""

    number: int | None
    space: Space


class Spaces:
    """The space that a process shares: its rounds make it, its visits take it as it is.

    To fit one takes seconds, and whoever brings a paper makes the last one stale: so a visit never
    fits. It takes the newest space that is kept, though papers came since; what a space does not
    know of them, the words in no paper before, is left out.
    """

    def __init__(self) -> None:
        self._held: Held | None = None
        self._lock = Lock()
        self._readable = True

    def refresh(self, store: Store, ranker: Ranker, *, now: datetime) -> None:
        """Fit and keep a space where the newest does not fit the corpus any more.

        It is for rounds, one at a time. Where fitting failed, it is tried again after an hour.
        """
        with store.read() as connection:
            if self._readable and _is_fresh(connection, now):
                return
        try:
            _keep(store, _found(store, ranker, now))
        except LarkpostError:
            raise
        except Exception as error:  # editions and pages go without, and say so
            problem = f"{type(error).__name__}: {error}"
            log.warning("fitting a space failed, and there is no older one", exc_info=True)
            with store.begin() as connection:
                events.record(connection, "space", ok=False, now=now, problem=problem, ups=0)
        self._readable = True

    def newest(self, store: Store, ranker: Ranker) -> Held:
        """The newest kept space that can be read; one of no papers while there is none.

        It is read once. While somebody reads a newer one, the others go on with what is held.
        """
        with store.read() as connection:
            number = models.newest_id(connection)
        held = self._held
        if held is not None and held.number == number:
            return held
        if not self._lock.acquire(blocking=held is None):
            assert held is not None  # noqa: S101 - or else the lock was waited for
            return held
        try:
            if self._held is None or self._held.number != number:
                self._held = self._read(store, ranker, number)
            return self._held
        finally:
            self._lock.release()

    def _read(self, store: Store, ranker: Ranker, number: int | None) -> Held:
        with store.read() as connection:
            newest = models.newest_space(connection)
        space = ranker.space_from(newest.body) if newest else None
        if newest is not None and space is None:
            self._readable = False  # the next round makes one
            space = _last_good(store, ranker)
        return Held(number, space if space is not None else ranker.fit([]))


def _is_fresh(connection: Connection, now: datetime) -> bool:
    """Say whether the newest kept space still serves, or need not be tried again so soon."""
    wanted = _basis(connection, now)
    last = events.latest(connection).get("space")
    if not wanted.papers or (last and not last.ok and timedelta(0) <= now - last.at < TRY_AGAIN):
        return True
    kept = models.newest_facts(connection)
    if kept is None:
        return False
    return _serves(Basis(kept.papers, kept.newest, _ups(connection)), wanted, now - kept.made_at)


def _found(store: Store, ranker: Ranker, now: datetime) -> Made:
    """The space that is kept if it fits what there is, else one fitted now."""
    with store.read() as connection:
        basis = _basis(connection, now)
        kept = _kept(connection, ranker, basis, now)
    if kept:
        return kept
    try:
        return Made(_fitted(store, ranker, basis, now), basis, now, kept=False)
    except Exception as error:  # yesterday's space ranks nearly as well, no space not at all
        last = _last_good(store, ranker)
        if last is None:
            raise
        problem = f"{type(error).__name__}: {error}"
        log.warning("fitting a space failed, an older one serves", problem=problem, exc_info=True)
        return Made(last, basis, now, kept=False, problem=problem)


def _last_good(store: Store, ranker: Ranker) -> Space | None:
    """The newest of the kept spaces that can be read."""
    with store.read() as connection:
        read = (ranker.space_from(kept.body) for kept in models.spaces(connection))
        return next((space for space in read if space is not None), None)


def _basis(connection: Connection, now: datetime) -> Basis:
    extent = papers.extent(connection)
    shelves = community.shelves(connection, least=LIKED, at=now)
    return Basis(extent.count, extent.updated, shelves.ups if shelves.readers >= READERS else 0)


def _kept(connection: Connection, ranker: Ranker, wanted: Basis, now: datetime) -> Made | None:
    """Read the space that is kept, if it still serves and can be read."""
    newest = models.newest_space(connection)
    if newest is None:
        return None
    basis = Basis(newest.papers, newest.newest, _ups(connection))
    if not _serves(basis, wanted, now - newest.made_at):
        return None
    space = ranker.space_from(newest.body)
    return Made(space, basis, newest.made_at) if space else None


def _fitted(store: Store, ranker: Ranker, basis: Basis, now: datetime) -> Space:
    with store.read() as connection:
        corpus = papers.corpus(connection, limit=EXACT_UP_TO)
        libraries = community.libraries(connection, least=LIKED, at=now) if basis.ups else []
    return ranker.fit(corpus, libraries=libraries)


def _keep(store: Store, made: Made) -> Made:
    """Write a space down that is not kept yet, or why there is no new one."""
    if made.kept:
        return made
    basis, now = made.basis, made.at
    with store.begin() as connection:
        if made.problem:
            ups = _ups(connection)
            events.record(connection, "space", ok=False, now=now, problem=made.problem, ups=ups)
            return replace(made, kept=True)
        models.save_space(
            connection, made.space.to_bytes(), papers=basis.papers, newest=basis.updated, now=now
        )
        models.prune(connection)
        events.record(connection, "space", ok=True, now=now, papers=basis.papers, ups=basis.ups)
    return replace(made, kept=True)


def _ups(connection: Connection) -> int:
    """How many thumbs up the kept space was learnt from, other readers' and all."""
    learnt = events.latest(connection).get("space")
    return int(learnt.detail.get("ups", 0)) if learnt else 0


def _serves(made: Basis, wanted: Basis, age: timedelta) -> bool:
    if not _as_liked(made.ups, wanted.ups) and not timedelta(0) <= age < THUMBS_AFTER:
        return False
    if wanted.papers <= EXACT_UP_TO:
        return (made.papers, made.updated) == (wanted.papers, wanted.updated)
    return wanted.papers < made.papers * GROWTH and age < STALE_AFTER


def _as_liked(before: int, now: int) -> bool:
    return bool(before) == bool(now) and before / GROWTH <= now <= before * GROWTH
