"""Explains a score: the contribution of each term, computed from the model itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from larkpost.domain import TermWeight
from larkpost.ranking.similarity import likeness
from larkpost.ranking.term_matrix import scale_to_unit
from larkpost.text.term_specificity import LEAST_PARTICULAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from larkpost.ranking.collaborative import CollaborativeFactors
    from larkpost.ranking.linear_model import LinearTaste
    from larkpost.ranking.tfidf import Floats, Indices, PaperRows, TextSpace

    Doubles = NDArray[np.float64]
    Flags = NDArray[np.bool_]

RAISED, LOWERED = 6, 4  # terms shown at most
# The least similarity for "Like X, which you liked": measured by bench/reasons.py, docs/ranking.md.
LEAST_LIKENESS, LEAST_LIKENESS_IN_SMALL, LEAST_SHARED = 0.27, 0.38, 0.08


@dataclass(frozen=True, slots=True)
class DenseTastes:
    """Tastes of r readers as dense arrays.

    ``words``, ``terms`` (r, v): weights of stressed and of plain terms; ``themes`` (r, d):
    directions in the themes; ``close`` (r, c): the same in the coarse ones, or in all themes if
    there are collaborative factors; ``base`` (r): the score from these factors without any theme.
    """

    words: Floats
    terms: Floats
    themes: Floats
    close: Floats
    base: Floats
    bias: Floats

    def of(self, readers: Indices, terms: Indices) -> DenseTastes:
        """Return the tastes of some readers, by position, with the weights of some terms only."""
        where = np.ix_(readers, terms)
        return DenseTastes(
            self.words[where],
            self.terms[where],
            self.themes[readers],
            self.close[readers],
            self.base[readers],
            self.bias[readers],
        )


@dataclass(frozen=True, slots=True)
class Contributions:
    """The contributions of the t terms of one paper to its score for r readers.

    ``terms`` (t) are columns of the model; the sum of ``added`` (r, t) and ``bias`` (r) is the
    score; ``lost`` (r, t) is how much it falls when the term is taken out of the paper.
    """

    terms: Indices
    added: Doubles
    lost: Doubles
    bias: Doubles

    @property
    def scores(self) -> Doubles:
        """Return the score of the paper for each reader (r), in double precision.

        Bulk scoring uses single precision and agrees within 1e-4.
        """
        return np.asarray(self.added.sum(axis=1) + self.bias)

    @property
    def positive(self) -> Doubles:
        """Return the contribution of each term (r, t), 0 unless the score would fall without it."""
        return np.maximum(self.net, 0)

    @property
    def net(self) -> Doubles:
        """Return each term's contribution (r, t), 0 if it adds but its loss lowers no score."""
        return np.where((self.added < 0) | (self.lost > 0), self.added, 0)


class ScoreExplanation(NamedTuple):
    """The terms that raised a score and those that lowered it, and the rest of it."""

    because: tuple[TermWeight, ...]
    against: tuple[TermWeight, ...]
    others: float
    bias: float


def write_out(space: TextSpace, tastes: Sequence[LinearTaste]) -> DenseTastes:
    """Convert tastes that were trained together (at least one) to dense arrays."""
    ledger = tastes[0].ledger
    lines = [taste.place for taste in tastes]
    dense, columns = ledger.dense[lines], ledger.columns
    words = ledger.words[:, lines].T + (space.background.words.T @ dense[:, columns.background].T).T
    close, base = dense[:, columns.close], np.zeros(len(tastes), dtype=np.float32)
    if space.companions is not None:
        base = close @ space.companions.base
        close = close @ space.companions.through.T
    # A text's bulk is the sum of its plain weights, so all terms have the same weight in it.
    terms = np.repeat(dense[:, columns.bulk, None], words.shape[1], axis=1)
    if ledger.terms.shape[1]:
        terms += ledger.terms[:, lines].T
    return DenseTastes(
        words,
        terms,
        dense[:, columns.themes],
        close,
        base,
        dense[:, columns.bias],
    )


def held_terms(tastes: Sequence[LinearTaste]) -> Flags:
    """Return whether a liked paper or the interest's words contain each term (r, v).

    The tastes are those of ``write_out``.
    """
    words = tastes[0].ledger.rows.words
    held = np.zeros((len(tastes), words.shape[1]), dtype=bool)
    for line, taste in enumerate(tastes):
        held[line, words[taste.speaking].indices] = True
    return held


