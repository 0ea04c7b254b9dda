"""Tests lists of titles that link to papers: which text belongs to a paper."""

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

from larkpost.errors import UnreadableDump
from larkpost.formats.paper_lists.title_words import is_prose, is_title, read_authors

DIGEST = sample_dump("lists/digest.md")
BULLETS = sample_dump("lists/bullets.md")
PLAIN = sample_dump("lists/plain-links.txt")
SECOND = "\n- [Another title of words](https://arxiv.org/abs/2608.00999)\n"


def test_a_digest_in_markdown_gives_titles_authors_and_whole_abstracts() -> None:
    lantern, tides, light = papers_of(DIGEST)

    assert format_of(DIGEST) == "links"
    assert days_of(DIGEST) == [date(2026, 8, 7)]
    assert lantern.authors == ("Ada Lovett", "Jürgen Müller", "Wen Li")
    assert lantern.abstract == (
        "We light one expert of a mixture at a time and ask what is lost. On nine tasks nothing is,"
        " and the heat of the machine falls by half."
    )
    assert (tides.title, names_of(tides)) == ("Tides in Time Series", ["arxiv:2608.01002"])
    assert tides.authors == ("Grace Hopwell", "Otto Exempel")
    assert tides.abstract.startswith("Time series from harbours")
    assert (light.title, names_of(light)) == (
        "Slow light in very fast glass",
        ["doi:10.1000/glass.2026"],
    )
    assert light.authors == ("Wen Li", "Otto Exempel")


def test_a_curated_list_gives_the_title_of_each_item_and_row() -> None:
    papers = papers_of(BULLETS)

    assert [(p.title, *names_of(p)) for p in papers] == [
        (
            "Lantern Decoding: Lighting One Expert at a Time Saves Half of the Heat",
            "arxiv:2608.01001",
        ),
        ("Tides in Time Series", "arxiv:2608.01002"),
        ("Counting Bees without Counting Wings", "arxiv:2608.00777"),
        ("A Grammar of Knots", "arxiv:2403.09999"),
        ("Slow light in very fast glass", "doi:10.1000/glass.2026"),
        ("On the stability of card houses under mild applause", "doi:10.1007/s00000-026-00001-2"),
        ("A field guide to rare errors", "arxiv:2608.00333"),
    ]


def test_plain_text_with_an_address_below_each_title_is_read() -> None:
    lantern, tides, knots = papers_of(PLAIN)

    assert format_of(PLAIN) == "links"
    assert lantern.authors == ("Ada Lovett", "Jürgen Müller", "Wen Li")
    assert lantern.abstract.endswith("the heat of the machine falls by half.")
    assert (tides.abstract, names_of(knots)) == ("", ["arxiv:2403.09999"])


def test_a_paper_that_an_abstract_cites_gives_no_name_to_the_one_above() -> None:
    text = (
        "## [Lantern Decoding at Night](https://www.nature.com/articles/s41586-026-01234-5)\n\n"
        "This paper extends arXiv:2301.00001 by one lamp, and doi:10.1000/1 by two of them, which "
        "is more than anybody asked for.\n" + SECOND
    )

    assert names_of(papers_of(text)[0]) == ["doi:10.1038/s41586-026-01234-5"]


def test_a_paper_that_prose_links_to_gives_no_name_to_the_one_above() -> None:
    text = (
        "## [Lantern Decoding at Night](https://doi.org/10.1000/1)\n\n"
        "This work extends [lamps](https://arxiv.org/abs/2301.00001) by one, which is more than "
        "anybody had asked for. It is also brighter.\n" + SECOND
    )

    assert names_of(papers_of(text)[0]) == ["doi:10.1000/1"]
    assert papers_of(text)[0].abstract.startswith("This work extends lamps by one")


def test_a_button_in_the_text_below_a_heading_leads_to_its_paper() -> None:
    arxiv = "https://arxiv.org/abs"
    page = (
        "<html><h1>Papers of the week</h1><p>Welcome to this letter, which is read by many.</p>"
        "<h3>1. Lantern Decoding at Night</h3><p>Ada Lovett, Wen Li</p><p>The authors show that "
        f"one expert is enough. Nothing is lost. (<a href='{arxiv}/2608.01001'>Paper</a>)</p>"
        "<h3>2. Tides in Time Series</h3><p>Harbours have tides, and models that know the moon do "
        f"better on all. <a href='https://x.example/?u={arxiv}/2608.01002'>Read the"
        " paper</a></p>"
        f"<p>A third one (<a href='{arxiv}/2608.01003'>arXiv</a>) writes down the words of knots. "
        "It is a long list of them.</p>"
    )

    lantern, tides = papers_of(page)

    assert (lantern.title, names_of(lantern)) == (
        "Lantern Decoding at Night",
        ["arxiv:2608.01001"],
    )
    assert lantern.authors == ("Ada Lovett", "Wen Li")
    assert lantern.abstract.startswith("The authors show that one expert is enough.")
    assert (tides.title, names_of(tides)) == ("Tides in Time Series", ["arxiv:2608.01002"])
    assert "knots" not in tides.abstract


