"""Tests private papers that become public, are exported and imported, and are deleted."""

from __future__ import annotations

import json
import re
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from tests.helpers.private_lists import (
    BROUGHT,
    GUESSED,
    NAME,
    OTHER,
    bring,
    edition_like_it,
    find_public,
    read_private,
    read_thumbs,
)
from tests.helpers.web.site_client import NOW, place, publish

from larkpost.db import editions, papers, readers, schema
from larkpost.db.engine import Store
from larkpost.db.private import private_papers, private_upsert
from larkpost.db.usage.last_use import ExpiryRule
from larkpost.domain import Identifier, PaperRecord, Thumb
from larkpost.formats.jsonl import Jsonl
from larkpost.ingest import ingest
from larkpost.portability import exporter, importer
from larkpost.readers import onboarding, record_votes, subscriptions
from larkpost.readers.expiry import LastUses
from larkpost.scheduler import housekeeping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.helpers.web.site_client import Place

    from larkpost.domain import Reader

LISTED = {"id": "arxiv:2401.00001", "title": "Whale songs", "abstract": "How whales sing."}


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with place(tmp_path, sqlite_url) as opened:
        bring(opened, opened.reader)
        yield opened


@pytest.fixture
def other(here: Place) -> Reader:
    return subscriptions.add(here.program.store, None, now=NOW)


def write(folder: Path, *lines: Mapping[str, object]) -> Path:
    file = folder / "papers.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return file


def list_it(here: Place, folder: Path, *lines: Mapping[str, object]) -> ingest.IngestReport:
    file = write(folder, *(lines or [LISTED]))
    return ingest.ingest(here.program.store, [Jsonl()], file, now=NOW)


def test_a_dump_that_lists_it_makes_a_public_paper_of_its_own_text(
    here: Place, other: Reader, tmp_path: Path
) -> None:
    edition = edition_like_it(here)
    bring(here, other, BROUGHT.replace("Cheap", "Cheaper"))

    report = list_it(here, tmp_path)

    store, paper = here.program.store, find_public(here.program.store)
    assert report.new == 1
    assert paper is not None
    assert (paper.owner_id, paper.uid) == (None, str(GUESSED))
    assert (paper.title, paper.abstract) == ("Whale songs", "How whales sing.")
    assert paper.first_seen == paper.ingested_at == NOW
    for reader in (here.reader, other):
        assert read_private(store, reader) == []
        assert read_thumbs(store, reader) == {"Whale songs": Thumb.UP}
    assert "Whale songs" in here.client.get(f"/paper/{paper.uid}").text
    assert "Whale songs" in here.client.get("/search?q=whale").text
    assert "Whale songs" not in here.client.get("/search?q=pills").text
    assert "Whale songs</bdi></b>, which you liked" in here.client.get(edition).text


def test_a_dump_with_the_title_alone_makes_the_thumb_a_public_one(
    here: Place, tmp_path: Path
) -> None:
    title = "Cheap pills across an ocean of noise"

    list_it(here, tmp_path, {"title": title, "abstract": "A study of noise."})

    assert read_private(here.program.store, here.reader) == []
    assert read_thumbs(here.program.store, here.reader) == {title: Thumb.UP}


def test_names_that_only_the_reader_gave_it_name_no_public_paper(
    here: Place, tmp_path: Path
) -> None:
    list_it(here, tmp_path)
    whales = find_public(here.program.store)
    assert find_public(here.program.store, OTHER) is None

    list_it(here, tmp_path, {"title": "Quite another paper", "id": str(OTHER)})

    other = find_public(here.program.store, OTHER)
    assert other is not None
    assert other.title == "Quite another paper"
    assert find_public(here.program.store) == whales


def test_a_text_is_not_planted_by_a_title_that_a_dump_brings_later(
    here: Place, other: Reader, tmp_path: Path
) -> None:
    planted = "@misc{x, title={Whale songs}, abstract={Buy now.}, doi={10.1000/planted},"
    bring(here, other, f"{planted} url={{https://spam.example/}}}}")

    list_it(here, tmp_path)

    paper = find_public(here.program.store)
    assert paper is not None
    assert (paper.abstract, paper.url) == ("How whales sing.", None)
    assert find_public(here.program.store, Identifier("doi", "10.1000/planted")) is None
    page = here.client.get(f"/paper/{paper.uid}").text
    assert "Buy now" not in page
    assert "spam.example" not in page
    assert "planted" not in page


