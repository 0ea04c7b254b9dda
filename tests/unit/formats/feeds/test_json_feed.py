"""Tests JSON Feed: items as papers, items without titles, and a file that was cut."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import pytest
from tests.helpers.dump_files import read_dump

from larkpost.domain import Identifier, IngestWarning, PaperRecord, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.feeds.json_feed import JsonFeed

DUMPS = Path(__file__).parents[3] / "dumps"
VERSION = "https://jsonfeed.org/version/1.1"


def read(body: str) -> list[object]:
    assert JsonFeed().recognises(body.encode(), "x")
    return list(JsonFeed().read(BytesIO(body.encode())))


def test_items_are_papers() -> None:
    wicks, note = read_dump("feed.json", "json-feed")

    assert wicks == PaperRecord(
        title="Wicks & Flames",
        abstract="We measure light in living wicks.",
        authors=("Ada Lovett", "Bo Ek"),
        published=date(2026, 8, 6),
        first_seen=datetime(2026, 8, 6, 7, tzinfo=UTC),
        url="https://notes.example.org/1",
        links=("https://doi.org/10.1000/wick.1",),
        keywords=("optics", "wicks"),
        thumbnail="https://notes.example.org/1.png",
        line=6,
    )
    assert isinstance(note, PaperRecord)
    assert note.title == "A note without a title."


def test_the_page_of_an_item_names_it() -> None:
    items = [{"id": "1", "url": "https://doi.org/10.1000/182", "title": "T"}]

    (paper,) = read(json.dumps({"version": VERSION, "title": "F", "items": items}))

    assert isinstance(paper, PaperRecord)
    assert paper.identifiers == (Identifier("doi", "10.1000/182"),)


def test_a_feed_without_items_is_said_to_have_no_papers() -> None:
    assert read(json.dumps({"version": VERSION, "title": "F", "items": []})) == [
        IngestWarning(0, "the feed has no items: 0 papers")
    ]


def test_a_feed_cut_off_within_an_item_keeps_what_came_before() -> None:
    text = (DUMPS / "feed.json").read_text()

    paper, cut = read(text[: text.index("thing about")])

    assert isinstance(paper, PaperRecord)
    assert isinstance(cut, RejectedRecord)
    assert (cut.line, cut.cut) == (17, True)


@pytest.mark.parametrize(
    "items", ['"none"', "[7]", '[{"title": 7}]', '[{"content_html": "<p></p>"}]']
)
def test_a_feed_in_which_nothing_is_a_paper_is_refused(items: str) -> None:
    with pytest.raises(UnreadableDump):
        read(f'{{"version": "{VERSION}", "items": {items}}}')
