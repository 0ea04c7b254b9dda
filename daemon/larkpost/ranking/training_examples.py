"""The training examples of an interest, as weighted rows: votes, papers passed over, words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import bdtr

from larkpost.domain import Paper
from larkpost.interfaces import Evidence

if TYPE_CHECKING:
    from larkpost.ranking.tfidf import Floats, Indices, TextSpace

WEIGHT_BEFORE_CHANGE = 0.15  # the weight of a thumb up older than a change
NEW_WORD = 0.1  # a word in a smaller share of the papers liked before a change is a new one
UNLIKELY = 0.003  # a fall that is less probable than this is a change
BEFORE, LONGEST = 12, 10  # the number of editions before a fall, and at most within it
SHORTEST = 3


def kept_share(one: Evidence, moment: datetime | None) -> Floats:
    """Return the weight of each vote (n): 1, and less if it is older than a change."""
    share = np.ones(len(one.papers), dtype=np.float32)
    if moment is not None:
        share[[at < moment for at in one.at]] = WEIGHT_BEFORE_CHANGE
    return share


def changed_at(one: Evidence) -> datetime | None:
    """Find the last edition from which on thumbs up were fewer than the editions before it predict.

    The result may be some editions after the fall began; those had hardly any paper to like.

    Of the editions with a thumb, up to ``LONGEST`` from one on are compared with the ``BEFORE``
    ones before it: so few thumbs up on their papers must have a probability below ``UNLIKELY`` by
    chance (the lower tail of the binomial distribution). None if there is no such edition.
    """
    when = [at for at in one.shown_at if at is not None]
    up = [t > 0 for at, t in zip(one.shown_at, one.thumbs, strict=False) if at is not None]
    moments, place = np.unique([*when, *one.passed_at], return_inverse=True)
    shown = np.bincount(place, minlength=len(moments))
    ups = np.bincount(place[: len(up)], weights=up, minlength=len(moments))
    total, liked = (np.concatenate([[0], one.cumsum()]) for one in (shown, ups))
    for start in range(len(moments) - SHORTEST, SHORTEST, -1):
        first = max(0, start - BEFORE)
        rate = (liked[start] - liked[first] + 0.5) / (total[start] - total[first] + 5)
        ends = np.arange(start + SHORTEST, min(start + LONGEST, len(moments)) + 1)
        fell = bdtr(liked[ends] - liked[start], total[ends] - total[start], rate)
        if (fell < UNLIKELY).any():
            return moments[start]  # type: ignore[no-any-return]  # numpy keeps the object
    return None


DOWN = 1.0
HINT = 1.0  # an interest's words weigh as much as one thumb
MOST_VOTES = 1000  # the newest count; half are reserved for thumbs up, half for thumbs down
MOST_PASSED = 60  # the newest ones, of about a week
OUTSIDE = 10.0  # a thumb on a paper of no edition weighs 10 / (10 + papers shown) in calibration


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """One interest's votes as rows of the ledger, hints last; weights are above zero.

    ``passed`` are the rows of the papers passed over. They are no votes and only calibrate the
    probabilities; ``checks`` is the weight of each vote in that, 1 if an edition showed it.
    ``shown`` counts the votes on papers that a recent edition showed.
    """

    votes: Indices
    thumbs: Floats
    weights: Floats
    checks: Floats
    hints: int
    passed: Indices
    shown: int

    @property
    def liked_rows(self) -> Indices:
        """Return the votes that are thumbs up of the reader."""
        cast = len(self.votes) - self.hints
        return self.votes[:cast][self.thumbs[:cast] > 0]


def _newest_places(one: Evidence) -> list[int]:
    """Choose ``MOST_VOTES`` votes, half of them of each kind if there are enough."""
    ups = [at for at, thumb in enumerate(one.thumbs) if thumb > 0]
    downs = [at for at, thumb in enumerate(one.thumbs) if thumb <= 0]
    room = max(MOST_VOTES // 2, MOST_VOTES - len(downs))
    return sorted([*ups[-room:], *downs[-(MOST_VOTES - min(room, len(ups))) :]])


def newest(one: Evidence) -> Evidence:
    """Leave out the oldest votes over the limit of each kind, if there are too many.

    A reader with a thousand thumbs down must not lose their thumbs up.
    """
    one = replace(one, passed=one.passed[-MOST_PASSED:], passed_at=one.passed_at[-MOST_PASSED:])
    if len(one.papers) <= MOST_VOTES:
        return one
    kept = _newest_places(one)
    return replace(
        one,
        papers=[one.papers[at] for at in kept],
        thumbs=[one.thumbs[at] for at in kept],
        at=[one.at[at] for at in kept],
        shown_at=[one.shown_at[at] for at in kept] if one.shown_at else (),
    )


def ballot(
    one: Evidence,
    votes: Sequence[int],
    passed: Sequence[int],
    said: Sequence[float],
    now: datetime,
    half_life_days: float,
) -> TrainingExample:
    """Weight the examples of one interest.

    ``votes`` and ``passed`` are rows; the last rows of ``votes`` are words, with the weights
    ``said``.
    """
    thumbs = np.array([float(thumb) for thumb in one.thumbs], dtype=np.float32)
    moment, hints = changed_at(one), len(said)
    weights = np.where(thumbs > 0, kept_share(one, moment), DOWN).astype(np.float32)
    if half_life_days > 0:
        days = np.array([(now - at).total_seconds() / 86400 for at in one.at], dtype=np.float32)
        weights *= np.float32(0.5) ** (np.maximum(days, 0) / np.float32(half_life_days))
    return TrainingExample(
        np.array(votes, dtype=np.intp),
        np.concatenate([thumbs, np.ones(hints, dtype=np.float32)]),
        np.concatenate([np.maximum(weights, 1e-4), said]).astype(np.float32),
        np.concatenate([_checks(one), np.zeros(hints)]).astype(np.float32),
        hints,
        np.array(passed, dtype=np.intp),
        sum(moment is not None for moment in one.shown_at),
    )


def _checks(one: Evidence) -> Floats:
    """Return the weight of each vote in the calibration (n).

    A probability is that of a thumb up on a shown paper. So votes on papers shown since the oldest
    known paper passed over count fully; other votes count less, the more of those there are.
    """
    since = one.passed_at[0] if one.passed_at else None
    shown = [at is not None and (since is None or at >= since) for at in one.shown_at]
    of_late = np.array(shown or [False] * len(one.papers), dtype=bool)
    outside = OUTSIDE / (OUTSIDE + of_late.sum() + len(one.passed))
    return np.where(of_late, 1, outside).astype(np.float32)


def weigh_words(
    space: TextSpace, one: Evidence, hints: Sequence[Mapping[str, float]]
) -> list[float]:
    """Return the weights of an interest's words (h): one thumb up, less if older than a change.

    The time of words is not recorded. Words that hardly any paper liked before the change contains
    (``NEW_WORD``) are taken as words for the new interest.
    """
    moment = changed_at(one) if hints else None
    if moment is None:
        return [HINT] * len(hints)
    voted = zip(one.papers, one.thumbs, one.at, strict=True)
    before = [paper.text for paper, thumb, at in voted if thumb > 0 and at < moment]
    plain = space.rows(before).plain
    columns = [[space.column[term] for term in hint if term in space.column] for hint in hints]
    held = [int((plain[:, mine].sum(axis=1) > 0).sum()) for mine in columns]
    return [
        HINT if papers < NEW_WORD * len(before) else HINT * WEIGHT_BEFORE_CHANGE for papers in held
    ]


@dataclass
class TextPlaces:
    """Papers, each once, and interests' words, given by their terms and counts."""

    sources: list[Paper | Mapping[str, float]] = field(default_factory=list)
    _places: dict[int, int] = field(default_factory=dict)

    @property
    def papers(self) -> list[Paper | None]:
        """Return the papers, None for words."""
        return [None if isinstance(one, Mapping) else one for one in self.sources]

    def place(self, papers: Sequence[Paper]) -> list[int]:
        """Return the rows of these papers, new ones at the end."""
        places = self._places
        for paper in papers:
            if paper.id not in places:
                places[paper.id] = len(self.sources)
                self.sources.append(paper)
        return [places[paper.id] for paper in papers]

    def add(self, hints: Sequence[Mapping[str, float]]) -> list[int]:
        """Return the rows of an interest's words."""
        first = len(self.sources)
        self.sources += hints
        return list(range(first, len(self.sources)))


def place_votes(
    space: TextSpace, evidence: Sequence[Evidence], now: datetime, half_life_days: float
) -> tuple[TextPlaces, TextPlaces, list[TrainingExample]]:
    """Assign rows to all voted papers and words, and separate rows to papers passed over."""
    voted, unvoted = TextPlaces(), TextPlaces()
    ballots = []
    for one in map(newest, evidence):
        votes = voted.place(one.papers)
        hints = [hint for words in one.words if (hint := space.hint(words))]
        votes += voted.add(hints)
        passed = unvoted.place(one.passed)
        said = weigh_words(space, one, hints)
        ballots.append(ballot(one, votes, passed, said, now, half_life_days))
    return voted, unvoted, ballots
