"""Papers that only readers brought: theirs to see, and nobody else's until a dump lists them."""

from __future__ import annotations

import json
import re
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from tests.browsing import NOW, place
from tests.older import left_at

from larkpost.domain import Draft, Identifier, Thumb
from larkpost.flows import exporting, importing, ingest, membership, starting, tasting
from larkpost.flows.spaces import fresh_space
from larkpost.sources.jsonl import Jsonl
from larkpost.store import archive, community, migrations, papers, votes
from larkpost.store.engine import Store
from larkpost.store.papers import What

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.browsing import Place

    from larkpost.domain import Paper

NAME = Identifier("arxiv", "2401.00001")
OTHER = Identifier("doi", "10.1000/other")
BROUGHT = """
@article{one, title={Cheap pills across an ocean of noise}, eprint={2401.00001}, year=2024,
  doi={10.1000/other}, abstract={Buy whale pills at https://spam.example/buy now.}}
"""
LISTED = {"id": "arxiv:2401.00001", "title": "Whale songs", "abstract": "How whales sing."}


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with place(tmp_path, sqlite_url) as opened:
        starting.from_references(opened.program.store, opened.reader.id, BROUGHT, now=NOW)
        yield opened


def brought(store: Store) -> Paper:
    with store.read() as connection:
        found = papers.by_identifier(connection, NAME)
    assert found
    return found


def write(folder: Path, *lines: Mapping[str, object]) -> Path:
    file = folder / "papers.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return file


def list_it(here: Place, folder: Path) -> ingest.Report:
    file = write(folder, LISTED)
    return ingest.ingest(here.program.store, [Jsonl()], file, now=NOW)


def test_nobody_else_finds_what_a_reader_brought(here: Place) -> None:
    paper = brought(here.program.store)
    here.clock.now = NOW + timedelta(minutes=1)
    month, day = f"{paper.first_seen:%Y-%m}", f"{paper.first_seen:%Y-%m-%d}"
    fresh_space(here.program.store, here.program.ranker, now=NOW)
    places = [
        "/", "/archive", f"/archive/{month}", f"/archive/{day}", "/archive.rss", "/archive.json",
        "/trending.atom", "/search?q=pills", "/search.json?q=pills", "/search.rss?q=ocean",
        "/search?q=from:2020-01-01", *(f"/paper/{one.uid}" for one in here.papers),
    ]  # fmt: skip

    for path in places:
        answer = here.client.get(path)
        assert answer.status_code == 200, path
        assert "Cheap pills" not in answer.text, path
        assert paper.uid not in answer.text, path
    assert here.client.get(f"/paper/{paper.uid}").status_code == 404
    assert here.client.get("/search?q=arxiv:2401.00001").status_code == 200
    assert month not in here.client.get("/archive").text


def test_the_reader_sees_it_and_may_change_the_thumb(here: Place, me: str) -> None:
    paper = brought(here.program.store)

    assert "Cheap pills" in here.client.get(me).text
    thumb = {"action": "vote", "paper": str(paper.id)}
    done = here.client.post(me, data=thumb | {"thumb": "clear"}).text
    assert "taken back" in done
    undo = dict(re.findall(r'name="(\w+)" value="([^"]*)"', done.partition("Undo")[0]))
    assert here.client.post(me, data=undo).status_code == 200

    with here.program.store.read() as connection:
        vote = votes.one(connection, here.reader.id, paper.id)
    assert vote is not None
    assert vote.thumb is Thumb.UP


def test_another_reader_cannot_see_it_by_a_thumb_or_among_those_to_rate(here: Place) -> None:
    paper = brought(here.program.store)
    other = membership.add(here.program.store, None, now=NOW)
    theirs = here.path(here.program.links.page(other))

    for number in range(1, paper.id + 2):
        here.client.post(theirs, data={"action": "vote", "paper": number, "thumb": "up"})

    assert "Cheap pills" not in here.client.get(theirs).text
    assert "Cheap pills" not in here.client.get(f"{theirs}/rate").text
    with here.program.store.read() as connection:
        assert {one.paper_id for one in votes.of(connection, other.id)} == {
            one.id for one in here.papers
        }


def test_a_taste_is_told_on_papers_for_everybody(here: Place, me: str) -> None:
    program = here.program
    space = fresh_space(program.store, program.ranker, now=NOW)

    story = tasting.tell(program.store, program.ranker, space, here.reader, now=NOW)

    (leaning,) = story.leanings
    assert "pills" not in {one.term for one in leaning.toward}


def test_a_dump_that_lists_it_tells_all_of_it(here: Place, me: str, tmp_path: Path) -> None:
    before = brought(here.program.store)

    report = list_it(here, tmp_path)

    assert report.new == 1
    paper = brought(here.program.store)
    assert (paper.id, paper.uid, paper.guest) == (before.id, before.uid, False)
    assert (paper.title, paper.abstract) == ("Whale songs", "How whales sing.")
    assert paper.first_seen == paper.arrived == NOW
    assert "Whale songs" in here.client.get(f"/paper/{paper.uid}").text
    assert "Whale songs" in here.client.get("/search?q=whale").text
    assert "Whale songs" not in here.client.get("/search?q=pills").text
    assert "Whale songs" in here.client.get(me).text


