"""Tests feeds of every kind with the parsers of common feed readers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import feedparser  # type: ignore[import-untyped]  # it has no types
import pytest
from tests.helpers.web.feed_server import addresses, served

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.helpers.web.feed_server import Site

KINDS = ("reader", "likely", "page", "interest", "search", "trending", "archive")
REFUSE_SKIPS = bool(os.environ.get("LARKPOST_REFUSE_SKIPS"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site")
    database = shutil.copy(migrated_file, home / "larkpost.db")
    with served(home, f"sqlite:///{database}") as opened:
        yield opened


@pytest.fixture
def newsboat() -> str:
    """Find newsboat; without it the tests that need it are skipped, or fail where that is asked."""
    found = shutil.which("newsboat")
    if found is None:
        if REFUSE_SKIPS:
            pytest.fail("newsboat is not here: apt-get install newsboat")
        pytest.skip("newsboat reads no feeds here: apt-get install newsboat")
    return found


@pytest.mark.parametrize("form", ["rss", "atom"])
@pytest.mark.parametrize("kind", KINDS)
def test_feedparser_reads_every_feed_and_gets_304_on_the_second_visit(
    site: Site, kind: str, form: str
) -> None:
    address = addresses(site.links, site.reader, "rss" if form == "rss" else "atom")[kind]

    first = feedparser.parse(address)
    second = feedparser.parse(address, etag=first.etag, modified=first.get("modified"))
    by_date = feedparser.parse(address, modified=first.get("modified"))

    assert not first.bozo
    assert (first.status, first.version) == (200, "rss20" if form == "rss" else "atom10")
    assert first.entries
    assert all(entry.id.startswith("urn:uuid:") for entry in first.entries)
    assert (second.status, by_date.status) == (304, 304)


@pytest.mark.parametrize("kind", KINDS)
def test_a_json_feed_is_json_and_gives_304_on_the_second_visit(site: Site, kind: str) -> None:
    address = addresses(site.links, site.reader, "json")[kind]

    with urlopen(address) as first:  # noqa: S310 - our own server
        feed = json.load(first)
        again = Request(address, headers={"If-None-Match": first.headers["ETag"]})  # noqa: S310 - the same

    assert feed["items"]
    with pytest.raises(HTTPError) as answer:
        urlopen(again)  # noqa: S310 - the same
    assert answer.value.code == 304
    answer.value.close()


class Newsboat:
    """Newsboat with a folder of its own."""

    def __init__(self, program: str, home: Path) -> None:
        self.program = program
        self.home = home
        (home / "config").write_text("show-read-feeds yes\n")
        (home / "urls").write_text("")

    def run(self, *arguments: str) -> str:
        """Run a command; returns what it says."""
        places = [f"--{name}-file={self.home / name}" for name in ("url", "cache", "config")]
        places[0] = f"--url-file={self.home / 'urls'}"
        done = subprocess.run(
            [self.program, *places, *arguments],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout

    def _environment(self) -> Mapping[str, str]:
        return {"HOME": str(self.home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}


@pytest.mark.newsboat
def test_newsboat_reads_every_feed_and_gets_304_once_it_asks_for_changes(
    site: Site, newsboat: str, tmp_path: Path
) -> None:
    feeds = [
        address
        for form in ("rss", "atom")
        for address in addresses(
            site.links, site.reader, "rss" if form == "rss" else "atom"
        ).values()
    ]
    reading = Newsboat(newsboat, tmp_path)
    (tmp_path / "urls").write_text("".join(f'"{feed}"\n' for feed in feeds))
    paths = {feed.removeprefix(site.url) for feed in feeds}
    site.answers.clear()

    reading.run("-x", "reload")
    first = dict(site.answers)
    unread = reading.run("-x", "print-unread")
    reading.run("-x", "reload")  # it notes the tags of feeds that it knows: not on the first visit
    site.answers.clear()
    reading.run("-x", "reload")
    third = dict(site.answers)

    assert first == dict.fromkeys(paths, 200)
    assert third == dict.fromkeys(paths, 304)
    # Each paper is one entry of the reader's feeds and one of everybody's, wherever it stands.
    assert int(unread.split()[0]) == 2 * len(site.papers)
    assert reading.run("-x", "print-unread") == unread


@pytest.mark.newsboat
def test_newsboat_takes_the_list_of_a_readers_feeds(
    site: Site, newsboat: str, tmp_path: Path
) -> None:
    reading = Newsboat(newsboat, tmp_path)
    with urlopen(site.links.opml(site.reader)) as answer:  # noqa: S310 - our own server
        (tmp_path / "feeds.opml").write_bytes(answer.read())

    reading.run(f"--import-from-opml={tmp_path / 'feeds.opml'}")

    taken = (tmp_path / "urls").read_text()
    for interest in (None, *site.reader.interests):
        assert site.links.feed(site.reader, "atom", interest=interest) in taken
