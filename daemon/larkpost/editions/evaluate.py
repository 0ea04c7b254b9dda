"""Measures how good a reader's editions have been: reads the history and replays it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from larkpost.db import editions, papers, popularity, votes
from larkpost.db.usage import shown_papers
from larkpost.domain import Edition, Paper, Reader, Thumb
from larkpost.editions.training_evidence import LOOK_BACK, looked_at

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store
    from larkpost.domain import Vote
    from larkpost.ranking import EditionLog, History, Logged, ReplayReport, TfidfRanker

FEWEST = 10  # votes; a replay of fewer measures chance
MOST_VOTES = 5_000  # the newest are replayed
MOST_PAPERS = 20_000  # the newest ones are candidates
WINDOW = timedelta(days=7)  # of the first edition
BEFORE = timedelta(days=30)  # texts from before the first vote
EDITIONS = 5 * 366


def evaluate(
    store: Store, ranker: TfidfRanker, reader: Reader, *, fewest: int = popularity.FEWEST
) -> ReplayReport:
    """Replay a reader's votes with several rankings; without votes, an empty report.

    Votes of others count in steps of ``fewest`` thumbs.
    """
    from larkpost.ranking import evaluate as replayed

    with store.read() as connection:
        past = replace(history(connection, reader), fewest=fewest)
    return replayed(ranker, past)


def history(connection: Connection, reader: Reader) -> History:
    """Build the history of a reader for a replay; all interests count as one."""
    from larkpost.ranking import History

    cast = votes.of(connection, reader.id)[-MOST_VOTES:]
    seen = papers.get(connection, {one.paper_id for one in cast})
    offered = []
    if cast:
        moments = [*(one.at for one in cast), *(paper.first_seen for paper in seen.values())]
        since = min(moments) - BEFORE
        offered = papers.corpus(connection, since=since, limit=MOST_PAPERS)
    issued = editions.latest(connection, reader.id, limit=EDITIONS)
    return History(
        papers=offered,
        voted=[seen[one.paper_id] for one in cast],
        thumbs=[one.thumb for one in cast],
        at=[one.at for one in cast],
        others=popularity.thumbs(connection, without=reader.id) if cast else (),
        logged=exploration_log(issued, {one.paper_id for one in cast if one.thumb is Thumb.UP}),
        stream=_stream(connection, issued),
        shown=frozenset(
            [pick.paper.id for edition in issued for pick in edition.picks]
            + [one.paper_id for one in cast]
        ),
        log=_log(connection, reader, cast),
    )


def _log(connection: Connection, reader: Reader, cast: Sequence[Vote]) -> EditionLog:
    """Read what editions with a thumb showed, as training does; a paper may be in several."""
    from larkpost.ranking import EditionLog, ShownEdition

    given = shown_papers.since(connection, [reader.id], date.min)[reader.id]
    looked = list(looked_at(given, cast))
    seen = papers.get(connection, {one.paper_id for one in looked})
    runs = groupby(looked, key=lambda one: (one.at, one.edition_id))
    issued = [ShownEdition(at, [seen[one.paper_id] for one in run]) for (at, _), run in runs]
    return EditionLog(sorted(issued, key=lambda one: one.at), LOOK_BACK)


def _stream(connection: Connection, issued: Sequence[Edition]) -> list[Paper]:
    """Return the papers since a reader's first edition, newest first; none without an edition.

    The candidates of the first edition count as well.
    """
    if not issued:
        return []
    first = min(issued, key=lambda edition: edition.published_at)
    since = min([first.published_at - WINDOW, *(pick.paper.first_seen for pick in first.picks)])
    return papers.corpus(
        connection, since=since - timedelta(seconds=1), limit=MOST_PAPERS, withdrawn=False
    )


def exploration_log(issued: Sequence[Edition], liked: Collection[int]) -> list[Logged]:
    """Return the last places of editions that exploration may have filled, with their outcomes."""
    from larkpost.ranking import Logged

    return [
        Logged(
            propensity=edition.picks[-1].propensity,
            pool=edition.picks[-1].pool,
            explored=edition.picks[-1].explored,
            liked=edition.picks[-1].paper.id in liked,
        )
        for edition in issued
        if edition.picks and edition.picks[-1].propensity < 1
    ]
