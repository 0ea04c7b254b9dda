"""Keeps the space in which papers are compared fresh: fitted when it must be, else as it was."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from larkpost.store import community, events, models, papers

if TYPE_CHECKING:
    from datetime import datetime

    from larkpost.seams import Ranker, Space
    from larkpost.store.engine import Store

log = structlog.get_logger()

# Up to this many papers the space is fitted anew whenever one of them changes, which makes a
# ranking a function of the data alone; beyond, fits are rarer because they take seconds.
EXACT_UP_TO = 20_000
GROWTH = 1.1
STALE_AFTER = timedelta(days=7)

# From as many readers on, with as many liked papers each, what they like together teaches
# something about texts; below it is noise, and whose taste it is could be told from it.
READERS, LIKED = 300, 3


def fresh_space(store: Store, ranker: Ranker, *, now: datetime) -> Space:
    """The newest space if it still fits the corpus, else a new one, kept for the next time.

    Where hundreds of readers vote, what they like together is learnt with it, anew whenever
    there are a tenth more thumbs up. Where fitting fails, the newest kept space that can be read
    serves, which the log and the event ``space`` tell; without one the failure is raised.
    """
    with store.read() as connection:
        extent = papers.extent(connection)
        shelves = community.shelves(connection, least=LIKED)
        kept = models.newest_space(connection)
        learnt = events.latest(connection).get("space")
    together = shelves.ups if shelves.readers >= READERS else 0
    before = int(learnt.detail.get("ups", 0)) if learnt else 0
    fits = kept is not None and _fits(kept, extent, now) and _as_liked(before, together)
    if kept and fits and (space := ranker.space_from(kept.body)):
        return space
    try:
        return _fitted(store, ranker, extent, together, now)
    except Exception as error:  # yesterday's space ranks nearly as well, no space not at all
        last = _last_good(store, ranker)
        if last is None:
            raise
        problem = f"{type(error).__name__}: {error}"
        log.warning("fitting a space failed, an older one serves", problem=problem, exc_info=True)
        with store.begin() as connection:
            events.record(connection, "space", ok=False, now=now, problem=problem, ups=before)
        return last


def _last_good(store: Store, ranker: Ranker) -> Space | None:
    """The newest of the kept spaces that can be read."""
    with store.read() as connection:
        read = (ranker.space_from(kept.body) for kept in models.spaces(connection))
        return next((space for space in read if space is not None), None)


def _fitted(
    store: Store, ranker: Ranker, extent: papers.Extent, together: int, now: datetime
) -> Space:
    with store.read() as connection:
        corpus = papers.corpus(connection, limit=EXACT_UP_TO)
        libraries = community.libraries(connection, least=LIKED) if together else []
    space = ranker.fit(corpus, libraries=libraries)
    with store.begin() as connection:
        models.save_space(
            connection, space.to_bytes(), papers=extent.count, newest=extent.updated, now=now
        )
        models.prune(connection)
        events.record(connection, "space", ok=True, now=now, papers=extent.count, ups=together)
    return space


def _fits(kept: models.KeptSpace, extent: papers.Extent, now: datetime) -> bool:
    if extent.count <= EXACT_UP_TO:
        return (kept.papers, kept.newest) == (extent.count, extent.updated)
    return extent.count < kept.papers * GROWTH and now - kept.made_at < STALE_AFTER


def _as_liked(before: int, now: int) -> bool:
    return bool(before) == bool(now) and before / GROWTH <= now <= before * GROWTH
