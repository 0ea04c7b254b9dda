"""Tests that a vote leads back to its edition, which shows only the thumbs of this session."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from tests.helpers.web.site_client import BASE, NOW, contents

from larkpost.domain import Thumb
from larkpost.web.reader.votes import VOTE_LABELS

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place


class Picks(HTMLParser):
    """Reads what each paper of an edition's page shows: its pressed buttons, texts and forms."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.pressed: dict[str, list[str]] = {}
        self.text: dict[str, str] = {}
        self._at = ""
        self._button = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "li" and given.get("id"):
            self._at = str(given["id"])
            self.pressed[self._at], self.text[self._at] = [], ""
        if tag == "button":
            self._button = given.get("aria-pressed") == "true"

    def handle_data(self, data: str) -> None:
        if self._at:
            self.text[self._at] += data
            if self._button and data.strip().endswith("like this"):
                self.pressed[self._at].append(data.strip())

    def handle_endtag(self, tag: str) -> None:
        if tag == "button":
            self._button = False
        if tag == "ol":
            self._at = ""


def vote(here: Place, position: int, action: str, page: str = "") -> str:
    """Click a button, in a message or on the ``page`` of an edition; returns its target."""
    wish = "up" if action in {"clear", "undo"} else action
    session = re.findall(r'name="session" value="([^"]+)"', page)[:1]
    form = {"action": action} | ({"session": session[0]} if session else {})
    answer = here.client.post(here.vote_path(position, wish), data=form)
    assert answer.status_code == 303
    return str(answer.headers["location"])


def voted(here: Place, position: int, action: str, page: str = "") -> str:
    """Press a button and give the page to which it leads."""
    return here.client.get(vote(here, position, action, page)).text


def test_a_thumb_leads_back_to_the_edition_at_that_paper(here: Place) -> None:
    location = urlsplit(vote(here, 2, "up"))

    page = here.client.get(location.path)
    assert (location.scheme, location.netloc, location.fragment) == ("", "", "p2")
    assert location.path.startswith("/edition/")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert list(Picks(page.text).text) == ["p1", "p2", "p3"]


def test_thumbs_in_a_row_are_shown_together_with_undo_beside_the_last(here: Place) -> None:
    page = voted(here, 3, "down", voted(here, 1, "up"))

    picks = Picks(page)
    assert picks.pressed == {"p1": ["More like this"], "p2": [], "p3": ["Less like this"]}
    assert [at for at, text in picks.text.items() if "saved" in text] == ["p3"]
    assert "Less like this: saved" in picks.text["p3"]
    assert pressing(page, 3)["Undo"]["action"] == "undo"
    assert pressing(page, 1)["Undo"]["action"] == "clear"
    assert "Undo" not in pressing(page, 2)


def pressing(page: str, position: int) -> dict[str, dict[str, str]]:
    """Read the forms of a paper: each button's label, with its path and its action."""
    part = page.partition(f'id="p{position}"')[2].partition("</li>")[0]
    form = (
        r'<form method="post" action="([^"]+)">\s*(?:<input[^>]*name="session"[^>]*>\s*)?'
        r'<input[^>]*value="(\w+)">\s*<button[^>]*>(.*?)<'
    )
    return {
        label: {"path": path, "action": action} for path, action, label in re.findall(form, part)
    }


@pytest.mark.parametrize("thumb", ["up", "down"])
def test_a_thumb_given_twice_can_still_be_taken_back(here: Place, thumb: str) -> None:
    page = voted(here, 1, thumb, voted(here, 1, thumb))

    assert f"{VOTE_LABELS[thumb]}: you said so before." in page
    assert 'value="undo"' not in page  # there is no other thumb to go back to
    back = pressing(page, 1)["Undo"]
    here.client.post(back["path"], data={"action": back["action"]})
    assert here.thumb(1) is None


def test_to_undo_again_and_again_goes_to_and_fro(here: Place) -> None:
    voted(here, 1, "down")
    page = voted(here, 1, "up")

    for thumb in (Thumb.DOWN, Thumb.UP, Thumb.DOWN, Thumb.UP):
        page = voted(here, 1, "undo", page)
        assert here.thumb(1) is thumb


