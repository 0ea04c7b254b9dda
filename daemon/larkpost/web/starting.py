"""Where a taste begins: references that a reader brings, and ten papers to rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import UploadFile

from larkpost.errors import UsageError
from larkpost.flows import publish, starting
from larkpost.flows.interest_words import describe
from larkpost.render.stories import stories_of
from larkpost.sources.lines import decoded
from larkpost.store import votes
from larkpost.web.acts import DONE, cast_vote
from larkpost.web.desk import find_unmatched, visitor
from larkpost.web.forms import text
from larkpost.web.guard import in_words
from larkpost.web.turns import DAY, take_turn
from larkpost.web.voting import named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from larkpost.domain import Reader
    from larkpost.flows.interest_words import UnmatchedWord
    from larkpost.flows.starting import Start
    from larkpost.web.guard import Site

VIA = "rate"
PREVIEWED = 5
# Bringing papers writes to what all readers share, so it has its measure.
MOST_LISTS = 20  # a day


def start(site: Site, request: Request, form: FormData) -> Response:
    """Answer ``/me/{token}/start``: GET shows the form, POST takes a pasted list or a file."""
    reader = visitor(site, request)
    if request.method != "POST":
        done = request.query_params.get("done", "")
        unmatched = find_unmatched(site, reader) if done == "welcome" else []
        return _start_page(site, reader, welcome=DONE.get(done, ""), unmatched=unmatched)
    try:
        brought = _brought(form)
        take_turn(site, f"start:{reader.uid}", most=MOST_LISTS, per=DAY)
        found = starting.from_references(site.program.store, reader.id, brought, now=site.clock())
    except UsageError as error:
        return _start_page(site, reader, problem=in_words(error), status=400)
    return _start_page(site, reader, found=found)


def rate(site: Site, request: Request, form: FormData) -> Response:
    """Answer ``/me/{token}/rate``: ten papers with buttons, and today's paper as it would be."""
    reader = visitor(site, request)
    acting = request.method == "POST"
    done = cast_vote(site, reader, form, VIA).done if acting else ""
    program, now = site.program, site.clock()
    space = site.spaces.fresh(program.store, program.ranker, now=now, keep=acting)
    with program.store.read() as connection:
        papers = starting.to_rate(connection, space, now=now, window=program.window)
        cast = {one.paper_id: named(one.thumb) for one in votes.of(connection, reader.id)}
    edition = publish.draft(program.newsroom, publish.by_hand(reader, now), now=now, space=space)
    thumbs = {paper.id: cast[paper.id] for paper in papers if paper.id in cast}
    return site.pages.page(
        "rate.html",
        papers=papers,
        thumbs=thumbs,
        rated=len(thumbs),
        done=done,
        stories=stories_of(edition)[:PREVIEWED],
        path=site.pages.path(program.links.page(reader)),
    )


def _brought(form: FormData) -> str:
    """Give what was pasted, or else what the chosen file holds."""
    file = form.get("file")
    chosen = decoded(file.file.read()) if isinstance(file, UploadFile) else ""
    brought = text(form, "text") if text(form, "text").strip() else chosen
    if not brought.strip():
        raise UsageError("Nothing was pasted, and no file chosen")
    return brought


def _start_page(
    site: Site,
    reader: Reader,
    *,
    found: Start | None = None,
    welcome: str = "",
    unmatched: Sequence[UnmatchedWord] = (),
    problem: str = "",
    status: int = 200,
) -> Response:
    return site.pages.page(
        "start.html",
        status,
        start=found,
        welcome=welcome,
        unmatched=[describe(one) for one in unmatched],
        problem=problem,
        path=site.pages.path(site.program.links.page(reader)),
    )
