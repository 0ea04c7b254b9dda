"""Trains the tastes of many readers at once.

A taste is a weighted sum of linear parts, each scaled to one standard deviation over the
background: a ridge regression with unread papers as weak negatives, the centroid of the liked
papers, the odds of their terms, their neighbours in the corpus, brevity, and collaborative factors.
docs/ranking.md states the value of each part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from larkpost.interfaces import Evidence
from larkpost.ranking import ridge
from larkpost.ranking.exploration.passed_over import Passed
from larkpost.ranking.incremental.vote_inverse import VoteRows, update
from larkpost.ranking.linear_model import LinearTaste, NamedTerms
from larkpost.ranking.model_components import (
    ComponentScores,
    DenseView,
    OwnVotes,
    VotedPapers,
    against_unread,
    brevity,
    evidence_against_unread,
    in_words_alone,
    log_odds,
    middle,
    near_log_odds,
    neighbours,
    regression,
    shared_taste,
    strong_terms,
)
from larkpost.ranking.training_examples import TrainingExample, place_votes
from larkpost.ranking.training_rows import (
    BallotRows,
    batches,
    calibrations_of,
    dense_of,
    kernel_of,
    ledger_of,
    lines_of,
    pad,
    words_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from larkpost.ranking.model_components import Kernel
    from larkpost.ranking.taste_cache import Line, TasteCache, Whose
    from larkpost.ranking.tfidf import Floats, Indices, TextSpace

UNREAD = 5.0  # the weight of the whole background, in thumbs, for each thumb up
FEW_UNREAD = 2.0  # the same in a small corpus, much of which the reader would like
SMALL_WORDS = 1.5  # the weight of the centroid of the liked papers, in a small corpus
STRONG_TERMS = 1.0  # the weight of a reader's strongest terms, added to the regression
SHOWN_HALF = 5.0  # thumbs on papers of editions at which these terms have half of that weight
NEGLIGIBLE = 0.02  # a part that weighs less for all readers is not computed
DIRECTIONS = {
    "close": ("ridge", "shared"),
    "themes": ("neighbours",),
    "bulk": ("brevity",),
    "terms": ("strong terms", "odds", "near odds"),
}


class Learnt(NamedTuple):
    """The result of a batch of r ballots; see ``TrainingVotes``."""

    shares: Floats
    dense: dict[str, Floats]
    checked: tuple[Floats, Floats, Floats]  # of votes: leave-one-out scores, thumbs, checks (r, n)


def weighing(
    ups: Floats, shown: Floats, *, maturity: float, accurate: bool, together: bool
) -> dict[str, Floats]:
    """Return the weights of the parts: at first the corpus and others count more, later the thumbs.

    ``ups`` (r) is the weight of the thumbs up, ``shown`` (r) the number of thumbs on papers of
    editions. ``maturity`` interpolates between the weights of a small corpus (0) and a large one
    (1). docs/ranking.md describes the alternatives that were tried.
    """
    small = _small_weights(ups, together=together)
    large = (
        _shared_weights(ups, accurate=accurate)
        if together
        else _own_weights(ups, shown, accurate=accurate)
    )
    if maturity in (0, 1):
        return large if maturity else small
    none = np.zeros_like(ups, dtype=np.float32)
    return {
        name: maturity * large.get(name, none) + (1 - maturity) * small.get(name, none)
        for name in small | large
    }


def _few(ups: Floats) -> Floats:
    """Return a factor that falls from 1 to 0 with the number of thumbs up, and is a half at six."""
    return np.asarray(1 / (1 + (ups / 6) ** 2), dtype=np.float32)


def _small_weights(ups: Floats, *, together: bool) -> dict[str, Floats]:
    few = _few(ups)
    one = np.ones_like(few)
    return {"ridge": one, "words": SMALL_WORDS * few} | ({"shared": one} if together else {})


def _own_weights(ups: Floats, shown: Floats, *, accurate: bool) -> dict[str, Floats]:
    """Return the weights of readers' own parts: the regression, which uses thumbs down, prevails.

    Its strongest terms weigh more with each thumb on a paper of an edition: there thumbs up and
    down share most words, so only a few words distinguish them. Papers that a reader adds have no
    such thumbs for comparison, and are ranked worse by their strongest terms.
    """
    few = _few(ups)
    one = np.ones_like(few)
    if not accurate:
        return {"ridge": one, "neighbours": 1.2 * few}
    return {
        "ridge": one,
        "strong terms": STRONG_TERMS * shown / (shown + SHOWN_HALF),
        "near odds": 0.9 * few,
        "neighbours": 0.4 * few,
    }


def _shared_weights(ups: Floats, *, accurate: bool) -> dict[str, Floats]:
    few = _few(ups)
    one = np.ones_like(few)
    common = {"ridge": one, "brevity": 0.3 * one, "shared": 1.3 + 1.7 * few}
    if not accurate:
        return common | {"words": 0.3 * one}
    return common | {"words": 0.4 * (1 - few), "odds": 0.7 - 0.4 * few, "near odds": 0.9 * few}


def learn(
    space: TextSpace,
    evidence: Sequence[Evidence],
    *,
    now: datetime,
    half_life_days: float = 0,
    accurate: bool = True,
    cache: TasteCache | None = None,
) -> list[LinearTaste]:
    """Train one taste per evidence, in order; ``accurate`` is better, and slower.

    ``cache`` is that of the model: tastes with the same votes are not trained again.
    """
    placed = place_votes(space, evidence, now, half_life_days)
    ballot_rows = BallotRows.of(space, *placed)
    whose = [(one.reader_id, one.interest_id) for one in evidence]
    lines = _lines(space, ballot_rows, whose, accurate=accurate, cache=cache)
    ledger = ledger_of(space, ballot_rows, lines, accurate=accurate)
    return [
        LinearTaste(
            reader_id=one.reader_id,
            interest_id=one.interest_id,
            ledger=ledger,
            place=at,
            liked_votes=ballot_rows.ballots[at].liked_rows,
            calibration=lines[at].calibration,
            named=NamedTerms.of(space, one.words),
        )
        for at, one in enumerate(evidence)
    ]


def _lines(
    space: TextSpace,
    ballot_rows: BallotRows,
    whose: Sequence[Whose],
    *,
    accurate: bool,
    cache: TasteCache | None,
) -> list[Line]:
    """Return the line of each ballot: cached, or trained in a batch with others."""
    keys = [ballot_rows.key(ballot, accurate=accurate) for ballot in ballot_rows.ballots]
    pairs = zip(whose, keys, strict=True)
    lines = {at: cache.line(*pair) if cache else None for at, pair in enumerate(pairs)}
    missing = [at for at, line in lines.items() if line is None]
    passed = Passed.of(space, ballot_rows.passed if missing else ())
    for batch, learnt in _learn_missing(space, ballot_rows, whose, missing, accurate, cache):
        ballots = [ballot_rows.ballots[at] for at in batch]
        dense = dense_of(space, learnt)
        words = words_of(ballot_rows.rows, ballots, learnt.shares)
        calibrations = calibrations_of(passed, ballots, learnt, words, dense)
        made = lines_of(ballots, learnt, words, dense, calibrations)
        for at, line in zip(batch, made, strict=True):
            lines[at] = line
            if cache:
                cache.keep_line(whose[at], keys[at], line)
    return [line for line in lines.values() if line is not None]


def _learn_missing(
    space: TextSpace,
    ballot_rows: BallotRows,
    whose: Sequence[Whose],
    missing: Sequence[int],
    accurate: bool,
    cache: TasteCache | None,
) -> Iterator[tuple[list[int], Learnt]]:
    """Train these ballots, those with a long history alone, the others in batches."""
    ballots = ballot_rows.ballots
    long = [at for at in missing if _is_long(space, ballots[at], accurate=accurate)]
    for at in long:
        yield [at], _learn_long(space, ballot_rows, whose[at], ballots[at], accurate, cache)
    rest = [at for at in missing if at not in set(long)]
    if not rest:
        return
    part = ballot_rows.of_ballots(rest)
    blank = np.array([paper is None for paper in part.papers])
    seen = VotedPapers.of(space, part.rows, blank)
    for places in batches([len(ballot.votes) for ballot in part.ballots]):
        some, batch = [part.ballots[place] for place in places], [rest[place] for place in places]
        kernel = kernel_of(cache, part, [whose[at] for at in batch]) if cache else None
        yield batch, _learn_batch(space, seen, some, accurate, kernel)


def _is_long(space: TextSpace, ballot: TrainingExample, *, accurate: bool) -> bool:
    """Return whether a ballot has many votes, and a taste of nothing but the regression's parts."""
    if len(ballot.votes) < ridge.ALONE_FROM or space.companions is not None:
        return False
    ups = np.array([ballot.weights[ballot.thumbs > 0].sum()], dtype=np.float32)
    weighed = weighing(ups, ups, maturity=space.maturity, accurate=accurate, together=False)
    others = weighed.keys() - {"ridge", "strong terms"}
    return space.maturity == 1 and not any(_counts(weighed, name) for name in others)


