"""Lists feeds in OPML 2.0 (http://opml.org/spec2.opml), for feed programs to import."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from xml.etree import ElementTree as ET

from larkpost.domain import Reader
from larkpost.urls import UrlBuilder, feed_title


class Outline(NamedTuple):
    """A feed to subscribe to: its name, its address and the page it belongs to."""

    text: str
    feed: str
    page: str


def reader_outlines(reader: Reader, links: UrlBuilder, title: str) -> list[Outline]:
    """List a reader's feeds: all their papers, then each interest if there are several.

    ``title`` is the site's title.
    """
    home = links.front()
    outlines = [Outline(feed_title(title, reader), links.feed(reader, "atom"), home)]
    if len(reader.interests) > 1:
        outlines += [
            Outline(
                feed_title(title, reader, interest),
                links.feed(reader, "atom", interest=interest),
                home,
            )
            for interest in reader.interests
        ]
    return outlines


def opml(title: str, outlines: Iterable[Outline]) -> bytes:
    """Write the list; ``type`` is rss for every kind of feed, as the specification has it."""
    root = ET.Element("opml", version="2.0")
    head = ET.SubElement(root, "head")
    ET.SubElement(head, "title").text = title
    ET.SubElement(head, "docs").text = "http://opml.org/spec2.opml"
    body = ET.SubElement(root, "body")
    for one in outlines:
        shown = {"type": "rss", "text": one.text, "title": one.text}
        ET.SubElement(body, "outline", {**shown, "xmlUrl": one.feed, "htmlUrl": one.page})
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written + b"\n"
