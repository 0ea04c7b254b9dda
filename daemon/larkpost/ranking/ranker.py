"""The ranker: TF-IDF with latent themes and one linear taste for each interest."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from larkpost.domain import Paper, Pick
from larkpost.interfaces import Evidence
from larkpost.ranking import (
    collaborative,
    explanations,
    scoring,
    serialization,
    similarity,
    training,
)
from larkpost.ranking import tfidf as spaces
from larkpost.ranking.calibration import chance
from larkpost.ranking.explanations import AverageReasons
from larkpost.ranking.words import display_terms
from larkpost.ranking.words.interest_terms import InterestTerm, interest_terms

if TYPE_CHECKING:
    from larkpost.ranking.explanations import Contributions, Doubles, NearestLiked
    from larkpost.ranking.linear_model import LinearTaste, NamedTerms
    from larkpost.ranking.tfidf import Floats, PaperRows, TextSpace
    from larkpost.ranking.words.display_terms import CandidateTerms

TOGETHER = 128  # readers whose reasons are computed at once
MOST_CACHED = 512  # papers whose words and phrases are cached for later readers, about 50 KB each


class TfidfRanker:
    """Trains tastes and ranks papers: pure (no database, no clock), and in batches.

    ``half_life_days``: the age at which a vote counts half, 0 for never. ``accurate``: train and
    score with term weights per reader, which ranks a little better and takes longer.
    """

    def __init__(self, *, half_life_days: float = 0, accurate: bool = True) -> None:
        self.half_life_days = half_life_days
        self.accurate = accurate

    def fit(
        self, corpus: Iterable[Paper], *, libraries: Sequence[Collection[int]] = ()
    ) -> TextSpace:
        """Fit the model; with an empty corpus only recency ranks.

        ``libraries`` are the ids of the papers that each reader liked; with some hundreds of
        readers, collaborative factors are trained on them.
        """
        papers = list(corpus)
        unread = spaces.BACKGROUND if self.accurate else spaces.FAST_BACKGROUND
        known = {paper.id for paper in papers}
        if not collaborative.enough([list(known.intersection(library)) for library in libraries]):
            return spaces.fit(papers, unread=unread)
        space = spaces.fit(papers, themes=spaces.SHARED_THEMES, unread=unread)
        most = collaborative.FACTORS if self.accurate else collaborative.FAST_FACTORS
        return collaborative.together(space, papers, libraries, most=most)

    def space_from(self, body: bytes) -> TextSpace | None:
        """Read a stored model; None if it is damaged or of another format."""
        return serialization.space_from(body)

    def learn(
        self, space: TextSpace, evidence: Sequence[Evidence], *, now: datetime
    ) -> list[LinearTaste]:
        """Train one taste per evidence, in order."""
        return training.learn(
            space,
            evidence,
            now=now,
            half_life_days=self.half_life_days,
            accurate=self.accurate,
            cache=space.learnt,
        )

    def rank(
        self,
        space: TextSpace,
        tastes: Sequence[LinearTaste],
        candidates: Sequence[Paper],
        limit: int | Sequence[int],
        *,
        excluded: Sequence[Collection[int]] = (),
    ) -> list[list[Pick]]:
        """Return the best ``limit`` candidates of each taste; ties newest first, then by id.

        ``limit`` is one for all tastes, or that of each.
        """
        papers = sorted(candidates, key=lambda paper: (-paper.first_seen.timestamp(), paper.id))
        rows = space.rows([paper.text for paper in papers])
        scores = scoring.score(space, tastes, rows)
        barred = list(excluded) or [()] * len(tastes)
        limits = [limit] * len(tastes) if isinstance(limit, int) else limit
        chosen = [
            _best(papers, of, out, most)
            for of, out, most in zip(scores, barred, limits, strict=True)
        ]
        return _explain_picks(space, tastes, _ScoredPapers(papers, rows, chosen))

    def average_reasons(
        self, space: TextSpace, tastes: Sequence[LinearTaste], papers: Sequence[Paper]
    ) -> list[AverageReasons]:
        """Average over papers the reasons that ``rank`` would find for each, per taste.

        It skips what reasons do not need (order, words to show, similar papers), which takes most
        of the time of ``rank``.
        """
        rows = space.rows([paper.text for paper in papers])
        found = [AverageReasons({}, {})] * len(tastes)
        for _, places in scoring.by_ledger(tastes):
            some = explanations.average_reasons(space, [tastes[place] for place in places], rows)
            for place, reasons in zip(places, some, strict=True):
                found[place] = reasons
        return found

    def similar(
        self, space: TextSpace, paper: Paper, among: Sequence[Paper], limit: int
    ) -> list[tuple[Paper, float]]:
        """Return the ``limit`` papers of ``among`` most similar to this one, with similarities."""
        return similarity.similar(space, paper, among, limit)


def _best(papers: Sequence[Paper], scores: Floats, out: Collection[int], limit: int) -> list[int]:
    """Choose by score; papers are in the order that breaks ties."""
    order = np.argsort(-scores.round(5), kind="stable")
    if not out:
        return [int(at) for at in order[: max(0, limit)]]
    barred = set(out)
    return [int(at) for at in order if papers[at].id not in barred][: max(0, limit)]


@dataclass(frozen=True, slots=True)
class _ScoredPapers:
    """Scored and chosen papers, with their rows, and positions in them by reader."""

    papers: Sequence[Paper]
    rows: PaperRows
    chosen: Sequence[Sequence[int]]


def _explain_picks(
    space: TextSpace, tastes: Sequence[LinearTaste], order: _ScoredPapers
) -> list[list[Pick]]:
    """Return all readers' picks with their reasons."""
    picks: list[list[Pick]] = [[] for _ in tastes]
    for _, places in scoring.by_ledger(tastes):
        near = _nearest(space, tastes, places, order)
        shown: dict[int, CandidateTerms] = {}
        for start in range(0, len(places), TOGETHER):
            shard = places[start : start + TOGETHER]
            for place, pick in _tell(space, tastes, shard, order, near, shown):
                picks[place].append(pick)
    return [_order_picks(mine) for mine in picks]


