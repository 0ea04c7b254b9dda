"""Tests editions in the store: published exactly once, read whole, and with few queries."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, event
from tests.helpers.factories import DAY, NOW, TODAY, add_papers, add_readers, picks_of

from larkpost.db import editions, interests, readers
from larkpost.db.editions import PreparedEdition
from larkpost.db.outbox import deliveries
from larkpost.domain import DeliveryState, Edition, Status

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Paper, Reader

TOMORROW = NOW + DAY
AT_ONCE = 6


def prepared(reader: Reader, papers: list[Paper]) -> PreparedEdition:
    """Today's edition of a reader, ready to be published."""
    return PreparedEdition(
        reader=reader,
        day=TODAY,
        picks=picks_of(papers),
        now=NOW,
        next_slot=TOMORROW,
        message_id=f"<{reader.uid}.{TODAY}@example.org>",
        catch_up_from=TODAY - 2 * DAY,
        note="catching up",
        candidate_count=108,
    )


def publish(connection: Connection, reader: Reader, papers: list[Paper]) -> Edition | None:
    return editions.publish_many(connection, [prepared(reader, papers)])[0]


def test_an_edition_comes_out_as_it_was_published(store: Store) -> None:
    with store.begin() as connection:
        (ada,), papers = add_readers(connection, 1), add_papers(connection, 3)

        published = editions.publish(
            connection,
            reader=ada,
            date=TODAY,
            picks=picks_of(papers),
            now=NOW,
            catch_up_from=TODAY - 2 * DAY,
            note="catching up",
            candidate_count=108,
            next_slot=TOMORROW,
            message_id=None,
        )

    assert published is not None
    assert published.reader == replace(ada, next_slot=TOMORROW)
    assert published.picks[1].similar_paper == papers[0]
    with store.read() as connection:
        assert editions.get(connection, published.id) == published
        assert editions.on(connection, ada.id, TODAY) == published
        assert editions.latest(connection, ada.id) == [published]
        assert editions.get_many(connection, [published.id, 4711]) == {published.id: published}


def test_editions_that_are_not_there_are_none(store: Store) -> None:
    with store.begin() as connection:
        (ada,) = add_readers(connection, 1)

        assert editions.get(connection, 1) is None
        assert editions.on(connection, ada.id, TODAY) is None
        assert editions.latest(connection, ada.id, limit=3) == []
        assert editions.papers_given(connection, [ada.id]) == {ada.id: set()}
        assert editions.publish_many(connection, []) == []


def test_publishing_moves_the_slot_and_plans_a_newsletter(store: Store) -> None:
    with store.begin() as connection:
        (ada,), papers = add_readers(connection, 1), add_papers(connection, 2)

        edition = publish(connection, ada, papers)
        (message,) = deliveries.by_state(connection, [DeliveryState.PLANNED])

        assert edition is not None
        assert readers.get(connection, ada.id).next_slot == TOMORROW
    assert (message.edition_id, message.reader_id) == (edition.id, ada.id)
    assert message.message_id == f"<{ada.uid}.{TODAY}@example.org>"
    assert (message.attempts, message.next_attempt_at, message.lease_until) == (0, NOW, None)


def test_a_reader_without_an_address_gets_no_newsletter(store: Store) -> None:
    with store.begin() as connection:
        quiet = readers.add(connection, address=None, now=NOW, next_slot=NOW)

        edition = publish(connection, quiet, add_papers(connection, 1))

        assert edition is not None
        assert sum(deliveries.counts(connection).values()) == 0


def test_who_left_while_the_edition_was_made_gets_no_newsletter(store: Store) -> None:
    with store.begin() as connection:
        (ada,), papers = add_readers(connection, 1), add_papers(connection, 1)
        readers.update(connection, ada.id, status=Status.LEFT)

        publish(connection, ada, papers)

        assert sum(deliveries.counts(connection).values()) == 0


def test_who_was_removed_while_the_edition_was_made_gets_none(store: Store) -> None:
    with store.begin() as connection:
        (ada,), papers = add_readers(connection, 1), add_papers(connection, 1)
        readers.remove(connection, ada.id)

        assert publish(connection, ada, papers) is None


def test_who_comes_second_publishes_nothing(store: Store) -> None:
    with store.begin() as connection:
        (ada,), papers = add_readers(connection, 1), add_papers(connection, 2)
        first = publish(connection, ada, papers)
        late = replace(prepared(ada, papers[:1]), day=TODAY + DAY, next_slot=TOMORROW + DAY)

        assert editions.publish_many(connection, [late]) == [None]
        assert editions.latest(connection, ada.id, limit=9) == [first]
        assert readers.get(connection, ada.id).next_slot == TOMORROW


def test_a_day_that_has_its_edition_gets_no_other_but_the_slot_moves_on(store: Store) -> None:
    with store.begin() as connection:
        (ada,), papers = add_readers(connection, 1), add_papers(connection, 2)
        by_hand = replace(prepared(ada, papers), next_slot=ada.next_slot)
        (first,) = editions.publish_many(connection, [by_hand])

        assert publish(connection, ada, papers[:1]) is None
        assert readers.get(connection, ada.id).next_slot == TOMORROW
        (kept,) = editions.latest(connection, ada.id, limit=9)
        assert first is not None
        assert kept.picks == first.picks
        assert deliveries.counts(connection)[DeliveryState.PLANNED] == 1