def test_a_thumb_on_the_public_paper_that_was_given_first_stays(
    here: Place, tmp_path: Path
) -> None:
    store = here.program.store
    (private,) = read_private(store, here.reader)
    record_votes.cast(store, here.reader.id, here.papers[0].id, Thumb.DOWN, source="test", now=NOW)
    with store.begin() as connection:
        private_papers.move_to_public(connection, {private.id: here.papers[0].id}, now=NOW)

    assert read_thumbs(store, here.reader) == {here.papers[0].title: Thumb.DOWN}
    assert read_private(store, here.reader) == []


def test_one_who_brings_what_is_public_gives_it_a_thumb(here: Place, tmp_path: Path) -> None:
    list_it(here, tmp_path)
    newcomer = subscriptions.add(here.program.store, None, now=NOW)

    assert bring(here, newcomer) == onboarding.OnboardingResult(liked=1, new=0)

    assert read_private(here.program.store, newcomer) == []
    assert read_thumbs(here.program.store, newcomer) == {"Whale songs": Thumb.UP}


def test_an_export_holds_it_on_the_line_of_its_reader_and_an_import_restores_it(
    here: Place, other: Reader, tmp_path: Path, migrated_file: Path
) -> None:
    edition_like_it(here)
    out = tmp_path / "out"
    exporter.export(here.program.store, out)
    there = Store(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'there.db')}")

    tallies = [
        importer.take_papers(there, out / "papers.jsonl", now=NOW),
        importer.take_readers(there, out / "readers.jsonl", now=NOW),
        importer.take_votes(there, out / "votes.jsonl", now=NOW),
    ]

    assert [(one.refused, one.remarks, one.unknown_keys) for one in tallies] == [
        ([], [], set())
    ] * 3
    assert "pills" not in (out / "papers.jsonl").read_text("utf-8")
    with there.read() as connection:
        reader = readers.by_address(connection, "ada@example.org")
        (edition,) = editions.latest(connection, reader.id)
    (private,) = read_private(there, reader)
    assert private.title == "Cheap pills across an ocean of noise"
    assert edition.picks[0].similar_paper == private
    assert read_thumbs(there, reader) == {private.title: Thumb.UP}
    assert find_public(there) is None
    again = tmp_path / "again"
    exporter.export(there, again)
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

    first = importer.take_papers(store, old, now=NOW)
    second = importer.take_votes(store, thumbs, now=NOW, guests=first.guests)

    assert (first.taken, first.refused, second.taken, second.refused) == (1, [], 1, [])
    assert [one.title for one in read_private(store, other)] == ["Old pills"]
    assert find_public(store, Identifier("arxiv", "2402.00002")) is None


def test_an_edition_of_an_older_export_keeps_the_paper_that_its_picks_are_like(
    here: Place, tmp_path: Path, migrated_file: Path
) -> None:
    edition_like_it(here)
    out = tmp_path / "out"
    exporter.export(here.program.store, out)
    line = json.loads((out / "readers.jsonl").read_text("utf-8").splitlines()[0])
    (brought,) = line.pop("private_papers")
    del brought["format"]  # an older one
    (out / "readers.jsonl").write_text(json.dumps(line))
    with (out / "papers.jsonl").open("a") as file:
        file.write(json.dumps(brought | {"guest": True}))
    there = Store(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'there.db')}")

    guests = importer.take_papers(there, out / "papers.jsonl", now=NOW).guests
    importer.take_readers(there, out / "readers.jsonl", now=NOW, guests=guests)
    importer.take_votes(there, out / "votes.jsonl", now=NOW, guests=guests)

    with there.read() as connection:
        reader = readers.by_address(connection, "ada@example.org")
        (edition,) = editions.latest(connection, reader.id)
    (private,) = read_private(there, reader)
    assert edition.picks[0].similar_paper == private
    assert read_thumbs(there, reader) == {private.title: Thumb.UP}
    there.close()


