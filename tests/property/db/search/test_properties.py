"""Tests for any text that the search box parses it, and the index finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import create_engine
from tests.helpers.factories import NOW

from larkpost.db import papers, schema
from larkpost.db.search import index
from larkpost.db.search.find import find, parse
from larkpost.db.search.query import MOST_TERMS
from larkpost.db.search.tokenize import BREAK, index_document, words
from larkpost.domain import PaperRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

TYPED = st.lists(
    st.sampled_from(['"', "-", "author:", "since:", "until:", "(", "*", " ", "AND", "2026", "a"])
    | st.text(max_size=8)
).map("".join)
SPOKEN = st.text(st.characters(categories=("Lu", "Ll", "Lo", "Nd")), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """Open a database in memory with an index."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        schema.metadata.create_all(connection)
        index.create(connection)
        yield connection
    engine.dispose()


@given(text=TYPED | st.text())
def test_any_text_is_a_question(text: str) -> None:
    query = parse(text)

    assert all(piece in text for piece in query.unclear)
    assert len(query.wanted) + len(query.excluded) <= MOST_TERMS
    assert all(term.spelt for term in query.wanted + query.excluded)


@given(text=TYPED)
def test_any_question_has_an_answer(connection: Connection, text: str) -> None:
    found = find(connection, parse(text), limit=3)

    assert len(found.papers) <= found.total


@given(title=SPOKEN, abstract=st.text(max_size=200))
def test_a_paper_is_found_by_its_title(connection: Connection, title: str, abstract: str) -> None:
    with connection.begin_nested() as undone:
        (one,) = papers.absorb(connection, [PaperRecord(title, abstract)], now=NOW)
        found = find(connection, parse(f'"{title}"'), limit=1_000)
        undone.rollback()

    assert not words(title) or one.paper_id in {paper.id for paper in found.papers}


@example(text="กั")  # a Thai letter under a vowel mark that is no letter
@given(text=st.text())
def test_words_are_what_the_index_takes_whole(text: str) -> None:
    found = words(text)

    assert all(word and word != BREAK and word.replace("_", "").isalnum() for word in found)
    assert words(" ".join(found)) == found
    assert (
        index_document(text, [text], text).title.split()
        == index_document(text, [], text).abstract.split()
    )
