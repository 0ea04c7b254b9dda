"""Tests the reader's pages in a real browser: accessible, and usable without a mouse."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has none
from tests.helpers.factories import add_papers
from tests.helpers.web.answering_server import answering
from tests.helpers.web.site_client import NOW, place

from larkpost.db import papers, votes
from larkpost.domain import Identifier, PaperRecord, Thumb, Vote
from larkpost.readers import interests
from larkpost.serve import listen
from larkpost.web import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser
    from tests.helpers.web.site_client import Place

pytestmark = pytest.mark.browser


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with listen("127.0.0.1", 0) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with place(
            tmp_path, sqlite_url, {"site.base_url": base, "web.admin_link_version": 1}
        ) as here:
            furnish(here)
            config = uvicorn.Config(app(here.program, clock=here.clock), log_config=None)
            with answering(uvicorn.Server(config), listener):
                yield here


def furnish(here: Place) -> None:
    """Give Ada a past: votes of two months, of which two on papers that are not in her edition."""
    interests.set_interest(here.program.store, here.reader.id, "Birdsong", words=["birdsong"])
    with here.program.store.begin() as connection:
        more = add_papers(connection, 6)
        drafts = [
            PaperRecord(
                title=f"On {words} as measured by method {number}",
                abstract=f"We look at {words} in the light of {words[::-1]}, time {number}.",
                identifiers=(Identifier("arxiv", f"2606.{number:05}"),),
                first_seen=NOW - timedelta(days=5 * number),
                upvotes=number,
            )
            for number, words in enumerate(["tides", "bees", "clocks", "maps", "salt", "ink"] * 4)
        ]
        found = papers.absorb(connection, drafts, now=NOW)
        ids = [*(paper.id for paper in more[3:]), *(one.paper_id for one in found)]
        votes.cast_many(
            connection,
            [
                Vote(
                    here.reader.id,
                    paper_id,
                    Thumb.UP if number % 3 else Thumb.DOWN,
                    NOW - timedelta(days=4 * number),
                    "test",
                )
                for number, paper_id in enumerate(ids)
            ],
        )


def addresses(here: Place) -> list[str]:
    links = here.program.links
    me = links.page(here.reader)
    return [
        links.front(),
        links.archive(),
        f"{links.archive()}/2026-08-06",
        f"{links.archive()}/2026-W32",
        f"{links.archive()}/2026-08",
        links.paper(here.papers[0].uid),
        links.search(""),
        links.search("sparse since:never"),
        f"{links.front()}subscribe",
        links.vote(here.edition, 2, Thumb.UP),
        links.edition(here.edition),
        me,
        f"{me}/start",
        f"{me}/rate",
        f"{me}/taste",
        f"{me}/delete",
        links.leave(here.reader),
        links.confirm(here.reader),
        links.admin(1),
        links.paste(1),
        f"{links.front()}nothing",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    here: Place, browser: Browser, scheme: str, width: int
) -> None:
    # axe puts its own script into the page, which our policy would rightly refuse.
    page = browser.new_page(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,
    )
    page.goto(here.program.links.vote(here.edition, 1, Thumb.UP))
    page.get_by_role("button", name="More like this").click()
    page.wait_for_url("**/edition/**")

    for address in [page.url, *addresses(here)]:
        page.goto(address)
        found = Axe().run(page).response["violations"]

        assert [(one["id"], address) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.goto(f"{here.program.links.front()}subscribe")
    page.get_by_label("email address").fill("grace@example.org")
    page.get_by_role("button", name="Subscribe by email").click()
    page.get_by_role("heading", name="Check your inbox").wait_for()
    assert [one["id"] for one in Axe().run(page).response["violations"]] == []
    page.close()


def test_a_thumb_is_given_changed_and_undone_with_the_keyboard(
    here: Place, browser: Browser
) -> None:
    page = browser.new_page()
    page.goto(here.program.links.vote(here.edition, 2, Thumb.UP))

    page.get_by_role("button", name="More like this").press("Enter")
    assert page.get_by_role("status").inner_text().startswith("More like this")
    assert here.thumb(2) is Thumb.UP
    page.get_by_role("button", name="Less like this for paper 2").press("Enter")
    page.get_by_role("status").get_by_text("Less like this").wait_for()
    page.get_by_role("button", name="Undo").press("Enter")
    page.get_by_role("status").get_by_text("More like this").wait_for()

    assert here.thumb(2) is Thumb.UP
    page.close()


@pytest.mark.parametrize("size", [(375, 667), (1280, 800)])
def test_after_a_thumb_the_paper_and_the_next_are_in_view(
    here: Place, browser: Browser, size: tuple[int, int]
) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(here.program.links.edition(here.edition))

    for position in (1, 2):
        page.get_by_role("button", name=f"More like this for paper {position}").click()
        page.wait_for_url(f"**/edition/*#p{position}")
        top = page.locator(f"#p{position}").evaluate("one => one.getBoundingClientRect().top")
        heading = page.locator(f"#p{position + 1} h2")
        end = heading.evaluate("one => one.getBoundingClientRect().bottom")

        assert -1 <= top < end <= size[1]
        assert page.get_by_role("button", name=f"Undo for paper {position}").is_visible()
    assert page.locator("button[aria-pressed=true]").count() == 2
    page.close()


def test_the_policy_lets_our_own_style_in_and_complains_of_nothing(
    here: Place, browser: Browser
) -> None:
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))

    for address in addresses(here)[:-1]:
        page.goto(address)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")

        assert ground == "rgb(250, 248, 243)"
    assert complaints == []
    page.close()


def test_wishes_are_saved_from_the_readers_page(here: Place, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(here.program.links.page(here.reader))

    page.get_by_label("Papers per edition").fill("7")
    page.get_by_label("Sunday").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()

    page.get_by_text("Settings saved").wait_for()
    assert here.current().papers_per_edition == 7
    assert here.current().weekdays == frozenset(range(6))
    page.close()


def test_the_zone_is_guessed_and_everything_works_without_script(
    here: Place, browser: Browser
) -> None:
    guessed = {}
    for script in (True, False):
        context = browser.new_context(timezone_id="Asia/Tokyo", java_script_enabled=script)
        page = context.new_page()
        page.goto(f"{here.program.links.front()}subscribe")
        guessed[script] = page.get_by_label("Time zone").input_value()
        page.get_by_role("button", name="Feed only").click()
        page.get_by_role("status").get_by_text("Welcome").wait_for()
        context.close()

    assert guessed == {True: "Asia/Tokyo", False: "UTC"}


def test_a_page_reads_well_on_paper(here: Place, browser: Browser) -> None:
    page = browser.new_page()
    page.emulate_media(media="print")
    page.goto(here.program.links.edition(here.edition))

    assert page.get_by_role("button").count() == 0
    assert page.get_by_text(here.papers[0].title).first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (375, 720)])
def test_the_paper_of_today_stays_in_view_while_papers_are_rated(
    here: Place, browser: Browser, width: int, height: int
) -> None:
    with here.program.store.begin() as connection:
        drafts = [
            PaperRecord(
                title=f"A long enough title about {words} and what they are good for",
                abstract=f"We look at {words} once more, and at {words[::-1]}.",
                identifiers=(Identifier("arxiv", f"2605.{number:05}"),),
                first_seen=NOW - timedelta(hours=3),
            )
            for number, words in enumerate(["rivers", "harps", "kites", "ovens", "ants"] * 4)
        ]
        papers.absorb(connection, drafts, now=NOW)
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(f"{here.program.links.page(here.reader)}/rate")
    count = page.locator(".pick").count()
    assert count == 10

    for number in (1, 5, count):
        button = page.locator(f"#p{number}").get_by_role("button", name="More like this")
        button.click()
        page.get_by_role("status").get_by_text(" rated").wait_for(state="attached")
        preview = page.locator(".preview").bounding_box()
        title = page.locator(".preview h3").first.bounding_box()
        thumb = page.locator(f"#p{number} .actions").bounding_box()
        assert preview
        assert title
        assert thumb
        assert preview["y"] >= 0
        assert preview["y"] + preview["height"] <= height + 1
        assert preview["y"] < title["y"] < height
        # The thumb that was given is in view, too, and the preview does not lie on it.
        assert thumb["y"] >= 0
        beside = thumb["x"] + thumb["width"] <= preview["x"]
        assert beside or thumb["y"] + thumb["height"] <= preview["y"]
