"""Learns the tastes of many readers at once.

A taste is a sum of linear parts, each brought to one standard deviation over the background
before it is weighed: a ridge regression with unread papers as weak negatives, the middle of the
liked papers, the odds of their terms, what the corpus holds near them, brevity, and what other
readers like together. docs/ranking.md tells what each part is worth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from larkpost.ranking.calibration import calibrate
from larkpost.ranking.parts import (
    Own,
    Part,
    Seen,
    View,
    brevity,
    evidence_against_unread,
    log_odds,
    middle,
    near_log_odds,
    neighbours,
    regression,
    shared,
)
from larkpost.ranking.row_cache import name_text
from larkpost.ranking.space import WORD_SHARE
from larkpost.ranking.taste import Calibration, LinearTaste, Named
from larkpost.ranking.taste_lines import Shelf, kernel_of, ledger_of, lines_of, name_hint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from larkpost.domain import Paper
    from larkpost.ranking.parts import Kernel
    from larkpost.ranking.space import Floats, Indices, TextSpace
    from larkpost.ranking.taste_cache import TasteCache
    from larkpost.seams import Evidence

UNREAD = 5.0  # all of the background weighs as much as this many thumbs for each thumb up
FEW_UNREAD = 2.0  # the same in a small corpus, where much of it is what the reader would like
DOWN = 0.5  # a thumb down is a surer sign of nothing than a thumb up of something
HINT = 3.0  # an interest's words weigh one thumb, and fade as thumbs come: 3 / (3 + thumbs)
MOST_VOTES = 1000  # the newest count; half the room is kept for thumbs up, half for those down
NEGLIGIBLE = 0.02  # a part that weighs less for everybody is not worked out
DIRECTIONS = {
    "close": ("ridge", "shared"),
    "themes": ("neighbours",),
    "bulk": ("brevity",),
    "terms": ("odds", "near odds"),
}
BATCH = 2**21  # kernel entries of a batch


@dataclass(frozen=True, slots=True)
class Ballot:
    """One interest's votes as rows of the ledger, hints last; weights are above zero."""

    votes: Indices
    thumbs: Floats
    weights: Floats
    hints: int

    @property
    def liked(self) -> Indices:
        """Give the votes that are thumbs up of the reader."""
        cast = len(self.votes) - self.hints
        return self.votes[:cast][self.thumbs[:cast] > 0]


class Learnt(NamedTuple):
    """What a batch of r ballots gives; see ``Ledger``."""

    shares: Floats
    dense: dict[str, Floats]
    calibrations: list[Calibration]


def weighing(ups: Floats, *, maturity: float, careful: bool, together: bool) -> dict[str, Floats]:
    """Weigh the parts: few thumbs lean on the corpus or on other readers, many on themselves.

    ``maturity`` of the corpus leads from the weights of a small one (0) to those of a large
    one (1). What was tried stands in docs/ranking.md.
    """
    few = np.asarray(1 / (1 + (ups / 6) ** 2), dtype=np.float32)
    small = _small_weights(few, together=together)
    large = _large_weights(few, careful=careful, together=together)
    if maturity in (0, 1):
        return large if maturity else small
    none = np.zeros_like(few)
    return {
        name: maturity * large.get(name, none) + (1 - maturity) * small.get(name, none)
        for name in small | large
    }


def _small_weights(few: Floats, *, together: bool) -> dict[str, Floats]:
    one = np.ones_like(few)
    return {"ridge": one, "words": 0.5 + few} | ({"shared": one} if together else {})


def _large_weights(few: Floats, *, careful: bool, together: bool) -> dict[str, Floats]:
    one = np.ones_like(few)
    common = {"ridge": one, "brevity": 0.3 * one}
    if together:
        common["shared"] = 1.3 + 1.7 * few
    if not careful:
        alone = {"words": 0.8 - 0.6 * few, "neighbours": 0.3 + 1.2 * few}
        return common | ({"words": 0.3 * one} if together else alone)
    own = {"words": 0.4 * (1 - few), "odds": 0.7 - 0.4 * few}
    alone = {"neighbours": 0.4 * few, "near odds": 0.4 + 0.5 * few}
    return common | own | ({"near odds": 0.9 * few} if together else alone)


