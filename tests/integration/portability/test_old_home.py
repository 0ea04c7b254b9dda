"""Tests that a home and an export from before tables were renamed lose nothing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient
from tests.helpers import homes
from tests.helpers.homes import BASE, BEFORE_0019

from larkpost.db import editions, fitted_models, papers, read_dumps, readers, votes
from larkpost.db.coordination import job_status
from larkpost.db.private import private_papers
from larkpost.db.search import find, query
from larkpost.db.usage import forgotten_votes
from larkpost.domain import Status, TermWeight, Thumb
from larkpost.portability.exporter import about, export
from larkpost.portability.importer import take_papers, take_readers, take_votes
from larkpost.web import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from larkpost.bootstrap import Program
    from larkpost.domain import Reader

LATER = datetime(2026, 8, 9, 10, 0, tzinfo=UTC)
ADA = "ada@example.org"
# Tables and columns as they were, with the name of today where that is another one.
MOVED = {
    "space>tfidf_model": "id made_at>fitted_at papers>paper_count newest>corpus_updated_at body",
    "sketch>minhash": "paper_id hash",
    "listing>dump_paper": "dump_id position paper_id",
    "reject>rejected_record": "id dump_id line reason text",
    "attempt>rate_limit": "key full_at",
    "dump": "id digest name source>format captured read_at papers new updated rejected",
    "paper": "id uid arrived>ingested_at first_seen updated owner_id title abstract",
    "reader": "id uid at>send_time days>weekday_mask size>papers_per_edition next_slot feed_key"
    " relinked>page_link_version quiet_mail>notify_when_empty merged_into",
    "interest": "id reader_id name words quota",
    "vote": "reader_id paper_id thumb interest_id via>source at counts_from",
    "forgotten_vote": "reader_id paper_id thumb interest_id via>source at forgotten_at",
    "edition": "id reader_id date published_at since>catch_up_from note considered>candidate_count",
    "pick": "edition_id position paper_id score propensity because>positive_terms"
    " against>negative_terms like_id>similar_paper_id likeness>similarity terms>shown_terms"
    " interest_id pool",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Make the home as the older version left it."""
    folder = tmp_path / "home"
    homes.write_key(folder)
    homes.write_old_database(folder / "larkpost.db")
    return folder


@pytest.fixture
def migrated(home: Path) -> Iterator[Program]:
    """Open the program of today on the old home."""
    with homes.opened(home, f"sqlite:///{home / 'larkpost.db'}") as program:
        yield program


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def imported(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Program]:
    """Import the export of the old home into an empty one, with its key."""
    folder = tmp_path / "new"
    homes.write_key(folder)
    with homes.opened(folder, request.getfixturevalue(f"{request.param}_url")) as program:
        take_export(program, BEFORE_0019 / "export")
        yield program


