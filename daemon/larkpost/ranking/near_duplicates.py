"""Finds near-duplicates among the candidates of an edition, with a bounded number of comparisons.

Anybody may add papers to a polled source, so the work must stay in proportion to the number of
papers, whatever their texts have in common.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from threading import Lock

from larkpost.domain import Paper
from larkpost.text.minhash import resemblance, sketch, squeeze
from larkpost.text.unverified import SEVERAL_SOURCES, Unverified, is_unverified

NEAR = 0.85  # a reader considers texts of this similarity one paper
TELLING = 200  # the least length of texts that can be called the same, in characters
SHARED = 3  # from this number of shared sketch numbers on, texts are compared
MOST_SHARING = 100  # a shingle of more papers is a publisher's phrase and identifies nothing
NEIGHBOURS = 10  # of a paper, among those with a common number, by the length of their texts
MOST_OF_PAPER = 20  # comparisons
MOST_ORIGINALS = 3  # papers of authorities that one from elsewhere is compared with
MOST_COMPARISONS = 3_000  # of all candidates, a tenth of a millisecond each
COMPARED = 3_000  # squeezed characters of a text, twice those of a usual abstract
LONGEST = 20_000  # characters; a longer text is judged by its beginning
MOST_CACHED = 8  # sets of candidates: one for each window of days


@dataclass(frozen=True, slots=True)
class DuplicateGroups:
    """Groups of near-duplicate papers: the group number of each paper, its own id if alone.

    ``copies`` (ids) are near-duplicates of a paper whose title comes from an authority, and from
    sources that are none. They are in no group with it, and not recommended: otherwise a copy that
    ranks higher, with another link, would keep the paper from readers.
    """

    groups: Mapping[int, int]
    copies: frozenset[int] = frozenset()

    def of(self, paper_id: int) -> int:
        """Return the group of a paper."""
        return self.groups.get(paper_id, paper_id)

    @property
    def doubles(self) -> int:
        """Count the redundant papers: all except one of each group."""
        return len(self.groups) - len(set(self.groups.values()))


class DuplicateCache:
    """The near-duplicates of the last sets of candidates, by the ids and texts of the papers."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, DuplicateGroups] = OrderedDict()
        self._lock = Lock()

    def groups(self, papers: Sequence[Paper]) -> DuplicateGroups:
        """Return ``find_near_duplicates``; while one thread computes it, the others wait for it."""
        key = _name_papers(papers)
        with self._lock:
            found = self._known.pop(key, None) or find_near_duplicates(papers)
            self._known[key] = found
            while len(self._known) > MOST_CACHED:
                self._known.popitem(last=False)
        return found


def _name_papers(papers: Iterable[Paper]) -> bytes:
    """Return a key of these papers, whatever their order: of their ids, texts and sources."""
    of = blake2b(digest_size=16)
    for paper in sorted(papers, key=lambda paper: paper.id):
        told = (paper.title, paper.abstract, paper.text_source)
        texts = [text.encode("utf-8", "replace") for text in told]
        of.update(b"%d %d %d %d %d\n" % (paper.id, is_unverified(paper), *map(len, texts)))
        for text in texts:
            of.update(text)
    return of.digest()


def find_near_duplicates(papers: Iterable[Paper]) -> DuplicateGroups:
    """Find the near-duplicates among papers, by comparing those that share sketch numbers.

    A paper that is near to any member belongs to the group, if both are from authorities or both
    from one other source: so nobody can hide a paper by a copy that ranks higher, or by a chain of
    texts between it and another. A group's number is
    its least id. Of either kind, and to find copies, at most ``MOST_COMPARISONS`` texts are
    compared; pairs that share the most numbers come first.
    """
    known = {paper.id: paper for paper in papers if _is_comparable(paper)}
    sketches = {paper.id: _sketch(paper.title, paper.abstract) for paper in known.values()}
    others = {number for number, paper in known.items() if is_unverified(paper)}
    texts = _SqueezedTexts(known)
    copies = _find_copies(known.keys() - others, others, sketches, texts)
    groups = _UnionFind()
    for some in (known.keys() - others, others - copies):
        for a, b in _likely_pairs({number: known[number] for number in some}, sketches):
            if groups.root(a) != groups.root(b) and texts.are_near(a, b):
                groups.unite(a, b)
    return DuplicateGroups(groups.groups(), frozenset(copies))


def _find_copies(
    listed: Collection[int],
    others: Collection[int],
    sketches: Mapping[int, frozenset[int]],
    texts: _SqueezedTexts,
) -> set[int]:
    """Find the papers of ``others`` that are near to one of those that authorities ``listed``.

    Each is compared with the likeliest of these, however many copies there are: a source could add
    more than any limit for a number. What is left after ``MOST_COMPARISONS`` counts as a copy.
    """
    by_number: defaultdict[int, list[int]] = defaultdict(list)
    for paper_id in listed:
        for number in sketches[paper_id]:
            by_number[number].append(paper_id)
    common = {number: ids for number, ids in by_number.items() if len(ids) <= MOST_SHARING}
    likely = [
        (-shared, one, paper_id)
        for one in others
        for paper_id, shared in _count_shared(sketches[one], common).most_common(MOST_ORIGINALS)
        if shared >= SHARED
    ]
    copies: set[int] = set()
    compared = 0
    for _, one, paper_id in sorted(likely):
        if one not in copies:
            compared += 1
            if compared > MOST_COMPARISONS or texts.are_near(one, paper_id):
                copies.add(one)
    return copies


