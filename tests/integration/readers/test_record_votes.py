"""Tests that thumbs are recorded, changed and undone, and papers found by any name."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import NOW, TODAY, add_papers, add_readers, picks_of

from larkpost.db import editions, interests, readers, votes
from larkpost.db.papers import absorb
from larkpost.domain import Edition, PaperRecord, Thumb, Vote
from larkpost.errors import UnknownPaper, UsageError
from larkpost.readers import record_votes

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Paper, Reader


@pytest.fixture
def reader(store: Store) -> Reader:
    with store.begin() as connection:
        return add_readers(connection, 1)[0]


@pytest.fixture
def papers(store: Store) -> list[Paper]:
    with store.begin() as connection:
        return add_papers(connection, 4)


def publish(store: Store, reader: Reader, chosen: list[Paper], day: date = TODAY) -> Edition:
    with store.begin() as connection:
        edition = editions.publish(
            connection,
            reader=readers.get(connection, reader.id),
            date=day,
            picks=picks_of(chosen),
            now=NOW,
            next_slot=reader.next_slot,
            message_id=None,
        )
    assert edition
    return edition


def vote_on(store: Store, reader: Reader, paper: Paper) -> Vote | None:
    with store.read() as connection:
        return votes.one(connection, reader.id, paper.id)


def resolve(store: Store, reader: Reader, ref: str) -> Paper:
    with store.read() as connection:
        return record_votes.resolve(connection, reader, ref)


def test_the_last_thumb_wins_and_tells_the_one_before(
    store: Store, reader: Reader, papers: list[Paper]
) -> None:
    paper = papers[0]

    first = record_votes.cast(store, reader.id, paper.id, Thumb.UP, source="link", now=NOW)
    later = NOW + timedelta(hours=1)
    second = record_votes.cast(store, reader.id, paper.id, Thumb.DOWN, source="page", now=later)

    assert first is None
    assert second is not None
    assert second.thumb is Thumb.UP
    now = vote_on(store, reader, paper)
    assert now is not None
    assert (now.thumb, now.source, now.at) == (Thumb.DOWN, "page", later)


def test_undo_brings_back_what_was_there(store: Store, reader: Reader, papers: list[Paper]) -> None:
    paper = papers[0]
    record_votes.cast(store, reader.id, paper.id, Thumb.UP, source="link", now=NOW)

    before = record_votes.cast(store, reader.id, paper.id, None, source="link", now=NOW)
    assert vote_on(store, reader, paper) is None
    assert before is not None
    record_votes.cast(store, reader.id, paper.id, before.thumb, source="link", now=NOW)

    restored = vote_on(store, reader, paper)
    assert restored is not None
    assert restored.thumb is Thumb.UP


def test_taking_back_what_was_never_given_is_harmless(
    store: Store, reader: Reader, papers: list[Paper]
) -> None:
    assert record_votes.cast(store, reader.id, papers[0].id, None, source="cli", now=NOW) is None


def test_a_vote_goes_to_the_interest_that_chose_the_paper(
    store: Store, reader: Reader, papers: list[Paper]
) -> None:
    with store.begin() as connection:
        birds = interests.set_interest(connection, reader.id, "birds")
        mine, other = picks_of(papers[:2])
        chosen = [replace(mine, interest_id=birds.id), other]
        editions.publish(
            connection,
            reader=reader,
            date=TODAY,
            picks=chosen,
            now=NOW,
            next_slot=None,
            message_id=None,
        )

    record_votes.cast(store, reader.id, papers[0].id, Thumb.UP, source="cli", now=NOW)
    record_votes.cast(store, reader.id, papers[3].id, Thumb.UP, source="cli", now=NOW)

    chosen_by, by_nobody = vote_on(store, reader, papers[0]), vote_on(store, reader, papers[3])
    assert chosen_by is not None
    assert by_nobody is not None
    assert chosen_by.interest_id == birds.id
    assert by_nobody.interest_id is None


def test_a_paper_is_found_by_identifier_url_and_position(
    store: Store, reader: Reader, papers: list[Paper]
) -> None:
    publish(store, reader, [papers[2], papers[0]])

    assert resolve(store, reader, "arxiv:2608.00001") == papers[0]
    assert resolve(store, reader, " https://arxiv.org/abs/2608.00001v3 ") == papers[0]
    assert resolve(store, reader, "1") == papers[2]
    assert resolve(store, reader, "2") == papers[0]


def test_a_position_means_the_latest_edition(
    store: Store, reader: Reader, papers: list[Paper]
) -> None:
    publish(store, reader, [papers[0]])
    publish(store, reader, [papers[1]], TODAY + timedelta(days=1))

    assert resolve(store, reader, "1") == papers[1]


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        pytest.param("arxiv:2608.99999", "arxiv:2608.99999", id="not in the store"),
        pytest.param("3", "no position 3; it has 2 papers", id="past the end"),
        pytest.param("0", "no position 0", id="before the beginning"),
    ],
)
def test_an_unknown_paper_is_named_in_the_error(
    store: Store, reader: Reader, papers: list[Paper], ref: str, said: str
) -> None:
    publish(store, reader, papers[:2])

    with pytest.raises(UnknownPaper, match=said) as caught:
        resolve(store, reader, ref)

    assert caught.value.hint


def test_a_position_before_the_first_edition_is_explained(store: Store, reader: Reader) -> None:
    with pytest.raises(UnknownPaper, match="has had no edition"):
        resolve(store, reader, "1")


def test_what_is_no_name_at_all_is_a_wrong_call(store: Store, reader: Reader) -> None:
    with pytest.raises(UsageError):
        resolve(store, reader, "the one about birds")


@pytest.mark.parametrize(
    ("name", "thumb"), [("up", Thumb.UP), ("down", Thumb.DOWN), ("clear", None)]
)
def test_thumbs_have_three_names(name: str, thumb: Thumb | None) -> None:
    assert record_votes.read_thumb(name) is thumb


def test_another_name_is_no_thumb() -> None:
    with pytest.raises(UsageError, match="is not a thumb"):
        record_votes.read_thumb("sideways\n")


def test_voting_loads_no_numbers_machinery() -> None:
    code = (
        "import sys, larkpost.readers.record_votes;"
        "print(sorted({'numpy', 'scipy', 'sklearn'} & sys.modules.keys()))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_thumbs_of_a_span_of_time_are_taken_back_and_no_others(
    store: Store, reader: Reader, papers: list[Paper]
) -> None:
    """The first moment is in the span, the last is not; nobody else's thumbs are touched."""
    with store.begin() as connection:
        other = readers.add(connection, address="other@example.org", now=NOW)
    for minute, paper in enumerate(papers):
        at = NOW + timedelta(minutes=minute)
        record_votes.cast(store, reader.id, paper.id, Thumb.UP, source="link", now=at)
        record_votes.cast(store, other.id, paper.id, Thumb.UP, source="link", now=at)

    gone = record_votes.roll_back(
        store,
        reader.id,
        now=NOW,
        since=NOW + timedelta(minutes=1),
        until=NOW + timedelta(minutes=2),
    )

    assert [(vote.paper_id, vote.source) for vote in gone] == [(papers[1].id, "link")]
    with store.read() as connection:
        left = {vote.paper_id for vote in votes.of(connection, reader.id)}
        assert left == {paper.id for paper in papers} - {papers[1].id}
        assert len(votes.of(connection, other.id)) == len(papers)


def test_ten_thousand_thumbs_of_a_night_are_rolled_back_and_the_ranking_is_as_before(
    store: Store, reader: Reader
) -> None:
    drafts = [PaperRecord(f"On subject {n}", f"What {n} is about.") for n in range(10_000)]
    with store.begin() as connection:
        ids = [one.paper_id for one in absorb(connection, drafts, now=NOW)]
        kept = Vote(reader.id, ids[0], Thumb.UP, NOW, "link")
        votes.cast(connection, kept)
        night = NOW + timedelta(hours=9)
        poison = [Vote(reader.id, one, Thumb.DOWN, night, "link") for one in ids[1:]]
        votes.cast_many(connection, poison)

    assert len(record_votes.roll_back(store, reader.id, now=NOW, since=night)) == 9_999

    with store.read() as connection:
        assert votes.of(connection, reader.id) == [kept]
