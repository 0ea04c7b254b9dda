"""Measures cost per reader and day in a month at the start and the end of a year, and memory.

python -m bench.year_cost [--data FOLDER] [--readers N] [--json FILE]
python -m bench.year_cost --quick            on generated papers, fewer days

A hundred papers come per day, and readers give thumbs every day. A month of days runs in a process
that does what the daemon does: ingest papers, fit a model in a child process, publish editions,
record thumbs. Its first day, on which it reads everything, is the cost of a restart; the others
contain at least one fit, however many papers there are.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

# Before numpy: the threads of OpenBLAS spin while they wait, which doubled the measured time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from bench.closed_loop.stream import WEEKDAYS, make_stream, morning, read_stream
from bench.support.process_cost import megabytes, peak_megabytes
from bench.support.readers import data_folder

from larkpost.db import editions, migrations, papers, votes
from larkpost.db.engine import Store
from larkpost.domain import Identifier, PaperRecord, Thumb, Vote
from larkpost.editions.fit_model import FitApart
from larkpost.editions.model_cache import ModelCache
from larkpost.editions.publish import PublishContext, publish_due
from larkpost.readers import subscriptions
from larkpost.settings.model import RankingSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.closed_loop.readers import Draw

MORNINGS = 23  # the first day is the restart, the others a cycle of fits at 20,000 papers
START, END, QUICK_END = 20, 200, 30  # days of papers in the database
SHOWN = 10  # papers per day that a reader saw before the measured days
FLAT = 1.2  # the cost is flat up to this multiple of the cost at the start
MOST_MEGABYTES = 300


def build(store: Store, draw: Draw, first: int, end: int) -> None:
    """Fill days with papers, and with each reader's thumbs on relevant papers and others."""
    for day in range(first, end):
        drafts = [_draft(draw, number) for number in draw.stream.announced(day)]
        with store.begin() as connection:
            taken = papers.absorb(connection, drafts, now=morning(day))
            ids = dict(
                zip(draw.stream.announced(day), (one.paper_id for one in taken), strict=True)
            )
            for reader, person in enumerate(draw.people, 1):
                relevant = person.relevant(day)
                shown = sorted(ids, key=lambda number: not relevant[number])[:SHOWN]
                given = [(ids[one], person.press(one, day)) for one in shown]
                at = morning(day) + timedelta(hours=2)
                cast = [Vote(reader, one, thumb, at, "bench") for one, thumb in given if thumb]
                votes.cast_many(connection, cast)


def _draft(draw: Draw, number: int) -> PaperRecord:
    title, abstract, categories = draw.stream.documents[number]
    return PaperRecord(title, abstract, (Identifier("bench", str(number)),), categories=categories)