def _learn_long(
    space: TextSpace,
    ballot_rows: BallotRows,
    whose: Whose,
    ballot: TrainingExample,
    accurate: bool,
    cache: TasteCache | None,
) -> Learnt:
    """Train a ballot of ``_is_long``, with what changed since its last training."""
    rows = ballot_rows.rows[ballot.votes]
    names = [ballot_rows.names[at] for at in ballot.votes]
    votes = VoteRows(names, ballot.weights, rows.words, ballot.hints)
    inverse = update(cache.inverse(whose) if cache else None, votes, space.background.words)
    if cache:
        cache.keep_inverse(whose, inverse)
    solved = against_unread(inverse, votes, ballot.thumbs, _unread_weight(space), space)
    _, thumbs, weights, checks = pad([ballot])
    ups, _ = _lift(thumbs, weights)
    shown = np.array([ballot.shown], dtype=np.float32)
    weighed = weighing(ups, shown, maturity=1, accurate=accurate, together=False)
    views = {"ridge": in_words_alone(space, solved)}
    if _counts(weighed, "strong terms"):
        views["strong terms"] = strong_terms(space, rows, np.arange(len(rows))[None], solved)
    parts = {name: view.part for name, view in views.items()}
    scale, bias = _scales(parts, weighed, ups > 0)
    dense = _dense(scale, views) | {"bias": bias}
    dense["background"] = scale["ridge"][:, None] * solved.background
    checked = _left_out(parts, scale, bias), thumbs, checks
    return Learnt(scale["ridge"][:, None] * solved.votes, dense, checked)


