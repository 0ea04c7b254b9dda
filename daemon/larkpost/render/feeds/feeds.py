"""Renders feeds as RSS 2.0, Atom 1.0 (RFC 4287) or JSON Feed 1.1."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from html import escape
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from xml.sax.saxutils import escape as escape_xml

from larkpost.domain import Edition, Paper, Reader
from larkpost.interfaces import FeedFormat
from larkpost.render.feeds import json_feed
from larkpost.render.feeds.channel import Channel, plain_channel
from larkpost.render.feeds.edition_cache import EditionCache
from larkpost.render.feeds.entries import (
    FeedEdition,
    FeedEntry,
    dates_of,
    entries_of,
    issue_of,
    notices_of,
)
from larkpost.render.template_fragments import Fragment, cut, gap
from larkpost.render.templates import environment, why_html
from larkpost.urls import FEED_TYPES

if TYPE_CHECKING:
    from larkpost.render.page_urls import PageUrls
    from larkpost.render.paper_links import PaperLinks
    from larkpost.render.presenters import Facts

Xml = Literal["rss", "atom"]

CACHED_ENTRIES = 8192
CACHED_HEADS = 64

_ITEMS = re.compile(r"<(item|entry)>.*?</\1>", re.DOTALL)
# feedgen changes the locale of the process for a moment while it writes a date.
_ONE_AT_A_TIME = Lock()


class Key(NamedTuple):
    """The part of an entry that readers share, except for the names of its gaps."""

    form: Xml
    facts: Facts
    published: datetime
    updated: datetime
    personal: bool


class Feeds:
    """Renders feeds.

    Pure: the same editions give the same bytes, so that an ETag can be a hash of them. feedgen
    writes every entry once, with gaps for the reader's own values; filled entries of an edition are
    cached, and a feed is a join of them.
    """

    def __init__(self, links: PageUrls, papers: PaperLinks, *, title: str) -> None:
        self._links = links
        self._papers = papers
        self._title = title
        self._item = environment("feeds").get_template("item.html")
        self._head = lru_cache(CACHED_HEADS)(self._set_head)
        self._entry = lru_cache(CACHED_ENTRIES)(self._set_entry)
        self._kept = EditionCache(self._set_edition)

    def feed(
        self,
        editions: Sequence[Edition],
        form: FeedFormat,
        *,
        reader: Reader | None = None,
        channel: Channel | None = None,
    ) -> bytes:
        """Render the feed of one reader.

        A paper picked twice appears once, where it was picked last. Editions come newest first.
        Raises ValueError if there is neither edition nor reader.
        """
        if reader is None:
            if not editions:
                raise ValueError("a feed needs an edition or a reader")
            reader = editions[0].reader
        items: dict[str, bytes] = {}
        for edition in editions:
            for uid, item in self._edition(edition, form):
                items.setdefault(uid, item)
        dates = (date for edition in editions for date in dates_of(edition))
        updated = max(dates, default=reader.created)
        if channel is None:
            home = self._links.edition(editions[0]) if editions else self._links.front()
            channel = plain_channel(reader, home, self._links, form, self._title)
        return self._document(form, channel, updated, items.values())

    def listing(
        self,
        papers: Iterable[Paper],
        form: FeedFormat,
        *,
        channel: Channel,
        since: datetime,
    ) -> bytes:
        """Render a public feed, its papers in this order.

        ``since`` is when the feed was updated if it has no papers.
        """
        entries = list(notices_of(papers, self._papers))
        updated = max((entry.updated for entry in entries), default=since)
        items = [self._set(form, entry) for entry in entries]
        return self._document(form, channel, updated, items)

    def _document(
        self, form: FeedFormat, channel: Channel, updated: datetime, items: Collection[bytes]
    ) -> bytes:
        if form == "json":
            return json_feed.document(channel, self._title, items)
        head = self._head(form, updated.replace(microsecond=0), channel.ttl)
        return b"".join(
            head.fill(
                {
                    "id": channel.id.encode(),
                    "title": escape_xml(channel.title).encode(),
                    "description": escape_xml(channel.description).encode(),
                    "home": _attribute(channel.home),
                    "itself": _attribute(channel.itself),
                    "history": _history(form, channel),
                    "entries": b"\n".join(items),
                }
            )
        )

    def _edition(self, edition: Edition, form: FeedFormat) -> Sequence[tuple[str, bytes]]:
        if not edition.id:  # a draft, without a final id
            return self._set_edition(FeedEdition((), edition), form)
        return self._kept.entries(issue_of(edition), form)

    def _set_edition(self, issue: FeedEdition, form: FeedFormat) -> Sequence[tuple[str, bytes]]:
        entries = entries_of(issue.edition, self._links, self._papers)
        return [(entry.uid, self._set(form, entry)) for entry in entries]

    def _set(self, form: FeedFormat, entry: FeedEntry) -> bytes:
        return self._json_item(entry) if form == "json" else self._xml_item(form, entry)

    def _xml_item(self, form: Xml, entry: FeedEntry) -> bytes:
        personal = entry.reason is not None
        fragment = self._entry(Key(form, entry.facts, entry.published, entry.updated, personal))
        return b"".join(
            fragment.fill(
                {
                    "guid": entry.guid.encode(),
                    "link": _attribute(entry.link),
                    "why": escape_xml(_why(entry)).encode(),
                    "up": escape_xml(escape(entry.up)).encode(),
                    "down": escape_xml(escape(entry.down)).encode(),
                }
            )
        )

    def _set_entry(self, key: Key) -> Fragment:
        feed = _generator(key.form, self._title, key.updated)
        content = self._content(key.facts, personal=key.personal)
        _add(feed, key.facts, content, published=key.published, updated=key.updated)
        item = _ITEMS.search(_write(feed, key.form))
        if item is None:
            raise AssertionError("feedgen wrote no entry")
        return cut(_with_related(item[0], key.facts.link) if key.form == "atom" else item[0])

    def _set_head(self, form: Xml, updated: datetime, ttl: int) -> Fragment:
        """Write a feed without entries, and open gaps for them and for its history at its end."""
        feed = _generator(form, self._title, updated)
        feed.ttl(ttl)  # RSS has it, Atom does not
        text = _write(feed, form)
        end = text.rindex("</channel>" if form == "rss" else "</feed>")
        return cut(f"{text[:end]}{gap('history')}\n{gap('entries')}\n{text[end:]}\n")

    def _json_item(self, entry: FeedEntry) -> bytes:
        content = cut(self._content(entry.facts, personal=entry.reason is not None))
        gaps = {
            "why": _why(entry).encode(),
            "up": escape(entry.up).encode(),
            "down": escape(entry.down).encode(),
        }
        return json_feed.item(entry, b"".join(content.fill(gaps)).decode())

    def _content(self, facts: Facts, *, personal: bool) -> str:
        read = self._papers.read(facts)
        return self._item.render(asdict(facts), personal=personal, read=read).rstrip()


def _generator(form: Xml, author: str, updated: datetime) -> Any:
    # feedgen has no types; it and lxml take longer to import than most commands run.
    from feedgen.feed import FeedGenerator  # type: ignore[import-untyped]

    feed = FeedGenerator()
    feed.load_extension("dc", atom=False)
    feed.id(gap("id"))
    feed.title(gap("title"))
    feed.description(gap("description"))
    feed.author({"name": author})
    feed.generator("Larkpost")
    feed.language("en")
    feed.updated(updated)
    # RSS takes the last link as the channel's own, so the alternate one comes last.
    feed.link(href=gap("itself"), rel="self", type=FEED_TYPES[form])
    feed.link(href=gap("home"), rel="alternate", type="text/html")
    return feed


def _add(feed: Any, facts: Facts, content: str, *, published: datetime, updated: datetime) -> None:
    """Add an entry at the end, with every date: for a missing one feedgen takes the present."""
    entry = feed.add_entry(order="append")
    entry.id(gap("guid"))
    entry.title(facts.title)
    entry.link(href=gap("link"))
    entry.content(content, type="html")
    entry.published(published)
    entry.updated(updated)
    if facts.authors:  # RSS has authors only with a mail address; Dublin Core does without
        entry.author([{"name": name} for name in facts.authors])
        entry.dc.dc_creator(list(facts.authors))
    entry.category([{"term": term} for term in facts.categories])


def _with_related(item: str, href: str) -> str:
    """Put the paper's own link after that to its page (RFC 4287 section 4.2.7.2).

    feedgen leaves ``rel`` out of the links of entries. In RSS an item has one link.
    """
    page = f'<link href="{gap("link")}"/>'
    related = f'<link rel="related" href="{_attribute(href).decode()}"/>'
    return item.replace(page, page + related, 1) if href else item


def _write(feed: Any, form: Xml) -> str:
    with _ONE_AT_A_TIME:
        written: bytes = feed.rss_str() if form == "rss" else feed.atom_str()
    return written.decode()


def _history(form: Xml, channel: Channel) -> bytes:
    """Write the links between the documents of a feed (RFC 5005 sections 2 and 4)."""
    tag = "atom:link" if form == "rss" else "link"
    lines = [b""] + [
        b'<%s rel="%s" href="%s" type="%s"/>'
        % (tag.encode(), relation.encode(), _attribute(href), FEED_TYPES[form].encode())
        for relation, href in channel.related
    ]
    if channel.archived:
        lines.append(b'<fh:archive xmlns:fh="http://purl.org/syndication/history/1.0"/>')
    return b"\n".join(lines) if len(lines) > 1 else b""


def _why(entry: FeedEntry) -> str:
    return " · ".join(why_html(entry.reason)) if entry.reason else ""


def _attribute(text: str) -> bytes:
    return escape_xml(text, {'"': "&quot;"}).encode()
