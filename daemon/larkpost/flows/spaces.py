"""Keeps the space in which papers are compared fresh: fitted when it must be, else as it was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from larkpost import logs
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

    Where hundreds of readers vote, what they like together is learnt with it, anew whenever
    there are a tenth more thumbs up. Where fitting fails, the newest kept space that can be read
    serves, which the log and the event ``space`` tell; without one the failure is raised.
    """
    return _keep(store, _found(store, ranker, None, now)).space


class Spaces:
    """The space that the visits of a process share: read, or fitted, once however many ask.

    A visit that may write nothing leaves a fitted one unkept, until one comes that may.
    """

    def __init__(self) -> None:
        self._made: Made | None = None
        self._lock = Lock()

    def fresh(self, store: Store, ranker: Ranker, *, now: datetime, keep: bool) -> Space:
        """What ``fresh_space`` gives; nothing is written down unless ``keep``."""
        with self._lock:
            self._made = _found(store, ranker, self._made, now)
            if keep:
                self._made = _keep(store, self._made)
            return self._made.space


def _found(store: Store, ranker: Ranker, held: Made | None, now: datetime) -> Made:
    """The space that is held if it fits what there is, else the one kept, else one fitted now."""
    with store.read() as connection:
        basis = _basis(connection, now)
        if held and _serves(held.basis, basis, now - held.at):
            return held
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
        corpus = papers.corpus(connection, limit=EXACT_UP_TO, guests=True)
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
    if not _as_liked(made.ups, wanted.ups):
        return False
    if wanted.papers <= EXACT_UP_TO:
        return (made.papers, made.updated) == (wanted.papers, wanted.updated)
    return wanted.papers < made.papers * GROWTH and age < STALE_AFTER


def _as_liked(before: int, now: int) -> bool:
    return bool(before) == bool(now) and before / GROWTH <= now <= before * GROWTH
