"""Measures how different the ten papers to rate are, compared with ten random papers.

python -m bench.ten_apart [--data DIR]      the sample, and 500 papers of arxiv-background
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from bench.support import readers
from bench.support import small_corpora as small

from larkpost.ranking import TfidfRanker, informative
from larkpost.ranking.tfidf import CLOSE_SHARE, WORD_SHARE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from larkpost.domain import Paper
    from larkpost.ranking import TextSpace

RANDOM = 2000
TENS = 3
CORPUS, LATELY = 5000, 500


def background(folder: Path) -> list[Paper]:
    """Read random papers of arxiv-background."""
    with gzip.open(folder / "docs.jsonl.gz", "rt") as lines:
        documents = [json.loads(line) for line in lines]
    drawn = np.random.default_rng(1).permutation(len(documents))[:CORPUS]
    return [readers.paper(int(at), documents[at]["title"], documents[at]["abs"]) for at in drawn]


def distances(space: TextSpace, papers: Sequence[Paper]) -> NDArray[np.float64]:
    """Return distances of papers in words and coarse themes (n, n), as for similar papers."""
    rows = space.rows([paper.text for paper in papers])
    words = (rows.words @ rows.words.T).toarray()
    likeness = WORD_SHARE * words + CLOSE_SHARE * (rows.broad @ rows.broad.T)
    return np.asarray(1 - likeness, dtype=np.float64)


def apart(corpus: Sequence[Paper], candidates: Sequence[Paper]) -> list[tuple[float, float]]:
    """Return, for each ten papers, the share of random tens that are closer together.

    Once by the mean distance of their pairs, once by the least.
    """
    space = TfidfRanker().fit(corpus)
    far = distances(space, candidates)
    pairs = np.triu_indices(10, 1)
    rng = np.random.default_rng(0)
    tens = [rng.choice(len(candidates), 10, replace=False) for _ in range(RANDOM)]
    chance = np.array([[d.mean(), d.min()] for d in (far[np.ix_(ten, ten)][pairs] for ten in tens)])
    place = {paper.id: at for at, paper in enumerate(candidates)}
    known: list[Paper] = []
    found = []
    for _ in range(TENS):
        ten = informative(space, candidates, 10, known=known)
        known += ten
        at = [place[paper.id] for paper in ten]
        mine = far[np.ix_(at, at)][pairs]
        found.append(
            (float((chance[:, 0] < mine.mean()).mean()), float((chance[:, 1] < mine.min()).mean()))
        )
    return found


def main() -> int:
    """Print a line per corpus."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, help="the folder with arxiv-background")
    folder = readers.data_folder(parser.parse_args().data) / "arxiv-background"
    sample = small.sample()
    worlds = {"the sample": (sample, sample)}
    if folder.is_dir():
        corpus = background(folder)
        worlds["500 of arXiv"] = (corpus, corpus[:LATELY])
    for name, (corpus, lately) in worlds.items():
        told = ", ".join(f"{mean:.1%} ({least:.1%})" for mean, least in apart(corpus, lately))
        print(f"{name}: farther apart than so many random tens, by mean (by least): {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
