"""Small corpora for the benchmark of the first day: the sample's themes, one digest per reader."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from bench.support import readers
from bench.support.readers import Case, Collection
from scipy.sparse import csr_array

from larkpost.packaged_files import shipped_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from larkpost.domain import Paper

    Ints = NDArray[np.intp]

THEMES = Path(__file__).with_name("sample_themes.toml")
DRAWS = 20  # a theme and k
LEFT = 3  # the least papers of a theme that are left to be found
HEAD = 6  # paragraphs of the sample before its first title


def sample() -> list[Paper]:
    """Read the 108 papers of the sample dump; titles and abstracts alternate after its head."""
    text = shipped_path("seeds/000_48a0d66eb2c74da9.txt").read_text(encoding="utf-8")
    parts = [part for part in text.split("\n\n") if part.strip()][HEAD:]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return [
        readers.paper(number, title, abstract) for number, (title, abstract) in enumerate(pairs)
    ]


def themes(papers: Sequence[Paper]) -> dict[str, Ints]:
    """Return the labelled themes as numbers of papers.

    Raises KeyError if a title is not in the sample.
    """
    place = {paper.title: at for at, paper in enumerate(papers)}
    told = tomllib.loads(THEMES.read_text(encoding="utf-8"))["theme"]
    return {
        one["name"]: np.array([place[title] for title in one["papers"]], np.intp) for one in told
    }


def whole(name: str, papers: Sequence[Paper], pool: Ints, *, newest: bool = False) -> Collection:
    """Return papers as a collection whose every paper is in the corpus."""
    return Collection(
        name,
        papers,
        np.arange(len(papers)),
        pool,
        (),
        csr_array(np.zeros((len(papers), 0), dtype=np.float32)),
        newest=newest,
    )


def sample_cases(
    labelled: Mapping[str, Ints], papers: int, k: int, *, downs: bool, draws: int = DRAWS
) -> Iterator[Case]:
    """Yield so many draws per theme: k of it liked, k others disliked, the rest to rank.

    In a smaller theme, as many are liked as leave three to be found. ``reader`` and
    ``fold`` are the number of the theme.
    """
    for number, theme in enumerate(labelled.values()):
        others = np.setdiff1d(np.arange(papers), theme)
        for draw in range(draws):
            rng = np.random.default_rng([number, draw, k])
            ups = rng.permutation(theme)[: min(k, len(theme) - LEFT)]
            disliked = rng.permutation(others)[: k if downs else 0]
            digest = rng.permutation(np.setdiff1d(np.arange(papers), np.append(ups, disliked)))
            yield Case(number, number, ups, disliked, digest, np.isin(digest, theme))


def one_digest(
    world: Collection, k: int, *, downs: bool, most: int
) -> Iterator[tuple[Collection, Case]]:
    """Yield readers whose whole corpus is a digest of 100 papers and what they voted on."""
    kind = "random" if downs else "none"
    for case in readers.cases(world, k, near=False, downs=kind, most=most):
        numbers = np.concatenate([case.digest, case.ups, case.downs])
        papers = [replace(world.papers[old], id=new) for new, old in enumerate(numbers)]
        seen, voted = len(case.digest), len(case.digest) + len(case.ups)
        mine = replace(
            case,
            digest=np.arange(seen),
            ups=np.arange(seen, voted),
            downs=np.arange(voted, len(numbers)),
        )
        yield whole("one digest", papers, mine.digest, newest=world.newest), mine
