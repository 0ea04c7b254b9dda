"""Headers of every response, forbidden requests, and error pages."""

from __future__ import annotations

import re
import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn, cast

import pytest
from starlette.testclient import TestClient
from tests.helpers.web.site_client import FOREIGN, place

from larkpost.db.coordination import job_status
from larkpost.db.engine import Store
from larkpost.web import Heartbeat, app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.helpers.web.site_client import Place

    from larkpost.domain import Edition
    from larkpost.render import EditionRenderer


class BrokenRenderer:
    """A renderer that cannot."""

    def feed(self, editions: Sequence[Edition], *_: object, **__: object) -> NoReturn:
        """Fail, with a secret in the message."""
        raise RuntimeError(f"secret detail about {editions}")


def pages(here: Place) -> list[str]:
    links = here.program.links
    return [
        "/",
        "/archive",
        "/archive/2026-08",
        f"/paper/{here.papers[0].uid}",
        "/search?q=sparse",
        "/subscribe",
        here.vote_path(1, "up"),
        here.path(links.edition(here.edition)),
        here.path(links.page(here.reader)),
        here.path(links.leave(here.reader)),
        here.path(links.confirm(here.reader)),
        "/nothing/here",
        "/vote/forged/1/up",
    ]


def test_every_page_is_safe_to_show(here: Place) -> None:
    for path in pages(here):
        answer = here.client.get(path)
        policy = answer.headers["content-security-policy"]

        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "set-cookie" not in answer.headers


def test_pages_hold_nothing_inline_and_nothing_from_elsewhere(here: Place) -> None:
    for path in pages(here):
        page = here.client.get(path).text

        assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=", page)
        loaded = re.findall(
            r'<(?:link rel="(?!alternate)|img|script|iframe)[^>]*(?:href|src)="([^"]*)"', page
        )
        assert loaded
        assert all(address.startswith("/static/") for address in loaded)


def test_pages_that_belong_to_a_reader_are_neither_kept_nor_indexed(here: Place) -> None:
    public = 6
    for path in pages(here)[public:]:
        answer = here.client.get(path)

        assert answer.headers["cache-control"] == "no-store"
        assert "noindex" in answer.headers["x-robots-tag"]
    for path in pages(here)[:public]:
        assert "noindex" not in here.client.get(path).headers["x-robots-tag"]


def test_no_page_believes_the_host_header(here: Place) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    for path in [*pages(here), "//evil.example/", "/healthz/"]:
        answer = here.client.get(path, headers=headers)

        assert "attacker.example" not in answer.text + str(answer.headers)
        assert "evil.example" not in answer.text + str(answer.headers)


def test_a_site_below_a_path_links_below_it(tmp_path: Path, sqlite_url: str) -> None:
    flags = {"site.base_url": "https://papers.example.org/lark"}
    with place(tmp_path, sqlite_url, flags) as here:
        page = here.client.get(here.vote_path(1, "up").removeprefix("/lark")).text

        assert 'action="/lark/vote/' in page
        assert 'href="/lark/static/lark.' in page


def test_https_sites_ask_for_https_for_good(here: Place) -> None:
    assert "max-age" in here.client.get("/").headers["strict-transport-security"]


def test_static_files_are_named_after_their_content_and_kept(here: Place) -> None:
    page = here.client.get("/").text
    found = re.findall(r'"(/static/[^"]+)"', page)

    answers = [here.client.get(path) for path in found]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.headers["content-type"] for answer in answers] == [
        "text/css; charset=utf-8",
        "image/svg+xml",
        "image/png",
        "text/javascript; charset=utf-8",
    ]
    assert all("immutable" in answer.headers["cache-control"] for answer in answers)
    for wrong in ("/static/lark.css", "/static/..%2fbase.html", "/static/../base.html"):
        assert here.client.get(wrong).status_code == 404


def test_a_script_runs_only_where_one_is_ours(here: Place) -> None:
    for path in pages(here):
        answer = here.client.get(path)

        assert ("<script" in answer.text) == (
            "script-src 'self'" in answer.headers["content-security-policy"]
        )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),  # no browser
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://papers.example.org"}, 403),
        ({"Origin": "https://papers.example.org"}, 303),
        ({"Origin": "null"}, 303),  # our own pages ask for no referrer
        ({"Origin": "https://evil.example"}, 403),
    ],
)
def test_a_form_of_another_site_changes_nothing(
    here: Place, headers: dict[str, str], status: int
) -> None:
    path = here.path(here.program.links.page(here.reader))

    answer = here.client.post(path, data={"action": "renew"}, headers=headers)

    assert answer.status_code == status
    assert (here.current().feed_key == here.reader.feed_key) == (status == 403)


def test_a_mail_program_may_unsubscribe_from_anywhere(here: Place) -> None:
    path = here.path(here.program.links.leave(here.reader))
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://mail.example"}

    answer = here.client.post(path, data={"List-Unsubscribe": "One-Click"}, headers=headers)

    assert answer.status_code == 200
    assert here.current().status == "left"


def test_other_methods_are_told_which_ones_work(here: Place) -> None:
    for path, allowed in [
        ("/", {"GET", "HEAD"}),
        (here.vote_path(1, "up"), {"GET", "HEAD", "POST"}),
    ]:
        for method in ("PUT", "DELETE", "TRACE", "PATCH", "OPTIONS"):
            answer = here.client.request(method, path)

            assert answer.status_code == 405
            assert set(answer.headers["allow"].split(", ")) == allowed


