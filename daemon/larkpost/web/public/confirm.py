"""Pages of subscribing: confirm, unsubscribe, resubscribe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from larkpost.domain import Reader, Status
from larkpost.errors import QuotaExceeded
from larkpost.readers import returns, subscriptions
from larkpost.readers.quotas import Allowance
from larkpost.web.auth import reader_of
from larkpost.web.limits.action_limit import tell_when
from larkpost.web.reader.record_use import hashed_networks, note_use
from larkpost.web.site import in_words

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from larkpost.web.site import SiteContext


_TOO_SOON = (
    f"The link of a newsletter subscribes you again once in {returns.RETURNS_EVERY.days} days."
    " Your page has a button for it, too: the subscribe form sends you its link."
)


def leave(site: SiteContext, request: Request, form: FormData) -> Response:
    """Answer ``/leave/{token}``: GET shows a button, POST unsubscribes at once, with 200.

    RFC 8058: the POST comes from a mail program, without cookies and from any origin; it says
    ``List-Unsubscribe=One-Click``, urlencoded or multipart, and must not be redirected. The
    page's own buttons say ``action=leave`` and ``action=return``. Any other body does nothing. The
    token never expires.
    """
    with site.program.store.read() as connection:
        reader = reader_of(site, connection, request, "leave")
    if request.method != "POST":
        return _leave_page(site, reader, left=reader.status is Status.LEFT)
    if form.get("List-Unsubscribe") == "One-Click" or form.get("action") == "leave":
        gone = returns.leave_by_newsletter(site.program.store, reader, now=site.clock())
        return _leave_page(site, gone, left=True)
    if form.get("action") == "return":
        return _come_back(site, reader)
    raise HTTPException(400)


def _come_back(site: SiteContext, reader: Reader) -> Response:
    """Subscribe a reader again who left, rarely: newsletters are forwarded, and have this link.

    Otherwise whoever holds one could subscribe a reader again each time they leave. A pause, and
    bounces, are ended on the reader's own page only.
    """
    if reader.status is not Status.LEFT:
        return _leave_page(site, reader, returned=reader.status is Status.ACTIVE)
    with site.program.store.begin() as connection:
        if not returns.take_return(connection, reader, site.clock()):
            return site.pages.error(429, "Please use your page", _TOO_SOON)
    back = subscriptions.resume(site.program.store, reader.id, now=site.clock())
    return _leave_page(site, back, returned=True)


def confirm(site: SiteContext, request: Request, _form: FormData) -> Response:
    """Answer ``/confirm/{token}``.

    GET shows a button, POST confirms a pending reader. Only the POST that confirmed them shows the
    link to their page: others may find the message later, and must not get a renewed page link from
    it.
    """
    with site.program.store.read() as connection:
        reader = reader_of(site, connection, request, "confirm")
    confirmed = None
    if request.method == "POST":
        if reader.status is Status.PENDING and (refused := _refuse_many(site, request)):
            return refused
        confirmed = subscriptions.confirm(site.program.store, reader.id, now=site.clock())
        note_use(site, request, reader.id)
    reader, links = confirmed or reader, site.program.links
    return site.pages.page(
        "public/confirm.html",
        state=reader.status.value,
        address=reader.address,
        next=reader.next_slot,
        zone=reader.zone,
        path=site.pages.path(links.confirm(reader)),
        page=site.pages.path(links.page(confirmed)) if confirmed else None,
    )


def _refuse_many(site: SiteContext, request: Request) -> Response | None:
    """Count a confirmation against the quotas of the visitor's networks; the page if it is over.

    Only keyed hashes of the networks are stored, as by ``note_use``.
    """
    allowance = Allowance(site.program.settings.quotas, hashed_networks(site, request))
    try:
        with site.program.store.begin() as connection:
            allowance.take_mailbox(connection, site.clock())
    except QuotaExceeded as error:
        return tell_when(site.pages.error(429, "Not confirmed yet", in_words(error)), error)
    return None


def _hint(address: str | None) -> str:
    """Mask an address so that only its owner recognises it, because newsletters are forwarded."""
    name, at, domain = (address or "").rpartition("@")
    return f"{name[:1]}…{at}{domain}" if address else ""


def _leave_page(
    site: SiteContext, reader: Reader, *, left: bool = False, returned: bool = False
) -> Response:
    return site.pages.page(
        "public/unsubscribe.html",
        left=left,
        returned=returned,
        hint=_hint(reader.address),
        next=reader.next_slot,
        zone=reader.zone,
        path=site.pages.path(site.program.links.leave(reader)),
    )
