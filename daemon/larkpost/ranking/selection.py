"""Selects the picks of an edition: shares of interests, variety, one exploration.

All randomness is derived from the reader's uid and the day, so a ranking, its preview and the
edition agree.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from larkpost.domain import Interest, Paper, Pick, Reader
from larkpost.text.minhash import resemblance, sketch
from larkpost.text.normalize import one_line

NEAR = 0.85  # a reader considers texts of this similarity one paper
TELLING = 200  # the least length of texts that can be called the same, in characters
MOST_GUESSED = 0.5  # before the first thumb up no probability may exceed a half
UNKNOWN_RATE = 0.95  # the rate of exploration while nothing is known about a reader
KNOWN_UPS = 15  # thumbs up after which the settled rate applies
SHARED = 3  # from this number of shared sketch numbers on, texts are compared


@dataclass(frozen=True, slots=True)
class DuplicateGroups:
    """Groups of near-duplicate papers: the group number of each paper, its own id if alone."""

    groups: Mapping[int, int]

    def of(self, paper_id: int) -> int:
        """Return the group of a paper."""
        return self.groups.get(paper_id, paper_id)

    @property
    def doubles(self) -> int:
        """Count the redundant papers: all except one of each group."""
        return len(self.groups) - len(set(self.groups.values()))


def _count_shared_numbers(papers: Iterable[Paper]) -> Counter[tuple[int, int]]:
    """Count the sketch numbers that each pair of papers shares."""
    by_number: dict[int, list[int]] = {}
    for paper in papers:
        for number in _sketch(paper.title, paper.abstract):
            by_number.setdefault(number, []).append(paper.id)
    return Counter(
        pair
        for ids in by_number.values()
        # A shingle of a hundred papers is a publisher's phrase and identifies nothing.
        if 1 < len(ids) <= 100
        for pair in combinations(sorted(ids), 2)
    )


def twins(papers: Iterable[Paper]) -> DuplicateGroups:
    """Find the near-duplicates among papers, by comparing those that share sketch numbers.

    A paper that is near to any member belongs to the group. A group's number is its least id.
    """
    told = {paper.id: paper for paper in papers if len(paper.abstract) >= TELLING}
    groups: dict[int, int] = {}
    for (a, b), numbers in sorted(_count_shared_numbers(told.values()).items()):
        if numbers >= SHARED and resemblance(told[a].text, told[b].text) >= NEAR:
            _unite(groups, a, b)
    return DuplicateGroups(groups)


def _unite(groups: dict[int, int], a: int, b: int) -> None:
    old, new = groups.get(b, b), groups.get(a, a)
    least = min(old, new)
    groups[a] = groups[b] = least
    for member, group in groups.items():
        if group in (old, new):
            groups[member] = least


@lru_cache(maxsize=4096)  # about 3 KB each, with the text
def _sketch(title: str, abstract: str) -> frozenset[int]:
    return sketch(title, abstract)


def choose(
    reader: Reader,
    found: Mapping[int, Sequence[Pick]],
    size: int,
    alike: DuplicateGroups | None = None,
    *,
    untaught: Collection[int] = (),
) -> list[Pick]:
    """Fill ``size`` places from each interest's papers (by id), by quotas, likeliest first.

    Places follow the quotas by largest remainder among the interests that papers match; places that
    one cannot fill go to the others that can, by their quotas. Only if no matching paper is left,
    papers that match no interest fill the edition: below all others, the likeliest first, without
    an interest's name. No paper or near-duplicate comes twice: the interest with the higher claim
    shows it. Picks less likely than the reader's threshold are left out, except those of
    ``untaught`` interests (by id): their probabilities are only guesses, and without papers there
    is nothing to learn from.
    """
    alike = alike or DuplicateGroups({})
    likely = {
        interest: [
            InterestPick(pick, interest)
            for pick in found.get(interest.id, ())
            if pick.probability >= reader.threshold or interest.id in untaught
        ]
        for interest in reader.interests
    }
    # A single interest shares nothing: all papers that it finds are its own.
    alone = len(reader.interests) == 1
    matching = {
        interest: [one for one in claims if one.pick.matches or alone]
        for interest, claims in likely.items()
    }
    chosen: dict[int, InterestPick] = {}
    _share_out(chosen, matching, size, alike)
    matched = sorted(chosen.values(), key=_likeliest if alone else _likeliest_of_several)
    if len(chosen) < size and not alone:
        rest = [one for claims in likely.values() for one in claims]
        _take(chosen, sorted(rest, key=_likeliest_leftover), size, alike)
    order = [*matched, *list(chosen.values())[len(matched) :]]
    return [one.at_place(place, alone) for place, one in enumerate(order, start=1)]


class InterestPick(NamedTuple):
    """A pick and the interest that found it."""

    pick: Pick
    interest: Interest

    def at_place(self, place: int, alone: bool) -> Pick:
        """Set the pick's position; its interest is named only if it matches the paper."""
        matches = self.pick.matches or alone
        name = self.interest.name if matches else ""
        return replace(
            self.pick,
            position=place,
            interest_id=self.interest.id,
            interest=name,
            matches=matches,
        )


