"""Tests the bookmarklet in a real browser: it copies a page whatever the page's policy.

Chromium runs ``page.evaluate`` past the policy of the page, as browsers run a bookmarklet; what the
code then loads, sends or opens is held to that policy.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has none
from tests.helpers.web.answering_server import answering
from tests.helpers.web.site_client import contents, place

from larkpost.serve import listen
from larkpost.web import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page
    from tests.helpers.web.site_client import Place

pytestmark = pytest.mark.browser

STRICT = {"Content-Security-Policy": "default-src 'none'"}
LISTED = (
    "- On lanterns and their light: https://arxiv.org/abs/2608.04001",
    "- Tides of salt in the sea: https://arxiv.org/abs/2608.04002",
)
PLAIN = f"<title>Papers I like</title><p>{LISTED[0]}<br>{LISTED[1]}</p>"
PROPS = {"dailyPapers": [{"paper": {"id": "2608.04001", "title": "On <b>lanterns</b>"}}]}
DAILY = (
    "<title>Daily Papers</title><p>Nothing of it stands here.</p>"
    f'<div data-target="DailyPapers" data-props="{escape(json.dumps(PROPS))}"></div>'
)


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with listen("127.0.0.1", 0) as listener:
        base = f"http://localhost:{listener.getsockname()[1]}"
        flags = {"site.base_url": base, "web.admin_link_version": 1}
        with place(tmp_path, sqlite_url, flags) as here:
            config = uvicorn.Config(app(here.program, clock=here.clock), log_config=None)
            with answering(uvicorn.Server(config), listener):
                yield here


@contextmanager
def serving(html: str, headers: dict[str, str]) -> Iterator[str]:
    """Serve one page of another site; returns its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_args: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/papers?day=1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Return the operator's browser, small as a phone."""
    with browser.new_context(viewport={"width": 375, "height": 700}) as context:
        yield context


def drag_link(here: Place, context: BrowserContext) -> str:
    """Open the paste page once, as a user who drags the bookmarklet; returns its code."""
    page = context.new_page()
    page.goto(here.program.links.paste(1))
    link = page.get_by_role("link", name="To Larkpost").get_attribute("href")
    assert link
    assert page.get_by_label("Bookmarklet").input_value() == link
    page.close()
    return unquote(link.removeprefix("javascript:"))


def press(page: Page, code: str) -> Page:
    with page.expect_popup() as opened:
        page.evaluate(code)
    return opened.value


def brought(page: Page) -> str:
    page.wait_for_url("**/admin/*/paste")
    page.get_by_text("Nothing has been read yet.").wait_for()
    return page.get_by_label("Text", exact=True).input_value()


def test_the_bookmarklet_brings_the_text_of_a_page_with_a_strict_policy(
    here: Place, context: BrowserContext
) -> None:
    code = drag_link(here, context)
    before = contents(here.program.store)
    with serving(PLAIN, STRICT) as address:
        source = context.new_page()
        source.goto(address)
        page = press(source, code)

        assert brought(page) == "\n".join((f"Papers I like {address}", "", *LISTED))
        assert contents(here.program.store) == before
        page.get_by_role("button", name="Show what would be read").click()
        page.get_by_role("heading", name="2 papers would be read").wait_for()
        assert page.evaluate("window.opener") is None
        assert contents(here.program.store) == before
        page.get_by_role("button", name="Add these papers").click()
        page.get_by_text("Added: 2 papers, 2 of them new").wait_for()


def test_of_the_daily_page_it_brings_the_data(here: Place, context: BrowserContext) -> None:
    code = drag_link(here, context)
    with serving(DAILY, STRICT) as address:
        source = context.new_page()
        source.goto(address)
        page = press(source, code)

        assert json.loads(brought(page)) == PROPS
        page.get_by_role("button", name="Show what would be read").click()
        page.get_by_text("On <b>lanterns</b>").wait_for()
        assert page.get_by_text("huggingface-api").is_visible()


def test_a_page_without_the_link_in_its_browser_says_what_to_open(
    here: Place, context: BrowserContext, browser: Browser
) -> None:
    code = drag_link(here, context)
    with serving(PLAIN, STRICT) as address, browser.new_context() as another:
        source = another.new_page()
        source.goto(address)

        press(source, code).get_by_role("heading", name="Open your paste page first").wait_for()


def test_where_a_page_asks_for_isolation_the_bookmarklet_says_so(
    here: Place, context: BrowserContext
) -> None:
    code = drag_link(here, context)
    with serving(PLAIN, {"Cross-Origin-Opener-Policy": "same-origin"}) as address:
        source = context.new_page()
        source.goto(address.replace("127.0.0.1", "localhost"))  # a safe origin of its own
        with source.expect_event("dialog", lambda one: not one.dismiss()) as told:
            source.evaluate(code)

        assert "paste it by hand" in told.value.message


def test_a_page_that_nobody_asked_for_its_text_can_fill_nothing_in(
    here: Place, context: BrowserContext
) -> None:
    """Only text from the opener is accepted, once, and never over text in the field."""
    drag_link(here, context)
    with serving(PLAIN, {}) as address:
        source = context.new_page()
        source.goto(address)
        page = press(
            source, f"() => {{ window.sink = window.open({here.program.links.open_paste()!r}) }}"
        )
        page.wait_for_url("**/admin/*/paste")
        page.wait_for_load_state()
        field = page.get_by_label("Text", exact=True)

        page.evaluate("window.postMessage('of another window', '*')")
        source.evaluate("sink.postMessage({text: 'an object'}, '*')")
        source.evaluate("sink.postMessage('x'.repeat(5_000_000), '*')")
        page.get_by_text("That page has too much text.").wait_for()
        assert field.input_value() == ""
        field.fill("typed by hand")
        source.evaluate("sink.postMessage('over it', '*')")
        page.wait_for_timeout(200)
        assert field.input_value() == "typed by hand"
        assert page.url == here.program.links.paste(1)


def test_the_paste_page_works_without_a_script(here: Place, browser: Browser) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(here.program.links.paste(1))
        page.get_by_label("Text", exact=True).fill("\n".join(LISTED))
        page.get_by_role("button", name="Show what would be read").click()
        page.get_by_role("button", name="Add these papers").click()

        assert page.get_by_text("Added: 2 papers").is_visible()


def test_axe_finds_nothing_in_a_preview_and_it_fits_a_phone(here: Place, browser: Browser) -> None:
    long = json.dumps({"title": "Verylongword" * 30, "url": "https://a.example/1"})
    with browser.new_context(viewport={"width": 375, "height": 700}, bypass_csp=True) as context:
        page = context.new_page()
        page.goto(here.program.links.paste(1))
        page.get_by_label("Text", exact=True).fill(f'{long}\n{{"abstract": "{"nameless" * 40}"}}')
        page.get_by_role("button", name="Show what would be read").click()
        page.get_by_role("heading", name="1 paper would be read").wait_for()

        assert [one["id"] for one in Axe().run(page).response["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") == 375
        for address in (here.program.links.paste(1), here.program.links.open_paste()):
            page.goto(address)
            assert [one["id"] for one in Axe().run(page).response["violations"]] == []
