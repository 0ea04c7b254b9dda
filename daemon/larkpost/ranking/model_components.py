"""The linear components of a taste, each with its scores on background and votes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from larkpost.ranking import ridge
from larkpost.ranking.incremental.vote_inverse import SAME, VoteRows, solve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from larkpost.ranking.incremental.vote_inverse import VoteInverse
    from larkpost.ranking.tfidf import Floats, Indices, PaperRows, TextSpace

    Kernel = Callable[[int, Indices], Floats]

CLOSE = 50  # papers of the corpus whose terms count as if liked
DISLIKED = -0.2  # regression target of a thumb down; a thumb up has 1, unread papers 0
LEAST_TERM = 1e-4  # of the strongest term's weight: smaller weights count as zero
NEIGHBOURS = 100  # papers of the corpus that supplement few thumbs
AT_ONCE = 1000  # rows compared with the background at once


class ComponentScores(NamedTuple):
    """A part's scores on the background (r, b), and its leave-one-out scores of votes (r, n)."""

    background: Floats
    votes: Floats

    def scale(self) -> Floats:
        """Return the factor that makes the standard deviation one (r); 0 for a constant part."""
        spread = self.background.std(axis=1)
        return np.where(spread > 1e-7, 1 / np.maximum(spread, 1e-7), 0).astype(np.float32)


class DenseView(NamedTuple):
    """A part that is one direction (r, d) in a dense view of the papers."""

    part: ComponentScores
    direction: Floats


@dataclass(frozen=True, slots=True)
class VotedPapers:
    """The kernels of voted papers and background (u, b): words, and joined; see ``ridge.solve``.

    ``hints`` (u) marks the rows that represent an interest's words. ``twin`` (u) is the same paper
    in the background, -1 for none; in ``rows`` it has the same point as there. ``by_text`` (u, c)
    is ``close`` computed from texts alone, as in a ranking.
    """

    rows: PaperRows
    by_text: Floats
    words: Floats
    turned: Floats
    twin: Indices
    hints: NDArray[np.bool_]

    @classmethod
    def of(
        cls, space: TextSpace, rows: PaperRows, hints: NDArray[np.bool_] | None = None
    ) -> VotedPapers:
        """Compare the rows of a ledger with those of the background."""
        words = _against(rows.words, space.background.words)
        twin = np.where(words.max(axis=1) > SAME, words.argmax(axis=1), -1)
        close = np.where(twin[:, None] >= 0, space.background.close[twin], rows.close)
        level = replace(rows, close=close)
        word_share, close_share = space.kernel_shares
        joint = word_share * words + close_share * (level.close @ space.background.close.T)
        told = np.zeros(len(rows), dtype=bool) if hints is None else hints
        by_text = space.companions.factors(rows.fine) if space.companions else close
        return cls(level, by_text, words, joint @ space.common.vectors, twin, told)

    def presence(self, space: TextSpace) -> csr_array:
        """Return how far each row has each of its terms (u, v): 1, and for a hint a probability.

        That is the share of the papers with any form of a word that have this form. Otherwise the
        odds of a form that is rarer than the others would be used for the word.
        """
        plain = self.rows.plain
        share = (space.spread / np.maximum(space.stem_spread, 1)).astype(np.float32)
        hint = np.repeat(self.hints, np.diff(plain.indptr))
        data = np.where(hint, share[plain.indices], np.float32(1))
        return csr_array((data, plain.indices, plain.indptr), shape=plain.shape)

    def read(self, votes: Indices, sizes: Sequence[int]) -> Indices:
        """Find the votes (r, m) of each reader on papers of the background.

        Positions in the rows of ``votes`` (r, n), one for each such paper; the rest is -1.
        """
        found = []
        for line, size in zip(self.twin[votes], sizes, strict=True):
            _, places = np.unique(line[:size], return_index=True)
            found.append(places[line[places] >= 0])
        read = np.full((len(votes), max(map(len, found), default=0)), -1, dtype=np.intp)
        for at, places in enumerate(found):
            read[at, : len(places)] = places
        return read


