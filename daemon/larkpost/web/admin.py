"""The operator's page: readers, dumps, messages and health; read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larkpost.db import read_dumps, readers
from larkpost.db.outbox import deliveries
from larkpost.domain import DeliveryState
from larkpost.scheduler.status import SEND_UNDECIDED, read_status
from larkpost.web.auth import check_admin
from larkpost.web.public.archive import leaf, page_number

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from larkpost.web.site import SiteContext

READERS = 100  # a page
DUMPS = 20
SHOWN_MESSAGES = 50
TROUBLED = (DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.DEFERRED)


def admin(site: SiteContext, request: Request, _form: FormData) -> Response:
    """Answer ``/admin/{token}``; a normal 404 if ``web.admin_link_version`` is 0."""
    check_admin(site, request)
    page = page_number(request)
    now = site.clock()
    with site.program.store.read() as connection:
        found = read_status(connection, now=now, window=site.program.window)
        latest = read_dumps.latest(connection, limit=DUMPS)
        some = readers.newest(connection, limit=READERS, offset=(page - 1) * READERS)
        troubled = deliveries.by_state(connection, TROUBLED, SHOWN_MESSAGES)
        theirs = readers.many(connection, {one.reader_id for one in troubled if one.reader_id})
    total = sum(found.readers.values())
    return site.pages.page(
        "admin.html",
        overview=found,
        send_undecided=SEND_UNDECIDED,
        is_ticking=all(pulse.is_alive(now) for pulse in site.pulses.values())
        if site.pulses
        else None,
        dumps=latest,
        readers=some,
        leaf=leaf(page, total, READERS),
        emails=[(one, theirs.get(one.reader_id or 0)) for one in troubled],
        path=site.pages.path(
            site.program.links.admin(site.program.settings.web.admin_link_version)
        ),
        paste_path=site.pages.path(
            site.program.links.paste(site.program.settings.web.admin_link_version)
        ),
    )
