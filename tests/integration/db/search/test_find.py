"""Tests the search index on both databases: complete, up to date, safe for any query."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, text
from tests.helpers.old_databases import left_at

from larkpost.db import migrations, papers
from larkpost.db.engine import Store
from larkpost.db.search import find as search_find
from larkpost.db.search import index
from larkpost.db.search.find import find, kin, parse
from larkpost.domain import PaperRecord
from larkpost.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 8, 10, 9, tzinfo=UTC)
DAY = timedelta(days=1)

ROUTING = PaperRecord(
    "Sparse Routing in Mixtures of Experts",
    "Tokens are sent to few experts. The router is trained with the model.",
    authors=("Émilie du Châtelet", "Ada Lovelace"),
    first_seen=NOW - DAY,
)
DENSE = PaperRecord(
    "What Dense Models Know",
    "We compare dense models with sparsely routed ones, and find that routing loses little.",
    authors=("Ada Byron", "Grace Lovelace"),
    first_seen=NOW - 2 * DAY,
)
BIRDS = PaperRecord(
    "Birdsong dialects along the rivers of Zürich",
    "Urban birds sing higher. 机器学习 tells their dialects apart; GPT-4 does not.",
    authors=("Experts Ltd",),
    first_seen=NOW - 40 * DAY,
)
CORPUS = (ROUTING, DENSE, BIRDS)
QUESTIONS = {
    "routing": {ROUTING, DENSE},
    "route": {ROUTING, DENSE},
    "SPARSE model": {ROUTING, DENSE},
    '"sparse routing"': {ROUTING, DENSE},  # in any form: sparsely routed
    '"sparse routing in"': {ROUTING},
    '"routed ones and find"': {DENSE},
    '"routing sparse"': set(),
    '"experts tokens"': set(),  # the end of a title, the beginning of its abstract
    "experts": {ROUTING, BIRDS},
    '"mixture of experts"': {ROUTING},
    "mixture-of-experts": {ROUTING},
    "-experts": {DENSE},
    "models -birds -dense": {ROUTING},
    '-"sparse routing in"': {DENSE, BIRDS},
    "lovelace": {ROUTING, DENSE},
    "author:lovelace": {ROUTING, DENSE},
    'author:"Ada Lovelace"': {ROUTING},
    'author:"Châtelet Ada"': set(),  # two authors
    "author:experts": {BIRDS},
    "author:expert": set(),  # names have no other forms
    "author:ada -author:byron": {ROUTING},
    "chatelet": {ROUTING},
    "zurich": {BIRDS},
    "ZÜRICH": {BIRDS},
    "学习": {BIRDS},
    "学机": set(),
    "gpt-4": {BIRDS},
    "gpt 5": set(),
    "the": {ROUTING, BIRDS},
    "since:2026-08-09": {ROUTING},
    "since:2026-08": {ROUTING, DENSE},
    "until:2026-08-08": {DENSE, BIRDS},
    "routing until:2026-08-08": {DENSE},
    "since:2026-07-01 until:2026-07": {BIRDS},
    "since:2027": set(),
    "": {ROUTING, DENSE, BIRDS},
    "???": set(),
}
HOSTILE = (
    *"\"'()*^:+-\\%_!?", '""', "';--", "{title}:x", "title:routing", "a AND", "OR OR", "NOT",
    "NEAR(a b, 2)", "a*", "+a", "--", "- -a", "author:", 'author:"', "a:*", "a & b", "!a", "a | !b",
    "a <-> b", "\x00", "a\x00b", "\ud800", "\u202e", "😀", "since:", "since:0000", "since:9999-99",
    "until:٢٠٢٦", "since:2026-08-07T00:00", "{}" * 500, "é" * 999, '"' * 999, "-" * 999,
    "a" * 10_000, "a " * 5_000, "机" * 5_000, '"' + "the of " * 2_000,
)  # fmt: skip  # one a line would hide how many there are


@pytest.fixture
def full(store: Store) -> Store:
    """Open a store in which the corpus is."""
    absorb(store, *CORPUS)
    return store


def absorb(store: Store, *drafts: PaperRecord, now: datetime = NOW) -> None:
    with store.begin() as connection:
        papers.absorb(connection, drafts, now=now)


def titles(store: Store, question: str, limit: int = 50, offset: int = 0) -> list[str]:
    with store.read() as connection:
        found = find(connection, parse(question), limit=limit, offset=offset)
    return [paper.title for paper in found.papers]


def test_both_databases_find_the_same(full: Store) -> None:
    found = {question: set(titles(full, question)) for question in QUESTIONS}

    assert found == {q: {draft.title for draft in drafts} for q, drafts in QUESTIONS.items()}


def test_no_question_is_an_error(full: Store) -> None:
    with full.read() as connection:
        for question in HOSTILE:
            found = find(connection, parse(question), limit=2)

            assert len(found.papers) <= found.total <= len(CORPUS)


def test_a_word_in_the_title_counts_for_more_than_one_in_the_abstract(full: Store) -> None:
    assert titles(full, "sparse routing") == [ROUTING.title, DENSE.title]
    assert titles(full, "dense models") == [DENSE.title]


def test_of_equal_papers_the_newer_comes_first(store: Store) -> None:
    absorb(store, *(PaperRecord(f"Lark number {n}", first_seen=NOW - n * DAY) for n in (3, 1, 2)))

    assert titles(store, "lark") == ["Lark number 1", "Lark number 2", "Lark number 3"]


def test_without_words_the_newest_come_first(full: Store) -> None:
    assert titles(full, "since:2026-07") == [ROUTING.title, DENSE.title, BIRDS.title]


def test_pages_follow_each_other_and_tell_the_total(full: Store) -> None:
    with full.read() as connection:
        pages = [find(connection, parse("the"), limit=1, offset=n) for n in range(3)]

    assert [page.total for page in pages] == [2, 2, 2]
    assert [len(page.papers) for page in pages] == [1, 1, 0]
    assert pages[0].papers != pages[1].papers


def test_an_edited_paper_is_found_by_its_new_words_only(full: Store) -> None:
    edited = replace(ROUTING, abstract=ROUTING.abstract.replace("few", "fifteen"))

    absorb(full, edited, now=NOW + DAY)

    assert titles(full, "fifteen") == [ROUTING.title]
    assert titles(full, '"sent to few"') == []
    assert titles(full, "tokens") == [ROUTING.title]


def test_authors_who_come_in_later_are_found(store: Store) -> None:
    absorb(store, replace(ROUTING, authors=()))

    absorb(store, ROUTING)

    assert titles(store, "author:lovelace") == [ROUTING.title]


def test_reading_the_same_again_leaves_the_index_alone(full: Store) -> None:
    absorb(full, *(replace(draft, upvotes=7) for draft in CORPUS), now=NOW + DAY)

    with full.read() as connection:
        assert all(paper.upvotes == 7 for paper in papers.iterate(connection))
        assert find(connection, parse("routing"), limit=9).total == 2


def test_an_undone_transaction_leaves_no_words(full: Store) -> None:
    with suppress(ZeroDivisionError), full.begin() as connection:
        papers.absorb(connection, [PaperRecord("Vanishing larks")], now=NOW)
        raise ZeroDivisionError

    assert titles(full, "larks") == []


def test_a_paper_as_large_as_a_book_is_found(store: Store) -> None:
    book = PaperRecord(
        "A book " * 400, " ".join(f"word{n} the" for n in range(40_000)), authors=("A B",) * 9_000
    )

    absorb(store, book)

    assert len(titles(store, "word7 author:b")) == 1


def test_kin_share_words_of_the_title(full: Store) -> None:
    with full.read() as connection:
        mine = find(connection, parse("author:byron"), limit=1).papers[0]
        found = kin(connection, mine, limit=5)
        lonely = kin(connection, replace(mine, title="On it"), limit=5)

    assert [paper.title for paper in found] == [ROUTING.title]
    assert lonely == []


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a store as version 0.1 made it, with papers in it; once on each kind of database."""
    with left_at("0001", request, tmp_path) as store:
        with store.begin() as connection:
            connection.execute(text(INSERT), [row(n, draft) for n, draft in enumerate(CORPUS, 1)])
        yield store