@dataclass(frozen=True, slots=True)
class OwnVotes:
    """The kernels of each reader's own votes, in words and otherwise (r, n, n).

    ``places`` (r, n, d) are their rows of ``PaperRows.close``.
    """

    words: Floats
    close: Floats
    places: Floats

    @classmethod
    def of(
        cls, rows: PaperRows, sizes: Sequence[int], votes: Indices, kernel: Kernel | None = None
    ) -> OwnVotes:
        """Compare the first ``sizes`` votes of each row of ``votes`` (r, n).

        ``kernel`` returns their similarity in words (n, n) for a line and its votes.
        """
        count, most = votes.shape
        words = np.zeros((count, most, most), dtype=np.float32)
        for at, size in enumerate(sizes):
            mine = votes[at, :size]
            words[at, :size, :size] = kernel(at, mine) if kernel else _likeness(rows, mine)
        real = np.arange(most) < np.array(sizes)[:, None]
        places = rows.close[votes] * real[:, :, None]
        return cls(words, places @ places.transpose(0, 2, 1), places)


def _against(rows: csr_array, background: csr_array) -> Floats:
    """Compare rows (u, v) with the background's (b, v), in blocks: (u, b).

    A sparse product with few zeros takes several times the memory of its result.
    """
    turned = background.T.tocsr()
    blocks = range(0, max(1, rows.shape[0]), AT_ONCE)
    parts = [(rows[start : start + AT_ONCE] @ turned).toarray() for start in blocks]
    return np.concatenate(parts).astype(np.float32, copy=False)


def _likeness(rows: PaperRows, votes: Indices) -> Floats:
    mine = rows.words[votes]
    return np.asarray((mine @ mine.T).toarray(), dtype=np.float32)


def evidence_against_unread(
    own: OwnVotes,
    turned: Floats,
    read: Indices,
    thumbs: Floats,
    weights: Floats,
    unread: float,
    space: TextSpace,
) -> ridge.RidgeSolution:
    """Solve the ridge regression of each reader's thumbs against unread papers.

    If nothing is liked, thumbs down are distinguished from unread papers. The background is the
    same for all; the papers of it that a reader has ``read`` (r, m; see ``VotedPapers.read``) are
    cancelled by a second observation at the same point, with the negative weight of the background.
    """
    targets, mass = _targets(thumbs, weights)
    common, (word_share, close_share) = space.common, space.kernel_shares
    rest = (unread * mass / max(1, len(common.values))).astype(np.float32)
    count, most = weights.shape
    places = np.hstack([np.tile(np.arange(most), (count, 1)), np.maximum(read, 0)])
    lines = np.arange(count)[:, None]
    kernel = word_share * own.words
    kernel += close_share * own.close
    if read.size:
        kernel = kernel[lines[:, :, None], places[:, :, None], places[:, None, :]]
    every = np.hstack([weights, np.where(read >= 0, -rest[:, None], 0)]).astype(np.float32)
    solved = ridge.solve(
        kernel,
        turned[lines, places] * (every != 0)[:, :, None],
        np.hstack([targets, np.zeros(read.shape, dtype=np.float32)]),
        every,
        rest,
        common,
    )
    votes = solved.votes[:, :most].copy()
    np.add.at(votes, (lines, places[:, most:]), solved.votes[:, most:])
    return replace(solved, votes=votes, left_out=solved.left_out[:, :most])


