"""Measures the reasons shown to readers: their meaning, and whether "like X" makes sense.

python -m bench.reasons [--data DIR] [--seed N]            figures over tuning readers
python -m bench.reasons --list [--seed N] > picks.md       a hundred picks for people to read
python -m bench.reasons --pairs [--seed N]                 picks with their nearest liked paper

The hundred are fifty picks for readers of the sample dump, who like the papers of a theme, and
fifty for arxiv-readers, one pick per reader. Readers with odd numbers are only in the list of the
default seed; other seeds and the figures use readers with even numbers.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from bench.editions import papers as sample_papers
from bench.support.readers import arxiv, data_folder

from larkpost.domain import Thumb
from larkpost.interfaces import Evidence
from larkpost.ranking import TfidfRanker
from larkpost.ranking.explanations import LEAST_LIKENESS, LEAST_LIKENESS_IN_SMALL
from larkpost.render import wording
from larkpost.render.templates import why_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from larkpost.domain import Paper, Pick
    from larkpost.ranking import TextSpace

JUDGED = 20261203  # the seed of the hundred picks that people read
EACH = 50
THUMBS = (1, 3, 5, 10)
DIGEST, OWN, TOP = 100, 5, 10  # papers of a digest, how many are the reader's own, places of picks
THEMES = {
    "mixture of experts": r"mixture|moe\b|expert",
    "scaling laws": r"scaling law|law of|laws\b|emergent|predictab",
    "test-time compute": r"test-time|inference-time|inference scaling|sleep-time|repeated sampling",
    "reasoning": r"reason|think|math",
    "code": r"\bcode|program|codex",
    "compression": r"quantiz|prun|compress|precision|sparse|low-rank",
    "vision": r"image|video|visual|3d|vision|segment|clip",
    "systems": r"serving|hardware|power|energy|train.* configurator|distributed|device|memory",
    "evaluation": r"bench|evaluat|competition|exam",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A pick and the papers that its reader liked; ``own`` if it is in the reader's library."""

    source: str
    liked: Sequence[Paper]
    pick: Pick
    own: bool = False


def from_arxiv(folder: Path, seed: int, most: int) -> Iterator[Seen]:
    """Yield a pick per reader: the newest papers before the cut are liked, later ones ranked."""
    world, ranker = arxiv(folder / "arxiv-readers"), TfidfRanker()
    space = ranker.fit(world.papers[at] for at in world.corpus)
    rng = np.random.default_rng(seed)
    odd = seed == JUDGED
    able = [one for one in world.libraries if one.reader % 2 == odd and len(one.after) >= 2]
    for at in rng.permutation(len(able))[:most]:
        library = able[at]
        k = int(rng.choice(THUMBS))
        own = rng.permutation(library.after)[:OWN]
        others = rng.permutation(np.setdiff1d(world.pool, library.after))[: DIGEST - len(own)]
        digest = [world.papers[at] for at in rng.permutation(np.concatenate([own, others]))]
        liked = [world.papers[at] for at in library.before[-k:]]
        pick = _one_of_the_best(ranker, space, liked, digest, rng)
        yield Seen("arXiv", liked, pick, pick.paper.id in set(own.tolist()))


def from_sample(seed: int, most: int) -> Iterator[Seen]:
    """Yield picks of readers who like papers of a theme of the sample dump."""
    papers, ranker = sample_papers(), TfidfRanker()
    space = ranker.fit(papers)
    rng = np.random.default_rng([seed, 1])
    themes = list(THEMES.values())
    for at in range(most):
        theme = re.compile(themes[at % len(themes)], re.IGNORECASE)
        members = [paper for paper in papers if theme.search(paper.title)]
        k = min(int(rng.choice(THUMBS)), len(members) - 2)
        liked = [members[n] for n in rng.permutation(len(members))[:k]]
        digest = [paper for paper in papers if paper not in liked]
        yield Seen("sample", liked, _one_of_the_best(ranker, space, liked, digest, rng))


def _one_of_the_best(
    ranker: TfidfRanker,
    space: TextSpace,
    liked: Sequence[Paper],
    digest: Sequence[Paper],
    rng: np.random.Generator,
) -> Pick:
    now = max(paper.first_seen for paper in digest)
    evidence = Evidence(1, 1, liked, [Thumb.UP] * len(liked), [now] * len(liked))
    (picks,) = ranker.rank(space, ranker.learn(space, [evidence], now=now), digest, TOP)
    return picks[int(rng.integers(len(picks)))]


