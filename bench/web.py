"""Measures what each route costs, and lists its limits.

    python -m bench.web [--papers 10000] [--rounds 5] [--data FOLDER] [--json]

It runs the real application on a SQLite home with so many papers, 100 per day, a fitted model, and
a reader with 50 editions and 200 thumbs. "first" is the first visit, "warm" the median of the later
ones, each with other papers, words and thumbs, in milliseconds of processor time of this process. A
visit may cost more than 100 ms for a visitor, or 500 ms for a reader, only if there is a rate
limit: per network and minute ("a minute"), or one of the page's own ("turns"). It exits with 1 if a
visit breaks this rule, a response is unexpected, or a route has no visit here.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.support.readers import data_folder
from bench.support.web_visits import VISITS, Visit
from bench.support.web_world import BASE, NOW, world
from starlette.testclient import TestClient

from larkpost.web import ROUTES, app

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.support.web_world import World
    from starlette.routing import Route

    from larkpost.web.limits.rate_limit import RouteLimits

MOST = {"visitor": 100.0, "reader": 500.0}  # milliseconds


@dataclass(frozen=True)
class Measured:
    """A route and method: its users, its limits, and its cost in milliseconds.

    ``a_minute`` is the rate limit of a network, 0 for none; ``body`` is in bytes.
    """

    route: str
    method: str
    who: str
    first: float
    warm: float
    a_minute: int
    queued: bool
    kept: bool
    body: int
    body_seconds: float
    turns: str
    statuses: tuple[int, ...]
    wrong: bool

    @property
    def breach(self) -> bool:
        """Return whether it costs too much for a route without a limit."""
        return not (self.a_minute or self.turns) and max(self.first, self.warm) > MOST[self.who]


def uncovered(routes: Sequence[Route]) -> list[str]:
    """List the methods of routes that have no visit here."""
    covered = {(one.route, one.method) for one in VISITS}
    return [
        f"{method} {route.path}"
        for route in routes
        for method in sorted((route.methods or set()) - {"HEAD"})
        if (route.path, method) not in covered
    ]


def measure(count: int, rounds: int, folder: Path) -> tuple[int, list[Measured]]:
    """Visit every route so often; returns the number of papers, and the results."""
    with TemporaryDirectory() as home, world(Path(home), count, folder) as made:
        program = made.program
        program.spaces.refresh(program.store, program.ranker, now=NOW)
        program.spaces.newest(program.store, program.ranker)
        with TestClient(
            app(program, clock=lambda: NOW), base_url=BASE, follow_redirects=False
        ) as client:
            client.get("/healthz")  # the templates and the event loop
            routes = {route.path: route for route in ROUTES}
            found = [_visited(client, made, routes[one.route], one, rounds) for one in VISITS]
        return made.papers, found


def _visited(client: TestClient, made: World, route: Route, visit: Visit, rounds: int) -> Measured:
    times, statuses = zip(*_costs(client, made, visit, rounds), strict=True)
    limits: RouteLimits = route.endpoint.limits  # type: ignore[attr-defined]  # of every endpoint
    measured = limits.measure
    body = limits.largest_body if "POST" in (route.methods or set()) else 0
    return Measured(
        route.path,
        visit.method,
        visit.who,
        round(times[0], 1),
        round(statistics.median(times[1:]), 1),
        measured.most if measured else 0,
        measured.costly if measured else False,
        limits.cached,
        body,
        limits.body_seconds if body else 0,
        visit.turns,
        tuple(sorted(set(statuses))),
        set(statuses) != {visit.status},
    )


def _costs(
    client: TestClient, made: World, visit: Visit, rounds: int
) -> Iterator[tuple[float, int]]:
    """Make a new request each time; returns milliseconds and the status."""
    for number in range(rounds + 1):
        path, form = visit.ask(made, number)
        begun = time.process_time()
        answer = client.request(visit.method, path, data=form)
        yield (time.process_time() - begun) * 1e3, answer.status_code


def show(papers: int, found: Sequence[Measured]) -> None:
    """Print the table."""
    print(f"{papers:,} papers; milliseconds of processor time")
    print(
        f"{'route':44} {'':4} {'whose':7} {'first':>8} {'warm':>7}"
        f" {'a minute':>8} {'queue':5} {'kept':4} {'body':>8}  turns"
    )
    for one in found:
        body = f"{one.body // 1024} kB/{one.body_seconds:.0f}s" if one.body else "none"
        marks = " <- costs too much" * one.breach + f" <- answered {one.statuses}" * one.wrong
        print(
            f"{one.route:44} {one.method:4} {one.who:7} {one.first:8.1f} {one.warm:7.1f}"
            f" {one.a_minute or '-':>8} {'yes' if one.queued else '-':5}"
            f" {'yes' if one.kept else '-':4} {body:>8}  {one.turns or '-'}{marks}"
        )


def main() -> int:
    """Measure and print; returns 1 if a rule is broken."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--papers", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--data", type=Path, help="the folder with arxiv-background")
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    if missing := uncovered(ROUTES):
        print(f"no visit is written for: {', '.join(missing)}", file=sys.stderr)
        return 1
    papers, found = measure(given.papers, given.rounds, data_folder(given.data))
    if given.json:
        told = [asdict(one) | {"breach": one.breach} for one in found]
        print(json.dumps({"papers": papers, "routes": told}, indent=1))
    else:
        show(papers, found)
    return int(any(one.breach or one.wrong for one in found))


if __name__ == "__main__":
    sys.exit(main())
