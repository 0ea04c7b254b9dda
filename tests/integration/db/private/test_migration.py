"""Tests the migration that gives each reader their own copy of papers shared before."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import event, select, text
from tests.helpers.old_databases import AT, Before, left_at

from larkpost.db import editions, migrations, papers, readers, votes
from larkpost.db import schema as now
from larkpost.db.private import private_papers
from larkpost.db.search import index
from larkpost.db.search.tokenize import index_document
from larkpost.domain import Identifier, Thumb
from larkpost.errors import NoRoom

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from larkpost.db.engine import Store

GUEST, LONELY, PUBLIC, LAST = 1, 2, 3, 4
ADA, EMMY, FORMER = 1, 2, 3


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a store of before papers had owners; once on each kind of database."""
    with left_at("0012", request, tmp_path) as store:
        yield store


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def oldest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a store of before guests were told apart."""
    with left_at("0003", request, tmp_path) as store:
        yield store


def fill(connection: Connection) -> None:
    """Two readers brought one paper, which the second's edition is like; nobody likes another."""
    before = Before(connection)
    before.reader(ADA, "ada@example.org")
    before.reader(EMMY, None)
    before.reader(FORMER, "ADA@example.org", merged_into=ADA)
    for number in (ADA, EMMY, FORMER):
        before.interest(number, number, "main")
    for number in (GUEST, LONELY, PUBLIC, LAST):
        before.paper(number)
    connection.execute(
        text("UPDATE paper SET guest = :yes, title = 'Quokka ' || id WHERE id IN (1, 2, 4)"),
        {"yes": True},
    )
    for number in (GUEST, LONELY, PUBLIC, LAST):
        name = {"value": f"2401.0000{number}", "id": number}
        insert(connection, "identifier (scheme, value, paper_id)", "'arxiv', :value, :id", name)
        insert(connection, "identifier (scheme, value, paper_id)", "'doi', :value, :id", name)
        insert(connection, "sketch (paper_id, hash)", ":id, :id", {"id": number})
    connection.execute(text(f"DELETE FROM identifier WHERE paper_id = {LAST}"))  # noqa: S608
    connection.execute(text(f"DELETE FROM sketch WHERE paper_id = {LAST}"))  # noqa: S608
    connection.execute(text(f"DELETE FROM paper WHERE id = {LAST}"))  # noqa: S608
    _index(connection)
    space = {"at": AT.replace(tzinfo=None), "body": b"quokka"}
    insert(connection, "space (made_at, papers, body)", ":at, 3, :body", space)
    before.vote(ADA, GUEST, 1, AT, ADA)
    before.vote(EMMY, GUEST, -1, AT, EMMY)
    before.vote(ADA, PUBLIC, 1, AT, ADA)
    for number, reader in enumerate((ADA, EMMY, FORMER), start=1):
        before.edition(number, reader, date(2026, 8, 7), PUBLIC, "sent")
    before.edition(4, EMMY, date(2026, 8, 6), PUBLIC, "sent")
    connection.execute(text(f"UPDATE pick SET like_id = {GUEST} WHERE edition_id < 4"))  # noqa: S608
    connection.execute(text(f"UPDATE pick SET like_id = {LONELY} WHERE edition_id = 4"))  # noqa: S608


def insert(connection: Connection, into: str, values: str, row: dict[str, Any]) -> None:
    connection.execute(text(f"INSERT INTO {into} VALUES ({values})"), row)  # noqa: S608


def _index(connection: Connection) -> None:
    """Write the papers into the search index, and count on from their ids."""
    rows = connection.execute(text("SELECT id, title FROM paper")).all()
    index._insert(connection, [(row.id, index_document(row.title, (), "")) for row in rows])
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT setval(pg_get_serial_sequence('paper', 'id'), 4)"))


def indexed(connection: Connection, word: str) -> list[int]:
    if connection.dialect.name == "sqlite":
        found = "SELECT rowid FROM search WHERE search MATCH :word"
    else:
        found = "SELECT paper_id FROM search WHERE words @@ to_tsquery('simple', :word)"
    return list(connection.execute(text(found), {"word": word}).scalars())


