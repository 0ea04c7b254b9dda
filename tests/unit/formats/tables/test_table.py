"""Tests papers from CSV and TSV: delimiters, quotes, headings, and rejected rows."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest
from tests.helpers.dump_files import read_dump

from larkpost.domain import Identifier, IngestWarning, PaperRecord, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.tables.columns import split_subjects
from larkpost.formats.tables.table import Table


def read(body: str | bytes, name: str = "papers.csv") -> list[object]:
    raw = body.encode() if isinstance(body, str) else body
    assert Table().recognises(raw[:65_536], name)
    return list(Table().read(BytesIO(raw)))


def papers(body: str | bytes) -> list[PaperRecord]:
    return [one for one in read(body) if isinstance(one, PaperRecord)]


def test_a_table_as_excel_writes_it_is_read() -> None:
    unknown, lanterns, votes, wicks = read_dump("papers.csv", "table")

    assert unknown == IngestWarning(1, "columns that are not known are left out: Shelf")
    assert lanterns == PaperRecord(
        title="Lanterns; or, Sparse Experts",
        abstract=(
            'We light one expert at a time. The next is asked "only" when the first is unsure.'
        ),
        identifiers=(Identifier("arxiv", "2608.04001"),),
        authors=("Ada Lovett", "Bo Ek"),
        categories=("cs.CL", "cs.LG"),
        keywords=("light", "experts"),
        published=date(2026, 8, 5),
        upvotes=12,
        line=2,
    )
    assert votes == IngestWarning(5, "“upvotes” is not a number of votes; left out")
    assert wicks == PaperRecord(
        title="Wicks & Flames",
        identifiers=(Identifier("doi", "10.1000/wick.1"),),
        authors=("Marie Curie",),
        categories=("Optics",),
        line=5,
    )


def test_tabs_part_cells_and_a_number_of_a_row_is_no_name() -> None:
    lanterns, quills, rejected = read_dump("papers.tsv", "table")

    assert isinstance(lanterns, PaperRecord)
    assert lanterns.title == 'Why "Lanterns" Flicker'
    assert lanterns.identifiers == ()
    assert lanterns.authors == ("Ada Lovett", "Bo Ek")
    assert isinstance(quills, PaperRecord)
    assert quills.title == "Quills and Other Words"
    assert rejected == RejectedRecord(4, "it has no title", "3\t\tNobody\tNo title.")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_mark_and_line_end_is_reported_by_the_headings(mark: str, end: str) -> None:
    rows = (["title", "abstract", "url"], ["A", "We light.", "https://x.example/1"])

    assert papers(end.join(mark.join(row) for row in rows) + end) == [
        PaperRecord("A", "We light.", url="https://x.example/1", line=2)
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_every_encoding_of_spreadsheets_is_read(encoding: str) -> None:
    assert [p.title for p in papers("title,abstract\nCafé,é\n".encode(encoding))] == ["Café"]


def test_the_mark_that_excel_declares_is_taken() -> None:
    assert papers("sep=;\ntitle;abstract\nA, B;We light.\n") == [
        PaperRecord("A, B", "We light.", line=3)
    ]


def test_the_keys_of_json_lines_are_headings_and_lists_are_read_as_lists() -> None:
    body = (
        "id,title,authors,categories,keywords,links,comment,journal_ref,organisation,withdrawn\n"
        'arxiv:2608.04001,A,"[\'Ada O\'\'Neil\', \'Bo\']",cs.CL cs.LG,"[""a"", ""b""]",'
        "https://x.example https://y.example,12 pages,J. Light 1,Lab,TRUE\n"
    )

    (paper,) = papers(body)

    assert paper.identifiers == (Identifier("arxiv", "2608.04001"),)
    assert paper.categories == ("cs.CL", "cs.LG")
    assert paper.keywords == ("a", "b")
    assert paper.links == ("https://x.example", "https://y.example")
    assert (paper.comment, paper.journal_ref) == ("12 pages", "J. Light 1")
    assert (paper.organisation, paper.withdrawn) == ("Lab", True)


def test_a_quote_that_nothing_closes_costs_no_other_row() -> None:
    rows = ["title,abstract", '"A, B', *(f"T{n},Text {n}" for n in range(30_000))]

    records = read("\n".join(rows) + "\n")

    taken = [one.title for one in records if isinstance(one, PaperRecord)]
    assert taken[-1] == "T29999"
    assert len(taken) == 30_001


def test_several_columns_of_one_key_are_united() -> None:
    (paper,) = papers(
        "Authors,Author full names,Title,Year,Link,URL,Tags,Author Keywords\n"
        '"Lovett A.; Ek B.","Lovett, Ada (1); Ek, Bo (2)",Wicks,2026,https://a.example,'
        "https://b.example,light,wick\n"
    )

    assert paper.authors == ("Ada Lovett", "Bo Ek")
    assert (paper.url, paper.links) == ("https://a.example", ("https://b.example",))
    assert paper.keywords == ("light", "wick")


def test_a_quote_that_is_open_at_the_end_of_a_row_is_part_of_its_text() -> None:
    assert papers('title,abstract\n"A,B\n') == [PaperRecord('"A', "B", line=2)]


def test_a_row_with_more_cells_than_headings_is_rejected() -> None:
    first, second = read("title,abstract\nA,We light, and light.\nB,We light.\n")

    assert isinstance(first, RejectedRecord)
    assert first.reason.startswith("it has 3 cells, and there are 2 headings")
    assert second == PaperRecord("B", "We light.", line=3)


def test_a_file_that_ends_within_a_row_loses_only_that() -> None:
    first, cut = read('title,abstract,url\nA,We light.,\nB,"We li')

    assert isinstance(first, PaperRecord)
    assert cut == RejectedRecord(3, "the file ends in the middle of this row", 'B,"We li')
    assert isinstance(cut, RejectedRecord)
    assert cut.cut


def test_headings_alone_are_no_papers_and_no_error() -> None:
    assert read("title,abstract\n") == [
        IngestWarning(0, "the table has headings and no rows: 0 papers")
    ]


def test_a_table_in_which_nothing_is_a_paper_is_refused() -> None:
    with pytest.raises(UnreadableDump, match="it has no title"):
        read("title,abstract\n,We light.\n")


def test_a_table_without_titles_is_refused_where_it_was_named() -> None:
    with pytest.raises(UnreadableDump, match="no column of it is headed “title”"):
        list(Table().read(BytesIO(b"a,b\n1,2\n")))


@pytest.mark.parametrize(
    ("text", "name", "ours"),
    [
        ("title,abstract\n", "x", True),
        ("Title\n", "x.csv", True),
        ("Title\n", "x.txt", False),
        ("Key, Query and Value: Titles of Their Own\n", "x.txt", False),
        ("A title, a subtitle, and a title\n", "x.csv", False),
        ('{"title": 1, "abstract": 2}\n', "x.csv", False),
        ("arxiv_id,user_id,rating,time\n", "x.csv", False),
        ("arxiv_id,title,rating\n", "x", True),
        ("| Title | Abstract |\n|---|---|\n", "x.md", False),
        ("", "x.csv", False),
    ],
)
def test_a_table_is_known_by_its_headings(text: str, name: str, ours: bool) -> None:
    assert Table().recognises(text.encode(), name) == ours


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("Computation and Language (cs.CL); Machine Learning (cs.LG)", ["cs.CL", "cs.LG"]),
        ("cs.CL, stat.ML", ["cs.CL", "stat.ML"]),
        ("High Energy Physics - Theory (hep-th)", ["hep-th"]),
        ("Optics; Wicks, Old", ["Optics", "Wicks, Old"]),
        ("physics", ["physics"]),
    ],
)
def test_subjects_are_codes_where_they_have_some(text: str, subjects: list[str]) -> None:
    assert split_subjects(text) == subjects