def learn(
    space: TextSpace,
    evidence: Sequence[Evidence],
    *,
    now: datetime,
    half_life_days: float = 0,
    careful: bool = True,
    cache: TasteCache | None = None,
) -> list[LinearTaste]:
    """Learn one taste for each evidence, in order; ``careful`` is better, and slower.

    ``cache`` is that of the space: what it holds of the same votes is not learnt again.
    """
    shelf = _shelve(space, evidence, now, half_life_days)
    keys = [shelf.key(ballot, careful=careful) for ballot in shelf.ballots]
    whose = [(one.reader_id, one.interest_id) for one in evidence]
    pairs = zip(whose, keys, strict=True)
    lines = {at: cache.line(*pair) if cache else None for at, pair in enumerate(pairs)}
    seen = Seen.of(space, shelf.rows, np.array([paper is None for paper in shelf.papers]))
    missing = [at for at, line in lines.items() if line is None]
    for places in _batches([len(shelf.ballots[at].votes) for at in missing]):
        batch = [missing[place] for place in places]
        kernel = kernel_of(cache, shelf, [whose[at] for at in batch]) if cache else None
        learnt = _learn_batch(space, seen, [shelf.ballots[at] for at in batch], careful, kernel)
        for at, line in zip(batch, lines_of(space, shelf, batch, learnt), strict=True):
            lines[at] = line
            if cache:
                cache.keep_line(whose[at], keys[at], line)
    ordered = [line for line in lines.values() if line is not None]
    ledger = ledger_of(space, shelf, seen, ordered, careful=careful)
    return [
        LinearTaste(
            reader_id=one.reader_id,
            interest_id=one.interest_id,
            ledger=ledger,
            place=at,
            liked_votes=shelf.ballots[at].liked,
            calibration=ordered[at].calibration,
            named=Named.of(space, one.words),
        )
        for at, one in enumerate(evidence)
    ]


def _shelve(
    space: TextSpace, evidence: Sequence[Evidence], now: datetime, half_life_days: float
) -> Shelf:
    """Place every voted paper and every interest's words once, and number the votes by them."""
    papers: list[Paper | None] = []
    texts: list[str | Mapping[str, float]] = []
    places: dict[int, int] = {}
    ballots = []
    for one in map(_newest, evidence):
        votes = []
        for paper in one.papers:
            if (at := places.get(paper.id)) is None:
                at = places[paper.id] = len(papers)
                papers.append(paper)
                texts.append(paper.text)
            votes.append(at)
        hints = [hint for words in one.words if (hint := space.hint(words))]
        votes += range(len(papers), len(papers) + len(hints))
        papers += [None] * len(hints)
        texts += hints
        ballots.append(_ballot(one, votes, len(hints), now, half_life_days))
    # The blank row at the end is there to be looked up where nobody has voted.
    ids = [None if paper is None else paper.id for paper in papers]
    names = [name_text(text) for text in (*texts, "")]
    rows = space.rows([*texts, ""], ids, names)
    named = [name or name_hint(text) for name, text in zip(names, (*texts, ""), strict=True)]
    return Shelf((*papers, None), named, rows, ballots)