def as_table(seen: Sequence[Seen]) -> str:
    """Format picks as a Markdown table for people to read, with codes and without scores."""
    rows = ["| code | the reader liked | the pick | shown as the reason |", "|---|---|---|---|"]
    for number, one in enumerate(seen):
        code = f"{chr(ord('A') + number // 10)}{number % 10}"
        liked = "; ".join(_cell(paper.title, 90) for paper in one.liked[-6:])
        liked += f"; and {len(one.liked) - 6} more" if len(one.liked) > 6 else ""
        paper = one.pick.paper
        shown = f"**{_cell(paper.title, 200)}** {_cell(paper.abstract, 300)}"
        rows.append(f"| {code} | {liked} | {shown} | {_cell(reason_of(one.pick), 400)} |")
    return "\n".join(rows)


def reason_of(pick: Pick) -> str:
    """Format the reason as newsletters do, without the match, which people do not judge."""
    reason = wording.reason(pick)._replace(match="")
    return " · ".join(line.strip() for line in why_text(reason))


def _cell(text: str, length: int) -> str:
    return wording.crop(" ".join(text.split()), length).replace("|", "\\|")


def figures(seen: Sequence[Seen]) -> str:
    """Count what needs no human judgement."""
    lines = ["| picks | from | two terms or a liked paper | a liked paper | terms a pick |"]
    lines.append("|---|---|---|---|---|")
    for source in ("sample", "arXiv"):
        picks = [one.pick for one in seen if one.source == source]
        if not picks:
            continue
        enough = sum(
            pick.similar_paper is not None or len(pick.shown_terms or ()) >= 2 for pick in picks
        )
        like = sum(pick.similar_paper is not None for pick in picks)
        terms = sum(len(pick.shown_terms or ()) for pick in picks)
        n = len(picks)
        lines.append(f"| {n} | {source} | {enough / n:.1%} | {like / n:.1%} | {terms / n:.2f} |")
    arxiv_picks = [one for one in seen if one.source == "arXiv"]
    return "\n".join([*lines, *(["", _proxies(arxiv_picks)] if arxiv_picks else [])])


def _proxies(seen: Sequence[Seen]) -> str:
    """Compare shown and hidden reasons by figures that do not use the text."""
    lines = ["| nearest liked paper | pairs | same first category | of the reader's library |"]
    lines.append("|---|---|---|---|")
    for name, wanted in (("shown", True), ("not shown", False)):
        some = [
            one
            for one in seen
            if one.pick.nearest and (one.pick.similar_paper is not None) == wanted
        ]
        same = [_same_field(one.pick) for one in some]
        own = [one.own for one in some]
        lines.append(f"| {name} | {len(some)} | {np.mean(same):.0%} | {np.mean(own):.0%} |")
    return "\n".join(lines)


def _same_field(pick: Pick) -> bool:
    assert pick.nearest is not None  # noqa: S101 - the caller has checked
    return pick.paper.categories[:1] == pick.nearest.categories[:1]


def pairs(seen: Sequence[Seen]) -> str:
    """List the pairs with a similarity near the limit, for people to read."""
    order = sorted(
        (one for one in seen if one.pick.nearest), key=lambda one: one.pick.similarity or 0
    )
    lines = [
        f"Shown from a likeness of {LEAST_LIKENESS}, in a small corpus {LEAST_LIKENESS_IN_SMALL}"
    ]
    for one in order:
        pick, near = one.pick, one.pick.nearest
        shown = "shown" if pick.similar_paper else "-"
        lines.append(f"{pick.similarity:.2f} {shown:5} {pick.paper.title} <> {near and near.title}")
    return "\n".join(lines)


def main() -> None:
    """Print what the command line selects."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path)
    options.add_argument("--seed", type=int)
    options.add_argument("--readers", type=int, help="picks from each source")
    options.add_argument("--list", action="store_true")
    options.add_argument("--pairs", action="store_true")
    given = options.parse_args()
    seed = given.seed if given.seed is not None else JUDGED if given.list else 1
    most = given.readers or (EACH if given.list else 125)
    seen, folder = [*from_sample(seed, most)], data_folder(given.data)
    if (folder / "arxiv-readers").is_dir():
        seen += from_arxiv(folder, seed, most)
    else:
        print(f"no arXiv readers in {folder}: the sample alone is measured", file=sys.stderr)
    if given.list:
        seen = [seen[at] for at in np.random.default_rng([seed, 2]).permutation(len(seen))]
        print(as_table(seen))
    else:
        print(pairs(seen) if given.pairs else figures(seen))


if __name__ == "__main__":
    main()
