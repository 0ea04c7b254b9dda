"""Tests the links from every page to a paper's page, and from there to the paper."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.helpers.web.site_client import NOW, place

from larkpost.db import papers
from larkpost.db.private import private_papers
from larkpost.domain import PaperRecord
from larkpost.readers import onboarding

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.web.site_client import Place

OURS = [{"name": "Ours & theirs", "url": "https://find.example.org/?a=1&q={title}"}]


def take_in(here: Place, draft: PaperRecord) -> str:
    with here.program.store.begin() as connection:
        (one,) = papers.absorb(connection, [replace(draft, first_seen=NOW)], now=NOW)
        return papers.get(connection, [one.paper_id])[one.paper_id].uid


def test_titles_of_an_edition_and_a_vote_lead_to_the_papers_pages(here: Place, me: str) -> None:
    edition = here.path(here.program.links.edition(here.edition))
    for path in (edition, here.vote_path(1, "up"), me, f"{me}/rate"):
        page = here.client.get(path).text

        assert f'href="/paper/{here.papers[0].uid}"><bdi>{here.papers[0].title}' in page
        if path != me:  # it lists titles alone
            own = 'href="https://arxiv.org/abs/2608.00001" rel="noreferrer"><bdi>arxiv:2608.00001'
            assert own in page


def test_a_paper_without_a_link_shows_the_searches_that_are_set(
    tmp_path: Path, sqlite_url: str
) -> None:
    with place(tmp_path, sqlite_url, {"site.find_links": OURS}) as here:
        uid = take_in(here, PaperRecord(title='Risks & "limits" of C#: 100 % <b>?'))

        page = here.client.get(f"/paper/{uid}").text

    href = "https://find.example.org/?a=1&amp;q=Risks%20limits%20of%20C%23%20100%20%25%20b"
    assert f'href="{href}" rel="noreferrer">Find it on Ours &amp; theirs</a>' in page
    assert page.count("Find it on") == 1
    assert "Read the paper" not in page


def test_without_searches_a_page_says_that_no_link_is_known(
    tmp_path: Path, sqlite_url: str
) -> None:
    with place(tmp_path, sqlite_url, {"site.find_links": []}) as here:
        page = here.client.get(f"/paper/{take_in(here, PaperRecord(title='A title'))}").text

    assert "Find it on" not in page
    assert "No link to this paper is known yet." in page


@pytest.mark.parametrize("base", ["https://papers.example.org/larkpost"])
def test_below_a_path_pages_and_feeds_lead_below_it_too(
    tmp_path: Path, sqlite_url: str, base: str
) -> None:
    with place(tmp_path, sqlite_url, {"site.base_url": base}) as here:
        edition = here.program.links.edition(here.edition).removeprefix(base)
        page = here.client.get(edition).text
        feed = here.client.get(f"/feed/{here.reader.feed_key}.rss").text

    assert f'href="/larkpost/paper/{here.papers[0].uid}"' in page
    assert f"<link>{base}/paper/{here.papers[0].uid}</link>" in feed


def test_the_title_of_what_a_reader_brought_leads_to_no_page_of_ours(here: Place, me: str) -> None:
    store = here.program.store
    brought = "@misc{w, title={Whale songs of a private list}, note={Unseen}}"
    onboarding.from_references(store, here.reader.id, brought, now=NOW)
    with store.read() as connection:
        (private,) = private_papers.of(connection, here.reader.id)

    page = here.client.get(me).text

    assert "Whale songs" in page
    assert private.uid not in page
    assert here.client.get(f"/paper/{private.uid}").status_code == 404
