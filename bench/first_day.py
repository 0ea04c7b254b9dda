"""Measures the ranking of the first day against the peers: the corpus is a list or two.

python -m bench.first_day [--data DIR] [--readers N] [--draws N] [--json FILE]

It uses the sample dump with its labelled themes, and readers whose whole corpus is one digest of
100 papers and the papers they voted on; they give k thumbs up with as many down, or k up alone.
Every recipe gets the same cases in one run, and differences are paired by case.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: one core

import numpy as np
from bench.support import goals, readers
from bench.support import small_corpora as small
from bench.support import small_peers as peers
from bench.support.measures import interval, measure
from bench.support.our_ranker import evidence

from larkpost.ranking import TfidfRanker, scoring, training

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bench.support.peers import Recipe
    from bench.support.readers import Case, Collection
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

TIMES = (1, 3, 5, 10)
MEASURES = {"ndcg": ("nDCG@10", 1), "auc": ("AUC", 0)}
SAMPLE, DIGEST = "the sample by its themes", "one digest of arxiv-readers"
OURS, FAST = goals.OURS, f"{goals.OURS}, in fast mode"


@dataclass(frozen=True, slots=True)
class Square:
    """One cell of a table: the values of each recipe, (cases, 2), AUC and nDCG@10."""

    corpus: str
    downs: bool
    k: int
    values: Mapping[str, NDArray[np.float64]]


def on_sample(draws: int = small.DRAWS, times: Sequence[int] = TIMES) -> Iterator[Square]:
    """Measure every recipe on the sample dump, which is one corpus."""
    papers = small.sample()
    world = small.whole("sample", papers, np.arange(len(papers)))
    recipes = peers.recipes(world)
    labelled = small.themes(papers)
    for downs in (True, False):
        for k in times:
            cases = list(small.sample_cases(labelled, len(papers), k, downs=downs, draws=draws))
            yield Square(SAMPLE, downs, k, _measured(world, cases, recipes))


def on_digests(folder: Path, most: int) -> Iterator[Square]:
    """Measure every recipe on arXiv readers, each with their own corpus."""
    world = readers.arxiv(folder)
    for downs in (True, False):
        for k in TIMES:
            found: dict[str, list[NDArray[np.float64]]] = {}
            for mine, case in small.one_digest(world, k, downs=downs, most=most):
                for name, values in _measured(mine, [case], peers.recipes(mine)).items():
                    found.setdefault(name, []).append(values)
            yield Square(DIGEST, downs, k, {n: np.concatenate(v) for n, v in found.items()})


def _measured(
    world: Collection, cases: Sequence[Case], recipes: Mapping[str, Recipe]
) -> dict[str, NDArray[np.float64]]:
    found: dict[str, Iterable[Scores]] = {
        OURS: ours(world, cases, accurate=True),
        FAST: ours(world, cases, accurate=False),
        **{name: [recipe(case) for case in cases] for name, recipe in recipes.items()},
    }
    return {
        name: np.array([measure(s, c.liked)[:2] for s, c in zip(scores, cases, strict=True)])
        for name, scores in found.items()
    }


def ours(world: Collection, cases: Sequence[Case], *, accurate: bool) -> list[Scores]:
    """Score each case's digest by our ranker, with a model of the whole collection."""
    space = TfidfRanker(accurate=accurate).fit(world.papers)
    voted = [evidence(world, case, at) for at, case in enumerate(cases)]
    tastes = training.learn(space, voted, now=readers.DAY, accurate=accurate)
    rows = space.rows([paper.text for paper in world.papers])
    return [
        scoring.score(space, [taste], rows[case.digest])[0].astype(np.float64)
        for taste, case in zip(tastes, cases, strict=True)
    ]


def summary(squares: Iterable[Square]) -> list[dict[str, Any]]:
    """Return means, and our mean minus each recipe's, with its paired 95 % interval."""
    lines = []
    for square in squares:
        for recipe, values in square.values.items():
            line: dict[str, Any] = {
                "corpus": square.corpus,
                "downs": square.k if square.downs else 0,
                "k": square.k,
                "recipe": recipe,
                "cases": len(values),
            }
            gain = square.values[OURS] - values
            for name, (_, at) in MEASURES.items():
                line[name] = round(float(values[:, at].mean()), 4)
                paired = float(gain[:, at].mean()), *interval(gain[:, at])
                line[f"{name}_ours_less_this"] = [round(value, 4) for value in paired]
            lines.append(line)
    return lines


def ahead_of_us(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """List each recipe, k and measure where a recipe is better than ours by its whole interval."""
    return [
        f"{line['corpus']}, k = {line['k']}, {line['downs']} down: {line['recipe']}, {title}"
        for line in lines
        for name, (title, _) in MEASURES.items()
        if line[f"{name}_ours_less_this"][2] < 0 and line["recipe"] != FAST
    ]


def tables(lines: Sequence[Mapping[str, Any]]) -> str:
    """Format the summary as Markdown, with nDCG@10 / AUC in each cell.

    ``-`` marks a recipe that is worse than ours in that measure on the same cases, ``+`` better.
    """
    told: list[str] = []
    for corpus, down in dict.fromkeys((line["corpus"], line["downs"] > 0) for line in lines):
        group = [one for one in lines if one["corpus"] == corpus and (one["downs"] > 0) == down]
        times = sorted({line["k"] for line in group})
        told += ["", f"**{corpus}, k up and {'k' if down else 'none'} down: nDCG@10 / AUC**", ""]
        told += ["| recipe | " + " | ".join(f"k={k}" for k in times) + " |"]
        told += ["|---" * (len(times) + 1) + "|"]
        for recipe in dict.fromkeys(line["recipe"] for line in group):
            of = {line["k"]: line for line in group if line["recipe"] == recipe}
            told.append(f"| {recipe} | " + " | ".join(_shown(of[k]) for k in times) + " |")
    return "\n".join(told)


def _shown(line: Mapping[str, Any]) -> str:
    cells = []
    for name in MEASURES:
        _, worst, best = line[f"{name}_ours_less_this"]
        cells.append(f"{line[name]:.3f}{'-' if worst > 0 else '+' if best < 0 else ''}")
    return " / ".join(cells)


def main() -> int:
    """Run the measurements that the command line selects."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, help="the folder with arxiv-readers")
    parser.add_argument("--readers", type=int, default=250, help="readers a cell, at most")
    parser.add_argument("--draws", type=int, default=small.DRAWS, help="draws a theme")
    parser.add_argument("--json", type=Path, help="write every figure here")
    asked = parser.parse_args()
    squares = list(on_sample(asked.draws))
    folder = readers.data_folder(asked.data) / "arxiv-readers"
    if folder.is_dir():
        squares += on_digests(folder, asked.readers)
    else:
        print(f"no arXiv readers in {folder.parent}: the sample alone is measured", file=sys.stderr)
    lines = summary(squares)
    if asked.json:
        asked.json.write_text(json.dumps(lines, indent=1))
    print(tables(lines))
    ahead = ahead_of_us(lines)
    print("", "Peers ahead of us beyond the noise: " + ("; ".join(ahead) or "none"), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
