"""Measures how long the replay of a year's thumbs takes.

python -m bench.replay [--data DIR]

The year is that of arXiv papers if the data are available, else made of sentences of the sample.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: one core, as in the goals

from bench.support.readers import data_folder

from larkpost.domain import Identifier, Paper, Thumb
from larkpost.packaged_files import shipped_path
from larkpost.ranking import History, TfidfRanker, evaluate

if TYPE_CHECKING:
    from collections.abc import Sequence

YEAR = datetime(2025, 3, 18, 6, tzinfo=UTC)
DAYS, PAPERS = 365, 15_700
LIKED = re.compile(r"mixture.of.experts|reason|test-time|quantiz|prun|distill", re.IGNORECASE)
LOADS = {"1,000 thumbs, five a day": 5, "1,000 thumbs, four a day": 4, "one thumb a day": 1}


def real(folder: Path) -> list[Paper]:
    """Read the papers of arXiv by day."""
    with gzip.open(folder / "arxiv-readers" / "docs.jsonl.gz", "rt") as lines:
        told = [json.loads(line) for line in lines]
    return [
        _paper(at, one["title"], one["abs"], datetime.fromisoformat(f"{one['day']}T06:00:00Z"))
        for at, one in enumerate(told)
    ]


def made(papers: int = PAPERS, days: int = DAYS) -> list[Paper]:
    """Make so many papers per day, each of eight sentences drawn from the sample dump."""
    sample = shipped_path("seeds/000_48a0d66eb2c74da9.txt").read_text(encoding="utf-8")
    sentences = [one for one in re.split(r"(?<=\.)\s+", sample) if len(one) > 60]
    draw = random.Random(0)  # noqa: S311 - nothing secret hangs on it
    return [
        _paper(
            at,
            draw.choice(sentences)[:80],
            " ".join(draw.choices(sentences, k=8)),
            YEAR + timedelta(days=at * days // papers),
        )
        for at in range(papers)
    ]


def _paper(number: int, title: str, abstract: str, seen: datetime) -> Paper:
    name = Identifier("bench", str(number))
    return Paper(number, f"{number:06}", name, title, abstract, seen, seen, seen)


def history(papers: Sequence[Paper], daily: int, most: int = 1000) -> History:
    """Let a reader vote on so many papers per day, by their words in nine of ten cases."""
    draw = random.Random(1)  # noqa: S311 - nothing secret hangs on it
    by_day: dict[datetime, list[Paper]] = {}
    for paper in papers:
        by_day.setdefault(paper.first_seen, []).append(paper)
    voted = [
        paper
        for _, some in sorted(by_day.items())
        for paper in draw.sample(some, min(daily, len(some)))
    ][:most]
    thumbs = [
        Thumb.UP if (LIKED.search(paper.text) is not None) == (draw.random() < 0.9) else Thumb.DOWN
        for paper in voted
    ]
    return History(papers, voted, thumbs, [one.first_seen + timedelta(hours=2) for one in voted])


def main() -> int:
    """Replay every load once, and print processor time, which depends least on other load."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, help="the folder with arxiv-readers")
    folder = data_folder(parser.parse_args().data)
    there = (folder / "arxiv-readers").is_dir()
    papers = real(folder) if there else made()
    print(f"{len(papers)} papers, {'of arXiv' if there else 'made of sample sentences'}")
    for name, daily in LOADS.items():
        past = history(papers, daily)
        started = time.process_time()
        report = evaluate(TfidfRanker(), past)
        took = time.process_time() - started
        print(f"{name}: {took:.1f} s for {report.votes} thumbs, {report.days} days")
    return 0


if __name__ == "__main__":
    sys.exit(main())
