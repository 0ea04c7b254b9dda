"""What to do before there are thumbs: papers that teach most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from larkpost.ranking.space import CLOSE_SHARE, WORD_SHARE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larkpost.domain import Paper
    from larkpost.ranking.space import TextSpace

MOST_COMPARED = 2000


def informative(space: TextSpace, candidates: Sequence[Paper], n: int = 10) -> list[Paper]:
    """Choose up to n papers to be rated, well spread: each stands for many that no other does.

    Greedy facility location: the next paper is the one that brings all candidates nearest to
    some chosen one (Nemhauser, Wolsey & Fisher 1978). Of more than 2,000 candidates the newest
    are looked at.
    """
    newest = sorted(candidates, key=lambda paper: (-paper.first_seen.timestamp(), paper.id))
    papers = newest[:MOST_COMPARED]
    if not papers:
        return []
    rows = space.rows([paper.text for paper in papers])
    words = (rows.words @ rows.words.T).toarray()
    near = np.maximum(WORD_SHARE * words + CLOSE_SHARE * (rows.broad @ rows.broad.T), 0)
    covered = np.zeros(len(papers), dtype=np.float32)
    chosen: list[int] = []
    for _ in range(min(n, len(papers))):
        gains = np.maximum(near, covered).sum(axis=1).round(4)
        gains[chosen] = -1
        best = int(np.argmax(gains))
        chosen.append(best)
        covered = np.maximum(covered, near[best])
    return [papers[at] for at in chosen]
