"""Papers and evidence for the tests of the ranking: small collections with known tastes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from larkpost.domain import Identifier, Paper, Thumb
from larkpost.interfaces import Evidence
from larkpost.packaged_files import shipped_path

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 8, 7, 6, tzinfo=UTC)
THEMES = {
    "proteins": "protein folding residue enzyme peptide structure chain helix binding ligand",
    "galaxies": "galaxy redshift halo quasar telescope nebula stellar cluster cosmic survey",
    "compilers": "compiler register loop vector inline parser optimiser bytecode linker cache",
}
FILLER = "we study method results show new data approach analysis model paper propose large"


def a_paper(number: int, title: str = "", abstract: str = "", *, hours_old: float = 0) -> Paper:
    """Make a paper; the number is its id."""
    seen = NOW - timedelta(hours=hours_old)
    name = Identifier("test", str(number))
    return Paper(number, f"uid-{number:06}", name, title, abstract, seen, seen, seen)


def themed(theme: str, number: int) -> Paper:
    """Make a paper of a theme, with words of its own and of all papers."""
    rng = np.random.default_rng(number)
    own = rng.choice(THEMES[theme].split(), 6, replace=False)
    filler = rng.choice(FILLER.split(), 8, replace=False)
    return a_paper(number, " ".join(own[:3]), " ".join([*own, *filler]), hours_old=number % 48)


def library(each: int) -> list[Paper]:
    """Make so many papers per theme, with consecutive ids."""
    themes = list(THEMES)
    return [themed(themes[at // each], at) for at in range(each * len(themes))]


def crowded(papers: Sequence[Paper], wanted: int = 1000) -> list[Paper]:
    """Add so many papers of 400 other words; from 1,000 on every part of a taste counts."""
    rng = np.random.default_rng(0)
    others = (rng.choice(400, 12, replace=False) for _ in range(wanted))
    told = (" ".join(f"word{word}" for word in words) for words in others)
    return [*papers, *(a_paper(5000 + at, "", text) for at, text in enumerate(told))]


def votes(
    ups: Sequence[Paper] = (), downs: Sequence[Paper] = (), words: Sequence[str] = ()
) -> Evidence:
    """Make evidence of thumbs that were all given a day ago."""
    papers = [*ups, *downs]
    thumbs = [Thumb.UP] * len(ups) + [Thumb.DOWN] * len(downs)
    return Evidence(7, 70, papers, thumbs, [NOW - timedelta(days=1)] * len(papers), words)


def sample() -> list[Paper]:
    """Read the 108 papers of the sample dump; titles and abstracts alternate after its head."""
    text = shipped_path("seeds/000_48a0d66eb2c74da9.txt").read_text(encoding="utf-8")
    parts = [part for part in text.split("\n\n") if part.strip()][6:]
    return [
        a_paper(number, title, abstract)
        for number, (title, abstract) in enumerate(zip(parts[::2], parts[1::2], strict=True))
    ]
