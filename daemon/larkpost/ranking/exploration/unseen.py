"""Finds papers far from all papers that a reader was shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from larkpost.domain import Paper
from larkpost.ranking.cold_start import LONELY, measure_company
from larkpost.ranking.similarity import likeness

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from larkpost.ranking.tfidf import PaperRows, TextSpace

MOST_COMPARED = 1000  # the newest candidates; comparing more would take too long
MOST_SHOWN = 300  # the newest shown papers: a month of editions, so that the time stays constant


@dataclass(frozen=True)
class Unseen:
    """The candidates (n) of one run, compared once for all readers who explore.

    ``lonely`` (n) are those with the lowest density.
    """

    space: TextSpace
    papers: Sequence[Paper]
    rows: PaperRows
    lonely: NDArray[np.bool_]

    def farthest(self, shown: Sequence[Paper], free: Sequence[Paper], limit: int) -> list[Paper]:
        """Return up to ``limit`` of the ``free`` candidates, the farthest from all ``shown`` first.

        A candidate is far if it has little similarity to the nearest shown paper. The quarter of
        the candidates with the lowest density comes last, because a thumb on an isolated paper says
        nothing about others. Of more than 300 shown papers the last 300 count; candidates beyond
        the newest 1,000 come after all others, newest first.
        """
        nearest = np.zeros(len(self.papers), dtype=np.float32)
        if shown and self.papers:
            rows = self.space.rows([paper.text for paper in shown[-MOST_SHOWN:]])
            nearest = likeness(self.rows, rows).max(axis=1)
        # Similarity is between -1 and 1: isolated papers come after all others.
        order = np.argsort((nearest + np.where(self.lonely, 4, 0)).round(4), kind="stable")
        may = {paper.id: paper for paper in free}
        found = [self.papers[at] for at in order.tolist() if self.papers[at].id in may]
        compared = {paper.id for paper in self.papers}
        rest = [paper for paper in free if paper.id not in compared]
        return [*found, *rest][: max(0, limit)]


def compare(space: TextSpace, candidates: Sequence[Paper]) -> Unseen:
    """Compare the newest 1,000 candidates."""
    newest = sorted(candidates, key=lambda paper: (-paper.first_seen.timestamp(), paper.id))
    papers = newest[:MOST_COMPARED]
    rows = space.rows([paper.text for paper in papers])
    company = measure_company(likeness(rows, rows))
    least = np.quantile(company, LONELY) if papers else 0.0
    return Unseen(space, papers, rows, company < least)
