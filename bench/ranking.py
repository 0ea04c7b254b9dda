"""Measures the quality and speed of the ranking on real readers, against every peer's recipe.

python -m bench.ranking [--data DIR] [--readers N] [--json FILE]      quality
python -m bench.ranking --speed                                       time
python -m bench.ranking --near-misses                                 wrong thumbs down
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: one core, as in the goals

import numpy as np
from bench.support import goals, peers, readers
from bench.support.measures import interval, measure
from bench.support.our_ranker import Ours, evidence

from larkpost.ranking import TfidfRanker, scoring, training

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from bench.support.readers import Case, Collection
    from numpy.typing import NDArray

    from larkpost.interfaces import Evidence

    Scores = NDArray[np.float64]

MEASURES = {"auc": "AUC", "ndcg": "nDCG@10", "precision": "P@10", "mrr": "MRR"}
SLOW = ("arxiv-sanity-lite", "Scholar Inbox, logistic regression")
OURS, OURS_TOGETHER = goals.OURS, goals.TOGETHER
OURS_FAST = "Larkpost, in fast mode"
OURS_FAST_TOGETHER = f"{OURS_TOGETHER}, in fast mode"
TIMES = {"citeulike-t": (1, 3, 5, 10, 20, 50), "arxiv-readers": (1, 5, 20)}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the table: a recipe's measures (readers, 4) on one kind of digest.

    ``cases`` are the numbers of the measured cases, in the order of the values.
    """

    collection: str
    near: bool
    k: int
    recipe: str
    values: NDArray[np.float64]
    cases: NDArray[np.intp]


def quality(world: Collection, most: int, slow: int) -> Iterable[Cell]:
    """Measure every recipe on every cell; slow peers only on ``slow`` readers per cell."""
    ours, recipes = Ours.of(world), peers.recipes(world)
    for near in (False, True):
        for k in TIMES[world.name]:
            cases = list(readers.cases(world, k, near=near, most=most))
            yield _cell(world, near, k, OURS, cases, ours.scores(cases))
            fast = ours.scores(cases, accurate=False)
            yield _cell(world, near, k, OURS_FAST, cases, fast)
            if ours.together:
                found = ours.scores(cases, together=True)
                yield _cell(world, near, k, OURS_TOGETHER, cases, found)
                found = ours.scores(cases, together=True, accurate=False)
                yield _cell(world, near, k, OURS_FAST_TOGETHER, cases, found)
            for name, recipe in recipes.items():
                chosen = subset(len(cases), slow) if name in SLOW else None
                some = cases if chosen is None else [cases[at] for at in chosen]
                found = [recipe(case) for case in some]
                yield _cell(world, near, k, name, some, found, chosen)


def subset(cases: int, most: int) -> NDArray[np.intp]:
    """Choose cases for the slow peers at random, the same ones at every call, in order.

    The first readers of the file would be those who signed up first.
    """
    return np.sort(np.random.default_rng(13).permutation(cases)[:most])


def _cell(
    world: Collection,
    near: bool,
    k: int,
    name: str,
    cases: Sequence[Case],
    found: list[Scores],
    chosen: NDArray[np.intp] | None = None,
) -> Cell:
    values = [measure(s, case.liked) for s, case in zip(found, cases, strict=True)]
    numbers = np.arange(len(cases)) if chosen is None else chosen
    return Cell(world.name, near, k, name, np.array(values), numbers)


