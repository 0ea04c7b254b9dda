"""Tests the benchmark of the web: it visits every route, and reports costly ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bench.web import Measured, uncovered
from starlette.routing import Route

from larkpost.web import ROUTES

ONE = Measured(
    route="/archive",
    method="GET",
    who="visitor",
    first=99.0,
    warm=20.0,
    a_minute=0,
    queued=False,
    kept=False,
    body=0,
    body_seconds=0,
    turns="",
    statuses=(200,),
    wrong=False,
)


def test_every_route_and_method_is_visited() -> None:
    assert uncovered(ROUTES) == []


def test_a_new_route_without_a_visit_is_named() -> None:
    new = Route("/new", lambda _request: None, methods=["GET", "POST"])

    assert uncovered([*ROUTES, new]) == ["GET /new", "POST /new"]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_every_route_says_what_limits_it_has(route: Route) -> None:
    limits = route.endpoint.limits  # type: ignore[attr-defined]  # of every endpoint

    assert limits.largest_body > 0 or "POST" not in (route.methods or ())
    assert limits.measure is None or limits.measure.most > 0


@pytest.mark.parametrize(
    ("who", "milliseconds", "a_minute", "breach"),
    [
        ("visitor", 100.0, 0, False),
        ("visitor", 100.1, 0, True),
        ("visitor", 100.1, 60, False),
        ("reader", 500.0, 0, False),
        ("reader", 500.1, 0, True),
    ],
)
def test_what_costs_too_much_without_a_measure_is_a_breach(
    who: str, milliseconds: float, a_minute: int, *, breach: bool
) -> None:
    one = replace(ONE, who=who, a_minute=a_minute)

    assert replace(one, first=milliseconds).breach is breach
    assert replace(one, warm=milliseconds).breach is breach
