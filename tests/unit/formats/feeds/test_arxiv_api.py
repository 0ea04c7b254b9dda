"""Tests responses of arXiv's API: versions, comments, journals, errors that look like papers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from tests.helpers.dump_files import read_dump
from tests.unit.formats.feeds.test_arxiv_announcements import CANDLES, LANTERNS

from larkpost.domain import DumpDate, Identifier, IngestWarning, PaperRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.feeds.arxiv_api import ArxivApi

DUMPS = Path(__file__).parents[3] / "dumps"


def test_every_field_of_an_entry_is_taken() -> None:
    day, lanterns, candles, strings = read_dump("arxiv-api.atom", "arxiv-api")

    assert day == DumpDate(date(2026, 8, 7), 0)
    assert lanterns == replace(
        LANTERNS,
        authors=("Ada Lovett", "Cy Dormer"),
        categories=("cs.LG", "cs.CL"),  # the primary one first
        published=date(2026, 8, 5),
        comment="12 pages, 3 figures. Code: https://github.com/example/lanterns.",
        links=("https://github.com/example/lanterns",),
    )
    assert candles == replace(CANDLES, published=date(2026, 5, 21), came_out=date(2026, 5, 21))
    assert isinstance(strings, PaperRecord)
    assert strings.identifiers == (Identifier("arxiv", "hep-th/9901001"),)
    assert strings.came_out is None  # a first version that was asked for


def test_an_error_of_the_api_is_refused_in_its_words() -> None:
    with pytest.raises(UnreadableDump, match=r"incorrect id format for 1234\.1234") as refused:
        read_dump("arxiv-api-error.atom", "arxiv-api")

    assert refused.value.hint


def test_an_answer_without_entries_is_said_to_have_no_papers() -> None:
    text = (DUMPS / "arxiv-api.atom").read_text()
    empty = text[: text.index("<entry>")] + "</feed>"

    assert ArxivApi().recognises(empty.encode(), "x")
    (warning,) = ArxivApi().read(BytesIO(empty.encode()))
    assert warning == IngestWarning(0, "no paper matches the query: 0 papers")
