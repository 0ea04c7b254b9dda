"""Tests a feed that the operator made an authority beside one that copies its papers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.helpers.sources.polling_helpers import FRIDAY, Polling
from tests.helpers.sources.source_server import Reply, SourceServer

from larkpost.db import papers
from larkpost.db.engine import Store
from larkpost.domain import Identifier
from larkpost.settings.polled_sources import PolledSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larkpost.domain import Paper

DOI = Identifier("doi", "10.1101/2026.08.01.000001")
FIRST = "We measure how bakers remember lanterns. " * 5
CORRECTED = "We measure how bakers forget lanterns, after a correction. " * 5


@pytest.fixture
def polling(sqlite_url: str) -> Iterator[Polling]:
    """Poll a journal, and a blog that copied its paper before the journal listed it."""
    store = Store(sqlite_url)
    with SourceServer(today=FRIDAY.date()) as server:
        journal, blog = (
            PolledSource(name, f"{server.url}/{name}", None, allow_private=True)
            for name in ("journal", "blog")
        )
        yield Polling(store, server, (blog, journal))
    store.close()


def say(polling: Polling, name: str, abstract: str, **changed: object) -> None:
    record = {"id": str(DOI), "title": "Lanterns of bakers", "abstract": abstract} | changed
    polling.server.routes[f"/{name}"] = Reply(json.dumps(record).encode())


def choose(polling: Polling, *, authority: bool) -> None:
    """Let the operator change the setting of the journal."""
    blog, journal = polling.sources
    polling.sources = (blog, replace(journal, authority=authority))


def listed(polling: Polling) -> Paper:
    with polling.store.read() as connection:
        found = papers.by_identifier(connection, DOI)
    assert found is not None
    return found


def test_its_corrections_replace_what_a_blog_copied_before(polling: Polling) -> None:
    choose(polling, authority=True)
    say(polling, "blog", FIRST, authors=["Evil"])
    polling.poll()
    say(polling, "journal", CORRECTED, authors=["Ada Baker"])

    polling.poll(hours=2)

    assert (listed(polling).abstract, listed(polling).authors) == (
        CORRECTED.strip(),
        ("Ada Baker",),
    )


def test_its_answer_is_read_again_when_the_operator_makes_it_an_authority(polling: Polling) -> None:
    say(polling, "blog", FIRST, authors=["Evil"])
    polling.poll()
    say(polling, "journal", CORRECTED, authors=["Ada Baker"])
    polling.poll(hours=2)
    assert listed(polling).authors == ("Evil",)

    choose(polling, authority=True)
    polling.poll(hours=2)
    assert listed(polling).authors == ("Ada Baker",)

    choose(polling, authority=False)
    say(polling, "journal", FIRST, authors=["Evil"])
    polling.poll(hours=2)
    assert listed(polling).authors == ("Ada Baker",)


def test_a_blog_still_does_not_rewrite_its_papers(polling: Polling) -> None:
    choose(polling, authority=True)
    say(polling, "journal", CORRECTED, authors=["Ada Baker"])
    polling.poll()
    say(polling, "blog", FIRST, authors=["Evil"], withdrawn=True)

    polling.poll(hours=2)

    assert (listed(polling).abstract, listed(polling).withdrawn) == (CORRECTED.strip(), False)