def _share_out(
    chosen: dict[int, InterestPick],
    matching: Mapping[Interest, Sequence[InterestPick]],
    size: int,
    alike: DuplicateGroups,
) -> None:
    """Assign the places to the matching picks, by quotas, until no place or pick is left."""
    claiming = [interest for interest, picks in matching.items() if picks]
    while claiming and len(chosen) < size:
        places = apportion([interest.quota for interest in claiming], size - len(chosen))
        filled = []
        for interest, wanted in zip(claiming, places, strict=True):
            upto = len(chosen) + wanted
            _take(chosen, matching[interest], upto, alike)
            if len(chosen) == upto:
                filled.append(interest)
        if len(filled) == len(claiming):
            break
        claiming = filled  # the others have no more papers that match


def too_few(
    reader: Reader,
    found: Mapping[int, Sequence[Pick]],
    picks: Sequence[Pick],
    *,
    silent: Collection[int] = (),
) -> str:
    """Describe which interests gave places to others because too few papers matched; may be empty.

    ``found`` has the picks that each interest (by id) found, ``picks`` the chosen ones; ``silent``
    interests (by id) have neither words nor votes, so nothing could match them.
    """
    if len(reader.interests) == 1:
        return ""
    asking = [interest for interest in reader.interests if interest.id not in silent]
    fair = apportion([interest.quota for interest in asking], len(picks))
    got = Counter(pick.interest_id for pick in picks if pick.matches)
    short = [
        f"{got[interest.id] or 'none'} for {one_line(interest.name)}"
        for interest, places in zip(asking, fair, strict=True)
        if got[interest.id] < places
        and got[interest.id] >= sum(pick.matches for pick in found.get(interest.id, ()))
    ]
    if not short or len(short) == len(asking):
        return ""
    return f"Few new papers match: {', '.join(short)}. Your other interests have their places."


def _take(
    chosen: dict[int, InterestPick],
    claims: Sequence[InterestPick],
    upto: int,
    alike: DuplicateGroups,
) -> None:
    for one in claims:
        if len(chosen) >= upto:
            break
        chosen.setdefault(alike.of(one.pick.paper.id), one)


def _likeliest(one: InterestPick) -> tuple[float, int, int]:
    pick = one.pick
    return (-round(pick.score, 5), pick.position, pick.paper.id)


def _likeliest_of_several(one: InterestPick) -> tuple[float, float, int, int]:
    """Sort the picks of several interests by probability, because scores are not comparable.

    Within an interest the probability rises with the score, so its own order stays.
    """
    known, guess = one.pick.shown_probability, min(one.pick.probability, MOST_GUESSED)
    return (-round(guess if known is None else known, 5), *_likeliest(one))


def _likeliest_leftover(one: InterestPick) -> tuple[bool, float, float, int, int]:
    return (not one.pick.matches, *_likeliest_of_several(one))


def apportion(quotas: Sequence[int], places: int) -> list[int]:
    """Split ``places`` in proportion to ``quotas`` by largest remainder (Hamilton's method)."""
    total = sum(quotas) or 1
    shares = [quota * places / total for quota in quotas]
    whole = [int(share) for share in shares]
    by_remainder = sorted(range(len(quotas)), key=lambda i: (whole[i] - shares[i], i))
    for i in by_remainder[: max(0, places - sum(whole))]:
        whole[i] += 1
    return whole


@dataclass(frozen=True, slots=True)
class Draw:
    """The random draw for the last place of an edition.

    ``paper`` is the id of the drawn paper, None if the likeliest keeps the place; ``propensity``
    the probability with which its paper got the place; ``pool`` the number of papers in the draw.
    """

    paper: int | None
    propensity: float
    pool: int


def exploration_rate(settled: float, ups: int) -> float:
    """Return the rate of exploration for a reader with so many thumbs up.

    It starts at 0.95 and falls linearly to the ``settled`` rate with the first 15 thumbs up. A
    settled rate of 0 switches exploration off, and one above 0.95 applies from the start.
    """
    if settled <= 0 or settled >= UNKNOWN_RATE:
        return settled
    return max(settled, UNKNOWN_RATE - (UNKNOWN_RATE - settled) * ups / KNOWN_UPS)


def is_given_away(uid: str, day: date, rate: float) -> bool:
    """Return whether the last place of a reader's edition on a day is drawn at random."""
    return _uniform(uid, day, "whether") < rate


def draw(uid: str, day: date, pool: Iterable[int], keeper: int, rate: float) -> Draw:
    """Draw the paper for the last place of a reader's edition on a day.

    With probability ``rate`` the place goes to a paper of ``pool`` (ids, including the ``keeper``),
    all equally likely; otherwise to ``keeper``, the likeliest (epsilon-greedy; Sutton & Barto,
    Reinforcement Learning, 2nd ed., 2.2). The draw is the same for the same reader and day.
    """
    papers = sorted({*pool, keeper})
    chosen = keeper
    if is_given_away(uid, day, rate):
        chosen = papers[int(_uniform(uid, day, "which") * len(papers))]
    if chosen == keeper:
        return Draw(None, chance_to_keep(rate, len(papers)), len(papers))
    return Draw(chosen, rate / len(papers), len(papers))


def chance_to_keep(rate: float, pool: int) -> float:
    """Return the probability that the likeliest paper of a pool keeps its place."""
    return 1 - rate + rate / pool


def _uniform(uid: str, day: date, what: str) -> float:
    """Return a pseudo-random number from 0 up to 1, the same every time."""
    digest = hashlib.blake2b(f"{uid}\n{day}\n{what}".encode(), digest_size=7).digest()
    return (int.from_bytes(digest, "big") >> 3) / 2**53
