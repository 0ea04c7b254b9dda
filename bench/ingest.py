"""Measures how dumps and votes are read: speed, memory, delay of feeds, time on hostile text.

    python -m bench.ingest [--papers 10000] [--part speed] [--rounds 3] [--json]
    python -m bench.ingest --part speed --dump FILE.jsonl
    python -m bench.ingest --part votes [--votes 20000]
    python -m bench.ingest --part dump [--words 40] [--lines]
    python -m bench.ingest --part hostile [--kilobytes 100] [--text "combining marks"]

`speed` compares ingest, and `votes` the import of thumbs, with the minimal work
(bench/support/ingest_speed.py). To measure memory, run `speed` alone, with one round.

`dump`: an unchanged `larkpost serve` reads a large dump while a reader's Atom feed of 50 entries is
requested over and over. Papers consist of shuffled words of the sample, 40 per abstract, about 480
bytes each: 200,000 of them are 95 MB. With --words 5000 abstracts have the largest allowed size;
--lines writes JSON Lines. Memory is the daemon's peak (VmHWM), before and after.

`hostile`: hostile texts (bench/support/hostile.py) are read at n, 2n and 4n bytes, the sizes in
turn, in one process; the shortest round counts. The exponent e of t = c * n^e is 1 for linear time.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import structlog
from bench.feeds_http import larkpost, populated
from bench.support.hostile import UNITS, Growth, growths
from bench.support.ingest_speed import (
    WORDS,
    Comparison,
    compare_ingest,
    measure_votes,
    memory,
    write_dump,
)

from larkpost.garbage_collection import collect_rarely

if TYPE_CHECKING:
    from larkpost.settings import HomePaths

CALM = 200  # requests before the dump arrives
SETTLE = 1.0  # seconds
SUSPICIOUS = 1.4  # an exponent
NOTICEABLE = 0.05  # below so many seconds an exponent is noise


@dataclass(frozen=True)
class Found:
    """The results of one run: times of requests in seconds, memory in MB."""

    size: float
    seconds: float
    before: float
    peak: float
    calm: list[float]
    busy: list[float]


def measure(count: int, *, words: int, lines: bool) -> Found:
    """Let a daemon read a dump of so many papers, and request a feed meanwhile."""
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        program, key = populated(home)
        program.store.close()
        dump = Path(folder) / ("dump.jsonl" if lines else "dump.txt")
        size = write_dump(dump, count, words=words, lines=lines)
        os.environ |= {
            "LARKPOST_SCHEDULER__INTERVAL_SECONDS": "0.5",
            "LARKPOST_INBOX__STABLE_SECONDS": str(SETTLE),
        }
        with larkpost(home, key) as daemon:
            calm = [asked(daemon.address) for _ in range(CALM)]
            before = memory(daemon.pid)
            os.utime(dump)
            dump.rename(program.places.inbox / dump.name)
            busy, seconds = until_read(program.places, dump.name, daemon.address)
            return Found(size, seconds - SETTLE, before, memory(daemon.pid), calm, busy)


def until_read(places: HomePaths, name: str, address: str) -> tuple[list[float], float]:
    """Request the feed until the dump has been moved; raises SystemExit if it was refused."""
    times, begun = [], time.perf_counter()
    while not (places.done / name).exists():
        if (places.bad / name).exists():
            raise SystemExit((places.bad / f"{name}.why").read_text("utf-8"))
        times.append(asked(address))
    return times, time.perf_counter() - begun


def asked(address: str) -> float:
    """Request the feed and read all of it; returns the seconds."""
    begun = time.perf_counter()
    with urlopen(address, timeout=60) as answer:  # noqa: S310 - loopback
        answer.read()
    return time.perf_counter() - begun


def show(count: int, found: Found) -> None:
    """Print the results of the large dump."""
    print(f"{count:,} papers, {found.size:,.0f} MB, read in {found.seconds:,.1f} s")
    print(f"{count / found.seconds:>10,.0f} papers a second")
    print(f"{found.peak:>10,.0f} MB of memory at most, {found.before:,.0f} before")
    for name, times in (("calm", found.calm), ("while reading", found.busy)):
        ninety_nine = statistics.quantiles(times, n=100)[98]
        told = [value * 1e3 for value in (statistics.median(times), ninety_nine, max(times))]
        median, late, slowest = told
        print(
            f"feed requests {name}: {len(times):,}, median {median:,.1f} ms,"
            f" 99 % under {late:,.1f} ms, slowest {slowest:,.1f} ms"
        )


def show_growth(one: Growth) -> None:
    """Print seconds at n, 2n and 4n, the ratios, and the exponent, marked if it is suspicious."""
    seconds = " ".join(f"{taken:8.3f}" for taken in one.seconds)
    ratios = " ".join(f"{ratio:5.1f}" for ratio in one.ratios)
    mark = " <-" if one.exponent > SUSPICIOUS and one.seconds[-1] > NOTICEABLE else ""
    name = f"{one.text:20} {one.layout:10} {one.reader:14}"
    print(f"{name} {seconds} {ratios} {one.exponent:6.2f}{mark}")


def show_comparison(what: str, one: Comparison) -> None:
    """Print how fast papers or votes were stored."""
    print(
        f"{one.count:,} {what}: {one.seconds:.2f} s of CPU, {one.rate:,.0f} a second,"
        f" {one.ratio:.0%} of the speed of the least ({one.least:.2f} s)"
    )
    if one.peak:
        print(f"{one.peak:>10,.0f} MB of memory at most")


def compare(given: argparse.Namespace, told: dict[str, Any]) -> None:
    """Compare reading papers, votes, or both, with the minimal work."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        if given.part in {None, "speed"}:
            dump = given.dump or folder / "dump.jsonl"
            if given.dump is None:
                write_dump(dump, given.papers, words=WORDS, lines=True)
            told["papers"] = compare_ingest(folder, dump, given.rounds)
        if given.part in {None, "votes"}:
            told["votes"] = measure_votes(folder, given.votes, given.rounds)
    for what in ("papers", "votes"):
        if one := told.get(what):
            told[what] = asdict(one) | {"rate": one.rate, "ratio": one.ratio}
            if not given.json:
                show_comparison(what, one)


