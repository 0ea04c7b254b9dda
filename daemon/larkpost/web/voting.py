"""Thumbs by link, and the edition in the browser: opening shows, only a pressed button acts.

Mail scanners and feed readers open every link they see, some of them with HEAD, and in parallel;
so GET and HEAD here only ever read.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from larkpost.domain import Thumb
from larkpost.flows import feedback
from larkpost.render.stories import stories_of
from larkpost.store import editions, votes
from larkpost.web.keys import edition_of
from larkpost.web.thumb_session import ThumbSession, anchor, open_edition, session_path
from larkpost.web.turns import take_thumb_turn

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from larkpost.domain import Edition, Vote
    from larkpost.render.stories import Story
    from larkpost.web.guard import Site

VOTE_DAYS = 90
VIA = "link"
WISHES = ("up", "down")


def vote(site: Site, request: Request, form: FormData) -> Response:
    """Answer ``/vote/{token}/{position}/{up|down}``: GET shows the paper, POST votes.

    The form's ``action`` is ``up``, ``down`` or ``clear``; without it the path's thumb is meant.
    After a vote the browser is sent to the edition, at that paper, so that a reload does not vote
    again and the next paper is in view.
    """
    wish = request.path_params["wish"]
    if wish not in WISHES:
        raise HTTPException(404)
    with site.program.store.read() as connection:
        edition = edition_of(site, connection, request, "vote")
        story = _story(edition, request.path_params["position"])
        before = votes.one(connection, edition.reader.id, story.pick.paper.id)
    if is_late(site, edition):
        return _refuse_late(site, edition, story)
    if request.method == "POST":
        thumb = feedback.thumb_named(str(form.get("action", wish)))
        return _cast(site, edition, story, thumb)
    return _ballot(site, edition, story, before, wish)


def edition(site: Site, request: Request, _form: FormData) -> Response:
    """Answer ``/edition/{token}``: the whole edition, with a button for each thumb.

    Letters are passed on, so it tells neither whose it is nor what they thought of it; but for an
    hour after a thumb it shows all thumbs of this edition to who gave it.
    """
    with site.program.store.read() as connection:
        shown, session = open_edition(site, connection, request)
        new = editions.news(connection, shown)
        ids = [pick.paper.id for pick in shown.picks]
        cast = votes.on(connection, shown.reader.id, ids) if session else {}
    ballot = None if is_late(site, shown) else site.pages.path(site.program.links.ballot(shown))
    done = session.position if session else 0
    return site.pages.page(
        "edition.html",
        edition=shown,
        stories=stories_of(shown),
        ballot=ballot,
        new=new,
        thumbs={paper_id: named(one.thumb) for paper_id, one in cast.items()},
        done=done,
        confirmation=confirmation,
        undo=named(session.before) if session else "",
        anchor=anchor,
        vote_days=VOTE_DAYS,
    )


def is_late(site: Site, edition: Edition) -> bool:
    """Say whether the vote links of an edition have expired."""
    return site.clock() > edition.published_at + timedelta(days=VOTE_DAYS)


def named(thumb: Thumb | None) -> str:
    """Name a thumb as forms and paths do."""
    return "clear" if thumb is None else thumb.name.lower()


def confirmation(thumb: str, before: str) -> str:
    """Confirm a thumb after the one before it, by their names in forms: up, down or clear."""
    if thumb == before:
        if thumb == "clear":
            return "There is no thumb of yours on this paper."
        return f"Thumbs {thumb}: this paper has had it already."
    if thumb == "clear":
        return "Your thumb on this paper is taken back."
    return f"Thumbs {thumb}: written down. The next edition knows."


def _story(edition: Edition, position: int) -> Story:
    for story in stories_of(edition):
        if story.pick.position == position:
            return story
    raise HTTPException(404)


def _refuse_late(site: Site, edition: Edition, story: Story) -> Response:
    """Answer 410, and lead to the paper, where anybody may see it, and to its edition."""
    links, paper = site.program.links, story.pick.paper
    return site.pages.error(
        410,
        "This vote comes late",
        f"Thumbs are taken for {VOTE_DAYS} days after an edition. Those in your newest"
        " letter or feed entry work.",
        feeds=links.public_alternates(site.pages.title),
        paper=None
        if paper.owner_id
        else (site.pages.path(links.paper(paper.uid)), story.facts.title),
        edition=(site.pages.path(links.edition(edition)), edition.date),
    )


def _cast(site: Site, edition: Edition, story: Story, thumb: Thumb | None) -> Response:
    take_thumb_turn(site, edition.reader, story.pick.paper.id, thumb)
    before = feedback.cast(
        site.program.store,
        edition.reader.id,
        story.pick.paper.id,
        thumb,
        via=VIA,
        now=site.clock(),
        interest_id=story.pick.interest_id,
    )
    done = ThumbSession(story.pick.position, before.thumb if before else None)
    return RedirectResponse(session_path(site, edition, done), status_code=303)


def _ballot(site: Site, edition: Edition, story: Story, vote: Vote | None, wish: str) -> Response:
    links = site.program.links
    link = links.vote(edition, story.pick.position, Thumb[wish.upper()])
    stories = stories_of(edition)
    at = [one.pick.position for one in stories].index(story.pick.position)
    return site.pages.page(
        "vote.html",
        edition=edition,
        story=story,
        vote=vote,
        wish=wish,
        path=site.pages.path(link),
        rest=[*stories[at + 1 :], *stories[:at]],
        following=at + 1 < len(stories),
        edition_path=site.pages.path(links.edition(edition)),
        anchor=anchor,
    )
