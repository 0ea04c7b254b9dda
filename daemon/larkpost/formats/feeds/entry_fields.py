"""Reads an entry of RSS or Atom into the fields of a paper, under the keys of our own JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from larkpost.formats.decoding import LONGEST_TITLE
from larkpost.formats.feeds.feed_dates import parse_day, parse_moment
from larkpost.formats.feeds.html_text import element_text, html_text
from larkpost.formats.feeds.xml_entries import XML_BASE, name_of
from larkpost.text.author_names import split_authors
from larkpost.text.normalize import shorten, squash
from larkpost.text.paper_names import paper_names
from larkpost.text.urls import is_web_address

if TYPE_CHECKING:
    from lxml.etree import _Element

LONGEST_TEXT = 5_000  # characters of an entry's text; some feeds contain whole articles
_LONGEST_MADE_TITLE = 120
_MOST_CHILDREN = 4_000  # more than the authors of a paper
_MOST_TAGS = 50
_TEXTS = (
    "description", "summary", "content:encoded", "content", "dc:description", "itunes:summary",
    "media:description", "tagline",
)  # fmt: skip  # one name per line would be longer than the function that reads them
_PUBLISHED = (
    "pubDate", "published", "issued", "dc:date", "prism:publicationDate", "dc:issued", "created",
    "dc:created", "updated", "modified", "dc:modified",
)  # fmt: skip  # as above
_SENTENCE = re.compile(r".{20,}?[.!?\u3002](?=\s|$)", re.DOTALL)
# "Nature, Published online: 06 August 2026; doi:10.1038/…" before the text in publishers' feeds
_CITATION = re.compile(r"\A[^\n]{1,200}?, Published online: [^;\n]{1,40};\s*(?:doi:)?10\.\S+\s*")
_PICTURES = re.compile(r"\.(?:png|jpe?g|gif|webp)(?:$|\?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EntryParts:
    """The children of an entry, in order, by name; ``media:group`` is expanded."""

    children: tuple[tuple[str, _Element], ...]
    base: str = ""  # the address of the feed's site, to which relative addresses refer

    @classmethod
    def of(cls, entry: _Element, base: str = "") -> EntryParts:
        """Collect the children of an entry, which may have its own base address (XML Base)."""
        own = entry.get(XML_BASE)
        return cls(tuple(islice(_children(entry), _MOST_CHILDREN)), _join(base, own or ""))

    def all(self, *names: str) -> list[_Element]:
        """Return the children with these names, in the order of the names."""
        return [child for wanted in names for name, child in self.children if name == wanted]

    def texts(self, *names: str) -> list[str]:
        """Return the non-empty texts of the children with these names, unchanged."""
        read = ((child.text or "").strip() for child in self.all(*names))
        return [text for text in read if text]

    def text(self, *names: str) -> str:
        """Return the first of these texts; empty if there is none."""
        return next(iter(self.texts(*names)), "")

    def values(self, name: str, attribute: str) -> list[str]:
        """Return an attribute of all children with a name."""
        read = (child.get(attribute) for child in self.all(name))
        return [value.strip() for value in read if value and value.strip()]

    def address(self, given: str) -> str | None:
        """Return an absolute web address; None if it is not one."""
        full = _join(self.base, given.strip().replace("&amp;", "&"))
        return full if is_web_address(full.replace(" ", "%20")) else None


def _join(base: str, address: str) -> str:
    """Resolve an address; empty if it or the base is invalid."""
    try:
        return urljoin(base, address) if base else address
    except ValueError:
        return ""


def _children(entry: _Element) -> Iterator[tuple[str, _Element]]:
    for child in entry:
        name = name_of(child)
        yield name, child
        if name == "media:group":
            yield from ((name_of(one), one) for one in child)


def entry_fields(parts: EntryParts) -> dict[str, Any]:
    """Read an entry of any feed: the keys are those of JSON Lines; missing ones are left out.

    Its text is its longest text, cut to ``LONGEST_TEXT``. Without a title, the beginning of its
    text is the title.
    """
    text = _text(parts)
    own, further = link_addresses(parts)
    day = next((day for one in parts.texts(*_PUBLISHED) if (day := parse_day(one))), None)
    moments = (parse_moment(one) for one in parts.texts(*_PUBLISHED))
    moment = next((moment for moment in moments if moment), None)
    names = paper_names([*parts.texts(*_IDS), *own])
    return {
        "title": title_of(parts) or make_title(text),
        "abstract": text,
        "also": [str(name) for name in names],
        "authors": authors_of(parts),
        "keywords": tags_of(parts),
        "published": day.isoformat() if day else None,
        "first_seen": moment.isoformat() if moment else None,
        "url": next(iter((*own, *further)), None),
        "links": list(dict.fromkeys((*own, *further)))[1:],
        "thumbnail": thumbnail_of(parts),
    }


_IDS = ("guid", "id", "prism:doi", "dc:identifier", "prism:url", "feedburner:origLink", "doi")


def title_of(parts: EntryParts) -> str:
    """Read the title; Atom's titles in HTML lose their markup."""
    for element in parts.all("title", "media:title", "dc:title", "itunes:title"):
        if title := _content(element):
            return squash(html_text(title)) if element.get("type") == "html" else title
    return ""


