"""Pages count one thing as one, and end a sentence once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.browsing import Place

WISHES = {"action": "save", "at": "06:00", "days": ["0"], "size": "5", "threshold": "0"}


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


def test_one_thumb_is_a_thumb_and_two_are_thumbs(here: Place) -> None:
    page = f"/paper/{here.papers[0].uid}"
    here.client.post(here.vote_path(1, "up"))

    assert "Readers here gave it 1 thumb up, 0 down." in here.client.get(page).text
    me = here.client.get(here.path(here.program.links.page(here.reader))).text
    assert "Take all 1" not in me
    here.client.post(here.vote_path(2, "up"))
    me = here.client.get(here.path(here.program.links.page(here.reader))).text
    assert "Take all 2 thumbs back" in me
