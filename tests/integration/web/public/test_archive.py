"""Public pages: the front page, the archive, papers and the search."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import search_papers
from tests.helpers.web.site_client import NOW, contents, place

from larkpost.db import papers
from larkpost.domain import Identifier, PaperRecord, Thumb
from larkpost.editions.model_cache import fresh_space
from larkpost.readers import record_votes, subscriptions

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.web.site_client import Place

    from larkpost.domain import Paper

DAY = timedelta(days=1)


def take_in(here: Place, *drafts: PaperRecord) -> None:
    with here.program.store.begin() as connection:
        papers.absorb(connection, drafts, now=NOW)


def vote_by_five(here: Place, paper: Paper, thumb: Thumb) -> None:
    """Let five readers created by the operator vote: fewer votes are never shown."""
    store = here.program.store
    for number in range(5):
        reader = subscriptions.add(store, f"reader{number}@example.org", now=NOW)
        record_votes.cast(store, reader.id, paper.id, thumb, source="test", now=NOW)


def test_the_front_page_shows_the_houses_edition_the_hottest_first(here: Place) -> None:
    vote_by_five(here, here.papers[-1], Thumb.UP)

    page = here.client.get("/").text

    places = [page.index(paper.title) for paper in here.papers]
    assert min(places) == places[-1]
    assert "at least 5 thumbs up" in page
    assert 'action="/subscribe"' in page


def test_what_came_today_is_marked_as_new_and_the_rest_is_not(here: Place) -> None:
    assert 'class="new"' not in here.client.get("/").text

    take_in(here, PaperRecord(title="Fresh from the oven", first_seen=NOW - timedelta(hours=1)))

    page = here.client.get("/").text
    assert page.count('class="new"') == 1
    assert "Fresh from the oven</bdi></a> <span" in page


def test_an_old_house_still_shows_its_last_edition(here: Place) -> None:
    here.clock.now = NOW + 60 * DAY

    assert here.papers[0].title in here.client.get("/").text


def test_an_empty_house_says_what_to_do(tmp_path: Path, sqlite_url: str) -> None:
    with place(tmp_path, sqlite_url, papers=0) as here:
        assert "There are no papers yet" in here.client.get("/").text
        assert "There are no papers yet" in here.client.get("/archive").text
        assert here.client.get("/archive/2026-08-06").status_code == 200


def test_the_front_page_tells_programs_where_the_feeds_are(here: Place) -> None:
    page = here.client.get("/").text

    for kind in ("rss", "atom", "json"):
        assert f'href="https://papers.example.org/trending.{kind}"' in page
    assert page.count('rel="alternate"') == 6


@pytest.mark.parametrize(
    ("name", "heading", "previous", "following"),
    [
        ("2026-08-06", "Thursday, 6 August 2026", "2026-07-30", None),
        ("2026-W32", "Week 32 of 2026", "2026-W31", None),
        ("2026-08", "August 2026", "2026-07", None),
        ("2026-07", "July 2026", None, "2026-08"),
    ],
)
def test_the_archive_is_turned_by_day_week_and_month(
    here: Place, name: str, heading: str, previous: str | None, following: str | None
) -> None:
    take_in(here, PaperRecord(title="From July", first_seen=NOW - 8 * DAY))

    page = here.client.get(f"/archive/{name}").text

    assert f"<h1>{heading}</h1>" in page
    assert (f'rel="prev" href="/archive/{previous}"' in page) == (previous is not None)
    assert (f'rel="next" href="/archive/{following}"' in page) == (following is not None)
    assert "From July" in here.client.get("/archive/2026-07-30").text


def test_a_uid_in_capitals_leads_to_the_paper(here: Place) -> None:
    path = f"/paper/{here.papers[0].uid}"

    for method in ("GET", "HEAD"):
        answer = here.client.request(method, f"/paper/{here.papers[0].uid.upper()}")
        assert (answer.status_code, answer.headers["location"]) == (308, path)
    assert here.client.get(path).status_code == 200
    assert here.client.get("/paper/ABCDEF00-0000-4000-8000-000000000000").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/archive/2026-13", "/archive/0000-00-00", "/archive/x", "/archive/2026-08-06?page=0",
     "/archive/2026-08-06?page=x", "/paper/x", "/paper/00000000-0000-0000-0000-000000000000",
     "/paper/%00", "/search?q=a&page=-1", "/archive/9999-W60", "/archive/2026-08-06?page=2",
     "/archive/2026-08?page=99", "/search?q=glaciers&page=2", "/search?page=2"],
)  # fmt: skip
def test_what_is_not_there_is_a_404(here: Place, path: str) -> None:
    assert here.client.get(path).status_code == 404


def test_a_long_day_has_pages(here: Place) -> None:
    take_in(
        here,
        *(
            PaperRecord(
                title=f"Paper {n} " + "abcdefghij"[n % 10] * 9 + f"{n * 7919}" * 3,
                identifiers=(Identifier("arxiv", f"2507.{n:05}"),),
                first_seen=NOW - 40 * DAY,
            )
            for n in range(31)
        ),
    )

    first, second = (here.client.get(f"/archive/2026-06-28?page={page}").text for page in (1, 2))

    assert (first.count("<li><h2>"), second.count("<li><h2>")) == (30, 1)
    assert 'href="/archive/2026-06-28?page=2"' in first
    assert 'href="/archive/2026-06-28?page=1"' in second


def test_a_paper_shows_its_abstract_with_the_links_in_it(here: Place) -> None:
    take_in(
        here,
        PaperRecord(
            title="<script>alert(1)</script>",
            abstract='Code (https://code.example/a?b=1&c="x"), javascript:alert(2) {{7*7}}.',
            identifiers=(Identifier("arxiv", "2608.77777"),),
            url="javascript:alert(3)",
            first_seen=NOW,
        ),
    )
    with here.program.store.read() as connection:
        paper = papers.by_identifier(connection, Identifier("arxiv", "2608.77777"))
    assert paper

    page = here.client.get(f"/paper/{paper.uid}").text

    assert 'href="https://code.example/a?b=1&amp;c="' in page
    assert 'href="javascript' not in page
    assert "<script>alert" not in page
    assert "{{7*7}}" in page
    assert 'href="https://arxiv.org/abs/2608.77777"' in page


def test_a_paper_shows_its_journal_comment_and_keywords_and_loads_no_picture(here: Place) -> None:
    name = Identifier("arxiv", "2608.77778")
    take_in(
        here,
        PaperRecord(
            title="Wicks",
            identifiers=(name,),
            keywords=("<b>light</b>", "wicks"),
            comment="12 pages, https://code.example/wicks",
            journal_ref="Journal of Wicks 7",
            thumbnail="https://pictures.example/1.png",
            first_seen=NOW,
        ),
    )
    with here.program.store.read() as connection:
        paper = papers.by_identifier(connection, name)
    assert paper

    page = here.client.get(f"/paper/{paper.uid}").text

    assert "Journal: <bdi>Journal of Wicks 7</bdi>" in page
    assert 'href="https://code.example/wicks"' in page
    assert "<bdi>&lt;b&gt;light&lt;/b&gt;</bdi>, <bdi>wicks</bdi>" in page
    assert "pictures.example" not in page


def test_a_paper_tells_the_thumbs_of_all_and_of_nobody(here: Place) -> None:
    paper = here.papers[0]
    record_votes.cast(
        here.program.store, here.reader.id, paper.id, Thumb.DOWN, source="test", now=NOW
    )
    single = here.client.get(f"/paper/{paper.uid}").text
    vote_by_five(here, paper, Thumb.DOWN)

    page = here.client.get(f"/paper/{paper.uid}").text

    assert "Thumbs of readers here are shown once there are 5." in single
    assert "at least 5 thumbs down" in page
    assert "ada@example.org" not in page


def test_a_paper_is_shown_with_papers_like_it_once_there_is_a_space(here: Place) -> None:
    take_in(
        here,
        PaperRecord(
            title="Sparse routing in mixtures of many experts, revisited",
            abstract="Routing tokens to sparse experts, again and at length.",
            first_seen=NOW - DAY,
        ),
    )
    path = f"/paper/{here.papers[0].uid}"
    assert "Papers like this one" not in here.client.get(path).text
    fresh_space(here.program.store, here.program.ranker, now=NOW)

    page = here.client.get(path).text

    assert "Papers like this one" in page
    assert "many experts, revisited" in page


def test_a_search_finds_papers_and_offers_a_feed(here: Place) -> None:
    page = here.client.get("/search?q=sparse+routing").text

    assert here.papers[0].title in page
    assert here.papers[1].title not in page
    assert 'href="/search.atom?q=sparse+routing"' in page
    assert "https://papers.example.org/search.rss?q=sparse+routing" in page


def test_a_name_that_is_searched_for_leads_to_its_paper(here: Place) -> None:
    for name in ("2608.00001", "https://arxiv.org/abs/2608.00001v3", "arxiv:2608.00001"):
        answer = here.client.get("/search", params={"q": name})

        assert answer.status_code == 303
        assert answer.headers["location"] == f"/paper/{here.papers[0].uid}"


def test_a_search_says_what_it_did_not_understand(here: Place) -> None:
    page = here.client.get("/search?q=sparse+since:tomorrow").text

    assert "could not be understood" in page
    assert "since:tomorrow" in page


@pytest.mark.parametrize(
    "words", ["", '"', "\x00", "a" * 5000, "' OR 1=1 --", "-", "*", "AND NOT", "<b>", "\u202e"]
)
def test_any_text_can_be_searched_for(here: Place, words: str) -> None:
    answer = here.client.get("/search", params={"q": words})

    assert answer.status_code == 200
    assert "<b>" not in answer.text.replace("<b><bdi>", "")
    assert "\u202e" not in answer.text


def test_reading_the_library_changes_nothing(here: Place) -> None:
    before = contents(here.program.store)

    for path in ("/", "/archive", "/archive/2026-08", f"/paper/{here.papers[0].uid}",
                 "/search?q=sparse", "/subscribe"):  # fmt: skip
        assert here.client.get(path).status_code == 200
        assert here.client.head(path).status_code == 200

    assert contents(here.program.store) == before


def test_links_in_an_abstract_are_encoded_and_those_that_lead_nowhere_stay_text(
    here: Place,
) -> None:
    draft = PaperRecord(
        "Links of every kind",
        "At https://bücher.example/ü and https://user:pass@evil.example/ and https://[::1 too.",
        first_seen=NOW,
    )
    take_in(here, draft)
    with here.program.store.read() as connection:
        (paper,) = search_papers(connection, "links of every kind")

    page = here.client.get(f"/paper/{paper.uid}").text

    assert 'href="https://xn--bcher-kva.example/%C3%BC"' in page
    assert ">https://bücher.example/ü</a>" in page
    assert 'href="https://user' not in page
    assert 'href="https://[' not in page
