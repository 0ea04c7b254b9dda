"""Lists the limits of a route, for the benchmark and the tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from larkpost.web.limits.rate_limit import RateLimit


@dataclass(frozen=True, slots=True)
class RouteLimits:
    """The largest body in bytes, the seconds a body may take, and how often a network may come.

    Every endpoint has them as its ``limits``. ``cached``: answers are kept and given again while
    the database holds what it held.
    """

    largest_body: int
    body_seconds: float
    measure: RateLimit | None = None
    cached: bool = False
