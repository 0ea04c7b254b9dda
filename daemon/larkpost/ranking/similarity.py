"""Finds papers similar to one, in words and in latent themes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from larkpost.ranking.tfidf import CLOSE_SHARE, WORD_SHARE, Floats, PaperRows, TextSpace

if TYPE_CHECKING:
    from larkpost.domain import Paper


def similar(
    space: TextSpace, paper: Paper, among: Sequence[Paper], limit: int
) -> list[tuple[Paper, float]]:
    """Give the ``limit`` papers closest to one, with closeness above 0 up to 1, closest first.

    Ties newest first, then by id; never the paper itself.
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
    """Give how alike papers (n) and others (m) are in words and coarse themes (n, m)."""
    words = (some.words @ others.words.T).toarray()
    near = WORD_SHARE * words + CLOSE_SHARE * (some.broad @ others.broad.T)
    return np.asarray(near, dtype=np.float32)


def mean_likeness(some: PaperRows) -> float:
    """Give how alike two of these papers are on average; 0 for fewer than two."""
    near = likeness(some, some)
    filled = int((some.bulk > 0).sum())  # the blank page is no paper
    pairs = filled * (filled - 1)
    return float((near.sum() - np.trace(near)) / pairs) if pairs else 0.0
