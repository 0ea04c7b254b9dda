"""Tests that nothing scrolls sideways, headings are nested in order, and text is readable."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
import uvicorn
from tests.helpers import edition_factories as making
from tests.helpers.factories import picks_of
from tests.helpers.web.answering_server import answering
from tests.helpers.web.site_client import NOW, place
from tests.unit.ranking.test_replay import measured

from larkpost.db import editions, papers, readers, votes
from larkpost.domain import Identifier, PaperRecord, Thumb, Vote
from larkpost.readers import interests, subscriptions
from larkpost.render.evaluation_report import report_page
from larkpost.serve import listen
from larkpost.web import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page
    from tests.helpers.web.site_client import Place

    from larkpost.domain import Edition

pytestmark = pytest.mark.browser

WORD = "Supercalifragilistic" * 10  # 200 characters without a place to break
LONG = ("On the long title of a paper that says everything it has to say " * 7)[:400]
ADDRESS = f"https://example.org/{'a' * 150}?{'b' * 150}"
MANY = tuple(f"Author {WORD[:40]} Number {number}" for number in range(100))
HOSTILE = (
    PaperRecord(
        title=WORD, abstract=f"{WORD} and {WORD}. {ADDRESS} is where it is.", authors=(WORD,)
    ),
    PaperRecord(title=f"{WORD}: {LONG}", abstract="", authors=MANY, categories=(WORD,)),
    PaperRecord(title=LONG, abstract=f"See {ADDRESS}. " * 8, authors=MANY),
    PaperRecord(title="מאמר על תרגום מכונה " * 8, abstract="תקציר בעברית, " * 60, authors=("דוד",)),
    PaperRecord(title="هذه ورقة عن الترجمة" + "ة" * 200, abstract="ملخص " * 90, authors=("ليلى",)),
    PaperRecord(
        title="機械翻訳の品質を測る方法について" * 8, abstract="要旨。" * 200, authors=("山田",)
    ),
    PaperRecord(title="👩‍👩‍👧‍👦" * 60, abstract="🦜" * 300, authors=("🦜",)),
    PaperRecord(title="W" * 300, abstract="-" * 400, authors=("W" * 200,)),
    PaperRecord(
        title="An ordinary paper on routing", abstract="We route. It works.", authors=("Ada",)
    ),
    PaperRecord(
        title="Tenth: sparse experts with gates", abstract="We gate. It works.", authors=("Bo",)
    ),
    PaperRecord(title="Eleventh: sparse experts and tokens", abstract="We count.", authors=("Cy",)),
)

SIDEWAYS = """() => {
  const root = document.documentElement
  const wide = [...document.querySelectorAll('body *')]
    .filter(one => !one.closest('.scroll, .skip, svg') &&
      one.getBoundingClientRect().right > root.clientWidth + 1)
    .map(one => one.tagName + '.' + one.className + ': ' + one.textContent.slice(0, 30))
  return root.scrollWidth > root.clientWidth ? ['page'].concat(wide.slice(0, 5)) : wide.slice(0, 5)
}"""
HEADINGS = "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(one => +one.tagName[1])"
SMALLEST = """() => [...document.querySelectorAll('svg text')].map(one => {
  const size = parseFloat(getComputedStyle(one).fontSize)
  return size * one.ownerSVGElement.getScreenCTM().a
})"""
PLACES = "[...document.querySelectorAll('.place')].map(one => one.getClientRects()[0].height)"


def drafts() -> list[PaperRecord]:
    return [
        replace(
            one,
            identifiers=(Identifier("url", f"{ADDRESS}{number}"),),
            url=f"{ADDRESS}{number}",
            links=(ADDRESS, f"https://{'c' * 60}.example.org/"),
            organisation=WORD if number % 2 else None,
            upvotes=number,
            first_seen=NOW - timedelta(hours=1),
        )
        for number, one in enumerate(HOSTILE)
    ]


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with listen("127.0.0.1", 0) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with place(
            tmp_path, sqlite_url, {"site.base_url": base, "web.admin_link_version": 1}
        ) as here:
            config = uvicorn.Config(app(here.program, clock=here.clock), log_config=None)
            with answering(uvicorn.Server(config), listener):
                yield here


def publish_hostile(here: Place) -> Edition:
    """Publish an edition of hostile papers to a reader of hostile words who voted before."""
    store = here.program.store
    subscriptions.change(
        store, here.reader.id, now=NOW, name=WORD[:100], words=[WORD[:90], "sparse"]
    )
    interests.set_interest(store, here.reader.id, WORD[:40], words=["routing", "W" * 80])
    with store.begin() as connection:
        absorbed = papers.absorb(connection, drafts(), now=NOW)
        known = papers.get(connection, [one.paper_id for one in absorbed])
        chosen = [known[one.paper_id] for one in absorbed]
        reader = readers.get(connection, here.reader.id)
        thumbs = (Thumb.DOWN, Thumb.UP) * len(chosen)
        cast = [
            Vote(reader.id, one.id, thumb, NOW - timedelta(days=at * 9), "test")
            for at, (one, thumb) in enumerate(zip(chosen, thumbs, strict=False))
            if at not in {5, 9}
        ]
        votes.cast_many(connection, cast)
        picks = [
            replace(pick, interest=WORD[:40], similar_paper=chosen[0], probability=0.4)
            for pick in picks_of(chosen)
        ]
        edition = editions.publish(
            connection,
            reader=reader,
            date=NOW.date() + timedelta(days=1),
            picks=picks,
            now=NOW,
            next_slot=reader.next_slot,
            message_id=None,
        )
    assert edition
    return edition


def addresses(here: Place, edition: Edition) -> list[str]:
    links = here.program.links
    me = links.page(edition.reader)
    return [
        links.front(),
        links.archive(),
        f"{links.archive()}/2026-08-07",
        f"{links.archive()}/2026-08",
        *(links.paper(pick.paper.uid) for pick in edition.picks[:8]),
        links.search(""),
        links.search(WORD),
        links.search("sparse since:never"),
        f"{links.front()}subscribe",
        links.edition(edition),
        *(links.vote(edition, position, Thumb.UP) for position in (1, 2, 4, 6, 7)),
        me,
        f"{me}?done=interest",
        f"{me}/start?done=welcome",
        f"{me}/rate",
        f"{me}/taste",
        f"{me}/delete",
        links.leave(edition.reader),
        links.confirm(edition.reader),
        links.admin(1),
        f"{links.front()}nothing",
    ]


def faults(page: Page, address: str) -> list[object]:
    """List what is wrong with the layout of the page that is open."""
    found: list[object] = [(address, one) for one in page.evaluate(SIDEWAYS)]
    headings = page.evaluate(HEADINGS)
    if headings[:1] != [1] or any(b > a + 1 for a, b in pairwise(headings)):
        found.append((address, headings))
    found += [(address, size) for size in page.evaluate(SMALLEST) if size < 12]
    if len({round(height) for height in page.evaluate(PLACES)}) > 1:
        found.append((address, "a number at a list wraps"))
    return found


@pytest.mark.parametrize("width", [375, 600, 1280])
def test_pages_of_hostile_papers_hold_their_width_and_their_outline(
    here: Place, browser: Browser, width: int
) -> None:
    edition = publish_hostile(here)
    page = browser.new_page(viewport={"width": width, "height": 800})
    found: list[object] = []

    for address in addresses(here, edition):
        page.goto(address)
        found += faults(page, address)
    page.goto(here.program.links.edition(edition))
    page.get_by_role("button", name="More like this for paper 6").click()
    found += faults(page, "an edition after a thumb")
    page.get_by_text("Abstract and reasons").first.click()
    found += faults(page, "an edition with a paper unfolded")
    page.close()

    assert found == []


@pytest.mark.parametrize("width", [375, 600, 1280])
@pytest.mark.parametrize("title", ["Larkpost", WORD])
def test_newsnewsletters_of_hostile_papers_hold_their_width(
    browser: Browser, width: int, title: str
) -> None:
    picks = [
        making.pick(
            making.paper(
                number,
                title=one.title,
                abstract=one.abstract,
                authors=one.authors,
                categories=one.categories,
                url=ADDRESS,
            ),
            number,
            terms=(WORD, "routing"),
            like=making.paper(99, title=WORD),
            interest=WORD,
        )
        for number, one in enumerate(HOSTILE, start=1)
    ]
    reader = making.reader(name=WORD[:100], interests=(WORD[:40], "other"))
    edition = making.edition(picks=tuple(picks), to=reader, note=WORD)
    page = browser.new_page(viewport={"width": width, "height": 800})

    for shown in (picks[:1], picks[1:2], picks[3:5], picks):
        page.set_content(making.make_renderer(title).html(replace(edition, picks=tuple(shown))))

        assert page.evaluate(SIDEWAYS) == []
        headings = page.evaluate(HEADINGS)
        assert headings == [1, *[2] * len(shown)]
    page.close()


def test_the_report_of_a_replay_is_read_on_a_phone(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 375, "height": 800})
    page.set_content(report_page([(WORD, measured())]))

    assert page.evaluate(SIDEWAYS) == []
    assert min(page.evaluate(SMALLEST)) >= 12
    headings = page.evaluate(HEADINGS)
    assert headings[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(headings))
    page.close()
