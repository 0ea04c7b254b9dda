"""The training data of a reader: thumbs, and papers of editions that were passed over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import DAY, NOW, TODAY, add_papers, picks_of

from larkpost.db import editions
from larkpost.domain import Thumb
from larkpost.editions import training_evidence as flows_evidence
from larkpost.editions.training_evidence import LOOK_BACK, evidence
from larkpost.readers import subscriptions
from larkpost.readers.record_votes import cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larkpost.db.engine import Store
    from larkpost.domain import Paper, Reader
    from larkpost.interfaces import Evidence


@pytest.fixture
def reader(store: Store) -> Reader:
    return subscriptions.add(store, None, now=NOW)


@pytest.fixture
def papers(store: Store) -> list[Paper]:
    with store.begin() as connection:
        return add_papers(connection, 6)


def show(store: Store, reader: Reader, papers: Sequence[Paper], days_ago: int = 0) -> None:
    with store.begin() as connection:
        editions.publish(
            connection,
            reader=reader,
            date=TODAY - days_ago * DAY,
            picks=picks_of(papers),
            now=NOW - days_ago * DAY,
            next_slot=reader.next_slot,
            message_id=None,
        )


def known(store: Store, reader: Reader) -> Evidence:
    with store.read() as connection:
        (found,) = evidence(connection, [reader], now=NOW)
    return found


def test_papers_beside_one_that_got_a_thumb_were_passed_over(
    store: Store, reader: Reader, papers: list[Paper]
) -> None:
    show(store, reader, papers[:3])
    cast(store, reader.id, papers[1].id, Thumb.DOWN, source="page", now=NOW)

    found = known(store, reader)

    assert [one.id for one in found.papers] == [papers[1].id]
    assert list(found.shown_at) == [NOW]
    assert [one.id for one in found.passed] == [papers[0].id, papers[2].id]
    assert list(found.passed_at) == [NOW, NOW]


def test_an_edition_without_a_thumb_tells_nothing_for_nobody_may_have_looked(
    store: Store, reader: Reader, papers: list[Paper]
) -> None:
    show(store, reader, papers[:3])
    cast(store, reader.id, papers[5].id, Thumb.UP, source="page", now=NOW)

    found = known(store, reader)

    assert list(found.passed) == []
    assert list(found.shown_at) == [None]


def test_a_thumb_taken_back_leaves_nothing_known_of_its_edition(
    store: Store, reader: Reader, papers: list[Paper]
) -> None:
    show(store, reader, papers[:3])
    cast(store, reader.id, papers[1].id, Thumb.UP, source="page", now=NOW)
    cast(store, reader.id, papers[1].id, None, source="page", now=NOW)

    assert list(known(store, reader).passed) == []


def test_the_oldest_edition_comes_first_and_what_is_long_past_is_left_out(
    store: Store, reader: Reader, papers: list[Paper]
) -> None:
    long_ago = LOOK_BACK // DAY + 1
    for days, pair in ((0, papers[:2]), (1, papers[2:4]), (long_ago, papers[4:])):
        show(store, reader, pair, days_ago=days)
        cast(store, reader.id, pair[0].id, Thumb.UP, source="page", now=NOW)

    found = known(store, reader)

    assert [one.id for one in found.passed] == [papers[3].id, papers[1].id]
    assert list(found.passed_at) == [NOW - DAY, NOW]
    assert NOW - timedelta(days=long_ago) not in found.shown_at


def test_another_readers_edition_tells_nothing(
    store: Store, reader: Reader, papers: list[Paper]
) -> None:
    other = subscriptions.add(store, None, now=NOW)
    show(store, other, papers[:3])
    cast(store, reader.id, papers[1].id, Thumb.UP, source="page", now=NOW)

    assert list(known(store, reader).passed) == []


def test_of_many_thumbs_the_newest_of_each_kind_count(
    store: Store, reader: Reader, papers: list[Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows_evidence, "MOST_VOTES", 2)
    thumbs = (Thumb.UP, Thumb.UP, Thumb.DOWN, Thumb.UP, Thumb.UP, Thumb.DOWN)
    for number, (paper, thumb) in enumerate(zip(papers, thumbs, strict=True)):
        cast(store, reader.id, paper.id, thumb, source="page", now=NOW - (6 - number) * DAY)

    found = known(store, reader)

    assert [one.id for one in found.papers] == [papers[at].id for at in (2, 3, 4, 5)]
    assert list(found.thumbs) == [Thumb.DOWN, Thumb.UP, Thumb.UP, Thumb.DOWN]
