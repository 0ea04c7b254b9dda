"""Text from strangers is only text on every page: papers, names of files, imported references."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from tests.helpers.web.site_client import NOW, place

from larkpost.db import papers
from larkpost.domain import Thumb
from larkpost.formats.jsonl import Jsonl
from larkpost.ingest import ingest
from larkpost.readers import interests, record_votes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.web.site_client import Place

    from larkpost.domain import Paper

MARK = "{{7*7}}"
# Tags are cleaned at ingest; what was escaped is text that looks like a tag from then on.
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"
HOSTILE = f"<script>alert(1)</script> {MARK} <b onclick=alert(1)>x</b> \"'><img src=x> &amp;"
NAME = f"<img src=x onerror=alert(1)> {MARK} \"' 2026-08-07.jsonl"
LINKS = 'javascript:alert(1) https://papers.example/"onmouseover="alert(1) data:text/html,<script>'
INTEREST = f"<script>x</script>{MARK}\"'"


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with place(tmp_path, sqlite_url, {"web.admin_link_version": 1}) as opened:
        line = {
            "title": f"{ESCAPED} {HOSTILE}",
            "abstract": f"{HOSTILE} {LINKS}\n\n{HOSTILE}",
            "authors": [HOSTILE],
            "categories": [HOSTILE],
            "url": "https://papers.example/\"'><script>alert(1)</script>",
            "first_seen": "2026-08-07T06:00:00Z",
            "upvotes": 500,
        }
        file = tmp_path / NAME
        file.write_text(json.dumps(line) + "\n", "utf-8")
        ingest.ingest(opened.program.store, [Jsonl()], file, now=NOW)
        yield opened


def hostile(here: Place) -> Paper:
    with here.program.store.read() as connection:
        return next(one for one in papers.iterate(connection) if MARK in one.title)


class Reading(HTMLParser):
    """Reads a page as a browser does: its text, its elements, and the values of fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.fields: list[str] = []
        self.unsafe: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what no page of ours has."""
        found = {name: value or "" for name, value in attrs}
        led = [found[name] for name in ("href", "src", "action") if name in found]
        if (
            tag in {"img", "iframe", "object", "embed", "style"}
            or (tag == "script" and not found.get("src", "").startswith("/static/"))
            or any(name.startswith("on") or name == "style" for name in found)
            or not all(re.match(r"https?://|/|#|\?", one) for one in led)
        ):
            self.unsafe.append(str(self.get_starttag_text()))
        self.fields += [found["value"]] if tag == "input" and "value" in found else []

    def handle_data(self, data: str) -> None:
        """Collect the text."""
        self.text += data


def shown(page: str) -> str:
    """Return the text of a page, in which nothing of a stranger's may be more than text."""
    read = Reading(page)
    assert read.unsafe == []
    return read.text


def test_the_reading_finds_what_it_looks_for() -> None:
    for unsafe in (
        "<script>alert(1)</script>", "<img src=x>", "<b onclick=alert(1)>x</b>",
        "<a href=javascript:alert(1)>x</a>", "<a href='data:text/html,x'>x</a>",
        "<p style='color: red'>x</p>", "<form action='//evil'><iframe>", "<style>a{}</style>",
    ):  # fmt: skip
        assert Reading(f"<p>{unsafe}</p>").unsafe


def test_a_hostile_paper_is_text_on_every_page_that_shows_it(here: Place) -> None:
    paper = hostile(here)
    me = here.path(here.program.links.page(here.reader))
    interests.set_interest(here.program.store, here.reader.id, INTEREST, words=["alert"])
    paths = [
        "/",
        "/archive/2026-08-07",
        "/archive/2026-08",
        f"/paper/{paper.uid}",
        "/search?q=alert",
        f"{me}/rate",
    ]

    for path in paths:
        answer = here.client.get(path)

        assert answer.status_code == 200
        assert MARK in shown(answer.text), path
        assert "<script>alert(1)</script>" in shown(answer.text), path


def test_a_taste_and_what_it_is_named_after_are_text(here: Place) -> None:
    me = here.path(here.program.links.page(here.reader))
    interests.set_interest(here.program.store, here.reader.id, INTEREST, words=[HOSTILE])
    record_votes.cast(
        here.program.store, here.reader.id, hostile(here).id, Thumb.UP, source="test", now=NOW
    )
    here.fit()

    assert INTEREST in shown(here.client.get(f"{me}/taste").text)
    assert HOSTILE.split()[0] in shown(here.client.get(me).text)


@pytest.mark.parametrize("words", [HOSTILE, f'"{HOSTILE}"', "javascript:alert(1)", INTEREST])
def test_what_is_searched_for_is_text(here: Place, words: str) -> None:
    answer = here.client.get("/search", params={"q": words})

    assert answer.status_code == 200
    assert words in Reading(answer.text).fields
    shown(answer.text)


def test_what_a_reader_brings_is_text(here: Place) -> None:
    me = here.path(here.program.links.page(here.reader))
    brought = f"TY  - JOUR\nTI  - {ESCAPED} {HOSTILE} brought\nER  - \n"
    unknown = "10.1000/<script>alert(1)</script>"

    list_page = here.client.post(f"{me}/start", data={"text": brought})
    names_page = here.client.post(f"{me}/start", data={"text": unknown})

    assert [one.status_code for one in (list_page, names_page)] == [200, 200]
    assert "1 paper got a thumb up" in shown(list_page.text)
    shown(names_page.text)
    assert f"<script>alert(1)</script> {MARK} x" in shown(here.client.get(me).text)


def test_the_name_of_a_dump_is_text_on_the_admin_page(here: Place) -> None:
    page = here.client.get(here.path(here.program.links.admin(1))).text

    assert "<img src=x onerror=alert(1)>" in shown(page)
    assert MARK in shown(page)
