"""Tests metadata for stored papers: it changes them, adds none, and matches strictly."""

from __future__ import annotations

import json
from datetime import date, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from tests.helpers.dump_files import ABSTRACT, NOW, everything
from tests.helpers.factories import search_papers

from larkpost.db import papers
from larkpost.db.matching import enrich_papers
from larkpost.domain import Identifier, PaperRecord
from larkpost.errors import UnreadableDump, UsageError
from larkpost.formats.json_items import HeadFirst
from larkpost.ingest import enrich as flow
from larkpost.ingest.enrich import enrich

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from larkpost.db.engine import Connection, Store
    from larkpost.db.matching.enrich_papers import MatchedRecord
    from larkpost.domain import Paper
    from larkpost.ingest.enrich import EnrichReport

TITLE = "Lighting one expert at a time in sparse mixtures"
LATER = NOW + timedelta(hours=1)


def absorb(store: Store, *drafts: PaperRecord) -> None:
    with store.begin() as connection:
        papers.absorb(connection, drafts, now=NOW)


def text_paper(title: str = TITLE, abstract: str = ABSTRACT, **more: Any) -> PaperRecord:
    """Make a paper as a text dump tells it: title, abstract and a day, no name, no link."""
    return PaperRecord(title=title, abstract=abstract, first_seen=NOW - timedelta(days=1), **more)


def arxiv(number: str = "2607.00001", **more: Any) -> dict[str, Any]:
    """Make a record as the snapshot of arXiv's metadata has them."""
    return {
        "id": number,
        "submitter": "Ada Lovelace",
        "authors": "Ada Lovelace and C. Bal\\'azs",
        "title": "Lighting one expert at a time\n  in sparse mixtures",
        "comments": "37 pages",
        "journal-ref": None,
        "doi": "10.1103/PhysRevD.76.013009",
        "categories": "cs.LG stat.ML",
        "abstract": f"  {ABSTRACT}\n",
        "versions": [
            {"version": "v1", "created": "Wed, 1 Jul 2026 19:18:42 GMT"},
            {"version": "v2", "created": "Tue, 4 Aug 2026 20:10:27 GMT"},
        ],
        "update_date": "2026-08-05",
        "authors_parsed": [["Lovelace", "Ada", ""], ["Bal\\'azs", "C.", "Jr."]],
    } | more


def run(store: Store, *records: object, **options: Any) -> EnrichReport:
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in records)
    return enrich(store, None, stream=BytesIO(text.encode()), **{"now": LATER} | options)


def only(store: Store) -> Paper:
    (paper,) = everything(store)
    return paper


def test_a_paper_of_a_text_dump_gains_ids_link_authors_categories_and_date(store: Store) -> None:
    absorb(store, text_paper())
    before = only(store)

    report = run(store, arxiv())

    after = only(store)
    assert (report.records, report.enriched, report.without_link) == (1, 1, 0)
    assert after.identifier == Identifier("arxiv", "2607.00001")
    assert after.url == "https://arxiv.org/abs/2607.00001"
    assert after.authors == ("Ada Lovelace", "C. Balázs Jr.")
    assert after.categories == ("cs.LG", "stat.ML")
    assert after.published == date(2026, 7, 1)
    assert after.updated == LATER
    kept = ("id", "uid", "title", "abstract", "first_seen", "ingested_at", "upvotes", "withdrawn")
    assert all(getattr(after, name) == getattr(before, name) for name in kept)
    with store.read() as connection:
        doi = Identifier("doi", "10.1103/physrevd.76.013009")
        assert papers.by_identifier(connection, doi) == after


def test_the_same_file_again_adds_nothing(store: Store) -> None:
    absorb(store, text_paper())
    run(store, arxiv())
    before = only(store)

    report = run(store, arxiv(), now=LATER + timedelta(days=1))

    assert (report.enriched, report.complete, report.unmatched) == (0, 1, 0)
    assert only(store) == before


def test_a_record_about_no_paper_here_adds_none(store: Store) -> None:
    absorb(store, text_paper())

    report = run(store, arxiv("2607.00002", title="Birdsong along rivers", abstract="Birds sing."))

    assert (report.unmatched, report.enriched, report.without_link) == (1, 0, 1)
    assert only(store).identifier.scheme == "text"


def test_nothing_that_is_known_gives_way_to_less(store: Store) -> None:
    absorb(
        store,
        text_paper(
            identifiers=(Identifier("arxiv", "2607.00001"),),
            authors=("Ada Lovelace", "C. Balázs", "Mary Somerville"),
            categories=("math.OC",),
            published=date(2026, 6, 30),
            url="https://example.org/paper",
            upvotes=7,
        ),
    )
    before = only(store)

    report = run(store, arxiv(title="Another title", abstract="Another text.", doi=None))

    assert (report.enriched, report.complete) == (0, 1)
    assert only(store) == before


