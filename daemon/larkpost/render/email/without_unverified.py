"""Leaves out of an edition what unverified sources may have put into it."""

from __future__ import annotations

from dataclasses import replace

from larkpost.domain import Edition, Identifier, Paper, Pick
from larkpost.text.plurals import quantity
from larkpost.text.unverified import Unverified

LEFT_OUT = "Only on the page of this edition: {papers}. A mail server refused the email with them."


def without_unverified(page: Edition) -> Edition | None:
    """Return an edition without papers, links and liked titles of unverified sources.

    Anybody who writes a feed can put words or links into a paper for which mail servers refuse the
    message; also a link into a paper of others, and a title into "Like …". None if nothing is to be
    left out, or no paper would be left.
    """
    good = tuple(pick for pick in page.picks if not pick.paper.unverified & Unverified.TEXTS)
    plain = tuple(map(_without_unverified, good))
    if not plain or plain == tuple(page.picks):
        return None
    note = page.note
    if less := len(page.picks) - len(good):
        note = f"{note} {LEFT_OUT.format(papers=quantity(less, 'paper'))}".strip()
    return replace(page, picks=plain, note=note)


def _without_unverified(pick: Pick) -> Pick:
    liked = pick.similar_paper
    if liked is not None and liked.unverified & Unverified.TEXTS:
        liked = None
    return replace(pick, paper=_with_verified_link(pick.paper), similar_paper=liked)


def _with_verified_link(paper: Paper) -> Paper:
    """Return the paper, without its link if a feed gave that: it is on our page about the paper."""
    if not paper.unverified & Unverified.LINK:
        return paper
    return replace(paper, url=None, identifier=Identifier("text", paper.uid))
