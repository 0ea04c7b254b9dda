"""The feed cache: answers at once while the database is unchanged, else reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from larkpost.db.coordination.change_token import ChangeToken
from larkpost.errors import UsageError
from larkpost.web.client_ip import network
from larkpost.web.feeds.conditional import etag_of, is_unchanged
from larkpost.web.feeds.request import FeedRequest, read_feed_request
from larkpost.web.limits.byte_budget import add_count
from larkpost.web.limits.large_work import wait_for_large_turn
from larkpost.web.limits.rate_limit import RateLimit, RouteLimits
from larkpost.web.limits.unread_responses import PIECE, InPieces
from larkpost.web.site import SafeHeaders, SiteContext, endpoint

if TYPE_CHECKING:
    from _thread import LockType

    from starlette.datastructures import FormData
    from starlette.types import ASGIApp, Receive, Scope, Send

    from larkpost.db.engine import Connection, Store
    from larkpost.readers.expiry import LastUses

MOST_BYTES = 64 * 1024 * 1024
OVERHEAD = 2048  # overhead of a feed in bytes, so that small ones are bounded as well
_SECOND = timedelta(seconds=1)  # the resolution of HTTP dates
_NEVER = datetime.min.replace(tzinfo=UTC)

Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, bytes]  # status, headers, body


@dataclass(frozen=True, slots=True)
class RenderedFeed:
    """A rendered feed; ``until`` is when to render it again even if no data changed."""

    body: bytes
    media_type: str
    cache_control: str
    until: datetime | None = None
    reader_id: int | None = None  # whose it is


@dataclass(frozen=True, slots=True)
class CachedFeed:
    """A feed rendered at a ``mark``, for a visitor's ``network``.

    ``modified``: different bytes were only served before that second.
    """

    mark: object
    etag: str
    modified: datetime
    until: datetime | None
    validators: Headers
    headers: Headers
    body: bytes
    network: str
    reader_id: int | None = None

    def answer(self, asked: dict[str, str], now: datetime) -> Answer:
        """Return status, headers and body.

        Last-Modified is left out while it is in the future (RFC 9110, 8.8.2.1): the clock was
        set back, or the feed changed twice within a second.
        """
        dated = self.modified <= now
        if is_unchanged(asked, self.etag, self.modified if dated else None, now):
            status, headers, body = 304, self.validators, b""
        else:
            status, headers, body = 200, self.headers, self.body
        if not dated:
            headers = [one for one in headers if one[0] != b"last-modified"]
        return status, list(headers), body

    @property
    def size(self) -> int:
        """Its approximate size in bytes."""
        return OVERHEAD + len(self.body)


class FeedCache:
    """The feeds requested last; feeds rendered at an older mark are never served.

    A feed's tag is a hash of its bytes. Its date is the time at which these bytes were first seen
    here, so any change updates it: papers, preferences, thumbs, settings, the program. A feed that
    is not cached (after a restart, or evicted) counts as changed. When the cache is full, the
    network with the most cached bytes loses its oldest feed: anybody can invent any number of
    searches, and evicts only their own.
    """

    def __init__(self, store: Store, most_bytes: int = MOST_BYTES) -> None:
        self.marks = ChangeToken(store)
        self._most_bytes = most_bytes
        self._lock = Lock()
        self._turns: WeakValueDictionary[FeedRequest, LockType] = WeakValueDictionary()
        self._feeds: dict[FeedRequest, CachedFeed] = {}  # the oldest first
        self._bytes: Counter[str] = Counter()  # by network
        self._dropped = _NEVER  # the latest date of an evicted feed

    def look(self, asked: FeedRequest, now: datetime) -> CachedFeed | None:
        """Find a feed that is still current."""
        kept = self._feeds.get(asked)
        if kept is None or (kept.until and kept.until <= now) or kept.mark != self.marks.now():
            return None
        return kept

    def lock_for(self, asked: FeedRequest) -> LockType:
        """Return the lock under which one request renders this feed for all that wait."""
        with self._lock:
            return self._turns.setdefault(asked, Lock())

    def keep(
        self, asked: FeedRequest, mark: object, found: RenderedFeed, now: datetime, *, network: str
    ) -> CachedFeed:
        """Cache a feed for the ``network`` that requested it."""
        etag = etag_of(found.body)
        with self._lock:
            modified = self._last_modified(asked, etag, now)
            self._remove(asked)
            kept = _cached_feed(mark, found, etag, modified, network)
            self._feeds[asked] = kept
            self._bytes[network] += kept.size
            while self._bytes.total() > self._most_bytes:
                self._drop(self._choose_oldest())
        return kept

    def forget(self, feed_key: str) -> None:
        """Drop the feeds of a removed reader."""
        with self._lock:
            for asked in [one for one in self._feeds if feed_key and feed_key in one.path]:
                self._drop(asked)

    def _choose_oldest(self) -> FeedRequest:
        ((fullest, _),) = self._bytes.most_common(1)
        return next(asked for asked, kept in self._feeds.items() if kept.network == fullest)

    def _drop(self, asked: FeedRequest) -> None:
        self._dropped = max(self._dropped, self._remove(asked))

    def _remove(self, asked: FeedRequest) -> datetime:
        """Drop a feed; returns its date."""
        kept = self._feeds.pop(asked, None)
        if kept is None:
            return _NEVER
        add_count(self._bytes, kept.network, -kept.size)
        return kept.modified

    def _last_modified(self, asked: FeedRequest, etag: str, now: datetime) -> datetime:
        """Date a feed by when its bytes were first seen, in whole seconds, as in HTTP."""
        before = self._feeds.get(asked)
        if before is not None and before.etag == etag:
            return before.modified
        earlier = before.modified if before else self._dropped
        second = now.replace(microsecond=0)
        return second if earlier < second else earlier + _SECOND


class FeedCacheMiddleware:
    """ASGI middleware, right before ``SafeHeaders``: answers feeds that are cached and current.

    It takes microseconds and no thread, and is left out if asking the database for changes is slow.
    A large feed counts in the budget of responses: 383 clients that did not read the feed of a
    month, of 2.9 MB, held 1.1 GB.
    """

    def __init__(
        self, app: ASGIApp, cache: FeedCache, clock: Callable[[], datetime], uses: LastUses
    ) -> None:
        if not isinstance(app, SafeHeaders):
            raise TypeError("what is fresh needs the headers of SafeHeaders, right behind it")
        self.app = app
        self.cache = cache
        self.clock = clock
        self.uses = uses
        self.dress = [
            (name.lower().encode(), value.encode())
            for name, value in app.headers.items()
            if name != "Cache-Control"  # feeds have their own
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose feed is current, and pass the others on."""
        answer = self._answer(scope) if scope["type"] == "http" else None
        if answer is None:
            await self.app(scope, receive, send)
            return
        status, headers, body = answer
        if len(body) > PIECE and not _has_room(scope):
            await self.app(scope, receive, send)  # which waits for room
            return
        if status == 200:  # a 304 freshens the client's copy (RFC 9110 section 15.4.5)
            headers += self.dress

        async def send_answer(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        await InPieces(send_answer)(scope, receive, send)

    def _answer(self, scope: Scope) -> Answer | None:
        if not self.cache.marks.quick or scope["method"] not in {"GET", "HEAD"}:
            return None
        try:
            asked = read_feed_request(scope)
        except (HTTPException, UsageError):  # the endpoint reports the error
            return None
        now = self.clock()
        kept = self.cache.look(asked, now)
        if kept is None:
            return None
        if kept.reader_id is not None:
            self.uses.note(kept.reader_id, now)
        return kept.answer(_conditions(scope["headers"]), now)


def _has_room(scope: Scope) -> bool:
    """Return whether the visitor's network may get one more large response now."""
    site: SiteContext = scope["app"].state.site
    return site.answers.has_room(network(Request(scope), site.program.settings.web.trusted_proxies))


class Endpoint:
    """ASGI: a feed at an address; ``find`` reads its data, and raises the errors of pages.

    ``find`` gets nothing of the request but the key that the feed is cached by. Errors are never
    cached. A ``measure`` limits how often a network may cause a render; cached feeds are not
    limited. A feed that ``is_large`` is rendered in the queue of such feeds.
    """

    def __init__(
        self,
        find: Callable[[SiteContext, FeedRequest, Connection], RenderedFeed],
        *,
        measure: RateLimit | None = None,
        is_large: Callable[[FeedRequest, Connection], bool] | None = None,
    ) -> None:
        self._find = find
        self._is_large = is_large
        self._look_up = endpoint(self._look_into, measure=measure, route=find.__name__)
        self.limits = RouteLimits(0, 0, measure, cached=True)  # GET alone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Render from the database, in a thread."""
        response = await self._look_up(Request(scope, receive))
        await response(scope, receive, send)

    def _look_into(self, site: SiteContext, request: Request, _form: FormData) -> Response:
        cache: FeedCache = request.app.state.feeds
        asked = read_feed_request(request.scope).with_path(request.path_params)
        conditions = _conditions(request.scope["headers"])
        if self._is_large and cache.look(asked, site.clock()) is None:
            with site.program.store.read() as connection:
                is_large = self._is_large(asked, connection)
            if is_large:  # before the lock, for which others wait
                wait_for_large_turn(request)
        with cache.lock_for(asked):
            kept = cache.look(asked, site.clock())  # cached while this waited
            if kept is None:
                visitor = network(request, site.program.settings.web.trusted_proxies)
                kept = self._set_anew(site, cache, asked, visitor)
        status, headers, body = kept.answer(conditions, site.clock())
        response = Response(body, status)
        response.raw_headers = headers
        return response

    def _set_anew(
        self, site: SiteContext, cache: FeedCache, asked: FeedRequest, visitor: str
    ) -> CachedFeed:
        """Render a feed again, and cache it."""
        mark = cache.marks.now()  # before any other read, so that later changes give another mark
        with site.program.store.read() as connection:
            found = self._find(site, asked, connection)
        now = site.clock()
        if found.reader_id is not None:
            site.program.uses.note(found.reader_id, now)
        return cache.keep(asked, mark, found, now, network=visitor)


def _cached_feed(
    mark: object, found: RenderedFeed, etag: str, modified: datetime, network: str
) -> CachedFeed:
    validators = [
        (b"etag", etag.encode()),
        (b"last-modified", format_datetime(modified.astimezone(UTC), usegmt=True).encode()),
        (b"cache-control", found.cache_control.encode()),
    ]
    headers = [
        *validators,
        (b"content-type", found.media_type.encode()),
        (b"content-length", str(len(found.body)).encode()),
    ]
    return CachedFeed(
        mark, etag, modified, found.until, validators, headers, found.body, network, found.reader_id
    )


def _conditions(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Extract the conditions from a request's headers; lines of one name are one list."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name in {b"if-none-match", b"if-modified-since"}:
            known, text = name.decode(), value.decode("latin-1")
            found[known] = f"{found[known]}, {text}" if known in found else text
    return found
