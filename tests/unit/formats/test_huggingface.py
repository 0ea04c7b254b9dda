"""Tests the papers page as text, in each of its shapes; ``tests/dumps`` has a page of each."""

from __future__ import annotations

from datetime import date

import pytest
from tests.helpers.papers_page import (
    ABSTRACT,
    DUMPS,
    HEADER,
    HF,
    TITLES,
    drafts,
    pairs,
    read,
    wrapped,
)

from larkpost.domain import DumpDate, Identifier, IngestWarning, PaperRecord


@pytest.mark.parametrize("shape", ["a", "a-votes", "b", "c", "c-wrapped", "d"])
def test_each_shape_gives_its_four_papers_and_no_furniture(shape: str) -> None:
    found = drafts((DUMPS / f"shape-{shape}.txt").read_bytes())

    assert [draft.title for draft in found] == TITLES
    assert [len(draft.abstract) for draft in found] == [319, 360, 374, 356]
    assert found[2].abstract.startswith("we present a text editor")
    assert "{scriptsize TWO}" in found[2].abstract
    assert "SAP^{2}" in found[2].abstract


def test_votes_stand_above_their_titles() -> None:
    found = drafts((DUMPS / "shape-a-votes.txt").read_bytes())

    assert [draft.upvotes for draft in found] == [19, None, 101, 7]


def test_the_search_page_tells_links_dates_and_votes() -> None:
    records = read((DUMPS / "shape-d.txt").read_bytes())
    found = [record for record in records if isinstance(record, PaperRecord)]

    assert records[0] == DumpDate(date(2026, 6, 29), 11)
    assert [draft.upvotes for draft in found] == [1, 19, None, 2]
    assert [draft.published for draft in found] == [
        date(2024, 10, 7),
        date(2026, 5, 30),  # the year is left out where it is the current one
        date(2026, 5, 29),
        date(2024, 10, 8),
    ]
    assert found[0].identifiers == (Identifier("arxiv", "2410.05258"),)
    assert [draft.url for draft in found][3] == "https://arxiv.org/abs/2410.11111"


@pytest.mark.parametrize(
    ("between", "votes"),
    [
        ("May 29[6]\n\n7", [7, 7, 7]),
        ("May 29\n\n7", [7, 7, 7]),
        ("May 29\n\n3\n\n7", [7, 7, 7]),
        ("May 29[6]\n\n[7]", [7, 7, 7]),
        ("May 29\n\n3\n\n[-] 7", [7, 7, 7]),
        ("May 29\n\n[-] 7", [7, 7, 7]),
        ("May 29[6]\n\n[-]", [7, None, None]),
        ("May 29\n\n3\n\n-", [7, None, None]),
    ],
)
def test_each_paper_keeps_its_votes_wherever_comments_are_reported(
    between: str, votes: list[int | None]
) -> None:
    papers = [f"{title}\n\n{ABSTRACT}\n\n2 authors\n\n·\n\n{between}" for title in TITLES[:3]]

    assert [d.upvotes for d in drafts(HEADER + "7\n\n" + "\n\n".join(papers))] == votes


@pytest.mark.parametrize("comments", ["", "\n\n3"])
def test_votes_below_the_title_are_those_of_the_title(comments: str) -> None:
    papers = [
        f"{title}\n\n[-] {votes}\n\n{ABSTRACT}\n\n·\n\nMay 29{comments}"
        for votes, title in enumerate(TITLES)
    ]

    assert [d.upvotes for d in drafts(HEADER + "\n\n".join(papers))] == [0, 1, 2, 3]


def test_an_organisation_right_below_a_wrapped_abstract_is_none_of_it() -> None:
    dump = f"{HEADER}A Title\n\n{wrapped(ABSTRACT)}\nGoogle\n·\nMay 29\n\n7\n\nB\n\n{ABSTRACT}\n"

    assert pairs(dump) == [("A Title", ABSTRACT), ("B", ABSTRACT)]


def test_a_link_around_an_abstract_names_the_paper() -> None:
    (found,) = drafts(f"{HEADER}A Title\n\n[{ABSTRACT} See [1] (and [2]).]({HF})\n")

    assert found.abstract == f"{ABSTRACT} See [1] (and [2])."
    assert found.identifiers == (Identifier("arxiv", "2605.01234"),)


def test_links_within_an_abstract_stay() -> None:
    text = f"[Ours]({HF}) is as good. {ABSTRACT} See [there]({HF})"

    assert pairs(f"{HEADER}A Title\n\n{text}\n") == [("A Title", text)]


