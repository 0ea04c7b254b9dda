"""Withdrawn papers: shown as withdrawn, and no longer recommended."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from tests.helpers.factories import search_papers
from tests.helpers.old_databases import left_at
from tests.helpers.web.site_client import NOW, place

from larkpost.db import editions, migrations, papers, popularity, public_archive
from larkpost.db.engine import Store
from larkpost.db.search import find
from larkpost.domain import PaperRecord, Thumb
from larkpost.editions import recommend
from larkpost.editions.model_cache import fresh_space
from larkpost.editions.recommend import RankingRequest
from larkpost.portability import exporter, importer
from larkpost.ranking import TfidfRanker
from larkpost.readers import record_votes
from larkpost.readers.onboarding import rating_pool
from larkpost.text.minhash import title_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.web.site_client import Place

    from larkpost.domain import Paper

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
NOTICE = "This paper has been withdrawn by the author due to an error in equation 3."


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with place(tmp_path, sqlite_url, papers=6) as opened:
        yield opened


def take_in(store: Store, *drafts: PaperRecord) -> None:
    with store.begin() as connection:
        papers.absorb(connection, drafts, now=NOW)


def withdraw(here: Place, paper: Paper, **facts: Any) -> Paper:
    """Ingest a dump that says that this paper was withdrawn; returns the changed paper."""
    told: dict[str, Any] = {"abstract": NOTICE, "first_seen": NOW} | facts
    take_in(here.program.store, PaperRecord(paper.title, identifiers=(paper.identifier,), **told))
    with here.program.store.read() as connection:
        return papers.get(connection, [paper.id])[paper.id]


@pytest.mark.parametrize("facts", [{}, {"abstract": "", "withdrawn": True}])
def test_a_withdrawn_paper_keeps_its_abstract_and_is_marked(
    here: Place, facts: dict[str, Any]
) -> None:
    paper = here.papers[0]

    after = withdraw(here, paper, **facts)

    assert (after.withdrawn, after.abstract, after.uid) == (True, paper.abstract, paper.uid)
    assert after.updated == paper.updated  # its text says nothing else


@pytest.mark.parametrize("days", [-3, 3])
def test_what_was_withdrawn_stays_so_whatever_other_pages_go_on_listing(
    here: Place, days: int
) -> None:
    paper = here.papers[0]
    withdraw(here, paper)

    again = withdraw(here, paper, abstract=paper.abstract, first_seen=NOW + days * DAY)

    assert again.withdrawn


def test_a_withdrawn_paper_is_no_candidate_and_does_not_trend(here: Place) -> None:
    paper, *others = here.papers
    record_votes.cast(
        here.program.store, here.reader.id, paper.id, Thumb.UP, source="test", now=NOW
    )

    withdraw(here, paper)

    left = {other.id for other in others}
    with here.program.store.read() as connection:
        offered = papers.candidates(connection, at=NOW, window=WEEK)
        hot = popularity.trending(connection, at=NOW, window=WEEK, limit=9)
        assert {one.id for one in offered} == left
        assert {one.paper.id for one in hot} == left
        assert papers.count_candidates(connection, at=NOW, window=WEEK) == len(left)
        assert {one.id for one in papers.corpus(connection, withdrawn=False)} == left
    assert paper.title not in here.client.get("/").text
    assert paper.title not in here.client.get("/trending.rss").text


def test_a_withdrawn_paper_is_neither_picked_nor_like_another_nor_to_be_rated(
    here: Place,
) -> None:
    store, ranker = here.program.store, TfidfRanker()
    paper, other, *_ = here.papers
    take_in(
        store, PaperRecord(f"{paper.title}, again and again", "It is asked anew what is known.")
    )
    withdraw(here, paper)
    space = fresh_space(store, ranker, now=NOW)

    question = RankingRequest(NOW, WEEK, again=True, limit=20)
    answer = recommend.rank(store, ranker, [here.reader], question, now=NOW)[here.reader.id]

    assert paper.id not in {pick.paper.id for pick in answer.picks}
    assert other.id in {pick.paper.id for pick in answer.picks}
    with store.read() as connection:
        (again,) = search_papers(connection, "again")
        assert paper.id not in {one.id for one in find.kin(connection, again, limit=9)}
        rated = rating_pool(connection, space, now=NOW, window=timedelta(0)).choose()
        assert paper.id not in {one.id for one in rated}


def test_editions_votes_archive_and_search_keep_a_withdrawn_paper(here: Place) -> None:
    store, paper = here.program.store, here.papers[0]
    before = here.edition
    withdraw(here, paper)

    record_votes.cast(store, here.reader.id, paper.id, Thumb.DOWN, source="test", now=NOW)

    with store.read() as connection:
        (edition,) = editions.latest(connection, here.reader.id, limit=9)
        assert [p.paper.id for p in edition.picks] == [p.paper.id for p in before.picks]
        found = search_papers(connection, paper.title)
        assert [one.id for one in found] == [paper.id]
        assert found[0].withdrawn
        assert sum(public_archive.per_day(connection).values()) == len(here.papers)
    assert paper.title in here.client.get("/archive.rss").text


def test_pages_mark_a_withdrawn_paper_and_only_that(here: Place) -> None:
    paper, other, *_ = here.papers
    withdraw(here, paper)

    page = here.client.get(f"/paper/{paper.uid}").text
    found = here.client.get("/search", params={"q": paper.title}).text

    assert "Withdrawn by its authors" in page
    assert "what is known" in page
    assert ">withdrawn</span>" in found
    assert "ithdrawn" not in here.client.get(f"/paper/{other.uid}").text
    assert "ithdrawn" not in here.client.get("/search", params={"q": other.title}).text


def test_pages_and_exports_tell_the_organisation_and_the_links(here: Place) -> None:
    paper = here.papers[0]
    links = ("https://tides.example/<a>", "https://bücher.example/ü")
    after = withdraw(here, paper, organisation="Tide & Sons", links=links)

    page = here.client.get(f"/paper/{paper.uid}").text

    assert "Tide &amp; Sons" in page
    assert 'href="https://tides.example/%3Ca%3E"' in page
    assert 'href="https://xn--bcher-kva.example/%C3%BC"' in page
    with here.program.store.read() as connection:
        (line,) = exporter.paper_lines(connection, [after])
    assert line["organisation"] == "Tide & Sons"
    assert (line["links"], line["withdrawn"]) == (list(links), True)


def test_what_is_reported_beside_the_text_moves_along(
    here: Place, tmp_path: Path, migrated_file: Path
) -> None:
    told = withdraw(here, here.papers[0], organisation="Tide Lab", links=("https://e.org/code",))
    exporter.export(here.program.store, tmp_path / "out")
    there = Store(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'there.db')}")

    tally = importer.take_papers(there, tmp_path / "out" / "papers.jsonl", now=NOW)

    with there.read() as connection:
        moved = papers.by_uid(connection, told.uid)
    there.close()
    assert moved is not None
    assert (moved.organisation, moved.links, moved.withdrawn) == (
        "Tide Lab",
        ("https://e.org/code",),
        True,
    )
    assert (tally.refused, tally.unknown_keys, tally.remarks) == ([], set(), [])


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a store as it was before papers could be withdrawn; once on each kind of database."""
    with left_at("0008", request, tmp_path) as store:
        yield store


def test_a_migration_marks_notices_and_makes_keys_as_they_are_made_now(old: Store) -> None:
    greek = "The \u03b2-Tides"
    rows = [
        {"id": n, "name": str(n), "title": title, "abstract": abstract}
        for n, (title, abstract) in enumerate([(greek, NOTICE), ("Tides", "We ask."), ("X", "")], 1)
    ]
    with old.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO paper (id, uid, scheme, value, title, abstract, authors, categories,"
                " first_seen, arrived, updated, title_key) VALUES (:id, :name, 'text', :name,"
                " :title, :abstract, '[]', '[]', '2026-08-01 00:00:00.000000',"
                " '2026-08-01 00:00:00.000000', '2026-08-01 00:00:00.000000', 'old')"
            ),
            rows,
        )

    migrations.upgrade(old)

    with old.read() as connection:
        found = list(papers.iterate(connection))
        keys = connection.execute(text("SELECT title_key FROM paper ORDER BY id")).scalars().all()
    assert [(one.withdrawn, one.links, one.organisation) for one in found] == [
        (True, (), None),
        (False, (), None),
        (False, (), None),
    ]
    assert keys == [title_key(greek), "tides", "x"]
