"""Real readers for the ranking benchmark: papers, libraries, and digests to rank."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from larkpost.domain import Identifier, Paper

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.intp]

DIGEST = 100  # papers in a digest
HELD = 10  # the most liked papers in it
NEAREST = 400  # a near digest is drawn from so many papers on the reader's subjects
FOLDS = 5  # a reader's fold is left out of the votes of other readers
DAY = datetime(2026, 2, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Case:
    """One reader's day: the earlier thumbs, and a digest with its liked papers.

    All are numbers of papers; ``ups`` are oldest first if they have days; ``liked`` is in the order
    of ``digest``.
    """

    reader: int
    fold: int
    ups: Ints
    downs: Ints
    digest: Ints
    liked: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Library:
    """A reader's papers: those before the cut, oldest first, and those after it."""

    reader: int
    before: Ints
    after: Ints


@dataclass(frozen=True, slots=True)
class Collection:
    """Papers, the numbers of those to fit the model on and to draw digests from, and readers.

    ``corner`` has a sparse row per paper that describes its subjects; near digests are drawn by it,
    and it is not a feature. ``newest`` says that thumbs are the newest papers before the cut, not
    random ones.
    """

    name: str
    papers: Sequence[Paper]
    corpus: Ints
    pool: Ints
    libraries: Sequence[Library]
    corner: csr_array
    newest: bool


def data_folder(given: Path | None) -> Path:
    """Return the data folder: the given one, LARKPOST_BENCH_DATA, or beside the checkout."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return given or Path(os.environ.get("LARKPOST_BENCH_DATA", beside))


def citeulike(folder: Path) -> Collection:
    """Read citeulike-t: libraries of real readers, papers as bags of words."""
    words = (folder / "vocabulary.dat").read_text().split()
    papers = [
        paper(number, "", _bag(line, words))
        for number, line in enumerate((folder / "mult.dat").read_text().splitlines())
    ]
    future = np.random.default_rng(7).permutation(len(papers))[:5195]
    is_future = np.zeros(len(papers), dtype=bool)
    is_future[future] = True
    libraries = []
    for number, line in enumerate((folder / "users.dat").read_text().splitlines()):
        items = np.array(line.split()[1:], dtype=np.intp)
        libraries.append(Library(number, items[~is_future[items]], items[is_future[items]]))
    tags = [
        np.array(line.split()[1:], dtype=np.intp)
        for line in (folder / "tag-item.dat").read_text().splitlines()
    ]
    return Collection(
        "citeulike-t",
        papers,
        np.flatnonzero(~is_future),
        np.flatnonzero(is_future),
        libraries,
        corners(tags, len(papers)),
        newest=False,
    )


def arxiv(folder: Path) -> Collection:
    """Read arxiv-readers: authors as readers, abstracts of real papers."""
    with gzip.open(folder / "docs.jsonl.gz", "rt") as lines:
        documents = [json.loads(line) for line in lines]
    papers = [
        replace(
            paper(number, one["title"], one["abs"]),
            categories=tuple(one["cats"]),
            first_seen=datetime.fromisoformat(one["day"]).replace(tzinfo=UTC),
        )
        for number, one in enumerate(documents)
    ]
    people = json.loads((folder / "users.json").read_text())
    libraries = [
        Library(number, np.array(one["train"], np.intp), np.array(one["test"], np.intp))
        for number, one in enumerate(people)
    ]
    kinds = sorted({kind for paper in papers for kind in paper.categories})
    members = [
        np.array([p.id for p in papers if kind in p.categories], dtype=np.intp) for kind in kinds
    ]
    return Collection(
        "arxiv-readers",
        papers,
        np.array([n for n, one in enumerate(documents) if one["bg"]], dtype=np.intp),
        np.array([n for n, one in enumerate(documents) if one["pool"]], dtype=np.intp),
        libraries,
        corners(members, len(papers)),
        newest=True,
    )


def cases(
    world: Collection, k: int, *, near: bool, downs: str = "random", most: int = 250
) -> Iterator[Case]:
    """Yield a case for each reader who has enough papers, the same ones at every call.

    ``downs`` is ``random`` (as many unread papers as ups), ``near`` (unread papers on the reader's
    subjects: mostly wrong dislikes) or ``none``.
    """
    able = [one for one in world.libraries if _able(one, k)]
    order = np.random.default_rng(11).permutation(len(able))[:most]
    for at in np.sort(order):
        yield _case(world, able[at], k, near=near, downs=downs)


def _able(library: Library, k: int) -> bool:
    before, after = len(library.before), len(library.after)
    return before + after >= 10 and after >= 2 and before >= k


def _case(world: Collection, library: Library, k: int, *, near: bool, downs: str) -> Case:
    rng = np.random.default_rng([library.reader, k, near])
    ups = library.before[-k:] if world.newest else rng.permutation(library.before)[:k]
    held = rng.permutation(library.after)[:HELD]
    have = np.concatenate([library.before, library.after])
    pool = np.setdiff1d(world.pool, have)
    if near:
        pool = _nearest(world, library, pool, rng)
    others = rng.permutation(pool)[: DIGEST - len(held)]
    digest = np.concatenate([held, others])
    mixed = rng.permutation(len(digest))
    unread = np.setdiff1d(world.corpus, have)
    if downs == "near":
        unread = _nearest(world, library, unread, rng)
    disliked = rng.permutation(unread)[: 0 if downs == "none" else k]
    return Case(
        library.reader, library.reader % FOLDS, ups, disliked, digest[mixed], mixed < len(held)
    )


def _nearest(world: Collection, library: Library, among: Ints, rng: np.random.Generator) -> Ints:
    """Find the papers whose tags or categories are nearest to those of the whole library.

    Thousands of papers have the same categories and are equally near. Which of them are taken is
    random, because the first in the file, which is ordered by day, would never be the newest.
    """
    have = np.concatenate([library.before, library.after])
    middle = np.asarray(world.corner[have].sum(axis=0)).ravel()
    mixed = rng.permutation(among)
    closeness = (world.corner[mixed] @ middle).round(9)
    return mixed[np.argsort(-closeness, kind="stable")[:NEAREST]]


def corners(members: Sequence[Ints], papers: int) -> csr_array:
    """Return l2 rows of idf-weighted tags."""
    column = np.repeat(np.arange(len(members)), [len(one) for one in members])
    row = np.concatenate(members)
    weight = np.log(papers / np.array([max(1, len(one)) for one in members]))[column]
    corner = csr_array((weight, (row, column)), shape=(papers, len(members)))
    norms = np.sqrt(np.asarray(corner.multiply(corner).sum(axis=1))).ravel()
    corner.data /= np.repeat(np.maximum(norms, 1e-9), np.diff(corner.indptr))
    return corner


def _bag(line: str, words: Sequence[str]) -> str:
    pairs = (entry.split(":") for entry in line.split()[1:])
    return " ".join(" ".join([words[int(word)]] * int(count)) for word, count in pairs)


def paper(number: int, title: str, abstract: str) -> Paper:
    """Make a paper of the benchmark."""
    name = Identifier("bench", str(number))
    return Paper(number, str(number), name, title, abstract, DAY, DAY, DAY)
