"""Measures the start-up cost of commands: CPU time relative to bare Python.

Usage: python -m bench.startup [--rounds 21] [--json]

It measures the CPU time (user and system) of child processes, as the system counts it. Each round
calls every command right after its reference, so that both have the same load; ratios are medians
over these pairs. The goals: ``--help`` at most 5 times ``python -c pass``; ``status``, ``vote``
and ``reader list`` at most 1.5 times importing click, SQLAlchemy and pydantic-settings.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING

from larkpost.packaged_files import shipped_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOTHING = (sys.executable, "-c", "pass")
LIBRARIES = (sys.executable, "-c", "import click, sqlalchemy, pydantic_settings")
READER = "ann@example.org"
LARKPOST = (sys.executable, "-c", "from larkpost.cli import main; main()")  # as its script does


@dataclass(frozen=True, slots=True)
class Goal:
    """A command, its reference, and the largest allowed ratio of their costs."""

    name: str
    command: Sequence[str]
    measure: Sequence[str]
    most: float


GOALS = (
    Goal("--help", ("--help",), NOTHING, 5.0),
    Goal("status", ("status",), LIBRARIES, 1.5),
    Goal("vote", ("vote", READER, "1", "up"), LIBRARIES, 1.5),
    Goal("reader list", ("reader", "list"), LIBRARIES, 1.5),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Median CPU milliseconds of a command and its reference; ``ratio`` is that of the pairs."""

    command: str
    milliseconds: float
    measure_milliseconds: float
    ratio: float
    most: float

    @property
    def good(self) -> bool:
        """Whether the goal is met."""
        return self.ratio <= self.most


def cpu_seconds(command: Sequence[str], environ: Mapping[str, str]) -> float:
    """Run a command; returns its CPU time and its children's. Raises CalledProcessError."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - our own program
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(rounds: int, environ: Mapping[str, str]) -> list[Cost]:
    """Measure every goal so many times, each call next to its reference."""
    pairs: dict[str, list[tuple[float, float]]] = {goal.name: [] for goal in GOALS}
    for _ in range(rounds):
        for goal in GOALS:
            bare = cpu_seconds(goal.measure, environ)
            pairs[goal.name].append((cpu_seconds([*LARKPOST, *goal.command], environ), bare))
    return [_cost(goal, pairs[goal.name]) for goal in GOALS]


def _cost(goal: Goal, pairs: Sequence[tuple[float, float]]) -> Cost:
    return Cost(
        goal.name,
        milliseconds=round(1000 * median(ours for ours, _ in pairs), 1),
        measure_milliseconds=round(1000 * median(bare for _, bare in pairs), 1),
        ratio=round(median(ours / bare for ours, bare in pairs), 2),
        most=goal.most,
    )


def furnish(environ: Mapping[str, str]) -> None:
    """Fill the home with the sample, a reader and an edition; this also compiles all code."""
    dump = next(iter(sorted(shipped_path("seeds").glob("*.txt"))))
    for call in (("ingest", str(dump)), ("reader", "add", READER), ("publish", READER)):
        cpu_seconds([*LARKPOST, *call], environ)
    for goal in GOALS:
        cpu_seconds([*LARKPOST, *goal.command], environ)


def main() -> int:
    """Measure and print a table, or JSON; exit with 1 if a goal is missed."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=21)
    arguments.add_argument("--json", action="store_true", help="print one JSON object a line")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as home:
        environ = {**os.environ, "LARKPOST_HOME": home}
        furnish(environ)
        costs = measure(given.rounds, environ)
    for cost in costs:
        if given.json:
            print(json.dumps(asdict(cost) | {"good": cost.good}))
        else:
            print(
                f"{cost.command:<12}{cost.milliseconds:>7.1f} ms of CPU, {cost.ratio:.2f} times"
                f" {cost.measure_milliseconds:.1f} ms (at most {cost.most:g})"
                f"{'' if cost.good else '  MISSED'}"
            )
    return 0 if all(cost.good for cost in costs) else 1


if __name__ == "__main__":
    sys.exit(main())
