"""Divides file descriptors between connections and the daemon's own work."""

from __future__ import annotations

import resource

from larkpost import logs
from larkpost.log_events import LogEvent
from larkpost.web.limits.connections import MOST_CONNECTIONS

# For the tick and the post: databases, dumps, messages, mail servers, uploaded files.
RESERVE = 192

_log = logs.get_logger("larkpost.serve")


def connections_at_most() -> int:
    """Return how many connections may be open beside a reserve of descriptors.

    Raises the soft limit of this process (RLIMIT_NOFILE) as far as needed and allowed by the hard
    limit. Of a low limit connections get a quarter.
    """
    limit = _raise_limit(MOST_CONNECTIONS + RESERVE)
    most = min(MOST_CONNECTIONS, max(limit - RESERVE, limit // 4))
    if most < MOST_CONNECTIONS:
        _log.warning(LogEvent.CONNECTIONS_LIMITED, limit=limit, connections=most)
    return most


def _raise_limit(wanted: int) -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if raised <= soft:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    except (OSError, ValueError):  # some systems have another limit beside these
        return soft
    return raised
