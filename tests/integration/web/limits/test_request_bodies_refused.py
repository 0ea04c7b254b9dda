"""Tests bodies that are refused by their head, or because too many are in memory."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from tests.helpers.polling import until
from tests.helpers.web.raw_http import FORM, HOST, connected, running, statuses
from tests.helpers.web.site_client import contents

from larkpost.web import app
from larkpost.web.form_body import LARGEST_BODY
from larkpost.web.limits import byte_budget
from larkpost.web.site import LARGEST_UPLOAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    import uvicorn
    from tests.helpers.web.site_client import Place


@pytest.fixture
def server(here: Place) -> Iterator[uvicorn.Server]:
    """Start a server of all pages."""
    with running(app(here.program, clock=here.clock)) as server:
        yield server


def test_a_file_for_a_page_that_is_not_there_is_not_read(server: uvicorn.Server, me: str) -> None:
    """The answer comes at the head, and no 100 asks for the body."""
    for path, status in ((b"/me/forged/start", 404), (me.encode() + b"/start", 100)):
        with connected(server) as connection:
            lines = b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % LARGEST_UPLOAD
            connection.sendall(b"POST %b HTTP/1.1\r\n%b%b" % (path, FORM, lines))

            assert statuses(connection.recv(65536)) == [status]


def test_a_length_that_is_too_much_is_refused_at_the_head(server: uvicorn.Server, me: str) -> None:
    for path, length in ((me, LARGEST_BODY + 1), (f"{me}/start", LARGEST_UPLOAD + 1)):
        with connected(server) as connection:
            lines = b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % length
            connection.sendall(b"POST %b HTTP/1.1\r\n%b%b" % (path.encode(), FORM, lines))

            assert statuses(connection.recv(65536)) == [413]


@pytest.mark.parametrize("purpose", ["vote", "leave", "confirm", "page", "admin"])
def test_a_form_of_another_site_or_link_is_refused_before_its_body_comes(
    here: Place, server: uvicorn.Server, purpose: str
) -> None:
    paths = {
        "vote": "/vote/{}/1/up", "leave": "/leave/{}", "confirm": "/confirm/{}",
        "admin": "/admin/{}/paste",
    }  # fmt: skip
    path = paths.get(purpose, "/me/{}").format("forged")
    before = contents(here.program.store)
    with connected(server) as connection:
        lines = b"Content-Length: 100\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(b"POST %b HTTP/1.1\r\n%b%b" % (path.encode(), FORM, lines))

        assert statuses(connection.recv(65536)) == [404]
    assert contents(here.program.store) == before


def test_where_too_many_bytes_of_bodies_are_held_the_next_is_told_to_come_again(
    here: Place, me: str
) -> None:
    bodies = here.client.app.state.site.bodies  # type: ignore[attr-defined]  # a Starlette
    bodies.most = 100_000
    file = {"file": ("some.bib", b"@article{a, title={Sparse}}" * 10_000)}

    refused = here.client.post(f"{me}/start", files=file)
    small = here.client.post(f"{me}/start", data={"text": "Sparse attention"})

    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert small.status_code == 200
    assert bodies.held == 0


def test_a_network_that_drips_many_forms_leaves_the_others_theirs(
    here: Place, me: str, server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also through a web server in front, which has no limit of connections."""
    monkeypatch.setattr(byte_budget, "AT_A_TIME", 5)
    form = b"POST %b HTTP/1.1\r\n%bContent-Length: 12\r\n\r\n" % (me.encode(), FORM)
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(connected(server)).sendall(form + b"a")
        bodies = server.config.app.state.site.bodies  # type: ignore[union-attr]  # a Starlette
        until(lambda: bodies.count == 5)
        one_more = stack.enter_context(connected(server))
        one_more.sendall(form + b"action=renew")
        answer = one_more.recv(65536)
        page = stack.enter_context(connected(server))
        page.sendall(b"GET /robots.txt HTTP/1.1\r\n" + HOST + b"\r\n")

        assert statuses(answer) == [503]
        assert b"\r\nretry-after: " in answer.lower()
        assert statuses(page.recv(65536)) == [200]
    assert here.current().feed_key == here.reader.feed_key
