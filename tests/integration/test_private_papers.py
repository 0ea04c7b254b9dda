"""Papers that a reader brought: theirs to see and to learn from, and nobody else's."""

from __future__ import annotations

import json
import re
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid4, uuid5

import pytest
from sqlalchemy import func, select
from tests.browsing import NOW, place, publish

from larkpost.domain import Draft, Identifier, Pick, Thumb
from larkpost.errors import UnknownPaper
from larkpost.flows import (
    exporting,
    feedback,
    housekeeping,
    importing,
    ingest,
    learn,
    membership,
    starting,
    tasting,
)
from larkpost.flows.spaces import fresh_space
from larkpost.sources.jsonl import Jsonl
from larkpost.store import (
    archive,
    community,
    editions,
    models,
    papers,
    private_papers,
    private_upsert,
    readers,
    search,
    tables,
    votes,
)
from larkpost.store.engine import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.browsing import Place

    from larkpost.domain import Paper, Reader

NAME = Identifier("arxiv", "2401.00001")
OTHER = Identifier("doi", "10.1000/other")
BROUGHT = """
@article{one, title={Cheap pills across an ocean of noise}, eprint={2401.00001}, year=2024,
  doi={10.1000/other}, abstract={Buy whale pills at https://spam.example/buy now.}}
"""
LISTED = {"id": "arxiv:2401.00001", "title": "Whale songs", "abstract": "How whales sing."}
GUESSED = uuid5(uuid5(NAMESPACE_URL, "https://larkpost.invalid/paper"), str(NAME))


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with place(tmp_path, sqlite_url) as opened:
        bring(opened, opened.reader)
        yield opened


@pytest.fixture
def other(here: Place) -> Reader:
    return membership.add(here.program.store, None, now=NOW)


def bring(here: Place, reader: Reader, text: str = BROUGHT) -> starting.Start:
    return starting.from_references(here.program.store, reader.id, text, now=NOW)


def own(store: Store, reader: Reader) -> list[Paper]:
    with store.read() as connection:
        return private_papers.of(connection, reader.id)


def public(store: Store, name: Identifier = NAME) -> Paper | None:
    with store.read() as connection:
        return papers.by_identifier(connection, name)


def voted(store: Store, reader: Reader) -> dict[str, Thumb]:
    with store.read() as connection:
        cast = votes.of(connection, reader.id)
        found = papers.get(connection, {one.paper_id for one in cast})
    return {found[one.paper_id].title: one.thumb for one in cast}


def write(folder: Path, *lines: Mapping[str, object]) -> Path:
    file = folder / "papers.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return file


def list_it(here: Place, folder: Path, *lines: Mapping[str, object]) -> ingest.Report:
    file = write(folder, *(lines or [LISTED]))
    return ingest.ingest(here.program.store, [Jsonl()], file, now=NOW)


def test_the_bare_name_of_what_another_reader_brought_is_unknown(
    here: Place, other: Reader
) -> None:
    theirs = here.path(here.program.links.page(other))

    page = here.client.post(
        f"{theirs}/start", data={"text": "10.1000/other\nhttps://arxiv.org/abs/2401.00001"}
    ).text

    assert "No new thumb came of that" in page
    assert "doi:10.1000/other" in page  # told as unknown
    assert "Cheap pills" not in page + here.client.get(theirs).text
    assert voted(here.program.store, other) == {}


def test_the_title_of_what_another_reader_brought_makes_a_paper_of_ones_own(
    here: Place, other: Reader
) -> None:
    mine = "@misc{x, title={Cheap pills across an ocean of noise}}"

    found = bring(here, other, mine)

    assert found == starting.Start(liked=1, new=1)
    (theirs,) = own(here.program.store, other)
    (first,) = own(here.program.store, here.reader)
    assert theirs.abstract == ""
    assert theirs.id != first.id
    page = here.client.get(here.path(here.program.links.page(other))).text
    assert "spam.example" not in page


def test_two_readers_who_bring_the_same_have_two_papers(here: Place, other: Reader) -> None:
    again = BROUGHT.replace("Cheap pills", "Cheaper pills")
    (before,) = own(here.program.store, here.reader)

    found = bring(here, other, again)

    assert found == starting.Start(liked=1, new=1)  # as if nobody had brought it before
    assert own(here.program.store, here.reader) == [before]
    (theirs,) = own(here.program.store, other)
    assert theirs.title.startswith("Cheaper")


