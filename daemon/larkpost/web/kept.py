"""Answers feeds: at once while the database holds what it held, else by looking into it."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from email.utils import format_datetime
from functools import cached_property
from importlib.metadata import version
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl
from weakref import WeakValueDictionary

from starlette.requests import Request
from starlette.responses import Response

from larkpost.resources import shipped
from larkpost.store.marks import Marks
from larkpost.web.conditional import unchanged
from larkpost.web.guard import SafeHeaders, handled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from starlette.datastructures import FormData
    from starlette.types import ASGIApp, Receive, Scope, Send

    from larkpost.program import Program
    from larkpost.store.engine import Connection
    from larkpost.web.crowd import Measure
    from larkpost.web.guard import Site

MOST_KEPT = 4096
MOST_BYTES = 64 * 1024 * 1024
ASKED = frozenset({"min", "page", "q"})  # the parameters that a feed's address may have

Key = tuple[str, tuple[tuple[str, str], ...]]
Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, bytes]  # status, headers, body


@dataclass(frozen=True, slots=True)
class Found:
    """A feed as it stands: equal tags, equal bytes.

    ``modified`` is no earlier than its last change, None where that cannot be told. ``write`` sets
    it, and may read from the connection that it was found with. ``until`` is when it must be
    looked for again though no data changed.
    """

    etag: str
    modified: datetime | None
    media_type: str
    cache_control: str
    write: Callable[[], bytes]
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A feed that was found at a ``mark``; ``body`` is None where nobody has needed it yet."""

    mark: object
    etag: str
    modified: datetime | None
    until: datetime | None
    validators: Headers
    headers: Headers
    body: bytes | None

    def answer(self, asked: dict[str, str]) -> Answer | None:
        """Give status, headers and body; None where the body is wanted and not here."""
        if unchanged(asked, self.etag, self.modified):
            return 304, list(self.validators), b""
        return None if self.body is None else (200, list(self.headers), self.body)


class Turn:
    """A lock that goes when nobody waits for it."""

    def __init__(self) -> None:
        self._lock = Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class Shelf:
    """The feeds asked for last; what was found at an older mark is never given out."""

    def __init__(self, program: Program) -> None:
        self.marks = Marks(program.store)
        self._program = program
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        self._turns: WeakValueDictionary[Key, Turn] = WeakValueDictionary()

    @cached_property
    def edition(self) -> bytes:
        """Tell programs, settings and keys apart that would set one edition differently."""
        site = self._program.settings.site
        told = (
            version("larkpost"),
            site.base_url,
            site.title,
            site.find_links,
            self._program.tokens.sign("vote", 0),
        )
        template = shipped("templates/feed/item.html").read_bytes()
        return hashlib.blake2b(repr(told).encode() + template, digest_size=16).digest()

    def tag(self, *stamp: object) -> str:
        """Make a strong entity tag of all that the bytes of a feed depend on."""
        told = self.edition + repr(stamp).encode()
        return f'"{hashlib.blake2b(told, digest_size=16).hexdigest()}"'

    def look(self, key: Key, now: datetime) -> Kept | None:
        """Find a feed that is still as it was."""
        kept = self._kept.get(key)
        if kept is None or (kept.until and kept.until <= now) or kept.mark != self.marks.now():
            return None
        return kept

    def turn(self, key: Key) -> Turn:
        """Give the lock under which this feed is looked at: by one visitor, for all who wait."""
        with self._lock:
            turn = self._turns.get(key)
            if turn is None:
                turn = self._turns[key] = Turn()
            return turn

    def recall(self, key: Key, etag: str) -> bytes | None:
        """Find the bytes that were set under this tag, though the mark be old."""
        kept = self._kept.get(key)
        return kept.body if kept is not None and kept.etag == etag else None

    def keep(self, key: Key, mark: object, found: Found, body: bytes | None) -> Kept:
        """Put a feed on the shelf; the one that was put there longest ago makes room."""
        kept = _kept(mark, found, body)
        with self._lock:
            self._drop(key)
            self._kept[key] = kept
            self._bytes += len(body or b"")
            while len(self._kept) > MOST_KEPT or self._bytes > MOST_BYTES:
                self._drop(next(iter(self._kept)))
        return kept

    def _drop(self, key: Key) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._bytes -= len(gone.body or b"")


