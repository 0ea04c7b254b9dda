"""Tests splitting papers that were merged wrongly, and merging two that are the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import picks_of

from larkpost.db import editions, papers, readers, votes
from larkpost.db.matching import match_decisions, merge_log
from larkpost.db.matching.split_paper import split
from larkpost.db.matching.unify_papers import unify_by_decision
from larkpost.db.papers import MatchOutcome, RecordOrigin
from larkpost.domain import Identifier, PaperRecord, Thumb, Vote
from larkpost.errors import UsageError
from larkpost.readers import subscriptions
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Paper, Reader

NOW = datetime(2026, 8, 10, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
FERRIES = PaperRecord(
    title="Ferries That Wait: Predicting Departures from Nine Years of Logs",
    abstract=(
        "Ferries wait for the tide, and the tide waits for nobody. We predict from nine years of "
        "logs when a ferry leaves, with a mean error of four minutes. The model reads the moon, "
        "the wind and the captain, of which the captain matters most."
    ),
)
BREAD = PaperRecord(
    title="Bread Rises Slowly: Two Hundred Bakers and Their Ovens",
    abstract=(
        "Bread rises slowly and bakers rise early. We ask two hundred of them why, and find that "
        "the oven is to blame. A cheap thermostat lets them sleep for an hour more."
    ),
)
OURS = Identifier("arxiv", "2608.00001")
THEIRS = Identifier("arxiv", "2608.00002")
PAGE, API = RecordOrigin("huggingface"), RecordOrigin("huggingface-api")


def take(
    store: Store, draft: PaperRecord, hours: int = 0, origin: RecordOrigin = PAGE
) -> tuple[int, MatchOutcome]:
    with store.begin() as connection:
        (one,) = papers.absorb(connection, [draft], now=NOW + hours * HOUR, origin=origin)
    return one.paper_id, one.what


def everything(store: Store) -> list[Paper]:
    with store.read() as connection:
        return list(papers.iterate(connection))


def names(store: Store, paper: Paper) -> set[Identifier]:
    with store.read() as connection:
        return {name for name, _ in papers.names(connection, [paper.id]) if name.scheme != "text"}


def take_apart(store: Store, paper_id: int, *chosen: int) -> list[int]:
    with store.begin() as connection:
        return split(connection, paper_id, now=NOW + 9 * HOUR, chosen=chosen)


def put_together(store: Store, one: int, other: int) -> int:
    with store.begin() as connection:
        return unify_by_decision(connection, one, other, now=NOW + 9 * HOUR)


def show(store: Store, paper: Paper, address: str = "ada@example.org") -> Reader:
    """Publish an edition with one paper for a new reader."""
    reader = subscriptions.add(store, address, now=NOW)
    with store.begin() as connection:
        editions.publish(
            connection,
            reader=readers.get(connection, reader.id),
            date=NOW.date(),
            picks=picks_of([paper]),
            now=NOW + HOUR,
            next_slot=reader.next_slot,
            message_id=None,
        )
    return reader


def wrong_link(store: Store) -> int:
    """Let a page give a ferry's arXiv address under a paper about bread, and the API the ferry."""
    url = f"https://arxiv.org/abs/{OURS.value}"
    number, _ = take(store, replace(BREAD, url=url))
    again, _ = take(store, replace(FERRIES, identifiers=(OURS,), upvotes=3), 2, API)
    assert number == again
    return number


def test_what_one_wrong_link_united_is_taken_apart_by_its_texts(store: Store) -> None:
    number = wrong_link(store)

    ids = take_apart(store, number)

    bread, ferries = everything(store)
    assert ids == [bread.id, ferries.id] == [number, ferries.id]
    assert (bread.title, bread.abstract, bread.upvotes) == (BREAD.title, BREAD.abstract, None)
    assert (ferries.title, ferries.abstract, ferries.upvotes) == (*texts(FERRIES), 3)
    assert bread.uid != ferries.uid


def texts(draft: PaperRecord) -> tuple[str, str]:
    return draft.title, draft.abstract


def test_later_dumps_with_the_same_wrong_link_respect_that(store: Store) -> None:
    number = wrong_link(store)
    take_apart(store, number)
    url = f"https://arxiv.org/abs/{OURS.value}"
    before = {one.uid: texts_of(one) for one in everything(store)}

    outcomes = [
        take(store, replace(BREAD, url=url), 10),
        take(store, replace(FERRIES, identifiers=(OURS,)), 11, API),
        take(store, replace(FERRIES, abstract=f"{FERRIES.abstract} Code is public."), 12),
    ]

    assert [what for _, what in outcomes] == [
        MatchOutcome.KNOWN, MatchOutcome.KNOWN, MatchOutcome.UPDATED
    ]  # fmt: skip
    after = everything(store)
    assert {one.uid for one in after} == before.keys()
    assert sorted(one.title for one in after) == sorted([BREAD.title, FERRIES.title])