def test_each_reader_gets_a_paper_of_their_own_and_the_shared_one_goes(old: Store) -> None:
    with old.begin() as connection:
        fill(connection)
        assert len(indexed(connection, "quokka")) == 2

    migrations.upgrade(old)

    with old.read() as connection:
        (mine,) = private_papers.of(connection, ADA)
        (theirs,) = private_papers.of(connection, EMMY)
        assert [one.id for one in papers.iterate(connection)] == [PUBLIC]
        shared = connection.execute(select(now.paper.c.id)).scalars().all()
        assert set(shared) == {PUBLIC, mine.id, theirs.id}
        assert mine.title == theirs.title == "Quokka 1"
        assert len({mine.uid, theirs.uid, f"paper-{GUEST}"}) == 3
        assert UUID(mine.uid).version == UUID(theirs.uid).version == 4
        assert min(mine.id, theirs.id) > LAST  # no id is given twice
        for name in (Identifier("arxiv", "2401.00001"), Identifier("doi", "2401.00001")):
            assert private_papers.find(connection, ADA, {name}) == {name: mine.id}
            assert papers.by_identifier(connection, name) is None
        for table in (now.identifier, now.minhash):
            assert set(connection.execute(select(table.c.paper_id)).scalars()) == {PUBLIC}
        assert (
            connection.execute(select(now.tfidf_model.c.id)).all() == []
        )  # it was learnt from them
        assert indexed(connection, "quokka") == []
        assert indexed(connection, "titl") == [PUBLIC]
        cast = {one.paper_id: one.thumb for one in votes.of(connection, ADA)}
        assert cast == {mine.id: Thumb.UP, PUBLIC: Thumb.UP}
        assert [one.thumb for one in votes.of(connection, EMMY)] == [Thumb.DOWN]
        likes = {n: editions.get(connection, n) for n in (1, 2, 3, 4)}
        assert [one.picks[0].similar_paper for one in likes.values() if one] == [
            mine,
            theirs,
            mine,
            None,
        ]


@pytest.mark.parametrize("old", ["sqlite"], indirect=True)
def test_the_words_of_what_went_are_not_left_in_the_index(old: Store) -> None:
    with old.begin() as connection:
        fill(connection)
    migrations.upgrade(old)
    with old.begin() as connection:
        connection.exec_driver_sql("CREATE VIRTUAL TABLE terms USING fts5vocab(search, 'row')")
        terms = connection.exec_driver_sql("SELECT term FROM terms").scalars().all()
        assert "quokka" not in terms
        assert "titl" in terms


@pytest.mark.parametrize("old", ["sqlite"], indirect=True)
def test_a_full_disk_meanwhile_is_no_room_left_and_loses_nothing(old: Store) -> None:
    with old.begin() as connection:
        fill(connection)
        connection.execute(text("UPDATE paper SET url = :long WHERE id = 3"), {"long": "x" * 10**6})
        before = connection.execute(text("SELECT * FROM paper")).all()
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one() + 40

    @event.listens_for(old.engine, "engine_connect")
    def _limit(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        connection.rollback()

    with pytest.raises(NoRoom, match="no room left for"):
        migrations.upgrade(old)

    with old.read() as connection:
        assert connection.execute(text("SELECT * FROM paper")).all() == before
    assert migrations.current(old) == "0012"


def test_the_papers_go_with_their_readers(old: Store) -> None:
    with old.begin() as connection:
        fill(connection)

    migrations.upgrade(old)

    with old.begin() as connection:  # the key holds
        readers.remove(connection, ADA)
        readers.remove(connection, EMMY)
        assert connection.execute(select(now.paper.c.id)).scalars().all() == [PUBLIC]
        assert connection.execute(select(now.private_identifier)).all() == []


def test_what_readers_brought_is_told_apart_in_the_oldest_homes_too(oldest: Store) -> None:
    rows = [  # id, arrived, in a dump, has a thumb by import
        (1, "2026-08-07", True, True),
        (2, "2024-01-01", False, True),  # brought
        (3, "2026-08-07", False, True),  # imported: seen at one time, read at another
        (4, "2024-01-01", False, False),
    ]
    with oldest.begin() as connection:
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
        _index(connection)

    migrations.upgrade(oldest)

    with oldest.read() as connection:
        assert [one.id for one in papers.iterate(connection)] == [1, 3, 4]
        (private,) = private_papers.of(connection, ADA)
        assert private.identifier == Identifier("arxiv", "2")


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