def take_export(program: Program, folder: Path) -> None:
    tallies = [
        take_papers(program.store, folder / "papers.jsonl", now=LATER),
        take_readers(program.store, folder / "readers.jsonl", now=LATER),
        take_votes(program.store, folder / "votes.jsonl", now=LATER),
    ]
    for tally in tallies:
        assert (tally.refused, tally.unknown_keys, tally.remarks) == ([], set(), [])


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def exported(program: Program, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Export; private papers without uid and time, which an import makes anew."""
    export(program.store, folder)
    found = {name: lines(folder / f"{name}.jsonl") for name in ("papers", "readers", "votes")}
    for reader in found["readers"]:
        for paper in reader["private_papers"]:
            del paper["uid"], paper["updated"]
    return found


def ada(program: Program) -> Reader:
    with program.store.read() as connection:
        return readers.by_address(connection, ADA)


def client(program: Program) -> TestClient:
    return TestClient(app(program, clock=lambda: LATER), base_url=BASE)


def entries(feed: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["id"], one["url"], one["title"]) for one in feed["items"]]


def check_links(program: Program, known: dict[str, str]) -> None:
    """Open every link of old messages and feeds."""
    asking = client(program)
    for what, path in known.items():
        if "ballot" not in what:
            assert asking.get(path).status_code == 200, what
    for what, feed in homes.read_json("feeds.json").items():
        assert entries(asking.get(known[what]).json()) == entries(feed), what


@pytest.mark.parametrize(("table", "columns"), MOVED.items(), ids=MOVED)
def test_every_row_of_an_old_home_is_carried_over(home: Path, table: str, columns: str) -> None:
    file = home / "larkpost.db"
    old, _, new = table.partition(">")
    names = [one.partition(">") for one in columns.split()]
    before = homes.old_rows(file, old, [was for was, _, _ in names])

    with homes.opened(home, f"sqlite:///{file}"):
        pass

    assert before
    assert homes.old_rows(file, new or old, [now or was for was, _, now in names]) == before


def test_the_last_ids_of_an_old_home_are_not_given_again(migrated: Program) -> None:
    with migrated.store.begin() as connection:
        newest = readers.add(connection, address="new@example.org", now=LATER)
        assert newest.id == 7


def test_a_migrated_reader_has_what_they_chose(migrated: Program) -> None:
    reader = ada(migrated)

    assert (reader.send_time, reader.weekdays) == (time(6), frozenset({0, 2, 4}))
    assert (reader.papers_per_edition, reader.threshold, reader.weekly) == (7, 0.25, True)
    assert (reader.page_link_version, reader.notify_when_empty) == (1, True)
    assert [(one.name, one.words, one.quota) for one in reader.interests] == [
        ("main", ("graph", "transport"), 1),
        ("格子", ("lattice",), 2),
    ]


def test_a_migrated_home_can_be_read_by_everything(migrated: Program) -> None:
    with migrated.store.read() as connection:
        model = fitted_models.newest_model(connection)
        (dump,) = read_dumps.latest(connection)
        assert model is not None
        assert model.paper_count == 6
        assert (dump.format, dump.rejected) == ("jsonl", 1)
        assert len(read_dumps.papers_of(connection, dump.id)) == 1
        assert len(read_dumps.rejects(connection, dump.id)) == 1
        assert {"tick", "ingest", "fit"} == set(job_status.latest(connection))
        (forgotten,) = forgotten_votes.of(connection, ada(migrated).id)
        assert (forgotten.thumb, forgotten.source) == (Thumb.DOWN, "page")
        assert find.count(connection, query.parse("sparse attention")) == 1


def test_a_migrated_edition_has_its_reasons(migrated: Program) -> None:
    check_second_edition(migrated)


def check_second_edition(program: Program) -> None:
    with program.store.read() as connection:
        second, first = editions.latest(connection, ada(program).id, limit=9)
        (private,) = private_papers.of(connection, ada(program).id)
    pick, _, drawn = second.picks

    assert (second.candidate_count, second.note) == (42, "A short day.")
    assert second.catch_up_from == first.date == date(2026, 8, 7)
    assert pick.positive_terms == (TermWeight("transport", 1.5), TermWeight("graph", 0.5))
    assert pick.negative_terms == (TermWeight("survey", -0.25),)
    assert (pick.shown_terms, pick.similarity) == (("optimal transport",), 0.75)
    assert pick.similar_paper == private
    assert (drawn.explored, drawn.propensity, drawn.pool) == (True, 0.05, 7)


def test_links_and_feeds_of_an_old_home_go_on(migrated: Program) -> None:
    check_links(migrated, homes.read_json("links.json"))


def test_old_messages_of_a_migrated_home_take_thumbs_and_unsubscribe(migrated: Program) -> None:
    check_messages(migrated)


def check_messages(program: Program) -> None:
    known, asking = homes.read_json("links.json"), client(program)
    ballot = known[f"{ADA}: ballot of 2026-08-08"]

    assert asking.post(f"{ballot}/2/up").status_code == 200
    leave = asking.post(known[f"{ADA}: unsubscribe"], data={"List-Unsubscribe": "One-Click"})

    assert leave.status_code == 200
    assert ada(program).status is Status.LEFT
    with program.store.read() as connection:
        second = editions.latest(connection, ada(program).id)[0]
        vote = votes.one(connection, ada(program).id, second.picks[1].paper.id)
    assert vote is not None
    assert vote.thumb is Thumb.UP


def test_an_old_export_has_everything_that_the_migrated_home_exports(
    migrated: Program, imported: Program, tmp_path: Path
) -> None:
    found = exported(migrated, tmp_path / "migrated")

    assert exported(imported, tmp_path / "imported") == found
    for name, told in found.items():
        assert len(told) == len(lines(BEFORE_0019 / "export" / f"{name}.jsonl"))
        assert {line["format"] for line in told} == {2}


def test_an_export_of_today_is_read_back_whole(imported: Program, tmp_path: Path) -> None:
    once = exported(imported, tmp_path / "once")
    folder = tmp_path / "third"
    homes.write_key(folder)
    with homes.opened(folder, f"sqlite:///{folder / 'larkpost.db'}") as third:
        take_export(third, tmp_path / "once")
        assert exported(third, tmp_path / "twice") == once


def test_an_imported_edition_has_its_reasons(imported: Program) -> None:
    check_second_edition(imported)


def test_links_and_feeds_of_an_old_home_go_on_where_its_export_is_imported(
    imported: Program,
) -> None:
    known = homes.read_json("links.json")
    # A former name of a reader is no part of an export.
    check_links(imported, {what: path for what, path in known.items() if "Byron" not in what})


def test_old_messages_take_thumbs_and_unsubscribe_where_the_export_is_imported(
    imported: Program,
) -> None:
    check_messages(imported)


def test_a_reader_reads_their_own_old_export_in(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    homes.write_key(folder)
    file = BEFORE_0019 / "export" / "own.jsonl"
    with homes.opened(folder, f"sqlite:///{folder / 'larkpost.db'}") as program:
        take_papers(program.store, BEFORE_0019 / "export" / "papers.jsonl", now=LATER)
        readers_read = take_readers(program.store, file, now=LATER)
        votes_read = take_votes(program.store, file, now=LATER)
        with program.store.read() as connection:
            told = list(about(connection, readers.by_address(connection, ADA)))

    assert (readers_read.refused, readers_read.unknown_keys) == ([], set())
    assert (votes_read.refused, votes_read.taken, votes_read.unknown_keys) == ([], 2, set())
    assert [one["kind"] for one in told].count("vote") == 2


NEW_KIND = {
    "format": 2,
    "reader": "eve@example.org",
    "interests": [{"name": "main", "words": ["x"]}],
}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"format": 3}, "“format” is 3, but must be 1 or 2"),
        ({"format": "2"}, "“format” is '2', but must be 1 or 2"),
        ({"format": True}, "“format” is True, but must be 1 or 2"),
        ({"interests": ["x"]}, "“interests” is not a list of objects"),
        ({"send_time": "25:00"}, '“send_time” is "25:00"'),
        ({"editions": [{"published_at": "2026-08-07T06:00:00Z", "picks": []}]}, "it has no 'date'"),
    ],
)
def test_a_line_of_the_new_kind_that_cannot_be_read_is_reported_in_its_words(
    migrated: Program, tmp_path: Path, line: dict[str, Any], reason: str
) -> None:
    file = tmp_path / "readers.jsonl"
    file.write_text(json.dumps(NEW_KIND | {"reader": "new@example.org"} | line))

    tally = take_readers(migrated.store, file, now=LATER)

    assert [why for _, why in tally.refused if reason in why], tally.refused


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"at": "25:00"}, '“at” is "25:00"'),
        ({"size": "many"}, '“size” is "many"'),
        ({"interests": "x"}, "“interests” is not a list of texts"),
        ({"themes": ["x"]}, "“themes” is not a list of objects"),
        ({"editions": [{"date": "2026-08-07", "picks": [{"paper": None}]}]}, "it has no 'like'"),
    ],
)
def test_a_line_of_the_old_kind_that_cannot_be_read_is_reported_in_its_words(
    migrated: Program, tmp_path: Path, line: dict[str, Any], reason: str
) -> None:
    file = tmp_path / "readers.jsonl"
    file.write_text(json.dumps({"reader": "new@example.org"} | line))

    tally = take_readers(migrated.store, file, now=LATER)

    assert [why for _, why in tally.refused if reason in why], tally.refused


def test_names_of_one_kind_are_unknown_in_the_other(migrated: Program, tmp_path: Path) -> None:
    file = tmp_path / "readers.jsonl"
    old = {"reader": "old@example.org", "send_time": "09:00"}
    new = NEW_KIND | {"at": "09:00", "themes": []}
    file.write_text(f"{json.dumps(old)}\n{json.dumps(new)}\n")

    tally = take_readers(migrated.store, file, now=LATER)

    assert tally.unknown_keys == {"send_time", "at", "themes"}
    with migrated.store.read() as connection:
        assert readers.by_address(connection, "old@example.org").send_time == time(6)
        assert readers.by_address(connection, "eve@example.org").interests[0].words == ("x",)


def test_a_paper_says_by_its_format_how_its_fields_are_called(
    migrated: Program, tmp_path: Path
) -> None:
    moment = "2026-08-01T05:00:00Z"
    file = tmp_path / "papers.jsonl"
    some = [
        {"id": "arxiv:2601.00001", "title": "An Old Kind of Tide", "arrived": moment},
        {"format": 2, "id": "arxiv:2601.00002", "title": "Newer Moons", "ingested_at": moment},
        {"format": 3, "id": "arxiv:2601.00003", "title": "Comets to Come"},
        {"format": "pdf", "id": "arxiv:2601.00004", "title": "Somebody Else's Stars"},
    ]
    file.write_text("".join(f"{json.dumps(one)}\n" for one in some))

    tally = take_papers(migrated.store, file, now=LATER)

    assert [(line, "must be 1 or 2" in why) for line, why in tally.refused] == [(3, True)]
    assert tally.unknown_keys == {"format"}
    with migrated.store.read() as connection:
        there = {one.title: one.ingested_at for one in papers.iterate(connection)}
    assert there["An Old Kind of Tide"] == there["Newer Moons"] == datetime.fromisoformat(moment)
    assert "Somebody Else's Stars" in there