def texts_of(paper: Paper) -> tuple[str, str]:
    return paper.title, paper.abstract


def test_thumbs_and_editions_stay_with_the_one_that_readers_saw(store: Store) -> None:
    number = wrong_link(store)  # the ferry's words came last, so they are what readers saw
    with store.read() as connection:
        paper = papers.get(connection, [number])[number]
    reader = subscriptions.add(store, "ada@example.org", now=NOW)
    with store.begin() as connection:
        votes.cast_many(connection, [Vote(reader.id, number, Thumb.UP, NOW + 5 * HOUR, "link")])

    kept, other = take_apart(store, number)

    with store.read() as connection:
        there = papers.get(connection, [kept, other])
        (vote,) = votes.of(connection, reader.id)
    assert there[kept].uid == paper.uid
    assert (there[kept].title, there[other].title) == (FERRIES.title, BREAD.title)
    assert vote.paper_id == kept


def test_readers_who_saw_it_before_the_merge_keep_what_they_saw(store: Store) -> None:
    number, _ = take(store, replace(BREAD, url=f"https://arxiv.org/abs/{OURS.value}"))
    show(store, everything(store)[0])
    take(store, replace(FERRIES, identifiers=(OURS,)), 2, API)

    kept, _ = take_apart(store, number)

    with store.read() as connection:
        assert papers.get(connection, [kept])[kept].title == BREAD.title


def test_one_record_of_many_is_taken_out_by_its_number(store: Store) -> None:
    number, _ = take(store, FERRIES)
    take(store, replace(FERRIES, identifiers=(OURS,)), 1, API)
    take(store, replace(FERRIES, abstract="", upvotes=7), 2)
    with store.begin() as connection:
        assert len(merge_log.of(connection, number)) == 3

    kept, other = take_apart(store, number, 3)

    with store.read() as connection:
        there = papers.get(connection, [kept, other])
    assert texts_of(there[kept]) == texts(FERRIES)
    assert texts_of(there[other]) == (FERRIES.title, "")
    again = take(store, replace(FERRIES, abstract="", upvotes=8), 10)
    assert again == (other, MatchOutcome.KNOWN)


def test_a_paper_of_one_record_is_not_taken_apart(store: Store) -> None:
    number, _ = take(store, FERRIES)
    take(store, FERRIES, 1)

    with pytest.raises(UsageError, match="only one known record"):
        take_apart(store, number)
    assert len(everything(store)) == 1


@pytest.mark.parametrize("chosen", [(3,), (1, 2)])
def test_records_that_are_not_there_and_all_of_them_are_refused(
    store: Store, chosen: tuple[int, ...]
) -> None:
    number = wrong_link(store)

    with pytest.raises(UsageError, match="records 1 to 2"):
        take_apart(store, number, *chosen)
    assert len(everything(store)) == 1


def test_two_papers_are_merged_and_later_dumps_by_either_name_are_that_one(store: Store) -> None:
    first, _ = take(store, replace(FERRIES, identifiers=(OURS,)))
    second, _ = take(store, replace(BREAD, identifiers=(THEIRS,), authors=("Ann", "Bo")))

    assert put_together(store, first, second) == first

    (paper,) = everything(store)
    assert (paper.id, paper.authors, names(store, paper)) == (first, ("Ann", "Bo"), {OURS, THEIRS})
    for hours, draft in ((10, replace(FERRIES, identifiers=(OURS,))), (11, BREAD)):
        assert take(store, draft, hours) == (first, MatchOutcome.KNOWN)
    reworded = PaperRecord("Why Bakers Rise", "An old question.", identifiers=(THEIRS,))
    assert take(store, reworded, 12)[0] == first


def test_the_uid_of_a_paper_that_went_leads_to_the_one_that_stays(store: Store) -> None:
    first, _ = take(store, FERRIES)
    second, _ = take(store, BREAD)
    gone = next(one.uid for one in everything(store) if one.id == second)
    put_together(store, first, second)

    with store.read() as connection:
        found = papers.by_uid(connection, gone)

    assert found is not None
    assert found.id == first


