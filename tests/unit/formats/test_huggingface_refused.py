"""Tests text that is no papers page, or only in part: a clear error, and no other paper lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.helpers.papers_page import ABSTRACT, DUMPS, HEADER, ROOT, drafts, read, sample

from larkpost.domain import PaperRecord, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.huggingface import HuggingFacePage
from larkpost.formats.registry import DUMP_FORMATS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("source", DUMP_FORMATS)
@pytest.mark.parametrize("file", sorted(DUMPS.glob("*.txt")), ids=lambda file: file.stem)
def test_the_page_is_recognised_and_only_by_its_own_source(source: object, file: Path) -> None:
    recognised = source.recognises(file.read_bytes(), file.name)  # type: ignore[attr-defined]  # a Source; parametrize knows no protocols

    assert recognised == isinstance(source, HuggingFacePage)


def test_the_daily_list_is_refused_by_what_it_is() -> None:
    with pytest.raises(UnreadableDump, match="daily list, which has no titles and no") as refused:
        read((DUMPS / "shape-e.txt").read_bytes())

    assert refused.value.hint.startswith("try ")


def test_a_daily_list_gives_its_titles_and_votes() -> None:
    listed = "\n\n".join(f"Submitted by\n\nada\n\n{n}\n\nTitle {n}" for n in range(20))

    found = drafts(f"{HEADER}{listed}\n")

    assert [(d.title, d.abstract, d.upvotes) for d in found] == [
        (f"Title {n}", "", n) for n in range(20)
    ]


@pytest.mark.parametrize(
    ("dump", "why"),
    [
        (HEADER, "there is no paper in it"),
        (f"{HEADER}One Title\n\nAnother Title\n\nA Third", "3 titles or short lines, but not a"),
        ("", "there is no paper in it"),
    ],
)
def test_a_page_without_abstracts_is_refused(dump: str, why: str) -> None:
    with pytest.raises(UnreadableDump, match=why):
        read(dump)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Just one line.",
        "Dear all,\n\nplease find attached the minutes of our last meeting.\n\nBest,\nA.",
        "\n\n".join([ABSTRACT] * 5),
        "# Heading\n\n" + "\n\n".join([ABSTRACT] * 3),
        "import os\n\nprint(os.name)\n",
        (ROOT / "LICENSE").read_text("utf-8"),
        (ROOT / "CONTRIBUTING.md").read_text("utf-8"),
        "\n\n".join(f"## Section {n}\n\n{ABSTRACT}" for n in range(9)),
        "\n\n".join(f"{n}. Definitions\n\n{ABSTRACT}" for n in range(9)),
        "\n\n".join(f"<h3>Title {n}</h3>\n\n<p>{ABSTRACT}</p>" for n in range(9)),
        "\n\n".join(f"{title}\n\n{ABSTRACT}\n\nAside {title}" for title in "ABCDE"),
    ],
)
def test_other_text_is_not_taken_for_a_page(text: str) -> None:
    assert not HuggingFacePage().recognises(text.encode(), "notes.txt")


@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_three_papers_without_any_heading_are_recognised(gap: str) -> None:
    papers = [text for paper in sample()[1][:3] for text in paper]

    assert HuggingFacePage().recognises(f"{gap.join(papers)}\n".encode(), "notes.txt")


def test_an_abstract_without_a_title_is_rejected_with_its_line() -> None:
    records = read(f"{HEADER}Title\n\n{ABSTRACT}\n\n{ABSTRACT}\n")

    assert RejectedRecord(15, "an abstract without a title", ABSTRACT) in records


def test_a_file_cut_in_an_abstract_loses_only_that_paper() -> None:
    whole = HEADER + "".join(f"Title {n}\n\n{ABSTRACT}\n\n" for n in range(5))

    records = read(f"{whole}Cut Title\n\n{ABSTRACT[:200]}")

    assert len([r for r in records if isinstance(r, PaperRecord)]) == 5
    assert any(isinstance(r, RejectedRecord) and "the file ends" in r.reason for r in records)


def test_a_file_cut_in_an_abstract_below_a_heading_loses_only_that_paper() -> None:
    whole = HEADER + "".join(f"### Title {n}\n\n{ABSTRACT}\n\n" for n in range(5))

    records = read(f"{whole}### Cut Title\n\n{ABSTRACT[:200]}")

    assert len([r for r in records if isinstance(r, PaperRecord)]) == 5
    assert any(isinstance(r, RejectedRecord) and r.cut for r in records)


def test_an_abstract_that_ends_oddly_within_the_file_is_kept() -> None:
    dump = "".join(f"Title {n}\n\n{ABSTRACT}\n\n" for n in range(5))

    assert len(drafts(f"{HEADER}Odd End\n\n{ABSTRACT[:-1]}\n\n{dump}")) == 6


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "unit",
    [
        "-",
        "(",
        "\\",
        "$",
        "[",
        "](",
        "· ",
        "[1]",
        "http://",
        "[](http://",
        "[x](http://y",
        "\n",
        "-\n",
        "a\n\n",
        "\x00",
        "May 1 ",
    ],
)
def test_hostile_repetition_ends_soon_and_is_refused(unit: str) -> None:
    dump = (unit * (100_000 // len(unit))).encode()

    HuggingFacePage().recognises(dump[:65_536], "x.txt")
    with pytest.raises(UnreadableDump):
        read(dump)


def test_a_line_over_the_cap_is_rejected_and_the_rest_is_read() -> None:
    records = read(f"{HEADER}Title\n\n{ABSTRACT}\n\n{'x' * 1_100_000}\n\nSecond\n\n{ABSTRACT}\n")

    assert RejectedRecord(15, "the line is longer than 1 MiB") in records
    assert len([r for r in records if isinstance(r, PaperRecord)]) == 2
