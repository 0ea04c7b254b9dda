"""Tests saved web pages: read by their embedded data, as the papers page, or by their links."""

from __future__ import annotations

from datetime import date

import pytest
from tests.captures.replica import render
from tests.captures.samples import sample_papers
from tests.captures.shapes import collapse
from tests.helpers.formats.format_reading import (
    days_of,
    format_of,
    names_of,
    papers_of,
    read_records,
    sample_dump,
)

from larkpost.errors import UnreadableDump
from larkpost.formats.paper_lists.html_blocks import html_blocks, parse_html

SAVED = sample_dump("html/daily-papers.html")


@pytest.mark.parametrize("name", ["daily-papers.html", "daily-papers.mhtml"])
def test_the_papers_page_is_read_by_the_json_that_it_carries(name: str) -> None:
    pilots, tides = papers_of(sample_dump(f"html/{name}"))

    assert pilots.title == (
        "Harbour Pilots: Steering Mixture-of-Experts Models with One Scalar per Layer"
    )
    assert 'steer that with "one scalar" per layer & lose < 1 point' in pilots.abstract
    assert (pilots.authors, pilots.upvotes) == (("Ada Lovett",), 64)
    assert pilots.organisation == "University of Example"
    assert pilots.links == ("https://pilots.example.org", "https://github.com/example/pilots")
    assert pilots.first_seen is not None
    assert pilots.first_seen.date() == date(2026, 8, 7)
    assert names_of(tides) == ["arxiv:2608.01002"]


def test_the_file_tells_its_day() -> None:
    assert days_of(SAVED) == [date(2026, 8, 7)]
    assert days_of(sample_dump("html/daily-papers.mhtml")) == [date(2026, 8, 8)]


@pytest.mark.parametrize("page", ["search", "daily"])
def test_the_papers_page_without_its_data_is_read_by_its_text(page: str) -> None:
    papers = papers_of(render(page))

    assert format_of(render(page).encode()) == "html"
    assert [(p.title, *names_of(p)) for p in papers] == [
        (collapse(sample.title), f"arxiv:{sample.id}") for sample in sample_papers()
    ]


@pytest.mark.parametrize(
    "broken",
    ['"{&quot;dailyPapers&quot;: [{&quot;paper&quot;: {"', '"&quot;paper&quot;"', '"null"'],
)
def test_data_that_is_broken_leaves_the_text(broken: str) -> None:
    start, _, rest = SAVED.decode().partition('data-target="DailyPapers" data-props="')
    page = f'{start}data-target="DailyPapers" data-props={broken}>' + rest.partition('">')[2]

    assert [p.title for p in papers_of(page)] == [
        "Harbour Pilots: Steering Mixture-of-Experts Models with One Scalar per Layer"
    ]


@pytest.mark.parametrize(
    "start",
    [
        "<!DOCTYPE html>\n",
        "<!-- saved from url=(0014)about:internet --><html><p>",
        "\ufeff\r\n  <HTML>",
        "<head><meta charset=utf-8></head>",
        "<body class='dark'>",
        '<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0"><html>',
        "<div><article><h3>One</h3><p>Text</p></article></div>",
        "A page in pieces\n" + "<p>One paragraph</p>\n" * 12,
    ],
)
def test_a_page_is_recognised_and_without_papers_refused_by_name(start: str) -> None:
    with pytest.raises(UnreadableDump, match="it is an HTML page") as refused:
        read_records(start)
    assert "save the page that lists the papers" in refused.value.hint

    linked = '<p><a href="https://arxiv.org/abs/2608.01001">Lantern Decoding at Night</a></p>'
    assert [p.title for p in papers_of(start + linked)] == ["Lantern Decoding at Night"]


def test_links_are_resolved_against_the_page_and_scripts_are_not_text() -> None:
    page = (
        "<html><head><base href='https://arxiv.org/list/'>"
        "<script>var a='<p>no</p>'</script></head>"
        "<p hidden>no</p><p style='display: none'>no</p>"
        "<h2><a href='/abs/2608.01001'>A title<br>on two lines</a></h2>"
        "<p>Text <b>in</b>  one\nline</p>"
    )
    root = parse_html(page.encode())
    assert root is not None

    title, text = html_blocks(root)

    assert (title.text, title.level) == ("A title on two lines", 2)
    assert title.links[0].url == "https://arxiv.org/abs/2608.01001"
    assert title.words_of(title.links[0]) == title.text
    assert text.text == "Text in one line"


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1252", "utf-8", "gb18030"])
def test_a_page_is_decoded_by_the_character_set_that_it_names(charset: str) -> None:
    link = '<a href="https://arxiv.org/abs/2608.01001">Straßenbahn für Zürich</a>'
    page = f'<html><meta charset="{charset}"><p>{link}</p>'

    assert [p.title for p in papers_of(page.encode(charset))] == ["Straßenbahn für Zürich"]


def test_entities_of_a_document_and_files_are_not_loaded() -> None:
    page = (
        '<!DOCTYPE html [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
        '<!ENTITY f SYSTEM "file:///etc/passwd">]><html><p>&b;&f;</p>'
        '<p><a href="https://arxiv.org/abs/2608.01001">Lantern Decoding at Night</a></p>'
    )

    (paper,) = papers_of(page)

    assert paper.title == "Lantern Decoding at Night"
    assert "root:" not in repr(read_records(page))


def test_elements_that_nest_without_end_are_cut_off() -> None:
    deep = "<html>" + "<div>" * 100_000 + "text"

    with pytest.raises(UnreadableDump, match="HTML page"):
        read_records(deep)


def test_the_search_page_gives_abstracts_votes_and_days() -> None:
    papers = papers_of(render("search"))

    assert [p.abstract.casefold() for p in papers] == [
        collapse(sample.abstract).casefold() for sample in sample_papers()
    ]
    assert sum(p.upvotes is not None for p in papers) > 20
    assert all(p.published for p in papers)
