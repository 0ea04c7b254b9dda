"""Tests the whole life of a reader, in a browser and a mailbox, on the real daemon."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import feedparser  # type: ignore[import-untyped]  # it ships no types
import pytest
from tests.helpers.cli_helpers import SAMPLE
from tests.helpers.web.daemon import eventually, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from playwright.sync_api import Browser, Page
    from tests.helpers.web.daemon import Daemon

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

GRACE = "grace@example.org"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with serving(tmp_path) as daemon:
        inbox = daemon.home / "inbox"
        shutil.copy(SAMPLE, inbox / f".{SAMPLE.name}")
        (inbox / f".{SAMPLE.name}").rename(inbox / SAMPLE.name)
        yield daemon


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(timezone_id="America/New_York")
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def html(newsletter: EmailMessage) -> str:
    part = newsletter.get_body(("html",))
    assert part
    content: str = part.get_content()
    return content


def link(newsletter: EmailMessage, place: str) -> str:
    """Find the first link of a message that leads to a page."""
    found = re.search(rf'href="(http[^"]*/{place}/[^"]*)"', html(newsletter))
    assert found, place
    return found[1]


def messages(daemon: Daemon, count: int) -> EmailMessage:
    """Wait for the message of that number, and return it."""
    eventually(lambda: len(daemon.postbox.to(GRACE)) >= count)
    eventually(daemon.has_settled)
    found = daemon.postbox.to(GRACE)
    assert len(found) == count
    return found[-1]


def preview(page: Page) -> list[str]:
    return page.locator("#preview ~ ol h3").all_inner_texts()


def feed(page: Page, me: str) -> list[str]:
    page.goto(me)
    address = page.get_by_role("link", name="Atom").first.get_attribute("href")
    with urlopen(address or "") as answer:  # noqa: S310 - our own daemon
        entries = feedparser.parse(answer.read()).entries
    return [entry.title for entry in entries]


def shown(page: Page, newsletter: EmailMessage) -> list[str]:
    """Return the titles of an edition as its page in the browser has them."""
    page.goto(link(newsletter, "edition"))
    return [text.strip() for text in page.locator(".pick h2 bdi").all_inner_texts()]


def pass_days(daemon: Daemon, days: int) -> None:
    """Let days pass, and wait until the daemon has ticked on the last of them."""
    daemon.set_days_ahead(days)
    eventually(daemon.is_well)


def ask_for_the_paper(daemon: Daemon, page: Page) -> None:
    """They find the site, with its trending papers, and subscribe."""
    page.goto(daemon.url)
    eventually(lambda: page.reload() and page.locator(".picks li").count())
    page.get_by_role("link", name="Choose days and time").click()
    assert page.get_by_label("Time zone").input_value() == "America/New_York"
    page.get_by_label("Email address").fill(GRACE)
    page.get_by_label("Papers per edition").fill("6")
    page.get_by_role("button", name="Subscribe by email").click()
    page.get_by_role("heading", name="Check your inbox").wait_for()


def confirm(daemon: Daemon, page: Page) -> None:
    """They confirm from the mail, and nothing but their press of the button lets them in."""
    asked = messages(daemon, 1)
    assert "confirm" in asked["Subject"]
    page.goto(link(asked, "confirm"))
    page.get_by_role("button", name="Confirm my subscription").click()
    page.get_by_role("status").get_by_text("Your subscription is confirmed").wait_for()


def rate_ten(page: Page) -> str:
    """They rate ten, and the paper of today follows; returns the address of their page."""
    page.get_by_role("link", name="Rate ten papers").click()
    page.locator(".pick").nth(9).wait_for()
    me = page.url.removesuffix("/rate")
    assert page.locator(".pick").count() == 10
    before = preview(page)
    for number in range(1, 11):
        paper = page.locator(f"#p{number}")
        wish = "More like this" if number % 2 else "Less like this"
        paper.get_by_role("button", name=wish).click()
        page.get_by_role("status").get_by_text(f"{number} of 10 rated").wait_for()
    assert preview(page) != before
    return me


def read_the_morning(page: Page, me: str, first: EmailMessage) -> list[str]:
    """The mail and the feed are there, with the same papers in the same order; returns these."""
    papers = shown(page, first)
    assert len(papers) == 6
    assert feed(page, me) == papers
    newsletter = html(first)
    headings = newsletter.index("<h2")  # what is shown in the list of mails names some of them, too
    positions = [newsletter.find(title.split("&")[0][:30], headings) for title in papers]
    assert positions == sorted(positions)
    return papers


def thumb_from_the_mail(page: Page, me: str, first: EmailMessage) -> None:
    """A thumb from the mail changes what comes."""
    page.goto(f"{me}/rate")
    before = preview(page)
    page.goto(link(first, "vote"))
    page.get_by_role("button", name="Less like this").click()
    page.get_by_role("status").get_by_text("Less like this").wait_for()
    page.goto(f"{me}/rate")
    assert preview(page) != before


def change_settings(page: Page, me: str) -> None:
    """They change their settings."""
    page.goto(me)
    page.get_by_label("Papers per edition").fill("3")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Settings saved").wait_for()


def read_the_next(page: Page, me: str, second: EmailMessage, papers: list[str]) -> None:
    """The next edition obeys, and repeats nothing."""
    assert len(shown(page, second)) == 3
    assert not set(shown(page, second)) & set(papers)
    page.goto(f"{me}/taste")
    page.get_by_role("img", name="Words that raise the score").wait_for()


def unsubscribe_by_mail_program(daemon: Daemon, second: EmailMessage) -> str:
    """Unsubscribe by the mail program (RFC 8058), expect no mail; returns the URL."""
    ways_out: list[str] = re.findall("<(http[^>]+)>", second["List-Unsubscribe"])
    (way_out,) = ways_out
    assert second["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    body = urlencode({"List-Unsubscribe": "One-Click"}).encode()
    with urlopen(Request(way_out, body, method="POST")) as answer:  # noqa: S310 - our own daemon
        assert answer.status == 200
        assert answer.url == way_out
    pass_days(daemon, 3)
    assert len(daemon.postbox.to(GRACE)) == 3
    return way_out


def come_back_and_leave(daemon: Daemon, page: Page, way_out: str) -> None:
    """They come back by the page, and leave by the page."""
    page.goto(way_out)
    page.get_by_role("button", name="Subscribe again").click()
    page.get_by_role("status").get_by_text("Your next edition comes").wait_for()
    daemon.set_days_ahead(5)
    third = messages(daemon, 4)
    page.goto(link(third, "leave"))
    page.get_by_role("button", name="Unsubscribe").click()
    page.get_by_role("heading", name="You are unsubscribed").wait_for()
    pass_days(daemon, 6)
    assert len(daemon.postbox.to(GRACE)) == 4


def test_a_reader_comes_reads_teaches_and_leaves(daemon: Daemon, page: Page) -> None:
    ask_for_the_paper(daemon, page)
    confirm(daemon, page)
    me = rate_ten(page)

    daemon.set_days_ahead(1)
    first = messages(daemon, 2)
    papers = read_the_morning(page, me, first)
    thumb_from_the_mail(page, me, first)
    change_settings(page, me)

    daemon.set_days_ahead(2)
    second = messages(daemon, 3)
    read_the_next(page, me, second, papers)
    way_out = unsubscribe_by_mail_program(daemon, second)
    come_back_and_leave(daemon, page, way_out)
