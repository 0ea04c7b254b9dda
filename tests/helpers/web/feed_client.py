"""A site with feeds of every kind, and a client in the same process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import feedparser  # type: ignore[import-untyped]  # it has no types
import pytest
from starlette.testclient import TestClient
from tests.helpers.web.feed_server import NOW, populate

from larkpost.bootstrap import build
from larkpost.db import papers
from larkpost.domain import PaperRecord
from larkpost.settings import load
from larkpost.web import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from larkpost.bootstrap import Program
    from larkpost.domain import Paper

BASE = "https://papers.example.org"


class Here:
    """A site with feeds of every kind, and its client."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.now = NOW
        self.reader, self.papers = populate(program.store)
        self.client = TestClient(app(program, clock=lambda: self.now), base_url=BASE)

    def get(self, address: str, **headers: str) -> Any:
        """Request one of our URLs."""
        return self.client.get(address, headers=headers)

    def atom(self, address: str) -> Any:
        """Parse a feed, which must be well-formed."""
        answer = self.get(address)
        assert answer.status_code == 200
        parsed = feedparser.parse(answer.content)
        assert not parsed.bozo
        return parsed

    def correct(self, paper: Paper, title: str, at: datetime) -> None:
        """Read a dump in which the paper has another title."""
        draft = PaperRecord(
            title=title, abstract=paper.abstract, identifiers=(paper.identifier,), first_seen=at
        )
        with self.program.store.begin() as connection:
            papers.absorb(connection, [draft], now=at)


@pytest.fixture
def here(tmp_path: Path, database_url: str) -> Iterator[Here]:
    program = build(
        load(home=tmp_path, flags={"database.url": database_url, "site.base_url": BASE})
    )
    program.prepare()
    opened = Here(program)
    yield opened
    opened.client.close()
    program.store.close()
