"""Tests identifiers of readers' papers that a source which is no authority puts above its texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.helpers.private_lists import BROUGHT, NAME, OTHER, find_public, read_private, read_thumbs
from tests.helpers.web.site_client import NOW

from larkpost.db import papers
from larkpost.domain import Identifier, PaperRecord, Thumb
from larkpost.readers import onboarding, subscriptions
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Reader

OURS = "Cheap pills across an ocean of noise"
ABSTRACT = "Buy whale pills at https://spam.example/buy now."  # of ``BROUGHT``
SPAM = "Casino bonus for everybody who joins today"


@pytest.fixture
def reader(store: Store) -> Reader:
    return subscriptions.add(store, None, now=NOW)


def list_it(
    store: Store,
    title: str,
    name: Identifier = NAME,
    unverified: Unverified = Unverified.ALL,
    abstract: str = "",
) -> None:
    """List a paper of this title, as a blog does, or as arXiv if nothing is unverified."""
    record = PaperRecord(
        title=title,
        abstract=abstract or f"{title}, of which there is more to read here. " * 9,
        identifiers=(name,),
        unverified=unverified,
    )
    with store.begin() as connection:
        papers.absorb(connection, [record], now=NOW)


def bring(store: Store, reader: Reader, text: str = BROUGHT) -> onboarding.OnboardingResult:
    return onboarding.from_references(store, reader.id, text, now=NOW)


@pytest.mark.parametrize("name", [NAME, OTHER])
def test_a_blog_that_names_it_above_another_text_neither_removes_it_nor_gets_its_thumb(
    store: Store, reader: Reader, name: Identifier
) -> None:
    bring(store, reader)

    list_it(store, SPAM, name)

    assert [paper.title for paper in read_private(store, reader)] == [OURS]
    assert read_thumbs(store, reader) == {OURS: Thumb.UP}


@pytest.mark.parametrize("name", [NAME, OTHER])
def test_one_who_brings_what_a_blog_named_before_likes_the_own_text(
    store: Store, reader: Reader, name: Identifier
) -> None:
    list_it(store, SPAM, name)

    found = bring(store, reader)

    assert (found.liked, found.new) == (1, 1)
    assert read_thumbs(store, reader) == {OURS: Thumb.UP}
    again = bring(store, reader, f"{name.value}\n")
    assert again.liked == 0
    assert read_thumbs(store, reader) == {OURS: Thumb.UP}


@pytest.mark.parametrize("name", [NAME, OTHER, Identifier("doi", "10.1000/its-own")])
@pytest.mark.parametrize("title", [OURS, f"{OURS}: A Second Look"])
@pytest.mark.parametrize("has_abstract", [True, False])
@pytest.mark.parametrize("is_listed_first", [True, False])
def test_a_blog_with_its_title_above_another_abstract_neither_removes_it_nor_gets_its_thumb(
    store: Store,
    reader: Reader,
    name: Identifier,
    title: str,
    has_abstract: bool,
    is_listed_first: bool,
) -> None:
    if is_listed_first:
        list_it(store, title, name)
    bring(store, reader, BROUGHT if has_abstract else f"@misc{{a, title={{{OURS}}}}}")

    list_it(store, title, name)

    assert [paper.title for paper in read_private(store, reader)] == [OURS]
    assert read_thumbs(store, reader) == {OURS: Thumb.UP}


@pytest.mark.parametrize("is_listed_first", [True, False])
def test_a_blog_with_its_text_makes_the_thumb_a_public_one(
    store: Store, reader: Reader, is_listed_first: bool
) -> None:
    if is_listed_first:
        list_it(store, OURS, abstract=ABSTRACT)
    bring(store, reader)

    list_it(store, OURS, abstract=ABSTRACT)

    assert read_private(store, reader) == []
    assert read_thumbs(store, reader) == {OURS: Thumb.UP}


def test_the_thumb_becomes_a_public_one_when_an_authority_lists_what_a_blog_listed_before(
    store: Store, reader: Reader
) -> None:
    list_it(store, OURS)
    bring(store, reader)

    list_it(store, OURS, unverified=Unverified.NONE)

    assert read_private(store, reader) == []
    assert read_thumbs(store, reader) == {OURS: Thumb.UP}


def test_the_thumb_becomes_a_public_one_when_an_authority_lists_the_paper(
    store: Store, reader: Reader
) -> None:
    bring(store, reader)
    list_it(store, SPAM)

    list_it(store, "Whale songs", unverified=Unverified.NONE)

    listed = find_public(store)
    assert listed is not None
    assert listed.title == "Whale songs"
    assert read_private(store, reader) == []
    assert read_thumbs(store, reader) == {"Whale songs": Thumb.UP}


@pytest.mark.parametrize("is_listed_first", [True, False])
def test_the_abstract_that_a_blog_adds_to_a_title_of_an_authority_does_not_get_the_thumb(
    store: Store, reader: Reader, is_listed_first: bool
) -> None:
    if not is_listed_first:
        list_it(store, SPAM)
        bring(store, reader)
    list_it(store, OURS)
    title = PaperRecord(title=OURS, identifiers=(NAME,))
    with store.begin() as connection:
        papers.absorb(connection, [title], now=NOW)
    if is_listed_first:
        bring(store, reader)

    listed = find_public(store)
    assert listed is not None
    assert listed.abstract != ABSTRACT
    assert [paper.abstract for paper in read_private(store, reader)] == [ABSTRACT]
    assert read_thumbs(store, reader) == {OURS: Thumb.UP}


def test_a_bare_number_is_that_of_a_paper_which_an_authority_lists(
    store: Store, reader: Reader
) -> None:
    list_it(store, SPAM)

    assert bring(store, reader, f"{NAME.value}\n").unknown == (str(NAME),)
    assert read_thumbs(store, reader) == {}

    list_it(store, "Whale songs", unverified=Unverified.NONE)
    bring(store, reader, f"{NAME.value}\n")

    assert read_thumbs(store, reader) == {"Whale songs": Thumb.UP}
