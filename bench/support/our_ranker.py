"""Runs our ranker on the benchmark's readers, without and with votes of other readers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from bench.support import goals, readers

from larkpost.domain import Thumb
from larkpost.interfaces import Evidence
from larkpost.ranking import TfidfRanker, scoring, training
from larkpost.ranking import collaborative as companionship
from larkpost.ranking import tfidf as spaces
from larkpost.ranking.calibration import logistic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.support.readers import Case, Collection
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from larkpost.ranking.linear_model import LinearTaste
    from larkpost.ranking.tfidf import TextSpace

    Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Ours:
    """Our ranker on one collection: every paper's terms, and accurate and fast models.

    ``alone`` are the models by whether they are accurate; ``together`` has, also by fold, those
    with collaborative factors from the readers of the other folds, if any.
    """

    world: Collection
    terms: csr_array
    alone: Mapping[bool, TextSpace]
    together: Mapping[tuple[bool, int], TextSpace]

    @classmethod
    def of(cls, world: Collection) -> Ours:
        """Fit the models on the corpus, and each fold's collaborative factors on the others."""
        corpus = [world.papers[at] for at in world.corpus]
        alone = {accurate: TfidfRanker(accurate=accurate).fit(corpus) for accurate in (True, False)}
        terms = alone[True].rows([paper.text for paper in world.papers]).plain
        if world.newest:  # authors: too few of them like the same papers
            return cls(world, terms, alone, {})
        finer = spaces.fit(corpus, themes=spaces.SHARED_THEMES)
        fast = replace(finer, unread=finer.unread[: spaces.FAST_BACKGROUND])
        fine = finer.points(terms).fine
        together = {}
        for fold in range(readers.FOLDS):
            for accurate, space, most in (
                (True, finer, companionship.FACTORS),
                (False, fast, companionship.FAST_FACTORS),
            ):
                together[accurate, fold] = _taught(world, space, fine, fold, most)
        return cls(world, terms, alone, together)

    def chances(self, cases: Sequence[Case], *, together: bool = False) -> list[goals.Told]:
        """Return the predicted chances of as many liked papers of each digest as others."""
        held = [_balanced(case) for case in cases]
        told = []
        for case, (taste, scores) in zip(held, self._ranked(held, together), strict=True):
            slope, offset = taste.calibration
            told.append(goals.Told(logistic(slope * scores + offset), case.liked))
        return told

    def scores(
        self, cases: Sequence[Case], *, together: bool = False, accurate: bool = True
    ) -> list[Scores]:
        """Return the scores of each case's digest."""
        return [scores for _, scores in self._ranked(cases, together, accurate)]

    def _ranked(
        self, cases: Sequence[Case], together: bool, accurate: bool = True
    ) -> list[tuple[LinearTaste, Scores]]:
        found: dict[int, tuple[LinearTaste, Scores]] = {}
        for fold in range(readers.FOLDS):
            places = [at for at, case in enumerate(cases) if case.fold == fold]
            fitted = self.together[accurate, fold] if together else self.alone[accurate]
            voted = [evidence(self.world, cases[at], at) for at in places]
            tastes = training.learn(fitted, voted, now=readers.DAY, accurate=accurate)
            for at, taste in zip(places, tastes, strict=True):
                digest = fitted.points(self.terms[cases[at].digest])
                found[at] = taste, scoring.score(fitted, [taste], digest)[0].astype(np.float64)
        return [found[at] for at in range(len(cases))]


def _taught(
    world: Collection, space: TextSpace, fine: NDArray[np.float32], fold: int, most: int
) -> TextSpace:
    """Add collaborative factors to a model, from the readers of all folds but one."""
    others = [one.before.tolist() for one in world.libraries if one.reader % readers.FOLDS != fold]
    ids = [paper.id for paper in world.papers]
    return replace(space, companions=companionship.learn(fine, others, ids, most=most))


def _balanced(case: Case) -> Case:
    """Keep as many other papers of a digest as liked ones; their order is random."""
    liked = np.flatnonzero(case.liked)
    kept = np.sort(np.concatenate([liked, np.flatnonzero(~case.liked)[: len(liked)]]))
    return replace(case, digest=case.digest[kept], liked=case.liked[kept])


def evidence(world: Collection, case: Case, number: int) -> Evidence:
    """Return a case's votes, all of one day, as those of the reader with this number."""
    voted = [world.papers[at] for at in (*case.ups, *case.downs)]
    thumbs = [Thumb.UP] * len(case.ups) + [Thumb.DOWN] * len(case.downs)
    return Evidence(number, number, voted, thumbs, [readers.DAY] * len(voted))
