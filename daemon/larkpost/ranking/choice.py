"""Chooses an edition from what a reader's interests found: shares, variety, one exploration.

Nothing here is random that is not drawn from the reader's uid and the day, so a ranking, its
preview and the edition agree.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

from larkpost.text.minhash import resemblance, sketch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from larkpost.domain import Paper, Pick, Reader

NEAR = 0.85  # texts that resemble each other as much are one paper to a reader
TELLING = 200  # characters, below which texts are too short to be called the same
SHARED = 3  # numbers of a sketch in common, from which on texts are compared at all


@dataclass(frozen=True, slots=True)
class Twins:
    """Which papers are near-duplicates: the number of each one's group, its own where alone."""

    groups: Mapping[int, int]

    def of(self, paper_id: int) -> int:
        """Give the group of a paper."""
        return self.groups.get(paper_id, paper_id)

    @property
    def doubles(self) -> int:
        """Count the papers that could go without loss: all but one of each group."""
        return len(self.groups) - len(set(self.groups.values()))


def twins(papers: Iterable[Paper]) -> Twins:
    """Find the near-duplicates among papers: those that share numbers of their sketches, compared.

    Groups are closed: what is near to a member belongs to the group. Its number is the least id.
    """
    told = {paper.id: paper for paper in papers if len(paper.abstract) >= TELLING}
    by_number: dict[int, list[int]] = {}
    for paper in told.values():
        for number in _sketch(paper.title, paper.abstract):
            by_number.setdefault(number, []).append(paper.id)
    shared = Counter(
        pair
        for ids in by_number.values()
        # A shingle of a hundred papers is a publisher's phrase and tells nothing.
        if 1 < len(ids) <= 100
        for pair in combinations(sorted(ids), 2)
    )
    groups: dict[int, int] = {}
    for (a, b), numbers in sorted(shared.items()):
        if numbers >= SHARED and resemblance(told[a].text, told[b].text) >= NEAR:
            _unite(groups, a, b)
    return Twins(groups)


def _unite(groups: dict[int, int], a: int, b: int) -> None:
    old, new = groups.get(b, b), groups.get(a, a)
    least = min(old, new)
    groups[a] = groups[b] = least
    for member, group in groups.items():
        if group in (old, new):
            groups[member] = least


@lru_cache(maxsize=8192)
def _sketch(title: str, abstract: str) -> frozenset[int]:
    return sketch(title, abstract)


def choose(
    reader: Reader,
    found: Mapping[int, Sequence[Pick]],
    size: int,
    alike: Twins | None = None,
    *,
    untaught: Collection[int] = (),
) -> list[Pick]:
    """Fill ``size`` places from what each interest (by id) found, by quotas, the likeliest first.

    Places follow the quotas by largest remainder among the interests that found anything; what
    one cannot fill goes to the likeliest picks left. No paper comes twice, nor a near-duplicate
    of one: the interest with the higher claim shows it. Picks less likely than the reader's
    threshold are left out, but not those of interests (by id) that are ``untaught``: their
    chances are no more than a guess, and without papers there is nothing to learn from.
    """
    alike = alike or Twins({})
    likely = {
        interest.id: [
            replace(pick, interest_id=interest.id, interest=interest.name)
            for pick in found.get(interest.id, ())
            if pick.probability >= reader.threshold or interest.id in untaught
        ]
        for interest in reader.interests
    }
    claiming = [interest for interest in reader.interests if likely[interest.id]]
    places = apportion([interest.quota for interest in claiming], size)
    chosen: dict[int, Pick] = {}
    for interest, wanted in zip(claiming, places, strict=True):
        _take(chosen, likely[interest.id], len(chosen) + wanted, alike)
    rest = sorted((pick for picks in likely.values() for pick in picks), key=_likeliest)
    _take(chosen, rest, size, alike)
    return placed(sorted(chosen.values(), key=_likeliest))


def _take(chosen: dict[int, Pick], picks: Sequence[Pick], upto: int, alike: Twins) -> None:
    for pick in picks:
        if len(chosen) >= upto:
            break
        chosen.setdefault(alike.of(pick.paper.id), pick)


def placed(picks: Sequence[Pick]) -> list[Pick]:
    """Number picks in their order, from 1."""
    return [replace(pick, position=place) for place, pick in enumerate(picks, start=1)]


def _likeliest(pick: Pick) -> tuple[float, int, int]:
    return (-round(pick.score, 5), pick.position, pick.paper.id)


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
    """How the last place of an edition is given away.

    ``paper`` is the id of the paper drawn for it, None where the likeliest keeps it;
    ``propensity`` the probability with which whoever has the place got it; ``pool`` how many
    papers could have.
    """

    paper: int | None
    propensity: float
    pool: int


def draw(uid: str, day: date, pool: Iterable[int], keeper: int, rate: float) -> Draw:
    """Draw for the last place of a reader's edition of a day.

    With probability ``rate`` it goes to a paper of ``pool`` (ids, the ``keeper``'s among them),
    each as likely as the other; else to ``keeper``, the likeliest (epsilon-greedy; Sutton &
    Barto, Reinforcement Learning, 2nd ed., 2.2). The same reader and day give the same draw.
    """
    papers = sorted({*pool, keeper})
    each = rate / len(papers)
    at = _uniform(uid, day, "whether")
    chosen = keeper
    if at < rate:
        chosen = papers[int(_uniform(uid, day, "which") * len(papers))]
    if chosen == keeper:
        return Draw(None, 1 - rate + each, len(papers))
    return Draw(chosen, each, len(papers))


def _uniform(uid: str, day: date, what: str) -> float:
    """Give a number from 0 up to 1 that looks random and is the same every time."""
    digest = hashlib.blake2b(f"{uid}\n{day}\n{what}".encode(), digest_size=7).digest()
    return (int.from_bytes(digest, "big") >> 3) / 2**53
