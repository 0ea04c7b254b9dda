"""Measures the daemon reading a large dump: papers a second, memory, and how long feeds take.

    python -m bench.ingest [--papers 10000]

`larkpost serve` as it is, with a reader's Atom feed of 50 entries in SQLite, asked for over and
over while the dump is read. Papers are made of shuffled words of the sample, about 480 bytes each:
200,000 of them are 95 MB. Memory is the most the daemon has had (VmHWM), before and after.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.request import urlopen

from bench.editions import papers
from bench.feeds_http import larkpost, populated

if TYPE_CHECKING:
    from larkpost.settings import Places

CALM = 200  # requests before the dump is there
SETTLE = 1.0  # seconds


@dataclass(frozen=True)
class Found:
    """What one run came to; times of requests in seconds, memory in MB."""

    size: float
    seconds: float
    before: float
    peak: float
    calm: list[float]
    busy: list[float]


def write_dump(file: Path, count: int) -> float:
    """Write a page of so many papers, no two alike; gives its size in MB."""
    dice = random.Random(7)  # noqa: S311 - the same dump on every run
    words = sorted({word for one in papers() for word in one.abstract.split()})
    with file.open("w", encoding="utf-8") as page:
        page.write("Daily Papers\n\nAug 7\n\n")
        for number in range(count):
            title = " ".join(dice.choices(words, k=8)).replace(".", "")
            abstract = " ".join(dice.choices(words, k=40))
            page.write(f"{title} {number}\n\n{abstract}.\n\n")
    return file.stat().st_size / 1e6


def measure(count: int) -> Found:
    """Have a daemon read a dump of so many papers, and ask it for a feed meanwhile."""
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        program, key = populated(home)
        program.store.close()
        dump = Path(folder) / "dump.txt"
        size = write_dump(dump, count)
        os.environ |= {
            "LARKPOST_TICK__SECONDS": "0.5",
            "LARKPOST_INBOX__SETTLE_SECONDS": str(SETTLE),
        }
        with larkpost(home, key) as daemon:
            calm = [asked(daemon.address) for _ in range(CALM)]
            before = memory(daemon.pid)
            os.utime(dump)
            dump.rename(program.places.inbox / dump.name)
            busy, seconds = until_read(program.places, dump.name, daemon.address)
            return Found(size, seconds - SETTLE, before, memory(daemon.pid), calm, busy)


def until_read(places: Places, name: str, address: str) -> tuple[list[float], float]:
    """Ask for the feed until the dump has been moved; raises SystemExit where it was refused."""
    times, begun = [], time.perf_counter()
    while not (places.done / name).exists():
        if (places.bad / name).exists():
            raise SystemExit((places.bad / f"{name}.why").read_text("utf-8"))
        times.append(asked(address))
    return times, time.perf_counter() - begun


def asked(address: str) -> float:
    """Ask for the feed, whole; gives the seconds it took."""
    begun = time.perf_counter()
    with urlopen(address, timeout=60) as answer:  # noqa: S310 - loopback
        answer.read()
    return time.perf_counter() - begun


def memory(pid: int) -> float:
    """Read the largest size that a process has had, in MB (proc(5), VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if "VmHWM" in line)) / 1e3


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--papers", type=int, default=10_000)
    count = arguments.parse_args().papers
    found = measure(count)
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


if __name__ == "__main__":
    main()
