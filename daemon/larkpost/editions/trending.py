"""Makes the trending edition: what the votes of all readers lift to the top on a day."""

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
    """The house's edition of a day (UTC): papers with their thumbs, the hottest first."""

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
    """The house's edition of a day: what trends at its end, or now where it is not over.

    Thumbs are counted in steps of ``fewest``. Once the day is over it changes
    only where a paper or vote of that day does.
    """
    at = min(now, end_of(day))
    hot = popularity.trending(connection, at=at, window=window, limit=limit, fewest=fewest)
    return TrendingEdition(day, tuple(hot))
