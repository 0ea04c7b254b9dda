"""arXiv's daily announcements: announce types, versions, and days without any."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from tests.helpers.dump_files import read_dump

from larkpost.domain import DumpDate, Identifier, IngestWarning, PaperRecord
from larkpost.formats.feeds.arxiv_announcements import ArxivAnnouncements
from larkpost.formats.feeds.arxiv_fields import came_out, month_of

DUMPS = Path(__file__).parents[3] / "dumps"
LANTERNS = PaperRecord(
    title="Lanterns: Lighting Sparse Experts One at a Time",
    abstract=(
        "We light one expert at a time and ask the next only when the first is unsure. On six "
        "benchmarks the router answers as well as a dense model (p < 0.05), with a third of the "
        "arithmetic."
    ),
    identifiers=(Identifier("arxiv", "2608.04001"),),
    authors=("Ada Lovett", "Bo Ek Jr.", "Cy Dormer"),
    categories=("cs.CL", "cs.LG"),
    published=date(2026, 8, 7),
    url="https://arxiv.org/abs/2608.04001",
    version=1,
)
CANDLES = PaperRecord(
    title="Candles, Revisited",
    abstract="Candles burn at both ends. In this version we also measure the middle.",
    identifiers=(Identifier("arxiv", "2605.09999"), Identifier("doi", "10.1000/candle.2026.17")),
    authors=("Flo Wick", "Gus Tallow"),
    categories=("cs.CL",),
    url="https://arxiv.org/abs/2605.09999",
    journal_ref="Journal of Candles 12 (2026) 17-31",
    version=3,
    came_out=date(2026, 5, 1),
)


def test_rss_gives_the_day_and_each_paper_with_its_announce_type_told_apart() -> None:
    day, lanterns, quills, rivers, candles, shadows = read_dump("arxiv-feed.rss", "arxiv-feed")

    assert day == DumpDate(date(2026, 8, 7), 0)
    assert lanterns == LANTERNS
    assert candles == CANDLES
    assert isinstance(quills, PaperRecord)
    assert (quills.came_out, quills.published) == (None, None)  # a cross-list of today's paper
    assert isinstance(rivers, PaperRecord)
    assert rivers.came_out == date(2025, 3, 1)  # a cross-list of an old one
    assert isinstance(shadows, PaperRecord)
    assert (shadows.came_out, shadows.version) == (date(2026, 4, 1), 2)
    assert shadows.categories == ("cs.CV", "cs.CL")


def test_atom_tells_the_same_as_rss() -> None:
    day, *records = read_dump("arxiv-feed.atom", "arxiv-feed")

    assert day == DumpDate(date(2026, 8, 7), 0)
    assert records == [LANTERNS, CANDLES]


def test_a_day_without_announcements_is_said_to_have_no_papers() -> None:
    (warning,) = read_dump("arxiv-weekend.rss", "arxiv-feed")

    assert isinstance(warning, IngestWarning)
    assert warning.text.startswith("arXiv's feed has no entries: 0 papers")


@pytest.mark.parametrize(
    ("kind", "number", "out"),
    [
        ("new", "2608.04001", None),
        ("new", "2503.01234", None),
        ("cross", "2608.03977", None),
        ("cross", "2607.03977", None),
        ("cross", "2605.03977", date(2026, 5, 1)),
        ("replace", "2605.03977", date(2026, 5, 1)),
        ("replace-cross", "hep-th/9901001", date(1999, 1, 1)),
        ("absonly", "2503.01234", date(2025, 3, 1)),
        ("replace", "2608.04001", date(2026, 7, 8)),  # out of reach of what is new
        ("replace", "", date(2026, 7, 8)),
    ],
)
def test_what_was_out_before_is_dated_back(kind: str, number: str, out: date | None) -> None:
    assert came_out(kind, number, date(2026, 8, 7)) == out


@pytest.mark.parametrize("number", ["", "2613.00001", "x", "hep-th/9913001", "260"])
def test_a_number_without_a_month_tells_none(number: str) -> None:
    assert month_of(number) is None


def test_the_announce_type_is_read_from_the_summary_where_it_has_no_element() -> None:
    text = (DUMPS / "arxiv-feed.rss").read_text()
    bare = "\n".join(line for line in text.splitlines() if "announce_type>" not in line)

    records = list(ArxivAnnouncements().read(BytesIO(bare.encode())))

    papers = [one for one in records if isinstance(one, PaperRecord)]
    assert [one.came_out is None for one in papers] == [True, True, False, False, False]


def test_the_feeds_of_arxiv_until_2024_are_read() -> None:
    body = """<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
     xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
    <channel rdf:about="http://export.arxiv.org/rss/cs.CL"><title>cs.CL updates on arXiv.org</title>
    <link>http://export.arxiv.org/rss/cs.CL</link><dc:date>2023-02-03T20:30:00-05:00</dc:date></channel>
    <item rdf:about="http://arxiv.org/abs/2301.00001">
    <title>Lanterns. (arXiv:2301.00001v2 [cs.CL] UPDATED)</title>
    <link>http://arxiv.org/abs/2301.00001</link>
    <description>&lt;p&gt;We light.&lt;/p&gt;</description>
    <dc:creator>&lt;a href="x"&gt;Ada Lovett&lt;/a&gt;, Bo Ek</dc:creator>
    </item></rdf:RDF>"""

    assert ArxivAnnouncements().recognises(body.encode(), "x")
    day, paper = ArxivAnnouncements().read(BytesIO(body.encode()))

    assert day == DumpDate(date(2023, 2, 3), 0)
    assert paper == PaperRecord(
        title="Lanterns",
        abstract="We light.",
        identifiers=(Identifier("arxiv", "2301.00001"),),
        authors=("Ada Lovett", "Bo Ek"),
        url="https://arxiv.org/abs/2301.00001",
        line=5,
        came_out=date(2023, 1, 1),
    )


def test_a_feed_that_only_links_to_arxiv_is_not_its_announcements() -> None:
    text = (DUMPS / "blog.atom").read_text().replace("Short.", "See http://rss.arxiv.org/rss/cs.CL")

    assert not ArxivAnnouncements().recognises(text.encode(), "blog.atom")
