"""A reader's feeds: all their papers or an interest's, at secret addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from starlette.exceptions import HTTPException

from larkpost.db import editions, feed_state, readers
from larkpost.domain import Edition, Interest, Reader
from larkpost.interfaces import FeedFormat
from larkpost.render.feeds import opml
from larkpost.render.feeds.channel import FeedDocuments, PickFilter, reader_channel
from larkpost.urls import FEED_TYPES, OPML_TYPE, feed_title, slugs
from larkpost.web.feeds.cache import Endpoint, RenderedFeed

if TYPE_CHECKING:
    from larkpost.db.engine import Connection
    from larkpost.db.feed_state import FeedEditions
    from larkpost.web.feeds.request import FeedRequest
    from larkpost.web.site import SiteContext

EDITIONS = 10  # in a feed, and in a page of its archive
MANY_ENTRIES = 250  # from which rendering takes a tenth of a second
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")  # PostgreSQL rejects a NUL
# A shared cache must not store it, because the address is secret; a private one may, and
# revalidates.
PRIVATE = "private, max-age=300"
PRIVATE_AND_FULL = "private, max-age=86400"  # an archive page: its entries never change
_PAGES = range(1, 1_000_000)


def _feed(site: SiteContext, asked: FeedRequest, connection: Connection) -> RenderedFeed:
    """Answer ``/feed/{key}.{rss|atom|json|opml}`` and the parts of it below ``/feed/{key}/``.

    404 for an unknown or renewed key, for a removed interest, and for an archive page that is not
    full.
    """
    parts, reader = asked.parts, _reader(asked, connection)
    if reader is None:
        raise HTTPException(404)
    if parts["form"] == "opml" and parts.keys() == {"key", "form"}:
        return _opml(site, reader)
    form, number = form_of(asked), parts.get("page")
    if number is not None and not asked.path.endswith(f"/archive/{number}.{form}"):
        raise HTTPException(404)  # "007": any number of addresses for one page
    view = PickFilter(_interest(reader, parts.get("interest")), asked.least)
    stands = _read_editions(connection, reader, number)
    documents = FeedDocuments(max(0, stands.total - 1) // EDITIONS, number)
    if number is not None and number > documents.pages:
        raise HTTPException(404)
    body = _write(site, _editions(connection, stands), reader, form, view, documents)
    caching = PRIVATE if number is None else PRIVATE_AND_FULL
    return RenderedFeed(body, type_of(form), caching, reader_id=reader.id)


def _is_large(asked: FeedRequest, connection: Connection) -> bool:
    """Return whether a feed has very many entries; 404 for an impossible page."""
    reader, number = _reader(asked, connection), asked.parts.get("page")
    if reader is None or asked.parts["form"] == "opml":
        return False
    stands = _read_editions(connection, reader, number)
    return feed_state.count_entries(connection, stands.editions) > MANY_ENTRIES


def _reader(asked: FeedRequest, connection: Connection) -> Reader | None:
    known = _KEY.fullmatch(asked.parts["key"])
    return readers.by_feed_key(connection, asked.parts["key"]) if known else None


def _read_editions(connection: Connection, reader: Reader, page: int | None) -> FeedEditions:
    if page is None:
        return feed_state.latest(connection, reader.id, EDITIONS)
    if page not in _PAGES:
        raise HTTPException(404)
    return feed_state.page(connection, reader.id, page, EDITIONS)


def _editions(connection: Connection, stands: FeedEditions) -> list[Edition]:
    found = editions.get_many(connection, stands.editions)
    return [found[edition_id] for edition_id in stands.editions]


def _write(
    site: SiteContext,
    shown: Sequence[Edition],
    reader: Reader,
    form: FeedFormat,
    view: PickFilter,
    documents: FeedDocuments,
) -> bytes:
    links, title = site.program.links, site.program.settings.site.title
    home = links.edition(shown[0]) if shown else links.front()
    channel = reader_channel(reader, home, links, form, title, view, documents)
    picked = [view.of(edition) for edition in shown]
    return site.program.renderer.feed(picked, form, reader=reader, channel=channel)


def _interest(reader: Reader, name: str | None) -> Interest | None:
    """Find an interest by its slug, or by its id, which always works."""
    if name is None:
        return None
    called = slugs(reader.interests)
    for interest in reader.interests:
        if name in {called[interest.id], str(interest.id)}:
            return interest
    raise HTTPException(404)


def _opml(site: SiteContext, reader: Reader) -> RenderedFeed:
    title = site.program.settings.site.title
    outlines = opml.reader_outlines(reader, site.program.links, title)
    body = opml.opml(feed_title(title, reader), outlines)
    return RenderedFeed(body, f"{OPML_TYPE}; charset=utf-8", PRIVATE, reader_id=reader.id)


def form_of(asked: FeedRequest) -> FeedFormat:
    """Read the requested format; 404 for an unknown one."""
    forms: dict[str, FeedFormat] = {form: form for form in get_args(FeedFormat)}
    if asked.parts["form"] not in forms:
        raise HTTPException(404)
    return forms[asked.parts["form"]]


def type_of(form: FeedFormat) -> str:
    """Return the media type of a format."""
    return f"{FEED_TYPES[form]}; charset=utf-8"


feed = Endpoint(_feed, is_large=_is_large)