def test_an_export_read_as_a_dump_makes_nothing_public_that_a_reader_brought(
    here: Place, tmp_path: Path
) -> None:
    report = list_it(here, tmp_path, LISTED, LISTED | {"id": "doi:10.1000/x", "guest": True,
                                                       "title": "Old pills"})  # fmt: skip

    assert report.papers == 1
    assert any("private paper" in warning for warning in report.warnings)
    assert find_public(here.program.store, Identifier("doi", "10.1000/x")) is None


def test_what_lost_its_thumb_goes_after_a_week(here: Place) -> None:
    store = here.program.store
    (private,) = read_private(store, here.reader)
    record_votes.cast(
        store, here.reader.id, private.id, None, source="test", now=NOW + timedelta(days=30)
    )

    housekeeping.clean_up(store, LastUses(), ExpiryRule(0, 0), now=NOW + timedelta(days=36))
    assert read_private(store, here.reader) != []
    for days in (37, 38):
        housekeeping.clean_up(store, LastUses(), ExpiryRule(0, 0), now=NOW + timedelta(days=days))

    assert read_private(store, here.reader) == []


def test_what_has_a_thumb_stays(here: Place) -> None:
    housekeeping.clean_up(
        here.program.store, LastUses(), ExpiryRule(0, 0), now=NOW + timedelta(days=400)
    )

    assert len(read_private(here.program.store, here.reader)) == 1


def test_it_goes_with_its_reader(here: Place, other: Reader) -> None:
    store = here.program.store
    edition_like_it(here)
    bring(here, other)

    subscriptions.remove(store, here.reader.id)

    with store.read() as connection:
        left = connection.execute(
            select(schema.paper.c.owner_id).where(schema.paper.c.owner_id.is_not(None))
        )
        assert left.scalars().all() == [other.id]
        names = connection.execute(select(schema.private_identifier.c.owner_id)).scalars().all()
        assert set(names) == {other.id}


def test_thumbs_move_and_readers_go_on_both_databases(store: Store) -> None:
    ada = subscriptions.add(store, "ada@example.org", now=NOW)
    emmy = subscriptions.add(store, "emmy@example.org", now=NOW)
    for reader in (ada, emmy):
        onboarding.from_references(store, reader.id, BROUGHT, now=NOW)
        onboarding.from_references(
            store, reader.id, "@a{x, title={Quiet rooms of one's own}}", now=NOW
        )
    publish_like(store, ada)

    with store.begin() as connection:
        papers.absorb(connection, [PaperRecord(title="Whale songs", identifiers=(NAME,))], now=NOW)
    assert (
        {*read_thumbs(store, ada)}
        == {*read_thumbs(store, emmy)}
        == {"Whale songs", "Quiet rooms of one's own"}
    )
    subscriptions.remove(store, ada.id)

    assert read_private(store, ada) == []
    assert len(read_private(store, emmy)) == 1


def publish_like(store: Store, reader: Reader) -> None:
    """Publish an edition whose second pick is like a private paper of the reader."""
    shown, _ = publish(store, reader, 2)
    private = read_private(store, reader)[-1]
    with store.begin() as connection:
        connection.execute(
            schema.pick.update()
            .where(schema.pick.c.paper_id == shown[1].id)
            .values(similar_paper_id=private.id)
        )


def test_a_paper_whose_every_name_is_that_of_another_is_taken_in_all_the_same(
    here: Place, other: Reader
) -> None:
    store = here.program.store
    one, two = Identifier("doi", "10.1000/one"), Identifier("doi", "10.1000/two")
    first, second = Identifier("pmid", "1"), Identifier("pmid", "2")
    title = "A title that three papers of one series share, word for word"
    drafts = [
        PaperRecord(title="Otters of the northern coast", identifiers=(one, first)),
        PaperRecord(title=title, identifiers=(two, second)),
        PaperRecord(title=title, identifiers=(one, second)),
    ]

    with store.begin() as connection:
        made = private_upsert.bring(connection, other.id, drafts, now=NOW)

    assert len({absorbed.paper_id for absorbed in made}) == 3
