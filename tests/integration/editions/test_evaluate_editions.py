"""`larkpost evaluate` replays with the same evidence of editions as the daemon trains with."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.helpers.factories import DAY, NOW, SUBJECTS, TODAY, add_papers, picks_of

from larkpost.db import editions
from larkpost.domain import Thumb
from larkpost.editions.evaluate import history
from larkpost.editions.training_evidence import evidence
from larkpost.ranking.evaluation.edition_log import evidence_before
from larkpost.readers import subscriptions
from larkpost.readers.record_votes import cast

if TYPE_CHECKING:
    from larkpost.db.engine import Store


def test_a_replay_of_today_has_the_evidence_that_todays_edition_is_ranked_with(
    store: Store,
) -> None:
    reader = subscriptions.add(store, None, now=NOW - 100 * DAY)
    with store.begin() as connection:
        papers = add_papers(connection, len(SUBJECTS))
        for days_ago, shown in ((80, papers[:1]), (3, papers[1:4]), (2, papers[4:5])):
            editions.publish(
                connection,
                reader=reader,
                date=TODAY - days_ago * DAY,
                picks=picks_of(shown),
                now=NOW - days_ago * DAY,
                next_slot=reader.next_slot,
                message_id=None,
            )
    voted = ((0, 80, Thumb.UP), (1, 3, Thumb.DOWN), (5, 3, Thumb.UP), (2, 1, Thumb.UP))
    for at, days_ago, thumb in voted:
        moment = NOW - days_ago * DAY + timedelta(hours=1)
        cast(store, reader.id, papers[at].id, thumb, source="page", now=moment)

    with store.read() as connection:
        (trained,) = evidence(connection, [reader], now=NOW)
        replayed = evidence_before(history(connection, reader), len(voted), NOW)

    assert [one.id for one in replayed.papers] == [one.id for one in trained.papers]
    assert replayed.thumbs == trained.thumbs
    assert replayed.shown_at == trained.shown_at
    assert replayed.shown_at == [None, NOW - 3 * DAY, None, NOW - 3 * DAY]
    assert [one.id for one in replayed.passed] == [papers[3].id]
    assert replayed.passed == trained.passed
    assert replayed.passed_at == trained.passed_at
