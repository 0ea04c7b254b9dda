"""One visit for each method of every route, for the benchmark of the web."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from bench.support.web_world import ADMIN

from larkpost.domain import Thumb
from larkpost.web.limits.action_limit import MOST_THUMBS
from larkpost.web.public.subscribe import A_NETWORK
from larkpost.web.reader.onboarding import MOST_LISTS
from larkpost.web.templating import PageTemplates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.support.web_world import World


class Asked(NamedTuple):
    """A path, and the form sent to it."""

    path: str
    form: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Visit:
    """How a route is visited for the nth time, by whom, and the expected status.

    ``turns`` is the rate limit of a POST that the handler itself counts in the database.
    """

    route: str
    ask: Callable[[World, int], Asked]
    method: str = "GET"
    who: str = "visitor"
    status: int = 200
    turns: str = ""


WORDS = ("language model", '"language model"', "the of and", "graph -neural", "attention", "robot")
FORMS = ("rss", "atom", "json")


def fixed(path: str) -> Callable[[World, int], Asked]:
    """Make the same request each time."""
    return lambda _world, _number: Asked(path)


def _static(world: World, _number: int) -> Asked:
    site = world.program.settings.site
    pages = PageTemplates(base_url=site.base_url, title=site.title, find_links=site.find_links)
    return Asked(f"/static/{next(iter(pages.files))}")


def _paper(world: World, number: int) -> Asked:
    """Request another paper each time."""
    picks = world.edition.picks
    return Asked(world.path(world.program.links.paper(picks[number % len(picks)].paper.uid)))


def _month(_world: World, number: int) -> Asked:
    """Request another page of a month each time; 10,000 papers fill three months."""
    return Asked(f"/archive/2026-0{7 - number % 2}.{FORMS[number % 3]}?page={number % 3 + 1}")


def _words(world: World, number: int) -> Asked:
    return Asked(world.path(world.program.links.search(WORDS[number % len(WORDS)])))


def _search_feed(world: World, number: int) -> Asked:
    return Asked(world.path(world.program.links.search(WORDS[number % len(WORDS)], "atom")))


def _me(tail: str = "") -> Callable[[World, int], Asked]:
    return lambda world, _number: Asked(world.path(world.program.links.page(world.reader)) + tail)


def _feed(*, interest: bool = False, tail: str = "") -> Callable[[World, int], Asked]:
    def ask(world: World, number: int) -> Asked:
        reader, form = world.reader, FORMS[number % len(FORMS)]
        one = reader.interests[-1] if interest else None
        path = world.path(world.program.links.feed(reader, "atom", interest=one))
        return Asked(path.removesuffix(".atom") + f"{tail}.{form}")

    return ask


def _edition(world: World, _number: int) -> Asked:
    return Asked(world.path(world.program.links.edition(world.edition)))


def _vote(world: World, number: int) -> Asked:
    return Asked(world.path(world.program.links.vote(world.edition, number % 10 + 1, Thumb.UP)))


def _admin(world: World, _number: int) -> Asked:
    return Asked(world.path(world.program.links.admin(ADMIN)))


def _paste(world: World, _number: int) -> Asked:
    return Asked(world.path(world.program.links.paste(ADMIN)))


def _pasting(world: World, number: int) -> Asked:
    """Preview 1,000 papers; nothing is stored, so the request can be repeated."""
    lines = (
        f'{{"title": "On pasting number {n} of {number}", "url": "https://a.example/{n}"}}'
        for n in range(1000)
    )
    return Asked(_paste(world, number).path, {"text": "\n".join(lines), "action": "preview"})


def _leave(world: World, _number: int) -> Asked:
    return Asked(world.path(world.program.links.leave(world.reader)))


def _leaving(world: World, _number: int) -> Asked:
    path = world.path(world.program.links.leave(world.newcomer()))
    return Asked(path, {"List-Unsubscribe": "One-Click"})


def _confirm(world: World, number: int) -> Asked:
    return Asked(world.path(world.program.links.confirm(world.pending(number))))


def _confirming(world: World, number: int) -> Asked:
    path = world.path(world.program.links.confirm(world.pending(number + 1000)))
    return Asked(path, {"action": "confirm"})


def _saving(world: World, number: int) -> Asked:
    words = f"diffusion {number}\nquantization"
    form = {"action": "interest", "interest": "main", "words": words, "quota": "1"}
    return Asked(_me()(world, number).path, form)


def _bringing(world: World, number: int) -> Asked:
    entries = (
        f"@article{{k{n}, title={{On bringing number {n} of the list {number}}}, year=2020}}"
        for n in range(100)
    )
    return Asked(_me("/start")(world, number).path, {"text": "\n".join(entries)})


def _rating(world: World, number: int) -> Asked:
    form = {"paper": str(world.edition.picks[number % 10].paper.id), "thumb": "up"}
    return Asked(_me("/rate")(world, number).path, form)


def _asking(world: World, number: int) -> Asked:
    del world
    form = {"address": f"new{number}@example.org", "words": "robots", "action": "mail"}
    return Asked("/subscribe", form)


def _deleting(world: World, _number: int) -> Asked:
    path = world.path(world.program.links.page(world.newcomer()))
    return Asked(f"{path}/delete", {"sure": "yes"})


VISITS = (
    Visit("/", fixed("/")),
    Visit("/archive", fixed("/archive")),
    Visit("/archive/{month:name}.{form:name}", _month),
    Visit("/archive/{span}", fixed("/archive/2026-07")),
    Visit("/paper/{uid}", _paper),
    Visit("/search", _words),
    Visit("/subscribe", fixed("/subscribe")),
    Visit("/subscribe", _asking, "POST", turns=f"{A_NETWORK} an hour a network"),
    Visit("/static/{name}", _static),
    Visit("/robots.txt", fixed("/robots.txt")),
    Visit("/favicon.ico", fixed("/favicon.ico")),
    Visit("/apple-touch-icon.png", fixed("/apple-touch-icon.png")),
    Visit("/apple-touch-icon-precomposed.png", fixed("/apple-touch-icon-precomposed.png")),
    Visit("/healthz", fixed("/healthz")),
    Visit("/trending.{form:name}", fixed("/trending.atom")),
    Visit("/archive.{form:name}", fixed("/archive.atom")),
    Visit("/search.{form:name}", _search_feed),
    Visit("/feed/{key:name}.{form:name}", _feed(), who="reader"),
    Visit("/feed/{key:name}/{interest:name}.{form:name}", _feed(interest=True), who="reader"),
    Visit(
        "/feed/{key:name}/archive/{page:number}.{form:name}", _feed(tail="/archive/1"), who="reader"
    ),
    Visit(
        "/feed/{key:name}/{interest:name}/archive/{page:number}.{form:name}",
        _feed(interest=True, tail="/archive/1"),
        who="reader",
    ),
    Visit("/edition/{token}", _edition, who="reader"),
    Visit("/vote/{token}/{position:number}/{wish}", _vote, who="reader"),
    Visit(
        "/vote/{token}/{position:number}/{wish}",
        _vote,
        "POST",
        who="reader",
        status=303,
        turns=f"{MOST_THUMBS} an hour a reader",
    ),
    Visit("/me/{token}", _me(), who="reader"),
    Visit("/me/{token}", _saving, "POST", who="reader", status=303),
    Visit("/me/{token}/start", _me("/start?done=welcome"), who="reader"),
    Visit(
        "/me/{token}/start", _bringing, "POST", who="reader", turns=f"{MOST_LISTS} a day a reader"
    ),
    Visit("/me/{token}/rate", _me("/rate"), who="reader"),
    Visit(
        "/me/{token}/rate", _rating, "POST", who="reader", turns=f"{MOST_THUMBS} an hour a reader"
    ),
    Visit("/me/{token}/taste", _me("/taste"), who="reader"),
    Visit("/me/{token}/export.jsonl", _me("/export.jsonl"), who="reader"),
    Visit("/me/{token}/delete", _me("/delete"), who="reader"),
    Visit("/me/{token}/delete", _deleting, "POST", who="reader"),
    Visit("/admin/{token}", _admin, who="reader"),
    Visit("/admin/{token}/paste", _paste, who="reader"),
    Visit("/admin/{token}/paste", _pasting, "POST", who="reader"),
    Visit("/paste", fixed("/paste")),
    Visit("/leave/{token}", _leave, who="reader"),
    Visit("/leave/{token}", _leaving, "POST", who="reader"),
    Visit("/confirm/{token}", _confirm, who="reader"),
    Visit("/confirm/{token}", _confirming, "POST", who="reader"),
)