def test_an_abstract_is_taken_where_there_is_none_and_the_search_finds_it(store: Store) -> None:
    absorb(store, text_paper(abstract=""))

    report = run(store, arxiv())

    assert report.enriched == 1
    assert only(store).abstract == ABSTRACT
    with store.read() as connection:
        assert search_papers(connection, "benchmarks router") == [only(store)]


def test_answers_of_the_papers_api_are_taken_too(store: Store, tmp_path: Path) -> None:
    absorb(store, text_paper())
    item = {
        "paper": {
            "id": "2607.00001",
            "title": TITLE,
            "summary": ABSTRACT,
            "authors": [{"name": "Ada Lovelace"}, {"name": "Somebody", "hidden": True}],
            "publishedAt": "2026-07-01T00:00:00.000Z",
            "submittedOnDailyAt": "2026-07-02T00:00:00.000Z",
            "upvotes": 5,
            "githubRepo": "https://github.com/example/experts",
        }
    }
    file = tmp_path / "day.json"
    file.write_text(json.dumps([item], indent=2), encoding="utf-8")

    report = enrich(store, file, now=LATER)

    paper = only(store)
    assert (report.enriched, report.name) == (1, "day.json")
    assert paper.url == "https://arxiv.org/abs/2607.00001"
    assert paper.links == ("https://github.com/example/experts",)
    assert paper.authors == ("Ada Lovelace",)
    assert paper.first_seen == NOW - timedelta(days=1)


def test_a_list_over_many_lines_comes_through_a_pipe_as_well(store: Store) -> None:
    absorb(store, text_paper())
    text = json.dumps(
        [arxiv(f"2601.{n:05}", title=f"Other {n}") for n in range(99)] + [arxiv()], indent=1
    )
    pipe = HeadFirst(b"", BytesIO(text.encode()))

    report = enrich(store, None, stream=pipe, now=LATER)  # type: ignore[arg-type]  # all it needs

    assert (report.records, report.enriched, report.rejected) == (100, 1, 0)


def test_a_paper_that_a_doi_names_is_found_by_it_unless_the_texts_are_of_two_papers(
    store: Store,
) -> None:
    name = Identifier("doi", "10.1103/physrevd.76.013009")
    absorb(store, text_paper(identifiers=(name,)))

    wrong = run(store, arxiv("2607.00009", title="Birdsong along rivers", abstract="Birds sing."))
    right = run(store, arxiv())

    assert (wrong.enriched, wrong.unmatched) == (0, 1)
    assert right.enriched == 1
    assert only(store).url == "https://arxiv.org/abs/2607.00001"


def test_an_edited_title_is_found_by_its_abstract(store: Store) -> None:
    absorb(store, text_paper("Lighting one expert at a time in a sparse mixtures"))

    assert run(store, arxiv()).enriched == 1


def test_the_record_with_the_very_title_wins_over_an_edited_one_that_comes_first(
    store: Store,
) -> None:
    absorb(store, text_paper())
    edited = arxiv("2607.00009", title=f"{TITLE}: an extended version", doi=None)

    report = run(store, edited, arxiv())

    assert (report.enriched, report.unmatched) == (1, 1)
    assert str(only(store).identifier) == "arxiv:2607.00001"


@pytest.mark.parametrize(
    "title",
    [
        "Lighting two experts at a time in sparse mixtures",
        "Lighting one expert at a time in dense mixtures",
        "Lighting one expert at a time in sparse mixtures, Part 2",
    ],
)
def test_a_sibling_of_a_paper_is_not_that_paper(store: Store, title: str) -> None:
    absorb(store, text_paper(title))

    assert run(store, arxiv()).enriched == 0


def test_another_arxiv_id_is_another_paper_whatever_its_text(store: Store) -> None:
    absorb(store, text_paper(identifiers=(Identifier("arxiv", "2607.00002"),)))

    report = run(store, arxiv())

    assert (report.enriched, report.unmatched) == (0, 1)


def test_a_title_alone_is_enough_only_for_the_one_record_that_has_it(store: Store) -> None:
    absorb(store, text_paper(abstract=""))
    other = arxiv("2512.00007", abstract="Something else is told under this title.")

    several = run(store, arxiv(), other, other | {"id": "2511.00007"})

    assert (several.enriched, several.ambiguous, several.unmatched) == (0, 3, 0)
    assert only(store).identifier.scheme == "text"
    assert run(store, arxiv(), arxiv() | {"doi": None}).enriched == 1


def test_a_summary_under_a_title_that_two_records_have_confirms_neither(store: Store) -> None:
    absorb(store, text_paper(abstract="A router asks the next expert when the first is unsure."))
    other = arxiv("2512.00007", abstract="When an expert is unsure the router asks another one.")

    report = run(store, arxiv(), other)

    assert (report.enriched, report.ambiguous) == (0, 2)


