"""Tests of feeds that copy texts to take every identifier of a paper, its link or its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from tests.helpers.merging.papers_of_feeds import (
    ARXIV,
    CASINO,
    COPY,
    DAY,
    DOI,
    GLACIERS,
    LISTED,
    NOW,
    is_as_listed,
    take,
)

from larkpost.db import papers
from larkpost.db.matching.split_paper import split
from larkpost.db.matching.unify_papers import unify_by_decision
from larkpost.db.matching.verified_texts import link_of
from larkpost.domain import Identifier, PaperRecord, Thumb
from larkpost.readers import record_votes, subscriptions
from larkpost.text.identifiers import identifier_url, paper_url
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.db.engine import Store


@pytest.mark.parametrize(
    "claims",
    [
        replace(COPY, withdrawn=True),
        replace(COPY, organisation="RETRACTED"),
        replace(COPY, authors=("Ada Lovelace", "Evil One")),
    ],
)
@pytest.mark.parametrize("ids", [(DOI,), ()])
def test_a_paper_is_shown_although_a_feed_took_each_of_its_identifiers_before(
    store: Store, claims: PaperRecord, ids: tuple[Identifier, ...]
) -> None:
    listed = replace(LISTED, identifiers=ids)

    found = take(store, CASINO, replace(claims, identifiers=()), *[listed, claims, CASINO] * 5)

    assert sum(map(is_as_listed, found)) == 1
    assert len(found) <= 4


def test_a_title_alone_that_got_a_thumb_does_not_keep_out_the_abstract_of_another_feed(
    store: Store,
) -> None:
    reader = subscriptions.add(store, None, now=NOW)
    (bait,) = take(store, replace(COPY, abstract=""))
    record_votes.cast(store, reader.id, bait.id, Thumb.UP, source="test", now=NOW)

    _, listed = take(store, LISTED, LISTED)

    assert is_as_listed(listed)


def test_an_authority_does_not_replace_a_text_of_two_feeds_by_another_under_its_id(
    store: Store,
) -> None:
    planted = replace(COPY, identifiers=(ARXIV,))

    first, second = take(store, planted, LISTED, GLACIERS, GLACIERS)

    assert is_as_listed(first)
    assert (second.title, second.identifier) == (GLACIERS.title, ARXIV)


def test_the_link_of_an_authoritys_identifier_replaces_that_of_a_feed_with_its_title(
    store: Store,
) -> None:
    bait = replace(COPY, abstract="", identifiers=(), url="https://evil.example/")
    verified = replace(LISTED, unverified=Unverified.NONE, text_source="")

    other = replace(CASINO, identifiers=(), url=bait.url)  # has the address as its identifier
    _, paper = take(store, other, bait, verified)

    assert paper_url(paper.url, [paper.identifier]) == "https://doi.org/10.1000/ferries"


def test_papers_that_an_authority_joins_put_no_claim_of_a_feed_on_its_paper(store: Store) -> None:
    verified = replace(LISTED, identifiers=(ARXIV, DOI), unverified=Unverified.NONE, text_source="")
    claims = replace(COPY, comment="RETRACTED", journal_ref="Journal of Fraud", identifiers=())

    (paper,) = take(store, replace(CASINO, identifiers=(ARXIV,)), claims, verified)

    assert is_as_listed(paper)
    assert (paper.comment, paper.journal_ref) == (None, None)


SYMBOLS = " ".join(chr(0x1F170 + ord(letter) - ord("A")) for letter in "CASINO")
TYPESET = [
    replace(COPY, title=" ".join(COPY.title), abstract=" ".join(COPY.abstract)),
    replace(COPY, title=f"{COPY.title} - {SYMBOLS}"),
    replace(COPY, title="".join(f"{letter}\u0335" for letter in COPY.title)),
    replace(COPY, abstract=f"{COPY.abstract} - {SYMBOLS}"),
    replace(COPY, title=COPY.title.replace("i", "\u0131")),
    replace(COPY, abstract=COPY.abstract.replace(". ", ". <!-- join our casino --> ")),
]


@pytest.mark.parametrize("copied", TYPESET)
@pytest.mark.parametrize("is_verified", [True, False])
@pytest.mark.parametrize("is_copied_first", [True, False])
def test_a_copy_with_the_same_letters_changes_no_word_of_a_paper(
    store: Store, copied: PaperRecord, is_verified: bool, is_copied_first: bool
) -> None:
    listed = LISTED
    if is_verified:
        listed = replace(LISTED, unverified=Unverified.NONE, text_source="")

    found = take(store, *([copied] if is_copied_first else []), listed, copied, listed, copied)

    assert sum(map(is_as_listed, found)) == 1
    assert len(found) <= (1 if is_verified else 2)


@pytest.mark.parametrize("ids", [(Identifier("arxiv", "1902.00001"),), ()])
@pytest.mark.parametrize("is_verified", [True, False])
def test_a_copy_that_came_out_long_ago_does_not_keep_a_paper_from_readers(
    store: Store, ids: tuple[Identifier, ...], is_verified: bool
) -> None:
    copied = replace(
        COPY, identifiers=(Identifier("arxiv", "1902.00001"),), came_out=date(2019, 2, 1)
    )
    listed = replace(LISTED, identifiers=ids)
    if is_verified:
        listed = replace(listed, unverified=Unverified.NONE, text_source="")

    take(store, copied, listed, copied, listed)

    with store.read() as connection:
        found = papers.candidates(connection, at=NOW + 4 * DAY, window=7 * DAY)
    assert [paper.title for paper in found] == [LISTED.title]


def test_a_name_of_symbols_alone_is_a_further_author(store: Store) -> None:
    found = take(store, replace(COPY, authors=("Ada Lovelace", SYMBOLS)), LISTED)

    assert list(map(is_as_listed, found)) == [False, True]


def test_an_authority_joins_copies_again_and_again(store: Store) -> None:
    verified = replace(LISTED, identifiers=(ARXIV, DOI), unverified=Unverified.NONE, text_source="")
    evil = Identifier("doi", "10.1000/evil")
    planted = replace(CASINO, title=GLACIERS.title, identifiers=(ARXIV,))
    texts = planted, replace(CASINO, identifiers=(evil,))
    copied = replace(COPY, identifiers=(evil,), text_source="mail z")

    found = take(store, *texts, *[copied, verified] * 4)

    assert sum(map(is_as_listed, found)) == 1


def test_an_authority_gets_the_only_identifier_of_another_text(store: Store) -> None:
    reader = subscriptions.add(store, None, now=NOW)
    *_, planted = take(
        store,
        replace(CASINO, identifiers=(), withdrawn=True),
        replace(CASINO, identifiers=(ARXIV,), text_source="source another"),
    )
    record_votes.cast(store, reader.id, planted.id, Thumb.UP, source="test", now=NOW)
    reworded = replace(GLACIERS, abstract=GLACIERS.abstract.replace("forty", "fifty"), version=2)

    *_, listed = take(store, GLACIERS, reworded, reworded)

    assert (listed.id, listed.identifier, listed.abstract) == (3, ARXIV, reworded.abstract)


@pytest.mark.parametrize("copied", [f"{COPY.abstract}...", f"... {COPY.abstract}"])
def test_a_whole_text_with_an_ellipsis_does_not_get_a_rest_of_other_words(
    store: Store, copied: str
) -> None:
    longer = replace(COPY, abstract=f"{COPY.abstract} Join our casino, where everybody wins.")

    listed, _ = take(store, replace(COPY, abstract=copied), LISTED, longer)

    assert is_as_listed(listed)


PUBMED, ADDRESS = Identifier("pmid", "12345678"), Identifier("url", "https://journal.example/f")
UNLINKED = replace(LISTED, identifiers=(), unverified=Unverified.NONE, text_source="")


@pytest.mark.parametrize(
    ("before", "ids"),
    [
        ((), (PUBMED, DOI)),
        ((), (ADDRESS,)),
        ((replace(UNLINKED, abstract=""),), (DOI,)),
        ((replace(UNLINKED, identifiers=(PUBMED,)),), (PUBMED, DOI)),
    ],
)
def test_the_first_link_of_an_authority_replaces_that_of_a_feed(
    store: Store, before: tuple[PaperRecord, ...], ids: tuple[Identifier, ...]
) -> None:
    copied = replace(COPY, identifiers=(PUBMED,), url="https://evil.example/casino")

    (paper,) = take(store, *before, copied, replace(UNLINKED, identifiers=ids), copied)

    assert paper_url(paper.url, [paper.identifier]) == identifier_url(ids[-1])
    assert paper.links == (copied.url,)


def test_an_address_that_a_feed_took_is_still_the_link_of_an_authority(store: Store) -> None:
    taken = replace(CASINO, identifiers=(ADDRESS,))
    copied = replace(COPY, identifiers=(), url="https://evil.example/casino")

    _, paper = take(store, taken, copied, replace(UNLINKED, identifiers=(ADDRESS,)))

    assert is_as_listed(paper)
    assert paper_url(paper.url, [paper.identifier]) == ADDRESS.value


def test_so_it_is_if_another_authority_listed_the_paper_before_without_a_link(
    store: Store,
) -> None:
    taken = replace(CASINO, identifiers=(ADDRESS,))
    copied = replace(COPY, identifiers=(), url="https://evil.example/casino")
    listed = replace(UNLINKED, identifiers=(ADDRESS,))

    _, paper = take(store, UNLINKED, taken, copied, listed, copied)[:2][::-1]

    assert paper_url(paper.url, [paper.identifier]) == ADDRESS.value
    assert paper.unverified == Unverified.NONE


def test_a_paper_merged_by_hand_and_split_again_has_the_link_of_its_own_record(
    store: Store,
) -> None:
    copied = replace(CASINO, identifiers=(), url="https://evil.example/casino")
    listed = replace(UNLINKED, identifiers=(PUBMED, DOI))
    feeds, theirs = take(store, copied, listed)
    with store.begin() as connection:
        merged = unify_by_decision(connection, feeds.id, theirs.id, now=NOW + DAY)
        (paper,) = papers.get(connection, [merged]).values()
        parts = split(connection, merged, now=NOW + 2 * DAY)
        again = papers.get(connection, parts).values()

    assert (paper.title, link_of(paper)) == (LISTED.title, identifier_url(DOI))
    assert not paper.unverified
    assert {(one.title, link_of(one), one.unverified) for one in again} == {
        (CASINO.title, copied.url, Unverified.ALL),
        (LISTED.title, identifier_url(DOI), Unverified.NONE),
    }


def test_a_notice_of_withdrawal_that_a_feed_has_is_no_abstract_of_an_authority(
    store: Store,
) -> None:
    notice = replace(COPY, abstract="This paper has been withdrawn by the authors.")

    (paper,) = take(store, notice, replace(LISTED, abstract="", unverified=0), notice)

    assert (paper.title, paper.abstract, paper.withdrawn) == (LISTED.title, "", False)
