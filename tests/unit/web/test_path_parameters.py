"""Tests that the router takes little time, whatever the path: it runs in the event loop."""

from __future__ import annotations

import re

import pytest
from starlette.routing import Match
from tests.helpers.timing import assert_grows_less_than, cpu_seconds

from larkpost.web import ROUTES

UNITS = (".", "a", "a.", ".a", "a/", "./", "-", "1", "%")
SIZE = 4_000  # characters of each parameter; the longest head has 32 kB
SLOW = 0.002  # seconds; quadratic time is far more, and what is quicker is not weighed
_PARAMETER = re.compile(r"{\w+(?::\w+)?}")
PATHS = [route.path for route in ROUTES if _PARAMETER.search(route.path)]


@pytest.mark.parametrize("path", PATHS)
def test_a_long_path_is_matched_in_time_proportional_to_its_length(path: str) -> None:
    def seconds(unit: str, size: int) -> float:
        long = _PARAMETER.sub(lambda _: unit * (size // len(unit)), path)
        tried = (long, f"{long}/x", f"{long}.x", f"{long}\n")

        def match_all() -> None:
            for one in tried:
                for other in ROUTES:
                    other.matches({"type": "http", "path": one, "method": "GET"})

        return cpu_seconds(match_all)

    for unit in UNITS:
        if seconds(unit, SIZE) < SLOW * len(ROUTES):
            continue

        def ratio(unit: str = unit) -> float:
            return seconds(unit, 2 * SIZE) / max(seconds(unit, SIZE), SLOW)

        assert_grows_less_than(ratio, 3.0)


@pytest.mark.parametrize(
    "path", ["/feed/a.b.rss", "/feed/a/b.c.rss", "/archive/2026-08.x.rss", "/trending.a.rss"]
)
def test_a_full_stop_within_a_name_matches_no_feed(path: str) -> None:
    scope = {"type": "http", "path": path, "method": "GET"}
    feeds = [route for route in ROUTES if route.path.endswith(".{form:name}")]
    assert feeds
    assert {route.matches(scope)[0] for route in feeds} == {Match.NONE}