def measure(file: Path, draw: Draw, first: int) -> dict[str, Any]:
    """Run days in a separate process; returns their costs."""
    days = range(first, first + MORNINGS)
    told = {
        "file": str(file),
        "first": first,
        "days": [[list(draw.stream.documents[n]) for n in draw.stream.announced(d)] for d in days],
        "presses": [
            {
                str(n): int(thumb)
                for day in days
                for n in draw.stream.announced(day)
                if (thumb := person.press(n, day))
            }
            for person in draw.people
        ],
    }
    command = [sys.executable, "-m", "bench.year_cost", "--mornings"]
    done = subprocess.run(  # noqa: S603 - ourselves
        command, input=json.dumps(told), capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def live(told: dict[str, Any]) -> dict[str, Any]:
    """Run days as the daemon does; returns the cost of each, and the memory."""
    import larkpost.serve  # noqa: F401 - it counts in a daemon's memory
    from larkpost.garbage_collection import CollectionPauses
    from larkpost.ranking import TfidfRanker
    from larkpost.serve.freed_memory import limit_kept_memory, return_freed_memory

    limit_kept_memory()
    ships = RankingSettings()
    store, first = Store(f"sqlite:///{told['file']}"), told["first"]
    spaces, ranker = (
        ModelCache(FitApart()),
        TfidfRanker(accurate=ships.mode == "accurate"),
    )
    window = timedelta(days=ships.window_days)
    newsroom = PublishContext(
        store, ranker, window, "example.org", ships.exploration, spaces=spaces
    )
    del told["file"]
    costs, fits, held, pauses = [], [], [], CollectionPauses()
    numbers: dict[int, str] = {}
    for day, documents in enumerate(told["days"], first):
        drafts = [
            PaperRecord(title, abstract, (Identifier("bench", str(number)),), categories=tuple(of))
            for number, (title, abstract, of) in enumerate(documents, day * len(documents))
        ]
        with store.begin() as connection:
            for draft, one in zip(
                drafts, papers.absorb(connection, drafts, now=morning(day)), strict=True
            ):
                numbers[one.paper_id] = draft.identifiers[0].value
        began, fitted = _seconds(resource.RUSAGE_SELF), _seconds(resource.RUSAGE_CHILDREN)
        now = morning(day) + timedelta(hours=1)
        spaces.refresh(store, ranker, now=now)
        publish_due(newsroom, now=now)
        return_freed_memory()  # as the daemon does every ten minutes
        costs.append(_seconds(resource.RUSAGE_SELF) - began)
        fits.append(_seconds(resource.RUSAGE_CHILDREN) - fitted)
        held.append(megabytes())
        pauses.shorten()  # as after the daemon's ticks
        _press(store, told["presses"], numbers, day)
    return {
        "restart_ms": 1000 * costs[0],
        "morning_ms": [1000 * one for one in costs[1:]],
        "fit_ms": [1000 * one for one in fits[1:]],
        "megabytes": max(held),
        "peak_megabytes": peak_megabytes(),
    }


def _press(
    store: Store, presses: Sequence[dict[str, int]], numbers: dict[int, str], day: int
) -> None:
    """Record the thumbs of a day on the papers of its editions."""
    at = morning(day) + timedelta(hours=2)
    with store.begin() as connection:
        for reader, mine in enumerate(presses, 1):
            issued = editions.on(connection, reader, morning(day).date())
            for pick in issued.picks if issued else ():
                if thumb := mine.get(numbers.get(pick.paper.id, "")):
                    votes.cast(connection, Vote(reader, pick.paper.id, Thumb(thumb), at, "bench"))


def _seconds(whose: int) -> float:
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


def run(draw: Draw, end: int) -> dict[str, Any]:
    """Build the year, and measure days at its start and its end."""
    readers = len(draw.people)
    with TemporaryDirectory(prefix="larkpost-year-") as folder:
        file = Path(folder) / "larkpost.db"
        migrations.make_file(file)
        store = Store(f"sqlite:///{file}")
        migrations.upgrade(store)
        for person in draw.people:
            subscriptions.add(
                store,
                None,
                now=morning(0),
                words=person.words,
                uid=f"year-{person.number}",
                weekdays=WEEKDAYS,
            )
        points: dict[str, Any] = {}
        done = 0
        for name, day in (("start", START), ("end", end)):
            build(store, draw, done, day)
            with store.read() as connection:
                counts = {"papers": papers.count(connection), "votes": votes.count(connection)}
            began = time.monotonic()
            points[name] = counts | _per_reader(measure(file, draw, day), readers)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
            done = day + MORNINGS
        store.close()
    start, last = points["start"], points["end"]
    return points | {
        "readers": readers,
        "times": {name: last[name] / start[name] for name in ("ms_a_reader", "with_fits")},
    }


def _per_reader(cost: dict[str, Any], readers: int) -> dict[str, float]:
    mornings = len(cost["morning_ms"])
    own, fits = (sum(cost[name]) / mornings / readers for name in ("morning_ms", "fit_ms"))
    return {
        "ms_a_reader": own,
        "fits_ms_a_reader": fits,
        "with_fits": own + fits,
        "restart_ms_a_reader": cost["restart_ms"] / readers,
        "megabytes": cost["megabytes"],
        "peak_megabytes": cost["peak_megabytes"],
    }


def report(told: dict[str, Any]) -> str:
    """Format the figures as Markdown."""
    head = "| | papers | thumbs a reader | ms a reader | fits | after a restart | MB | peak |"
    rows = [head, "|---" * 8 + "|"]
    for name in ("start", "end"):
        one = told[name]
        votes_each = one["votes"] / told["readers"]
        times = ("ms_a_reader", "fits_ms_a_reader", "restart_ms_a_reader")
        figures = [f"{one[what]:.1f}" for what in times]
        memory = [f"{one[what]:.0f}" for what in ("megabytes", "peak_megabytes")]
        cells = [name, str(one["papers"]), f"{votes_each:.0f}", *figures, *memory]
        rows.append(f"| {' | '.join(cells)} |")
    own, whole = told["times"]["ms_a_reader"], told["times"]["with_fits"]
    flat = "flat" if max(own, whole) <= FLAT else "not flat"
    under = "under" if told["end"]["peak_megabytes"] < MOST_MEGABYTES else "over"
    cost = f"At the end a morning costs a reader {own:.2f} times what it did, with fits {whole:.2f}"
    rows += ["", f"{cost}: {flat} (goal: {FLAT}).", f"Memory: {under} {MOST_MEGABYTES} MB."]
    return "\n".join(rows)


def main() -> int:
    """Run the measurements that the command line selects."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, help="the folder with arxiv-background")
    parser.add_argument("--readers", type=int, default=12)
    parser.add_argument("--json", type=Path, help="write every figure here")
    parser.add_argument("--quick", action="store_true", help="few days, papers that are made")
    parser.add_argument("--mornings", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.mornings:
        print(json.dumps(live(json.load(sys.stdin))))
        return 0
    from bench.closed_loop.readers import draw_all  # not in the measured process: 60 MB

    folder = data_folder(asked.data) / "arxiv-background"
    end = QUICK_END + MORNINGS if asked.quick else END
    if not asked.quick and not folder.is_dir():
        print(f"skipped: no papers in {folder} (see --data and LARKPOST_BENCH_DATA)")
        return 0
    stream = make_stream(end + MORNINGS) if asked.quick else read_stream(folder)
    (draw,) = draw_all(stream, [0], asked.readers, end + MORNINGS)
    told = run(draw, end)
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    print(report(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
