"""A forwarded newsletter does not reveal its reader's votes, on any page that it links to."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from tests.helpers.web.site_client import NOW

from larkpost.domain import Thumb
from larkpost.readers import record_votes
from larkpost.web.reader import vote_session
from larkpost.web.reader.vote_session import ThumbSession

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place

STATES = (None, Thumb.UP, Thumb.DOWN)


def stand(here: Place, thumb: Thumb | None, position: int = 1) -> None:
    """Set the reader's thumb on a paper, as from their own page."""
    paper = here.edition.picks[position - 1].paper
    record_votes.cast(here.program.store, here.reader.id, paper.id, thumb, source="page", now=NOW)


def seen(answer: Any) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    return answer.status_code, answer.headers.raw, answer.content


def paths(here: Place) -> list[str]:
    links = here.program.links
    feed = f"/feed/{here.reader.feed_key}"
    return [
        here.vote_path(1, "up"),
        here.vote_path(1, "down"),
        here.vote_path(2, "up"),
        here.path(links.edition(here.edition)),
        *(f"{feed}.{form}" for form in ("rss", "atom", "json", "opml")),
        f"/paper/{here.papers[0].uid}",
        "/",
    ]


def test_pages_and_feeds_of_a_message_are_the_same_whatever_its_reader_thinks(here: Place) -> None:
    found = []
    for thumb in STATES:
        stand(here, thumb)
        answers = [here.client.request(m, at) for at in paths(here) for m in ("GET", "HEAD")]
        assert {answer.status_code for answer in answers} == {200}
        press = here.program.renderer
        found.append(([seen(one) for one in answers], press.html(here.edition)))

    assert found[0] == found[1] == found[2]


@pytest.fixture
def same_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fix random values, so that responses can be compared byte by byte."""
    monkeypatch.setattr(secrets, "randbits", lambda _bits: 4711)


# The mask is the same for the same chance, so this one byte and the seal over it are left out.
def location_of(here: Place, answer: Any) -> tuple[int, tuple[int, ...]]:
    location = answer.headers["location"]
    token = location.rpartition("/")[2].partition("#")[0]
    numbers = list(here.program.tokens.verify("thumbs", token))
    numbers[5] = 0
    return len(location), tuple(numbers)


@pytest.mark.usefixtures("same_chance")
@pytest.mark.parametrize("action", ["up", "down", "clear", "sideways", "undo"])
def test_a_vote_is_answered_the_same_whatever_stood_there(here: Place, action: str) -> None:
    found = []
    for thumb in STATES:
        stand(here, thumb)
        answer = here.client.post(here.vote_path(1, "up"), data={"action": action})
        headers = [one for one in answer.headers.raw if one[0] != b"location"]
        where = location_of(here, answer) if answer.status_code == 303 else None
        found.append((answer.status_code, headers, answer.content, where))

    assert found[0] == found[1] == found[2]


def without_sessions(page: str) -> str:
    return re.sub(r'name="session" value="[^"]+"', "", page)


@pytest.mark.parametrize("actions", [["up"], ["down", "down"], ["clear"], ["up", "undo"],
                                     ["up", "undo", "undo"], ["up", "down", "undo"],
                                     ["clear", "clear", "up"]])  # fmt: skip
def test_whoever_presses_sees_what_they_pressed_and_nothing_of_before(
    here: Place, actions: list[str]
) -> None:
    pages = []
    for thumb in STATES:
        for position in (1, 2, 3):
            stand(here, thumb, position)
        page = ""
        for action in actions:
            session = re.findall(r'name="session" value="([^"]+)"', page)[:1]
            form = {"action": action} | ({"session": session[0]} if session else {})
            answer = here.client.post(here.vote_path(2, "up"), data=form)
            assert answer.status_code == 303
            page = here.client.get(answer.headers["location"]).text
        pages.append(without_sessions(page))

    assert pages[0] == pages[1] == pages[2]
    assert 'id="p1"' in pages[0]


def test_the_thumb_before_cannot_be_read_from_the_link(here: Place) -> None:
    """Of many links for one state each code comes about as often as another."""
    site = here.client.app.state.site  # type: ignore[attr-defined]  # the test client has it
    for before in STATES:
        session = ThumbSession(1, None).after(1, Thumb.UP, before)
        codes = []
        for _ in range(300):
            path = vote_session.session_path(site, here.edition, session)
            token = path.rpartition("/")[2].partition("#")[0]
            codes.append(site.program.tokens.verify("thumbs", token)[5])
            again = vote_session.continue_session(site, here.edition, token)
            assert again == session
        assert all(60 < codes.count(code) < 140 for code in range(3))


def test_a_session_link_of_an_older_version_opens_the_edition_without_thumbs(here: Place) -> None:
    from larkpost.urls import stamp

    stand(here, Thumb.UP)
    until = int(NOW.timestamp()) + 3600
    seal = stamp(here.reader, "thumbs")
    token = here.program.tokens.sign("thumbs", here.edition.id, seal, until, 1, 2)
    shared = here.client.get(here.path(here.program.links.edition(here.edition)))

    answer = here.client.get(f"/edition/{token}")

    assert (answer.status_code, answer.content) == (200, shared.content)
    for numbers in ((), (here.edition.id,)):
        short = here.program.tokens.sign("thumbs", *numbers)
        assert here.client.get(f"/edition/{short}").status_code == 404
