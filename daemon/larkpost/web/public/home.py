"""The home page, and the few files that every page loads."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from larkpost.db import papers, public_archive
from larkpost.editions.trending import trending_edition
from larkpost.web.forms import opening_wishes
from larkpost.web.public.archive import PUBLIC

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

    from larkpost.web.site import SiteContext

FOR_A_WEEK = "public, max-age=604800"
FOR_A_YEAR = "public, max-age=31536000, immutable"
ROBOTS = """User-agent: *
Allow: /$
Allow: /archive
Allow: /favicon.ico
Allow: /paper/
Allow: /static/
Allow: /subscribe
Disallow: /
"""


def front(site: SiteContext, _request: Request, _form: FormData) -> Response:
    """Answer ``/``: an introduction, today's trending papers, and the subscription form."""
    now, fewest = site.clock(), site.program.settings.web.thumb_count_step
    today = now.astimezone(UTC).date()
    with site.program.store.read() as connection:
        latest = public_archive.latest(connection)
        edition = trending_edition(
            connection, today, now=now, window=site.program.window, fewest=fewest
        )
        if not edition.papers and latest is not None:
            edition = trending_edition(connection, latest, now=now, fewest=fewest)
        total = papers.count(connection)
    links = site.program.links
    response = site.pages.page(
        "public/home.html",
        trending=edition,
        total=total,
        latest=latest,
        preferences=opening_wishes(site.program.settings),
        alternates=links.public_alternates(site.pages.title),
        script=True,
    )
    response.headers.update(PUBLIC)
    return response


def static(site: SiteContext, request: Request, _form: FormData) -> Response:
    """Answer ``/static/{name}``; the name holds a hash of the content, so it never goes stale."""
    file = site.pages.files.get(request.path_params["name"])
    if file is None:
        raise HTTPException(404)
    headers = {"Content-Type": file.media_type, "Cache-Control": FOR_A_YEAR}
    return Response(file.content, headers=headers)


def favicon(site: SiteContext, _request: Request, _form: FormData) -> Response:
    """Answer ``/favicon.ico``, which browsers and feed programs request by themselves."""
    return _icon(site, "favicon.ico")


def touch_icon(site: SiteContext, _request: Request, _form: FormData) -> Response:
    """Answer ``/apple-touch-icon.png``, which phones show for a page on the home screen."""
    return _icon(site, "apple-touch-icon.png")


def _icon(site: SiteContext, name: str) -> Response:
    file = site.pages.icon(name)
    headers = {"Content-Type": file.media_type, "Cache-Control": FOR_A_WEEK}
    return Response(file.content, headers=headers)


def robots(_site: SiteContext, _request: Request, _form: FormData) -> Response:
    """Answer ``/robots.txt``: the rest belongs to one reader, or is a search."""
    return PlainTextResponse(ROBOTS, headers={"Cache-Control": "public, max-age=86400"})