def test_what_one_brings_again_is_known_by_each_of_its_names_and_by_its_title(here: Place) -> None:
    for again in (
        BROUGHT, "10.1000/other", "2401.00001",
        "@misc{x, title={Cheap pills across an ocean of noise}}",
    ):  # fmt: skip
        assert bring(here, here.reader, again) == starting.Start(liked=0, new=0), again


def test_no_uid_of_a_private_paper_opens_a_page_nor_can_be_guessed(here: Place) -> None:
    (private,) = own(here.program.store, here.reader)
    unknown = here.client.get(f"/paper/{uuid4()}")
    text = Identifier("text", "0" * 40)

    for uid in (private.uid, str(GUESSED), str(uuid5(GUESSED, str(text)))):
        answer = here.client.get(f"/paper/{uid}")
        assert (answer.status_code, answer.text) == (404, unknown.text)
        assert here.client.get(f"/paper/{uid.upper()}").status_code == 404
    assert private.uid != str(GUESSED)


def test_nothing_that_all_readers_share_holds_a_row_of_it(here: Place) -> None:
    (private,) = own(here.program.store, here.reader)

    with here.program.store.read() as connection:
        for table in (tables.identifier, tables.sketch, tables.listing):
            found = select(func.count()).where(table.c.paper_id == private.id)
            assert connection.execute(found).scalar_one() == 0, table.name
        indexed = connection.exec_driver_sql(
            "SELECT count(*) FROM search WHERE search MATCH 'pill'"
        )
        assert indexed.scalar_one() == 0


def test_the_reader_sees_it_and_may_change_the_thumb(here: Place, me: str) -> None:
    (private,) = own(here.program.store, here.reader)

    assert "Cheap pills" in here.client.get(me).text
    thumb = {"action": "vote", "paper": str(private.id)}
    done = here.client.post(me, data=thumb | {"thumb": "clear"}).text
    assert "taken back" in done
    assert "Cheap pills" not in here.client.get(me).text
    undo = dict(re.findall(r'name="(\w+)" value="([^"]*)"', done.partition("Undo")[0]))
    assert here.client.post(me, data=undo).status_code == 200

    assert voted(here.program.store, here.reader)[private.title] is Thumb.UP


def test_another_reader_cannot_see_it_by_a_thumb_or_among_those_to_rate(
    here: Place, other: Reader
) -> None:
    (private,) = own(here.program.store, here.reader)
    theirs = here.path(here.program.links.page(other))

    answers = {
        number: here.client.post(theirs, data={"action": "vote", "paper": number, "thumb": "up"})
        for number in range(1, private.id + 2)
    }

    assert answers[private.id].status_code == 404
    assert answers[private.id].text == answers[private.id + 1].text
    assert "Cheap pills" not in here.client.get(theirs).text
    assert "Cheap pills" not in here.client.get(f"{theirs}/rate").text
    assert voted(here.program.store, other).keys() == {one.title for one in here.papers}


def test_only_the_owner_may_name_it_in_commands(here: Place, other: Reader) -> None:
    with here.program.store.read() as connection:
        assert feedback.resolve(connection, here.reader, str(OTHER)).title.startswith("Cheap")
        with pytest.raises(UnknownPaper):
            feedback.resolve(connection, other, str(OTHER))


def test_bringing_papers_costs_nobody_a_new_model(here: Place, other: Reader) -> None:
    store, ranker = here.program.store, here.program.ranker
    fresh_space(store, ranker, now=NOW)
    with store.read() as connection:
        before = models.newest_id(connection), papers.extent(connection)

    bring(here, other, "@misc{x, title={A title that nobody here has heard of}}")
    fresh_space(store, ranker, now=NOW + timedelta(minutes=1))

    with store.read() as connection:
        assert (models.newest_id(connection), papers.extent(connection)) == before
        space = models.newest_space(connection)
    assert space is not None
    assert space.papers == len(here.papers)


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
        papers.absorb(connection, [Draft(title="Birdsong dialects along urban rivers")], now=NOW)
    bring(here, other, mine)

    def ranked(reader: Reader) -> str:
        question = learn.Question(at=NOW, window=timedelta(days=7), again=True)
        ranking = learn.rank(store, here.program.ranker, [reader], question, now=NOW)[reader.id]
        return ranking.picks[0].paper.title

    assert ranked(other) == "Birdsong dialects along urban rivers"


