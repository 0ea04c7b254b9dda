"""Tests that the best of several copies of a paper is stored, whichever came first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from larkpost.db import papers
from larkpost.db.engine import Store
from larkpost.db.matching.comparison.title_rules import is_generic
from larkpost.domain import Identifier, PaperRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from larkpost.domain import Paper

NOW = datetime(2026, 8, 10, 9, tzinfo=UTC)
DAY = timedelta(days=1)
OURS = Identifier("arxiv", "2608.00001")
TITLE = "Ferries That Wait: Predicting Departures from Nine Years of Logs"
FIRST = "Ferries wait for the tide, and the tide waits for nobody."
WHOLE = (
    f"{FIRST} We predict from nine years of logs when a ferry leaves, with a mean error of four "
    "minutes. The model reads the moon, the wind and the captain, of which the captain matters "
    "most. Logs and code are public."
)
FERRIES = PaperRecord(TITLE, WHOLE, identifiers=(OURS,))


@pytest.fixture
def home(sqlite_url: str) -> Iterator[Store]:
    store = Store(sqlite_url)
    yield store
    store.close()


def take(store: Store, drafts: Sequence[PaperRecord]) -> Paper:
    """Take these in, one a day; they are one paper."""
    for days, draft in enumerate(drafts):
        with store.begin() as connection:
            papers.absorb(connection, [draft], now=NOW + days * DAY)
    with store.read() as connection:
        (paper,) = papers.iterate(connection)
    return paper


@pytest.mark.parametrize(
    "part",
    [
        f"{WHOLE[:90]}…",
        f"{WHOLE[:150]} ...",
        f"{WHOLE[:150]}… Read more",
        f"{WHOLE[:150]} [...] Continue reading",
        f"… {WHOLE[60:200]} …",
        WHOLE[: len(FIRST)],
        WHOLE[len(FIRST) + 1 :],
        WHOLE.replace("Logs and code are public.", "").strip(),
        f"{WHOLE} It is a long one, of which only the beginning of the next sentence is t…",
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_a_part_of_an_abstract_never_replaces_the_whole(
    home: Store, part: str, swapped: bool
) -> None:
    both = [FERRIES, replace(FERRIES, abstract=part)]

    assert take(home, both[::-1] if swapped else both).abstract == (
        part if part.startswith(WHOLE) else WHOLE
    )


def test_of_two_parts_the_longer_one_is_kept(home: Store) -> None:
    parts = [replace(FERRIES, abstract=f"{WHOLE[:length]}…") for length in (150, 90)]

    assert take(home, parts).abstract == parts[0].abstract


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_the_text_is_that_of_the_highest_version_in_whatever_order(
    home: Store, order: tuple[int, ...]
) -> None:
    drafts = [
        replace(FERRIES, title=f"{TITLE} {'Again ' * n}".strip(), abstract=text, version=n)
        for n, text in enumerate((f"{WHOLE} So are the maps of every harbour.", WHOLE, FIRST), 1)
    ]

    paper = take(home, [drafts[n - 1] for n in order])

    assert (paper.version, paper.title, paper.abstract) == (3, drafts[2].title, FIRST)


def test_a_page_that_follows_arxiv_does_not_bring_an_older_text_back(home: Store) -> None:
    old = replace(FERRIES, title=f"{TITLE}: A Draft", abstract=f"{WHOLE} More to come.")
    paper = take(home, [old, replace(FERRIES, version=2), old, replace(old, upvotes=9)])

    assert (paper.title, paper.abstract, paper.upvotes) == (TITLE, WHOLE, 9)
    assert paper.updated == NOW + DAY


def test_dumps_that_are_read_out_of_order_leave_the_text_of_the_latest_day(home: Store) -> None:
    drafts = [
        replace(FERRIES, title=f"{TITLE} {word}", first_seen=NOW - days * DAY)
        for word, days in (("Once", 9), ("Thrice", 3), ("Twice", 6))
    ]

    assert take(home, drafts).title == f"{TITLE} Thrice"


def test_votes_authors_and_links_are_the_most_and_the_fullest(home: Store) -> None:
    drafts = [
        replace(FERRIES, upvotes=12, authors=("A. Lee", "B. Chen"), url="https://doi.org/10.1/ab"),
        replace(FERRIES, upvotes=3, authors=("Ann Lee", "Bo Chen"), links=("https://a.example",)),
        replace(FERRIES, authors=("Ann Lee",), url="https://arxiv.org/pdf/2608.00001"),
        replace(FERRIES, upvotes=0, authors=("Lee, Ann", "Chen, Bo"), url="https://b.example/x"),
    ]

    paper = take(home, drafts)

    assert (paper.upvotes, paper.authors) == (12, ("Ann Lee", "Bo Chen"))
    assert paper.url == "https://doi.org/10.1/ab"
    assert set(paper.links) == {"https://a.example", "https://b.example/x"}


@pytest.mark.parametrize("title", ["Qwen9 Technical Report", "SheepNet2", "羊的计数"])
def test_a_short_title_of_the_mail_is_the_paper_of_the_page_of_that_week(
    home: Store, title: str
) -> None:
    mail = PaperRecord(title, upvotes=30)

    assert take(home, [replace(FERRIES, title=title), mail]).upvotes == 30


def test_a_short_title_of_another_season_is_another_paper(home: Store) -> None:
    old = replace(FERRIES, title="SheepNet2", first_seen=NOW - 60 * DAY)
    with home.begin() as connection:
        papers.absorb(connection, [old, PaperRecord("SheepNet2")], now=NOW)

    with home.read() as connection:
        assert papers.count(connection) == 2


@pytest.mark.parametrize(
    ("title", "generic"),
    [("Erratum", True), ("Author Index", True), ("A New Technical Report", True), ("BERT", False)],
)
def test_what_says_nothing_of_the_work_is_a_generic_title(title: str, generic: bool) -> None:
    assert is_generic(title) == generic


@pytest.mark.parametrize("swapped", [False, True])
def test_a_title_that_a_list_has_cut_gives_way_to_the_whole_one(home: Store, swapped: bool) -> None:
    both = [replace(FERRIES, identifiers=(), title=f"{TITLE[:40]}…"), FERRIES]

    assert take(home, both[::-1] if swapped else both).title == TITLE


@pytest.mark.parametrize(
    "ids",
    [
        (Identifier("doi", "10.1000/ferries"),),
        (Identifier("pmid", "12345678"), Identifier("doi", "10.1000/ferries")),
        (),
    ],
)
def test_links_of_two_sources_do_not_take_turns(home: Store, ids: tuple[Identifier, ...]) -> None:
    indexed = PaperRecord(
        TITLE, WHOLE, (Identifier("pmid", "12345678"),), url="https://index.example/12345678"
    )
    published = PaperRecord(TITLE, WHOLE, ids, url="https://journal.example/ferries")
    first = take(home, [indexed, published])

    again = take(home, [indexed, published] * 2)

    assert {first.url, *first.links} == {indexed.url, published.url}
    assert (again.url, again.links, again.updated) == (first.url, first.links, first.updated)
