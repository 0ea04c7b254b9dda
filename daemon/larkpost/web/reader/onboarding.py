"""Onboarding pages: a reader's references, and ten papers to rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.datastructures import FormData, UploadFile

from larkpost.db import votes
from larkpost.domain import Paper, Reader
from larkpost.editions import publish
from larkpost.errors import QuotaExceeded, UnknownReader, UsageError
from larkpost.formats.decoding import decode
from larkpost.formats.references import MOST
from larkpost.readers import onboarding
from larkpost.readers.interest_hints import UnmatchedWord, describe
from larkpost.render.presenters import stories_of
from larkpost.web.form_body import is_gone
from larkpost.web.forms import read_ids, text
from larkpost.web.limits.action_limit import DAY, allowance, limit, take_network_turn, tell_when
from larkpost.web.reader.account import find_unmatched, visitor
from larkpost.web.reader.actions import DONE, cast_vote
from larkpost.web.reader.record_use import note_use
from larkpost.web.reader.votes import thumb_name
from larkpost.web.site import SiteContext, in_words

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from larkpost.readers.onboarding import OnboardingResult

VIA = "rate"
PREVIEWED = 5
# Importing papers writes much, so it has a rate limit.
MOST_LISTS = 20  # a day
MOST_LISTS_A_NETWORK = 100  # a day


def start(site: SiteContext, request: Request, form: FormData) -> Response:
    """Answer ``/me/{token}/start``: GET shows the form, POST takes a pasted list or a file."""
    reader = visitor(site, request)
    if request.method != "POST":
        done = request.query_params.get("done", "")
        unmatched = find_unmatched(site, reader) if done == "welcome" else []
        return _start_page(site, reader, welcome=DONE.get(done, ""), unmatched=unmatched)
    try:
        brought = _read_references(form)
        limit(site, f"start:{reader.uid}", most=MOST_LISTS, per=DAY)
        take_network_turn(site, request, "start", most=MOST_LISTS_A_NETWORK, per=DAY)
        found = onboarding.from_references(
            site.program.store,
            reader.id,
            brought,
            now=site.clock(),
            allowance=allowance(site, request),
            read=site.program.reference_reader(lambda: is_gone(request)),
        )
    except QuotaExceeded as error:
        return tell_when(_start_page(site, reader, problem=in_words(error)), error)
    except UnknownReader:  # deleted meanwhile: the page no longer exists
        raise
    except UsageError as error:
        return _start_page(site, reader, problem=in_words(error), status=400)
    return _start_page(site, reader, found=found)


def rate(site: SiteContext, request: Request, form: FormData) -> Response:
    """Answer ``/me/{token}/rate``: ten papers with buttons, and a preview of today's edition.

    The ten are new to the reader: neither rated nor in ``seen``, the ids shown before in this
    session. A thumb sends the ids of the ``ten`` along, so that they stay while they are rated.
    """
    reader = visitor(site, request)
    acting = request.method == "POST"
    done = cast_vote(site, reader, form, VIA).done if acting else ""
    if acting:
        note_use(site, request, reader.id)
    program, now = site.program, site.clock()
    space = site.spaces.newest(program.store, program.ranker).space
    seen = read_ids(text(form, "seen") if acting else request.query_params.get("seen", ""))
    ten = read_ids(text(form, "ten"))
    with program.store.read() as connection:
        cast = votes.thumbs(connection, reader.id)
        # A thumb without its ten must not remove its paper from the page.
        rated = cast.keys() - set(read_ids(text(form, "paper")))
        known = {*rated, *seen}
        pool = site.pools.pool(connection, space, now=now, window=program.window)
        papers = _papers_by_id(pool.papers, ten) or pool.choose(known)
        shown = [paper.id for paper in papers]
        more = bool(papers) and any(one.id not in {*known, *shown} for one in pool.papers)
    edition = publish.draft(
        program.publish_context, publish.by_hand(reader, now), now=now, space=space
    )
    thumbs = {paper.id: thumb_name(cast[paper.id]) for paper in papers if paper.id in cast}
    return site.pages.page(
        "reader/rate.html",
        papers=papers,
        thumbs=thumbs,
        rated=len(thumbs),
        done=done,
        ten=_join_ids(shown),
        seen=_join_ids(seen),
        more=_join_ids([*seen, *shown]) if more else "",
        preview=stories_of(edition, name_private=True)[:PREVIEWED],
        path=site.pages.path(program.links.page(reader)),
    )


def _join_ids(ids: Sequence[int]) -> str:
    return ".".join(map(str, ids))


def _papers_by_id(among: Sequence[Paper], ids: Sequence[int]) -> list[Paper]:
    """Return the papers of these ids that are among those to rate, in the order of the ids."""
    found = {paper.id: paper for paper in among}
    return [found[one] for one in dict.fromkeys(ids[: onboarding.RATED]) if one in found]


def _read_references(form: FormData) -> str:
    """Return the pasted text, or else the content of the chosen file."""
    file = form.get("file")
    chosen = decode(file.file.read()) if isinstance(file, UploadFile) else ""
    brought = text(form, "text") if text(form, "text").strip() else chosen
    if not brought.strip():
        raise UsageError("nothing was pasted, and no file was chosen")
    return brought


def _start_page(
    site: SiteContext,
    reader: Reader,
    *,
    found: OnboardingResult | None = None,
    welcome: str = "",
    unmatched: Sequence[UnmatchedWord] = (),
    problem: str = "",
    status: int = 200,
) -> Response:
    return site.pages.page(
        "reader/onboarding.html",
        status,
        start=found,
        wordless=None if any(one.words for one in reader.interests) else reader.interests[0],
        most_references=MOST,
        welcome=welcome,
        unmatched=[describe(one) for one in unmatched],
        problem=problem,
        path=site.pages.path(site.program.links.page(reader)),
    )