def test_what_others_like_privately_teaches_nobody(here: Place) -> None:
    store = here.program.store
    with store.read() as connection:
        assert community.libraries(connection, least=1) == []
        assert community.shelves(connection, least=1) == community.Shelves(0, 0)
        assert community.thumbs(connection, without=0) == []
        assert votes.count(connection) == 0


def test_a_taste_is_told_on_papers_for_everybody(here: Place) -> None:
    program = here.program
    space = fresh_space(program.store, program.ranker, now=NOW)

    story = tasting.tell(program.store, program.ranker, space, here.reader, now=NOW)

    (leaning,) = story.leanings
    assert "pills" not in {one.term for one in leaning.toward}


def edition_like_it(here: Place) -> str:
    """Publish an edition whose one pick is like the private paper; returns its path."""
    (private,) = own(here.program.store, here.reader)
    day = NOW.date() + timedelta(days=1)
    pick = Pick(
        paper=here.papers[0], position=1, score=1.0, probability=0.5, because=(), against=(),
        like=private,
    )  # fmt: skip
    with here.program.store.begin() as connection:
        edition = editions.publish(
            connection, reader=readers.get(connection, here.reader.id), date=day, picks=[pick],
            now=NOW, next_slot=None, message_id="<like@example.org>",
        )  # fmt: skip
    assert edition
    return here.path(here.program.links.edition(edition))


def test_what_is_passed_on_does_not_name_it_and_the_readers_own_page_does(
    here: Place, me: str
) -> None:
    path = edition_like_it(here)
    with here.program.store.read() as connection:
        (edition,) = editions.latest(connection, here.reader.id)
    press = here.program.press
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


def test_a_dump_that_lists_it_makes_a_public_paper_of_its_own_text(
    here: Place, other: Reader, tmp_path: Path
) -> None:
    edition = edition_like_it(here)
    bring(here, other, BROUGHT.replace("Cheap", "Cheaper"))

    report = list_it(here, tmp_path)

    store, paper = here.program.store, public(here.program.store)
    assert report.new == 1
    assert paper is not None
    assert (paper.owner_id, paper.uid) == (None, str(GUESSED))
    assert (paper.title, paper.abstract) == ("Whale songs", "How whales sing.")
    assert paper.first_seen == paper.arrived == NOW
    for reader in (here.reader, other):
        assert own(store, reader) == []
        assert voted(store, reader) == {"Whale songs": Thumb.UP}
    assert "Whale songs" in here.client.get(f"/paper/{paper.uid}").text
    assert "Whale songs" in here.client.get("/search?q=whale").text
    assert "Whale songs" not in here.client.get("/search?q=pills").text
    assert "Whale songs</bdi></b>, which you liked" in here.client.get(edition).text


def test_a_dump_with_the_title_alone_makes_the_thumb_a_public_one(
    here: Place, tmp_path: Path
) -> None:
    title = "Cheap pills across an ocean of noise"

    list_it(here, tmp_path, {"title": title, "abstract": "A study of noise."})

    assert own(here.program.store, here.reader) == []
    assert voted(here.program.store, here.reader) == {title: Thumb.UP}


def test_names_that_only_the_reader_gave_it_name_no_public_paper(
    here: Place, tmp_path: Path
) -> None:
    list_it(here, tmp_path)
    whales = public(here.program.store)
    assert public(here.program.store, OTHER) is None

    list_it(here, tmp_path, {"title": "Quite another paper", "id": str(OTHER)})

    other = public(here.program.store, OTHER)
    assert other is not None
    assert other.title == "Quite another paper"
    assert public(here.program.store) == whales


def test_a_text_is_not_planted_by_a_title_that_a_dump_brings_later(
    here: Place, other: Reader, tmp_path: Path
) -> None:
    planted = "@misc{x, title={Whale songs}, abstract={Buy now.}, doi={10.1000/planted},"
    bring(here, other, f"{planted} url={{https://spam.example/}}}}")

    list_it(here, tmp_path)

    paper = public(here.program.store)
    assert paper is not None
    assert (paper.abstract, paper.url) == ("How whales sing.", None)
    assert public(here.program.store, Identifier("doi", "10.1000/planted")) is None
    page = here.client.get(f"/paper/{paper.uid}").text
    assert "Buy now" not in page
    assert "spam.example" not in page
    assert "planted" not in page


