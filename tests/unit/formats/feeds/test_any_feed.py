"""Tests any RSS and Atom: an entry becomes a paper, and hostile XML is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import pytest
from tests.helpers.dump_files import read_dump
from tests.helpers.timing import assert_grows_less_than, cpu_seconds

from larkpost.domain import DumpDate, Identifier, IngestWarning, PaperRecord, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.feeds.any_feed import AnyFeed

DUMPS = Path(__file__).parents[3] / "dumps"
RSS = '<?xml version="1.0"?>\n<rss version="2.0"><channel><title>F</title>{}</channel></rss>'


def read(body: str | bytes) -> list[object]:
    raw = body.encode() if isinstance(body, str) else body
    assert AnyFeed().recognises(raw[:65_536], "saved")
    return list(AnyFeed().read(BytesIO(raw)))


def only(item: str) -> PaperRecord:
    (paper,) = (one for one in read(RSS.format(item)) if isinstance(one, PaperRecord))
    return paper


def test_rss_of_a_journal_in_rdf_is_read() -> None:
    day, wicks = read_dump("journal.rdf", "feed")

    assert day == DumpDate(date(2026, 8, 7), 0)
    assert wicks == PaperRecord(
        title="Wicks & Flames: In vivo Light",
        abstract="We measure light in living wicks, and find more of it than there should be.",
        identifiers=(Identifier("doi", "10.1000/wick.1"),),
        authors=("Ada Lovett", "Bo Ek"),
        published=date(2026, 8, 6),
        first_seen=datetime(2026, 8, 6, tzinfo=UTC),
        url="https://journal.example.org/articles/1?af=R",
        keywords=("Optics",),
        line=9,
    )


def test_an_episode_without_a_page_leads_to_its_recording() -> None:
    episode, _ = read_dump("podcast.rss", "feed")

    assert isinstance(episode, PaperRecord)
    assert episode.url == "https://talk.example.org/12.mp3"
    assert episode.authors == ("Ada Lovett",)
    assert episode.abstract == "Ada asks three engineers why routers flicker & what to do."
    assert episode.thumbnail == "https://talk.example.org/12.jpg"
    assert episode.keywords == ("routers", "flicker")
    assert episode.identifiers == ()


def test_an_entry_without_a_title_is_called_by_its_first_sentence() -> None:
    _, note = read_dump("podcast.rss", "feed")

    assert isinstance(note, PaperRecord)
    assert note.title == "A note without a title."
    assert note.abstract.endswith("then another.")  # and no script
    assert note.url == "https://talk.example.org/notes/7"
    assert note.authors == ("Ada Lovett",)
    assert (note.published, note.first_seen) == (None, None)


def test_what_a_post_is_about_does_not_name_the_post() -> None:
    _, post = read_dump("blog.atom", "feed")

    assert isinstance(post, PaperRecord)
    assert post.identifiers == ()
    assert post.links == ("https://arxiv.org/abs/2608.04001v1",)
    assert post.title == "Reading Lanterns at Night"
    assert post.abstract == "I read the paper by one candle. It was enough."


@pytest.mark.parametrize(
    ("item", "names"),
    [
        ("<link>https://arxiv.org/abs/2608.04001v2</link>", ["arxiv:2608.04001"]),
        ("<link>https://huggingface.co/papers/2608.04001</link>", ["arxiv:2608.04001"]),
        ('<guid isPermaLink="false">doi:10.1000/182</guid>', ["doi:10.1000/182"]),
        ("<link>https://x.example/doi/full/10.1000/182?af=R</link>", ["doi:10.1000/182"]),
        (
            "<link>https://www.biorxiv.org/content/10.1101/2026.08.01.123456v1?rss=1</link>",
            ["doi:10.1101/2026.08.01.123456"],
        ),
        ("<link>https://www.nature.com/articles/s41586-026-1-x</link>", []),
        (
            "<link>https://www.nature.com/articles/s41586-026-01234-x</link>",
            ["doi:10.1038/s41586-026-01234-x"],
        ),
        ("<guid>tag:x,2026:1</guid><link>https://x.example/1</link>", []),
    ],
)
def test_names_are_found_in_ids_and_in_the_address_of_the_page(item: str, names: list[str]) -> None:
    assert [str(one) for one in only(f"<item><title>T</title>{item}</item>").identifiers] == names


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("AT&T &nbsp;and p < 0.05", "AT&T and p < 0.05"),
        ("<![CDATA[Fish &amp; Chips]]>", "Fish & Chips"),
        ("&lt;i&gt;In vivo&lt;/i&gt;", "In vivo"),
        ("Caf&eacute; &#233;&#0;", "Café é"),
        ("Training with &lt;SEP&gt;", "Training with <SEP>"),
    ],
)
def test_titles_are_clean_however_they_were_escaped(title: str, plain: str) -> None:
    assert only(f"<item><title>{title}</title></item>").title == plain


def test_a_long_article_is_cut_at_a_word() -> None:
    text = only(f"<item><title>T</title><description>{'word ' * 20_000}</description></item>")

    assert text.abstract.endswith("word …")
    assert len(text.abstract) <= 5_002


def test_other_encodings_are_read() -> None:
    latin = '<?xml version="1.0" encoding="ISO-8859-1"?><rss><item><title>Café</title></item></rss>'
    wide = '<?xml version="1.0" encoding="UTF-16"?><rss><item><title>Café</title></item></rss>'
    lie = '<?xml version="1.0" encoding="UTF-8"?><rss><item><title>Café</title></item></rss>'

    for body in (latin.encode("latin-1"), wide.encode("utf-16"), lie.encode("cp1252")):
        assert [one.title for one in read(body) if isinstance(one, PaperRecord)] == ["Café"]


def test_a_prefix_of_the_namespace_makes_no_difference() -> None:
    body = (
        '<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:title>A</a:title></a:entry>'
        "</a:feed>"
    )

    assert read(body) == [PaperRecord("A", line=1)]


def test_relative_addresses_belong_to_the_site_of_the_feed() -> None:
    body = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><link rel="self" href="https://f.example/a"/>'
        '<link href="https://x.example/blog/"/><entry><title>A</title><link href="1"/></entry>'
        '<entry><title>B</title><link href="javascript:alert(1)"/></entry></feed>'
    )

    assert read(body) == [
        PaperRecord("A", url="https://x.example/blog/1", line=1),
        PaperRecord("B", line=1),
    ]


def test_an_empty_feed_is_said_to_have_no_papers() -> None:
    assert read(RSS.format("")) == [IngestWarning(0, "the feed has no entries: 0 papers")]


def test_a_feed_cut_off_within_an_entry_keeps_what_came_before() -> None:
    whole = RSS.format("<item><title>A</title></item>\n<item><title>B is cut off</title></item>")
    first, cut = read(whole[: whole.index(" off")])

    assert first == PaperRecord("A", line=2)
    assert cut == RejectedRecord(
        3, "the file ends in the middle of this entry", "B is cut", cut=True
    )
    assert isinstance(cut, RejectedRecord)
    assert cut.cut


def test_broken_xml_is_read_as_far_as_it_is_and_said_to_be_broken() -> None:
    paper, warning = read(RSS.format("<item><title>A</titel></item>"))

    assert isinstance(paper, PaperRecord)
    assert paper.title == "A"
    assert isinstance(warning, IngestWarning)
    assert warning.text.startswith("not well-formed XML (Opening and ending tag mismatch")


def test_a_document_type_without_entities_is_passed_over() -> None:
    body = (
        '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://dtd.example/rss-0.91.dtd">'
        '<rss version="0.91"><channel><item><title>A</title></item></channel></rss>'
    )

    assert read(body) == [PaperRecord("A", line=1)]


@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY % a SYSTEM "http://127.0.0.1:9/x.dtd">%a;',
    ],
)
def test_a_feed_that_declares_entities_is_refused(declared: str) -> None:
    body = f"<!DOCTYPE rss [{declared}]><rss><item><title>&a;</title></item></rss>"

    with pytest.raises(UnreadableDump, match="declares entities"):
        read(body)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("<rss>" + "<a>" * 1_000, "nested too deeply"),
        ("<rss><item><title>" + "x" * 3_000_000 + "</title></item></rss>", "too large"),
        ("<rss><item>" + "<a>x</a>" * 1_100_000 + "</item></rss>", "larger than 8 MiB"),
        ("<rss " + "a='1' " * 500_000 + "/>", "too large"),
        ("<rss>" + "<a\t" * 200 + ">", "do not end"),
        ("<rss>" + "</a " * 200_000 + ">", "do not end"),  # over several pieces
        ("<rss><item><author>A</author></item></rss>", "it has no title"),
    ],
)
def test_what_no_feed_is_is_refused_by_why(body: str, why: str) -> None:
    with pytest.raises(UnreadableDump, match=why):
        read(body)


def test_tags_that_do_not_end_take_no_more_time_than_their_length() -> None:
    """The parser looks for the end of a tag anew from each "<", so that many took hours."""
    head = "<rss><item><title>A paper of words</title></item>"

    def seconds(size: int) -> float:
        body = head + ("<a\t" * 90 + ">") * (size // 271)
        return cpu_seconds(lambda: read(body), rounds=3)

    assert_grows_less_than(lambda: seconds(240_000) / seconds(120_000), 3.0)
    with pytest.raises(UnreadableDump, match="do not end"):
        read(head + "<a\t" * 700_000 + ">")  # hours
