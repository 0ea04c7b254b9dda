"""Makes the edition of the house: what all readers together lift to the top on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from larkpost.flows.learn import end_of
from larkpost.store import community

if TYPE_CHECKING:
    from datetime import datetime

    from larkpost.store.community import Judged
    from larkpost.store.engine import Connection

WINDOW = timedelta(days=7)

Day = date  # for classes in which ``date`` is a field


@dataclass(frozen=True, slots=True)
class House:
    """The house's edition of a day (UTC): papers with their thumbs, the hottest first."""

    date: Day
    papers: tuple[Judged, ...]


def house(
    connection: Connection,
    day: date,
    *,
    now: datetime,
    window: timedelta = WINDOW,
    limit: int = 10,
    fewest: int = community.FEWEST,
) -> House:
    """The house's edition of a day: what trends at its end, or now where it is not over.

    Thumbs are counted in steps of ``fewest``. Once the day is over it changes
    only where a paper or vote of that day does.
    """
    at = min(now, end_of(day))
    hot = community.trending(connection, at=at, window=window, limit=limit, fewest=fewest)
    return House(day, tuple(hot))
