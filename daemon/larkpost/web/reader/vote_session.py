"""For an hour an edition shows the thumbs given on it, by a signed link without a cookie.

Newsletters are forwarded, so the person who votes may not be the reader. They see only their own
thumbs of this session, and never earlier ones: everything is in the link, and nothing is read from
the database. The thumb before the first vote is in the link for *Undo*, masked with the secret key.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.domain import Edition, Thumb
from larkpost.errors import InvalidToken
from larkpost.token_routes import SIGNED
from larkpost.urls import stamp
from larkpost.web.auth import edition_by_id, edition_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from larkpost.db.engine import Connection
    from larkpost.web.site import SiteContext

SESSION = timedelta(hours=1)
NUMBERS = 8  # in a token
_THUMBS = (None, Thumb.UP, Thumb.DOWN)  # as tokens number them
_CODES = len(_THUMBS) + 1  # 0 means: not cast here
_NONCE_BITS = 64


@dataclass(frozen=True, slots=True)
class ThumbSession:
    """The thumbs given on an edition by position of the pick, the last one at ``position``.

    ``before`` is the thumb that the last vote replaced. It ``is_known`` to the voter if it was
    given in this session; otherwise it is only for *Undo*, and must not be shown.
    """

    position: int
    before: Thumb | None
    is_known: bool = False
    cast: Mapping[int, Thumb | None] = field(default_factory=dict)

    def after(self, position: int, thumb: Thumb | None, before: Thumb | None) -> ThumbSession:
        """Return the session after another vote, which replaced ``before``."""
        return ThumbSession(position, before, position in self.cast, {**self.cast, position: thumb})

    def after_undo(self) -> ThumbSession:
        """Return the session after the last vote was undone."""
        cast = dict(self.cast)
        undone = cast.pop(self.position, None)
        if self.is_known:
            cast[self.position] = self.before
        return ThumbSession(self.position, undone, is_known=True, cast=cast)


def session_path(site: SiteContext, edition: Edition, session: ThumbSession) -> str:
    """Return the path of an edition that shows this session for an hour, at the last paper.

    Its length does not depend on the thumbs.
    """
    token = _sign(site, edition, session)
    return f"{site.pages.root}/edition/{token}#{anchor(session.position)}"


def anchor(position: int) -> str:
    """Return the anchor of a pick on the page of its edition."""
    return f"p{position}"


def open_edition(
    site: SiteContext, connection: Connection, request: Request
) -> tuple[Edition, ThumbSession | None]:
    """Find the edition of the path's token, and the session if it is still valid.

    An edition link holds no session, and an expired session opens the same edition without thumbs.
    Raises InvalidToken.
    """
    try:
        return edition_of(site, connection, request, SIGNED["edition"]), None
    except InvalidToken:
        return _in_session(site, connection, request.path_params["token"])


def continue_session(site: SiteContext, edition: Edition, token: str) -> ThumbSession | None:
    """Read the session that a form continues; None if it is expired or of another edition."""
    try:
        numbers = site.program.tokens.verify("thumbs", token)
    except InvalidToken:
        return None
    if numbers[:2] != (edition.id, stamp(edition.reader, "thumbs")):
        return None
    return _session(site, numbers)


def _in_session(
    site: SiteContext, connection: Connection, token: str
) -> tuple[Edition, ThumbSession | None]:
    numbers = site.program.tokens.verify("thumbs", token)
    if len(numbers) < 2:
        raise InvalidToken("this token names no edition")
    edition = edition_by_id(connection, numbers[0], numbers[1], "thumbs")
    return edition, _session(site, numbers)


def _sign(site: SiteContext, edition: Edition, session: ThumbSession) -> str:
    until = int((site.clock() + SESSION).timestamp())
    nonce = secrets.randbits(_NONCE_BITS) | 1 << _NONCE_BITS  # of one length
    code = _THUMBS.index(session.before)
    if not session.is_known:
        code = (code + _mask(site, edition.id, nonce)) % len(_THUMBS)
    return site.program.tokens.sign(
        "thumbs",
        edition.id,
        stamp(edition.reader, "thumbs"),
        until,
        session.position,
        int(session.is_known),
        code,
        nonce,
        _pack(session.cast),
    )


def _session(site: SiteContext, numbers: tuple[int, ...]) -> ThumbSession | None:
    if len(numbers) != NUMBERS:  # an old link, which showed the stored thumbs
        return None
    edition_id, _, until, position, is_known, code, nonce, cast = numbers
    if site.clock() > datetime.fromtimestamp(until, UTC):
        return None
    if not is_known:
        code = (code - _mask(site, edition_id, nonce)) % len(_THUMBS)
    return ThumbSession(position, _THUMBS[code], bool(is_known), _unpack(cast))


def _mask(site: SiteContext, edition_id: int, nonce: int) -> int:
    """Return a number that looks random without the key: a one-time pad of a thumb."""
    keyed = site.program.tokens.sign("undo", edition_id, nonce).encode()
    return int.from_bytes(hashlib.sha256(keyed).digest()) % len(_THUMBS)


def _pack(cast: Mapping[int, Thumb | None]) -> int:
    """Encode the thumbs as digits, one per position."""
    return sum(
        (_THUMBS.index(thumb) + 1) * _CODES**position for position, thumb in sorted(cast.items())
    )


def _unpack(number: int) -> dict[int, Thumb | None]:
    cast: dict[int, Thumb | None] = {}
    position = 0
    while number:
        number, code = divmod(number, _CODES)
        if code:
            cast[position] = _THUMBS[code - 1]
        position += 1
    return cast
