"""Tests URLs that people and programs guess: with a slash at the end, icons."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from tests.helpers.web.site_client import FOREIGN

from larkpost.domain import Status, Thumb

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place

PNG = b"\x89PNG\r\n\x1a\n"


def test_every_path_is_answered_alike_with_a_slash_at_its_end(here: Place) -> None:
    links, reader = here.program.links, here.reader
    paths = [
        *("/archive", "/archive/2026-08", "/archive/2026-08.atom", "/archive.rss", "/search"),
        *("/subscribe", "/robots.txt", "/favicon.ico", "/trending.json", "/search.atom"),
        f"/paper/{here.papers[0].uid}",
        f"/feed/{reader.feed_key}.rss",
        f"/feed/{reader.feed_key}/main.atom",
        f"/feed/{reader.feed_key}.opml",
        here.path(links.edition(here.edition)),
        here.path(links.page(reader)),
        here.path(links.leave(reader)),
        here.vote_path(1, "up"),
    ]
    for path in paths:
        plain, slashed = here.client.get(path), here.client.get(f"{path}/")

        assert plain.status_code == 200
        assert (slashed.status_code, slashed.content) == (200, plain.content)
        assert slashed.headers.get("etag") == plain.headers.get("etag")
        assert not slashed.history
        assert FOREIGN not in slashed.text


def test_what_is_not_there_is_not_there_with_a_slash_either(here: Place) -> None:
    for path in ("/nothing/", "/feed/unknown.rss/", "/paper//", "/feed/", "/archive/2026-08/x/"):
        assert here.client.get(path).status_code == 404
    assert here.client.get("//").text == here.client.get("/").text


def test_a_form_sent_to_an_address_with_a_slash_loses_nothing(here: Place) -> None:
    vote = here.client.post(f"{here.vote_path(2, 'up')}/", data={"act": "vote"})
    leave = here.client.post(
        f"{here.path(here.program.links.leave(here.reader))}/",
        data={"List-Unsubscribe": "One-Click"},
    )

    assert (vote.status_code, here.thumb(2)) == (303, Thumb.UP)
    assert (leave.status_code, here.current().status) == (200, Status.LEFT)


def test_a_slash_before_the_query_changes_nothing_of_it(here: Place) -> None:
    title = here.papers[0].title

    assert title in here.client.get("/search/", params={"q": title}).text


@pytest.mark.parametrize(
    "path", ["/favicon.ico", "/apple-touch-icon.png", "/apple-touch-icon-precomposed.png"]
)
def test_icons_are_there_where_browsers_look_for_them_and_may_be_kept(
    here: Place, path: str
) -> None:
    answer = here.client.get(path)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=604800"
    assert answer.headers["content-type"] == (
        "image/x-icon" if path.endswith(".ico") else "image/png"
    )
    assert here.client.head(path).headers == answer.headers


def test_the_icon_holds_an_image_of_each_size(here: Place) -> None:
    content = here.client.get("/favicon.ico").content

    reserved, kind, count = struct.unpack_from("<HHH", content)
    assert (reserved, kind, count) == (0, 1, 3)
    for number, size in enumerate((16, 32, 48)):
        width, height, *_, length, at = struct.unpack_from("<BBBBHHII", content, 6 + 16 * number)
        image = content[at : at + length]
        assert image.startswith(PNG)
        assert (width, height) == struct.unpack_from(">II", image, 16) == (size, size)


def test_a_page_names_its_icons(here: Place) -> None:
    page = here.client.get("/").text

    for name in ("lark", "apple-touch-icon"):
        start = page.index(f"/static/{name}.", page.index('rel="icon"'))
        assert here.client.get(page[start : page.index('"', start)]).status_code == 200