def test_ids_without_links_name_the_papers_of_a_list() -> None:
    text = (
        "- Lantern Decoding at Night (arXiv:2608.01001)\n- Tides in Time Series, doi:10.1000/2.\n"
        "- arXiv: 2608.01003v2 A Grammar of Knots\n"
    )

    assert [(p.title, *names_of(p)) for p in papers_of(text)] == [
        ("Lantern Decoding at Night", "arxiv:2608.01001"),
        ("Tides in Time Series", "doi:10.1000/2"),
        ("A Grammar of Knots", "arxiv:2608.01003"),
    ]


def test_the_day_of_a_list_may_stand_on_a_line_of_its_own() -> None:
    text = "# Papers\n\n*7 August 2026*\n" + SECOND + SECOND.replace("Another", "A third of")

    assert days_of(text.replace("00999", "00998", 1)) == [date(2026, 8, 7)]


def test_a_title_in_quotes_behind_its_authors_is_the_title() -> None:
    cited = '- Li, W. et al. "Tides in Time Series". [PDF](https://arxiv.org/pdf/2608.01002)\n'

    assert papers_of(cited + SECOND)[0].title == "Tides in Time Series"


def test_a_link_within_a_sentence_is_no_title() -> None:
    text = (
        (
            "We have followed the authors of the well known paper on lanterns for some time, see "
            "[their first account of it](https://arxiv.org/abs/2608.01001) for more.\n"
        )
        + SECOND.replace("999", "998")
        + SECOND
    )

    assert [names_of(p) for p in papers_of(text)] == [["arxiv:2608.00998"], ["arxiv:2608.00999"]]


def test_the_same_paper_twice_is_given_once() -> None:
    assert len(papers_of(BULLETS + BULLETS)) == 7


def test_two_papers_of_one_title_are_two() -> None:
    text = "- [Errata and corrigenda](https://doi.org/10.1000/1)\n" * 2
    other = text.replace("10.1000/1", "10.1000/2")

    assert [names_of(p) for p in papers_of(text + other)] == [["doi:10.1000/1"], ["doi:10.1000/2"]]


def test_prose_with_two_links_to_arxiv_is_no_list() -> None:
    one, two = "https://arxiv.org/abs/2608.01001", "https://arxiv.org/abs/2608.01002"
    text = f"It began with [one]({one}), then [two]({two})."

    assert format_of(text.encode()) == ""


def test_the_papers_page_stays_with_its_own_reader() -> None:
    assert format_of(sample_dump("shape-d.txt")) == "huggingface"


def test_references_as_links_and_long_lines_are_read() -> None:
    text = (
        "1. [Lantern Decoding at Night][1]\n2. [Tides in Time Series][tides]\n\n"
        "[1]: https://arxiv.org/abs/2608.01001\n[tides]: <https://arxiv.org/abs/2608.01002>\n"
    )

    assert [names_of(p) for p in papers_of(text)] == [["arxiv:2608.01001"], ["arxiv:2608.01002"]]


@pytest.mark.parametrize(
    "text",
    ["View PDF", "Full text (HTML)", "arXiv:2608.01001", "10.1000/182", "Read the abstract online",
     "https://example.org/a b", "code", "PDF", "Volume 12 Issue 8", "…………………………"],
)  # fmt: skip  # a list of labels reads better in rows
def test_labels_are_no_titles(text: str) -> None:
    assert not is_title(text)


@pytest.mark.parametrize(
    "text",
    [
        "Tides in Time Series",
        "Learning to Read with Very Long Documents",
        "大语言模型的灯笼解码方法",
        "Data, models, and the code that nobody wrote for them",
    ],
)
def test_titles_are_titles(text: str) -> None:
    assert is_title(text)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("A Lovett, B König… - Nature, 2026", ("A Lovett", "B König")),
        ("E Noetherling - Journal of Examples, 2026", ("E Noetherling",)),
        ("Authors: Ada Lovett", ("Ada Lovett",)),
        ("By Ada Lovett and Wen Li", ("Ada Lovett", "Wen Li")),
        ("Ada Lovett, +12 authors Wen Li", ("Ada Lovett", "Wen Li")),
        ("Journal of Examples", ()),
        ("We light one expert, and ask what is lost.", ()),
    ],
)
def test_authors_are_read_with_the_journal_behind_them(line: str, names: tuple[str, ...]) -> None:
    assert read_authors(line) == names


def test_what_tells_the_journal_or_the_day_is_no_abstract() -> None:
    assert not is_prose("Published: 6 August 2026. Journal of Example Ecology, volume 12, issue 8.")
    assert not is_prose("A Title of Many Words that Goes on for More than Sixty Characters in All")
    assert is_prose("We light one expert of a mixture at a time and ask what is lost. Nothing is.")


def test_a_page_of_links_without_papers_is_refused() -> None:
    with pytest.raises(UnreadableDump, match="no paper in it"):
        read_records(sample_dump("lists/no-papers.html"))