def summary(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """Return means with intervals, and our mean minus each recipe's, paired by reader."""
    ours = {(c.collection, c.near, c.k): c.values for c in cells if c.recipe == OURS}
    lines = []
    for cell in cells:
        line: dict[str, Any] = {
            "collection": cell.collection,
            "digest": "near" if cell.near else "random",
            "k": cell.k,
            "recipe": cell.recipe,
            "readers": len(cell.values),
        }
        gain = ours[cell.collection, cell.near, cell.k][cell.cases] - cell.values
        for at, name in enumerate(MEASURES):
            line[name] = round(float(cell.values[:, at].mean()), 4)
            line[f"{name}_interval"] = [round(v, 4) for v in interval(cell.values[:, at])]
            line[f"{name}_ours_less_this"] = [
                round(v, 4) for v in (float(gain[:, at].mean()), *interval(gain[:, at]))
            ]
        lines.append(line)
    return lines


def table(lines: Sequence[Mapping[str, Any]]) -> str:
    """Format the summary as Markdown: a table per collection, digest and measure."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for line in lines:
        groups[line["collection"], line["digest"]].append(line)
    told = []
    for (collection, digest), group in groups.items():
        times = sorted({line["k"] for line in group})
        for name, title in MEASURES.items():
            told += ["", f"### {collection}, {digest} digests: {title}", ""]
            told.append("| recipe | " + " | ".join(f"k={k}" for k in times) + " |")
            told.append("|---" * (len(times) + 1) + "|")
            for recipe in dict.fromkeys(line["recipe"] for line in group):
                of = {line["k"]: line for line in group if line["recipe"] == recipe}
                cells = [_shown(of[k], name) for k in times]
                told.append(f"| {recipe} | " + " | ".join(cells) + " |")
    return "\n".join(told)


def _shown(line: Mapping[str, Any], name: str) -> str:
    low, high = line[f"{name}_interval"]
    _, worst, best = line[f"{name}_ours_less_this"]
    mark = "" if worst <= 0 <= best else (" -" if worst > 0 else " +")
    return f"{line[name]:.3f} ±{(high - low) / 2:.3f}{mark}"


def calibration(world: Collection, most: int) -> str:
    """Measure whether predicted chances are right on held-out votes, half of them up."""
    ours = Ours.of(world)
    told = [
        "",
        f"### {world.name}, chances of held-out votes: expected calibration error",
        "",
        "| votes | readers | held out | error | goal | reached |",
        "|---" * 6 + "|",
    ]
    for k in (5, 20, 50):
        cases = list(readers.cases(world, k, near=False, most=most))
        if not cases:
            continue
        for together in (False, True) if ours.together else (False,):
            company = " beside other readers" if together else ""
            votes = f"{k} up, {k} down{company}"
            told.append(goals.calibrated(votes, ours.chances(cases, together=together)))
    return "\n".join(told)


def near_misses(world: Collection, most: int) -> str:
    """Measure the cost of wrong thumbs down: k unread papers on the reader's own subject."""
    ours = Ours.of(world)
    told = ["| k | digest | none | k random | k near misses |", "|---|---|---|---|---|"]
    for k in (5, 20):
        for near in (False, True):
            cells = []
            for downs in ("none", "random", "near"):
                cases = list(readers.cases(world, k, near=near, most=most, downs=downs))
                found = _cell(world, near, k, OURS, cases, ours.scores(cases))
                cells.append(f"{found.values[:, 0].mean():.3f}")
            told.append(f"| {k} | {'near' if near else 'random'} | " + " | ".join(cells) + " |")
    return "\n".join(told)


def speed(world: Collection, crowd: int = 10_000, thumbs: int = 50) -> dict[str, float]:
    """Time training and scoring of many readers, and scikit-learn's regression per reader, in turn.

    This is processor time, which depends least on other load.
    """
    from sklearn.linear_model import (  # type: ignore[import-untyped]  # it has no types
        LogisticRegression,
    )

    corpus = [world.papers[at] for at in world.corpus]
    libraries = [library.before.tolist() for library in world.libraries]
    rng = np.random.default_rng(0)
    crowded = list(_crowd(world, crowd, thumbs, rng))
    today = [world.papers[at].text for at in rng.choice(world.pool, 100)]
    ways = [
        (
            f"{manner}{company}",
            accurate,
            TfidfRanker(accurate=accurate).fit(corpus, libraries=theirs),
        )
        for manner, accurate in (("fast", False), ("accurate", True))
        for company, theirs in (("", ()), (", with other readers' thumbs", libraries))
    ]
    terms = ways[0][2].rows([paper.text for paper in crowded[0].papers]).words
    unseen = ways[0][2].rows(today).words
    labels = [int(thumb) for thumb in crowded[0].thumbs]
    laps: dict[str, list[float]] = defaultdict(list)
    for _ in range(5):
        for name, accurate, space in ways:
            rows, some = space.rows(today), crowded[: crowd // 10] if accurate else crowded
            training.learn(space, some[:2], now=readers.DAY)  # warm
            started = time.process_time()
            tastes = training.learn(space, some, now=readers.DAY, accurate=accurate)
            learnt = time.process_time()
            scoring.score(space, tastes, rows)
            scored = time.process_time()
            laps[f"{name}: learn, ms a reader"].append((learnt - started) / len(some) * 1e3)
            laps[f"{name}: score 100, us a reader"].append((scored - learnt) / len(some) * 1e6)
        started = time.process_time()
        for _ in range(20):
            LogisticRegression(C=10, max_iter=100).fit(terms, labels).decision_function(unseen)
        laps["scikit-learn, ms a reader"].append((time.process_time() - started) / 20 * 1e3)
    return {name: float(np.median(times)) for name, times in laps.items()}


def _crowd(
    world: Collection, crowd: int, thumbs: int, rng: np.random.Generator
) -> Iterator[Evidence]:
    """Return so many readers with so many votes each, half of them up, on a few common days."""
    voted = rng.choice(world.corpus, 2000, replace=False)
    for number in range(crowd):
        ids = rng.choice(voted, thumbs, replace=False)
        ups, downs = np.split(ids, [thumbs // 2])
        yield evidence(world, readers.Case(number, 0, ups, downs, ids, ids > 0), number)


def worlds(folder: Path) -> list[Callable[[], Collection]]:
    """Return the collections whose data are available."""
    found: list[Callable[[], Collection]] = []
    for name, read in (("citeulike-t", readers.citeulike), ("arxiv-readers", readers.arxiv)):
        if (folder / name).is_dir():
            found.append(lambda name=name, read=read: read(folder / name))  # type: ignore[misc]  # mypy cannot infer defaults
    return found


def main() -> int:
    """Run the measurements that the command line selects."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, help="the folder with citeulike-t, arxiv-readers")
    parser.add_argument("--readers", type=int, default=250, help="readers a cell, at most")
    parser.add_argument("--slow", type=int, default=120, help="readers a cell for the slow peers")
    parser.add_argument("--json", type=Path, help="write every figure here")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--near-misses", action="store_true")
    asked = parser.parse_args()
    folder = readers.data_folder(asked.data)
    found = worlds(folder)
    if not found:
        print(f"skipped: no readers' data in {folder} (see --data and LARKPOST_BENCH_DATA)")
        return 0
    if asked.speed:
        print(json.dumps(speed(found[0]()), indent=2))
        return 0
    if asked.near_misses:
        print(near_misses(found[0](), asked.readers))
        return 0
    lines: list[dict[str, Any]] = []
    chances = []
    for read in found:
        cells = []
        world = read()
        for cell in quality(world, asked.readers, asked.slow):
            cells.append(cell)
            print(cell.collection, cell.near, cell.k, cell.recipe, file=sys.stderr)
        lines += summary(cells)
        chances.append(calibration(world, asked.readers))
    if asked.json:
        asked.json.write_text(json.dumps(lines, indent=1))
    print(table(lines), goals.goals(lines), *chances, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
