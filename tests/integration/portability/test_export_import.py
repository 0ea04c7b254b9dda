"""Exported JSON Lines can be imported elsewhere, and give the same ranking."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from larkpost.db import editions, interests, papers, readers, votes
from larkpost.db.engine import Store
from larkpost.domain import Identifier, PaperRecord, Pick, Thumb
from larkpost.editions import recommend
from larkpost.editions.publish import PublishContext, by_hand, publish
from larkpost.editions.recommend import RankingRequest
from larkpost.portability.exporter import about, export
from larkpost.portability.importer import take_papers, take_readers, take_votes
from larkpost.ranking import TfidfRanker
from larkpost.readers import subscriptions
from larkpost.readers.record_votes import cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from larkpost.db.engine import Connection
    from larkpost.domain import Edition

NOW = datetime(2026, 8, 7, 3, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
WEEK = timedelta(days=7)
SUBJECTS = ("sparse experts", "protein folding", "théorie des catégories", "robot grasping")
ODD_SOURCES = ("\ud800", "\0", "x" * 5_000, "", None)


@pytest.fixture
def other(migrated_file: Path, tmp_path: Path) -> Iterator[Store]:
    """An empty home elsewhere."""
    file = tmp_path / "other.db"
    file.write_bytes(migrated_file.read_bytes())
    elsewhere = Store(f"sqlite:///{file}")
    yield elsewhere
    elsewhere.close()


@pytest.fixture
def lived_in(store: Store) -> PublishContext:
    """A store with papers, two readers, thumbs and an edition that is out."""
    drafts = [
        PaperRecord(
            title=f"On {subject}, part {n}",
            abstract=f"We study {subject} in setting {n}, with {n * 3} cases and a new bound.",
            identifiers=(Identifier("arxiv", f"2608.{n:02}{at:03}"),) if at else (),
            first_seen=NOW - timedelta(hours=n),
            keywords=(subject, f"setting {n}"),
            comment=f"{n} pages",
            journal_ref=f"Journal of {subject} {n}" if at else None,
            thumbnail=f"https://pictures.example/{n}.png",
        )
        for n in range(8)
        for at, subject in enumerate(SUBJECTS)
    ]
    with store.begin() as connection:
        ids = [one.paper_id for one in papers.absorb(connection, drafts, now=NOW)]
    anna = subscriptions.add(
        store,
        "anna@example.org",
        now=NOW,
        papers_per_edition=5,
        words=["experts"],
        zone="Europe/Berlin",
    )
    feed_only = subscriptions.add(store, None, now=NOW, papers_per_edition=7, name="Élodie")
    with store.begin() as connection:
        interests.set_interest(connection, anna.id, "robots", words=["grasping"], quota=2)
    newsroom = PublishContext(store, TfidfRanker(), WEEK, "example.org")
    publish(newsroom, [by_hand(anna, NOW)], now=NOW)
    for number, paper_id in enumerate(ids[:9]):
        thumb = Thumb.UP if number % 3 else Thumb.DOWN
        cast(store, anna.id, paper_id, thumb, source="page", now=NOW + timedelta(minutes=number))
        cast(store, feed_only.id, ids[-number - 1], thumb, source="link", now=NOW)
    return newsroom


def moved(newsroom: PublishContext, other: Store, folder: Path) -> PublishContext:
    export(newsroom.store, folder)
    for take, name in ((take_papers, "papers"), (take_readers, "readers"), (take_votes, "votes")):
        tally = take(other, folder / f"{name}.jsonl", now=LATER)
        assert tally.refused == []
        assert tally.unknown_keys == set()
    return PublishContext(other, TfidfRanker(), WEEK, "example.org")


def rankings(newsroom: PublishContext) -> dict[str, list[tuple[object, ...]]]:
    with newsroom.store.read() as connection:
        everybody = readers.all(connection)
    question = RankingRequest(LATER, WEEK, limit=20)
    answer = recommend.rank(newsroom.store, newsroom.ranker, everybody, question, now=LATER)
    return {reader.uid: [told(p) for p in answer[reader.id].picks] for reader in everybody}


def told(pick: Pick) -> tuple[object, ...]:
    """Everything of a pick but row numbers, which differ from one database to the next."""
    like = pick.similar_paper and pick.similar_paper.identifier
    return (pick.paper.uid, pick.score, pick.probability, pick.positive_terms, like, pick.interest)


def themes(connection: Connection) -> list[tuple[object, ...]]:
    return [
        (reader.uid, interest.name, interest.words, interest.quota)
        for reader in readers.all(connection)
        for interest in reader.interests
    ]


def out(store: Store) -> list[Edition]:
    with store.read() as connection:
        return [
            edition
            for reader in readers.all(connection)
            for edition in editions.latest(connection, reader.id, limit=9)
        ]


def test_every_reader_gets_the_same_ranking_elsewhere(
    lived_in: PublishContext, other: Store, tmp_path: Path
) -> None:
    elsewhere = moved(lived_in, other, tmp_path / "out")

    assert rankings(elsewhere) == rankings(lived_in)


def test_readers_editions_and_votes_are_all_there_again(
    lived_in: PublishContext, other: Store, tmp_path: Path
) -> None:
    moved(lived_in, other, tmp_path / "out")

    before, after = out(lived_in.store), out(other)
    assert [[told(p) for p in e.picks] for e in after] == [
        [told(p) for p in e.picks] for e in before
    ]
    assert [(e.date, e.published_at) for e in after] == [(e.date, e.published_at) for e in before]
    assert [e.reader.feed_key for e in after] == [e.reader.feed_key for e in before]
    with lived_in.store.read() as one, other.read() as two:
        assert votes.count(two) == votes.count(one)
        assert themes(two) == themes(one)


def test_an_export_of_an_import_is_the_same_bytes(
    lived_in: PublishContext, other: Store, tmp_path: Path
) -> None:
    moved(lived_in, other, tmp_path / "one")

    export(other, tmp_path / "two")

    for name in ("papers.jsonl", "readers.jsonl", "votes.jsonl"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_every_name_of_a_paper_goes_along(store: Store, other: Store, tmp_path: Path) -> None:
    names = [Identifier("arxiv", "2608.00001"), Identifier("doi", "10.1000/xyz")]
    page = Identifier("url", "https://papers.example/7")
    drafts = [
        PaperRecord("Sparse experts", identifiers=tuple(names)),
        PaperRecord("Sparse experts", identifiers=(names[0], page), url="https://papers.example/7"),
        PaperRecord(
            "Protein folding", identifiers=(Identifier("url", "https://papers.example/8"),)
        ),
        PaperRecord(
            "Robots that grasp what they have never seen before", "We grasp." + " We grasp." * 20
        ),
    ]
    with store.begin() as connection:
        papers.absorb(connection, drafts, now=NOW)
    reader = subscriptions.add(store, "anna@example.org", now=NOW)
    cast(store, reader.id, 1, Thumb.UP, source="page", now=NOW)

    moved(PublishContext(store, TfidfRanker(), WEEK, "example.org"), other, tmp_path / "one")
    export(other, tmp_path / "two")

    first = json.loads((tmp_path / "one" / "papers.jsonl").read_text().splitlines()[0])
    assert (first["id"], first["also"]) == ("arxiv:2608.00001", [str(names[1]), str(page)])
    with other.read() as connection:
        assert {p.title for n in (*names, page) if (p := papers.by_identifier(connection, n))} == {
            "Sparse experts"
        }
        assert papers.owners(connection, [*names, page]).keys() == {*names, page}
    for name in ("papers.jsonl", "readers.jsonl", "votes.jsonl"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_a_feed_that_is_switched_off_is_off_elsewhere(
    lived_in: PublishContext, other: Store, tmp_path: Path
) -> None:
    with lived_in.store.read() as connection:
        anna = readers.by_address(connection, "anna@example.org")
    subscriptions.change(lived_in.store, anna.id, now=NOW, feed="end")

    moved(lived_in, other, tmp_path / "out")

    with other.read() as connection:
        assert readers.by_uid(connection, anna.uid).feed_key == ""
        assert readers.by_feed_key(connection, anna.feed_key) is None
        assert readers.by_feed_key(connection, "") is None


def test_links_that_were_ended_stay_ended_elsewhere(
    lived_in: PublishContext, other: Store, tmp_path: Path
) -> None:
    with lived_in.store.begin() as connection:
        anna = readers.by_address(connection, "anna@example.org")
        anna = readers.relink(connection, anna.id)

    moved(lived_in, other, tmp_path / "out")
    moved(lived_in, other, tmp_path / "out")

    with other.read() as connection:
        there = readers.by_address(connection, "anna@example.org")
    assert (
        (there.uid, there.page_link_version) == (anna.uid, anna.page_link_version) == (anna.uid, 1)
    )


def test_the_wish_for_notices_of_empty_days_moves_along(
    lived_in: PublishContext, other: Store, tmp_path: Path
) -> None:
    with lived_in.store.read() as connection:
        anna = readers.by_address(connection, "anna@example.org")
    subscriptions.change(lived_in.store, anna.id, now=NOW, notify_when_empty=True)

    moved(lived_in, other, tmp_path)

    with other.read() as connection:
        wishing = [one.uid for one in readers.all(connection) if one.notify_when_empty]
    assert wishing == [anna.uid]


def test_taking_in_twice_doubles_nothing(
    lived_in: PublishContext, other: Store, tmp_path: Path
) -> None:
    elsewhere = moved(lived_in, other, tmp_path / "out")
    once = rankings(elsewhere)

    moved(lived_in, other, tmp_path / "out")

    assert rankings(elsewhere) == once


def test_a_bad_line_is_reported_with_its_number_and_the_others_are_taken(
    lived_in: PublishContext, other: Store, tmp_path: Path
) -> None:
    moved(lived_in, other, tmp_path / "out")
    file = tmp_path / "votes.jsonl"
    file.write_text(
        "\n".join(
            [
                json.dumps({"reader": "anna@example.org", "paper": "arxiv:2608.07003", "thumb": 1}),
                "{not json",
                json.dumps(
                    {"reader": "nobody@example.org", "paper": "arxiv:2608.07003", "thumb": 1}
                ),
                json.dumps({"reader": "anna@example.org", "paper": "arxiv:2612.99999", "thumb": 1}),
                json.dumps({"reader": "anna@example.org", "paper": "arxiv:2608.07003", "thumb": 7}),
                json.dumps({"reader": "anna@example.org", "paper": "arxiv:2608.07002"}),
                json.dumps(["a list"]),
            ]
        )
    )

    tally = take_votes(other, file, now=LATER)

    assert tally.taken == 1
    assert [line for line, _ in tally.refused] == [2, 7, 3, 4, 5, 6]
    assert "“thumb” is 7, but must be -1 or 1" in dict(tally.refused).values()


def test_the_source_of_a_thumb_may_be_any_text(
    lived_in: PublishContext, other: Store, tmp_path: Path
) -> None:
    moved(lived_in, other, tmp_path / "out")
    file = tmp_path / "votes.jsonl"
    vote = {"reader": "anna@example.org", "paper": "arxiv:2608.07003", "thumb": 1}
    file.write_text("".join(json.dumps(vote | {"source": one}) + "\n" for one in ODD_SOURCES))

    tally = take_votes(other, file, now=LATER)

    assert (tally.taken, tally.refused) == (len(ODD_SOURCES), [])


def test_a_readers_own_export_can_be_taken_in(
    lived_in: PublishContext, other: Store, tmp_path: Path
) -> None:
    with lived_in.store.read() as connection:
        anna = readers.by_address(connection, "anna@example.org")
        told = list(about(connection, anna))
    file, only_papers = tmp_path / "export.jsonl", tmp_path / "papers.jsonl"
    file.write_text("\n".join(map(json.dumps, told)))
    only_papers.write_text("\n".join(json.dumps(one) for one in told if one["kind"] == "paper"))
    take_papers(other, only_papers, now=LATER)

    tallies = take_readers(other, file, now=LATER), take_votes(other, file, now=LATER)

    assert {"delivery", "vote", "paper"} < {one["kind"] for one in told}
    assert [(one.taken, one.refused, one.unknown_keys) for one in tallies] == [
        (1, [], set()),
        (9, [], set()),
    ]
    with other.read() as connection:
        assert readers.by_uid(connection, anna.uid).interests[1].words == ("grasping",)


def test_unknown_keys_are_kept_out_and_reported(other: Store, tmp_path: Path) -> None:
    file = tmp_path / "readers.jsonl"
    file.write_text(json.dumps({"reader": "b@example.org", "shoe_size": 43}))

    tally = take_readers(other, file, now=NOW)

    assert (tally.taken, tally.unknown_keys) == (1, {"shoe_size"})
    with other.read() as connection:
        assert readers.by_address(connection, "b@example.org").papers_per_edition == 10


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"reader": "anna.example.org"}', "“anna.example.org” is neither an email address nor"),
        ('{"reader": "a@example.org", "uid": "anna"}', "“anna” is neither an email address nor"),
        ('{"reader": "a@example.org", "interests": "mixture of experts"}', "“interests” is not"),
        ('{"reader": "a@example.org", "interests": [7]}', "“interests” is not a list of texts"),
        ('{"reader": "a@example.org", "themes": [{"name": "x", "words": "ab"}]}', "“words” is not"),
        ('{"reader": "a@example.org", "weekly": "no"}', "“weekly” is neither true nor false"),
        ('{"reader": "a@example.org", "quiet_mail": 1}', "“quiet_mail” is neither true nor false"),
        ('{"reader": "a@example.org", "size": 1e999}', "“size” is Infinity, but must be a whole"),
        ('{"reader": "a@example.org", "size": "abc"}', '“size” is "abc", but must be a whole'),
        ('{"reader": "a@example.org", "at": "6"}', '“at” is "6", but must be a time such as'),
        ('{"reader": "a@example.org", "at": 6}', "“at” is 6, but must be a time such as 06:30"),
        ('{"reader": "a@example.org", "created": "x"}', '“created” is "x", but must be a mom'),
        ('{"reader": "a@example.org", "days": "funday"}', '“days” is "funday", but must be'),
        (
            '{"reader": "a@example.org", "status": "bogus"}',
            '“status” is "bogus", but must be one of pending, active',
        ),
        ('{"reader": "a@example.org", "editions": ["x"]}', "“editions” is not a list of objects"),
        ('{"reader": ' + "[" * 100_000, "not JSON"),
    ],
    ids=lambda value: value[:60],
)
def test_a_wrong_line_of_a_reader_is_refused_and_makes_nobody(
    other: Store, tmp_path: Path, line: str, why: str
) -> None:
    file = tmp_path / "readers.jsonl"
    file.write_text(f'{line}\n{{"reader": "b@example.org"}}\n')

    tally = take_readers(other, file, now=NOW)

    assert tally.taken == 1
    assert [number for number, _ in tally.refused] == [1]
    assert tally.refused[0][1].startswith(why)
    with other.read() as connection:
        assert [reader.address for reader in readers.all(connection)] == ["b@example.org"]


def test_a_reader_without_an_address_stays_the_same_reader(other: Store, tmp_path: Path) -> None:
    file = tmp_path / "readers.jsonl"
    uid = "6d0e4b5a-6a52-4a4e-9d0c-0e4f6a1b2c3d"
    file.write_text(json.dumps({"reader": uid, "size": 7}))

    for _ in range(2):
        assert take_readers(other, file, now=NOW).refused == []

    with other.read() as connection:
        assert [(one.uid, one.papers_per_edition) for one in readers.all(connection)] == [(uid, 7)]


def test_an_export_can_be_read_by_its_owner_alone(lived_in: PublishContext, tmp_path: Path) -> None:
    export(lived_in.store, tmp_path / "out")

    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()}
    assert modes == {0o600}
