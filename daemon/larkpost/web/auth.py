"""Resolves the token of a link to a reader, or to one of their editions."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from larkpost.db import editions, readers
from larkpost.domain import Edition, Reader
from larkpost.errors import InvalidToken
from larkpost.urls import is_stamped, open_token, stamp

if TYPE_CHECKING:
    from starlette.requests import Request

    from larkpost.db.engine import Connection
    from larkpost.token_routes import Purpose
    from larkpost.web.site import SiteContext


def reader_of(
    site: SiteContext, connection: Connection, request: Request, purpose: Purpose
) -> Reader:
    """Find the reader whom the path's token names; raises InvalidToken or UnknownReader."""
    number, seal = open_token(site.program.tokens, purpose, request.path_params["token"])
    reader = readers.get(connection, number)
    _check_stamp(connection, reader, seal, purpose)
    if purpose == "page":
        _note_use(site, reader)
    return reader


def edition_of(
    site: SiteContext, connection: Connection, request: Request, purpose: Purpose
) -> Edition:
    """Find the edition that the path's token names; raises InvalidToken."""
    number, seal = open_token(site.program.tokens, purpose, request.path_params["token"])
    edition = edition_by_id(connection, number, seal, purpose)
    _note_use(site, edition.reader)
    return edition


def edition_by_id(connection: Connection, number: int, seal: int, purpose: Purpose) -> Edition:
    """Find an edition for whom ``seal``, the stamp of a token, names; raises InvalidToken."""
    edition = editions.get(connection, number)
    if edition is None:
        raise InvalidToken("this edition is gone")
    _check_stamp(connection, edition.reader, seal, purpose)
    return edition


def check_link(site: SiteContext, request: Request, purpose: Purpose) -> None:
    """Raise InvalidToken or UnknownReader if the path's token opens nothing."""
    with site.program.store.read() as connection:
        if purpose == "admin":
            check_admin(site, request)
        elif purpose == "vote":
            edition_of(site, connection, request, purpose)
        else:
            reader_of(site, connection, request, purpose)


def check_admin(site: SiteContext, request: Request) -> None:
    """Check the operator's token; raises InvalidToken for an old link, or without an admin page."""
    number = site.program.settings.web.admin_link_version
    signed = site.program.tokens.verify("admin", request.path_params["token"])
    if not number or signed != (number,):
        raise InvalidToken("there is no such admin page")


def _note_use(site: SiteContext, reader: Reader) -> None:
    """Count a visit as use, but not on the day of signing up, which leads to the page itself."""
    now = site.clock()
    if now.astimezone(UTC).date() > reader.created.astimezone(UTC).date():
        site.program.uses.note(reader.id, now)


def _check_stamp(connection: Connection, reader: Reader, seal: int, purpose: Purpose) -> None:
    """Refuse an ended link, and one to a removed reader whose number was reused."""
    if stamp(reader, purpose) == seal:
        return
    if not is_stamped(seal, reader, readers.former(connection, [reader.id]), purpose):
        raise InvalidToken("this reader is gone, or has a newer link")