def test_many_are_published_at_once_and_answered_in_order(store: Store) -> None:
    with store.begin() as connection:
        (ada, emmy, sofia), papers = add_readers(connection, 3), add_papers(connection, 2)
        stale = replace(prepared(emmy, papers), reader=replace(emmy, next_slot=NOW - DAY))
        twice = replace(prepared(ada, papers), day=TODAY + DAY)

        answers = editions.publish_many(
            connection, [prepared(sofia, papers), stale, prepared(ada, papers), twice]
        )

    assert [answer and answer.reader.id for answer in answers] == [sofia.id, None, ada.id, None]


def test_threads_that_publish_one_slot_make_one_edition(store: Store) -> None:
    with store.begin() as connection:
        readers_due, papers = add_readers(connection, 5), add_papers(connection, 3)
    together = Barrier(AT_ONCE)

    def tick(turn: int) -> list[Edition]:
        # Every other one goes through the shard backwards: nobody waits for ever.
        shard = [prepared(reader, papers) for reader in readers_due][:: 1 if turn % 2 else -1]
        together.wait()
        with store.begin() as connection:
            return [e for e in editions.publish_many(connection, shard) if e]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = [edition for some in pool.map(tick, range(AT_ONCE)) for edition in some]

    assert sorted(edition.reader.id for edition in made) == [r.id for r in readers_due]
    with store.read() as connection:
        assert deliveries.counts(connection)[DeliveryState.PLANNED] == len(readers_due)
        for edition in made:
            assert editions.latest(connection, edition.reader.id, limit=9) == [edition]


def test_an_edition_and_its_newsletter_are_written_together_or_not_at_all(store: Store) -> None:
    with store.begin() as connection:
        (ada,), papers = add_readers(connection, 1), add_papers(connection, 1)

    def crash() -> None:
        with store.begin() as connection:
            publish(connection, ada, papers)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()

    with store.read() as connection:
        assert readers.get(connection, ada.id) == ada
        assert editions.latest(connection, ada.id) == []
        assert sum(deliveries.counts(connection).values()) == 0


def test_the_newest_edition_comes_first(store: Store) -> None:
    with store.begin() as connection:
        (ada,), papers = add_readers(connection, 1), add_papers(connection, 3)
        for number in range(3):
            current = readers.get(connection, ada.id)
            day = replace(
                prepared(current, papers[number : number + 1]),
                day=TODAY + number * DAY,
                next_slot=NOW + (number + 1) * DAY,
                message_id=None,
            )
            editions.publish_many(connection, [day])

        latest = editions.latest(connection, ada.id, limit=2)
        days = editions.latest_days(connection, ada.id, limit=2)

    assert [edition.date for edition in latest] == [TODAY + 2 * DAY, TODAY + DAY]
    assert [(day.id, day.date) for day in days] == [(one.id, one.date) for one in latest]


def test_the_days_of_editions_come_with_the_number_of_their_papers(store: Store) -> None:
    with store.begin() as connection:
        (ada, emmy), papers = add_readers(connection, 2), add_papers(connection, 3)
        publish(connection, ada, papers)
        publish(connection, emmy, papers[:1])

        (day,) = editions.latest_days(connection, ada.id, limit=9)

        assert (day.date, day.pick_count) == (TODAY, 3)
        assert editions.count_picks(connection, ada.id) == 3


def test_what_was_picked_is_reported_by_reader(store: Store) -> None:
    with store.begin() as connection:
        (ada, emmy), papers = add_readers(connection, 2), add_papers(connection, 3)
        publish(connection, ada, papers[:2])
        ids = [paper.id for paper in papers]

        assert editions.papers_given(connection, [ada.id, emmy.id]) == {
            ada.id: {*ids[:2]},
            emmy.id: set(),
        }
        assert editions.papers_given(connection, [ada.id], among=ids[1:]) == {ada.id: {ids[1]}}
        assert editions.papers_given(connection, [ada.id], among=[]) == {ada.id: set()}


def test_the_interest_that_chose_a_paper_is_known(store: Store) -> None:
    with store.begin() as connection:
        (ada,), papers = add_readers(connection, 1), add_papers(connection, 2)
        birds = interests.set_interest(connection, ada.id, "birds")
        chosen = [replace(pick, interest_id=birds.id) for pick in picks_of(papers[:1])]
        editions.publish_many(connection, [replace(prepared(ada, papers), picks=chosen)])

        assert editions.chooser(connection, ada.id, papers[0].id) == birds.id
        assert editions.chooser(connection, ada.id, papers[1].id) is None

        interests.remove_interest(connection, ada.id, "birds")
        assert editions.chooser(connection, ada.id, papers[0].id) is None


def test_the_number_of_queries_does_not_grow_with_the_editions(store: Store) -> None:
    with store.begin() as connection:
        due, papers = add_readers(connection, 30), add_papers(connection, 6)
        made = editions.publish_many(connection, [prepared(reader, papers) for reader in due])
    ids = [edition.id for edition in made if edition]

    few, many = queries(store, ids[:1]), queries(store, ids)

    assert len(ids) == 30
    assert few == many


def queries(store: Store, ids: list[int]) -> int:
    asked: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(store.engine, "before_cursor_execute", count)
    with store.read() as connection:
        assert len(editions.get_many(connection, ids)) == len(ids)
    event.remove(store.engine, "before_cursor_execute", count)
    return len(asked)


def test_a_slot_a_microsecond_off_is_another_slot(store: Store) -> None:
    with store.begin() as connection:
        (ada,), papers = add_readers(connection, 1), add_papers(connection, 1)
        off = replace(ada, next_slot=NOW + timedelta(microseconds=1))

        assert publish(connection, off, papers) is None
        assert publish(connection, ada, papers) is not None