def test_a_body_over_64_kb_is_refused(here: Place) -> None:
    path = here.path(here.program.links.page(here.reader))
    kind = {"Content-Type": "application/x-www-form-urlencoded"}

    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b"a" * 8192

    fits = here.client.post(path, content=b"a" * 65536, headers=kind)
    whole = here.client.post(path, content=b"a" * 65537, headers=kind)
    chunked = here.client.post(path, content=chunks(), headers=kind)

    assert [fits.status_code, whole.status_code, chunked.status_code] == [400, 413, 413]


def test_too_many_fields_are_refused(here: Place) -> None:
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' for _ in range(500)
    )

    answer = here.client.post(
        here.path(here.program.links.page(here.reader)),
        content=body + b"--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )

    assert answer.status_code == 400


def test_a_busy_database_asks_to_come_again(here: Place, sqlite_url: str) -> None:
    here.program.store = Store(sqlite_url, patience=0.05)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    answer = here.client.post(here.vote_path(1, "up"))
    reading = here.client.get(here.vote_path(1, "up"))
    other.rollback()
    other.close()

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert reading.status_code == 200
    assert here.thumb(1) is None


def test_a_database_that_is_gone_is_a_503_without_details(here: Place) -> None:
    here.program.store.close()
    file = here.program.store.file
    assert file
    for part in file.parent.glob(f"{file.name}*"):
        part.unlink()

    answer = here.client.get(here.vote_path(1, "up"))

    assert answer.status_code == 503
    assert file.name not in answer.text


def test_an_unforeseen_error_is_reported_without_its_details(here: Place) -> None:
    here.program.renderer = cast("EditionRenderer", BrokenRenderer())

    answer = here.client.get(f"/feed/{here.reader.feed_key}.rss")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert "content-security-policy" in answer.headers


def test_the_front_page_tells_what_this_is(here: Place) -> None:
    answer = here.client.get("/")

    assert answer.status_code == 200
    assert "picked for you" in answer.text
    assert here.reader.feed_key not in answer.text


def test_robots_are_kept_from_readers_pages(here: Place) -> None:
    assert "Disallow: /\n" in here.client.get("/robots.txt").text


def test_health_is_green_while_everything_works(here: Place) -> None:
    answer = here.client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["checks"]["database"] == {"ok": True}
    assert answer.headers["cache-control"] == "no-store"


def test_health_tells_the_kind_of_trouble_and_no_more(here: Place) -> None:
    with here.program.store.begin() as connection:
        job_status.record(connection, "deliver", ok=False, now=here.clock.now, why="secret host")

    answer = here.client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert [trouble["kind"] for trouble in answer.json()["errors"]] == ["deliver"]
    assert "secret" not in answer.text


def test_health_is_red_when_the_database_is_gone(here: Place) -> None:
    here.program.store.close()
    file = here.program.store.file
    assert file
    file.unlink()

    answer = here.client.get("/healthz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == {"ok": False}


SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def test_health_is_red_two_periods_after_the_last_round_where_no_other_begins(here: Place) -> None:
    pulse, status = watched(here)

    assert [status(60 * SECOND), status(61 * SECOND)] == [200, 503]
    pulse.beat = pulse.started + 61 * SECOND
    assert [status(121 * SECOND), status(122 * SECOND)] == [200, 503]
    assert [pulse.is_stuck(pulse.beat + after) for after in (5 * MINUTE, 6 * MINUTE)] == [
        False,
        True,
    ]


def test_health_is_red_while_rounds_fail_but_nothing_is_stuck(here: Place) -> None:
    pulse, status = watched(here)

    for seconds in range(0, 1200, 30):
        pulse.begin(pulse.started + seconds * SECOND)
        assert status(seconds * SECOND) == (200 if seconds <= 60 else 503)
        pulse.end(pulse.started + seconds * SECOND)

    assert not pulse.is_stuck(pulse.started + 1200 * SECOND)


def test_health_is_red_and_a_round_stuck_that_is_at_work_for_long_without_getting_on(
    here: Place,
) -> None:
    pulse, status = watched(here)
    pulse.begin(pulse.started + 30 * SECOND)

    assert [status(5 * MINUTE), status(6 * MINUTE)] == [200, 503]
    assert pulse.is_stuck(pulse.started + 6 * MINUTE)
    assert pulse.age(here.clock.now) is None
    for minutes in range(6, 180, 4):  # thousands of messages, one after the other
        pulse.move(pulse.started + minutes * MINUTE)
        assert status((minutes + 4) * MINUTE) == 200


def test_a_machine_that_wakes_up_is_well_while_its_first_round_is_under_way(here: Place) -> None:
    pulse, status = watched(here)
    pulse.begin(pulse.started)
    pulse.move(pulse.started)
    pulse.end(pulse.started)

    pulse.begin(pulse.started + 600 * MINUTE)

    assert status(601 * MINUTE) == 200


def watched(here: Place) -> tuple[Heartbeat, Callable[[timedelta], int]]:
    """Return a pulse of half a minute, and what asks for the status so long after it began."""
    pulse = Heartbeat(30 * SECOND, started=here.clock.now)
    pages = app(here.program, clock=here.clock, pulses={"tick": pulse})
    client = TestClient(pages, base_url=FOREIGN)

    def status(after: timedelta) -> int:
        here.clock.now = pulse.started + after
        return client.get("/healthz").status_code

    return pulse, status
