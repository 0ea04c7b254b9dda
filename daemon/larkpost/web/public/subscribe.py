"""The subscription page, which answers the same for known and unknown addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from larkpost.errors import Crowded, QuotaExceeded, UsageError
from larkpost.mail import confirmations
from larkpost.readers import subscriptions
from larkpost.readers.interest_hints import describe
from larkpost.text import interest_words
from larkpost.web.client_ip import network
from larkpost.web.forms import WEEKDAYS, opening_wishes, read_preferences, read_wishes, text, zones
from larkpost.web.limits.action_limit import DAY, HOUR, allowance, take_network_turn, tell_when
from larkpost.web.reader.account import find_unmatched_in
from larkpost.web.site import SiteContext, in_words

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request


# Requests per network and hour, and day: enough for a classroom, not for a flood. A request by mail
# may be stored for a month, with up to 20 kB of words.
A_NETWORK, A_DAY = 20, 100
CROWDED_SECONDS = 3600


def subscribe(site: SiteContext, request: Request, form: FormData) -> Response:
    """Answer ``/subscribe``: GET shows the form, POST takes it.

    With an address the answer is the same page for every address, known or not: only the request is
    recorded, and a message informs the owner of the address. With ``action=feed`` a reader without
    an address is created at once.
    """
    if request.method != "POST":
        return _form(site, opening_wishes(site.program.settings))
    take_network_turn(site, request, "subscribe", most=A_NETWORK, per=HOUR)
    take_network_turn(site, request, "subscribe day", most=A_DAY, per=DAY)
    try:
        if text(form, "action") == "feed":
            return _by_feed(site, request, form)
        return _by_mail(site, request, form)
    except QuotaExceeded as error:
        return tell_when(
            _form(site, _read_form(site, form), problem=in_words(error), status=413), error
        )
    except UsageError as error:
        return _form(site, _read_form(site, form), problem=in_words(error), status=400)


def _crowded_page(site: SiteContext, form: FormData, crowded: Crowded) -> Response:
    page = _form(site, _read_form(site, form), problem=in_words(crowded), status=429)
    page.headers["Retry-After"] = str(CROWDED_SECONDS)
    return page


def _by_mail(site: SiteContext, request: Request, form: FormData) -> Response:
    own = site.program.settings
    asking = confirmations.check_request(
        text(form, "address"), _all_wishes(site, form), _words(form)
    )
    try:
        confirmations.ask(
            site.program.store,
            asking,
            now=site.clock(),
            network=network(request, own.web.trusted_proxies),
            per_domain=own.mail.domain_hourly_limit,
        )
    except Crowded as crowded:
        return _crowded_page(site, form, crowded)
    unmatched = [describe(one) for one in find_unmatched_in(site, asking.words)]
    return site.pages.page(
        "public/subscribe_requested.html", address=asking.address, unmatched=unmatched
    )


def _by_feed(site: SiteContext, request: Request, form: FormData) -> Response:
    store, now = site.program.store, site.clock()
    preferences, words = (
        subscriptions.check_preferences(_all_wishes(site, form)),
        interest_words.tidy(_words(form)),
    )
    with store.begin() as connection:  # after the checks: a mistake in the form does not count
        allowance(site, request).take_reader(connection, now)
    reader = subscriptions.add(
        store, None, now=now, words=words, expires=True, signed_up=True, **preferences
    )
    page = site.pages.path(site.program.links.page(reader))
    return RedirectResponse(f"{page}/start?done=welcome", status_code=303)


def _all_wishes(site: SiteContext, form: FormData) -> subscriptions.Preferences:
    """Read the preferences; the short form of the front page sends only the zone."""
    if "send_time" in form:
        return read_wishes(form)
    usual = site.program.settings.readers
    return {
        "zone": text(form, "zone").strip() or usual.zone,
        "send_time": usual.send_time,
        "weekdays": usual.days,
        "papers_per_edition": usual.papers_per_edition,
    }


def _words(form: FormData) -> list[str]:
    return [word for line in text(form, "words").splitlines() for word in line.split(",")]


def _read_form(site: SiteContext, form: FormData) -> dict[str, object]:
    usual = opening_wishes(site.program.settings)
    if "send_time" in form:
        return usual | read_preferences(form)
    return usual | {name: text(form, name) or usual[name] for name in ("address", "zone", "words")}


def _form(
    site: SiteContext, preferences: dict[str, object], *, problem: str = "", status: int = 200
) -> Response:
    response = site.pages.page(
        "public/subscribe.html",
        status,
        script=True,
        preferences=preferences,
        problem=problem,
        weekdays=WEEKDAYS,
        zones=zones(),
    )
    if status == 200:
        response.headers["X-Robots-Tag"] = "all"
    return response
