"""Listings of arXiv: new papers, cross-lists and replacements, from mails, texts and pages."""

from __future__ import annotations

from datetime import date

import pytest
from tests.helpers.formats.format_reading import (
    days_of,
    format_of,
    names_of,
    papers_of,
    read_records,
    sample_dump,
)

from larkpost.domain import RejectedRecord
from larkpost.errors import UnreadableDump

MAIL = sample_dump("mail/arxiv-listing.eml")
TEXT = MAIL.partition(b"\n\n")[2]
PAGE = sample_dump("html/arxiv-new.html")
COPIED = """Showing new listings for Friday, 7 August 2026
Total of 2 entries
New submissions (showing 2 of 2 entries)
[1] arXiv:2608.01001 [pdf, html, other]
Title: Lantern Decoding: Lighting One Expert at a Time
Ada Lovett, Wen Li
Comments: 12 pages
Subjects: Computation and Language (cs.CL); Machine Learning (cs.LG)
We light one expert of a mixture at a time and ask what is lost. Nothing is.
[2] arXiv:2608.00777 (cross-list from cs.CV) [pdf, other]
Title: Counting Bees without Counting Wings
Authors: Beate König
Subjects: Computer Vision and Pattern Recognition (cs.CV)
Cameras at the hive see wings twice. We count bodies.
"""


def test_the_mail_gives_each_paper_whole_with_what_arxiv_says_of_it() -> None:
    lantern, tides, bees, *_ = papers_of(MAIL)

    assert lantern.title == (
        "Lantern Decoding: Lighting One Expert at a Time Saves Half of the Heat"
    )
    assert lantern.abstract.startswith("We light one expert of a mixture at a time and ask")
    assert lantern.abstract.endswith(
        "The method needs ten lines of code, no training, and a schedule that is known before the"
        " first word."
    )
    assert names_of(lantern) == ["arxiv:2608.01001", "doi:10.1000/lanterns.2026"]
    assert lantern.authors == ("Ada Lovett", "Jürgen Müller", "Wen Li")
    assert lantern.categories == ("cs.CL", "cs.LG", "stat.ML")
    assert lantern.published == date(2026, 8, 5)
    assert lantern.comment == "12 pages, 4 figures; code at https://lanterns.example.org"
    assert lantern.links == ("https://lanterns.example.org",)
    assert lantern.url == "https://arxiv.org/abs/2608.01001"
    assert tides.authors == ("Grace Hopwell",)
    assert bees.categories == ("cs.CV", "cs.CL", "eess.IV")


def test_a_replacement_is_no_new_paper() -> None:
    knots, letters = papers_of(MAIL)[3:]

    assert (knots.title, knots.abstract) == ("A Grammar of Knots", "")
    assert knots.came_out == date(2024, 3, 1)
    assert (knots.published, knots.comment) == (None, "v3: a proof was shortened")
    assert letters.withdrawn
    assert not knots.withdrawn


def test_a_new_paper_and_a_cross_list_of_one_are_news_and_an_old_cross_list_is_not() -> None:
    old = TEXT.replace(b"arXiv:2608.00777 (*cross", b"arXiv:2501.00777 (*cross")

    assert [p.came_out for p in papers_of(TEXT)[:3]] == [None, None, None]
    assert papers_of(old)[2].came_out == date(2025, 1, 1)


def test_the_text_alone_is_read_and_tells_its_day() -> None:
    assert format_of(TEXT) == "arxiv-listing"
    assert days_of(TEXT) == [date(2026, 8, 6)]
    assert [p.title for p in papers_of(TEXT)] == [p.title for p in papers_of(MAIL)]


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_line_ends_of_other_systems_change_nothing(end: bytes) -> None:
    assert papers_of(TEXT.replace(b"\n", end)) == papers_of(TEXT)


def test_the_saved_page_gives_the_same_kinds_and_no_headings_in_abstracts() -> None:
    lantern, bees, knots = papers_of(PAGE)

    assert days_of(PAGE) == [date(2026, 8, 7)]
    assert lantern.authors == ("Ada Lovett", "Jürgen Müller", "Wen Li")
    assert lantern.abstract.endswith("the machine falls by half.")
    assert bees.abstract == (
        "Cameras at the hive see wings twice. We count bodies instead, with one weight per camera."
    )
    assert bees.categories == ("cs.CV", "cs.CL", "eess.IV")
    assert knots.came_out == date(2024, 3, 1)
    assert knots.abstract == (
        "Knots have words, and words have an order. We write down the grammar of both."
    )


def test_the_page_copied_as_text_is_read_with_and_without_labels() -> None:
    lantern, bees = papers_of(COPIED)

    assert format_of(COPIED.encode()) == "arxiv-listing"
    assert lantern.authors == ("Ada Lovett", "Wen Li")
    assert lantern.abstract == (
        "We light one expert of a mixture at a time and ask what is lost. Nothing is."
    )
    assert lantern.categories == ("cs.CL", "cs.LG")
    assert bees.authors == ("Beate König",)
    assert bees.abstract == "Cameras at the hive see wings twice. We count bodies."


def test_a_record_without_title_is_rejected_and_the_others_stay() -> None:
    broken = TEXT.replace(b"Title: Tides in Time Series\n", b"")

    rejected = [one for one in read_records(broken) if isinstance(one, RejectedRecord)]

    assert [one.reason for one in rejected] == ["it has no title"]
    assert len(papers_of(broken)) == 4


def test_a_listing_without_papers_is_refused() -> None:
    with pytest.raises(UnreadableDump, match="no paper in it"):
        read_records("\\\\\narXiv:2608.01001\nDate: Thu, 6 Aug 2026\n\\\\\n")
