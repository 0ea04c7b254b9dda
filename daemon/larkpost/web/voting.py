"""Thumbs by link, and the edition in the browser: opening shows, only a pressed button acts.

Mail scanners and feed readers open every link they see, some of them with HEAD, and in parallel;
so GET and HEAD here only ever read.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from larkpost.domain import Thumb
from larkpost.flows import feedback
from larkpost.render.stories import stories_of
from larkpost.store import editions, votes
from larkpost.web.keys import edition_of
from larkpost.web.turns import HOUR, take_turn

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from larkpost.domain import Edition, Vote
    from larkpost.render.stories import Story
    from larkpost.web.guard import Site

VOTE_DAYS = 90
VIA = "link"
MOST_THUMBS = 600  # an hour: nobody reads that fast
WISHES = ("up", "down")


def vote(site: Site, request: Request, form: FormData) -> Response:
    """Answer ``/vote/{token}/{position}/{up|down}``: GET shows the paper, POST votes.

    The form's ``action`` is ``up``, ``down`` or ``clear``; without it the path's thumb is meant.
    """
    wish = request.path_params["wish"]
    if wish not in WISHES:
        raise HTTPException(404)
    with site.program.store.read() as connection:
        edition = edition_of(site, connection, request, "vote")
        story = _story(edition, request.path_params["position"])
        before = votes.one(connection, edition.reader.id, story.pick.paper.id)
    if is_late(site, edition):
        return site.pages.error(
            410,
            "This vote comes late",
            f"Thumbs are taken for {VOTE_DAYS} days after an edition. Those in your newest"
            " letter or feed entry work.",
            feeds=site.program.links.public_alternates(site.pages.title),
        )
    if request.method == "POST":
        thumb = feedback.thumb_named(str(form.get("action", wish)))
        return _cast(site, edition, story, thumb, wish)
    return _ballot(site, edition, story, before, wish)


def edition(site: Site, request: Request, _form: FormData) -> Response:
    """Answer ``/edition/{token}``: the whole edition, with a button for each thumb.

    Letters are passed on, so it tells neither whose it is nor what they thought of it.
    """
    with site.program.store.read() as connection:
        shown = edition_of(site, connection, request, "edition")
        new = editions.news(connection, shown)
    ballot = None if is_late(site, shown) else site.pages.path(site.program.links.ballot(shown))
    return site.pages.page(
        "edition.html",
        edition=shown,
        stories=stories_of(shown),
        ballot=ballot,
        new=new,
        vote_days=VOTE_DAYS,
    )


def is_late(site: Site, edition: Edition) -> bool:
    """Say whether the vote links of an edition have expired."""
    return site.clock() > edition.published_at + timedelta(days=VOTE_DAYS)


def named(thumb: Thumb | None) -> str:
    """Name a thumb as forms and paths do."""
    return "clear" if thumb is None else thumb.name.lower()


def told(thumb: Thumb | None) -> str:
    """Tell what has just been done."""
    if thumb is None:
        return "Your thumb on this paper is taken back."
    return f"Thumbs {named(thumb)}: written down. The next edition knows."


def _story(edition: Edition, position: int) -> Story:
    for story in stories_of(edition):
        if story.pick.position == position:
            return story
    raise HTTPException(404)


def _cast(site: Site, edition: Edition, story: Story, thumb: Thumb | None, wish: str) -> Response:
    take_turn(site, f"vote:{edition.reader.uid}", most=MOST_THUMBS, per=HOUR)
    now = site.clock()
    before = feedback.cast(
        site.program.store,
        edition.reader.id,
        story.pick.paper.id,
        thumb,
        via=VIA,
        now=now,
        interest_id=story.pick.interest_id,
    )
    with site.program.store.read() as connection:
        after = votes.one(connection, edition.reader.id, story.pick.paper.id)
    undo = named(before.thumb if before else None)
    return _ballot(site, edition, story, after, wish, done=told(thumb), undo=undo)


def _ballot(
    site: Site,
    edition: Edition,
    story: Story,
    vote: Vote | None,
    wish: str,
    *,
    done: str = "",
    undo: str = "",
) -> Response:
    link = site.program.links.vote(edition, story.pick.position, Thumb[wish.upper()])
    return site.pages.page(
        "vote.html",
        edition=edition,
        story=story,
        vote=vote,
        wish=wish,
        path=site.pages.path(link),
        done=done,
        undo=undo,
    )
