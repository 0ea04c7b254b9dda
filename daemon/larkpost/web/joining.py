"""The door in: the form of somebody new, answered in one way whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from larkpost.errors import UsageError
from larkpost.flows import membership, notices
from larkpost.flows.interest_words import describe
from larkpost.web.desk import unmatched_in
from larkpost.web.forms import WEEKDAYS, opening_wishes, read_wishes, text, typed_wishes, zones
from larkpost.web.guard import in_words
from larkpost.web.turns import HOUR, take_turn
from larkpost.web.visitors import network

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from larkpost.web.guard import Site

A_NETWORK = 20  # askings of a network an hour: a class room may join, a flood may not


def subscribe(site: Site, request: Request, form: FormData) -> Response:
    """Answer ``/subscribe``: GET shows the form, POST takes it.

    With an address the answer is the same page for every address, known or not: all that is done
    here is to write the asking down, and a letter says the rest to whoever owns the address. With
    ``action=feed`` a reader without an address is made at once.
    """
    if request.method != "POST":
        return _form(site, opening_wishes(site.program.settings))
    key = f"subscribe:{network(request, site.program.settings.web.proxies)}"
    take_turn(site, key, most=A_NETWORK, per=HOUR)
    try:
        if text(form, "action") == "feed":
            return _by_feed(site, form)
        asking = notices.asked(text(form, "address"), _all_wishes(site, form), _words(form))
    except UsageError as error:
        return _form(site, _typed(site, form), problem=in_words(error), status=400)
    notices.ask(site.program.store, asking, now=site.clock())
    unmatched = [describe(one) for one in unmatched_in(site, asking.words)]
    return site.pages.page("asked.html", address=asking.address, unmatched=unmatched)


def _by_feed(site: Site, form: FormData) -> Response:
    reader = membership.add(
        site.program.store,
        None,
        now=site.clock(),
        words=_words(form),
        signed_up=True,
        **_all_wishes(site, form),
    )
    page = site.pages.path(site.program.links.page(reader))
    return RedirectResponse(f"{page}/start?done=welcome", status_code=303)


def _all_wishes(site: Site, form: FormData) -> membership.Wishes:
    """Read the wishes; the short form of the front page sends the zone alone."""
    if "at" in form:
        return read_wishes(form)
    usual = site.program.settings.readers
    return {
        "zone": text(form, "zone").strip() or usual.zone,
        "at": usual.at,
        "days": usual.days,
        "size": usual.size,
    }


def _words(form: FormData) -> list[str]:
    return [word for line in text(form, "words").splitlines() for word in line.split(",")]


def _typed(site: Site, form: FormData) -> dict[str, object]:
    usual = opening_wishes(site.program.settings)
    if "at" in form:
        return usual | typed_wishes(form)
    return usual | {name: text(form, name) or usual[name] for name in ("address", "zone", "words")}


def _form(
    site: Site, wishes: dict[str, object], *, problem: str = "", status: int = 200
) -> Response:
    response = site.pages.page(
        "subscribe.html",
        status,
        script=True,
        wishes=wishes,
        problem=problem,
        weekdays=WEEKDAYS,
        zones=zones(),
    )
    if status == 200:
        response.headers["X-Robots-Tag"] = "all"
    return response