def _learn_batch(
    space: TextSpace,
    seen: VotedPapers,
    ballots: Sequence[TrainingExample],
    accurate: bool,
    kernel: Kernel | None,
) -> Learnt:
    rows, (votes, thumbs, weights, checks) = seen.rows, pad(ballots)
    own = OwnVotes.of(rows, [len(ballot.votes) for ballot in ballots], votes, kernel)
    ups, lift = _lift(thumbs, weights)
    read = seen.read(votes, [len(ballot.votes) - ballot.hints for ballot in ballots])
    unread = _unread_weight(space)
    solved = evidence_against_unread(own, seen.turned[votes], read, thumbs, weights, unread, space)
    together = space.companions is not None
    shown = np.array([ballot.shown for ballot in ballots], dtype=np.float32)
    weighed = weighing(ups, shown, maturity=space.maturity, accurate=accurate, together=together)
    views = _views(space, seen, votes, lift, weighed)
    views["ridge"] = regression(space, seen, own, votes, solved)
    if _counts(weighed, "strong terms"):
        views["strong terms"] = strong_terms(space, rows, votes, solved)
    parts = {name: view.part for name, view in views.items()}
    if "words" in weighed:
        parts["words"] = middle(own.words, seen.words[votes], lift)
    scale, bias = _scales(parts, weighed, ups > 0)
    dense = _dense(scale, views) | {"bias": bias}
    close = scale["ridge"][:, None] * space.kernel_shares[0]
    dense["background"] = close * solved.background
    words = scale["words"][:, None] if "words" in scale else np.zeros_like(close)
    checked = _left_out(parts, scale, bias), thumbs, checks
    return Learnt(close * solved.votes + words * lift, dense, checked)


