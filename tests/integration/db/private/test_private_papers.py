"""Private papers: only their reader sees them and is trained on them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4, uuid5

import pytest
from sqlalchemy import func, select
from tests.helpers.factories import search_papers
from tests.helpers.private_lists import (
    BROUGHT,
    GUESSED,
    OTHER,
    bring,
    edition_like_it,
    read_private,
    read_thumbs,
)
from tests.helpers.web.site_client import NOW, place

from larkpost.db import editions, fitted_models, papers, popularity, public_archive, schema, votes
from larkpost.db.private import private_papers
from larkpost.db.search import find
from larkpost.domain import Identifier, PaperRecord, Thumb
from larkpost.editions import recommend
from larkpost.editions.model_cache import fresh_space
from larkpost.errors import UnknownPaper
from larkpost.readers import onboarding, record_votes, subscriptions
from larkpost.readers.taste_summary import summarize

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.web.site_client import Place

    from larkpost.db.engine import Store
    from larkpost.domain import Reader


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with place(tmp_path, sqlite_url) as opened:
        bring(opened, opened.reader)
        yield opened


@pytest.fixture
def other(here: Place) -> Reader:
    return subscriptions.add(here.program.store, None, now=NOW)


def test_the_bare_name_of_what_another_reader_brought_is_unknown(
    here: Place, other: Reader
) -> None:
    theirs = here.path(here.program.links.page(other))

    page = here.client.post(
        f"{theirs}/start", data={"text": "10.1000/other\nhttps://arxiv.org/abs/2401.00001"}
    ).text

    assert "No new thumbs were added" in page
    assert "doi:10.1000/other" in page  # told as unknown
    assert "Cheap pills" not in page + here.client.get(theirs).text
    assert read_thumbs(here.program.store, other) == {}


def test_the_title_of_what_another_reader_brought_makes_a_paper_of_ones_own(
    here: Place, other: Reader
) -> None:
    mine = "@misc{x, title={Cheap pills across an ocean of noise}}"

    found = bring(here, other, mine)

    assert found == onboarding.OnboardingResult(liked=1, new=1)
    (theirs,) = read_private(here.program.store, other)
    (first,) = read_private(here.program.store, here.reader)
    assert theirs.abstract == ""
    assert theirs.id != first.id
    page = here.client.get(here.path(here.program.links.page(other))).text
    assert "spam.example" not in page


def test_two_readers_who_bring_the_same_have_two_papers(here: Place, other: Reader) -> None:
    again = BROUGHT.replace("Cheap pills", "Cheaper pills")
    (before,) = read_private(here.program.store, here.reader)

    found = bring(here, other, again)

    assert found == onboarding.OnboardingResult(
        liked=1, new=1
    )  # as if nobody had brought it before
    assert read_private(here.program.store, here.reader) == [before]
    (theirs,) = read_private(here.program.store, other)
    assert theirs.title.startswith("Cheaper")


def test_what_one_brings_again_is_known_by_each_of_its_names_and_by_its_title(here: Place) -> None:
    for again in (
        BROUGHT, "10.1000/other", "2401.00001",
        "@misc{x, title={Cheap pills across an ocean of noise}}",
    ):  # fmt: skip
        assert bring(here, here.reader, again) == onboarding.OnboardingResult(liked=0, new=0), again


def test_no_uid_of_a_private_paper_opens_a_page_nor_can_be_guessed(here: Place) -> None:
    (private,) = read_private(here.program.store, here.reader)
    unknown = here.client.get(f"/paper/{uuid4()}")
    text = Identifier("text", "0" * 40)

    for uid in (private.uid, str(GUESSED), str(uuid5(GUESSED, str(text)))):
        answer = here.client.get(f"/paper/{uid}")
        assert (answer.status_code, answer.text) == (404, unknown.text)
        assert here.client.get(f"/paper/{uid.upper()}").status_code == 404
    assert private.uid != str(GUESSED)


def test_nothing_that_all_readers_share_holds_a_row_of_it(here: Place) -> None:
    (private,) = read_private(here.program.store, here.reader)

    with here.program.store.read() as connection:
        for table in (schema.identifier, schema.minhash, schema.dump_paper):
            found = select(func.count()).where(table.c.paper_id == private.id)
            assert connection.execute(found).scalar_one() == 0, table.name
        indexed = connection.exec_driver_sql(
            "SELECT count(*) FROM search WHERE search MATCH 'pill'"
        )
        assert indexed.scalar_one() == 0


def test_the_reader_sees_it_and_may_change_the_thumb(here: Place, me: str) -> None:
    (private,) = read_private(here.program.store, here.reader)

    assert "Cheap pills" in here.client.get(me).text
    thumb = {"action": "vote", "paper": str(private.id)}
    done = here.client.post(me, data=thumb | {"thumb": "clear"}).text
    assert "no thumb from you now" in done
    assert "Cheap pills" not in here.client.get(me).text
    before_the_button = done.partition("Undone.")[2].partition("Undo")[0]
    undo = dict(re.findall(r'name="(\w+)" value="([^"]*)"', before_the_button))
    assert here.client.post(me, data=undo).status_code == 200

    assert read_thumbs(here.program.store, here.reader)[private.title] is Thumb.UP


def test_another_reader_cannot_see_it_by_a_thumb_or_among_those_to_rate(
    here: Place, other: Reader
) -> None:
    (private,) = read_private(here.program.store, here.reader)
    theirs = here.path(here.program.links.page(other))

    answers = {
        number: here.client.post(theirs, data={"action": "vote", "paper": number, "thumb": "up"})
        for number in range(1, private.id + 2)
    }

    assert answers[private.id].status_code == 404
    assert answers[private.id].text == answers[private.id + 1].text
    assert "Cheap pills" not in here.client.get(theirs).text
    assert "Cheap pills" not in here.client.get(f"{theirs}/rate").text
    assert read_thumbs(here.program.store, other).keys() == {one.title for one in here.papers}


def test_only_the_owner_may_name_it_in_commands(here: Place, other: Reader) -> None:
    with here.program.store.read() as connection:
        assert record_votes.resolve(connection, here.reader, str(OTHER)).title.startswith("Cheap")
        with pytest.raises(UnknownPaper):
            record_votes.resolve(connection, other, str(OTHER))


def test_bringing_papers_costs_nobody_a_new_model(here: Place, other: Reader) -> None:
    store, ranker = here.program.store, here.program.ranker
    fresh_space(store, ranker, now=NOW)
    with store.read() as connection:
        before = fitted_models.newest_id(connection), papers.extent(connection)

    bring(here, other, "@misc{x, title={A title that nobody here has heard of}}")
    fresh_space(store, ranker, now=NOW + timedelta(minutes=1))

    with store.read() as connection:
        assert (fitted_models.newest_id(connection), papers.extent(connection)) == before
        space = fitted_models.newest_model(connection)
    assert space is not None
    assert space.paper_count == len(here.papers)


def test_no_word_of_it_is_in_the_model_that_all_share(here: Place) -> None:
    space = fresh_space(here.program.store, here.program.ranker, now=NOW)

    assert not {"pills", "pill", "spam"} & set(vars_of(space))


def vars_of(space: object) -> list[str]:
    from larkpost.ranking import TextSpace

    assert isinstance(space, TextSpace)
    return list(space.vocabulary)


def test_the_taste_of_its_owner_learns_from_it(here: Place, other: Reader) -> None:
    mine = "@misc{x, title={Birdsong along rivers}, abstract={Dialects of birdsong, urban rivers.}}"
    store = here.program.store
    with store.begin() as connection:
        papers.absorb(
            connection, [PaperRecord(title="Birdsong dialects along urban rivers")], now=NOW
        )
    bring(here, other, mine)

    def ranked(reader: Reader) -> str:
        question = recommend.RankingRequest(at=NOW, window=timedelta(days=7), again=True)
        ranking = recommend.rank(store, here.program.ranker, [reader], question, now=NOW)[reader.id]
        return ranking.picks[0].paper.title

    assert ranked(other) == "Birdsong dialects along urban rivers"


def test_what_others_like_privately_teaches_nobody(here: Place) -> None:
    store = here.program.store
    with store.read() as connection:
        assert popularity.libraries(connection, least=1, at=NOW) == []
        assert popularity.common_tastes(connection, least=1, at=NOW) == popularity.CommonTastes(
            0, 0
        )
        assert popularity.thumbs(connection, without=0) == []
        assert votes.count(connection) == 0


def test_a_taste_is_reported_on_papers_for_everybody(here: Place) -> None:
    program = here.program
    space = fresh_space(program.store, program.ranker, now=NOW)

    story = summarize(program.store, program.ranker, space, here.reader, now=NOW)

    (leaning,) = story.leanings
    assert "pills" not in {one.term for one in leaning.toward}


def test_what_is_passed_on_does_not_name_it_and_the_readers_own_page_does(
    here: Place, me: str
) -> None:
    path = edition_like_it(here)
    with here.program.store.read() as connection:
        (edition,) = editions.latest(connection, here.reader.id)
    press = here.program.renderer
    passed_on = [
        here.client.get(path).text,
        here.client.get(f"{here.path(here.program.links.ballot(edition))}/1/up").text,
        here.client.get(f"/feed/{here.reader.feed_key}.atom").text,
        here.client.get(f"/feed/{here.reader.feed_key}.json").text,
        press.html(edition),
        press.text(edition),
    ]

    for text in passed_on:
        assert "Cheap pills" not in text
        assert "ike a paper on your own list" in text
    assert "Cheap pills</bdi></b>, which you liked" in here.client.get(me).text.replace(
        " across an ocean of noise", ""
    )


def test_it_goes_a_week_after_its_thumb_was_taken_back_with_all_others(here: Place) -> None:
    store, cleared = here.program.store, NOW + timedelta(days=30)
    record_votes.roll_back(store, here.reader.id, now=cleared)

    with store.begin() as connection:
        assert private_papers.prune(connection, cleared + timedelta(days=7)) == 0
        later = cleared + timedelta(days=7, seconds=1)
        assert private_papers.prune(connection, later) == 1


def test_no_list_of_papers_holds_it(store: Store) -> None:
    seen = NOW - timedelta(days=3)
    with store.begin() as connection:
        papers.absorb(connection, [PaperRecord(title="Birds", first_seen=seen)], now=NOW)
    reader = subscriptions.add(store, "ada@example.org", now=NOW)
    onboarding.from_references(store, reader.id, BROUGHT, now=NOW)

    with store.read() as connection:
        assert papers.count(connection) == papers.extent(connection).count == 1
        assert [one.title for one in papers.corpus(connection)] == ["Birds"]
        assert [one.title for one in papers.iterate(connection)] == ["Birds"]
        assert (
            public_archive.latest(connection)
            == public_archive.before(connection, NOW.date())
            == seen.date()
        )
        assert public_archive.after(connection, seen.date()) is None
        assert public_archive.per_day(connection) == {seen.date(): 1}
        assert search_papers(connection, "pills") == []
        assert find.find(connection, find.parse(""), limit=9).total == 1
        week = timedelta(days=7)
        (hot,) = popularity.trending(connection, at=NOW, window=week, limit=9)
        assert hot.paper.title == "Birds"
        assert papers.count_candidates(connection, at=NOW, window=week) == 1
