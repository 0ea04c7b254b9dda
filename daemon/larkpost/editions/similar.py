"""Finds similar papers for the page of a paper."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

from larkpost.db import papers
from larkpost.db.search import find
from larkpost.domain import Paper

if TYPE_CHECKING:
    from larkpost.db.engine import Connection
    from larkpost.ranking import TextSpace, TfidfRanker

REMEMBERED = 512  # papers with cached results
AMONG = 300  # papers that are compared, those with the most title words in common


@dataclass(frozen=True, slots=True)
class SimilarPaper:
    """A paper and how close it is, above 0 and up to 1."""

    paper: Paper
    closeness: float


def similar(
    connection: Connection, ranker: TfidfRanker, space: TextSpace, paper: Paper, *, limit: int = 6
) -> list[SimilarPaper]:
    """Return the papers most similar to this one, closest first; none with an empty model."""
    among = find.kin(connection, paper, limit=AMONG)
    return [SimilarPaper(*found) for found in ranker.similar(space, paper, among, limit)]


class SimilarPapers:
    """Caches the similar papers of recently viewed papers, until a paper arrives or changes.

    Comparing three hundred papers takes most of the time of a paper's page.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._space: TextSpace | None = None
        self._changed: datetime | None = None
        self._known: OrderedDict[tuple[int, int], list[tuple[int, float]]] = OrderedDict()

    def find(
        self,
        connection: Connection,
        ranker: TfidfRanker,
        space: TextSpace,
        paper: Paper,
        *,
        limit: int,
    ) -> list[SimilarPaper]:
        """Return ``similar`` for the current papers."""
        changed, key = papers.latest_change(connection), (paper.id, limit)
        with self._lock:
            if self._space is not space or self._changed != changed:
                self._space, self._changed = space, changed
                self._known.clear()
            known = self._known.get(key)
        if known is None:
            near = similar(connection, ranker, space, paper, limit=limit)
            self._remember(space, changed, key, near)
            return near
        found = papers.get(connection, [paper_id for paper_id, _ in known])
        return [SimilarPaper(found[one], closeness) for one, closeness in known if one in found]

    def _remember(
        self,
        space: TextSpace,
        changed: datetime | None,
        key: tuple[int, int],
        near: list[SimilarPaper],
    ) -> None:
        with self._lock:
            if self._space is space and self._changed == changed:
                self._known[key] = [(one.paper.id, one.closeness) for one in near]
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
