"""Tests that no record has longer lists than a paper can need, and that each cut is told."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

from larkpost.domain import Identifier, IngestWarning, PaperRecord
from larkpost.formats.feeds.any_feed import AnyFeed
from larkpost.formats.jsonl import Jsonl
from larkpost.text.record_limits import limit_lists


def test_the_authors_of_the_largest_collaboration_are_all_kept() -> None:
    record = PaperRecord("A Higgs boson", authors=tuple(f"Author {n}" for n in range(3_000)))

    assert limit_lists(record) == (record, [])


@pytest.mark.parametrize(
    ("field", "entries", "most"),
    [
        ("authors", [f"Author {n}" for n in range(3_001)], 3_000),
        ("categories", [f"cs.{n}" for n in range(51)], 50),
        ("keywords", [f"word {n}" for n in range(51)], 50),
        ("links", [f"https://example.org/{n}" for n in range(51)], 50),
        ("identifiers", [Identifier("x", str(n)) for n in range(51)], 50),
    ],
)
def test_a_longer_list_keeps_its_first_entries_and_says_so(
    field: str, entries: list[object], most: int
) -> None:
    limited, told = limit_lists(PaperRecord("A paper", **{field: tuple(entries)}))  # type: ignore[arg-type]

    assert getattr(limited, field) == tuple(entries[:most])
    assert told == [f"“{field}” has {most + 1:,} entries; the first {most:,} are read"]


def test_a_long_name_is_cut_and_a_long_address_is_left_out() -> None:
    long = f"https://example.org/{'a' * 2_000}"
    record = PaperRecord("A paper", authors=("A" * 201,), url=long, links=(long, "https://x.org"))

    limited, told = limit_lists(record)

    assert (limited.authors, limited.url, limited.links) == (("A" * 200,), None, ("https://x.org",))
    assert told == [
        "an entry of “authors” has more than 200 characters; cut",
        "an address of “url” has more than 2,000 characters; left out",
        "an address of “links” has more than 2,000 characters; left out",
    ]


def test_a_json_record_with_endless_lists_is_read_with_a_warning_for_each() -> None:
    many = [f"x:{n}" for n in range(100_000)]
    lists = ("authors", "categories", "also", "keywords")
    line = json.dumps({"title": "A paper", "id": "x:1"} | dict.fromkeys(lists, many))

    *told, record = Jsonl().read(BytesIO(line.encode()))

    assert isinstance(record, PaperRecord)
    assert [len(record.authors), len(record.categories), len(record.keywords)] == [3_000, 50, 50]
    assert len(record.identifiers) == 50
    assert {one.text for one in told if isinstance(one, IngestWarning)} >= {
        "“also” has 100,000 entries; the first 50 are read",
        "“authors” has 100,000 entries; the first 3,000 are read",
    }


def test_an_atom_entry_of_a_collaboration_keeps_its_authors_and_what_follows_them() -> None:
    authors = "".join(f"<author><name>Author N{n}</name></author>" for n in range(2_950))
    link = '<link href="https://example.org/higgs"/>'
    feed = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><entry><title>A boson</title>'
        f"{authors}{link}<summary>We see it.</summary></entry></feed>"
    )

    records = [
        one for one in AnyFeed().read(BytesIO(feed.encode())) if isinstance(one, PaperRecord)
    ]

    assert [(len(one.authors), one.url) for one in records] == [
        (2_950, "https://example.org/higgs")
    ]


def test_an_atom_entry_with_two_hundred_thousand_names_is_cut() -> None:
    names = "".join(f"<name>N{n} M</name>" for n in range(200_000))
    feed = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><entry><title>A boson</title>'
        f"<author>{names}</author><summary>We see it.</summary></entry></feed>"
    )

    records = list(AnyFeed().read(BytesIO(feed.encode())))

    (paper,) = (one for one in records if isinstance(one, PaperRecord))
    assert len(paper.authors) == 3_000
    assert any("“authors” has" in one.text for one in records if isinstance(one, IngestWarning))
