"""Tests each format through ingest: papers that are stored, are no candidates, are merged."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.helpers.dump_files import NOW, everything, read, write
from tests.helpers.factories import search_papers

from larkpost.db import papers
from larkpost.errors import UnreadableDump

if TYPE_CHECKING:
    from larkpost.db.engine import Store

DUMPS = Path(__file__).parents[2] / "dumps"
WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("name", "dump_format", "taken", "rejected", "captured"),
    [
        ("arxiv-feed.rss", "arxiv-feed", 5, 0, date(2026, 8, 7)),
        ("arxiv-feed.atom", "arxiv-feed", 2, 0, date(2026, 8, 7)),
        ("arxiv-weekend.rss", "arxiv-feed", 0, 0, None),
        ("arxiv-api.atom", "arxiv-api", 3, 0, date(2026, 8, 7)),
        ("oai-arxiv.xml", "oai-pmh", 2, 0, date(2026, 8, 7)),
        ("oai-arxivraw.xml", "oai-pmh", 1, 0, date(2026, 8, 7)),
        ("oai-dc.xml", "oai-pmh", 1, 0, date(2026, 8, 7)),
        ("journal.rdf", "feed", 1, 0, date(2026, 8, 7)),
        ("podcast.rss", "feed", 2, 0, None),
        ("blog.atom", "feed", 1, 0, date(2026, 8, 7)),
        ("feed.json", "json-feed", 2, 0, None),
        ("papers.csv", "table", 2, 0, None),
        ("papers.tsv", "table", 2, 1, None),
        ("arxiv-digest.jsonl", "jsonl", 1, 0, None),
    ],
)
def test_each_sample_is_read_as_its_format(
    store: Store, name: str, dump_format: str, taken: int, rejected: int, captured: date | None
) -> None:
    report = read(store, DUMPS / name)

    assert (report.format, report.papers, report.rejected) == (dump_format, taken, rejected)
    assert len(everything(store)) == taken
    if captured:
        assert report.captured == captured
    assert taken or any("0 papers" in one for one in report.warnings)


def test_an_error_of_arxiv_is_refused_by_name(store: Store) -> None:
    with pytest.raises(
        UnreadableDump, match=r"arxiv-api-error\.atom: it is an error message of arXiv's"
    ):
        read(store, DUMPS / "arxiv-api-error.atom")


def test_a_replacement_of_an_unknown_paper_is_kept_and_is_no_candidate(store: Store) -> None:
    read(store, DUMPS / "arxiv-feed.rss")

    with store.read() as connection:
        fresh = papers.candidates(connection, at=NOW, window=WEEK)
    assert {str(one.identifier) for one in fresh} == {"arxiv:2608.04001", "arxiv:2608.03977"}
    kept = {str(one.identifier): one for one in everything(store)}
    assert kept["arxiv:2605.09999"].first_seen == datetime(2026, 5, 1, tzinfo=UTC)
    assert kept["arxiv:2605.09999"].journal_ref == "Journal of Candles 12 (2026) 17-31"


def test_a_replacement_of_a_known_paper_updates_it_where_it_is(
    store: Store, tmp_path: Path
) -> None:
    new = (DUMPS / "arxiv-feed.rss").read_text()
    read(store, DUMPS / "arxiv-feed.rss")
    before = next(p for p in everything(store) if str(p.identifier) == "arxiv:2608.04001")
    replaced = new.replace("2608.04001v1 Announce Type: new", "2608.04001v2 Announce Type: replace")
    replaced = replaced.replace("<arxiv:announce_type>new<", "<arxiv:announce_type>replace<")
    replaced = replaced.replace("with a third of the arithmetic", "with a fifth of the arithmetic")

    later = NOW + timedelta(days=1)
    report = read(store, write(tmp_path, replaced, "again.rss"), now=later)

    assert report.new == 0
    after = next(p for p in everything(store) if p.id == before.id)
    assert "with a fifth" in after.abstract
    assert (after.uid, after.first_seen, after.ingested_at, after.updated) == (
        before.uid, before.first_seen, before.ingested_at, later,
    )  # fmt: skip  # beside each other, they can be compared


def test_the_same_paper_of_five_formats_is_one_with_what_each_tells(store: Store) -> None:
    for name in ("arxiv-feed.rss", "arxiv-api.atom", "oai-arxiv.xml", "oai-dc.xml", "papers.csv"):
        read(store, DUMPS / name)

    (lanterns,) = (p for p in everything(store) if str(p.identifier) == "arxiv:2608.04001")
    # Of the text whose version is known: what comes without one is no later text.
    assert lanterns.comment == "12 pages, 3 figures. Code: https://github.com/example/lanterns."
    assert lanterns.links == ("https://github.com/example/lanterns",)
    assert set(lanterns.categories) == {"cs.CL", "cs.LG"}
    assert lanterns.keywords == (
        "Computer Science - Computation and Language", "light", "experts",
    )  # fmt: skip  # one tuple
    assert lanterns.upvotes == 12


def test_a_comment_that_the_paper_was_withdrawn_is_believed(store: Store, tmp_path: Path) -> None:
    text = (DUMPS / "arxiv-api.atom").read_text()
    notice = "This paper has been withdrawn by the author due to an error in equation 3"
    comment = "12 pages, 3 figures. Code: https://github.com/example/lanterns."

    read(store, write(tmp_path, text.replace(comment, notice), "api.atom"))

    assert [str(one.identifier) for one in everything(store) if one.withdrawn] == [
        "arxiv:2608.04001"
    ]


def test_an_old_entry_of_a_feed_arrives_when_it_is_read(store: Store) -> None:
    read(store, DUMPS / "journal.rdf")

    (wicks,) = everything(store)
    assert (wicks.first_seen, wicks.ingested_at) == (datetime(2026, 8, 6, tzinfo=UTC), NOW)
    assert wicks.thumbnail is None


def test_a_thumbnail_and_a_comment_are_stored(store: Store, tmp_path: Path) -> None:
    body = (
        '{"title": "A", "keywords": ["x", "X", "y"], "comment": "c", "journal_ref": "j",'
        ' "thumbnail": "https://x.example/1.png"}\n'
    )
    read(store, write(tmp_path, body, "a.jsonl"))

    (paper,) = everything(store)
    assert paper.keywords == ("x", "y")
    assert (paper.comment, paper.journal_ref) == ("c", "j")
    assert paper.thumbnail == "https://x.example/1.png"


@pytest.mark.parametrize(
    "question", ["cs.HC", "cs.LG", '"Journal of Candles"', "optics", "Lab", '"12 pages"']
)
def test_what_is_reported_beside_the_text_is_searched(
    store: Store, tmp_path: Path, question: str
) -> None:
    for name in ("arxiv-feed.rss", "arxiv-api.atom", "journal.rdf"):
        read(store, DUMPS / name)
    read(store, write(tmp_path, '{"title": "Z", "organisation": "Light Lab"}\n', "z.jsonl"))

    with store.read() as connection:
        assert search_papers(connection, question)
        assert not search_papers(connection, '"cs.LG cs.CL"')