def _lift(thumbs: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the weight of the thumbs up (r), and the share of each vote in it (r, n)."""
    lift = np.where(thumbs > 0, weights, 0)
    ups = lift.sum(axis=1)
    return ups, lift / np.maximum(ups, 1e-9)[:, None]


def _unread_weight(space: TextSpace) -> float:
    return FEW_UNREAD + space.maturity * (UNREAD - FEW_UNREAD)


def _left_out(
    parts: Mapping[str, ComponentScores], scale: Mapping[str, Floats], bias: Floats
) -> Floats:
    """Return the leave-one-out scores of votes (r, n)."""
    return _sum_parts(scale, {name: part.votes for name, part in parts.items()}) + bias[:, None]


def _views(
    space: TextSpace,
    seen: VotedPapers,
    votes: Indices,
    lift: Floats,
    weighed: Mapping[str, Floats],
) -> dict[str, DenseView]:
    """Compute the parts with a direction that count for some reader."""
    rows = seen.rows
    known: dict[str, Callable[[], DenseView]] = {
        "neighbours": lambda: neighbours(space, rows, votes, lift),
        "shared": lambda: shared_taste(space, seen, votes, lift),
        "brevity": lambda: brevity(space, rows, votes, lift),
        "odds": lambda: log_odds(space, seen, votes, lift),
        "near odds": lambda: near_log_odds(space, rows, votes, lift),
    }
    return {name: work() for name, work in known.items() if _counts(weighed, name)}


def _counts(weighed: Mapping[str, Floats], name: str) -> bool:
    """Return whether a part has any weight for any reader."""
    return name in weighed and bool(weighed[name].max() >= NEGLIGIBLE)


def _scales(
    parts: Mapping[str, ComponentScores], weighed: Mapping[str, Floats], liking: NDArray[np.bool_]
) -> tuple[dict[str, Floats], Floats]:
    """Return each part's factor and the bias that standardise the scores on the background.

    Readers without a thumb up are ranked by the regression alone.
    """
    scale = {
        name: np.where(liking, weighed[name], float(name == "ridge")).astype(np.float32)
        * part.scale()
        for name, part in parts.items()
    }
    total = _sum_parts(scale, {name: part.background for name, part in parts.items()})
    spread = total.std(axis=1)
    per = np.where(spread > 1e-7, 1 / np.maximum(spread, 1e-7), 0).astype(np.float32)
    return {name: factor * per for name, factor in scale.items()}, -total.mean(axis=1) * per


def _dense(scale: Mapping[str, Floats], views: Mapping[str, DenseView]) -> dict[str, Floats]:
    """Combine the directions of the dense views, by the columns to which they apply."""
    told: dict[str, Floats] = {}
    for where, names in DIRECTIONS.items():
        for name in names:
            if name in views:
                direction = scale[name][:, None] * views[name].direction
                told[where] = told[where] + direction if where in told else direction
    return told


def _sum_parts(scale: Mapping[str, Floats], parts: Mapping[str, Floats]) -> Floats:
    """Add up parts (r, any), each times its scale (r)."""
    total = np.zeros_like(parts["ridge"])
    for name, part in parts.items():
        total += scale[name][:, None] * part
    return total
