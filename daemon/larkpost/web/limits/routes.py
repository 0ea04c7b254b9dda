"""Lists the limits of a route, for the benchmark and the tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from starlette.routing import Route

    from larkpost.web.limits.rate_limit import RateLimit


@dataclass(frozen=True, slots=True)
class RouteLimits:
    """The largest body in bytes, the seconds a body may take, and how often a network may come.

    ``kept``: answers are kept and given again while the database holds what it held.
    """

    largest_body: int
    body_seconds: float
    measure: RateLimit | None = None
    cached: bool = False


_DECLARED: WeakKeyDictionary[Any, RouteLimits] = WeakKeyDictionary()


def declare(endpoint: Any, limits: RouteLimits) -> None:
    """Say what limits an endpoint has."""
    _DECLARED[endpoint] = limits


def limits_of(route: Route) -> RouteLimits:
    """Give the limits of a route; raises KeyError for one whose endpoint declares none."""
    return _DECLARED[route.endpoint]
