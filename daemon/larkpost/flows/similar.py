"""Finds papers like one, by the space that is kept: what a paper's page shows beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from larkpost.store import models, search

if TYPE_CHECKING:
    from larkpost.domain import Paper
    from larkpost.seams import Ranker, Space
    from larkpost.store.engine import Connection

AMONG = 300  # papers that are compared, those with the most words of the title in common


@dataclass(frozen=True, slots=True)
class Held:
    """A space that was read from the store, and its number there."""

    number: int
    space: Space


@dataclass(frozen=True, slots=True)
class Near:
    """A paper and how close it is, above 0 and up to 1."""

    paper: Paper
    closeness: float


def at_hand(connection: Connection, ranker: Ranker, held: Held | None = None) -> Held | None:
    """The newest space that is kept: the one held already, or read anew; None where there is none.

    Reading one takes long enough that a server holds on to it. Nothing is fitted here.
    """
    number = models.newest_id(connection)
    if held is not None and held.number == number:
        return held
    kept = models.newest_space(connection)
    space = ranker.space_from(kept.body) if kept else None
    return Held(kept.id, space) if kept and space else None


def similar(
    connection: Connection, ranker: Ranker, held: Held | None, paper: Paper, *, limit: int = 6
) -> list[Near]:
    """The papers closest to this one, the closest first; none while there is no space."""
    if held is None:
        return []
    among = search.kin(connection, paper, limit=AMONG)
    return [Near(*found) for found in ranker.similar(held.space, paper, among, limit)]
