"""A reader whose liked papers fall into two groups is offered an interest for the second."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.web.site_client import NOW

from larkpost.db import papers, readers, votes
from larkpost.domain import Identifier, PaperRecord, Thumb, Vote
from larkpost.editions import second_interest
from larkpost.editions.model_cache import fresh_space
from larkpost.editions.training_evidence import evidence
from larkpost.errors import UsageError
from larkpost.readers import interests
from larkpost.readers.taste_summary import summarize

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place

    from larkpost.domain import Reader
    from larkpost.editions.second_interest import Offer

BIRDS = ("birdsong", "plumage", "migration", "nests", "feathers", "fledglings")
STONES = ("granite", "basalt", "magma", "quartz", "feldspar", "obsidian")
SYLLABLES = ("ka", "lo", "mi", "ru", "te", "shi", "no", "va")


def about(words: tuple[str, ...], number: int, name: str) -> PaperRecord:
    some = [words[(number + at) % len(words)] for at in range(4)]
    return PaperRecord(
        title=f"On {some[0]} and {some[1]}, part {number}",
        abstract=f"A study of {' '.join(some)} in place {number * 7}{name}.",
        identifiers=(Identifier("arxiv", f"{name}.{number:05}"),),
        first_seen=NOW - timedelta(days=40),
    )


def other(number: int) -> PaperRecord:
    words = [
        "".join(SYLLABLES[(number * k + j * j + k) % 8] for j in range(4)) for k in range(1, 9)
    ]
    return PaperRecord(
        title=f"{words[0]} with {words[1]} and {words[2]} {number}",
        abstract=f"We show {' '.join(words)} by method {number * 31}.",
        identifiers=(Identifier("arxiv", f"2604.{number:05}"),),
        first_seen=NOW - timedelta(days=90),
    )


def like(here: Place, birds: int, stones: int) -> tuple[list[int], list[int]]:
    """Let the reader like so many papers of each group, in turn; returns their ids."""
    with here.program.store.begin() as connection:
        drafts = [other(number) for number in range(80)]
        papers.absorb(connection, drafts, now=NOW)
        made = [
            [one.paper_id for one in papers.absorb(connection, drafts, now=NOW)]
            for drafts in (
                [about(BIRDS, n, "2605") for n in range(birds)],
                [about(STONES, n, "2606") for n in range(stones)],
            )
        ]
        cast = [
            Vote(here.reader.id, one, Thumb.UP, NOW - timedelta(days=20 - at), "test")
            for ids in made
            for at, one in enumerate(ids)
        ]
        votes.cast_many(connection, cast)
    here.fit()
    return made[0], made[1]


def offer(here: Place, at: datetime = NOW) -> Offer | None:
    program = here.program
    space = fresh_space(program.store, program.ranker, now=NOW)
    return summarize(program.store, program.ranker, space, here.current(), now=at).offer


def counting(here: Place, reader: Reader) -> dict[str, set[int]]:
    """Return the papers whose thumbs count for each interest, by its name."""
    with here.program.store.read() as connection:
        asked = evidence(connection, [reader], now=NOW)
    names = {one.id: one.name for one in reader.interests}
    return {names[one.interest_id]: {paper.id for paper in one.papers} for one in asked}


def buttons(page: str) -> dict[str, dict[str, str]]:
    """Return the hidden fields of each form of a page, by its action."""
    found = {}
    for form in re.findall(r"<form.*?</form>", page, re.DOTALL):
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
        found[fields.get("action", "")] = fields
    return found


def test_the_smaller_group_is_offered_with_its_own_words(here: Place) -> None:
    _, stones = like(here, 9, 6)

    found = offer(here)

    assert found is not None
    assert [paper.id for paper in found.papers] == stones
    assert set(found.words) <= set(STONES)
    assert set(found.others) <= set(BIRDS)
    assert found.interest == "main"
    assert found.name == ", ".join(found.words[:2])


def test_who_likes_one_thing_is_offered_nothing(here: Place, me: str) -> None:
    like(here, 12, 3)

    assert offer(here) is None
    assert "Two interests in one?" not in here.client.get(f"{me}/taste").text


def test_one_click_makes_the_interest_and_one_undoes_it(here: Place, me: str) -> None:
    birds, stones = like(here, 9, 6)
    before = counting(here, here.current())
    page = here.client.get(f"{me}/taste").text

    made = here.client.post(me, data=buttons(page)["split"])

    assert "is a separate interest now" in made.text
    assert len(here.current().interests) == 2
    new = here.current().interests[1]
    assert set(new.words) <= set(STONES)
    assert counting(here, here.current()) == {"main": set(birds), new.name: set(stones)}
    assert offer(here) is None

    undone = here.client.post(me, data=buttons(made.text)["rejoin"])

    assert "its thumbs count as before" in here.client.get(undone.headers["location"]).text
    assert counting(here, here.current()) == before
    assert offer(here) is not None


def test_an_offer_that_is_declined_does_not_come_back_for_half_a_year(here: Place, me: str) -> None:
    like(here, 9, 6)
    page = here.client.get(f"{me}/taste").text

    declined = here.client.post(me, data=buttons(page)["decline"])

    assert "not be asked again" in declined.text
    assert "Two interests in one?" not in here.client.get(f"{me}/taste").text
    assert offer(here, NOW + timedelta(days=179)) is None
    assert offer(here, NOW + timedelta(days=181)) is not None
    here.client.post(me, data=buttons(declined.text)["allow"])
    assert "Two interests in one?" in here.client.get(f"{me}/taste").text


def test_an_edition_tells_of_the_offer_on_one_day_of_the_week_without_a_word_of_a_paper(
    here: Place,
) -> None:
    like(here, 9, 6)
    reader = here.current()
    program = here.program
    space = fresh_space(program.store, program.ranker, now=NOW)
    with program.store.read() as connection:
        asked = evidence(connection, [reader], now=NOW)

    def notes(who: Reader) -> list[str]:
        week = [NOW + timedelta(days=n) for n in range(7)]
        return [second_interest.note(space, who, asked, now=day) for day in week]

    assert sorted(notes(reader)) == [""] * 6 + [second_interest.NOTE]
    assert set(notes(replace(reader, offer_declined=NOW))) == {""}
    weekly = replace(reader, weekly=True, weekdays=frozenset({2, 4}))
    (day,) = [n for n, told in enumerate(notes(weekly)) if told]
    assert (NOW + timedelta(days=day)).weekday() == 2
    assert not any(word in second_interest.NOTE for word in (*BIRDS, *STONES))


def test_what_cannot_be_made_or_undone_changes_nothing(here: Place) -> None:
    _, stones = like(here, 9, 6)
    store, who = here.program.store, here.reader.id
    before = counting(here, here.current())

    def accept(interest: str, name: str) -> None:
        second_interest.accept(
            store, who, interest=interest, name=name, words=["x"], paper_ids=stones
        )

    for interest, name in (("none", "new"), ("main", "main"), ("main", " ")):
        with pytest.raises(UsageError):
            accept(interest, name)
    with pytest.raises(UsageError):
        second_interest.undo(store, who, name="main", into="main")
    assert counting(here, here.current()) == before


def test_thumbs_of_other_interests_and_papers_without_one_are_not_moved(here: Place) -> None:
    birds, stones = like(here, 9, 6)
    store, who = here.program.store, here.reader.id
    interests.set_interest(store, who, "kept")
    with store.begin() as connection:
        kept = readers.get(connection, who).interests[1].id
        votes.move(connection, who, stones[:1], kept)

    second_interest.accept(
        store, who, interest="main", name="new", words=["granite"], paper_ids=[*stones, 10**9]
    )

    assert counting(here, here.current()) == {
        "main": set(birds),
        "kept": set(stones[:1]),
        "new": set(stones[1:]),
    }


def test_a_declined_offer_moves_to_another_home(here: Place) -> None:
    second_interest.decline(here.program.store, here.reader.id, now=NOW)

    from larkpost.portability.records import reader_line

    assert here.current().offer_declined == datetime(2026, 8, 7, 10, tzinfo=UTC)
    assert reader_line(here.current())["offer_declined"] == "2026-08-07T10:00:00Z"
