"""Tests that a source which is no authority adds to papers, but rewrites and withdraws none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from larkpost.db import papers
from larkpost.db.matching import split_paper
from larkpost.domain import Identifier, PaperRecord
from larkpost.text.minhash import text_marks
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Paper

NOW = datetime(2026, 8, 10, 9, tzinfo=UTC)
DAY = timedelta(days=1)
OURS = Identifier("arxiv", "2608.00001")
TITLE = "Ferries That Wait: Predicting Departures from Nine Years of Logs"
ABSTRACT = (
    "Ferries wait for the tide, and the tide waits for nobody. We predict from nine years of logs "
    "when a ferry leaves, with a mean error of four minutes. Logs and code are public."
)
AUTHORS = ("Ada Lovelace", "Émilie du Châtelet")
FERRIES = PaperRecord(TITLE, ABSTRACT, (OURS,), AUTHORS, first_seen=NOW)
SPAM = PaperRecord(
    "Buy pills now, cheap cheap cheap",
    "Spam spam spam, of which there is more at evil.example than anybody can eat. " * 9,
    (OURS,),
    authors=("Evil",) * 50,
    first_seen=NOW + DAY,
    url="https://evil.example/",
    version=9999,
    organisation="Pills Inc.",
    comment="Buy pills",
    upvotes=7,
    keywords=("pills",),
    unverified=Unverified.ALL,
)


def take(store: Store, *drafts: PaperRecord) -> Paper:
    """Take these in, one a day; return the only paper."""
    for days, draft in enumerate(drafts):
        with store.begin() as connection:
            papers.absorb(connection, [draft], now=NOW + days * DAY)
    with store.read() as connection:
        (paper,) = papers.iterate(connection)
    return paper


def words(paper: Paper) -> tuple[object, ...]:
    """Return all of a paper that is a statement about its content."""
    text = (paper.title, paper.abstract, paper.authors, paper.url, paper.version, paper.withdrawn)
    return (*text, paper.organisation, paper.comment, paper.categories, paper.first_seen)


def test_a_feed_that_names_a_paper_over_another_text_adds_nothing(store: Store) -> None:
    before = take(store, FERRIES)

    paper = take(store, FERRIES, SPAM)

    assert words(paper) == words(before)
    assert paper.updated == before.updated
    assert (paper.upvotes, paper.links, paper.keywords) == (None, (), ())


def test_a_feed_with_the_text_of_a_paper_adds_votes_links_and_keywords(store: Store) -> None:
    said = replace(SPAM, title=TITLE, abstract=ABSTRACT)

    paper = take(store, FERRIES, said)

    assert (paper.upvotes, paper.links, paper.keywords) == (
        7, ("https://evil.example/",), ("pills",)
    )  # fmt: skip


@pytest.mark.parametrize("identifiers", [(OURS,), ()])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_feed_with_the_text_of_a_paper_says_nothing_about_it(
    store: Store, identifiers: tuple[Identifier, ...], is_first: bool
) -> None:
    said = replace(
        FERRIES,
        identifiers=identifiers,
        organisation="RETRACTED",
        comment="Retracted, see https://evil.example/",
        journal_ref="Journal of Fraud",
        categories=("RETRACTED", "cs.LG"),
        unverified=Unverified.ALL,
    )

    paper = take(store, *((said, FERRIES) if is_first else (FERRIES, said)))

    assert (paper.title, paper.unverified) == (TITLE, Unverified.NONE)
    assert (paper.organisation, paper.comment, paper.journal_ref) == (None, None, None)
    assert paper.categories == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"title": f"{TITLE} [retracted for fraud]"},
        {"abstract": f"{ABSTRACT} Buy pills at evil.example, where they are cheap. " * 3},
        {"authors": (*AUTHORS, "Evil One")},
        {"withdrawn": True},
        {"abstract": "This paper has been withdrawn by the author"},
        {"comment": "This paper has been withdrawn by the authors"},
        {"version": 2, "abstract": f"{ABSTRACT} So are the maps."},
        {"first_seen": NOW - 900 * DAY},
    ],
)
@pytest.mark.parametrize("identifiers", [(OURS,), ()])
def test_a_feed_with_the_title_of_a_paper_does_not_rewrite_it_either(
    store: Store, changed: dict[str, object], identifiers: tuple[Identifier, ...]
) -> None:
    outside = replace(FERRIES, identifiers=identifiers, unverified=Unverified.ALL)
    before = take(store, FERRIES)

    paper = take(store, FERRIES, replace(outside, **changed))  # type: ignore[arg-type]

    assert paper == replace(before, text_seen=paper.text_seen)


def test_a_doi_does_not_let_a_feed_rewrite_its_paper(store: Store) -> None:
    doi = (Identifier("doi", "10.1000/ferries"),)
    journal = replace(FERRIES, identifiers=doi)

    paper = take(store, journal, replace(SPAM, identifiers=doi))

    assert (paper.title, paper.abstract, paper.url) == (TITLE, ABSTRACT, None)


def test_a_feed_with_another_text_adds_no_identifier(store: Store) -> None:
    planted = Identifier("doi", "10.1000/of-another-paper")

    paper = take(store, FERRIES, replace(SPAM, identifiers=(OURS, planted)))

    with store.read() as connection:
        names = {name for name, _ in papers.names(connection, [paper.id])}
    assert planted not in names


@pytest.mark.parametrize("version", [None, 1])
@pytest.mark.parametrize("title", [SPAM.title, TITLE])
def test_arxiv_replaces_what_a_feed_said_before_it(
    store: Store, version: int | None, title: str
) -> None:
    planted = replace(
        SPAM, title=title, withdrawn=True, first_seen=NOW - 900 * DAY, came_out=date(2026, 1, 1)
    )

    paper = take(store, planted, replace(FERRIES, version=version, first_seen=NOW + DAY))

    assert (paper.title, paper.abstract, paper.authors) == (TITLE, ABSTRACT, AUTHORS)
    assert (paper.url, paper.version, paper.withdrawn) == (None, version, False)
    assert paper.unverified == Unverified.NONE
    assert paper.ingested_at >= NOW


def test_a_feed_does_not_withdraw_a_paper_of_arxiv_that_it_lists_first(store: Store) -> None:
    assert not take(store, replace(SPAM, withdrawn=True)).withdrawn


def test_a_feed_may_reword_and_withdraw_its_own_paper(store: Store) -> None:
    page = (Identifier("url", "https://blog.example.org/1"),)
    own = replace(FERRIES, identifiers=page, unverified=Unverified.ALL)
    later = replace(own, abstract=f"{ABSTRACT} So are the maps.", first_seen=NOW + DAY)

    assert take(store, own, later).abstract == later.abstract
    assert take(store, own, replace(later, withdrawn=True)).withdrawn


def test_a_feed_completes_a_cut_abstract_and_supplies_a_missing_one(store: Store) -> None:
    outside = replace(FERRIES, unverified=Unverified.ALL)

    for known in (f"{ABSTRACT[:120]}…", ""):
        paper = take(store, replace(FERRIES, abstract=known, authors=()), outside)

    assert (paper.title, paper.abstract, paper.authors) == (TITLE, ABSTRACT, AUTHORS)
    assert paper.unverified == Unverified.ABSTRACT | Unverified.AUTHORS


def test_a_version_that_no_paper_reaches_does_not_outlast_the_real_ones(store: Store) -> None:
    far = replace(FERRIES, title=f"{TITLE} Again", version=150)
    second = replace(FERRIES, abstract=f"{ABSTRACT} So are the maps.", version=2)

    paper = take(store, replace(FERRIES, version=1), far, second)

    assert (paper.version, paper.abstract) == (2, second.abstract)
    assert take(store, replace(FERRIES, version=9999)).version == 2


def test_a_paper_stays_unverified_when_it_is_split_and_merged_again(store: Store) -> None:
    blog = Identifier("url", "https://blog.example.org/1")
    told = f"{ABSTRACT} Code is public."
    outside = replace(FERRIES, abstract=told, identifiers=(blog,), unverified=Unverified.ALL)
    take(store, FERRIES, outside)

    with store.begin() as connection:
        (paper,) = papers.iterate(connection)
        ids = split_paper.split(connection, paper.id, now=NOW + DAY, chosen=[2])
        found = papers.get(connection, ids)

    assert {one.unverified for one in found.values()} == {Unverified.ALL, Unverified.NONE}


def arxiv(number: int, month: int = 8) -> Identifier:
    return Identifier("arxiv", f"26{month:02}.{number:05}")


def test_a_feed_cannot_join_papers_by_naming_them_in_one_record(store: Store) -> None:
    glue = PaperRecord(
        "A post", "Hello", tuple(arxiv(n) for n in range(1, 9)), unverified=Unverified.ALL
    )
    real = [PaperRecord(f"{TITLE}, part {n} of {n * 7}", "", (arxiv(n),)) for n in range(1, 9)]
    with store.begin() as connection:
        papers.absorb(connection, [glue], now=NOW)
        papers.absorb(connection, real, now=NOW + DAY)

    with store.read() as connection:
        assert {one.title for one in papers.iterate(connection)} == {one.title for one in real}


def test_a_feed_cannot_join_papers_without_identifiers_by_naming_their_texts(store: Store) -> None:
    real = [PaperRecord(f"{TITLE}, part {n} of {n * 7}", f"{ABSTRACT} {n}.") for n in range(1, 9)]
    texts = tuple(text_marks(one.title, one.abstract).name for one in real)
    glue = PaperRecord("A post", "Hello", texts, unverified=Unverified.ALL)
    with store.begin() as connection:
        papers.absorb(connection, [glue], now=NOW)
        papers.absorb(connection, real, now=NOW + DAY)

    with store.read() as connection:
        told = {one.title for one in papers.iterate(connection)}
    assert told == {"A post", *(one.title for one in real)}


def test_a_feed_gives_a_verified_paper_no_identifier_even_with_its_text(store: Store) -> None:
    glue = replace(FERRIES, identifiers=(arxiv(9),), unverified=Unverified.ALL)
    real = PaperRecord("Something Entirely Different, of Which Nobody Knew", "", (arxiv(9),))
    with store.begin() as connection:
        papers.absorb(connection, [replace(FERRIES, identifiers=())], now=NOW)
        papers.absorb(connection, [glue], now=NOW)
        papers.absorb(connection, [real], now=NOW + DAY)

    with store.read() as connection:
        assert {one.title for one in papers.iterate(connection)} == {TITLE, real.title}


def test_a_paper_whose_id_was_named_in_advance_is_new_when_an_authority_lists_it(
    store: Store,
) -> None:
    early = replace(SPAM, title="x", categories=("q-bio.PE",))
    listed = NOW + 9 * DAY
    with store.begin() as connection:
        papers.absorb(connection, [early], now=NOW)
        papers.absorb(connection, [replace(FERRIES, first_seen=None)], now=listed)

    with store.read() as connection:
        (paper,) = papers.iterate(connection)
    assert (paper.title, paper.first_seen, paper.ingested_at) == (TITLE, listed, listed)
    assert (paper.comment, paper.organisation, paper.upvotes) == (None, None, None)
    assert (paper.links, paper.keywords, paper.categories) == ((), (), ())


def test_a_paper_that_a_feed_had_first_stays_as_old_as_it_is(store: Store) -> None:
    paper = take(store, replace(FERRIES, unverified=Unverified.ALL), FERRIES)

    assert paper.ingested_at == NOW


def test_a_feed_names_no_arxiv_id_of_a_later_month(store: Store) -> None:
    early = PaperRecord("A post", "", (arxiv(1, month=9),), unverified=Unverified.ALL)
    with store.begin() as connection:
        papers.absorb(connection, [early], now=NOW)
        papers.absorb(connection, [replace(FERRIES, identifiers=(arxiv(1, month=9),))], now=NOW)

    with store.read() as connection:
        assert {one.title for one in papers.iterate(connection)} == {"A post", TITLE}