def main() -> None:
    """Measure and print."""
    given = _arguments().parse_args()
    collect_rarely()  # as the commands do; the minimal work runs in this process, too
    # The daemon logs to its own file; ingest of hostile text would fill the output with its log.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    told: dict[str, Any] = {}
    if given.part in {None, "speed", "votes"}:
        compare(given, told)
    if given.part in {None, "dump"}:
        found = measure(given.papers, words=given.words, lines=given.lines)
        told["dump"] = {"papers": given.papers} | asdict(found)
        if not given.json:
            show(given.papers, found)
    if given.part in {None, "hostile"}:
        told["hostile"] = []
        for one in growths(given.kilobytes * 1_000, given.rounds, given.text or list(UNITS)):
            told["hostile"].append(asdict(one) | {"ratios": one.ratios, "exponent": one.exponent})
            if not given.json:
                show_growth(one)
    if given.json:
        print(json.dumps(told, indent=1))


def _arguments() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--papers", type=int, default=10_000)
    arguments.add_argument("--votes", type=int, default=20_000)
    arguments.add_argument("--dump", type=Path, help="JSON Lines of papers, for speed")
    arguments.add_argument("--words", type=int, default=40, help="of each abstract")
    arguments.add_argument("--lines", action="store_true", help="JSON Lines in place of a page")
    arguments.add_argument("--part", choices=("speed", "votes", "dump", "hostile"))
    arguments.add_argument("--kilobytes", type=int, default=100, help="n of the hostile texts")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--text", choices=UNITS, action="append", help="this one only")
    arguments.add_argument("--json", action="store_true")
    return arguments


if __name__ == "__main__":
    main()
