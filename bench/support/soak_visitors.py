"""Honest visitors: their requests, how long these take, and whether any was refused."""

from __future__ import annotations

import contextlib
import http.client
import random
import statistics
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

EACH = 1.0  # seconds between a visitor's requests, times 0.5 to 1.5: nobody reads faster
PATIENCE = 30.0
WELCOME = frozenset({200, 303, 304})


class Errand(NamedTuple):
    """A named request; with a form it is a POST."""

    name: str
    path: str
    form: Mapping[str, str] | None = None


@dataclass
class Visits:
    """The results of visits: seconds by errand, and refused requests."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[float]:
        """Return the seconds of all visits, the shortest first."""
        return sorted(taken for some in self.seconds.values() for taken in some)

    def p99(self) -> float:
        """Return the seconds below which 99 of 100 visits took."""
        return percentile(self.all, 99)


def percentile(times: Sequence[float], of_100: int) -> float:
    """Return a percentile of times (nearest rank); 0 if there are none."""
    if not times:
        return 0.0
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * of_100 // 100) - 1))]


def median(times: Sequence[float]) -> float:
    """Return the median; 0 if there are none."""
    return statistics.median(times) if times else 0.0


@contextlib.contextmanager
def visiting(port: int, errands: Sequence[Errand], *, visitors: int) -> Iterator[Visits]:
    """Let so many visitors run their errands in the context, each from its own network."""
    found, over = Visits({one.name: [] for one in errands}), threading.Event()
    threads = [
        threading.Thread(target=_visit, args=(port, errands, number, over, found))
        for number in range(visitors)
    ]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE * 2)


def _visit(
    port: int, errands: Sequence[Errand], number: int, over: threading.Event, found: Visits
) -> None:
    turn, chance = number, random.Random(number)  # noqa: S311 - so that they are not synchronous
    while not over.wait(EACH * chance.uniform(0.5, 1.5)):
        errand = errands[turn % len(errands)]
        turn += 1
        begun = time.perf_counter()
        answer = ask(port, f"127.0.1.{number + 1}", errand)
        found.seconds[errand.name].append(time.perf_counter() - begun)
        if answer not in {str(status) for status in WELCOME}:
            found.refused.append(f"{errand.name}: {answer}")


def ask(port: int, network: str, errand: Errand) -> str:
    """Send a request on a new connection; returns the status, or the error."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=PATIENCE, source_address=(network, 0)
    )
    try:
        if errand.form is None:
            connection.request("GET", errand.path)
        else:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", errand.path, urlencode(errand.form), headers)
        answer = connection.getresponse()
        answer.read()
        return str(answer.status)
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
