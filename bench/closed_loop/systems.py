"""The other systems of the closed loop: newest first, the peers' recipes, an oracle."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from bench.closed_loop.vectors import GrowingVectors
from bench.support import peers
from bench.support.readers import Case
from sklearn.linear_model import (  # type: ignore[import-untyped]  # it has no types
    LogisticRegression,
)

from larkpost.domain import Thumb

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.closed_loop.readers import Draw
    from bench.support.peers import Recipe
    from numpy.typing import NDArray
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]  # it has no types
        TfidfVectorizer,
    )

    Scores = NDArray[np.float64]
    Ints = NDArray[np.intp]

SIZE = 10  # places of an edition
UNREAD, UNREAD_MASS = 300, 5.0  # papers of the background, and their weight for each thumb up
SEED = 41


class Shown(NamedTuple):
    """A paper in an edition, with the predicted chance of a thumb up; NaN for none."""

    paper: int
    chance: float = float("nan")


class Cast(NamedTuple):
    """A thumb of the reader with this number in the draw."""

    reader: int
    paper: int
    thumb: Thumb


class System(Protocol):
    """A recommender that runs in its own loop."""

    def publish(self, day: int) -> Sequence[Sequence[Shown]]:
        """Return each reader's edition of a day, in order, the best paper first."""
        ...

    def take(self, day: int, cast: Sequence[Cast]) -> None:
        """Learn from the votes of a day."""
        ...


class Peer:
    """Shows the best candidates by a score that is computed anew each day; no paper twice.

    Before a reader's first thumb up, and among equal scores, the newest come first. Words of the
    sign-up count as one more liked paper, which favours the peers: none of them asks for words.
    """

    def __init__(self, draw: Draw, learn: Callable[[int], Recipe]) -> None:
        self._draw, self._learn = draw, learn
        self._shown: list[set[int]] = [set() for _ in draw.people]
        self._ups: list[list[int]] = [[] for _ in draw.people]
        self._downs: list[list[int]] = [[] for _ in draw.people]

    def publish(self, day: int) -> list[list[Shown]]:
        """Rank each reader's candidates."""
        recipe = self._learn(day)
        return [self._edition(reader, day, recipe) for reader in range(len(self._shown))]

    def _edition(self, reader: int, day: int, recipe: Recipe) -> list[Shown]:
        fresh = [one for one in self._draw.stream.candidates(day) if one not in self._shown[reader]]
        newest_first = np.array(fresh[::-1], dtype=np.intp)
        ups = list(self._ups[reader])
        if self._draw.people[reader].words:
            ups.append((day + 1) * self._draw.stream.daily + reader)  # see ``GrowingVectors``
        scores = np.zeros(len(fresh))
        if ups:
            asked = np.array(ups, np.intp), np.array(self._downs[reader], np.intp)
            none = np.zeros(len(fresh), dtype=bool)
            scores = recipe(Case(reader, 0, *asked, newest_first, none))
        chosen = newest_first[np.argsort(-scores, kind="stable")[:SIZE]].tolist()
        self._shown[reader].update(chosen)
        return [Shown(paper) for paper in chosen]

    def take(self, day: int, cast: Sequence[Cast]) -> None:  # noqa: ARG002 - all thumbs count alike
        """Record the thumbs."""
        for one in cast:
            (self._ups if one.thumb is Thumb.UP else self._downs)[one.reader].append(one.paper)


class Oracle:
    """Knows which papers each reader likes on the day, and shows them, newest first."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._shown: list[set[int]] = [set() for _ in draw.people]

    def publish(self, day: int) -> list[list[Shown]]:
        """Show relevant papers first, then the others."""
        editions = []
        for person, shown in zip(self._draw.people, self._shown, strict=True):
            fresh = [one for one in self._draw.stream.candidates(day)[::-1] if one not in shown]
            relevant = person.relevant(day)
            chosen = sorted(fresh, key=lambda one: not relevant[one])[:SIZE]
            shown.update(chosen)
            editions.append([Shown(one) for one in chosen])
        return editions

    def take(self, day: int, cast: Sequence[Cast]) -> None:
        """Learn nothing; it knows already."""


def newest(draw: Draw) -> System:
    """Make the system that shows the newest papers to everybody."""
    return Peer(draw, lambda _: lambda case: np.zeros(len(case.digest)))


def rocchio(draw: Draw) -> System:
    """Make Rocchio's recipe, on TF-IDF of all papers up to the day."""
    vectors = _vectors(draw, peers.plain_terms())
    return Peer(draw, lambda day: peers.rocchio(vectors(day)))


def sanity_lite(draw: Draw) -> System:
    """Make arxiv-sanity-lite's recipe, a linear SVM, on its TF-IDF of all papers up to the day."""
    vectors = _vectors(draw, peers.sanity_terms())

    def learn(day: int) -> Recipe:
        known, old = vectors(day), np.arange(draw.stream.candidates(day).start)

        def rank(case: Case) -> Scores:
            window = np.array(draw.stream.candidates(day), dtype=np.intp)
            beside = np.union1d(old, np.setdiff1d(window, case.digest))
            return peers.sanity_lite(known, beside)(case)

        return rank

    return Peer(draw, learn)


def logistic(draw: Draw) -> System:
    """Make a logistic regression on thumbs, with papers of the stream as weak negatives."""
    vectors = _vectors(draw, peers.plain_terms())

    def learn(day: int) -> Recipe:
        papers = (day + 1) * draw.stream.daily
        return logistic_with_background(vectors(day), papers)

    return Peer(draw, learn)


def logistic_with_background(vectors: csr_array, papers: int) -> Recipe:
    """Rank by a regression of thumbs against 300 of the first ``papers`` rows that have none.

    All of these together weigh five times as much as the thumbs up.
    """
    drawn = np.random.default_rng(SEED).permutation(papers)

    def rank(case: Case) -> Scores:
        voted = np.concatenate([case.ups, case.downs])
        unread = drawn[~np.isin(drawn, voted)][:UNREAD]
        sizes = len(case.ups), len(case.downs), len(unread)
        model = LogisticRegression(C=10, tol=1e-3, max_iter=100)
        model.fit(
            vectors[np.concatenate([voted, unread])],
            np.repeat([1, 0, 0], sizes),
            sample_weight=np.repeat([1, 1, UNREAD_MASS * sizes[0] / max(1, sizes[2])], sizes),
        )
        return np.asarray(model.decision_function(vectors[case.digest]))

    return rank


def _vectors(draw: Draw, terms: TfidfVectorizer) -> Callable[[int], csr_array]:
    """Return a day's vectors: those of all papers up to it, then one per reader's words."""
    texts = [one.text for one in draw.stream.documents]
    growing = GrowingVectors.of(texts, [" ".join(one.words) for one in draw.people], terms)
    return lambda day: growing.up_to((day + 1) * draw.stream.daily)