INSERT = (
    "INSERT INTO paper (id, uid, scheme, value, title, abstract, authors, categories,"
    " first_seen, arrived, updated, title_key)"
    " VALUES (:id, :name, 'arxiv', :name, :title, :abstract, :authors, '[]', :at, :at, :at, :name)"
)


def row(number: int, draft: PaperRecord) -> dict[str, object]:
    return {
        "id": number,
        "name": str(number),
        "title": draft.title,
        "abstract": draft.abstract,
        "authors": json.dumps(draft.authors),
        "at": "2026-08-01 00:00:00.000000",
    }


def test_a_migration_fills_the_index_with_what_is_there(old: Store) -> None:
    migrations.upgrade(old)

    assert set(titles(old, "routing")) == {ROUTING.title, DENSE.title}
    assert titles(old, 'author:"Émilie du Châtelet"') == [ROUTING.title]


def test_the_index_keeps_no_copy_of_the_text(full: Store, sqlite_url: str) -> None:
    with full.read() as connection:
        tables = {
            name for name in inspect(connection).get_table_names() if name.startswith(index.NAME)
        }

    kinds = {"search", "search_data", "search_idx", "search_docsize", "search_config"}
    assert tables == (kinds if full.file else {"search"})


def test_the_index_of_sqlite_is_whole(sqlite_url: str, tmp_path: Path) -> None:
    store = Store(sqlite_url)
    absorb(store, *CORPUS)
    absorb(store, replace(ROUTING, abstract=ROUTING.abstract + " More."), now=NOW + DAY)

    with store.begin() as connection:
        connection.execute(text("INSERT INTO search (search) VALUES ('integrity-check')"))
        stored = connection.execute(text("SELECT count(*) FROM search_docsize")).scalar()

    assert stored == len(CORPUS)
    store.close()


def test_search_names_what_it_did_not_understand() -> None:
    assert search_find.parse("routing since:soon").unclear == ("since:soon",)


def test_a_search_that_takes_too_long_ends_with_an_error_that_says_so(store: Store) -> None:
    with store.begin() as connection:
        papers.absorb(
            connection,
            [
                PaperRecord(f"Paper {n} on routing", f"Routing of kind {n}, {n + 1}.")
                for n in range(2_000)
            ],
            now=NOW,
        )
    with pytest.raises(Busy, match="took too long"), store.read() as connection:
        find(connection, parse("routing of -seven"), limit=10, seconds=0.0)
    with store.read() as connection:  # the next one is not bounded by it
        assert find(connection, parse("routing"), limit=10).total == 2_000
