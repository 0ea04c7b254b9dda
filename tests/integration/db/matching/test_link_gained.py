"""Tests papers of a text dump in feeds, before and after another dump adds their links."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import feedparser  # type: ignore[import-untyped]  # it has no types
import pytest
from starlette.testclient import TestClient
from tests.helpers.factories import picks_of

from larkpost.bootstrap import build
from larkpost.db import editions, papers, readers
from larkpost.domain import Identifier
from larkpost.ingest.ingest import ingest
from larkpost.packaged_files import shipped_path
from larkpost.readers import subscriptions
from larkpost.settings import load
from larkpost.web import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from larkpost.domain import Paper

from tests.helpers.web.site_client import BASE, NOW

SAMPLE = shipped_path("seeds") / "000_48a0d66eb2c74da9.txt"
OWN = "https://arxiv.org/abs/2508.13426"


class TextSite:
    """A site that has read nothing but the sample text dump, with an edition of five papers."""

    def __init__(self, home: Path, database_url: str) -> None:
        flags = {"database.url": database_url, "site.base_url": BASE}
        self.program = build(load(home=home, flags=flags))
        self.program.prepare()
        self.now = NOW
        self.folder = home
        ingest(self.program.store, self.program.dump_formats, SAMPLE, now=NOW)
        reader = subscriptions.add(self.program.store, "ada@example.org", now=NOW)
        with self.program.store.begin() as connection:
            self.papers = papers.corpus(connection, limit=5)
            editions.publish(
                connection,
                reader=readers.get(connection, reader.id),
                date=NOW.date(),
                picks=picks_of(self.papers),
                now=NOW,
                next_slot=reader.next_slot,
                message_id=None,
            )
        self.feed = f"/feed/{reader.feed_key}"
        self.client = TestClient(app(self.program, clock=lambda: self.now), base_url=BASE)

    def read_jsonl(self, now: datetime, **record: Any) -> None:
        """Read a dump of one paper."""
        file = self.folder / f"{now:%H%M}.jsonl"
        file.write_text(json.dumps(record), encoding="utf-8")
        self.now = now
        ingest(self.program.store, self.program.dump_formats, file, now=now)

    def entries(self, address: str) -> dict[str, Any]:
        """Read an Atom feed, its entries by their ids."""
        parsed = feedparser.parse(self.client.get(address).content)
        assert not parsed.bozo
        return {entry.id: entry for entry in parsed.entries}

    def current(self, paper: Paper) -> Paper:
        """Read a paper as it is now."""
        with self.program.store.read() as connection:
            return papers.get(connection, [paper.id])[paper.id]


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[TextSite]:
    opened = TextSite(tmp_path, database_url)
    yield opened
    opened.client.close()
    opened.program.store.close()


def test_every_entry_of_a_text_dump_has_a_link_of_its_own_that_leads_on(site: TextSite) -> None:
    for address in (f"{site.feed}.atom", "/trending.atom", "/archive.atom", "/search.atom?q=model"):
        entries = site.entries(address).values()
        links = [entry.link for entry in entries]

        assert len(links) == len(set(links)) > 1
        for entry in list(entries)[:3]:
            page = site.client.get(entry.link)
            assert page.status_code == 200
            assert all(
                f'href="{start}' in page.text.replace("&amp;", "&")
                for start in (
                    "https://arxiv.org/search/?searchtype=title&order=&query=%22",
                    "https://huggingface.co/papers?q=",
                    "https://www.semanticscholar.org/search?q=",
                    "https://scholar.google.com/scholar?q=%22",
                )
            )


def test_an_entry_gains_the_link_that_a_later_dump_brings_and_keeps_its_id(site: TextSite) -> None:
    paper = site.papers[2]
    later = NOW + timedelta(hours=2)
    for address in (f"{site.feed}.atom", "/trending.atom", "/archive.atom"):
        before, answer = site.entries(address), site.client.get(address)
        site.read_jsonl(later, id="arxiv:2508.13426", title=paper.title, abstract=paper.abstract)

        again = site.client.get(address, headers={"If-None-Match": answer.headers["etag"]})
        after = site.entries(address)

        if address.startswith(site.feed):  # the dump is read once; the first feed shows the change
            changed = [one for one in after if after[one].updated != before[one].updated]
            assert again.status_code == 200
            assert len(changed) == 1
            assert after[changed[0]].updated > before[changed[0]].updated
            assert after[changed[0]].published == before[changed[0]].published
            assert OWN not in answer.text
        assert after.keys() == before.keys()
        (told,) = [entry for entry in after.values() if OWN in str(entry)]
        assert told.link == f"{BASE}/paper/{paper.uid}"
        assert [link.href for link in told.links if link.rel == "related"] == [OWN]
        assert f'href="{OWN}">Read the paper</a>' in told.content[0].value
    page = site.client.get(f"/paper/{paper.uid}").text
    assert f'class="button" href="{OWN}"' in page
    assert "Find it on" not in page
    assert site.current(paper).updated == later


@pytest.mark.parametrize("form", ["rss", "json"])
def test_every_format_tells_the_link_under_the_old_id(site: TextSite, form: str) -> None:
    paper, address = site.papers[0], f"{site.feed}.{form}"
    before = site.client.get(address)
    site.read_jsonl(
        NOW + timedelta(hours=1),
        title=paper.title,
        abstract=paper.abstract,
        url="https://doi.org/10.1000/182",
    )

    after = site.client.get(address, headers={"If-None-Match": before.headers["etag"]})

    if form == "json":
        old, new = before.json()["items"], after.json()["items"]
        assert [item["id"] for item in old] == [item["id"] for item in new]
        assert new[0]["external_url"] == "https://doi.org/10.1000/182"
        assert new[0]["date_modified"] > old[0]["date_modified"]
    else:
        ids = [
            [entry.id for entry in feedparser.parse(one.content).entries] for one in (before, after)
        ]
        assert ids[0] == ids[1]
        assert "https://doi.org/10.1000/182" in after.text


def test_a_second_dump_that_tells_nothing_of_a_link_moves_no_date(site: TextSite) -> None:
    paper = site.papers[0]
    site.read_jsonl(
        NOW + timedelta(hours=1),
        title=paper.title,
        abstract=paper.abstract,
        authors=["Ada Lovelace"],
        published=str(date(2026, 8, 1)),
    )

    assert site.current(paper).authors == ("Ada Lovelace",)
    assert site.current(paper).updated == paper.updated


def test_a_paper_that_an_unknown_site_names_is_reached_by_its_other_name(site: TextSite) -> None:
    paper = site.papers[1]
    site.read_jsonl(
        NOW + timedelta(hours=1), id="openreview:abc", title=paper.title, abstract=paper.abstract
    )
    assert site.current(paper).url is None
    site.read_jsonl(
        NOW + timedelta(hours=2),
        id="openreview:abc",
        also=["arxiv:2508.13426"],
        title=paper.title,
    )

    now = site.current(paper)
    assert now.identifier == Identifier("openreview", "abc")
    assert now.url == OWN
    assert now.updated == NOW + timedelta(hours=2)


def test_the_page_of_a_paper_lists_every_other_place_where_it_is(site: TextSite) -> None:
    paper = site.papers[1]
    site.read_jsonl(
        NOW + timedelta(hours=1),
        id="arxiv:2508.13426",
        also=["doi:10.1000/182", "openreview:abc"],
        links=["https://github.com/example/code"],
        title=paper.title,
        abstract=paper.abstract,
    )

    page = site.client.get(f"/paper/{paper.uid}").text

    links = page.partition('<h2 id="links">')[2].partition("</ul>")[0]
    assert 'href="https://doi.org/10.1000/182"' in links
    assert 'href="https://github.com/example/code"' in links
    assert OWN not in links
    assert page.count(f'href="{OWN}"') == 2  # the button, and the name beside the authors
