"""Tests that recently read papers are not built again unless they changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.helpers.factories import NOW, add_papers

from larkpost.db import papers, schema
from larkpost.db.paper_cache import PaperCache
from larkpost.domain import PaperRecord

if TYPE_CHECKING:
    from larkpost.db.engine import Store


def test_a_paper_is_given_again_until_its_row_changes(store: Store) -> None:
    cache = PaperCache()
    with store.begin() as connection:
        first, second, *_ = add_papers(connection, 3)
        before = cache.get(connection, [first.id, second.id])
        assert before == {first.id: first, second.id: second}
        again = cache.get(connection, [first.id])[first.id]

        change = schema.paper.update().where(schema.paper.c.id == first.id)
        connection.execute(change.values(title="Another title"))
        after = cache.get(connection, [first.id, second.id])

    assert again is before[first.id]
    assert after[first.id].title == "Another title"
    assert after[second.id] is before[second.id]


def test_a_paper_that_is_gone_is_not_given(store: Store) -> None:
    cache = PaperCache()
    with store.begin() as connection:
        (made,) = papers.absorb(connection, [PaperRecord("One that goes", "")], now=NOW)
        assert made.paper_id in cache.get(connection, [made.paper_id])
        connection.execute(schema.paper.delete().where(schema.paper.c.id == made.paper_id))
        assert cache.get(connection, [made.paper_id, made.paper_id + 1]) == {}


def test_those_longest_unused_make_room(store: Store) -> None:
    cache = PaperCache(most=2)
    with store.begin() as connection:
        one, two, three = add_papers(connection, 3)
        kept = cache.get(connection, [one.id])[one.id]
        cache.get(connection, [two.id])
        cache.get(connection, [one.id])
        cache.get(connection, [three.id])

        assert cache.get(connection, [one.id])[one.id] is kept
        assert cache.get(connection, [two.id])[two.id] == two