def contributions(
    space: TextSpace, everybody: DenseTastes, rows: PaperRows, at: int, readers: Sequence[int]
) -> Contributions:
    """Return what each term of one paper, given by its row, adds to its score for some readers.

    The themes of a paper are the sum of its terms' plain weights times their loadings, divided by a
    length, so the contribution of a theme is divided among the terms. The rest, which belongs to no
    term, is in the bias.
    """
    own = slice(*rows.words.indptr[at : at + 2])  # slicing sparse rows would take longer
    terms, values = rows.words.indices[own].astype(np.intp), rows.words.data[own].astype(np.float64)
    written = everybody.of(np.array(readers, dtype=np.intp), terms)
    plain = rows.plain.data[own].astype(np.float64)
    loadings = space.axes[:, terms].astype(np.float64)
    by_words = values * written.words
    parts = [_linear_part(by_words, values)]
    constant = np.zeros(len(written.bias))
    if space.companions is None:
        parts.append(_linear_part(plain * (written.terms + written.themes @ loadings), plain))
        coarse = loadings[: written.close.shape[1]]
        parts.append(_direction_part(plain * (written.close @ coarse), *_lengths(coarse, plain)))
    else:
        parts.append(_linear_part(plain * written.terms, plain))
    if space.companions is not None and rows.themes[at].any():
        part, constant = _together(space.companions, written, loadings, plain)
        parts.append(part)
    return Contributions(
        terms,
        sum((part.added for part in parts), np.zeros(by_words.shape)),
        sum((part.lost for part in parts), np.zeros(by_words.shape)),
        written.bias.astype(np.float64) + constant,
    )


class _PartContributions(NamedTuple):
    """The contribution of each term to a part, and the part's loss without it (r, t)."""

    added: Doubles
    lost: Doubles


def _linear_part(added: Doubles, values: Doubles) -> _PartContributions:
    """Compute a part that is linear in a row of length one: without a term, the others grow."""
    total = added.sum(axis=1, keepdims=True)
    shrink = np.sqrt(np.maximum(1 - values**2, 1e-12))
    return _PartContributions(
        added, total - np.where(values**2 > 1 - 1e-9, 0, (total - added) / shrink)
    )


def _direction_part(raw: Doubles, length: float, without: Doubles) -> _PartContributions:
    """Compute a part that is linear in a direction: without a term, the direction turns."""
    total = raw.sum(axis=1, keepdims=True)
    rest = np.where(without > 1e-6, (total - raw) / np.maximum(without, 1e-6), 0)
    return _PartContributions(raw / length, total / length - rest)


def _together(
    companions: CollaborativeFactors, written: DenseTastes, loadings: Doubles, plain: Doubles
) -> tuple[_PartContributions, Doubles]:
    """Compute the part of other readers' libraries, and its share that belongs to no term (r)."""
    length, without = _lengths(loadings, plain)
    themes = loadings @ plain
    others = (themes[:, None] - loadings * plain) / np.maximum(without, 1e-6)
    size = companions.length((themes / length).astype(np.float32))
    sizes = np.linalg.norm(others.T @ companions.through + companions.base, axis=1)
    raw = plain * (written.close @ loadings)
    total, base = raw.sum(axis=1, keepdims=True), written.base[:, None]
    rest = ((total - raw) / np.maximum(without, 1e-6) + base) / np.maximum(sizes, 1e-6)
    whole = (total / length + base) / size
    lost = whole - np.where(without > 1e-6, rest, 0)
    return _PartContributions(raw / (length * size), lost), np.asarray(
        base[:, 0] / size, dtype=np.float64
    )


def _lengths(loadings: Doubles, plain: Doubles) -> tuple[float, Doubles]:
    """Return the length of a paper's themes, and the length without each of its terms."""
    themes = loadings @ plain
    square = float(themes @ themes)
    norms = (loadings * loadings).sum(axis=0)
    without = square - 2 * plain * (themes @ loadings) + plain**2 * norms
    if square <= 1e-12:  # as in `unit`: nearly zero has no direction
        return np.inf, np.zeros(len(plain))
    return float(np.sqrt(square)), np.sqrt(np.maximum(without, 0))


def explain(space: TextSpace, found: Contributions) -> list[ScoreExplanation]:
    """Return for each reader the terms that raised the score and those that lowered it.

    Strongest first, ties by term. A term that adds to the score, but without which it would rise,
    is left out: removing a returned term from the paper lowers its score.
    """
    raised = found.positive
    lowered = np.where(found.added < 0, -found.added, 0)
    names = [space.vocabulary[at] for at in found.terms]
    ups, downs = _largest(raised, RAISED, names), _largest(lowered, LOWERED, names)
    scores, bias = found.scores.tolist(), found.bias.tolist()
    return [
        ScoreExplanation(
            tuple(TermWeight(name, size) for name, size in up),
            tuple(TermWeight(name, -size) for name, size in down),
            score - constant - sum(size for _, size in up) + sum(size for _, size in down),
            constant,
        )
        for up, down, score, constant in zip(ups, downs, scores, bias, strict=True)
    ]


def _largest(values: Doubles, most: int, names: Sequence[str]) -> list[list[tuple[str, float]]]:
    """Return the largest of each row with their names, largest first, without zeros."""
    order = np.argsort(-values, axis=1, kind="stable")[:, :most]
    sizes = np.take_along_axis(values, order, axis=1)
    return [
        [(names[at], size) for at, size in zip(line, told, strict=True) if size > 0]
        for line, told in zip(order.tolist(), sizes.tolist(), strict=True)
    ]


class AverageReasons(NamedTuple):
    """Terms with the amounts by which they raised scores, and lowered them (negative)."""

    raised: dict[str, float]
    lowered: dict[str, float]


