"""Tests the feeds of an OPML file, which may be hostile XML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from larkpost.errors import UsageError
from larkpost.fetch.opml import OpmlFeed, parse_opml, read_opml

if TYPE_CHECKING:
    from pathlib import Path

MINIFLUX = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>Miniflux</title></head><body>
<outline text="Papers">
 <outline title="A Blog" text="A Blog" xmlUrl="https://a.example/feed.xml"
 htmlUrl="https://a.example"/> <outline text="A Blog" type="rss"
 xmlUrl="https://b.example/rss?k=1&amp;l=2"></outline> <outline text="again"
 xmlUrl="https://a.example/feed.xml"/> <outline text="odd" xmlUrl="javascript:alert(1)"/> <outline
 text="no feed" htmlUrl="https://c.example"/> <outline XMLURL="https://d.example/atom/"/>
</outline></body></opml>"""


def test_each_feed_is_read_once_whatever_folder_it_lies_in(tmp_path: Path) -> None:
    file = tmp_path / "feeds.opml"
    file.write_bytes(MINIFLUX)

    assert read_opml(file) == [
        OpmlFeed("A Blog", "https://a.example/feed.xml"),
        OpmlFeed("A Blog (2)", "https://b.example/rss?k=1&l=2"),
        OpmlFeed("d.example/atom", "https://d.example/atom/"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><opml>&b;</opml>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><opml>&a;</opml>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY a "a">]><opml/>'.encode(
            "utf-16"
        ),
        b"<rss><channel/></rss>",
        b"no xml at all",
        b"",
        b"<opml>" + b"<outline>" * 100_000,
        b"<opml><body><outline",
    ],
)
def test_what_is_dangerous_damaged_or_no_opml_is_refused(body: bytes) -> None:
    with pytest.raises(UsageError):
        list(parse_opml(body, "feeds.opml"))


def test_a_file_without_a_feed_or_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.opml").write_bytes(b"<opml><body/></opml>")

    for name, words in (("none.opml", "has no feeds"), ("gone.opml", "there is no file")):
        with pytest.raises(UsageError, match=words):
            read_opml(tmp_path / name)
