"""Reads the feeds of an OPML file (http://opml.org/spec2.opml), which is untrusted XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from larkpost.errors import UsageError
from larkpost.ingest.file_reader import open_regular
from larkpost.settings.polled_sources import (
    LONGEST_NAME,
    MOST_SOURCES,
    name_of_address,
    read_source_address,
)
from larkpost.text.normalize import one_line

LARGEST = 10_000_000  # bytes
_DEEPEST = 32
# A document type declares entities, which may expand a thousandfold ("billion laughs") or read
# files. No program needs one for OPML.
_DECLARED = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


class OpmlFeed(NamedTuple):
    """A feed of an OPML file: its name there, and its address."""

    name: str
    address: str


def _read_file(path: Path) -> bytes:
    try:
        with open_regular(path, follow=True) as file:
            body = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}") from error
    if len(body) > LARGEST:
        raise UsageError(
            f"{path.name} is larger than {LARGEST // 1_000_000} MB, so it is not a list of feeds"
        )
    return body


def read_opml(path: Path) -> list[OpmlFeed]:
    """Read the feeds of a file, each address once, each name once.

    Raises UsageError for a file that cannot be read, is no OPML, contains no feed, or declares a
    document type.
    """
    feeds = _with_unique_names(parse_opml(_read_file(path), one_line(path.name)))
    if not feeds:
        raise UsageError(
            f"{one_line(path.name)} has no feeds", hint="export the feeds again, as OPML"
        )
    return feeds


def parse_opml(body: bytes, name: str) -> Iterator[OpmlFeed]:
    """Return each feed of an OPML document; raises UsageError if it is none."""
    plain = body.replace(b"\0", b"") if b"\0" in body[:1000] else body  # UTF-16
    if _DECLARED.search(plain):
        raise UsageError(f"{name} has a document type, which is not read", hint="remove it")
    seen: set[str] = set()
    try:
        for element in _outlines(body, name):
            feed = _feed(element)
            if feed is not None and feed.address not in seen and len(seen) < MOST_SOURCES:
                seen.add(feed.address)
                yield feed
    except (ET.ParseError, ValueError) as error:
        raise UsageError(
            f"{name} is not complete OPML: {error}", hint="export the feeds again, as OPML"
        ) from error


def _outlines(body: bytes, name: str) -> Iterator[ET.Element]:
    """Yield each element when it begins, without storing it; raises UsageError for other text."""
    depth = 0
    for event, element in ET.iterparse(BytesIO(body), ("start", "end")):  # noqa: S314 - no DTD
        if event == "end":
            depth -= 1
            element.clear()
            continue
        depth += 1
        if depth > _DEEPEST or (depth == 1 and element.tag.lower() != "opml"):
            raise UsageError(f"{name} is not OPML", hint="export the feeds again, as OPML")
        yield element


def _feed(element: ET.Element) -> OpmlFeed | None:
    attributes = {key.lower(): value for key, value in element.attrib.items()}
    if element.tag.lower() != "outline" or not attributes.get("xmlurl"):
        return None
    try:
        address = read_source_address(attributes["xmlurl"])
    except ValueError:
        return None
    text = one_line(attributes.get("title") or attributes.get("text") or "")
    return OpmlFeed(text[:LONGEST_NAME].strip() or name_of_address(address), address)


def _with_unique_names(feeds: Iterator[OpmlFeed]) -> list[OpmlFeed]:
    names: set[str] = set()
    unique = []
    for feed in feeds:
        name = feed.name
        for number in range(2, MOST_SOURCES + 2):
            if name not in names:
                break
            ending = f" ({number})"
            name = f"{feed.name[: LONGEST_NAME - len(ending)]}{ending}"
        names.add(name)
        unique.append(OpmlFeed(name, feed.address))
    return unique
