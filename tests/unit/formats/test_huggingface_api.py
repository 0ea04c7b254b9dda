"""Tests papers from the API of Hugging Face, however its response was saved."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from larkpost.domain import DumpDate, Identifier, IngestWarning, PaperRecord, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.huggingface_api import HuggingFaceApi

if TYPE_CHECKING:
    from larkpost.domain import Record


def paper(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"2608.0100{number}",
        "authors": [
            {"_id": "66", "name": "Ada Lovett", "hidden": False},
            {"_id": "67", "name": "Bo Hidden", "hidden": True},
            {"_id": "68", "name": "Cy Dormer", "user": {"fullname": "Cy", "name": "cy"}},
        ],
        "publishedAt": "2026-08-05T17:59:00.000Z",
        "submittedOnDailyAt": "2026-08-07T00:10:00.000Z",
        "title": f"Lanterns {number}: Lighting\n  Sparse Experts",
        "summary": "We light one expert at a time.\nThe next is asked when the first is unsure.",
        "upvotes": 12,
        "discussionId": "d",
        "ai_summary": "Somebody else's words.",
        "ai_keywords": ["lantern"],
        "thumbnail": "https://thumbnails.example.org/1.png",
        "projectPage": "https://lanterns.example.org",
        "githubRepo": "https://github.com/example/lanterns",
        "organization": {"_id": "1", "name": "lantern-lab", "fullname": "Lantern Lab"},
        **changes,
    }


def item(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "paper": paper(number, **changes),
        "publishedAt": "2026-08-07T00:10:00.000Z",
        "title": f"Lanterns {number}",
        "summary": "Beside the paper.",
        "numComments": 3,
        "submittedBy": {"fullname": "AK", "name": "akhaliq"},
    }


def read(body: str | bytes) -> list[Record]:
    raw = body.encode() if isinstance(body, str) else body
    assert HuggingFaceApi().recognises(raw[:65_536], "saved")
    return list(HuggingFaceApi().read(BytesIO(raw)))


def only(record: dict[str, Any]) -> PaperRecord:
    (draft,) = (one for one in read(json.dumps([record])) if isinstance(one, PaperRecord))
    return draft


WHOLE = PaperRecord(
    title="Lanterns 1: Lighting Sparse Experts",
    abstract="We light one expert at a time. The next is asked when the first is unsure.",
    identifiers=(Identifier("arxiv", "2608.01001"),),
    authors=("Ada Lovett", "Cy Dormer"),
    published=date(2026, 8, 5),
    first_seen=datetime(2026, 8, 7, 0, 10, tzinfo=UTC),
    url="https://arxiv.org/abs/2608.01001",
    upvotes=12,
    line=1,
    organisation="Lantern Lab",
    links=("https://lanterns.example.org", "https://github.com/example/lanterns"),
    keywords=("lantern",),
    thumbnail="https://thumbnails.example.org/1.png",
)


@pytest.mark.parametrize("record", [item(), paper()])
def test_all_that_the_api_tells_of_a_paper_is_taken(record: dict[str, Any]) -> None:
    assert read(json.dumps([record])) == [DumpDate(date(2026, 8, 7), 0), WHOLE]


PAPERS = [paper(1), paper(2), paper(3)]
ITEMS = [item(1), item(2), item(3)]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(ITEMS),
        json.dumps(ITEMS, indent=2),
        json.dumps(PAPERS, indent=1),
        "\n".join(json.dumps(one) for one in ITEMS) + "\n",
        "\n".join(json.dumps(one) for one in PAPERS),
        "\n".join(json.dumps(one, indent=2) for one in PAPERS),
        json.dumps({"dailyPapers": ITEMS, "periodType": "day"}),
        json.dumps({"props": {"dailyPapers": ITEMS}}, indent=2),
        json.dumps({"papers": PAPERS}),
        json.dumps(ITEMS[:2]) + "\n" + json.dumps(ITEMS[2:]) + "\n",
        "\ufeff\n" + json.dumps(ITEMS, ensure_ascii=False),
        json.dumps(ITEMS, indent=2).replace("\n", "\r\n"),
        json.dumps(ITEMS).encode("utf-16"),
    ],
)
def test_an_answer_is_read_however_it_was_saved(body: str | bytes) -> None:
    names = [one.identifiers[0].value for one in read(body) if isinstance(one, PaperRecord)]
    assert names == ["2608.01001", "2608.01002", "2608.01003"]


def test_a_single_paper_as_the_api_gives_it_by_its_number_is_read() -> None:
    body = json.dumps(paper(githubStars=5, numTotalModels=0), indent=2)

    assert [one for one in read(body) if isinstance(one, PaperRecord)] == [WHOLE]


def test_what_stands_beside_the_paper_counts_where_the_paper_is_silent() -> None:
    draft = only(item(submittedOnDailyAt=None, title="", summary=None, organization=None))

    assert (draft.title, draft.abstract) == ("Lanterns 1", "Beside the paper.")
    assert draft.first_seen == datetime(2026, 8, 7, 0, 10, tzinfo=UTC)
    assert draft.published == date(2026, 8, 5)


def test_the_day_of_listing_is_not_the_day_of_publication() -> None:
    bare = paper()
    del bare["publishedAt"]

    assert only(item() | {"paper": bare}).published is None


def test_nought_votes_are_votes() -> None:
    assert only(item(upvotes=0)).upvotes == 0
    assert only(item(upvotes=None)).upvotes is None


def test_an_organisation_has_at_least_its_short_name() -> None:
    assert only(item(organization={"name": "lantern-lab"})).organisation == "lantern-lab"
    assert only(item(organization="Lantern Lab")).organisation is None


def test_a_list_of_several_days_says_nothing_of_the_day_of_capture() -> None:
    later = item(2, submittedOnDailyAt="2026-08-06T23:59:00.000Z")

    records = read(json.dumps([item(1), later]))

    assert not any(isinstance(one, DumpDate) for one in records)
    assert [
        one.first_seen.day for one in records if isinstance(one, PaperRecord) and one.first_seen
    ] == [
        7,
        6,
    ]


def test_a_bad_item_is_rejected_with_its_place_and_the_others_stay() -> None:
    bad = [item(1), item(2, title="", id=None) | {"title": None}, "odd", item(3, id="no name")]

    _, first, *rejected = read(json.dumps(bad))

    assert isinstance(first, PaperRecord)
    assert [(one.line, one.reason[:30]) for one in rejected if isinstance(one, RejectedRecord)] == [
        (1, "item 2: it has no title"),
        (1, "item 3: this is not a JSON obj"),
        (1, "item 4: its id is not of the f"),
    ]


def test_items_within_an_object_are_counted_one_by_one() -> None:
    body = json.dumps({"dailyPapers": [item(1), {"paper": {}}, item(3)]})

    assert [one.reason for one in read(body) if isinstance(one, RejectedRecord)] == [
        "item 2: it has no title"
    ]


def test_a_line_that_is_no_json_is_rejected_with_its_number() -> None:
    body = f"{json.dumps(item(1))}\n{{broken\n{json.dumps(item(3))}\n"

    rejected = [one for one in read(body) if isinstance(one, RejectedRecord)]

    assert [one.line for one in rejected] == [2]
    assert len([one for one in read(body) if isinstance(one, PaperRecord)]) == 2


def test_an_address_that_leads_nowhere_is_left_out_with_a_remark() -> None:
    records = read(json.dumps([item(projectPage="javascript:alert(1)", githubRepo="")]))

    assert IngestWarning(1, "“projectPage” is not a web address; left out") in records
    assert [one.links for one in records if isinstance(one, PaperRecord)] == [()]


@pytest.mark.parametrize(
    "body",
    [
        '{"title": "T", "abstract": "It says \\"paper\\": {} and \\"publishedAt\\": 1."}',
        '[{"title": "T", "abstract": "A"}]',
        "Daily Papers\n\nAug 7\n",
        '"paper": {',
        "",
    ],
)
def test_other_json_and_text_is_not_taken_for_the_api(body: str) -> None:
    assert not HuggingFaceApi().recognises(body.encode(), "daily_papers.json")


def test_an_answer_without_a_paper_is_refused_with_the_reason() -> None:
    with pytest.raises(UnreadableDump, match="the first record: item 1: it has no title"):
        read('[{"paper": {"id": "2608.01001"}}]')