def make_title(text: str) -> str:
    """Make a title from the beginning of a text: its first sentence, or a reasonable part."""
    line = squash(text[:LONGEST_TITLE])
    sentence = _SENTENCE.match(line)
    title = sentence[0] if sentence else line
    if len(title) <= _LONGEST_MADE_TITLE:
        return title
    return title[:_LONGEST_MADE_TITLE].rpartition(" ")[0].rstrip(" ,;:") + "…"


def _text(parts: EntryParts) -> str:
    texts = [
        cut_text(_CITATION.sub("", html_text(_content(element)))) for element in parts.all(*_TEXTS)
    ]
    return max(texts, key=len, default="")


def cut_text(text: str) -> str:
    """Cut a text at a word to ``LONGEST_TEXT`` characters."""
    text = text.strip()
    if len(text) <= LONGEST_TEXT:
        return text
    return text[:LONGEST_TEXT].rsplit(None, 1)[0] + " …"


def _content(element: _Element) -> str:
    """Read text, or the markup that replaces text (Atom's ``xhtml``, RFC 4287, 3.1)."""
    return element_text(element) if len(element) else (element.text or "").strip()


def authors_of(parts: EntryParts) -> list[str]:
    """Read the authors: one from each of several fields, or all from a single field."""
    people = parts.all("author", "contributor")
    atom = islice((child for one in people for child in one), _MOST_CHILDREN)
    named = [one.text.strip() for one in atom if name_of(one) == "name" and one.text]
    if named:
        return [name for one in named for name in _one_or_many(one, len(named))]
    told = parts.texts("dc:creator") or parts.texts("author") or parts.texts("itunes:author")
    return [name for one in told for name in _one_or_many(one, len(told))]


def _one_or_many(text: str, of: int) -> Iterable[str]:
    plain = squash(html_text(text))
    return split_authors(plain) if of == 1 else (split_authors(plain) or [plain])[:1]


def tags_of(parts: EntryParts) -> list[str]:
    """Read categories, subjects and keywords, each once."""
    terms = [
        *(label or term for term, label in _categories(parts)),
        *parts.texts("dc:subject"),
        *(
            word
            for one in parts.texts("itunes:keywords", "media:keywords", "prism:keyword")
            for word in one.split(",")
        ),
    ]
    plain = (shorten(html_text(term), 100) for term in terms)
    return list(dict.fromkeys(filter(None, plain)))[:_MOST_TAGS]


def _categories(parts: EntryParts) -> Iterator[tuple[str, str]]:
    for element in parts.all("category"):
        yield element.get("term") or (element.text or "").strip(), element.get("label") or ""


def link_addresses(parts: EntryParts) -> tuple[list[str], list[str]]:
    """Return the addresses of an entry's own page, and those of its parts.

    Related links do not identify an entry, because it may be a text about a paper.
    """
    own, further = (
        [address for given in read(parts) if (address := parts.address(given))]
        for read in (_own_links, _further_links)
    )
    return list(dict.fromkeys(own)), list(dict.fromkeys(further))


def _own_links(parts: EntryParts) -> Iterator[str]:
    for link in parts.all("link"):
        if link.get("rel", "alternate") == "alternate":
            yield link.get("href") or link.text or ""
    yield from (
        guid.text or ""
        for guid in parts.all("guid")
        if guid.get("isPermaLink", "true").lower() != "false"
        and (guid.text or "").strip().startswith(("http://", "https://"))
    )


def _further_links(parts: EntryParts) -> Iterator[str]:
    links = parts.all("link")
    yield from (link.get("href", "") for link in links if link.get("rel") == "related")
    for one in parts.all("enclosure"):
        if not (one.get("type") or "").startswith("image/"):
            yield one.get("url", "")
    yield from (link.get("href", "") for link in links if link.get("rel") == "enclosure")


def thumbnail_of(parts: EntryParts) -> str | None:
    """Return the address of an entry's picture, which is never loaded."""
    given = [
        *parts.values("media:thumbnail", "url"),
        *(one.get("url", "") for one in parts.all("media:content") if _is_picture(one)),
        *parts.values("itunes:image", "href"),
        *(one.get("url", "") for one in parts.all("enclosure") if _is_picture(one)),
    ]
    return next((address for one in given if (address := parts.address(one))), None)


def _is_picture(element: _Element) -> bool:
    kind = element.get("type") or element.get("medium") or ""
    return kind.startswith("image") or bool(not kind and _PICTURES.search(element.get("url", "")))
