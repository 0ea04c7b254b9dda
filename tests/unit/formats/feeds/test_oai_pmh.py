"""Tests responses of OAI-PMH: three metadata formats, deleted records, tokens and errors."""

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
from larkpost.formats.feeds.oai_pmh import OaiPmh

DUMPS = Path(__file__).parents[3] / "dumps"
ERROR = (
    '<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    '<responseDate>2026-08-07T00:00:00Z</responseDate><error code="{}">{}</error></OAI-PMH>'
)


def test_the_arxiv_format_gives_papers_and_counts_what_was_deleted() -> None:
    day, lanterns, candles, deleted = read_dump("oai-arxiv.xml", "oai-pmh")

    assert day == DumpDate(date(2026, 8, 7), 0)
    assert lanterns == replace(
        LANTERNS,
        authors=("Ada Lovett", "Bo Ek Jr"),
        published=date(2026, 8, 5),
        comment="12 pages. Code: https://github.com/example/lanterns",
        links=("https://github.com/example/lanterns",),
        version=None,
    )
    assert candles == replace(
        CANDLES,
        authors=("Flo Wick",),
        published=date(2026, 5, 21),
        came_out=date(2026, 5, 21),
        version=None,
    )
    assert deleted == IngestWarning(0, "1 record deleted by the repository; left out")


def test_arxiv_raw_counts_the_versions() -> None:
    _, candles = read_dump("oai-arxivraw.xml", "oai-pmh")

    assert isinstance(candles, PaperRecord)
    assert (candles.version, candles.published) == (2, date(2026, 5, 21))
    assert candles.authors == ("Flo Wick", "Gus Tallow")
    assert candles.came_out == date(2026, 5, 21)


def test_dublin_core_tells_the_abstract_from_the_comment() -> None:
    _, lanterns = read_dump("oai-dc.xml", "oai-pmh")

    assert lanterns == PaperRecord(
        title=LANTERNS.title,
        abstract="We light one expert at a time.",
        identifiers=(Identifier("arxiv", "2608.04001"), Identifier("doi", "10.1000/lantern.1")),
        authors=("Ada Lovett", "Cy Dormer"),
        published=date(2026, 8, 5),
        url="https://arxiv.org/abs/2608.04001",
        keywords=("Computer Science - Computation and Language",),
        comment="12 pages",
    )


def test_that_nothing_matches_is_no_error() -> None:
    body = ERROR.format("noRecordsMatch", "The combination of arguments results in an empty list")

    assert OaiPmh().recognises(body.encode(), "x")
    assert list(OaiPmh().read(BytesIO(body.encode()))) == [
        DumpDate(date(2026, 8, 7), 0),
        IngestWarning(0, "the answer has no records: 0 papers"),
    ]


@pytest.mark.parametrize("code", ["badArgument", "badResumptionToken", "cannotDisseminateFormat"])
def test_another_error_is_refused_by_its_name(code: str) -> None:
    body = ERROR.format(code, "Not like this")

    with pytest.raises(UnreadableDump, match=f"{code}: Not like this"):
        list(OaiPmh().read(BytesIO(body.encode())))