def _count_shared(sketch: Iterable[int], by_number: Mapping[int, Sequence[int]]) -> Counter[int]:
    return Counter(chain.from_iterable(by_number.get(number, ()) for number in sketch))


def _is_comparable(paper: Paper) -> bool:
    """Whether a paper has an abstract, and that of its own source.

    A feed may add any abstract to a title of an authority: with that of another paper, one of the
    two would not be recommended.
    """
    has_added = paper.unverified & Unverified.ABSTRACT and not is_unverified(paper)
    return len(paper.abstract) >= TELLING and not has_added


def _have_one_source(one: Paper, other: Paper) -> bool:
    """Whether two papers are from authorities, or their titles from one source that is none."""
    if not is_unverified(one):
        return True
    return one.text_source == other.text_source != SEVERAL_SOURCES


class _SqueezedTexts:
    """The squeezed texts of papers, each made when it is first compared."""

    def __init__(self, papers: Mapping[int, Paper]) -> None:
        self._papers = papers
        self._known: dict[int, str] = {}

    def are_near(self, one: int, other: int) -> bool:
        """Return whether the texts of two papers (ids) are near."""
        return _is_near(self._read(one), self._read(other))

    def _read(self, paper_id: int) -> str:
        if paper_id not in self._known:
            self._known[paper_id] = squeeze(self._papers[paper_id].text[:LONGEST])
        return self._known[paper_id]


def _is_near(a: str, b: str) -> bool:
    """Return whether two squeezed texts are near, which texts of unlike length cannot be."""
    if 2 * min(len(a), len(b)) < NEAR * (len(a) + len(b)):
        return False
    return resemblance(_ends(a), _ends(b), least=NEAR) >= NEAR


def _ends(text: str) -> str:
    """Return the beginning and the end of a long text, because the time grows with the square."""
    half = COMPARED // 2
    return text if len(text) <= COMPARED else text[:half] + text[-half:]


def _likely_pairs(
    papers: Mapping[int, Paper], sketches: Mapping[int, frozenset[int]]
) -> list[tuple[int, int]]:
    """Choose the pairs to compare: first the likeliest partner of each paper, then its second.

    So papers with many neighbours do not use up the comparisons of those with one.
    """
    shared = {
        pair: common
        for pair in _neighbours(papers, sketches)
        if _have_one_source(*(papers[one] for one in pair))
        and (common := len(sketches[pair[0]] & sketches[pair[1]])) >= SHARED
    }
    partners: Counter[int] = Counter()
    rounds: list[tuple[int, int, int, int]] = []
    for (a, b), common in sorted(shared.items(), key=lambda one: (-one[1], one[0])):
        turn = max(partners[a], partners[b])
        if turn < MOST_OF_PAPER:
            partners[a], partners[b] = partners[a] + 1, partners[b] + 1
            rounds.append((turn, -common, a, b))
    return [(a, b) for _, _, a, b in sorted(rounds)[:MOST_COMPARISONS]]


def _neighbours(
    papers: Mapping[int, Paper], sketches: Mapping[int, frozenset[int]]
) -> Iterator[tuple[int, int]]:
    """Yield pairs of papers with a common sketch number, the lesser id first, some repeatedly.

    Of many papers with one number each is paired with those nearest to it in length.
    """
    lengths = {paper.id: len(paper.title) + len(paper.abstract) for paper in papers.values()}
    by_number: defaultdict[int, list[int]] = defaultdict(list)
    for paper_id in sorted(papers, key=lambda paper_id: (lengths[paper_id], paper_id)):
        for number in sketches[paper_id]:
            by_number[number].append(paper_id)
    for ids in by_number.values():
        if len(ids) <= MOST_SHARING:
            for at, one in enumerate(ids):
                for other in ids[at + 1 : at + 1 + NEIGHBOURS]:
                    yield min(one, other), max(one, other)


@lru_cache(maxsize=4096)  # about 3 KB each, with the text
def _sketch(title: str, abstract: str) -> frozenset[int]:
    return sketch(title, abstract)


class _UnionFind:
    """Sets of papers that are united; the least id is the number of a set."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def root(self, paper_id: int) -> int:
        while (above := self._above.get(paper_id, paper_id)) != paper_id:
            self._above[paper_id] = self._above.get(above, above)
            paper_id = above
        return paper_id

    def unite(self, a: int, b: int) -> None:
        least, other = sorted((self.root(a), self.root(b)))
        self._above[other] = least
        self._above.setdefault(least, least)

    def groups(self) -> dict[int, int]:
        return {paper_id: self.root(paper_id) for paper_id in list(self._above)}
