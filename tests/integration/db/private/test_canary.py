"""Tests with a canary on a private list: every route and every export is searched for it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from starlette.routing import Route
from tests.helpers.web.site_client import NOW, place

from larkpost.db import editions, readers
from larkpost.db.private import private_papers
from larkpost.domain import Pick
from larkpost.editions.model_cache import fresh_space
from larkpost.portability import exporter
from larkpost.readers import onboarding, subscriptions
from larkpost.web import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.web.site_client import Place

    from larkpost.domain import Edition, Paper, Reader

LIST = """
@article{z, title={Zyxquill lanterns above the fjord}, author={Quandolph, Ida},
  abstract={The zyxquill glows at dusk.}, doi={10.1000/zyxquill}, year=2024}
"""
CANARIES = ("zyxquill", "quandolph")
DAY = NOW.date() + timedelta(days=1)


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with place(tmp_path, sqlite_url, {"web.admin_link_version": 1}) as opened:
        onboarding.from_references(opened.program.store, opened.reader.id, LIST, now=NOW)
        fresh_space(opened.program.store, opened.program.ranker, now=NOW)
        yield opened


@pytest.fixture
def other(here: Place) -> Reader:
    return subscriptions.add(here.program.store, "emmy@example.org", now=NOW)


def private(here: Place) -> Paper:
    with here.program.store.read() as connection:
        (found,) = private_papers.of(connection, here.reader.id)
    return found


def passed_on(here: Place) -> Edition:
    """Publish an edition of the owner whose picks are all like the private paper."""
    picks = [
        Pick(
            paper=paper, position=n, score=1.0, probability=0.5,
            similar_paper=private(here),
        )
        for n, paper in enumerate(here.papers, start=1)
    ]  # fmt: skip
    with here.program.store.begin() as connection:
        reader = readers.get(connection, here.reader.id)
        made = editions.publish(
            connection, reader=reader, date=DAY, picks=picks, now=NOW,
            next_slot=reader.next_slot, message_id="<canary@example.org>",
        )  # fmt: skip
    assert made
    return made


def asked(here: Place, other: Reader, edition: Edition) -> dict[str, list[str]]:
    """Return what others than the owner ask of each route, by links that are passed on, too."""
    links, paper = here.program.links, private(here)
    page, key = here.path(links.page(other)), here.reader.feed_key
    interest = here.reader.interests[0].id
    seen = f"{paper.first_seen:%Y-%m}"
    words = ("zyxquill", "zyxquill+lanterns", "10.1000/zyxquill", "doi:10.1000/zyxquill",
             "author:quandolph", "from:2020-01-01")  # fmt: skip
    return {
        "/": ["/"],
        "/archive": ["/archive"],
        "/archive/{month:name}.{form:name}": [
            f"/archive/{seen}.{form}" for form in ("rss", "atom", "json")
        ],
        "/archive/{span}": [f"/archive/{seen}", f"/archive/{paper.first_seen:%Y-%m-%d}"],
        "/paper/{uid}": [f"/paper/{uid}" for uid in (paper.uid, *(p.uid for p in here.papers))],
        "/search": [f"/search?q={one}" for one in words],
        "/subscribe": ["/subscribe"],
        "/static/{name}": ["/static/lark.css"],
        "/robots.txt": ["/robots.txt"],
        "/favicon.ico": [],
        "/apple-touch-icon.png": [],
        "/apple-touch-icon-precomposed.png": [],
        "/healthz": ["/healthz"],
        "/feed/{key:name}.{form:name}": [f"/feed/{key}.{form}" for form in ("rss", "atom", "json")],
        "/feed/{key:name}/{interest:name}.{form:name}": [f"/feed/{key}/{interest}.atom"],
        "/feed/{key:name}/archive/{page:number}.{form:name}": [f"/feed/{key}/archive/1.atom"],
        "/feed/{key:name}/{interest:name}/archive/{page:number}.{form:name}": [
            f"/feed/{key}/{interest}/archive/1.atom"
        ],
        "/trending.{form:name}": ["/trending.atom", "/trending.rss", "/trending.json"],
        "/archive.{form:name}": ["/archive.atom", "/archive.rss", "/archive.json"],
        "/search.{form:name}": [
            f"/search.{form}?q={one}" for one in words for form in ("rss", "json")
        ],
        "/edition/{token}": [here.path(links.edition(edition))],
        "/vote/{token}/{position:number}/{wish}": [
            f"{here.path(links.ballot(edition))}/{n}/up" for n in (1, 2, 3)
        ],
        "/me/{token}": [page],
        "/me/{token}/start": [f"{page}/start"],
        "/me/{token}/rate": [f"{page}/rate"],
        "/me/{token}/taste": [f"{page}/taste"],
        "/me/{token}/export.jsonl": [f"{page}/export.jsonl"],
        "/me/{token}/delete": [f"{page}/delete"],
        "/admin/{token}": [here.path(links.admin(1))],
        "/admin/{token}/paste": [f"{here.path(links.admin(1))}/paste"],
        "/paste": ["/paste"],
        "/leave/{token}": [here.path(links.leave(here.reader))],
        "/confirm/{token}": ["/confirm/nothing"],
    }


def test_no_route_shows_what_is_on_another_readers_list(here: Place, other: Reader) -> None:
    cases = asked(here, other, passed_on(here))
    routes = [one.path for one in app(here.program).routes if isinstance(one, Route)]
    assert sorted(cases) == sorted(set(routes))  # a new route needs a case here
    echoes = ("/search", "/search.{form:name}")  # what was asked stands on the page

    for route, paths in cases.items():
        for path in paths:
            answer = here.client.get(path)
            shown = answer.text.lower()
            if route in echoes:
                assert "lanterns above" not in shown, path
                assert "glows at dusk" not in shown, path
            else:
                assert not [word for word in CANARIES if word in shown], path
            assert private(here).uid not in shown, path


def test_the_search_finds_nothing_by_any_of_its_words(here: Place) -> None:
    for words in ("zyxquill", "lanterns", "fjord", "dusk", "author:quandolph"):
        assert here.client.get(f"/search.json?q={words}").json()["items"] == [], words


def test_no_count_tells_of_it(here: Place, other: Reader) -> None:
    def counts() -> list[object]:
        health = here.client.get("/healthz").json()
        del health["checks"]["disk"]  # it tells the room on the disk
        return [here.client.get("/").text, here.client.get("/archive").text, health]

    before = counts()
    onboarding.from_references(
        here.program.store, other.id, "@misc{n, title={Another unheard lantern}}", now=NOW
    )

    assert counts() == before


def test_the_owners_pages_show_it(here: Place) -> None:
    me = here.path(here.program.links.page(here.reader))

    assert "Zyxquill lanterns" in here.client.get(me).text
    assert "Zyxquill lanterns" in here.client.get(f"{me}/export.jsonl").text


def test_the_newsletter_does_not_name_it(here: Place) -> None:
    edition = passed_on(here)
    (message,) = here.program.renderer.newsletter([edition])

    assert b"yxquill" not in message.content
    assert b"on your own list" in message.content.replace(b"=\r\n", b"")


def test_an_export_of_the_home_holds_it_on_its_readers_line_alone(
    here: Place, other: Reader, tmp_path: Path
) -> None:
    exporter.export(here.program.store, tmp_path / "out")

    papers, lines = (
        (tmp_path / "out" / f"{name}.jsonl").read_text("utf-8").lower()
        for name in ("papers", "readers")
    )
    assert "zyxquill" not in papers
    assert [("zyxquill" in line) for line in lines.splitlines()] == [True, False]
