"""Rate limits of hosts: arXiv asks for one request per three seconds, and one connection.

Source: arXiv's terms of use for its APIs (info.arxiv.org/help/api/tou.html). The limits apply to
all processes that share a database.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db.coordination import leases, rate_limits
from larkpost.errors import TryAgainLater

if TYPE_CHECKING:
    from larkpost.db.engine import Store

ARXIV = "arxiv.org"
ARXIV_PAUSE = timedelta(seconds=3)
_LOOK_SECONDS = 0.1
_PATIENCE = timedelta(minutes=3)
_LEASE_MARGIN = 30.0  # seconds beyond the time limit of a request


def is_arxiv(host: str) -> bool:
    """Return whether a host is one of arXiv's."""
    name = host.lower().rstrip(".")
    return name == ARXIV or name.endswith(f".{ARXIV}")


class HostLimits:
    """Serialises and spaces out requests to limited hosts."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._stopped = stopped
        self._holder = f"{os.getpid()}:{secrets.token_hex(4)}"

    @contextmanager
    def hold(self, host: str, seconds: float) -> Iterator[None]:
        """Wait for the host's limit, then reserve it inside the context, for at most ``seconds``.

        Raises TryAgainLater if others keep the host busy for minutes, or if this process is to end.
        """
        if not is_arxiv(host):
            yield
            return
        name = f"fetch {ARXIV}"
        self._wait(lambda: self._take(name, seconds + _LEASE_MARGIN))
        try:
            self._wait(self._is_allowed)
            yield
        finally:
            with self._store.begin() as connection:
                leases.release(connection, name, self._holder)

    def _take(self, name: str, seconds: float) -> bool:
        with self._store.begin() as connection:
            return leases.take(
                connection, name, self._holder, now=self._clock(), seconds=min(seconds, 3600)
            )

    def _is_allowed(self) -> bool:
        with self._store.begin() as connection:
            return rate_limits.allow(
                connection, f"fetch:{ARXIV}", now=self._clock(), most=1, per=ARXIV_PAUSE
            )

    def _wait(self, condition: Callable[[], bool]) -> None:
        end = self._clock() + _PATIENCE
        while not condition():
            if self._stopped() or self._clock() > end:
                raise TryAgainLater(
                    f"{ARXIV} is being polled by another process", hint="it is tried again later"
                )
            self._sleep(_LOOK_SECONDS)
