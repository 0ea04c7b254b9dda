"""A store with sources that are polled by a test clock, and the client that polls them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db import papers
from larkpost.db.polling import polled_sources
from larkpost.fetch.configured import ConfiguredSources
from larkpost.fetch.http_client import FetchLimits, HttpClient
from larkpost.fetch.page_request import BaseUrls
from larkpost.fetch.poll import PollContext, PollResult, list_due, poll_sources
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.settings.polled_sources import PolledSource

if TYPE_CHECKING:
    from tests.helpers.sources.source_server import SourceServer

    from larkpost.db.engine import Store
    from larkpost.db.polling.polled_sources import SourceState

FRIDAY = datetime(2026, 8, 7, 9, tzinfo=UTC)
HF_DAILY = PolledSource("hf-daily", "hf-daily", allow_private=True)
QUICK = FetchLimits(connect=2, read=2, total=3, size=2_000_000)


@dataclass
class Polling:
    """Polls the ``sources`` of the settings at ``now``, which the test advances."""

    store: Store
    server: SourceServer
    sources: tuple[PolledSource, ...] = (HF_DAILY,)
    now: datetime = FRIDAY
    client: HttpClient = field(default_factory=lambda: HttpClient("Larkpost/test", QUICK))

    @property
    def context(self) -> PollContext:
        """The dependencies of polling."""
        return PollContext(
            store=self.store,
            dump_formats=DUMP_FORMATS,
            configured=lambda: ConfiguredSources(self.sources),
            client=self.client,
            bases=BaseUrls(self.server.url, self.server.url, self.server.url),
            draw=lambda: 0.5,
        )

    def poll(self, **later: float) -> list[PollResult]:
        """Poll the due sources, after so much time (hours=1)."""
        self.now += timedelta(**later)
        due = list_due(self.context, now=self.now)
        return poll_sources(self.context, due, clock=lambda: self.now)

    def poll_now(self, **later: float) -> PollResult:
        """Poll the one source, due or not, after so much time."""
        self.now += timedelta(**later)
        with self.store.begin() as connection:
            for state in polled_sources.list_states(connection):
                polled_sources.save(connection, replace(state, next_poll_at=self.now))
        (result,) = self.poll()
        return result

    def state(self, name: str = "hf-daily") -> SourceState:
        """Read the state of a source."""
        with self.store.read() as connection:
            states = polled_sources.list_states(connection)
        return next(state for state in states if state.source.name == name)

    def titles(self) -> set[str]:
        """Read the titles of all papers."""
        with self.store.read() as connection:
            return {one.title for one in papers.iterate(connection)}