def _newest(one: Evidence) -> Evidence:
    """Leave out the oldest votes where there are too many, of each kind those over its room.

    A reader who says no to a thousand papers must not lose what they have said yes to.
    """
    surplus = len(one.papers) - MOST_VOTES
    if surplus <= 0:
        return one
    ups = [at for at, thumb in enumerate(one.thumbs) if thumb > 0]
    downs = [at for at, thumb in enumerate(one.thumbs) if thumb <= 0]
    room = max(MOST_VOTES // 2, MOST_VOTES - len(downs))
    kept = sorted([*ups[-room:], *downs[-(MOST_VOTES - min(room, len(ups))) :]])
    return replace(
        one,
        papers=[one.papers[at] for at in kept],
        thumbs=[one.thumbs[at] for at in kept],
        at=[one.at[at] for at in kept],
    )


def _ballot(
    one: Evidence, votes: Sequence[int], hints: int, now: datetime, half_life_days: float
) -> Ballot:
    thumbs = np.array([float(thumb) for thumb in one.thumbs], dtype=np.float32)
    weights = np.where(thumbs > 0, 1, DOWN).astype(np.float32)
    if half_life_days > 0:
        days = np.array([(now - at).total_seconds() / 86400 for at in one.at], dtype=np.float32)
        weights *= np.float32(0.5) ** (np.maximum(days, 0) / np.float32(half_life_days))
    hint = np.full(hints, HINT / (HINT + len(thumbs)), dtype=np.float32)
    return Ballot(
        np.array(votes, dtype=np.intp),
        np.concatenate([thumbs, np.ones(hints, dtype=np.float32)]),
        np.concatenate([np.maximum(weights, 1e-4), hint]).astype(np.float32),
        hints,
    )


def _padded(ballots: Sequence[Ballot]) -> tuple[Indices, Floats, Floats]:
    """Lay votes, thumbs and weights side by side (r, n), with zeros where there is no vote."""
    shape = len(ballots), max(1, max(len(ballot.votes) for ballot in ballots))
    votes = np.zeros(shape, dtype=np.intp)
    thumbs, weights = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    for at, ballot in enumerate(ballots):
        size = len(ballot.votes)
        votes[at, :size] = ballot.votes
        thumbs[at, :size], weights[at, :size] = ballot.thumbs, ballot.weights
    return votes, thumbs, weights


def _batches(sizes: Sequence[int]) -> Iterator[list[int]]:
    """Group ballots of like size, so that padding them to the largest wastes little."""
    batch: list[int] = []
    for at in sorted(range(len(sizes)), key=lambda at: sizes[at]):
        if batch and (len(batch) + 1) * (sizes[at] * (sizes[at] + 300) + 5000) > BATCH:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def _learn_batch(
    space: TextSpace,
    seen: Seen,
    ballots: Sequence[Ballot],
    careful: bool,
    kernel: Kernel | None,
) -> Learnt:
    rows, (votes, thumbs, weights) = seen.rows, _padded(ballots)
    own = Own.of(rows, [len(ballot.votes) for ballot in ballots], votes, kernel)
    lift = np.where(thumbs > 0, weights, 0)
    ups = lift.sum(axis=1)
    lift = lift / np.maximum(ups, 1e-9)[:, None]
    read = seen.read(votes, [len(ballot.votes) - ballot.hints for ballot in ballots])
    unread = FEW_UNREAD + space.maturity * (UNREAD - FEW_UNREAD)
    solved = evidence_against_unread(
        own, seen.turned[votes], read, thumbs, weights, unread, space.common
    )
    together = space.companions is not None
    weighed = weighing(ups, maturity=space.maturity, careful=careful, together=together)
    views = _views(space, seen, votes, lift, weighed)
    views["ridge"] = regression(space, seen, own, votes, solved)
    parts = {
        "words": middle(own.words, seen.words[votes], lift),
        **{name: view.part for name, view in views.items()},
    }
    parts = {name: part for name, part in parts.items() if name in weighed}
    scale, bias = _scales(parts, weighed, ups > 0)
    uncast = _summed(scale, {name: part.votes for name, part in parts.items()}) + bias[:, None]
    ridge, words = scale["ridge"][:, None], scale["words"][:, None]
    dense = _dense(scale, views)
    dense["background"] = ridge * WORD_SHARE * solved.background
    dense["bias"] = bias
    return Learnt(
        ridge * WORD_SHARE * solved.votes + words * lift,
        dense,
        calibrate(uncast, thumbs, weights),
    )


def _views(
    space: TextSpace,
    seen: Seen,
    votes: Indices,
    lift: Floats,
    weighed: Mapping[str, Floats],
) -> dict[str, View]:
    """Work out the parts with a direction that count for somebody."""
    rows = seen.rows
    known: dict[str, Callable[[], View]] = {
        "neighbours": lambda: neighbours(space, rows, votes, lift),
        "shared": lambda: shared(space, seen, votes, lift),
        "brevity": lambda: brevity(space, rows, votes, lift),
        "odds": lambda: log_odds(space, seen, votes, lift),
        "near odds": lambda: near_log_odds(space, rows, votes, lift),
    }
    wanted = {name for name, weight in weighed.items() if weight.max() >= NEGLIGIBLE}
    return {name: work() for name, work in known.items() if name in wanted}


def _scales(
    parts: Mapping[str, Part], weighed: Mapping[str, Floats], liking: NDArray[np.bool_]
) -> tuple[dict[str, Floats], Floats]:
    """Give each part's factor and the bias, so that scores on the background are standard ones.

    Who likes nothing yet is ranked by the regression alone.
    """
    scale = {
        name: np.where(liking, weighed[name], float(name == "ridge")).astype(np.float32)
        * part.scale()
        for name, part in parts.items()
    }
    total = _summed(scale, {name: part.background for name, part in parts.items()})
    spread = total.std(axis=1)
    per = np.where(spread > 1e-7, 1 / np.maximum(spread, 1e-7), 0).astype(np.float32)
    return {name: factor * per for name, factor in scale.items()}, -total.mean(axis=1) * per


def _dense(scale: Mapping[str, Floats], views: Mapping[str, View]) -> dict[str, Floats]:
    """Put together the directions of the dense views, by where they apply."""
    told: dict[str, Floats] = {}
    for where, names in DIRECTIONS.items():
        for name in names:
            if name in views:
                direction = scale[name][:, None] * views[name].direction
                told[where] = told[where] + direction if where in told else direction
    return told


def _summed(scale: Mapping[str, Floats], parts: Mapping[str, Floats]) -> Floats:
    """Add up parts (r, any), each times its scale (r)."""
    total = np.zeros_like(parts["ridge"])
    for name, part in parts.items():
        total += scale[name][:, None] * part
    return total
