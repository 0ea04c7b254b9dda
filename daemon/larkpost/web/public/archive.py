"""Public pages of papers: the archive by day, week and month, a paper, the search."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from larkpost.db import papers, popularity
from larkpost.db.search import find
from larkpost.domain import Paper
from larkpost.editions import archive as archive_spans
from larkpost.editions.archive import DateSpan, SpanKind
from larkpost.errors import UsageError
from larkpost.render.paper_links import further_links
from larkpost.text.identifiers import find_identifier
from larkpost.text.record_limits import MOST_NAMES
from larkpost.web.feeds.request import read_page, read_words

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

    from larkpost.db.engine import Connection
    from larkpost.web.site import SiteContext

PER_PAGE = 30
ALIKE = 6
PUBLIC = {"Cache-Control": "no-cache", "X-Robots-Tag": "all"}
_UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def archive(site: SiteContext, _request: Request, _form: FormData) -> Response:
    """Answer ``/archive``: every month and the latest days, with their numbers of papers."""
    with site.program.store.read() as connection:
        months = archive_spans.contents(connection, SpanKind.MONTH)
        days = dict(list(archive_spans.contents(connection, SpanKind.DAY).items())[:31])
    return _public(site, "public/archive.html", months=months, days=days)


def volume(site: SiteContext, request: Request, _form: FormData) -> Response:
    """Answer ``/archive/{span}``: the papers of a day, week or month; 404 for no such span."""
    try:
        span = archive_spans.read_span(request.path_params["span"])
    except UsageError:
        raise HTTPException(404) from None
    page = page_number(request)
    with site.program.store.read() as connection:
        offset = (page - 1) * PER_PAGE
        opened = archive_spans.volume(connection, span, limit=PER_PAGE, offset=offset)
        thumbs = _tallies(site, connection, opened.papers)
    return _public(
        site,
        "public/archive_page.html",
        volume=opened,
        wider=_wider(span),
        thumbs=thumbs,
        leaf=leaf(page, opened.total),
    )


def paper(site: SiteContext, request: Request, _form: FormData) -> Response:
    """Answer ``/paper/{uid}``: a paper with its details, and similar papers.

    A uid in capitals is the same one (RFC 9562, section 4), and leads to its own address.
    """
    given = request.path_params["uid"]
    uid = given.lower()
    if not _UID.fullmatch(uid):
        raise HTTPException(404)
    held = site.spaces.newest(site.program.store, site.program.ranker)
    with site.program.store.read() as connection:
        found = papers.by_uid(connection, uid)
        if found is None:
            raise HTTPException(404)
        if uid != given:
            return RedirectResponse(site.pages.path(site.program.links.paper(uid)), 308)
        thumbs = _tallies(site, connection, [found]).get(found.id, (0, 0))
        near = site.similar.find(connection, site.program.ranker, held.space, found, limit=ALIKE)
        names = papers.first_names(connection, found.id, MOST_NAMES)
    links = further_links(found, names)
    return _public(site, "public/paper.html", paper=found, thumbs=thumbs, near=near, links=links)


def look_up(site: SiteContext, request: Request, _form: FormData) -> Response:
    """Answer ``/search?q=…``: the papers found by words; a paper's identifier leads to it."""
    words = read_words(request.query_params.get("q", ""))
    page, query, links = page_number(request), find.parse(words), site.program.links
    found = find.SearchResult((), 0)
    with site.program.store.read() as connection:
        if one := _find_by_name(connection, words):
            return RedirectResponse(site.pages.path(links.paper(one.uid)), status_code=303)
        if words:
            offset = (page - 1) * PER_PAGE
            found = find.find(connection, query, limit=PER_PAGE, offset=offset)
        thumbs = _tallies(site, connection, found.papers)
    return _public(
        site,
        "public/search.html",
        words=words,
        unclear=query.unclear,
        results=found,
        thumbs=thumbs,
        leaf=leaf(page, found.total),
        feed=site.pages.path(links.search(words, "atom")),
        alternates=links.search_alternates(site.pages.title, words) if words else [],
    )


class Pagination(NamedTuple):
    """The position in a long list: the page's number, and those of its neighbours, 0 for none."""

    number: int
    of: int
    previous: int
    next: int


def leaf(number: int, total: int, per_page: int = PER_PAGE) -> Pagination:
    """Return the position of a page in a list of ``total``; 404 for one past the end."""
    of = max(1, -(-total // per_page))
    if number > of:
        raise HTTPException(404)
    return Pagination(number, of, number - 1, number + 1 if number < of else 0)


def page_number(request: Request) -> int:
    """Read ``?page=``, which counts from 1; 404 if it is not a number."""
    return read_page(request.query_params.get("page", "1"))


def _wider(span: DateSpan) -> list[DateSpan]:
    """Return the longer spans that contain this one."""
    longer = {
        SpanKind.DAY: (SpanKind.WEEK, SpanKind.MONTH),
        SpanKind.WEEK: (SpanKind.MONTH,),
        SpanKind.MONTH: (),
    }
    return [archive_spans.span_of(kind, span.first) for kind in longer[span.kind]]


def _find_by_name(connection: Connection, words: str) -> Paper | None:
    """Find the public paper whose identifier or address was typed."""
    name = find_identifier(words)
    return papers.by_identifier(connection, name) if name else None


def _tallies(
    site: SiteContext, connection: Connection, shown: Iterable[Paper]
) -> dict[int, tuple[int, int]]:
    ids, fewest = [one.id for one in shown], site.program.settings.web.thumb_count_step
    return popularity.tallies(connection, ids, at=site.clock(), fewest=fewest)


def _public(site: SiteContext, template: str, **facts: Any) -> Response:
    usual = {"alternates": site.program.links.public_alternates(site.pages.title)}
    response = site.pages.page(template, **(usual | facts))
    response.headers.update(PUBLIC)
    return response