def test_names_that_only_the_reader_gave_it_are_free_again(here: Place, tmp_path: Path) -> None:
    list_it(here, tmp_path)
    whales = brought(here.program.store)

    with here.program.store.begin() as connection:
        drafts = [Draft(title="Quite another paper", identifiers=(OTHER,))]
        (other,) = papers.absorb(connection, drafts, now=NOW)

    assert other.what is What.NEW
    assert brought(here.program.store) == whales


def test_what_is_imported_is_for_everybody(here: Place, tmp_path: Path) -> None:
    lines = LISTED | {"id": "arxiv:2402.00002", "title": "Imported birds"}

    importing.take_papers(here.program.store, write(tmp_path, LISTED, lines), now=NOW)

    assert not brought(here.program.store).guest
    assert "Imported birds" in here.client.get("/search?q=birds").text
    assert "Whale songs" in here.client.get("/archive.rss").text


def test_an_export_keeps_the_secret(here: Place, tmp_path: Path, migrated_file: Path) -> None:
    exporting.export(here.program.store, tmp_path / "out")
    there = Store(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'there.db')}")

    importing.take_papers(there, tmp_path / "out" / "papers.jsonl", now=NOW)

    assert brought(there).guest
    there.close()


def test_no_list_of_papers_holds_guests_unless_it_is_asked_for_them(store: Store) -> None:
    seen = NOW - timedelta(days=3)
    guest = Draft(title="Cheap pills", identifiers=(NAME,), first_seen=NOW, guest=True)
    with store.begin() as connection:
        papers.absorb(connection, [guest, Draft(title="Birds", first_seen=seen)], now=NOW)

    with store.read() as connection:
        assert papers.count(connection) == 1
        assert papers.extent(connection).count == 2
        assert [one.title for one in papers.corpus(connection)] == ["Birds"]
        assert len(papers.corpus(connection, guests=True)) == 2
        assert archive.latest(connection) == archive.before(connection, NOW.date()) == seen.date()
        assert archive.after(connection, seen.date()) is None
        assert archive.per_day(connection) == {seen.date(): 1}
        assert papers.search(connection, "pills") == []
        week = timedelta(days=7)
        (hot,) = community.trending(connection, at=NOW, window=week, limit=9)
        assert hot.paper.title == "Birds"
        assert papers.count_candidates(connection, at=NOW, window=week) == 1


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a store of before guests were told apart; once on each kind of database."""
    with left_at("0003", request, tmp_path) as store:
        yield store


def test_a_migration_tells_apart_what_readers_brought(old: Store) -> None:
    rows = [  # id, arrived, in a dump, has a thumb by import
        (1, "2026-08-07", True, True),
        (2, "2024-01-01", False, True),  # brought
        (3, "2026-08-07", False, True),  # imported: seen at one time, read at another
        (4, "2024-01-01", False, False),
    ]
    with old.begin() as connection:
        connection.execute(text(READER))
        connection.execute(text(DUMP))
        for number, arrived, listed, liked in rows:
            connection.execute(
                text(PAPER),
                {"id": number, "uid": str(number), "arrived": f"{arrived} 00:00:00.000000"},
            )
            if listed:
                connection.execute(text(LISTING), {"id": number})
            if liked:
                connection.execute(text(VOTE), {"id": number})

    migrations.upgrade(old)

    with old.read() as connection:
        assert [one.id for one in papers.iterate(connection) if one.guest] == [2]


READER = (
    "INSERT INTO reader (id, uid, name, status, zone, at, days, size, threshold, weekly, feed_key,"
    " created) VALUES (1, 'u', '', 'active', 'UTC', '06:00:00.000000', 127, 10, 0, FALSE, 'k',"
    " '2026-08-07 00:00:00.000000')"
)
DUMP = (
    "INSERT INTO dump (id, digest, name, source, read_at, papers, new, updated, rejected)"
    " VALUES (1, 'd', 'd', 'jsonl', '2026-08-07 00:00:00.000000', 1, 1, 0, 0)"
)
PAPER = (
    "INSERT INTO paper (id, uid, scheme, value, title, abstract, authors, categories,"
    " first_seen, arrived, updated, title_key) VALUES (:id, :uid, 'arxiv', :uid, 'T', '', '[]',"
    " '[]', '2024-01-01 00:00:00.000000', :arrived, '2024-01-01 00:00:00.000000', :uid)"
)
LISTING = "INSERT INTO listing (dump_id, position, paper_id) VALUES (1, :id, :id)"
VOTE = (
    "INSERT INTO vote (reader_id, paper_id, thumb, via, at)"
    " VALUES (1, :id, 1, 'import', '2026-08-07 00:00:00.000000')"
)


def test_bringing_what_was_brought_before_changes_nothing(here: Place) -> None:
    before = brought(here.program.store)
    other = membership.add(here.program.store, None, now=NOW)
    again = BROUGHT.replace("Cheap pills", "Cheaper pills")

    found = starting.from_references(here.program.store, other.id, again, now=NOW)

    assert found == starting.Start(liked=1, new=0)
    assert brought(here.program.store) == before
