"""Simulates the readers of the closed loop: hidden interests, votes, frequency of visits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from bench.closed_loop.interests import Lexicon, Stretch

from larkpost.domain import Thumb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.closed_loop.interests import Flags, Interest
    from bench.closed_loop.stream import Stream

REPORTED = 1000  # draws from this number on are reported; those below are for tuning
RELEVANT = (0.03, 0.07)  # a reader would like a share of papers drawn between these
INTERESTS = (1, 2, 3)
LEAST_SHARE = 0.006  # share of papers of the smallest interest
CHANGING = 3  # one reader in so many changes interests half-way
NAMING = 0.5  # chance that a further interest is in the words at sign-up
UP_RELEVANT, DOWN_RELEVANT, DOWN_OTHER, UP_OTHER = 0.5, 0.02, 0.2, 0.03


class Habit(NamedTuple):
    """How often a reader votes, relative to the usual chances, and how often they view."""

    name: str
    presses: float
    looks: float


USUAL = Habit("usual", 1.0, 1.0)
EAGER = Habit("eager", 1.6, 1.0)
QUIET = Habit("quiet", 0.5, 0.4)
HABITS = (USUAL, EAGER, USUAL, QUIET)


@dataclass(frozen=True, slots=True)
class Person:
    """A reader of one draw: their interests before the day of ``change``, and from it on.

    ``before`` and ``after`` are the same for readers who do not change. ``words`` are those of the
    sign-up, empty for none.
    """

    draw: int
    number: int
    habit: Habit
    words: tuple[str, ...]
    before: tuple[Interest, ...]
    after: tuple[Interest, ...]
    change: int

    @property
    def changes(self) -> bool:
        """Whether the interests change half-way."""
        return self.before is not self.after

    def interests(self, day: int) -> tuple[Interest, ...]:
        """Return the reader's interests on a day."""
        return self.before if day < self.change else self.after

    def relevant(self, day: int) -> Flags:
        """Return for each paper of the stream whether the reader would like it on a day."""
        flags = np.stack([one.relevant for one in self.interests(day)])
        return np.asarray(flags.any(axis=0))

    def looks(self, day: int) -> bool:
        """Whether the reader views the edition of a day, the same in every loop."""
        return _uniform(self.draw, self.number, f"day {day}") < self.habit.looks

    def press(self, paper: int, day: int) -> Thumb | None:
        """Return the thumb on a paper viewed on a day: a draw per paper, the same in every loop."""
        at, often = _uniform(self.draw, self.number, f"paper {paper}"), self.habit.presses
        if any(one.relevant[paper] for one in self.interests(day)):
            up, down = at < often * UP_RELEVANT, at > 1 - often * DOWN_RELEVANT
        else:
            up, down = at > 1 - often * UP_OTHER, at < often * DOWN_OTHER
        return Thumb.UP if up else Thumb.DOWN if down else None


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw: a part of a stream, and its readers."""

    number: int
    stream: Stream
    people: Sequence[Person]


def draw_all(stream: Stream, numbers: Sequence[int], readers: int, days: int) -> list[Draw]:
    """Draw so many readers for each number, each time on another part of the stream.

    Raises ValueError if the stream is shorter than that.
    """
    if days > stream.days:
        raise ValueError(f"the stream has {stream.days} days of {stream.daily} papers, not {days}")
    lexicon = Lexicon.of(stream.documents)
    return [_draw(stream, lexicon, number, readers, days) for number in numbers]


def _draw(stream: Stream, lexicon: Lexicon, number: int, readers: int, days: int) -> Draw:
    rng = np.random.default_rng([number, 31])
    first = int(rng.integers(stream.days - days + 1))
    papers = first * stream.daily, (first + days) * stream.daily
    people = _people(Stretch.of(lexicon, *papers), number, readers, days // 2, rng)
    return Draw(number, stream.stretch(first, days), list(people))


def _people(
    stretch: Stretch, draw: int, readers: int, change: int, rng: np.random.Generator
) -> Iterator[Person]:
    """Draw readers; habits, changes and words at sign-up are spread evenly, in random order."""
    habits, changes, naming = (rng.permutation(readers) for _ in range(3))
    for number in range(readers):
        shares = _shares(rng)
        before = _interests(stretch, shares, rng)
        does = changes[number] % CHANGING == 0
        after = _interests(stretch, shares, rng, before) if does else before
        words = _words(before, rng) if naming[number] % 2 else ()
        habit = HABITS[habits[number] % len(HABITS)]
        yield Person(draw, number, habit, words, before, after, change)


def _shares(rng: np.random.Generator) -> list[float]:
    """Draw the number of a reader's interests, and their shares of papers, largest first."""
    total, many = rng.uniform(*RELEVANT), int(rng.choice(INTERESTS))
    rest = rng.dirichlet(np.full(many, 2.0)) * (total - many * LEAST_SHARE)
    return sorted((rest + LEAST_SHARE).tolist(), reverse=True)


def _interests(
    stretch: Stretch,
    shares: Sequence[float],
    rng: np.random.Generator,
    beside: Sequence[Interest] = (),
) -> tuple[Interest, ...]:
    """Draw interests of these shares, different from each other and from those ``beside``."""
    found: list[Interest] = []
    for share in shares:
        taken = np.zeros(stretch.presence.shape[0], dtype=bool)
        for one in (*beside, *found):
            taken |= one.relevant
        found.append(stretch.draw(rng, share, taken))
    return tuple(found)


def _words(interests: Sequence[Interest], rng: np.random.Generator) -> tuple[str, ...]:
    """Choose a reader's words at sign-up: two of the first interest, one of some others."""
    first, *others = interests
    return first.words[:2] + tuple(one.words[0] for one in others if rng.random() < NAMING)


def _uniform(draw: int, reader: int, what: str) -> float:
    """Return a number from 0 up to 1 that is the same every time."""
    digest = hashlib.blake2b(f"{draw} {reader} {what}".encode(), digest_size=7).digest()
    return (int.from_bytes(digest, "big") >> 3) / 2**53
