"""Public feeds: trending, the archive and its months, a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from larkpost.db import papers
from larkpost.db.search import find, query
from larkpost.domain import Paper
from larkpost.editions import archive_feed as edition_archive_feed
from larkpost.editions.trending import trending_edition
from larkpost.errors import UsageError
from larkpost.interfaces import FeedFormat
from larkpost.render.feeds.channel import (
    ARCHIVE,
    DAY,
    HOUR,
    SEARCH,
    TRENDING,
    Channel,
    public_channel,
)
from larkpost.text.normalize import shorten
from larkpost.web.feeds.cache import Endpoint, RenderedFeed
from larkpost.web.limits.rate_limit import LOOKING, MONTHS
from larkpost.web.reader.feeds import form_of, type_of

if TYPE_CHECKING:
    from larkpost.db.engine import Connection
    from larkpost.editions.archive_feed import Related
    from larkpost.urls import UrlBuilder
    from larkpost.web.feeds.request import FeedRequest
    from larkpost.web.site import SiteContext

ENTRIES = 50
TRENDING_ENTRIES = 20
ARCHIVE_ENTRIES = 200
MONTH_ENTRIES = 1000  # on a page: a month of a large site would be a feed of many megabytes
PUBLIC = "public, max-age=300"
PUBLIC_AND_FULL = "public, max-age=86400"  # of a month that is over
STEP = timedelta(minutes=5)  # how often trending papers are computed
LONGEST_NAME = 80
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)  # the date of a feed that never had an entry


def _start_of_step(now: datetime) -> datetime:
    """Round a moment down to a whole ``STEP`` since midnight (UTC)."""
    return now - (now - now.replace(hour=0, minute=0, second=0, microsecond=0)) % STEP


def _trending(site: SiteContext, asked: FeedRequest, connection: Connection) -> RenderedFeed:
    """Answer ``/trending.{rss|atom|json}``: the trending papers of today, the hottest first."""
    form, links = form_of(asked), site.program.links
    at = _start_of_step(site.clock().astimezone(UTC))
    edition = trending_edition(
        connection,
        at.date(),
        now=at,
        window=site.program.window,
        limit=TRENDING_ENTRIES,
        fewest=site.program.settings.web.thumb_count_step,
    )
    title = f"{site.program.settings.site.title}: popular here"
    own = links.trending(form)
    page = own.removesuffix(f".{form}")
    channel = public_channel(page, links.front(), own, title, TRENDING)
    shown = [judged.paper for judged in edition.papers]
    return _render_listing(site, asked, connection, channel, shown, at=at)


def _archive(site: SiteContext, asked: FeedRequest, connection: Connection) -> RenderedFeed:
    """Answer ``/archive.{rss|atom|json}``: the papers of the newest days, each day whole."""
    form, links = form_of(asked), site.program.links
    newest = papers.corpus(connection, limit=ARCHIVE_ENTRIES + 1)
    shown = _whole_days(newest, ARCHIVE_ENTRIES)
    title = f"{site.program.settings.site.title}: every new paper"
    home = links.archive()
    channel = public_channel(home, home, links.archive(form), title, ARCHIVE)
    related = edition_archive_feed.before_today(connection, len(shown))
    channel = channel._replace(related=_alternate_addresses(links, form, related))
    return _render_listing(site, asked, connection, channel, shown)


def _month(site: SiteContext, asked: FeedRequest, connection: Connection) -> RenderedFeed:
    """Answer ``/archive/{month}.{rss|atom|json}``: all its papers, newest first, 1,000 a page."""
    form, links, page = form_of(asked), site.program.links, asked.page
    try:
        month = edition_archive_feed.open_month(
            connection, asked.parts["month"], page=page, size=MONTH_ENTRIES
        )
    except UsageError:
        raise HTTPException(404) from None
    title = f"{site.program.settings.site.title}: every new paper"
    name = month.volume.span.name
    channel = public_channel(
        links.archive(), links.month(name), links.month(name, form, page), title, ARCHIVE
    )
    current = ("current", links.archive(form))
    related = (current, *_alternate_addresses(links, form, month.related))
    ttl = DAY if month.over else HOUR
    channel = channel._replace(archived=month.over, related=related, ttl=ttl)
    cache_control = PUBLIC_AND_FULL if month.over else PUBLIC
    found = _render_listing(site, asked, connection, channel, month.volume.papers)
    return replace(found, cache_control=cache_control)


def _alternate_addresses(
    links: UrlBuilder, form: FeedFormat, related: Related
) -> tuple[tuple[str, str], ...]:
    return tuple((relation, links.month(name, form, page)) for relation, name, page in related)


def _search(site: SiteContext, asked: FeedRequest, connection: Connection) -> RenderedFeed:
    """Answer ``/search.{rss|atom|json}?q=…``: the newest papers that a search finds."""
    form, links, words = form_of(asked), site.program.links, asked.words
    found = find.find(connection, query.parse(words), limit=ENTRIES, newest=True)
    name = shorten(words, LONGEST_NAME) or "every paper"
    home = links.search(words)
    channel = public_channel(
        home,
        home,
        links.search(words, form),
        f"{site.program.settings.site.title}: {name}",
        SEARCH,
    )
    return _render_listing(site, asked, connection, channel, found.papers)


def _render_listing(
    site: SiteContext,
    asked: FeedRequest,
    connection: Connection,
    channel: Channel,
    shown: Sequence[Paper],
    *,
    at: datetime | None = None,
) -> RenderedFeed:
    """Render the feed; thousands of requests share it.

    ``at`` is the time it is computed for, if it depends on time.
    """
    form = form_of(asked)
    since = papers.extent(connection).updated or _BEGINNING
    body = site.program.renderer.listing(shown, form, channel=channel, since=since)
    return RenderedFeed(body, type_of(form), PUBLIC, until=at + STEP if at else None)


def _whole_days(newest: Sequence[Paper], limit: int) -> Sequence[Paper]:
    """Leave out the last day if it was cut off, unless it is the only one."""
    if len(newest) <= limit:
        return newest
    cut_off = newest[-1].first_seen.date()
    whole = [paper for paper in newest if paper.first_seen.date() > cut_off]
    return whole or newest[:limit]


trending_feed = Endpoint(_trending)
archive_feed = Endpoint(_archive, measure=LOOKING)
month_feed = Endpoint(_month, measure=MONTHS)
search_feed = Endpoint(_search, measure=LOOKING)
