"""Feeds over HTTP: types, validators, and who may read them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from tests.helpers.web.site_client import NOW, TODAY, place, publish

from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.web.site_client import Place

FORMATS = ("rss", "atom", "json")


def titles(content: bytes, form: str) -> list[str | None]:
    if form == "json":
        return [item["title"] for item in json.loads(content)["items"]]
    root = ET.fromstring(content)  # noqa: S314 - our own feed
    if form == "rss":
        return [item.findtext("title") for item in root.iter("item")]
    atom = "{http://www.w3.org/2005/Atom}"
    return [entry.findtext(f"{atom}title") for entry in root.iter(f"{atom}entry")]


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("rss", "application/rss+xml; charset=utf-8"),
        ("atom", "application/atom+xml; charset=utf-8"),
        ("json", "application/feed+json; charset=utf-8"),
    ],
)
def test_a_feed_has_its_type_and_its_papers(here: Place, form: str, media_type: str) -> None:
    answer = here.client.get(f"/feed/{here.reader.feed_key}.{form}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert [title in (answer.text) for title in (p.title for p in here.papers)] == [True] * 3
    assert len(titles(answer.content, form)) == 3


@pytest.mark.parametrize("form", FORMATS)
def test_two_visits_get_the_same_bytes_and_the_second_may_get_304(here: Place, form: str) -> None:
    path = f"/feed/{here.reader.feed_key}.{form}"

    first, second = here.client.get(path), here.client.get(path)
    third = here.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    fourth = here.client.get(path, headers={"If-Modified-Since": first.headers["last-modified"]})

    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]
    for answer in (third, fourth):
        assert answer.status_code == 304
        assert answer.content == b""
        for name in ("etag", "cache-control", "last-modified"):
            assert answer.headers[name] == first.headers[name]


@pytest.mark.parametrize(
    "path", ["/feed/{key}.rss", "/feed/{key}.atom", "/feed/{key}.json", "/trending.rss"]
)
def test_who_can_unpack_gets_the_same_bytes_and_tag_as_who_cannot(here: Place, path: str) -> None:
    path = path.format(key=here.reader.feed_key)
    kinds = ("identity", "gzip", "br, gzip;q=1.0, *;q=0.5", "gzip, identity;q=0")

    answers = [here.client.get(path, headers={"Accept-Encoding": kind}) for kind in kinds]
    again = [
        here.client.get(
            path, headers={"Accept-Encoding": kind, "If-None-Match": answers[0].headers["etag"]}
        )
        for kind in kinds
    ]

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["etag"] for answer in answers}) == 1
    for answer in answers:
        assert "content-encoding" not in answer.headers
        assert int(answer.headers["content-length"]) == len(answer.content)
    assert {answer.status_code for answer in again} == {304}


@pytest.mark.parametrize("form", FORMATS)
def test_head_answers_like_get_without_the_body(here: Place, form: str) -> None:
    path = f"/feed/{here.reader.feed_key}.{form}"

    got, head = here.client.get(path), here.client.head(path)
    again = here.client.head(path, headers={"If-None-Match": got.headers["etag"]})

    assert head.status_code == 200
    assert head.content == b""
    assert dict(head.headers) == dict(got.headers)
    assert again.status_code == 304


def test_a_new_edition_is_new_to_the_visitor(here: Place) -> None:
    path = f"/feed/{here.reader.feed_key}.atom"
    before = here.client.get(path)
    tomorrow = NOW + timedelta(days=1)
    publish(here.program.store, here.current(), 5, TODAY + timedelta(days=1), tomorrow)
    here.clock.now = tomorrow

    after = here.client.get(path, headers={"If-None-Match": before.headers["etag"]})

    assert after.status_code == 200
    assert after.headers["etag"] != before.headers["etag"]
    assert after.headers["last-modified"] != before.headers["last-modified"]


def test_a_feed_is_private_and_kept_out_of_search_engines(here: Place) -> None:
    answer = here.client.get(f"/feed/{here.reader.feed_key}.rss")

    assert answer.headers["cache-control"].startswith("private")
    assert "noindex" in answer.headers["x-robots-tag"]
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("form", FORMATS)
def test_a_reader_without_an_edition_has_a_valid_empty_feed(here: Place, form: str) -> None:
    quiet = subscriptions.add(here.program.store, None, now=NOW)

    answer = here.client.get(f"/feed/{quiet.feed_key}.{form}")

    assert answer.status_code == 200
    assert titles(answer.content, form) == []
    assert here.client.get(f"/feed/{quiet.feed_key}.{form}").content == answer.content


def test_an_unknown_key_a_renewed_key_and_another_format_are_not_found(here: Place) -> None:
    old = here.reader.feed_key
    new = subscriptions.change(here.program.store, here.reader.id, now=NOW, feed="renew").feed_key

    asked = [f"/feed/{old}.rss", "/feed/unknown.rss", f"/feed/{new}.xml", f"/feed/{new}"]
    answers = [here.client.get(path) for path in asked]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert len({answer.text for answer in answers}) == 1
    assert here.client.get(f"/feed/{new}.rss").status_code == 200


def test_keys_that_no_database_could_hold_are_not_found(tmp_path: Path, database_url: str) -> None:
    with place(tmp_path, database_url) as here:
        keys = ("%00", "%FF", "a" * 65, "%F0%9F%90%A6", "..%2F", "'--")

        answers = [here.client.get(f"/feed/{key}.rss") for key in keys]

        assert [answer.status_code for answer in answers] == [404] * len(keys)


@pytest.mark.parametrize(
    "headers",
    [
        {"A-IM": "feed"},
        {"Range": "bytes=0-9"},
        {"If-Modified-Since": "never"},
        {"Accept": "text/*"},
    ],
)
def test_headers_that_mean_nothing_here_change_nothing(
    here: Place, headers: dict[str, str]
) -> None:
    path = f"/feed/{here.reader.feed_key}.rss"

    assert here.client.get(path, headers=headers).content == here.client.get(path).content
    assert here.client.get(path, headers=headers).status_code == 200


def test_a_feed_shows_links_of_the_configured_address_only(here: Place) -> None:
    for form in FORMATS:
        answer = here.client.get(
            f"/feed/{here.reader.feed_key}.{form}", headers={"X-Forwarded-Host": "evil.example"}
        )

        assert "attacker.example" not in answer.text
        assert "evil.example" not in answer.text
