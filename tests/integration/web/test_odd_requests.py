"""Tests odd paths, queries and headers: each response has all safe headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient
from tests.helpers.web.site_client import FOREIGN, place

from larkpost.web import ROUTES
from larkpost.web.site import HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send
    from tests.helpers.web.site_client import Place

NUMBERS = ["9" * 5000, "9" * 20, "0", "-1", "007", "1.5", "%D9%A3", "%EF%BC%91"]
DAYS = [
    "9999-12-31", "9999-12", "9999-W52", "9998-12-31", "9998-W53", "0001-01-01", "0001-W01",
    "0000-01-01", "10000-01-01", "2026-02-30", "2026-08-07%0a",
]  # fmt: skip
TEXTS = [
    "%00", "%ff", "%ed%a0%80", "%F0%9F%98%80", "%e2%80%ae", "%25", "%2F", "%2e%2e%2f", "..", ".",
    ";", "%20", "%0d%0a", "a" * 9000,
]  # fmt: skip
ODD = [*NUMBERS, *DAYS, *TEXTS]
HEADER_LINES = [
    ("If-Modified-Since", "Sat, 01 Jan 0000 00:00:00 GMT"),
    ("If-Modified-Since", "Fri, 31 Dec 9999 23:59:60 GMT"),
    ("If-Modified-Since", "Fri, 31 Dec 10000 23:59:59 GMT"),
    ("If-None-Match", '"' * 9000),
    ("Range", "bytes=0-99999999999999999999"),
    ("Range", "bytes=-"),
    ("Accept", "," * 9000),
    ("Accept-Language", "x" * 9000),
    ("Cookie", "a=b;" * 2000),
    ("Content-Length", "9" * 5000),
    ("Content-Type", "multipart/form-data; boundary="),
    ("Content-Type", "\xff"),
    ("X-Forwarded-For", "," * 9000),
    ("Sec-Fetch-Site", "\xff"),
]
_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with place(tmp_path, sqlite_url, {"web.admin_link_version": 1}) as opened:
        yield opened


def parameters(here: Place, route: Route) -> dict[str, str]:
    """Give every parameter of a route a value that opens something."""
    links, kind = here.program.links, route.path.split("/")[1]
    paths = {
        "edition": links.edition(here.edition),
        "vote": links.ballot(here.edition),
        "me": links.page(here.reader),
        "admin": links.admin(1),
        "leave": links.leave(here.reader),
        "confirm": links.confirm(here.reader),
    }
    token = here.path(paths[kind]).split("/")[2] if kind in paths else ""
    key = here.reader.feed_key or ""
    return {
        "token": token, "position": "1", "wish": "up", "key": key, "form": "rss", "interest": "1",
        "page": "1", "month": "2026-08", "span": "2026-08", "uid": here.papers[0].uid,
        "name": "lark.css",
    }  # fmt: skip


def path_of(route: Route, values: dict[str, str]) -> str:
    return _PARAMETER.sub(lambda found: values[found[1]], route.path)


def check(answer: Any) -> None:
    asked = f"{answer.request.method} {str(answer.request.url)[:200]}"
    assert answer.status_code < 500, asked
    assert not [name for name in HEADERS if name not in answer.headers], asked


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_odd_values_break_no_page_and_cost_no_header(here: Place, route: Route) -> None:
    good = parameters(here, route)
    methods = ["GET", "POST"] if "POST" in (route.methods or ()) else ["GET"]

    for name in _PARAMETER.findall(route.path):
        for odd in ODD:
            path = path_of(route, good | {name: odd})
            for method in methods:
                check(here.client.request(method, path))
    path = path_of(route, good)
    for odd in (*NUMBERS[:4], *TEXTS[:3], TEXTS[-1]):
        names = ("page", "q", "min", "done", "seen", "ten")
        check(here.client.get(f"{path}?" + "&".join(f"{name}={odd}" for name in names)))
        check(here.client.get(f"{path}?page=1&min={odd}&q={odd}"))


@pytest.mark.parametrize("line", HEADER_LINES, ids=lambda line: line[0])
def test_odd_headers_break_no_page_and_cost_no_header(here: Place, line: tuple[str, str]) -> None:
    for route in ROUTES:
        path = path_of(route, parameters(here, route))
        check(here.client.get(path, headers=[(line[0].encode(), line[1].encode("latin-1"))]))


@pytest.mark.parametrize(
    "path",
    [
        "/archive/9999-12-31",
        "/archive/9999-W52",
        f"/archive/{'9' * 5000}",
        "/vote/{token}/" + "9" * 5000 + "/up",
        "/feed/{key}/archive/" + "9" * 5000 + ".rss",
        "/feed/{key}/1/archive/" + "9" * 5000 + ".atom",
    ],
    ids=lambda path: path[:30],
)
def test_what_no_page_can_have_is_404(here: Place, path: str) -> None:
    token = here.path(here.program.links.ballot(here.edition)).split("/")[2]

    answer = here.client.get(path.format(token=token, key=here.reader.feed_key))

    assert answer.status_code == 404
    assert not [name for name in HEADERS if name not in answer.headers]
    assert "Page not available" in answer.text


class Breaking:
    """Simulates a middleware around the pages that raises an error."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, _scope: Scope, _receive: Receive, _send: Send) -> NoReturn:
        raise RuntimeError("a secret detail")


def test_a_500_from_around_the_pages_is_a_page_of_ours_with_all_headers(here: Place) -> None:
    application = here.client.app
    application.user_middleware.append(type(application.user_middleware[0])(Breaking))  # type: ignore[attr-defined]  # a Starlette
    application.middleware_stack = None  # type: ignore[attr-defined]  # so that it is built anew

    answer = TestClient(application, base_url=FOREIGN).get("/")

    assert answer.status_code == 500
    assert not [name for name in (*HEADERS, "Date") if name not in answer.headers]
    assert "Internal error" in answer.text
    assert "secret" not in answer.text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_500_of_the_router_is_a_page_of_ours_with_all_headers(
    here: Place, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> NoReturn:
        raise ValueError("a secret detail")

    monkeypatch.setattr(Route, "matches", break_down)

    answer = TestClient(here.client.app, base_url=FOREIGN).request(method, "/archive")

    assert answer.status_code == 500
    assert not [name for name in HEADERS if name not in answer.headers]
    assert "secret" not in answer.text
