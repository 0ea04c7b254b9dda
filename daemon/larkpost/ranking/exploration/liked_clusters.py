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

MOST_LIKED = 80  # liked papers, the latest of which are looked at
FEWEST, SHARE = 4, 0.25  # papers of the smaller group, and their share of all
CLOSER = 0.02  # how much more alike than any two papers those of a group are
APART = 0.1  # what the groups may have in common, of what the looser one has within
ROUNDS = 20
TERMS = 4


@dataclass(frozen=True, slots=True)
class Group:
    """Liked papers, oldest first, and the words that tell them from the other group."""

    papers: tuple[Paper, ...]
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TwoGroups:
    """Liked papers in two groups, the larger first."""

    larger: Group
    smaller: Group


def find_two_groups(space: TextSpace, liked: Sequence[Paper]) -> TwoGroups | None:
    """Split liked papers, oldest first, into two groups; None if they are one.

    They are two where each has four papers or more and a quarter of all, where the papers of
    each are more alike (by 0.02 on average) than any two papers of the corpus are, and where
    papers of different groups are hardly more alike than that: by a tenth at most of what those
    of the looser group are. Of more than 80 the latest count.
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
    """Part papers by their likeness (n, n; 0 on the diagonal): in the first group or not (n).

    Begun along the axis on which they differ most, then each goes to the group that it is more
    like on average, until none moves (kernel k-means; Dhillon, Guan & Kulis 2004).
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
    """Return the topic words that tell a group from the other, of each stem one.

    They stand in two of its papers or more, and the more of these the better.
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