def test_the_words_searched_for_are_no_paper() -> None:
    remarks = [
        r for r in read((DUMPS / "shape-d.txt").read_bytes()) if isinstance(r, IngestWarning)
    ]

    assert remarks == [
        IngestWarning(13, "“sparse experts” taken for the words that were searched for")
    ]


@pytest.mark.parametrize(
    "navigation",
    [
        "Daily Weekly Monthly",
        "Daily / Weekly / Monthly",
        "* Daily\n* Weekly\n* Monthly",
        "Daily · Weekly · Monthly",
        "DailyWeeklyMonthly",
        "Daily Weekly\nMonthly",
        f"[Daily]({HF}) [Weekly]({HF}) [Monthly]({HF})",
        "[Daily][27] [Weekly][28] [Monthly][29]",
    ],
)
def test_the_navigation_is_known_with_any_separators(navigation: str) -> None:
    dump = f"{navigation}\n\nTrending Papers\n\nsparse experts\n\n[-] 1\n\nA Title\n\n{ABSTRACT}\n"

    assert pairs(dump) == [("A Title", ABSTRACT)]


def test_a_title_without_an_abstract_is_a_paper() -> None:
    found = pairs(f"{HEADER}First Title\n\n{ABSTRACT}\n\nBare Title\n\nLast Title\n\n{ABSTRACT}\n")

    assert found == [("First Title", ABSTRACT), ("Bare Title", ""), ("Last Title", ABSTRACT)]


def test_bare_titles_before_the_first_abstract_are_papers_too() -> None:
    found = pairs(f"{HEADER}Bare Title\n\nFirst Title\n\n{ABSTRACT}\n")

    assert found == [("Bare Title", ""), ("First Title", ABSTRACT)]


def test_a_short_abstract_is_recognised_as_a_sentence() -> None:
    short = "We show that a very small model is enough."

    found = pairs(f"{HEADER}One\n\n{short}\n\nTwo\n\n{ABSTRACT}\n\nThree\n\n{short}\n")

    assert found == [("One", short), ("Two", ABSTRACT), ("Three", short)]


def test_subscribe_is_cut_off_only_after_the_banner() -> None:
    title = "SubscribeNet: Learning to Subscribe"

    glued = f"Get trending papers in your email inbox!\nSubscribe{TITLES[0]}\n{ABSTRACT}\n"
    apart = f"Get trending papers in your email inbox!\nSubscribe\n{title}\n{ABSTRACT}\n"
    later = f"{glued}{title}\n{ABSTRACT}\n"

    assert pairs(glued) == [(TITLES[0], ABSTRACT)]
    assert pairs(apart) == [(title, ABSTRACT)]
    assert pairs(later)[1] == (title, ABSTRACT)


@pytest.mark.parametrize("title", ["Are Models Mirages?", "1984: A Retrospective", "May", "X"])
def test_odd_titles_are_titles(title: str) -> None:
    assert pairs(f"{HEADER}{title}\n\n{ABSTRACT}\n") == [(title, ABSTRACT)]


def test_latex_accents_and_escaped_line_ends_become_plain() -> None:
    found = pairs(f'{HEADER}Schr\\"odinger\\\n  Bridges\n\n{ABSTRACT}\n')

    assert found == [("Schrödinger Bridges", ABSTRACT)]


@pytest.mark.parametrize(
    ("header", "remark"),
    [
        ("Daily Papers\n\nFeb 31\n\n", "this day is not in the calendar"),
        ("Daily Papers\n\nAug 20, 20260\n\n", "this day is not in the calendar"),
        ("Daily Papers\n\nAug 20\n\nAug 21\n\n", "a second date; the first, 2026-08-20, holds"),
    ],
)
def test_odd_dates_are_remarked_and_cost_no_paper(header: str, remark: str) -> None:
    records = read(f"{header}Title\n\n{ABSTRACT}\n")

    assert any(isinstance(r, IngestWarning) and r.text == remark for r in records)
    assert any(isinstance(r, PaperRecord) for r in records)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("Aug 7, 2025", date(2025, 8, 7)),
        ("Aug 7", date(2026, 8, 7)),
        ("7 Aug", date(2026, 8, 7)),
        ("Thu, August 7", date(2026, 8, 7)),  # it was a Friday
        ("Feb 29", date(2024, 2, 29)),
    ],
)
def test_the_header_tells_the_day_of_capture(written: str, day: date) -> None:
    records = read(f"Daily Papers\n\n{written}\n\nT\n\n{ABSTRACT}\n")

    assert records[0] == DumpDate(day, 3)
    assert len(records) == 2