def test_a_thumb_on_the_public_paper_that_was_given_first_stays(
    here: Place, tmp_path: Path
) -> None:
    store = here.program.store
    (private,) = own(store, here.reader)
    feedback.cast(store, here.reader.id, here.papers[0].id, Thumb.DOWN, via="test", now=NOW)
    with store.begin() as connection:
        private_papers.move_to_public(connection, private.id, here.papers[0].id)

    assert voted(store, here.reader) == {here.papers[0].title: Thumb.DOWN}
    assert own(store, here.reader) == []


def test_one_who_brings_what_is_public_gives_it_a_thumb(here: Place, tmp_path: Path) -> None:
    list_it(here, tmp_path)
    newcomer = membership.add(here.program.store, None, now=NOW)

    assert bring(here, newcomer) == starting.Start(liked=1, new=0)

    assert own(here.program.store, newcomer) == []
    assert voted(here.program.store, newcomer) == {"Whale songs": Thumb.UP}


def test_an_export_holds_it_on_the_line_of_its_reader_and_an_import_restores_it(
    here: Place, other: Reader, tmp_path: Path, migrated_file: Path
) -> None:
    edition_like_it(here)
    out = tmp_path / "out"
    exporting.export(here.program.store, out)
    there = Store(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'there.db')}")

    tallies = [
        importing.take_papers(there, out / "papers.jsonl", now=NOW),
        importing.take_readers(there, out / "readers.jsonl", now=NOW),
        importing.take_votes(there, out / "votes.jsonl", now=NOW),
    ]

    assert [(one.refused, one.remarks, one.unknown_keys) for one in tallies] == [
        ([], [], set())
    ] * 3
    assert "pills" not in (out / "papers.jsonl").read_text("utf-8")
    with there.read() as connection:
        reader = readers.by_address(connection, "ada@example.org")
        (edition,) = editions.latest(connection, reader.id)
    (private,) = own(there, reader)
    assert private.title == "Cheap pills across an ocean of noise"
    assert edition.picks[0].like == private
    assert voted(there, reader) == {private.title: Thumb.UP}
    assert public(there) is None
    again = tmp_path / "again"
    exporting.export(there, again)
    for name in ("readers", "votes"):
        lines = [(folder / f"{name}.jsonl").read_text("utf-8") for folder in (out, again)]
        assert re.sub(r'"(uid|updated)": "[^"]*"', "", lines[0]) == re.sub(
            r'"(uid|updated)": "[^"]*"', "", lines[1]
        )
    there.close()


def test_each_reader_exports_their_own_alone(here: Place, me: str, other: Reader) -> None:
    theirs = here.path(here.program.links.page(other))

    assert "Cheap pills" in here.client.get(f"{me}/export.jsonl").text
    assert "Cheap pills" not in here.client.get(f"{theirs}/export.jsonl").text


def test_what_an_older_version_exported_as_brought_becomes_private_by_its_thumbs(
    here: Place, other: Reader, tmp_path: Path
) -> None:
    store = here.program.store
    old = write(tmp_path, {"id": "arxiv:2402.00002", "title": "Old pills", "guest": True})
    thumbs = tmp_path / "votes.jsonl"
    thumbs.write_text(json.dumps({"reader": other.uid, "paper": "arxiv:2402.00002", "thumb": 1}))

    first = importing.take_papers(store, old, now=NOW)
    second = importing.take_votes(store, thumbs, now=NOW, guests=first.guests)

    assert (first.taken, first.refused, second.taken, second.refused) == (1, [], 1, [])
    assert [one.title for one in own(store, other)] == ["Old pills"]
    assert public(store, Identifier("arxiv", "2402.00002")) is None


def test_an_export_read_as_a_dump_makes_nothing_public_that_a_reader_brought(
    here: Place, tmp_path: Path
) -> None:
    report = list_it(here, tmp_path, LISTED, LISTED | {"id": "doi:10.1000/x", "guest": True,
                                                       "title": "Old pills"})  # fmt: skip

    assert report.papers == 1
    assert any("privately" in warning for warning in report.warnings)
    assert public(here.program.store, Identifier("doi", "10.1000/x")) is None