def test_a_thumb_taken_back_twice_offers_no_undo(here: Place) -> None:
    page = voted(here, 1, "clear", voted(here, 1, "clear"))

    assert "You have given this paper no thumb." in page
    assert 'value="undo"' not in page
    assert "Undo" not in pressing(page, 1)
    assert "Undo" in pressing(here.client.get(vote(here, 1, "up")).text, 1)


def test_a_paper_that_was_voted_on_is_folded_and_the_others_are_not(here: Place) -> None:
    page = here.client.get(vote(here, 1, "up")).text

    folded = re.findall(r'<li class="pick folded" id="(\w+)">', page)
    assert folded == ["p1"]
    assert page.count("<details>") == 1
    assert all(paper.abstract in page for paper in here.papers)


def test_the_forms_of_the_edition_go_on_from_there(here: Place) -> None:
    page = here.client.get(vote(here, 1, "up")).text
    actions = re.findall(r'action="(/vote/[^"]+)"', page)

    for action in sorted(set(actions)):
        assert here.client.get(action).status_code == 200
    picks = Picks(voted(here, 2, "up", page))
    assert picks.pressed == {"p1": ["More like this"], "p2": ["More like this"], "p3": []}


def test_an_edition_link_shows_no_thumbs_before_or_after(here: Place) -> None:
    shared = here.path(here.program.links.edition(here.edition))
    before = here.client.get(shared).text

    vote(here, 1, "up")

    assert here.client.get(shared).text == before
    assert "aria-pressed" not in before


def test_the_thumbs_are_shown_for_an_hour_and_the_edition_for_ever(here: Place) -> None:
    location = vote(here, 1, "up")
    here.clock.now = NOW + timedelta(hours=1)
    shown = here.client.get(location)

    here.clock.now += timedelta(seconds=1)
    later = here.client.get(location)

    assert "aria-pressed" in shown.text
    assert later.status_code == 200
    assert "aria-pressed" not in later.text
    assert "Undo" not in later.text


def test_what_shows_thumbs_opens_nothing_else(here: Place) -> None:
    token = urlsplit(vote(here, 1, "up")).path.rpartition("/")[2]

    for place in ("me", "leave", "confirm"):
        assert here.client.get(f"/{place}/{token}").status_code == 404
    assert here.client.post(f"/vote/{token}/1/down").status_code == 404
    assert here.client.get(f"/edition/{token}A").status_code == 404
    assert here.thumb(1) is Thumb.UP


def test_opening_the_edition_and_its_thumbs_changes_nothing(here: Place) -> None:
    location = vote(here, 1, "up")
    before = contents(here.program.store)

    for _ in range(3):
        for method in ("GET", "HEAD"):
            assert here.client.request(method, location).status_code == 200

    assert contents(here.program.store) == before
    assert here.client.post(location).status_code == 405


def test_a_vote_link_shows_the_way_to_the_rest_of_the_edition(here: Place) -> None:
    edition = here.path(here.program.links.edition(here.edition))
    pages = {at: here.client.get(here.vote_path(at, "up")).text for at in (1, 2, 3)}

    ways = {at: re.findall(rf'href="{edition}(#p\d+)?"', page) for at, page in pages.items()}

    # The button first, then the list: the papers after this one, then those before it.
    assert ways[1] == ["#p2", "#p2", "#p3"]
    assert ways[2] == ["#p3", "#p3", "#p1"]
    assert ways[3] == ["", "#p1", "#p2"]
    for at, page in pages.items():
        rest = page.partition('id="rest"')[2]
        titles = [paper.title for paper in here.papers]
        assert [title in rest for title in titles] == [at != one for one in (1, 2, 3)]
        assert "aria-pressed" not in rest


def test_the_location_of_a_thumb_holds_behind_a_proxy(here: Place) -> None:
    answer = here.client.post(here.vote_path(1, "up"), headers={"Host": "attacker.example"})

    assert answer.headers["location"].startswith("/edition/")
    assert BASE not in answer.headers["location"]