class Fresh:
    """ASGI middleware, right before ``SafeHeaders``: answers what stands on the shelf unchanged.

    It takes microseconds and no thread, and is left out where asking the database would not.
    """

    def __init__(self, app: ASGIApp, shelf: Shelf, clock: Callable[[], datetime]) -> None:
        if not isinstance(app, SafeHeaders):
            raise TypeError("what is fresh needs the headers of SafeHeaders, right behind it")
        self.app = app
        self.shelf = shelf
        self.clock = clock
        self.dress = [
            (name.lower().encode(), value.encode())
            for name, value in app.headers.items()
            if name != "Cache-Control"  # feeds have their own
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose feed is still as it was, and pass the others on."""
        answer = self._answer(scope) if scope["type"] == "http" else None
        if answer is None:
            await self.app(scope, receive, send)
            return
        status, headers, body = answer
        if status == 200:  # a 304 freshens what the visitor has (RFC 9110 section 15.4.5)
            headers += self.dress
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, scope: Scope) -> Answer | None:
        if not self.shelf.marks.quick or scope["method"] not in {"GET", "HEAD"}:
            return None
        kept = self.shelf.look(_key(scope), self.clock())
        return kept.answer(_conditions(scope["headers"])) if kept else None


class Endpoint:
    """ASGI: a feed at an address; ``find`` reads how it stands, and raises what pages raise.

    A ``measure`` limits how often a network makes us look; what stands on the shelf is given away.
    """

    def __init__(
        self,
        find: Callable[[Site, Request, Connection], Found],
        *,
        measure: Measure | None = None,
    ) -> None:
        self._find = find
        self._look_up = handled(self._looked_up, measure=measure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look into the database, in a thread."""
        response = await self._look_up(Request(scope, receive))
        await response(scope, receive, send)

    def _looked_up(self, site: Site, request: Request, _form: FormData) -> Response:
        shelf: Shelf = request.app.state.feeds
        key, asked = _key(request.scope), _conditions(request.scope["headers"])
        with shelf.turn(key):
            kept = shelf.look(key, site.clock())  # whoever had the turn before may have kept it
            answer = kept.answer(asked) if kept else None
            if answer is None:
                answer = self._found(site, request, asked).answer(asked)
        assert answer is not None  # noqa: S101 - it was written where it is wanted
        status, headers, body = answer
        response = Response(body, status)
        response.raw_headers = headers
        return response

    def _found(self, site: Site, request: Request, asked: dict[str, str]) -> Kept:
        """Look at a feed, set it where its bytes are wanted and not at hand, and keep it."""
        shelf: Shelf = request.app.state.feeds
        key = _key(request.scope)
        mark = shelf.marks.now()  # before anything is read: what comes later, it tells apart
        with site.program.store.read() as connection:
            found = self._find(site, request, connection)
            if found.modified and found.modified > site.clock():  # the clock jumped back, or
                found = replace(found, modified=None)  # much moved: RFC 9110 section 8.8.2.1
            body = shelf.recall(key, found.etag)
            if body is None and not unchanged(asked, found.etag, found.modified):
                body = found.write()
            return shelf.keep(key, mark, found, body)


def _kept(mark: object, found: Found, body: bytes | None) -> Kept:
    validators = [
        (b"etag", found.etag.encode()),
        *_dated(found.modified),
        (b"cache-control", found.cache_control.encode()),
    ]
    headers = [
        *validators,
        (b"content-type", found.media_type.encode()),
        (b"content-length", str(len(body or b"")).encode()),
    ]
    return Kept(mark, found.etag, found.modified, found.until, validators, headers, body)


def _dated(modified: datetime | None) -> Headers:
    if modified is None:
        return []
    return [(b"last-modified", format_datetime(modified, usegmt=True).encode())]


def _conditions(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Pick the conditions out of a request's headers; lines of one name are one list."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name in {b"if-none-match", b"if-modified-since"}:
            known, text = name.decode(), value.decode("latin-1")
            found[known] = f"{found[known]}, {text}" if known in found else text
    return found


def _key(scope: Scope) -> Key:
    query = scope["query_string"]
    if not query:
        return scope["path"], ()
    asked = parse_qsl(query.decode("latin-1"), errors="replace")
    return scope["path"], tuple(pair for pair in asked if pair[0] in ASKED)
