"""Makes a reader from the web count for others, once the rules allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larkpost.db.usage import vote_eligibility
from larkpost.web.client_ip import networks

if TYPE_CHECKING:
    from starlette.requests import Request

    from larkpost.web.site import SiteContext


def note_use(site: SiteContext, request: Request, reader_id: int) -> None:
    """Check, after a reader confirmed or acted, whether they or more of their thumbs may count.

    Only hashes of their networks are stored, under the key of this home, and for a limited time.
    """
    store, now = site.program.store, site.clock()
    with store.read() as connection:
        begins = vote_eligibility.may_begin(connection, reader_id, now)
        if not begins and not vote_eligibility.is_any_waiting(connection, reader_id):
            return
    where = hashed_networks(site, request)
    with store.begin() as connection:
        if begins:
            vote_eligibility.begin(connection, reader_id, networks=where, now=now)
        else:
            vote_eligibility.count_waiting(connection, reader_id, now)


def hashed_networks(site: SiteContext, request: Request) -> list[str]:
    """Hash the networks of a visitor under the key of this home, for counts that are kept long."""
    around = networks(request, site.program.settings.web.trusted_proxies)
    return [site.program.tokens.hash_text(one) for one in around]
