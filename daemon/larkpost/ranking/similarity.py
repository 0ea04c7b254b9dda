"""Finds papers similar to one, in words and in latent themes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from larkpost.domain import Paper
from larkpost.ranking.tfidf import CLOSE_SHARE, WORD_SHARE, Floats, PaperRows, TextSpace


def similar(
    space: TextSpace, paper: Paper, among: Sequence[Paper], limit: int
) -> list[tuple[Paper, float]]:
    """Return the ``limit`` papers most similar to one, with similarities in (0, 1], closest first.

    Ties are sorted newest first, then by id. The paper itself is left out.
    """
    others = [other for other in among if other.id != paper.id]
    if not others:
        return []
    rows = space.rows([one.text for one in (paper, *others)])
    first, rest = np.arange(1), np.arange(1, len(rows))
    close = np.clip(likeness(rows[first], rows[rest])[0], 0, 1).round(4)
    found = [(other, float(one)) for other, one in zip(others, close, strict=True) if one > 0]
    found.sort(key=lambda pair: (-pair[1], -pair[0].first_seen.timestamp(), pair[0].id))
    return found[: max(0, limit)]


def likeness(some: PaperRows, others: PaperRows) -> Floats:
    """Return the similarities of papers (n) and others (m) in words and coarse themes (n, m)."""
    words = (some.words @ others.words.T).toarray()
    near = WORD_SHARE * words + CLOSE_SHARE * (some.broad @ others.broad.T)
    return np.asarray(near, dtype=np.float32)


def mean_likeness(some: PaperRows) -> float:
    """Return the average similarity of two of these papers; 0 for fewer than two."""
    near = likeness(some, some)
    filled = int((some.bulk > 0).sum())  # the blank page is not a paper
    pairs = filled * (filled - 1)
    return float((near.sum() - np.trace(near)) / pairs) if pairs else 0.0
