"""Runs the steps of a round: a fault in one stops no other, and is told once an hour."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.errors import LarkpostError
from larkpost.flows.posting import told
from larkpost.store import events

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from larkpost.store.engine import Store

log = logs.get_logger(__name__)

REMIND = timedelta(hours=1)


class Steps:
    """What kept steps from their end; ``kind`` is the event under which it is written down.

    A fault is logged when it is news, and else once an hour, however often rounds come. Those we
    foresaw (LarkpostError) speak for themselves, the others bring their trace.
    """

    def __init__(self, store: Store, kind: str, now: datetime) -> None:
        self._store = store
        self._kind = kind
        self._now = now
        with store.read() as connection:
            event = events.latest(connection).get(kind)
        self._before: Mapping[str, str] = event.detail if event else {}
        self._told: dict[str, str] = {}
        self.troubles: dict[str, str] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Run one step; whatever it raises ends here."""
        try:
            yield
        except Exception as error:  # a fault in one step must not stop the others
            self.troubles[name] = told(error)
            if self._is_news(name):
                self._told[name] = self._now.isoformat()
                self._tell(name, error)
            else:
                self._told[name] = self._before[_told_at(name)]

    def close(self) -> None:
        """Write down how the round went."""
        since = {_told_at(name): at for name, at in self._told.items()}
        with self._store.begin() as connection:
            events.record(
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
            "step failed",
            step=name,
            problem=self.troubles[name],
            hint=error.hint if isinstance(error, LarkpostError) else "",
            exc_info=None if foreseen else error,
        )

    def _is_news(self, name: str) -> bool:
        at = self._before.get(_told_at(name))
        if at is None or self._before.get(name) != self.troubles[name]:
            return True
        return not timedelta(0) <= self._now - datetime.fromisoformat(at) < REMIND


def _told_at(name: str) -> str:
    return f"{name}_told"
