"""File descriptors: how many connections may take, so that the daemon's own work finds some."""

from __future__ import annotations

import resource

from larkpost import logs
from larkpost.log_events import LogEvent
from larkpost.web.limits.connections import MOST_CONNECTIONS

# For the tick and the post: databases, dumps, letters, mail servers, files that visitors bring.
RESERVE = 192

_log = logs.get_logger("larkpost.serve")


def connections_at_most() -> int:
    """Say how many connections may be open beside a reserve of descriptors.

    The soft limit of this process (RLIMIT_NOFILE) is raised as far as that needs and the hard one
    lets. Of a low limit connections take a quarter.
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
    except (OSError, ValueError):  # some systems have a limit of their own beside these
        return soft
    return raised