def _targets(thumbs: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the targets of the votes (r, n), and the weight of the liked ones, or of all (r)."""
    ups = np.where(thumbs > 0, weights, 0).sum(axis=1)
    disliked = np.where(ups > 0, DISLIKED, -1)[:, None] * (thumbs < 0)
    targets = np.where(ups[:, None] > 0, thumbs > 0, 0) + disliked.astype(np.float32)
    return targets.astype(np.float32), np.where(ups > 0, ups, weights.sum(axis=1))


def against_unread(
    inverse: VoteInverse, votes: VoteRows, thumbs: Floats, unread: float, space: TextSpace
) -> ridge.RidgeSolution:
    """Solve the same regression for one reader, in a model in which only words count for it.

    ``thumbs`` (n) are in the order of the votes, as are the results.
    """
    order, kernel = inverse.order(votes), space.background_kernel
    targets, mass = _targets(thumbs[None], votes.weights[None])
    rest = unread * float(mass[0]) / len(kernel)
    solved = solve(inverse, targets[0, order], votes.weights[order], rest, kernel)
    back = np.argsort(order)
    return replace(solved, votes=solved.votes[:, back], left_out=solved.left_out[:, back])


def in_words_alone(space: TextSpace, solved: ridge.RidgeSolution) -> DenseView:
    """Score by a regression in which only words count: it has no direction elsewhere."""
    none = np.zeros((1, space.background.close.shape[1]), dtype=np.float32)
    return DenseView(ComponentScores(solved.fitted, solved.left_out), none)


def regression(
    space: TextSpace, seen: VotedPapers, own: OwnVotes, votes: Indices, solved: ridge.RidgeSolution
) -> DenseView:
    """Score by the regression; the direction is the part that is not in words.

    Leave-one-out scores of votes use texts alone: a paper's collaborative factors contain the
    reader's own thumb, which a future paper lacks, so votes would look better predicted than they
    were. The other votes' coefficients stay those with the paper at its full factors, which is
    exact to first order.
    """
    _, close_share = space.kernel_shares
    direction = np.einsum("rn,rnd->rd", solved.votes, own.places)
    direction += solved.background @ space.background.close
    left_out = solved.left_out
    if space.companions is not None:
        moved = seen.by_text[votes] - own.places
        further = np.einsum("rnd,rd->rn", moved, direction)
        further -= solved.votes * np.einsum("rnd,rnd->rn", moved, own.places)
        left_out = left_out + close_share * further
    return DenseView(ComponentScores(solved.fitted, left_out), close_share * direction)


def middle(among: Floats, against: Floats, lift: Floats) -> ComponentScores:
    """Score by the weighted middle of the liked papers (Rocchio 1971, without his negatives).

    ``among`` (r, n, n) and ``against`` (r, n, b) are dot products, ``lift`` (r, n) sums to one.
    """
    alone = np.diagonal(among, axis1=1, axis2=2)
    others = np.einsum("rij,rj->ri", among, lift) - lift * alone
    return ComponentScores(
        np.einsum("rnb,rn->rb", against, lift), others / np.maximum(1 - lift, 0.05)
    )


def nearest(
    space: TextSpace, rows: PaperRows, votes: Indices, lift: Floats, wanted: int
) -> Indices:
    """Find the papers of the sample (r, at most ``wanted``) that are nearest to the liked ones."""
    towards = np.einsum("rn,rnd->rd", lift, rows.fine[votes])
    count = min(wanted, len(space.sample) // 20)
    if count == 0:
        return np.zeros((len(votes), 0), dtype=np.intp)
    return np.argpartition(-(towards @ space.sample.fine.T), count - 1, axis=1)[:, :count]


def neighbours(space: TextSpace, rows: PaperRows, votes: Indices, lift: Floats) -> DenseView:
    """Score by the words of the corpus' papers nearest to the liked ones (Buckley et al. 1994)."""
    near = nearest(space, rows, votes, lift, NEIGHBOURS)
    direction = space.echoes[near].sum(axis=1) / max(1, near.shape[1])
    on_votes = np.einsum("rnd,rd->rn", rows.themes[votes], direction)
    return DenseView(ComponentScores(direction @ space.background.themes.T, on_votes), direction)


def shared_taste(space: TextSpace, seen: VotedPapers, votes: Indices, lift: Floats) -> DenseView:
    """Score by the collaborative factors of the liked papers."""
    places = seen.rows.close[votes]
    direction = np.einsum("rn,rnd->rd", lift, places)
    by_text = seen.by_text[votes]
    others = np.einsum("rnd,rd->rn", by_text, direction) - lift * (by_text * places).sum(axis=2)
    background = direction @ space.background.close.T
    return DenseView(ComponentScores(background, others / np.maximum(1 - lift, 0.05)), direction)


def brevity(space: TextSpace, rows: PaperRows, votes: Indices, lift: Floats) -> DenseView:
    """Score by brevity, because long texts match everything a little."""
    liked = np.where(lift.any(axis=1), -1, 0).astype(np.float32)
    background = liked[:, None] * space.background.bulk
    return DenseView(ComponentScores(background, liked[:, None] * rows.bulk[votes]), liked[:, None])


def log_odds(space: TextSpace, seen: VotedPapers, votes: Indices, lift: Floats) -> DenseView:
    """Score by the log odds of each term in liked papers against the corpus.

    The prior weighs 20 papers, so a term's weight is the logarithm of 1 + liked papers with it
    over those of 20 that have it (Robertson & Sparck Jones 1976, the constant left out).
    """
    most = np.maximum(lift.max(axis=1, keepdims=True), 1e-9)
    liked = (lift / most).astype(np.float32)
    presence = seen.presence(space)
    spread = _spread(presence, votes, liked)
    direction = np.log1p(spread / space.prior)
    mine, held = seen.rows.plain[votes.ravel()], presence[votes.ravel()]
    vote = np.repeat(np.arange(votes.size), np.diff(mine.indptr))
    own = liked.ravel()[vote] * held.data
    others = np.maximum(spread[vote // votes.shape[1], mine.indices] - own, 0)
    added = mine.data * np.log1p(others / space.prior[mine.indices])
    left_out = np.bincount(vote, weights=added, minlength=votes.size).reshape(votes.shape)
    background = (space.background.plain @ direction.T).T
    return DenseView(ComponentScores(background, left_out.astype(np.float32)), direction)


def strong_terms(
    space: TextSpace, rows: PaperRows, votes: Indices, solved: ridge.RidgeSolution
) -> DenseView:
    """Score by the regression's weights of terms, squared under their signs.

    A reader's interest is a few words, but ridge regression spreads its weight over all words that
    occur with them. After squaring, the few strong terms count and the many weak ones do not: a
    step towards the sparse model of a ridge regression whose penalty is reweighted by its result
    (Grandvalet 1998). A vote is scored without its own share of the weights; the other votes'
    coefficients stay as they are.
    """
    weights = _spread(rows.words, votes, solved.votes)
    weights += solved.background @ space.background.words
    direction = space.sharpness * weights * np.abs(weights)
    direction[np.abs(direction) < LEAST_TERM * np.abs(direction).max(axis=1, keepdims=True)] = 0
    mine, own = (of[votes.ravel()] for of in (rows.plain, rows.words))
    vote = np.repeat(np.arange(votes.size), np.diff(mine.indptr))
    others = weights[vote // votes.shape[1], mine.indices] - solved.votes.ravel()[vote] * own.data
    added = mine.data * space.sharpness[mine.indices] * others * np.abs(others)
    left_out = np.bincount(vote, weights=added, minlength=votes.size).reshape(votes.shape)
    background = (space.background.plain @ direction.T).T
    return DenseView(ComponentScores(background, left_out.astype(np.float32)), direction)


def near_log_odds(space: TextSpace, rows: PaperRows, votes: Indices, lift: Floats) -> DenseView:
    """Do the same with the papers of the corpus that are nearest to the liked ones."""
    near = nearest(space, rows, votes, lift, CLOSE)
    plain = space.sample.plain
    has = csr_array((np.ones_like(plain.data), plain.indices, plain.indptr), shape=plain.shape)
    spread = _spread(has, near, np.ones(near.shape, dtype=np.float32))
    direction = np.log1p(spread / space.prior)
    held = (rows.plain @ direction.T)[votes, np.arange(len(votes))[:, None]]
    return DenseView(ComponentScores((space.background.plain @ direction.T).T, held), direction)


def _spread(has: csr_array, papers: Indices, weights: Floats) -> Floats:
    """Count for each reader in how many of these papers (r, m) each term is, by weight (r, v)."""
    if len(papers) == 1:  # many papers of one reader: a tenth of the time of a sparse product
        return np.asarray(has[papers[0]].T @ weights[0], dtype=np.float32)[None]
    ends = np.arange(len(papers) + 1) * papers.shape[1]
    shape = len(papers), has.shape[0]
    chosen = csr_array((weights.ravel(), papers.ravel(), ends), shape=shape)
    return np.asarray((chosen @ has).toarray(), dtype=np.float32)
