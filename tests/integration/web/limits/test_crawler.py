"""A client that opens every link, as scanners and prefetching programs do."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from email.policy import default
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest
from tests.helpers.web.site_client import BASE, contents, place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.web.site_client import Place

_LINK = re.compile(r"""(?:href|src)="([^"\\]+)"|(https?://[^\s<>"\\]+)""")
_BOOKMARKLET = re.compile(r"javascript:[^\"<]*")  # code to keep, not a page to open
DEPTH = 3
AT_ONCE = 8


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with place(tmp_path, sqlite_url, {"web.admin_link_version": 1}) as opened:
        yield opened


def links_in(text: str, base: str) -> set[str]:
    found = {unescape(one or other) for one, other in _LINK.findall(_BOOKMARKLET.sub("", text))}
    whole = {urljoin(base, link.partition("#")[0].rstrip(".,)")) for link in found}
    return {link for link in whole if link.startswith(f"{BASE}/")}


def letter(here: Place) -> str:
    (written,) = here.program.renderer.newsletter([here.edition])
    message = message_from_bytes(written.content, policy=default)
    parts = [message.get_body((kind,)) for kind in ("plain", "html")]
    return "\n".join([*map(str, message.values()), *(p.get_content() for p in parts if p)])


def crawl(here: Place, start: set[str], method: str) -> dict[str, int]:
    """Open these links, several at once, then the links there; returns each one's status."""
    seen: dict[str, int] = {}
    todo = start
    for _ in range(DEPTH):
        found: set[str] = set()
        links = sorted(todo - seen.keys())
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = pool.map(lambda link: here.client.request(method, here.path(link)), links)
        for link, answer in zip(links, answers, strict=True):
            seen[link] = answer.status_code
            if answer.status_code in {301, 302, 303, 307}:
                found.add(urljoin(link, answer.headers["location"]))
            elif answer.headers.get("content-type", "").startswith(("text/html", "appl", "text/x")):
                found |= links_in(answer.text, link)
        todo = found
    return seen


def test_opening_all_that_a_message_and_the_feeds_lead_to_changes_nothing(here: Place) -> None:
    feeds = {here.program.links.feed(here.reader, form) for form in ("rss", "atom", "json")}
    start = links_in(letter(here), BASE) | feeds | {here.program.links.admin(1)}
    before = contents(here.program.store)

    for method in ("HEAD", "GET", "GET", "HEAD", "GET", "HEAD"):
        seen = crawl(here, start, method)

        assert {link: status for link, status in seen.items() if status not in {200, 303}} == {}
    assert contents(here.program.store) == before
    places = {re.split(r"[/?.]", here.path(link))[1] for link in seen | crawl(here, start, "GET")}
    assert places >= {
        "", "admin", "archive", "edition", "feed", "leave", "me", "paper", "search", "static",
        "subscribe", "trending", "vote",
    }  # fmt: skip
    deep = {link.rpartition("/")[2] for link in crawl(here, start, "GET") if "/me/" in link}
    assert deep >= {"start", "rate", "taste", "delete", "export.jsonl"}
