"""Tests papers from JSON Lines: accepted ones, and ones rejected with line and reason."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from larkpost.domain import Identifier, IngestWarning, PaperRecord, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.decoding import LARGEST_LIST
from larkpost.formats.jsonl import Jsonl

if TYPE_CHECKING:
    from larkpost.domain import Record

FULL: dict[str, Any] = {
    "id": "arxiv:2508.13426v2",
    "uid": "6f2dbd4e-5b0a-5c1c-8f3e-1b0a6a2f7c11",
    "title": "A  Title\n  Over Two Lines",
    "abstract": "An abstract\nof two lines.",
    "authors": ["Ada L\\'opez", "Bo"],
    "categories": ["cs.CL", "cs.LG"],
    "published": "2026-08-06",
    "first_seen": "2026-08-07T06:00:00Z",
    "arrived": "2026-08-08T09:00:00+02:00",
    "url": "https://arxiv.org/abs/2508.13426",
    "upvotes": 12,
}


def read(*records: Any, end: str = "\n") -> list[Record]:
    lines = (line if isinstance(line, str) else json.dumps(line) for line in records)
    return list(Jsonl().read(BytesIO(("\n".join(lines) + end).encode("utf-8", "surrogatepass"))))


def only(**record: Any) -> PaperRecord:
    drafts = [one for one in read({"title": "T", **record}) if isinstance(one, PaperRecord)]
    (draft,) = drafts
    return draft


def test_every_key_of_the_contract_is_taken() -> None:
    assert read(FULL) == [
        PaperRecord(
            title="A Title Over Two Lines",
            abstract="An abstract of two lines.",
            identifiers=(Identifier("arxiv", "2508.13426"),),
            authors=("Ada López", "Bo"),
            categories=("cs.CL", "cs.LG"),
            published=date(2026, 8, 6),
            first_seen=datetime(2026, 8, 7, 6, tzinfo=UTC),
            ingested_at=datetime(2026, 8, 8, 7, tzinfo=UTC),
            url="https://arxiv.org/abs/2508.13426",
            upvotes=12,
            line=1,
            uid=FULL["uid"],
            version=2,
        )
    ]


@pytest.mark.parametrize(
    ("given", "version"),
    [
        ({"id": "arxiv:2508.13426v3"}, 3),
        ({"id": "oai:arXiv.org:2508.13426v1"}, 1),
        ({"id": "https://arxiv.org/abs/2508.13426v12"}, 12),
        ({"id": "arxiv:2508.13426", "version": 4}, 4),
        ({"id": "arxiv:2508.13426"}, None),
        ({"id": "doi:10.1000/182v2"}, None),
    ],
)
def test_the_version_of_arxiv_is_read(given: dict[str, Any], version: int | None) -> None:
    assert only(**given).version == version


@pytest.mark.parametrize("version", [0, -1, "2", 1.5, True, 10**9])
def test_what_is_no_version_is_left_out_and_reported(version: object) -> None:
    records = read({"title": "T", "version": version})

    assert [one.version for one in records if isinstance(one, PaperRecord)] == [None]
    assert [one.text for one in records if isinstance(one, IngestWarning)] == [
        "“version” is not the number of a version; left out"
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'[{"title": "A"}, {"title": "B"}]',
        b'[\n {\n  "title": "A"\n },\n {\n  "title": "B"\n }\n]\n',
        b'\xef\xbb\xbf\r\n[{"title": "A"},\r\n{"title": "B"},\r\n]',
        b'{"title": "A"}\n{"title": "B"}\n',
        b'{"title": "A"} {"title": "B"}',
        b'{\n"title": "A"\n}\n{\n"title": "B"\n}\n',
        b'[{"title": "A"}]\n[{"title": "B"}]\n',
        b'{"found": 2, "papers": [{"title": "A"}, {"title": "B"}]}',
        b'{\n"answer": {"papers": [\n{"title": "A"},\n{"title": "B"}\n]}}',
        '[{"title": "A"}, {"title": "B"}]'.encode("utf-16"),
    ],
)
def test_a_list_holds_the_same_papers_as_lines_do(body: bytes) -> None:
    assert Jsonl().recognises(body, "papers")

    records = list(Jsonl().read(BytesIO(body)))

    assert [record.title for record in records if isinstance(record, PaperRecord)] == ["A", "B"]
    assert len(records) == 2


def test_a_list_on_one_line_of_two_megabytes_is_read() -> None:
    papers = [{"title": f"Title {n}", "abstract": "word " * 200} for n in range(2_100)]

    assert len(list(Jsonl().read(BytesIO(json.dumps(papers).encode())))) == 2_100


def test_a_bad_item_of_a_list_is_rejected_with_its_place_and_the_others_stay() -> None:
    body = b'[\n{"title": "A"},\n{"abstract": "none"}, 7,\n{"title": "B",, },\n{"title": "C"}\n]'

    first, untitled, number, broken, last = list(Jsonl().read(BytesIO(body)))

    assert (first, last) == (PaperRecord("A", line=2), PaperRecord("C", line=5))
    assert untitled == RejectedRecord(3, "item 2: it has no title", '{"abstract": "none"}')
    assert number == RejectedRecord(3, "item 3: this is not a JSON object", "7")
    assert isinstance(broken, RejectedRecord)
    assert (broken.line, broken.cut) == (4, False)
    assert broken.reason.startswith("item 4: this is not JSON (Expecting property name")


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ('{"title": "B", "abs', "item 2: the file ends in the middle of this record"),
        ('{"title": "B', "item 2: the file ends in the middle of this record"),
        ('{"title": "B"', "item 2: the file ends in the middle of this record"),
        ("", "the file ends in the middle of a list"),
    ],
)
def test_a_list_that_the_end_of_the_file_cuts_off_keeps_what_came_before(
    end: str, reason: str
) -> None:
    records = list(Jsonl().read(BytesIO(f'[\n{{"title": "A"}},\n{end}'.encode())))

    assert records[0] == PaperRecord("A", line=2)
    assert isinstance(records[1], RejectedRecord)
    assert (records[1].reason, records[1].cut) == (reason, True)
    assert len(records) == 2


def test_a_list_of_nothing_but_broken_items_is_given_up() -> None:
    records = Jsonl().read(BytesIO(b"[\n" + b"{x\n" * 100_000))

    with pytest.raises(UnreadableDump, match="the first record: item 1: this is not JSON"):
        list(records)


def test_a_list_that_is_too_large_is_refused_with_what_to_do() -> None:
    with pytest.raises(UnreadableDump, match="one JSON list of more than 16 MiB") as refused:
        list(Jsonl().read(BytesIO(b"[{}" + b" " * LARGEST_LIST)))

    assert "jq -c" in refused.value.hint


def test_what_other_programs_call_a_summary_is_the_abstract() -> None:
    assert only(summary="A summary.").abstract == "A summary."
    assert only(summary="A summary.", abstract="").abstract == "A summary."
    assert only(summary="A summary.", abstract="The abstract.").abstract == "The abstract."


def test_authors_may_be_objects_with_names() -> None:
    people = [{"name": "Ada"}, {"name": "Bo", "hidden": True}, {"name": None}, "Cy"]

    assert only(authors=people).authors == ("Ada", "Cy")


def test_organisation_links_and_withdrawal_are_taken() -> None:
    links = ["https://lanterns.example.org/a b", "http://code.example.org"]

    draft = only(organisation="Lantern  Lab", links=links, withdrawn=True)

    assert draft.organisation == "Lantern Lab"
    assert draft.links == ("https://lanterns.example.org/a%20b", "http://code.example.org")
    assert draft.withdrawn


@pytest.mark.parametrize(
    "link",
    [
        "https://[::1",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://ada@example.org/",
        "https://exa_mple..org/",
        "https://example.org\\@evil.example/",
        "ftp://example.org/paper.pdf",
    ],
)
def test_a_link_that_is_no_address_costs_only_itself(link: str) -> None:
    remark, draft = read({"title": "T", "links": [link, "https://example.org"]})

    assert remark == IngestWarning(1, "“links” has an entry that is not a web address; left out")
    assert draft == PaperRecord("T", links=("https://example.org",), line=1)


def test_markup_is_cleaned_and_an_announcement_names_the_paper() -> None:
    draft = only(
        title="Bakers &amp; Bread: <i>Fast</i> Ovens of the Stra{\\ss}e",
        abstract="arXiv:2508.13426v1 Announce Type: new \nAbstract: We use p &lt; 0.05.",
    )

    assert draft.title == "Bakers & Bread: Fast Ovens of the Straße"
    assert draft.abstract == "We use p < 0.05."
    assert draft.identifiers == (Identifier("arxiv", "2508.13426"),)


def test_what_larkpost_exported_is_not_cleaned_again() -> None:
    assert only(uid=FULL["uid"], title="The <b> Tag &amp; Friends").title == (
        "The <b> Tag &amp; Friends"
    )


def test_a_title_is_enough() -> None:
    assert read({"title": "T"}) == [PaperRecord("T", line=1)]


def test_a_record_that_tells_when_it_was_seen_arrived_then() -> None:
    draft = only(first_seen="2026-08-07")

    assert draft.ingested_at == draft.first_seen == datetime(2026, 8, 7, tzinfo=UTC)


def test_a_paper_has_all_its_names_once_and_what_is_no_name_is_reported() -> None:
    remark, draft = read(
        {"title": "T", "id": "arxiv:2508.13426", "also": ["10.1000/182", "no name", "2508.13426v2"]}
    )

    assert isinstance(remark, IngestWarning)
    assert remark.text.startswith(
        "“also” has an entry that is not a name; left out (“no name” is not"
    )
    assert isinstance(draft, PaperRecord)
    assert draft.identifiers == (
        Identifier("arxiv", "2508.13426"),
        Identifier("doi", "10.1000/182"),
    )


def test_unknown_keys_are_left_out_and_reported_once() -> None:
    records = read({"title": "A", "score": 1}, {"title": "B", "score": 2})

    assert records.count(IngestWarning(1, "the key “score” is not known; left out", "score")) == 1
    assert len(records) == 3


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "this is not JSON"),
        ("[1]", "this is not a JSON object"),
        ('{"abstract": "A"}', "it has no title"),
        ('{"title": " \\n "}', "it has no title"),
        ('{"title": 7}', "it has no title"),
        ('{"title": "T", "abstract": 7}', "its abstract is not text"),
        ('{"title": "T", "id": "no name"}', "its id is not of the form scheme:value"),
        ('{"title": "T", "id": 7}', "its id is not of the form scheme:value"),
        ('{"reader": "a@b.c", "thumb": 1}', "this is a vote, not a paper"),
        ('{"reader": "a@b.c"}', "this is a reader, not a paper"),
        (json.dumps({"title": "T" * 1_001}), "its title has more than 1,000 characters"),
        (json.dumps({"title": "T", "abstract": "a" * 50_001}), "its abstract has more than 50,000"),
        ("[" * 90_000, "this is not JSON"),
        ('{"title": ' + "1" * 5_000 + "}", "this is not JSON"),
    ],
)
def test_a_bad_record_is_rejected_with_its_line_and_the_others_stay(line: str, reason: str) -> None:
    first, bad, last = read({"title": "A"}, "", line, {"title": "B"})

    assert isinstance(bad, RejectedRecord)
    assert bad.line == 3
    assert bad.reason.startswith(reason)
    assert (first, last) == (PaperRecord("A", line=1), PaperRecord("B", line=4))


def test_a_record_cut_off_by_the_end_of_the_file_is_rejected_as_that() -> None:
    records = read({"title": "A"}, '{"title": "B", "abs', end="")

    assert records[1] == RejectedRecord(
        2, "the file ends in the middle of this record", '{"title": "B", "abs'
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("published", "2026-04-31"),
        ("published", 2026),
        ("first_seen", "yesterday"),
        ("first_seen", "2026-08-07T24:61:00Z"),
        ("first_seen", "0001-01-01T00:00:00+14:00"),
        ("first_seen", "1970-01-01"),
        ("authors", "Ada"),
        ("categories", [1]),
        ("url", "javascript:alert(1)"),
        ("url", 1),
        ("url", "https://[::1"),
        ("organisation", 7),
        ("upvotes", -1),
        ("upvotes", True),
        ("upvotes", 10**12),
    ],
)
def test_a_field_that_makes_no_sense_is_left_out_with_a_remark(key: str, value: object) -> None:
    records = read({"title": "T", key: value})

    assert isinstance(records[0], IngestWarning)
    assert key in records[0].text
    assert records[1] == PaperRecord("T", line=1)


def test_hostile_text_loses_what_cannot_be_stored() -> None:
    draft = only(title="{{7*7}} \x00\ud800&lt;b&gt;\u202e", authors=["A\x1b[31m\nB"])

    assert draft.title == "{{7*7}} <b>"
    assert draft.authors == ("A[31m B",)


def test_windows_text_in_a_utf8_file_is_read_and_remarked() -> None:
    body = b'{"title": "Caf\xe9"}\n{"title": "Caf\xc3\xa9"}\n{"title": "Na\x81ve"}\n'

    records = list(Jsonl().read(BytesIO(body)))

    assert [r.title for r in records if isinstance(r, PaperRecord)] == ["Café", "Café", "Nave"]
    assert [
        r.line for r in records if isinstance(r, IngestWarning) and "Windows-1252" in r.text
    ] == [1]


def test_text_encoded_twice_is_kept_and_remarked_once() -> None:
    records = read({"title": "A"}, '{"title": "CafÃ©"}', '{"title": "NaÃ¯ve"}')

    assert [r.line for r in records if isinstance(r, IngestWarning)] == [2]
    assert any(isinstance(r, PaperRecord) and r.title == "CafÃ©" for r in records)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not a single record"),
        (b"\n\n", "not a single record"),
        (b"[1]", "nothing in it is a paper; the first record: this is not a JSON object"),
        (b'{\n  "abstract": "A"\n}\n', "the first record: item 1: it has no title"),
        (b'{"reader": "a@b.c"}\n', "larkpost import"),
    ],
)
def test_a_file_without_a_single_paper_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(UnreadableDump, match=why):
        list(Jsonl().read(BytesIO(body)))


@pytest.mark.parametrize(
    ("head", "name", "ours"),
    [
        (b'{"title": "T"}', "papers.txt", True),
        (b'\xef\xbb\xbf\n {"title": "T"}', "x", True),
        (b"", "papers.JSONL", True),
        (b"Daily Papers\n", "x.txt", False),
        (b"[1]", "x.json", False),
        (b'[\n  {\n    "title": "T"', "x", True),
        (b"[33]Title", "x.txt", False),
    ],
)
def test_it_is_known_by_its_first_brace_or_its_name(head: bytes, name: str, ours: bool) -> None:
    assert Jsonl().recognises(head, name) == ours


def test_the_example_file_gives_its_three_papers() -> None:
    file = Path(__file__).parents[2] / "dumps" / "papers.jsonl"

    with file.open("rb") as dump:
        records = list(Jsonl().read(dump))

    assert [r.title for r in records if isinstance(r, PaperRecord)] == [
        "Lanterns: Lighting Sparse Experts One at a Time",
        "Quill",
        "Rivers of Tokens, Dams of Memory",
    ]
    assert len(records) == 3


def test_a_record_without_title_and_with_a_bad_id_is_said_to_have_no_title() -> None:
    assert read({"title": "A"}, {"id": 3})[1:] == [
        RejectedRecord(2, "it has no title", '{"id": 3}')
    ]
