"""Measures learning and ranking with 100,000 votes of one reader and ten stuffed papers."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from time import perf_counter

from larkpost.domain import Identifier, Paper, Thumb
from larkpost.interfaces import Evidence
from larkpost.ranking import TfidfRanker

NOW = datetime(2026, 8, 7, 6, tzinfo=UTC)
WORDS = [f"{a}{b}" for a in ("ro", "gla", "pro", "bir", "sta") for b in ("ting", "ciers", "tein")]
PAPERS, VOTES, STUFFED = 1_000, 100_000, 10


def paper(number: int, text: str) -> Paper:
    """Make a paper with a text."""
    return Paper(
        number, f"{number:06}", Identifier("text", str(number)), text[:60], text, NOW, NOW, NOW
    )


def main() -> None:
    """Measure, and print a line per step."""
    draw = random.Random(0)  # noqa: S311 - nothing secret hangs on it
    papers = [paper(n, " ".join([*draw.choices(WORDS, k=40), f"only{n}"])) for n in range(PAPERS)]
    papers += [paper(PAPERS + n, " ".join(WORDS * 500)) for n in range(STUFFED)]
    voted = draw.choices(papers[:PAPERS], k=VOTES)
    thumbs = [Thumb.UP if WORDS[0] in one.text else Thumb.DOWN for one in voted]
    ranker = TfidfRanker()
    began = perf_counter()
    space = ranker.fit(papers)
    fitted = perf_counter()
    tastes = ranker.learn(space, [Evidence(1, 1, voted, thumbs, [NOW] * VOTES)], now=NOW)
    learnt = perf_counter()
    (picks,) = ranker.rank(space, tastes, papers, 10)
    print(f"fit {PAPERS + STUFFED} papers: {fitted - began:.2f} s")
    print(f"learn {VOTES} votes: {learnt - fitted:.2f} s")
    print(f"rank: {perf_counter() - learnt:.2f} s")
    print(f"stuffed papers among the first ten: {sum(p.paper.id >= PAPERS for p in picks)}")


if __name__ == "__main__":
    main()
