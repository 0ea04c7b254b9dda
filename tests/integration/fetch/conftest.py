"""A server that imitates the sources, and a store that polls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.helpers.sources.polling_helpers import FRIDAY, Polling
from tests.helpers.sources.source_server import SourceServer, paper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larkpost.db.engine import Store


@pytest.fixture
def server() -> Iterator[SourceServer]:
    """Open a server with eight papers of this Friday, and of each earlier weekday."""
    with SourceServer() as opened:
        day = FRIDAY.date()
        for ago in (0, 1, 2, 3, 4, 7, 8):
            which = day.fromordinal(day.toordinal() - ago)
            opened.days[which] = [paper(100 * ago + n, day=which) for n in range(8)]
        opened.today = day
        yield opened


@pytest.fixture
def polling(store: Store, server: SourceServer) -> Polling:
    """Poll the daily list of the server."""
    return Polling(store, server)
