"""Tests captures of the papers page by real tools: thirty papers are read, or it is refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from tests.captures.expectations import (
    CUT,
    ONE_PAPER,
    REFUSED,
    SHOWN,
    Shows,
    check_papers,
    expected_paper,
    paper_read,
    read_capture,
)
from tests.captures.samples import FOLDER, sample_papers
from tests.captures.shapes import SHAPES, write_shape

from larkpost.domain import PaperRecord, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.huggingface import HuggingFacePage
from larkpost.formats.registry import DUMP_FORMATS

HEAD = 64 * 1024  # bytes by which a format is recognised


def stored(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


@pytest.mark.parametrize("name", SHOWN)
def test_all_thirty_papers_are_read_from_a_capture_and_nothing_else(name: str) -> None:
    check_papers(stored(name), SHOWN[name], sample_papers())


@pytest.mark.parametrize("name", [*SHOWN, *CUT])
def test_a_capture_is_recognised_by_the_source_of_the_page_alone(name: str) -> None:
    head = stored(name)[:HEAD]

    by = [source for source in DUMP_FORMATS if source.recognises(head, name)]

    assert [type(source) for source in by] == [HuggingFacePage]


@pytest.mark.parametrize("name", REFUSED)
def test_a_capture_without_titles_or_abstracts_is_refused_by_its_shape(name: str) -> None:
    with pytest.raises(UnreadableDump, match=REFUSED[name]) as refused:
        read_capture(stored(name))

    assert refused.value.hint


@pytest.mark.parametrize("name", ONE_PAPER)
def test_of_a_capture_with_one_paper_left_that_paper_is_read_or_none(name: str) -> None:
    with suppress(UnreadableDump):  # no mark of the page is left, so it may be refused as well
        check_papers(stored(name), ONE_PAPER[name], sample_papers()[:1])


@pytest.mark.parametrize("name", CUT)
def test_a_capture_cut_in_its_last_abstract_loses_that_abstract_at_most(name: str) -> None:
    *whole, last = sample_papers()
    shows = CUT[name]

    records = read_capture(stored(name))

    drafts = [paper_read(record, shows) for record in records if isinstance(record, PaperRecord)]
    assert drafts[:29] == [expected_paper(paper, shows) for paper in whole]
    for draft in drafts[29:]:
        assert draft.title == last.title
        assert expected_paper(last, shows).abstract.startswith(draft.abstract)
    rejected = [record for record in records if isinstance(record, RejectedRecord)]
    assert len(drafts[29:]) + len(rejected) == 1


def test_every_stored_capture_is_in_one_of_the_tables() -> None:
    folders = ("search", "daily", "shapes")
    files = [f"{folder}/{file.name}" for folder in folders for file in (FOLDER / folder).iterdir()]

    assert sorted([*SHOWN, *REFUSED, *ONE_PAPER, *CUT]) == sorted(files)


@pytest.mark.parametrize("name", [*SHAPES, *(cut.removeprefix("shapes/") for cut in CUT)])
def test_a_stored_shape_is_what_the_sample_papers_give(name: str) -> None:
    assert stored(f"shapes/{name}").decode() == write_shape(name)


def test_a_capture_shows_an_abstract_or_a_summary_but_not_both() -> None:
    assert not [name for name, shows in SHOWN.items() if Shows.ABSTRACT | Shows.SUMMARY in shows]
