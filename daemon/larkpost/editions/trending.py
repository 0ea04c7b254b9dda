"""Makes the trending edition: the papers of a day that the votes of all readers rank highest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db import popularity
from larkpost.editions.recommend import end_of

if TYPE_CHECKING:
    from larkpost.db.engine import Connection
    from larkpost.db.popularity import Judged

WINDOW = timedelta(days=7)

Day = date  # for classes in which ``date`` is a field


@dataclass(frozen=True, slots=True)
class TrendingEdition:
    """The trending papers of a day (UTC) with their thumbs, hottest first."""

    date: Day
    papers: tuple[Judged, ...]


def trending_edition(
    connection: Connection,
    day: date,
    *,
    now: datetime,
    window: timedelta = WINDOW,
    limit: int = 10,
    fewest: int = popularity.FEWEST,
) -> TrendingEdition:
    """Return the trending papers at the end of a day, or now if it is not over.

    Thumbs are counted in steps of ``fewest``. Once the day is over the result changes only with a
    paper or vote of that day.
    """
    at = min(now, end_of(day))
    hot = popularity.trending(connection, at=at, window=window, limit=limit, fewest=fewest)
    return TrendingEdition(day, tuple(hot))