def test_what_lost_its_thumb_goes_after_a_week(here: Place) -> None:
    store = here.program.store
    (private,) = own(store, here.reader)
    feedback.cast(store, here.reader.id, private.id, None, via="test", now=NOW + timedelta(days=30))

    housekeeping.clean_up(store, now=NOW + timedelta(days=36))
    assert own(store, here.reader) != []
    housekeeping.clean_up(store, now=NOW + timedelta(days=38))

    assert own(store, here.reader) == []


def test_what_has_a_thumb_stays(here: Place) -> None:
    housekeeping.clean_up(here.program.store, now=NOW + timedelta(days=400))

    assert len(own(here.program.store, here.reader)) == 1


def test_it_goes_with_its_reader(here: Place, other: Reader) -> None:
    store = here.program.store
    edition_like_it(here)
    bring(here, other)

    membership.remove(store, here.reader.id)

    with store.read() as connection:
        left = connection.execute(
            select(tables.paper.c.owner_id).where(tables.paper.c.owner_id.is_not(None))
        )
        assert left.scalars().all() == [other.id]
        names = connection.execute(select(tables.private_identifier.c.owner_id)).scalars().all()
        assert set(names) == {other.id}


def test_no_list_of_papers_holds_it(store: Store) -> None:
    seen = NOW - timedelta(days=3)
    with store.begin() as connection:
        papers.absorb(connection, [Draft(title="Birds", first_seen=seen)], now=NOW)
    reader = membership.add(store, "ada@example.org", now=NOW)
    starting.from_references(store, reader.id, BROUGHT, now=NOW)

    with store.read() as connection:
        assert papers.count(connection) == papers.extent(connection).count == 1
        assert [one.title for one in papers.corpus(connection)] == ["Birds"]
        assert [one.title for one in papers.iterate(connection)] == ["Birds"]
        assert archive.latest(connection) == archive.before(connection, NOW.date()) == seen.date()
        assert archive.after(connection, seen.date()) is None
        assert archive.per_day(connection) == {seen.date(): 1}
        assert papers.search(connection, "pills") == []
        assert search.find(connection, search.parse(""), limit=9).total == 1
        week = timedelta(days=7)
        (hot,) = community.trending(connection, at=NOW, window=week, limit=9)
        assert hot.paper.title == "Birds"
        assert papers.count_candidates(connection, at=NOW, window=week) == 1


def test_thumbs_move_and_readers_go_on_both_databases(store: Store) -> None:
    ada = membership.add(store, "ada@example.org", now=NOW)
    emmy = membership.add(store, "emmy@example.org", now=NOW)
    for reader in (ada, emmy):
        starting.from_references(store, reader.id, BROUGHT, now=NOW)
        starting.from_references(
            store, reader.id, "@a{x, title={Quiet rooms of one's own}}", now=NOW
        )
    publish_like(store, ada)

    with store.begin() as connection:
        papers.absorb(connection, [Draft(title="Whale songs", identifiers=(NAME,))], now=NOW)
    assert (
        {*voted(store, ada)} == {*voted(store, emmy)} == {"Whale songs", "Quiet rooms of one's own"}
    )
    membership.remove(store, ada.id)

    assert own(store, ada) == []
    assert len(own(store, emmy)) == 1


def publish_like(store: Store, reader: Reader) -> None:
    """Publish an edition whose second pick is like a private paper of the reader."""
    shown, _ = publish(store, reader, 2)
    private = own(store, reader)[-1]
    with store.begin() as connection:
        connection.execute(
            tables.pick.update()
            .where(tables.pick.c.paper_id == shown[1].id)
            .values(like_id=private.id)
        )


def test_a_paper_whose_every_name_is_that_of_another_is_taken_in_all_the_same(
    here: Place, other: Reader
) -> None:
    store = here.program.store
    one, two = Identifier("doi", "10.1000/one"), Identifier("doi", "10.1000/two")
    first, second = Identifier("pmid", "1"), Identifier("pmid", "2")
    title = "A title that three papers of one series share, word for word"
    drafts = [
        Draft(title="Otters of the northern coast", identifiers=(one, first)),
        Draft(title=title, identifiers=(two, second)),
        Draft(title=title, identifiers=(one, second)),
    ]

    with store.begin() as connection:
        made = private_upsert.bring(connection, other.id, drafts, now=NOW)

    assert len({absorbed.paper_id for absorbed in made}) == 3