def test_thumbs_on_both_papers_become_the_later_one(store: Store) -> None:
    first, _ = take(store, FERRIES)
    second, _ = take(store, BREAD)
    ada, bo = (subscriptions.add(store, f"{n}@example.org", now=NOW) for n in ("ada", "bo"))
    with store.begin() as connection:
        votes.cast_many(
            connection,
            [
                Vote(ada.id, first, Thumb.UP, NOW + HOUR, "link"),
                Vote(ada.id, second, Thumb.DOWN, NOW + 2 * HOUR, "link"),
                Vote(bo.id, second, Thumb.UP, NOW + HOUR, "link"),
            ],
        )

    put_together(store, first, second)

    with store.read() as connection:
        told = [
            (vote.paper_id, vote.thumb)
            for one in (ada, bo)
            for vote in votes.of(connection, one.id)
        ]
    assert told == [(first, Thumb.DOWN), (first, Thumb.UP)]


def test_the_paper_that_readers_saw_alone_is_the_one_that_stays(store: Store) -> None:
    first, _ = take(store, FERRIES)
    second, _ = take(store, BREAD)
    reader = show(store, next(one for one in everything(store) if one.id == second))

    assert put_together(store, first, second) == second

    with store.read() as connection:
        (edition,) = editions.latest(connection, reader.id)
    assert [pick.paper.id for pick in edition.picks] == [second]


def test_a_merge_by_hand_is_taken_back_with_both_uids_as_they_were(store: Store) -> None:
    first, _ = take(store, replace(FERRIES, identifiers=(OURS,)))
    second, _ = take(store, replace(BREAD, identifiers=(THEIRS,)))
    before = {one.title: one.uid for one in everything(store)}
    put_together(store, first, second)

    take_apart(store, first)

    assert {one.title: one.uid for one in everything(store)} == before
    with store.read() as connection:
        (decision,) = match_decisions.iterate(connection)
    assert not decision.same


def test_a_split_is_taken_back_by_a_merge(store: Store) -> None:
    number = wrong_link(store)
    kept, other = take_apart(store, number)

    put_together(store, kept, other)

    assert len(everything(store)) == 1
    with store.read() as connection:
        (decision,) = match_decisions.iterate(connection)
    assert decision.same
    assert take(store, FERRIES, 20)[0] == take(store, BREAD, 21)[0] == kept


def test_two_papers_become_one_once_a_record_has_the_names_of_both(store: Store) -> None:
    """The page reworded it before the API told that it is the same."""
    reworded = replace(BREAD, title="Why Bakers Rise: A Thermostat for Two Hundred Ovens")
    first, _ = take(store, replace(FERRIES, identifiers=(OURS,)))
    second, _ = take(store, reworded)
    assert first != second

    number, _ = take(store, replace(reworded, identifiers=(OURS,), upvotes=2), 3, API)

    (paper,) = everything(store)
    assert (paper.id, paper.title) == (number, reworded.title)
    with store.read() as connection:
        rules = [str(one.rule) for one in merge_log.of(connection, number)]
    assert sorted(rules) == ["arxiv", "first", "shared-names"]


def test_a_decision_that_comes_late_gives_way_to_a_later_one(store: Store) -> None:
    names = ((Identifier("arxiv", "2608.01001"),), (Identifier("arxiv", "2608.01002"),))
    newer = match_decisions.MatchDecision(False, names, NOW)
    older = match_decisions.MatchDecision(True, names, NOW - timedelta(days=1))

    with store.begin() as connection:
        match_decisions.record(connection, newer)
        match_decisions.record(connection, older)
        (held,) = match_decisions.iterate(connection)

    assert (held.same, held.at) == (False, NOW)


def test_a_part_does_not_keep_an_identifier_of_another_paper_as_its_main_one(store: Store) -> None:
    page = Identifier("url", "https://journal.example/ferries")
    other = replace(FERRIES, identifiers=(page,), unverified=Unverified.ALL, text_source="source b")
    listed = replace(other, organisation="Casino", text_source="source a")
    longer = replace(other, abstract=f"{other.abstract} The captain was not asked.")
    (first, _), (second, _), (third, _) = (
        take(store, draft, hours) for hours, draft in enumerate((listed, other, longer))
    )
    assert first != second == third

    take_apart(store, second, 2)

    with store.read() as connection:
        owners = dict(papers.names(connection, [paper.id for paper in everything(store)]))
    assert [owners.get(paper.identifier) for paper in everything(store)] == [1, 2, 3]
