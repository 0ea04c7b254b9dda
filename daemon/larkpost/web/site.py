"""The context that every page gets, and the endpoint around it: headers, limits, errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, MutableHeaders
from starlette.exceptions import HTTPException

from larkpost import logs
from larkpost.errors import (
    InvalidToken,
    LarkpostError,
    QuotaExceeded,
    StoreError,
    TryAgainLater,
    UnknownPaper,
    UnknownReader,
    UsageError,
)
from larkpost.log_events import LogEvent
from larkpost.text.plurals import sentence
from larkpost.token_routes import SIGNED
from larkpost.web.auth import check_link
from larkpost.web.client_ip import network
from larkpost.web.form_body import BODY_SECONDS, LARGEST_BODY, parse_form, read_body
from larkpost.web.limits.large_work import LargeWork
from larkpost.web.limits.rate_limit import RateLimit, RateLimiter, RouteLimits
from larkpost.web.templating import POLICY, PageTemplates

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from larkpost.bootstrap import Program
    from larkpost.editions.model_cache import ModelCache
    from larkpost.editions.similar import SimilarPapers
    from larkpost.readers.onboarding import RatingPools
    from larkpost.readers.taste_profile import TasteProfileCache
    from larkpost.web.health import Heartbeat
    from larkpost.web.limits.byte_budget import ByteBudget
    from larkpost.web.limits.fair_queue import PageQueues, QueueSlot

LARGEST_UPLOAD = 4 * 1024 * 1024  # a library of some thousand references
RETRY_SECONDS = 30

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # A response that may be cached or indexed says so in its own headers; otherwise it is private.
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}

MESSAGES = {
    400: ("Bad request", "The form did not arrive completely, or its type is unknown."),
    404: (
        "Page not available",
        "The link may be incomplete or replaced by a newer one. Copy it from your newest email.",
    ),
    405: ("Not possible here", "This address does not accept this type of request."),
    408: ("Timeout", "The form did not arrive in time. Please send it again."),
    403: (
        "Not allowed",
        "Another site sent this form, so nothing was changed. Please use the button on our page.",
    ),
    413: ("Too large", "A form may have 64 kB; lists of references and pasted papers 4 MB."),
    429: ("Too many requests", "Your network sent too many requests. Please wait a little."),
    500: (
        "Internal error",
        "Something went wrong here and was logged. Please try again later.",
    ),
    503: (
        "Busy",
        "This site is busy, or its database does not answer. Please try again in a minute.",
    ),
}

_log = logs.get_logger("larkpost.web")


@dataclass(frozen=True, slots=True)
class SiteContext:
    """The context of every handler: the program, its templates, the clock and the heartbeats."""

    program: Program
    pages: PageTemplates
    clock: Callable[[], datetime]
    pulses: Mapping[str, Heartbeat]
    tastes: TasteProfileCache
    spaces: ModelCache
    pools: RatingPools
    similar: SimilarPapers
    rate_limiter: RateLimiter
    queues: PageQueues
    bodies: ByteBudget
    answers: ByteBudget


class TrailingSlash:
    """ASGI middleware: answers ``/archive/`` like ``/archive``, and so every other path.

    There is no redirect, because mail programs do not follow one with the POST of RFC 8058.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Remove slashes from the end of a path and pass the request on."""
        if scope["type"] == "http" and scope["path"].endswith("/") and scope["path"] != "/":
            scope = {**scope, "path": scope["path"].rstrip("/") or "/"}
        await self.app(scope, receive, send)


class SafeHeaders:
    """ASGI middleware: adds each header of HEADERS that a response lacks."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self.app = app
        self.headers = dict(HEADERS)
        if https:
            self.headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to its response."""

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    present.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, dressed)


def endpoint(
    handler: Callable[[SiteContext, Request, FormData], Response],
    *,
    from_anywhere: bool = False,
    upload: bool = False,
    measure: RateLimit | None = None,
    apart_above: int | None = None,
    route: str = "",
) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint from a plain function, which runs in a thread and may use the database.

    It gets the form of a POST (empty otherwise); its exceptions become error pages. A form from
    another site is refused unless ``from_anywhere``; files are accepted only if ``upload``. A
    ``measure`` is the rate limit of a network, and says whether the page is costly; bodies of more
    than ``apart_above`` bytes may be read by another process. A body is read only after the form's
    origin and the path's token have been checked. The ``route`` is what the queues know it by, the
    handler's name by default. A handler that raises LargeWork runs again in a turn for such work.
    """
    largest = LARGEST_UPLOAD if upload else LARGEST_BODY
    name = route or handler.__name__

    async def endpoint(request: Request) -> Response:
        site: SiteContext = request.app.state.site
        visitor = network(request, site.program.settings.web.trusted_proxies)
        request.state.loop = asyncio.get_running_loop()  # for ``is_gone``
        if measure is not None:
            site.rate_limiter.check(measure, visitor)
        body = b""
        try:
            async with AsyncExitStack() as held:
                if request.method == "POST":
                    if not from_anywhere:
                        _check_origin(site, request)
                    body = await _read_form(site, request, visitor, held, largest)
                queue = _choose_queue(request.method, len(body), measure, apart_above)
                work = _Work(handler, site, request, body, name, int(upload))
                return await work.run_or_wait(visitor, queue)
        except LarkpostError as error:
            return refusal(site, error)
        except HTTPException:
            raise
        except Exception:
            _log.exception(LogEvent.PAGE_FAILED, page=handler.__name__, method=request.method)
            return site.pages.error(500, *MESSAGES[500])

    endpoint.limits = RouteLimits(largest, BODY_SECONDS, measure)  # type: ignore[attr-defined]  # of a function
    return endpoint


