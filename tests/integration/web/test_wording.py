"""Tests that pages have correct plurals, and one full stop per sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.helpers.web.site_client import place

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.web.site_client import Place

WISHES = {
    "action": "save",
    "send_time": "06:00",
    "weekdays": ["0"],
    "papers_per_edition": "5",
    "threshold": "0",
}


def test_a_hint_that_asks_ends_with_its_question_mark(here: Place) -> None:
    me = here.path(here.program.links.page(here.reader))
    pages = [
        here.client.post(me, data=WISHES | {"zone": "Europe/Berln"}).text,
        here.client.post(
            "/subscribe", data=WISHES | {"zone": "Europe/Berln", "address": "new@example.org"}
        ).text,
    ]

    for page in pages:
        assert re.search(r"[Dd]id you mean [^<]*Europe/Berlin[^<?]*\?(?![.?!])", page)


@pytest.mark.parametrize(
    ("fewest", "told"),
    [
        (1, "Readers here gave it 1 thumb up, 0 down."),  # a home that shows single thumbs
        (5, "Thumbs of readers here are shown once there are 5."),
    ],
)
def test_a_paper_tells_its_thumbs_as_the_home_shows_them(
    tmp_path: Path, sqlite_url: str, fewest: int, told: str
) -> None:
    with place(tmp_path, sqlite_url, {"web.thumb_count_step": fewest}) as here:
        here.client.post(here.vote_path(1, "up"))

        assert told in here.client.get(f"/paper/{here.papers[0].uid}").text


def test_one_thumb_is_a_thumb_and_two_are_thumbs(here: Place) -> None:
    here.client.post(here.vote_path(1, "up"))
    me = here.client.get(here.path(here.program.links.page(here.reader))).text
    assert "Delete all" not in me
    here.client.post(here.vote_path(2, "up"))
    me = here.client.get(here.path(here.program.links.page(here.reader))).text
    assert "Delete all 2 thumbs" in me
