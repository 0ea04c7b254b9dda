"""A site with a reader who has secrets, and a second reader, for the threat model's actors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.helpers.web.site_client import NOW, place

from larkpost.readers import interests, subscriptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.web.site_client import Place

    from larkpost.domain import Reader

NAME, WORDS = "Quirina Quastel", ("zebrafish", "quokkas")


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    """Open a site whose reader has a name, words and an edition of three papers."""
    with place(tmp_path, sqlite_url, {"web.admin_link_version": 7}) as opened:
        store = opened.program.store
        subscriptions.change(store, opened.reader.id, now=NOW, name=NAME)
        interests.set_interest(store, opened.reader.id, "main", words=WORDS)
        opened.reader = opened.current()
        opened.fit()
        yield opened


@pytest.fixture
def secrets(here: Place) -> list[str]:
    """Return the texts that only the reader and the operator may see."""
    reader, links = here.reader, here.program.links
    tokens = [links.page(reader), links.leave(reader), links.confirm(reader), links.admin(7)]
    said = [str(reader.address), NAME, *WORDS, reader.feed_key, reader.uid]
    return said + [link.rpartition("/")[2] for link in tokens]


@pytest.fixture
def other(here: Place) -> Reader:
    """Create a second reader."""
    return subscriptions.add(here.program.store, "bob@example.org", now=NOW, name="Bob")