async def _read_form(
    site: SiteContext, request: Request, visitor: str, held: AsyncExitStack, largest: int
) -> bytes:
    """Read the body of a form, after the path's token was checked; its bytes count while held."""
    await _check_token(site, request, visitor)
    reservation = held.enter_context(site.bodies.reserve(visitor))
    return await read_body(request, reservation, largest)


@dataclass(frozen=True, slots=True)
class _Work:
    """A request whose body was read, and the handler that answers it; ``files`` may be sent."""

    handler: Callable[[SiteContext, Request, FormData], Response]
    site: SiteContext
    request: Request
    body: bytes
    route: str
    files: int

    async def run_or_wait(self, visitor: str, queue: Mapping[str, bool]) -> Response:
        """Answer in a turn of a queue, or if that is too short in a turn for large work."""
        try:
            return await self._run(visitor, queue)
        except LargeWork:
            self.request.state.has_large_turn = True
            return await self._run(visitor, {**queue, "large": True})

    async def _run(self, visitor: str, queue: Mapping[str, bool]) -> Response:
        """Wait for a turn, parse the body, and answer; raises LargeWork."""
        # An action takes longer than the page with its form, and a large one than other actions.
        route = " ".join([self.request.method, self.route, *(one for one in queue if queue[one])])
        form = FormData()
        try:
            async with _turn_with_room(self.site, visitor, route, queue) as turn:
                if self.body:
                    form = await parse_form(self.request, self.body, turn, files=self.files)
                return await run_in_threadpool(
                    turn.run, self.handler, self.site, self.request, form
                )
        finally:
            await form.close()


def _choose_queue(
    method: str, size: int, measure: RateLimit | None, apart_above: int | None
) -> dict[str, bool]:
    """Choose the queue of a request with a body of ``size`` bytes, as PageQueues.slot takes it."""
    return {
        "costly": size > LARGEST_BODY or (measure is not None and measure.costly),
        "slow": measure is not None and measure.slow,
        "apart": (measure is not None and measure.apart)
        or (apart_above is not None and size > apart_above),
        "acts": method == "POST",
    }


@asynccontextmanager
async def _turn_with_room(
    site: SiteContext, visitor: str, route: str, queue: Mapping[str, bool]
) -> AsyncIterator[QueueSlot]:
    """Hold a turn while the budget has space for a response to the visitor's network.

    A turn without space is given back, because other requests of the network may wait for it.
    Raises HTTPException 503.
    """
    while True:
        await site.answers.wait_for_room(visitor)
        async with site.queues.slot(visitor, route=route, **queue) as turn:
            if site.answers.has_room(visitor):
                yield turn
                return


def _check_origin(site: SiteContext, request: Request) -> None:
    if not is_ours(request, site):
        raise HTTPException(403)


async def _check_token(site: SiteContext, request: Request, visitor: str) -> None:
    """Raise the page's error for an invalid link before any of a body is read.

    The first part of the path gives the purpose of its token.
    """
    purpose = SIGNED.get(request.scope["path"].split("/")[1])
    if purpose is not None:
        async with site.queues.slot(visitor) as turn:
            await run_in_threadpool(turn.run, check_link, site, request, purpose)


def is_ours(request: Request, site: SiteContext) -> bool:
    """Return whether a form was sent from a page of ours, according to the browser.

    Sec-Fetch-Site says so on secure connections (W3C Fetch Metadata). Without it the Origin counts;
    our own pages have the origin ``null``, because they ask for no referrer (Fetch standard, 3.2).
    A client that sends neither is not a browser, so no page can have sent its form.
    """
    told = request.headers.get("sec-fetch-site")
    if told is not None:
        return told in {"same-origin", "none"}
    return request.headers.get("origin", "null") in {"null", site.pages.origin}


def refusal(site: SiteContext, error: LarkpostError) -> Response:
    """Choose the page for an error of ours; all wrong links get the same page."""
    if isinstance(error, (InvalidToken, UnknownReader, UnknownPaper)):
        return site.pages.error(404, *MESSAGES[404])
    if isinstance(error, QuotaExceeded):
        return site.pages.error(413, "Too much data", in_words(error))
    if isinstance(error, UsageError):
        return site.pages.error(400, "Not possible", in_words(error))
    _log.warning(LogEvent.PAGE_REFUSED, error=str(error))
    if isinstance(error, (TryAgainLater, StoreError)):
        response = site.pages.error(503, *MESSAGES[503])
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response
    return site.pages.error(500, *MESSAGES[500])


def in_words(error: LarkpostError) -> str:
    """Describe an error and its hint in whole sentences."""
    said = (part for part in (str(error), error.hint) if part)
    return " ".join(sentence(f"{part[0].upper()}{part[1:]}") for part in said)


def http_refusal(request: Request, error: Exception) -> Response:
    """Make the same kind of page for the router's refusals (404, 405 with Allow) and ours."""
    site: SiteContext = request.app.state.site
    status = error.status_code if isinstance(error, HTTPException) else 500
    response = site.pages.error(status, *MESSAGES.get(status, MESSAGES[500]))
    response.headers.update(getattr(error, "headers", None) or {})
    return response
