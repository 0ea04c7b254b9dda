"""The web: feeds, votes, the reader's page, and the health of the daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from larkpost.editions.similar import SimilarPapers
from larkpost.readers.onboarding import RatingPools
from larkpost.readers.references_apart import SMALL
from larkpost.readers.taste_profile import TasteProfileCache
from larkpost.web.admin import admin
from larkpost.web.feeds.cache import FeedCache, FeedCacheMiddleware
from larkpost.web.health import Heartbeat, healthz
from larkpost.web.limits.byte_budget import body_budget, response_budget
from larkpost.web.limits.fair_queue import PageQueues
from larkpost.web.limits.rate_limit import (
    COSTLY,
    COSTLY_APART,
    LOOKING,
    SLOW_APART,
    RateLimit,
    RateLimiter,
)
from larkpost.web.limits.request_rate import ANY, MADE, RequestRate
from larkpost.web.limits.requests_in_flight import RequestsInFlight
from larkpost.web.limits.unread_responses import InPieces
from larkpost.web.middleware import DateHeader, ErrorPages, HostHeader
from larkpost.web.paste import open_paste, paste
from larkpost.web.path_parameters import register_path_parameters
from larkpost.web.public.archive import archive, look_up, paper, volume
from larkpost.web.public.confirm import confirm, leave
from larkpost.web.public.feeds import archive_feed, month_feed, search_feed, trending_feed
from larkpost.web.public.home import favicon, front, robots, static, touch_icon
from larkpost.web.public.subscribe import subscribe
from larkpost.web.reader.account import delete, export, me
from larkpost.web.reader.feeds import feed
from larkpost.web.reader.onboarding import rate, start
from larkpost.web.reader.taste import taste
from larkpost.web.reader.votes import edition, vote
from larkpost.web.site import SafeHeaders, SiteContext, TrailingSlash, endpoint, http_refusal
from larkpost.web.templating import PageTemplates

if TYPE_CHECKING:
    from larkpost.bootstrap import Program

__all__ = ["Heartbeat", "app"]

ASK_AND_ACT = ["GET", "POST"]  # HEAD comes with GET
register_path_parameters()
ROUTES = (
    Route("/", endpoint(front)),
    Route("/archive", endpoint(archive)),
    Route("/archive/{month:name}.{form:name}", month_feed, methods=["GET"]),
    Route("/archive/{span}", endpoint(volume)),
    Route("/paper/{uid}", endpoint(paper, measure=LOOKING)),
    Route("/search", endpoint(look_up, measure=LOOKING)),
    Route("/subscribe", endpoint(subscribe), methods=ASK_AND_ACT),
    Route("/static/{name}", endpoint(static)),
    Route("/robots.txt", endpoint(robots)),
    Route("/favicon.ico", endpoint(favicon)),
    Route("/apple-touch-icon.png", endpoint(touch_icon)),
    Route("/apple-touch-icon-precomposed.png", endpoint(touch_icon)),
    Route("/healthz", endpoint(healthz)),
    Route("/feed/{key:name}.{form:name}", feed, methods=["GET"]),
    Route("/feed/{key:name}/{interest:name}.{form:name}", feed, methods=["GET"]),
    Route("/feed/{key:name}/archive/{page:number}.{form:name}", feed, methods=["GET"]),
    Route(
        "/feed/{key:name}/{interest:name}/archive/{page:number}.{form:name}", feed, methods=["GET"]
    ),
    Route("/trending.{form:name}", trending_feed, methods=["GET"]),
    Route("/archive.{form:name}", archive_feed, methods=["GET"]),
    Route("/search.{form:name}", search_feed, methods=["GET"]),
    Route("/edition/{token}", endpoint(edition)),
    Route("/vote/{token}/{position:number}/{wish}", endpoint(vote), methods=ASK_AND_ACT),
    Route("/me/{token}", endpoint(me), methods=ASK_AND_ACT),
    Route(
        "/me/{token}/start",
        endpoint(start, upload=True, apart_above=SMALL),
        methods=ASK_AND_ACT,
    ),
    Route("/me/{token}/rate", endpoint(rate, measure=COSTLY), methods=ASK_AND_ACT),
    Route("/me/{token}/taste", endpoint(taste, measure=SLOW_APART)),
    Route("/me/{token}/export.jsonl", endpoint(export, measure=COSTLY_APART)),
    Route("/me/{token}/delete", endpoint(delete), methods=ASK_AND_ACT),
    Route("/admin/{token}", endpoint(admin)),
    Route(
        "/admin/{token}/paste", endpoint(paste, upload=True, measure=COSTLY), methods=ASK_AND_ACT
    ),
    Route("/paste", endpoint(open_paste)),
    Route("/leave/{token}", endpoint(leave, from_anywhere=True), methods=ASK_AND_ACT),
    Route("/confirm/{token}", endpoint(confirm), methods=ASK_AND_ACT),
)


def app(
    program: Program,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    pulses: Mapping[str, Heartbeat] | None = None,
    paced: bool = False,
) -> Starlette:
    """Build the application; ``pulses`` give /healthz the state of this process.

    If ``paced``, as in the daemon, requests that a network sends too fast wait, and too many at
    once are refused.
    """
    site = program.settings.site
    feeds = FeedCache(program.store)
    pages = PageTemplates(
        base_url=site.base_url,
        title=site.title,
        find_links=site.find_links,
        thumb_count_step=program.settings.web.thumb_count_step,
    )
    https = site.base_url.startswith("https://")
    cache = Middleware(FeedCacheMiddleware, cache=feeds, clock=clock, uses=program.uses)
    application = Starlette(
        routes=ROUTES,
        middleware=[
            Middleware(DateHeader, clock=clock),
            *_middleware(cache, pages, https=https, paced=paced),
        ],
        exception_handlers={HTTPException: http_refusal},
    )
    # Its redirect would be built from the Host header; TrailingSlash needs none.
    application.router.redirect_slashes = False
    application.state.site = SiteContext(
        program,
        pages,
        clock,
        pulses or {},
        TasteProfileCache(program.compute_profile),
        program.spaces,
        RatingPools(),
        SimilarPapers(),
        RateLimiter(clock=lambda: clock().timestamp()),
        PageQueues(),
        body_budget(),
        response_budget(),
    )
    application.state.feeds = feeds
    return application


def _middleware(
    cache: Middleware, pages: PageTemplates, *, https: bool, paced: bool
) -> list[Middleware]:
    """List what every request passes, from the outside, around the cache of the feeds."""

    def at_most(limit: RateLimit) -> list[Middleware]:
        if not paced:
            return []
        return [Middleware(RequestRate, limit=limit, pages=pages, https=https)]

    in_flight = [Middleware(RequestsInFlight, pages=pages, https=https)] if paced else []
    return [
        Middleware(ErrorPages, pages=pages, https=https),
        Middleware(HostHeader, pages=pages, https=https),
        *in_flight,
        Middleware(TrailingSlash),
        *at_most(ANY),
        cache,
        Middleware(SafeHeaders, https=https),
        *at_most(MADE),
        Middleware(InPieces),
    ]
