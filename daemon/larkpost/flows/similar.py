"""Finds papers like one by a space: what a paper's page shows beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from larkpost.store import search

if TYPE_CHECKING:
    from larkpost.domain import Paper
    from larkpost.seams import Ranker, Space
    from larkpost.store.engine import Connection

AMONG = 300  # papers that are compared, those with the most words of the title in common


@dataclass(frozen=True, slots=True)
class Near:
    """A paper and how close it is, above 0 and up to 1."""

    paper: Paper
    closeness: float


def similar(
    connection: Connection, ranker: Ranker, space: Space, paper: Paper, *, limit: int = 6
) -> list[Near]:
    """The papers closest to this one, the closest first; none by a space of no papers."""
    among = search.kin(connection, paper, limit=AMONG)
    return [Near(*found) for found in ranker.similar(space, paper, among, limit)]
