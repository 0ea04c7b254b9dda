"""Measures the ranking in a closed loop: readers give thumbs on the papers of their editions.

python -m bench.loop [--readers N] [--draws N] [--days N] [--json FILE]    against the peers
python -m bench.loop --tuning                on draws for tuning, which are never reported
python -m bench.loop --year                  225 days of ours, with the cost per day
python -m bench.loop --quick                 one minute, on generated papers

Each system runs in its own loop, with the same readers, papers and draws.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: one core, as in the goals

from bench.closed_loop import systems
from bench.closed_loop.measures import ORACLE, OURS, cells, chances, changes, summary
from bench.closed_loop.ours import Cost, Ours, home
from bench.closed_loop.readers import REPORTED, draw_all
from bench.closed_loop.record import live
from bench.closed_loop.stream import make_stream, read_stream
from bench.closed_loop.tables import against_goals, cost_table, months, tables
from bench.support.process_cost import processor_seconds
from bench.support.readers import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bench.closed_loop.readers import Draw
    from bench.closed_loop.record import Record
    from bench.closed_loop.stream import Stream
    from bench.closed_loop.systems import System

NEWEST, SVM = "newest first", "arxiv-sanity-lite"
BESIDE: Mapping[str, Callable[[Draw], System]] = {
    NEWEST: systems.newest,
    "Rocchio, beta .25": systems.rocchio,
    SVM: systems.sanity_lite,
    "logistic regression with background": systems.logistic,
    ORACLE: systems.Oracle,
}
YEAR = 225  # weekdays
USUAL, QUICK = (36, 2, 40), (8, 1, 12)  # readers, draws, days
YEARLY = (12, 1, YEAR)
QUICK_DAILY = 60  # papers


class Run:
    """The loops of several systems on several draws, and the cost of ours."""

    def __init__(self, names: Iterable[str], *, apart: bool = False) -> None:
        self._apart = apart
        self.names = [OURS, *names]
        self.records: dict[str, list[Record]] = defaultdict(list)
        self.cost: list[Cost] = []
        self.seconds: dict[str, float] = defaultdict(float)  # of processor time

    def live(self, draw: Draw) -> None:
        """Simulate a draw's readers with our system, then with each of the others."""
        for name in self.names:
            began = processor_seconds()
            if name == OURS:
                with home() as store:
                    ours = Ours(draw, store, apart=self._apart)
                    record = live(draw, name, ours)
                self.cost.append(ours.cost)
            else:
                record = live(draw, name, BESIDE[name](draw))
            self.records[name].append(record)
            took = processor_seconds() - began
            self.seconds[name] += took
            print(f"draw {draw.number}, {name}: {took:.0f} s of CPU", file=sys.stderr)

    def told(self) -> dict[str, Any]:
        """Return every figure."""
        readers = len(self.records[OURS][0].shown)
        return {
            "draws": [one.draw.number for one in self.records[OURS]],
            "readers": readers,
            "days": self.records[OURS][0].draw.stream.days,
            "lines": summary(cells(self.records)),
            "changes": changes(self.records),
            "chances": chances(self.records[OURS]),
            "cpu_seconds": {name: round(took, 1) for name, took in self.seconds.items()},
            "cost": [months(one, readers) for one in self.cost],
        }


def run(
    stream: Stream,
    numbers: Sequence[int],
    readers: int,
    days: int,
    names: Iterable[str] = BESIDE,
    *,
    apart: bool = False,
) -> dict[str, Any]:
    """Draw readers for each number, simulate ours and the named systems, return the figures.

    If ``apart``, ours fits models in processes of their own, as the daemon does. Raises ValueError
    if the stream has fewer days.
    """
    ran = Run(names, apart=apart)
    for draw in draw_all(stream, numbers, readers, days):
        ran.live(draw)
    return ran.told()


def report(told: Mapping[str, Any], *, cost: bool) -> str:
    """Format the figures of a run as Markdown."""
    draws = ", ".join(map(str, told["draws"]))
    head = f"{told['readers']} readers a draw, draws {draws}, {told['days']} days"
    took = ", ".join(f"{name} {n:.0f} s" for name, n in told["cpu_seconds"].items())
    parts = [
        head,
        f"CPU: {took}",
        tables(told["lines"], told["changes"], told["chances"]),
        against_goals(told["lines"], told["changes"]),
    ]
    return "\n".join([*parts, *(map(cost_table, told["cost"]) if cost else ())])


def _count(text: str) -> int:
    """Parse a count; raises ArgumentTypeError if it is below one."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def main() -> int:
    """Run the measurements that the command line selects."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, help="the folder with arxiv-background")
    parser.add_argument("--readers", type=_count, help="readers a draw")
    parser.add_argument("--draws", type=_count, help="draws, each of other readers and days")
    parser.add_argument("--days", type=_count, help="weekdays that a loop lasts")
    parser.add_argument("--json", type=Path, help="write every figure here")
    parser.add_argument("--tuning", action="store_true", help="take draws to tune on")
    parser.add_argument("--peers", action="store_true", help="with --year: every peer, for hours")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--year", action="store_true", help="225 days, and what mornings cost")
    size.add_argument("--quick", action="store_true", help="few readers, papers that are made")
    asked = parser.parse_args()
    usual = YEARLY if asked.year else QUICK if asked.quick else USUAL
    wished = asked.readers, asked.draws, asked.days
    readers, draws, days = (one or other for one, other in zip(wished, usual, strict=True))
    folder = data_folder(asked.data) / "arxiv-background"
    if asked.quick:
        stream = make_stream(days, QUICK_DAILY)
    elif folder.is_dir():
        stream = read_stream(folder)
    else:
        print(f"skipped: no papers in {folder} (see --data and LARKPOST_BENCH_DATA)")
        return 0
    if not 2 <= days <= stream.days:
        parser.error(f"a loop lasts from 2 to {stream.days} days, not {days}")
    first = 0 if asked.tuning else REPORTED
    names = (NEWEST, ORACLE) if asked.year and not asked.peers else BESIDE
    told = run(stream, range(first, first + draws), readers, days, names, apart=asked.year)
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    print(report(told, cost=asked.year))
    return 0


if __name__ == "__main__":
    sys.exit(main())