def _nearest(
    space: TextSpace, tastes: Sequence[LinearTaste], places: Sequence[int], order: _ScoredPapers
) -> dict[tuple[int, int], NearestLiked | None]:
    """Find the nearest liked paper of each pick of some tastes, by taste and paper."""
    some = sorted({at for place in places for at in order.chosen[place]})
    line = {at: n for n, at in enumerate(some)}
    rows = order.rows[np.array(some, dtype=np.intp)]
    picked = [(place, at) for place in places for at in order.chosen[place]]
    pairs = [(place, line[at]) for place, at in picked]
    return dict(zip(picked, explanations.nearest(space, tastes, rows, pairs), strict=True))


def _order_picks(picks: Sequence[Pick]) -> list[Pick]:
    """Sort picks by their shown scores, which are more precise than those used to choose."""
    order = sorted(picks, key=lambda pick: (-round(pick.score, 5), pick.position))
    return [
        pick if pick.position == at else replace(pick, position=at)
        for at, pick in enumerate(order, 1)
    ]


def _interest_terms(
    named: Sequence[NamedTerms], shown: CandidateTerms, found: Contributions, told: Doubles
) -> list[list[InterestTerm]]:
    """Find for each reader (r) the interest's words that raise the score (r, t) of a paper."""
    if not any(mine.phrases for mine in named):
        return [[] for _ in named]
    columns = found.terms.tolist()
    words = dict(zip(columns, shown.words, strict=True))
    asked = []
    for mine, raised in zip(named, told, strict=True):
        sizes = {
            columns[n]: float(raised[n])
            for n in np.flatnonzero(raised > 0).tolist()
            if columns[n] in mine.terms
        }
        asked.append(interest_terms(mine, shown.text, words, sizes) if sizes else [])
    return asked


def _tell(
    space: TextSpace,
    tastes: Sequence[LinearTaste],
    shard: Sequence[int],
    order: _ScoredPapers,
    near: Mapping[tuple[int, int], NearestLiked | None],
    shown: dict[int, CandidateTerms],
) -> Iterator[tuple[int, Pick]]:
    """Build the picks of some readers, paper by paper, each with the reader's position.

    ``shown`` caches the displayable terms of each paper for the next readers.
    """
    written = explanations.write_out(space, [tastes[place] for place in shard])
    holding = explanations.held_terms([tastes[place] for place in shard])
    for at, those in _lines_by_paper(shard, order).items():
        lines = [line for line, _ in those]
        found = explanations.contributions(space, written, order.rows, at, lines)
        told, scores = explanations.explain(space, found), found.scores.tolist()
        terms = _candidate_terms(space, order, at, found, shown)
        held = holding[np.array(lines)[:, None], found.terms]
        present = frozenset(found.terms.tolist())
        named = [tastes[shard[line]].named for line in lines]
        asked = _interest_terms(named, terms, found, found.net)
        chosen = display_terms.choose_terms(terms, found.net, held, found.bias, asked)
        for (line, position), why, score, mine in zip(those, told, scores, chosen, strict=True):
            place = shard[line]
            taste = tastes[place]
            near_paper = _nearest_liked(taste, near[place, at])
            pick = Pick(
                paper=order.papers[at],
                position=position,
                score=score,
                probability=chance(taste.calibration, score),
                shown_terms=mine.terms,
                positive_terms=why.because,
                negative_terms=why.against,
                others=why.others,
                bias=why.bias,
                similar_paper=near_paper.similar,
                nearest=near_paper.nearest,
                similarity=near_paper.likeness,
                interest_id=taste.interest_id,
                matches=near_paper.similar is not None
                or mine.held
                or taste.named.speak_for(order.papers[at], present),
            )
            yield place, pick


def _lines_by_paper(shard: Sequence[int], order: _ScoredPapers) -> dict[int, list[tuple[int, int]]]:
    """Group the picks of some readers by paper: the reader's line, and the position of the pick."""
    wanted: dict[int, list[tuple[int, int]]] = {}
    for line, place in enumerate(shard):
        for position, at in enumerate(order.chosen[place], 1):
            wanted.setdefault(at, []).append((line, position))
    return wanted


def _candidate_terms(
    space: TextSpace,
    order: _ScoredPapers,
    at: int,
    found: Contributions,
    shown: dict[int, CandidateTerms],
) -> CandidateTerms:
    """Find the displayable terms of a paper; ``shown`` caches them for the next readers."""
    terms = shown.get(at)
    if terms is None:
        if len(shown) >= MOST_CACHED:
            shown.clear()
        terms = shown[at] = display_terms.candidates(space, order.papers[at], found.terms)
    return terms


class _NearestPaper(NamedTuple):
    """The liked paper nearest to a pick, and the same paper if it is near enough to be a reason."""

    nearest: Paper | None = None
    similar: Paper | None = None
    likeness: float | None = None


def _nearest_liked(taste: LinearTaste, like: NearestLiked | None) -> _NearestPaper:
    if like is None:
        return _NearestPaper()
    paper = taste.ledger.papers[like.row]
    return _NearestPaper(paper, paper if like.is_sensible else None, like.likeness)
