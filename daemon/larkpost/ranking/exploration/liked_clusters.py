"""Detects whether the liked papers of an interest form two groups, and names each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from larkpost.domain import Paper
from larkpost.ranking.similarity import likeness
from larkpost.text.stemming import stem_words
from larkpost.text.term_specificity import term_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from larkpost.ranking.tfidf import Floats, PaperRows, TextSpace

    Flags = NDArray[np.bool_]

MOST_LIKED = 80  # the number of latest liked papers that are compared
FEWEST, SHARE = 4, 0.25  # papers of the smaller group, and their share of all
CLOSER = 0.02  # how much more similar the papers of a group are than any two papers
APART = 0.1  # the allowed similarity between groups, as a share of that within the looser one
ROUNDS = 20
TERMS = 4


@dataclass(frozen=True, slots=True)
class Group:
    """Liked papers, oldest first, and the words that distinguish them from the other group."""

    papers: tuple[Paper, ...]
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TwoGroups:
    """Liked papers in two groups, the larger first."""

    larger: Group
    smaller: Group


def find_two_groups(space: TextSpace, liked: Sequence[Paper]) -> TwoGroups | None:
    """Split liked papers, oldest first, into two groups; None if they are one.

    There are two if each has at least four papers and a quarter of all, if the papers of each are
    more similar (by 0.02 on average) than any two papers of the corpus, and if papers of different
    groups exceed that similarity by at most a tenth of the excess within the looser group. Of more
    than 80 papers the latest count.
    """
    papers = list(liked)[-MOST_LIKED:]
    if len(papers) < 2 * FEWEST or not len(space.background.plain.indices):
        return None
    rows = space.rows([paper.text for paper in papers])
    near = likeness(rows, rows) - space.usual_likeness
    np.fill_diagonal(near, 0)
    first = _part(near)
    if not _are_two(near, first):
        return None
    groups = sorted((first, ~first), key=lambda one: -int(one.sum()))
    told = [_telling(space, rows, one) for one in groups]
    if not all(told):
        return None
    larger, smaller = (
        Group(tuple(paper for paper, mine in zip(papers, one, strict=True) if mine), terms)
        for one, terms in zip(groups, told, strict=True)
    )
    return TwoGroups(larger, smaller)


def _part(near: Floats) -> Flags:
    """Split papers by their similarity (n, n; 0 on the diagonal): in the first group or not (n).

    The first split is along the axis on which they differ most; then each goes to the group with
    the higher average similarity, until none moves (kernel k-means; Dhillon, Guan & Kulis 2004).
    """
    count = len(near)
    centred = np.eye(count) - 1 / count
    first: Flags = np.linalg.eigh(centred @ near @ centred)[1][:, -1] > 0
    for _ in range(ROUNDS):
        if min(first.sum(), (~first).sum()) < FEWEST:
            break
        mine, theirs = (
            near[:, one].sum(axis=1) / np.maximum(1, one.sum() - one) for one in (first, ~first)
        )
        moved = mine > theirs
        if (moved == first).all():
            break
        first = moved
    return first


def _are_two(near: Floats, first: Flags) -> bool:
    sizes = int(first.sum()), int((~first).sum())
    if min(sizes) < max(FEWEST, SHARE * len(near)):
        return False
    looser = min(
        float(near[np.ix_(one, one)].sum() / (size * (size - 1)))
        for one, size in zip((first, ~first), sizes, strict=True)
    )
    between = float(near[np.ix_(first, ~first)].mean())
    return looser >= CLOSER and between <= APART * looser


def _telling(space: TextSpace, rows: PaperRows, mine: Flags) -> tuple[str, ...]:
    """Return the topic words that distinguish a group from the other, one per stem.

    They are in at least two of its papers; words in more papers come first.
    """
    own, other = (rows.words[np.flatnonzero(one)] for one in (mine, ~mine))
    held = np.bincount(own.indices, minlength=own.shape[1])
    gain = np.asarray(own.mean(axis=0) - other.mean(axis=0)).ravel() * held * (held > 1)
    table, found, stems = term_table(), list[str](), set[str]()
    for at in np.argsort(-gain, kind="stable").tolist():
        if gain[at] <= 0 or len(found) == TERMS:
            break
        term = space.vocabulary[at]
        (stem,) = stem_words([term])
        if table.is_particular(term) and stem not in stems:
            stems.add(stem)
            found.append(term)
    return tuple(found)