def test_a_record_of_the_same_title_that_came_out_later_is_none_of_them(store: Store) -> None:
    absorb(store, text_paper(abstract=""))
    later = [{"version": "v1", "created": "Mon, 2 Nov 2026 19:18:42 GMT"}]

    report = run(
        store,
        arxiv("2611.00007", abstract="Else.", versions=later),
        arxiv(),
        now=NOW + timedelta(days=200),
    )

    assert (report.enriched, report.unmatched) == (1, 1)
    assert str(only(store).identifier) == "arxiv:2607.00001"


def test_a_dry_run_says_the_same_and_changes_nothing(store: Store) -> None:
    absorb(store, text_paper(), text_paper("Birdsong dialects along the urban rivers", ""))
    before = everything(store)
    birds = arxiv("2607.00002", title="Birdsong dialects along the urban rivers", abstract="Sing.")

    dry = run(store, arxiv(), birds, dry_run=True)

    assert everything(store) == before
    wet = run(store, arxiv(), birds)
    assert (dry.enriched, dry.complete) == (wet.enriched, wet.complete) == (2, 0)


def test_records_that_cannot_be_read_are_reported_and_the_others_taken(store: Store) -> None:
    absorb(store, text_paper())

    report = run(
        store, '{"id": "2607.00003"', {"id": "2607.00004"}, arxiv("no id"), [1], arxiv(), "[]"
    )

    assert (report.enriched, report.rejected) == (1, 3 + 1)
    assert [reject.line for reject in report.rejects] == [1, 2, 3, 4]


def test_a_file_without_a_record_is_refused(store: Store, tmp_path: Path) -> None:
    zipped = tmp_path / "archive.zip"
    zipped.write_bytes(b"PK\x03\x04" + b"x" * 100)

    with pytest.raises(UnreadableDump, match="zip archive") as refused:
        enrich(store, zipped, now=NOW)
    assert "unzip -p FILE | larkpost enrich -" in refused.value.hint
    with pytest.raises(UnreadableDump, match="not a single record"):
        run(store, "no JSON at all")
    with pytest.raises(UnreadableDump, match="empty"):
        run(store, "")
    with pytest.raises(UsageError, match="no file"):
        enrich(store, tmp_path / "missing.json", now=NOW)


class Pipe:
    """A stream of many records, which cannot be rewound, sought or held as a whole."""

    def __init__(self, lines: int, at: int, last: bytes) -> None:
        self._lines = lines
        self._at = at
        self._line = last
        self.asked = 0
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """Give up to ``size`` bytes."""
        assert size >= 0
        self.asked = max(self.asked, size)
        while len(self._rest) < size and self._lines:
            self._lines -= 1
            other = b'{"id": "2601.%05d", "title": "Other %d", "categories": "cs.LG"}\n'
            found = self._lines == self._at
            self._rest += self._line if found else other % (self._lines, self._lines)
        given, self._rest = self._rest[:size], self._rest[size:]
        return given


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the records of each time that the store is asked about some."""
    counts: list[int] = []

    def count(
        connection: Connection, drafts: Sequence[PaperRecord], **more: Any
    ) -> list[MatchedRecord]:
        counts.append(len(drafts))
        return enrich_papers.enrich(connection, drafts, **more)

    monkeypatch.setattr(flow, "enrich_papers", count)
    return counts


def test_a_stream_is_read_once_and_in_parts(store: Store, asked: list[int]) -> None:
    absorb(store, text_paper())
    pipe = Pipe(30_000, 7, json.dumps(arxiv()).encode() + b"\n")

    report = enrich(store, None, stream=pipe, now=LATER)  # type: ignore[arg-type]  # all it needs

    assert (report.records, report.enriched, report.unmatched) == (30_000, 1, 29_999)
    assert asked == [1]  # the store is asked about nothing else
    assert pipe.asked <= 2 * 1024 * 1024


def test_many_papers_are_written_in_batches(
    store: Store, monkeypatch: pytest.MonkeyPatch, asked: list[int]
) -> None:
    monkeypatch.setattr(flow, "BATCH", 4)
    titles = [f"{word} experts in a mixture of many more" for word in NUMBERS]
    absorb(store, *(text_paper(title, f"{title}. {ABSTRACT}") for title in titles))
    records = [
        arxiv(f"2607.{n:05}", title=title, abstract=f"{title}. {ABSTRACT}", doi=None)
        for n, title in enumerate(titles, 1)
    ]

    report = run(store, *records)

    assert report.enriched == len(titles)
    assert asked == [4, 4, 1]
    assert {str(paper.identifier) for paper in everything(store)} == {
        f"arxiv:2607.{n:05}" for n in range(1, len(titles) + 1)
    }


NUMBERS = ("Amber", "Bronze", "Cobalt", "Dusky", "Ebony", "Fawn", "Golden", "Hazel", "Indigo")
