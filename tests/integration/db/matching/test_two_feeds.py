"""Tests that of two sources which are no authorities neither rewrites nor hides the other's papers.

Each test that lists a paper runs with every kind of identifier by which the other feed can name it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.helpers.merging.papers_of_feeds import (
    DAY,
    DOI,
    LISTED,
    NOW,
    take,
)

from larkpost.db import papers, votes
from larkpost.domain import Identifier, PaperRecord, Thumb
from larkpost.readers import record_votes, subscriptions
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Paper

NAMES = [
    (DOI,),
    (Identifier("arxiv", "2608.00001"),),
    (Identifier("url", "https://journal.example/ferries"),),
    (),
]
JOURNAL = replace(LISTED, url="https://journal.example/ferries")
BLOG = replace(JOURNAL, text_source="source a-blog", url="https://evil.example/")
CASINO = (
    "Jackpots, spins and odds for everybody, at casino.example, where the bonus is. " * 5 + "End."
)
AUTHORITY = replace(JOURNAL, unverified=Unverified.NONE, text_source="", url=None)


def said(paper: Paper) -> tuple[object, ...]:
    return paper.title, paper.abstract, paper.authors, paper.withdrawn, paper.organisation


@pytest.mark.parametrize(
    "changed",
    [
        {"abstract": f"{JOURNAL.abstract} More at casino.example, where the bonus is. " * 2},
        {"authors": ("Ada Lovelace", "Evil One")},
        {"title": JOURNAL.title.replace("Nine", "Eight")},
        {"withdrawn": True, "organisation": "RETRACTED", "comment": "RETRACTED"},
        {"version": 9, "first_seen": NOW - 100 * DAY},
    ],
)
@pytest.mark.parametrize("names", NAMES)
def test_a_feed_changes_no_word_of_a_paper_that_another_one_listed(
    store: Store, names: tuple[Identifier, ...], changed: dict[str, Any]
) -> None:
    listed, copied = replace(JOURNAL, identifiers=names), replace(BLOG, identifiers=names)

    journals, *_ = take(store, listed, replace(copied, **changed))

    assert said(journals) == said(take(store, listed)[0]) == (
        JOURNAL.title, JOURNAL.abstract, JOURNAL.authors, False, None
    )  # fmt: skip
    assert journals.url == JOURNAL.url


@pytest.mark.parametrize("title", [JOURNAL.title, "Casino bonus for everybody who joins today"])
@pytest.mark.parametrize("names", NAMES)
def test_a_paper_is_not_hidden_behind_another_text_that_came_first_under_its_id(
    store: Store, names: tuple[Identifier, ...], title: str
) -> None:
    bait = replace(BLOG, identifiers=names, title=title, abstract=CASINO)
    listed = replace(JOURNAL, identifiers=names)

    blogs, journals = take(store, bait, listed, listed, bait, listed)

    assert said(blogs)[:2] == (title, CASINO)
    assert said(journals) == (JOURNAL.title, JOURNAL.abstract, JOURNAL.authors, False, None)
    assert journals.url == JOURNAL.url


@pytest.mark.parametrize(
    "claimed",
    [
        {"withdrawn": True},
        {"organisation": "RETRACTED"},
        {"comment": "Retracted, see evil.example"},
        {"journal_ref": "Journal of Fraud"},
        {"categories": ("RETRACTED",)},
        {"authors": ("Ada Lovelace", "Evil One")},
        {"authors": ("Fraudster Lovelace",)},
        {"abstract": f"{JOURNAL.abstract} More at casino.example."},
        {"first_seen": NOW - 3000 * DAY},
    ],
)
@pytest.mark.parametrize("is_copied_first", [True, False])
@pytest.mark.parametrize("names", NAMES)
def test_whoever_copies_a_text_first_puts_no_claim_on_the_paper_of_another_feed(
    store: Store, names: tuple[Identifier, ...], claimed: dict[str, Any], is_copied_first: bool
) -> None:
    listed = replace(JOURNAL, identifiers=names)
    copied = replace(BLOG, identifiers=names)
    claims = replace(copied, **claimed)

    found = take(
        store, *([copied, listed] if is_copied_first else []), claims, listed, claims, listed
    )

    assert any(
        said(paper) == (JOURNAL.title, JOURNAL.abstract, JOURNAL.authors, False, None)
        and (paper.comment, paper.journal_ref, paper.categories) == (None, None, ())
        and paper.first_seen >= NOW
        for paper in found
    )
    assert len(found) <= 2


@pytest.mark.parametrize("names", NAMES)
def test_a_feed_that_copied_a_paper_first_does_not_take_its_next_text_along(
    store: Store, names: tuple[Identifier, ...]
) -> None:
    copied, listed = replace(BLOG, identifiers=names), replace(JOURNAL, identifiers=names)
    switched = replace(copied, title="Casino bonus for everybody", abstract=CASINO)

    found = take(store, copied, listed, switched, listed)

    assert JOURNAL.abstract in {paper.abstract for paper in found}


def test_the_source_of_a_paper_still_corrects_it(store: Store) -> None:
    corrected = replace(JOURNAL, abstract=JOURNAL.abstract.replace("four", "five"))

    (paper,) = take(store, JOURNAL, corrected)

    assert "five minutes" in paper.abstract


def test_a_correction_of_a_text_that_another_feed_listed_too_is_shown_beside_it(
    store: Store,
) -> None:
    corrected = replace(JOURNAL, abstract=JOURNAL.abstract.replace("four", "five"))

    found = take(store, JOURNAL, BLOG, corrected, corrected, BLOG, corrected)

    assert [paper.abstract for paper in found] == [JOURNAL.abstract, corrected.abstract]


@pytest.mark.parametrize(
    "changed",
    [
        {"title": "Casino bonus for everybody", "abstract": CASINO},
        {"title": "Casino bonus for everybody"},
        {"abstract": f"{JOURNAL.abstract} More at casino.example, where the bonus is."},
        {"withdrawn": True},
    ],
)
@pytest.mark.parametrize("names", NAMES)
def test_whoever_copied_a_text_first_does_not_change_it_once_the_other_feed_lists_it_no_longer(
    store: Store, names: tuple[Identifier, ...], changed: dict[str, Any]
) -> None:
    copied, listed = replace(BLOG, identifiers=names), replace(JOURNAL, identifiers=names)

    paper, *_ = take(store, copied, listed, replace(copied, **changed))

    assert said(paper)[:4] == (JOURNAL.title, JOURNAL.abstract, JOURNAL.authors, False)


def test_two_feeds_with_one_text_list_one_paper(store: Store) -> None:
    (paper,) = take(store, JOURNAL, replace(BLOG, identifiers=()), BLOG)

    assert paper.links == ("https://evil.example/",)


@pytest.mark.parametrize("authors", [("A. Lovelace",), ("Lovelace",), (), ("Ada M. Lovelace",)])
def test_two_feeds_that_spell_the_authors_differently_list_one_paper(
    store: Store, authors: tuple[str, ...]
) -> None:
    whole = replace(JOURNAL, authors=("Ada Maria Lovelace", "Émilie du Châtelet"))

    (paper,) = take(store, replace(BLOG, authors=authors), whole)

    assert paper.authors == (authors or whole.authors)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_list_of_titles_lists_the_papers_of_another_feed(store: Store, is_first: bool) -> None:
    titled = PaperRecord(JOURNAL.title, unverified=Unverified.ALL, text_source="mail digest")

    (paper,) = take(store, *([titled, JOURNAL, titled] if is_first else [JOURNAL, titled]))

    assert said(paper) == (JOURNAL.title, JOURNAL.abstract, JOURNAL.authors, False, None)


def test_a_feed_adds_the_abstract_that_another_one_lacks(store: Store) -> None:
    listed = replace(JOURNAL, abstract="")

    paper, *others = take(store, listed, BLOG, replace(BLOG, abstract=CASINO), listed)

    assert paper.abstract == JOURNAL.abstract
    assert [other.abstract for other in others] == [CASINO]


@pytest.mark.parametrize("names", NAMES[:2])
def test_an_authority_ends_what_two_feeds_say(store: Store, names: tuple[Identifier, ...]) -> None:
    bait = replace(BLOG, identifiers=names, abstract=CASINO, title="Casino bonus for everybody")
    listed = replace(JOURNAL, identifiers=names)

    (paper,) = take(store, bait, listed, replace(AUTHORITY, identifiers=names), bait, listed)

    assert (paper.title, paper.abstract) == (JOURNAL.title, JOURNAL.abstract)
    assert (paper.unverified, paper.text_source) == (Unverified.NONE, "")


def test_a_thumb_on_the_text_of_one_feed_does_not_move_to_that_of_another(store: Store) -> None:
    reader = subscriptions.add(store, None, now=NOW)
    bait = replace(BLOG, title="Casino bonus for everybody", abstract=CASINO)
    (paper,) = take(store, bait)
    record_votes.cast(store, reader.id, paper.id, Thumb.UP, source="test", now=NOW)

    take(store, JOURNAL, AUTHORITY, bait)

    with store.read() as connection:
        (liked,) = papers.get(connection, votes.thumbs(connection, reader.id).keys()).values()
    assert liked.title == bait.title