def average_reasons(
    space: TextSpace, tastes: Sequence[LinearTaste], rows: PaperRows
) -> list[AverageReasons]:
    """Average over papers the terms that ``explain`` returns, for tastes trained together."""
    written, readers = write_out(space, tastes), np.arange(len(tastes))
    sums = np.zeros((2, *written.words.shape))
    for at in range(len(rows)):
        found = contributions(space, written, rows, at, range(len(tastes)))
        lowered = np.minimum(found.added, 0)
        for told, values, most in ((0, found.positive, RAISED), (1, lowered, LOWERED)):
            order = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :most]
            places = readers[:, None], found.terms[order]
            sums[told][places] += np.take_along_axis(values, order, axis=1) / len(rows)
    return [AverageReasons(*(_named(space, line) for line in sums[:, n])) for n in readers]


def _named(space: TextSpace, weights: Doubles) -> dict[str, float]:
    return {space.vocabulary[at]: float(weights[at]) for at in np.flatnonzero(weights)}


class NearestLiked(NamedTuple):
    """The liked paper most similar to a pick, as a row of the ledger, with the similarity.

    ``likeness`` is the similarity in words and coarse themes, up to 1; ``is_sensible`` is true if a
    reader would understand it.
    """

    row: int
    likeness: float
    is_sensible: bool


def is_sensible(likeness: float, shared: float, maturity: float) -> bool:
    """Return whether a reader would understand why two papers are called similar.

    See docs/ranking.md. ``shared`` is the similarity in particular terms alone, up to 1;
    ``maturity`` is that of the model, 0 to 1: in a small corpus any two papers are more similar.
    """
    least = LEAST_LIKENESS_IN_SMALL + maturity * (LEAST_LIKENESS - LEAST_LIKENESS_IN_SMALL)
    return likeness >= least and shared >= LEAST_SHARED


def nearest(
    space: TextSpace,
    tastes: Sequence[LinearTaste],
    rows: PaperRows,
    pairs: Sequence[tuple[int, int]],
) -> list[NearestLiked | None]:
    """Find the most similar liked paper for each pair of a taste and a row, None if none is liked.

    All tastes are of one ledger.
    """
    if not pairs:
        return []
    found: list[NearestLiked | None] = [None] * len(pairs)
    near = _most_similar(tastes, rows, pairs)
    mine = np.array([pairs[at][1] for at in near], dtype=np.intp)
    votes = np.array([vote for vote, _ in near.values()], dtype=np.intp)
    ledger_rows = tastes[pairs[0][0]].ledger.rows
    one, other = (_particular_words(space, some) for some in (rows[mine], ledger_rows[votes]))
    shared = np.asarray(one.multiply(other).sum(axis=1), dtype=np.float64).ravel()
    for (at, (vote, size)), particular in zip(near.items(), shared.tolist(), strict=True):
        near_enough = is_sensible(size, particular, space.maturity)
        found[at] = NearestLiked(vote, size, near_enough)
    return found


def _most_similar(
    tastes: Sequence[LinearTaste], rows: PaperRows, pairs: Sequence[tuple[int, int]]
) -> dict[int, tuple[int, float]]:
    """Find the most similar liked paper, a row of the ledger, and its similarity, by pair.

    Each paper is compared only with the papers that its reader likes.
    """
    places_of: dict[int, list[int]] = {}
    for at, (taste, _) in enumerate(pairs):
        places_of.setdefault(taste, []).append(at)
    near: dict[int, tuple[int, float]] = {}
    for number, places in places_of.items():
        if len(liked := tastes[number].liked_votes):
            mine = np.array([pairs[at][1] for at in places], dtype=np.intp)
            alike = likeness(rows[mine], tastes[number].ledger.rows[liked]).round(6)
            best = liked[alike.argmax(axis=1)].tolist()
            near |= dict(
                zip(places, zip(best, alike.max(axis=1).tolist(), strict=True), strict=True)
            )
    return near


def _particular_words(space: TextSpace, rows: PaperRows) -> csr_array:
    """Return the stressed words of rows without generic ones, scaled to length one."""
    telling = space.particularity[rows.words.indices]
    telling[telling < LEAST_PARTICULAR] = 0
    words = csr_array(
        (rows.words.data * telling, rows.words.indices, rows.words.indptr), shape=rows.words.shape
    )
    scale_to_unit(words)
    return words


def strongest(space: TextSpace, taste: LinearTaste, n: int) -> tuple[TermWeight, ...]:
    """Return the n strongest terms of a taste: the words of the reader.

    A term's weight is its average contribution to the papers that represent the taste, without the
    part of other readers.
    """
    written = write_out(space, [taste])
    plain = written.terms[0]
    if space.companions is None:
        close = written.close[0]
        plain = plain + written.themes[0] @ space.axes + close @ space.axes[: len(close)]
    weights = written.words[0] + plain / space.sharpness
    speaking = np.maximum(taste.shares, 0)
    rows = taste.ledger.rows.words[taste.votes]
    told = weights * (rows.T @ (speaking / max(float(speaking.sum()), 1e-9)))
    order = np.argsort(-told, kind="stable")[:n]
    return tuple(TermWeight(space.vocabulary[at], float(told[at])) for at in order if told[at] > 0)
