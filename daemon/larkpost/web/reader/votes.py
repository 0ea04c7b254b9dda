"""Votes by link, and the edition in the browser: opening a link only shows, a button acts.

Mail scanners and feed readers open every link they see, some of them with HEAD, and in parallel;
so GET and HEAD here only ever read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from larkpost.db import editions
from larkpost.domain import Edition, Thumb
from larkpost.readers import record_votes
from larkpost.readers.record_votes import VOTE_DAYS
from larkpost.render.presenters import PickView, stories_of
from larkpost.web.auth import edition_of
from larkpost.web.limits.action_limit import thumb_permit
from larkpost.web.reader.record_use import note_use
from larkpost.web.reader.vote_session import (
    ThumbSession,
    anchor,
    continue_session,
    open_edition,
    session_path,
)

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

    from larkpost.web.site import SiteContext

VIA = "link"
VOTE_LABELS = {"up": "More like this", "down": "Less like this"}  # by their names in forms


def vote(site: SiteContext, request: Request, form: FormData) -> Response:
    """Answer ``/vote/{token}/{position}/{up|down}``: GET shows the paper, POST votes.

    The form's ``action`` is ``up``, ``down``, ``clear``, or ``undo`` within a session; without it
    the path's thumb is used. After a vote the browser is redirected to the edition, at that paper,
    so that a reload does not vote again and the next paper is in view. Newsletters are forwarded,
    so nothing here depends on the reader's votes.
    """
    wish = request.path_params["wish"]
    if wish not in VOTE_LABELS:
        raise HTTPException(404)
    with site.program.store.read() as connection:
        edition = edition_of(site, connection, request, "vote")
        view = _pick_view(edition, request.path_params["position"])
    if is_late(site, edition):
        return _refuse_late(site, edition, view)
    if request.method == "POST":
        session = continue_session(site, edition, str(form.get("session", "")))
        answer = _cast(site, edition, view, str(form.get("action", wish)), session)
        note_use(site, request, edition.reader.id)
        return answer
    return _ballot(site, edition, view, wish)


def edition(site: SiteContext, request: Request, _form: FormData) -> Response:
    """Answer ``/edition/{token}``: the whole edition, with a button for each thumb.

    Newsletters are forwarded, so it reveals neither the reader nor their votes; only for an hour
    after a vote it shows the voter the thumbs they gave (see ``vote_session``).
    """
    with site.program.store.read() as connection:
        shown, session = open_edition(site, connection, request)
        new = editions.news(connection, shown)
    ballot = None if is_late(site, shown) else site.pages.path(site.program.links.ballot(shown))
    cast = session.cast if session else {}
    return site.pages.page(
        "reader/edition.html",
        edition=shown,
        views=stories_of(shown),
        ballot=ballot,
        new=new,
        thumbs={position: thumb.name.lower() for position, thumb in cast.items() if thumb},
        voted=cast.keys(),
        done=_outcome(session) if session else None,
        session=request.path_params["token"] if session else "",
        anchor=anchor,
        vote_days=VOTE_DAYS,
    )


def is_late(site: SiteContext, edition: Edition) -> bool:
    """Return whether the vote links of an edition have expired."""
    return record_votes.is_late(edition, site.clock())


def thumb_name(thumb: Thumb | None) -> str:
    """Name a thumb as forms and paths do."""
    return "clear" if thumb is None else thumb.name.lower()


def confirmation(thumb: str, before: str) -> str:
    """Confirm a thumb after the one before it, by their names in forms: up, down or clear."""
    if thumb == before:
        if thumb == "clear":
            return "You have given this paper no thumb."
        return f"{VOTE_LABELS[thumb]}: you said so before."
    if thumb == "clear":
        return "Undone. This paper has no thumb from you now."
    return f"{VOTE_LABELS[thumb]}: saved. The next edition takes it into account."


class VoteOutcome(NamedTuple):
    """The result of the last vote at a ``position``, and the buttons to undo it."""

    position: int
    message: str
    undo: bool
    clear: bool


def _outcome(session: ThumbSession) -> VoteOutcome:
    """Describe the last vote; the earlier thumb is shown only to its voter."""
    at = session.position
    if at not in session.cast:
        return VoteOutcome(
            at, "Undone. Your thumb on this paper is what it was before.", True, False
        )
    thumb = session.cast[at]
    if session.is_known:
        told = confirmation(thumb_name(thumb), thumb_name(session.before))
        changed = thumb is not session.before
        return VoteOutcome(at, told, changed, not changed and thumb is not None)
    told = (
        confirmation(thumb_name(thumb), "")
        if thumb
        else "Undone. This paper has no thumb from you now."
    )
    return VoteOutcome(at, told, True, False)


def _pick_view(edition: Edition, position: int) -> PickView:
    for view in stories_of(edition):
        if view.pick.position == position:
            return view
    raise HTTPException(404)


def _refuse_late(site: SiteContext, edition: Edition, view: PickView) -> Response:
    """Answer 410, with links to the paper, if it is public, and to its edition."""
    links, paper = site.program.links, view.pick.paper
    return site.pages.error(
        410,
        "This vote is too late",
        f"You can give thumbs for {VOTE_DAYS} days after an edition. Use the links in your newest"
        " email or feed entry.",
        feeds=links.public_alternates(site.pages.title),
        paper=None
        if paper.owner_id
        else (site.pages.path(links.paper(paper.uid)), view.facts.title),
        edition=(site.pages.path(links.edition(edition)), edition.date),
    )


def _cast(
    site: SiteContext, edition: Edition, view: PickView, action: str, session: ThumbSession | None
) -> Response:
    position = view.pick.position
    undoing = session if action == "undo" and session and session.position == position else None
    thumb = undoing.before if undoing else record_votes.read_thumb(action)
    known = {interest.id for interest in edition.reader.interests}  # it may have been removed
    before = record_votes.cast(
        site.program.store,
        edition.reader.id,
        view.pick.paper.id,
        thumb,
        source=VIA,
        now=site.clock(),
        interest_id=view.pick.interest_id if view.pick.interest_id in known else None,
        permit=thumb_permit(site, edition.reader, view.pick.paper.id, thumb),
    )
    if undoing and position in undoing.cast:
        done = undoing.after_undo()
    else:
        session = session or ThumbSession(position, None)
        done = session.after(position, thumb, before.thumb if before else None)
    return RedirectResponse(session_path(site, edition, done), status_code=303)


def _ballot(site: SiteContext, edition: Edition, view: PickView, wish: str) -> Response:
    links = site.program.links
    link = links.vote(edition, view.pick.position, Thumb[wish.upper()])
    stories = stories_of(edition)
    at = [one.pick.position for one in stories].index(view.pick.position)
    return site.pages.page(
        "reader/vote.html",
        edition=edition,
        view=view,
        wish=wish,
        path=site.pages.path(link),
        rest=[*stories[at + 1 :], *stories[:at]],
        following=at + 1 < len(stories),
        edition_path=site.pages.path(links.edition(edition)),
        anchor=anchor,
    )
