"""The hour in which an edition shows its reader's thumbs: a signed link instead of a cookie."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from larkpost.domain import Thumb
from larkpost.errors import InvalidToken
from larkpost.links import stamp
from larkpost.paths import SIGNED
from larkpost.web.keys import edition_by_id, edition_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from larkpost.domain import Edition
    from larkpost.store.engine import Connection
    from larkpost.web.guard import Site

SESSION = timedelta(hours=1)
_THUMBS = (None, Thumb.UP, Thumb.DOWN)  # as tokens number them


class ThumbSession(NamedTuple):
    """What a reader has just done: the ``position`` voted on, and the thumb it had ``before``."""

    position: int
    before: Thumb | None


def session_path(site: Site, edition: Edition, done: ThumbSession) -> str:
    """Give the path of an edition that shows its thumbs for an hour, at the paper voted on.

    Only for who has just voted: the vote token shows that they are the reader.
    """
    until = int((site.clock() + SESSION).timestamp())
    seal = stamp(edition.reader, "thumbs")
    numbers = (edition.id, seal, until, done.position, _THUMBS.index(done.before))
    token = site.program.tokens.sign("thumbs", *numbers)
    return f"{site.pages.root}/edition/{token}#{anchor(done.position)}"


def anchor(position: int) -> str:
    """Name the place of a pick on the page of its edition."""
    return f"p{position}"


def open_edition(
    site: Site, connection: Connection, request: Request
) -> tuple[Edition, ThumbSession | None]:
    """Find the edition that the path's token names, and the session that the token still holds.

    An edition link holds none, and one that is over opens the same edition without thumbs.
    Raises InvalidToken.
    """
    try:
        return edition_of(site, connection, request, SIGNED["edition"]), None
    except InvalidToken:
        return _in_session(site, connection, request)


def _in_session(
    site: Site, connection: Connection, request: Request
) -> tuple[Edition, ThumbSession | None]:
    numbers = site.program.tokens.verify("thumbs", request.path_params["token"])
    number, seal, until, position, before = numbers
    edition = edition_by_id(connection, number, seal, "thumbs")
    if site.clock() > datetime.fromtimestamp(until, UTC):
        return edition, None
    return edition, ThumbSession(position, _THUMBS[before])
