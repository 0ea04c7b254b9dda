"""Runs the steps of a tick: an error in one does not stop the others, and is logged hourly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db.coordination import job_status
from larkpost.errors import LarkpostError
from larkpost.log_events import LogEvent
from larkpost.mail.circuit_breaker import REMIND
from larkpost.mail.retry_policy import describe

if TYPE_CHECKING:
    from larkpost.db.engine import Store

log = logs.get_logger(__name__)

# Faults that this process has logged, by database, kind and step: on a full disk they cannot be
# recorded in the database, and would be logged at every run.
_logged: dict[tuple[str, str, str], tuple[str, datetime]] = {}


class StepRunner:
    """Runs steps and collects their errors; ``kind`` is the event under which they are recorded.

    A fault is logged when it is new, and then once per hour, however often the tick runs. Expected
    errors (LarkpostError) are logged by their message, others with their traceback.
    """

    def __init__(self, store: Store, kind: str, now: datetime) -> None:
        self._store = store
        self._kind = kind
        self._now = now
        with store.read() as connection:
            event = job_status.latest(connection).get(kind)
        self._before: Mapping[str, str] = event.detail if event else {}
        self._told: dict[str, str] = {}
        self.troubles: dict[str, str] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Run one step and catch everything it raises."""
        try:
            yield
        except Exception as error:  # a fault in one step must not stop the others
            self.troubles[name] = describe(error)
            if (at := self._last_logged(name)) is None:
                at = self._now
                self._tell(name, error)
            self._told[name] = at.isoformat()
            _logged[self._key(name)] = (self.troubles[name], at)
        else:
            _logged.pop(self._key(name), None)

    def close(self) -> None:
        """Record the result of the tick."""
        since = {_logged_key(name): at for name, at in self._told.items()}
        with self._store.begin() as connection:
            job_status.record(
                connection,
                self._kind,
                ok=not self.troubles,
                now=self._now,
                **self.troubles,
                **since,
            )

    def _tell(self, name: str, error: Exception) -> None:
        foreseen = isinstance(error, LarkpostError)
        log.error(
            LogEvent.STEP_FAILED,
            step=name,
            problem=self.troubles[name],
            hint=error.hint if isinstance(error, LarkpostError) else "",
            exc_info=None if foreseen else error,
        )

    def _last_logged(self, name: str) -> datetime | None:
        """Return when this same error was logged; None if never, or more than an hour ago."""
        known = [_logged.get(self._key(name))]
        if at := self._before.get(_logged_key(name)):
            known.append((self._before.get(name, ""), datetime.fromisoformat(at)))
        for trouble, moment in filter(None, known):
            if trouble == self.troubles[name] and timedelta(0) <= self._now - moment < REMIND:
                return moment
        return None

    def _key(self, name: str) -> tuple[str, str, str]:
        return self._store.name, self._kind, name


def _logged_key(name: str) -> str:
    return f"{name}_told"
