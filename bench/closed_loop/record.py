"""Simulates the readers of a draw with a system, and records what was shown and voted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from bench.closed_loop.systems import SIZE, Cast

if TYPE_CHECKING:
    from bench.closed_loop.readers import Draw
    from bench.closed_loop.systems import System
    from numpy.typing import NDArray

NOBODY = -1  # marks a place without a paper


@dataclass(frozen=True, slots=True)
class Record:
    """The record of one loop, by reader, day and place (r, d, 10).

    ``shown`` are papers of the stream, ``chances`` the predicted chances of a thumb up (NaN for
    none), ``pressed`` is 1 for up, -1 for down. ``looked`` (r, d) are the viewed editions.
    """

    draw: Draw
    system: str
    shown: NDArray[np.intp]
    chances: NDArray[np.float64]
    pressed: NDArray[np.int8]
    looked: NDArray[np.bool_]

    def hits(self) -> NDArray[np.bool_]:
        """Return whether each shown paper is one that the reader would like that day (r, d, 10)."""
        found = np.zeros(self.shown.shape, dtype=bool)
        for line, person in enumerate(self.draw.people):
            for day, papers in enumerate(self.shown[line]):
                found[line, day] = (papers != NOBODY) & person.relevant(day)[papers]
        return found


def live(draw: Draw, name: str, system: System) -> Record:
    """Let every reader of a draw view the editions of one system and vote, day by day."""
    shape = len(draw.people), draw.stream.days, SIZE
    record = Record(
        draw,
        name,
        np.full(shape, NOBODY, dtype=np.intp),
        np.full(shape, np.nan),
        np.zeros(shape, dtype=np.int8),
        np.zeros(shape[:2], dtype=bool),
    )
    for day in range(draw.stream.days):
        system.take(day, _spend(record, system, day))
    return record


def _spend(record: Record, system: System, day: int) -> list[Cast]:
    """Publish a day, record the shown papers and votes, and return the thumbs."""
    cast = []
    for line, picks in enumerate(system.publish(day)):
        person = record.draw.people[line]
        looks = record.looked[line, day] = person.looks(day)
        for place, one in enumerate(picks):
            record.shown[line, day, place] = one.paper
            record.chances[line, day, place] = one.chance
            thumb = person.press(one.paper, day) if looks else None
            if thumb is not None:
                record.pressed[line, day, place] = thumb
                cast.append(Cast(line, one.paper, thumb))
    return cast
