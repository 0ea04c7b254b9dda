"""Tests vote links and the edition in the browser: only a click on a button votes."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update
from tests.helpers.factories import picks_of
from tests.helpers.web.site_client import BASE, NOW, TODAY

from larkpost.db import editions, papers, readers, schema, votes
from larkpost.domain import Identifier, PaperRecord, Thumb
from larkpost.readers import interests, subscriptions

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place

    from larkpost.domain import Edition


def test_a_vote_link_shows_the_paper_its_reasons_and_a_button(here: Place) -> None:
    answer = here.client.get(here.vote_path(2, "up"))

    paper = here.edition.picks[1].paper
    assert answer.status_code == 200
    assert paper.title in answer.text
    assert paper.abstract in answer.text
    assert "mixture of experts" in answer.text
    assert "More like this" in answer.text
    assert f'action="{here.vote_path(2, "up")}"' in answer.text


def test_a_thumb_on_a_paper_of_a_removed_interest_is_taken(here: Place) -> None:
    store = here.program.store
    interests.set_interest(store, here.reader.id, "birds", words=["birdsong"])
    with store.begin() as connection:
        gone = readers.get(connection, here.reader.id).interests[1].id
        connection.execute(update(schema.pick).values(interest_id=gone, interest="birds"))
    interests.remove_interest(store, here.reader.id, "birds")

    answer = here.client.post(here.vote_path(1, "up"))

    assert answer.status_code == 303
    assert here.thumb(1) is Thumb.UP


@pytest.mark.parametrize(("wish", "thumb"), [("up", Thumb.UP), ("down", Thumb.DOWN)])
def test_the_pressed_button_votes(here: Place, wish: str, thumb: Thumb) -> None:
    answer = here.client.post(here.vote_path(1, wish), data={"action": wish})
    page = here.client.get(answer.headers["location"]).text

    assert answer.status_code == 303
    assert here.thumb(1) is thumb
    assert here.thumb(2) is None
    assert "Undo" in page
    with here.program.store.read() as connection:
        vote = votes.of(connection, here.reader.id)[0]
    assert (vote.source, vote.at) == ("link", NOW)


def test_a_post_without_a_form_means_the_thumb_of_its_path(here: Place) -> None:
    here.client.post(here.vote_path(1, "down"))

    assert here.thumb(1) is Thumb.DOWN


def test_pressing_twice_is_one_vote(here: Place) -> None:
    for _ in range(3):
        assert here.client.post(here.vote_path(1, "up"), data={"action": "up"}).status_code == 303

    with here.program.store.read() as connection:
        assert len(votes.of(connection, here.reader.id)) == 1


def test_undo_beside_a_first_vote_takes_it_back(here: Place) -> None:
    voted = press(here, 1, "up")
    undone = press(here, 1, "undo", voted)

    assert here.thumb(1) is None
    assert "Your thumb on this paper is what it was before." in undone
    press(here, 1, "undo", undone)
    assert here.thumb(1) is Thumb.UP


def test_undo_beside_a_changed_vote_brings_the_old_one_back(here: Place) -> None:
    press(here, 1, "up")

    changed = press(here, 1, "down")  # from the message again: the page has not seen the first
    assert here.thumb(1) is Thumb.DOWN
    press(here, 1, "undo", changed)

    assert here.thumb(1) is Thumb.UP


def test_undo_of_another_paper_or_without_a_session_is_refused(here: Place) -> None:
    page = press(here, 1, "up")
    token = session_of(page)
    here.clock.now += timedelta(hours=1, seconds=1)
    over = here.client.post(here.vote_path(1, "up"), data={"action": "undo", "session": token})
    here.clock.now = NOW
    other = here.client.post(here.vote_path(2, "up"), data={"action": "undo", "session": token})
    none = here.client.post(here.vote_path(1, "up"), data={"action": "undo"})
    wrong = here.client.post(
        here.vote_path(1, "up"), data={"action": "undo", "session": f"{token}A"}
    )

    assert [one.status_code for one in (over, other, none, wrong)] == [400] * 4
    assert here.thumb(1) is Thumb.UP


def press(here: Place, position: int, action: str, page: str = "") -> str:
    """Click a button of a page or message; returns the page after the redirect."""
    form = {"action": action} | ({"session": session_of(page)} if page else {})
    answer = here.client.post(here.vote_path(position, "up"), data=form)
    assert answer.status_code == 303
    return here.client.get(answer.headers["location"]).text


def session_of(page: str) -> str:
    found = re.search(r'name="session" value="([^"]+)"', page)
    assert found
    return found[1]


@pytest.mark.parametrize(
    "form", [{"action": "sideways"}, {"action": ""}, {"action": "up\r\nX: y"}, {"action": "1"}]
)
def test_another_action_is_refused(here: Place, form: dict[str, str]) -> None:
    answer = here.client.post(here.vote_path(1, "up"), data=form)

    assert answer.status_code == 400
    assert here.thumb(1) is None


def test_places_that_the_edition_has_not_are_not_found(here: Place) -> None:
    ballot = here.path(here.program.links.ballot(here.edition))
    rests = ("0/up", "4/up", "99999999999999999999/up", "-1/up", "1/clear", "1/", "1", "x/up")

    assert [here.client.post(f"{ballot}/{rest}").status_code for rest in rests] == [404] * 8
    with here.program.store.read() as connection:
        assert votes.of(connection, here.reader.id) == []


def test_every_kind_of_wrong_link_gets_the_same_page(here: Place) -> None:
    links, tokens = here.program.links, here.program.tokens
    token = links.ballot(here.edition).rpartition("/")[2]
    wrong = [
        token[:-1],
        token + "A",
        token.swapcase(),
        token.replace(".", "%2E."),
        tokens.sign("edition", here.edition.id, 1),
        tokens.sign("vote", here.edition.id),
        tokens.sign("vote", here.edition.id, 1),
        tokens.sign("vote", 999, 1),
        links.edition(here.edition).rpartition("/")[2],
        "x",
        "%00",
        "%ff%fe",
        "é" * 10,
    ]

    answers = [here.client.post(f"/vote/{one}/1/up", data={"action": "up"}) for one in wrong]

    assert [answer.status_code for answer in answers] == [404] * len(wrong)
    assert len({answer.text for answer in answers}) == 1
    assert here.thumb(1) is None


def test_a_vote_link_is_good_for_ninety_days_and_then_says_so(here: Place) -> None:
    here.clock.now = NOW + timedelta(days=90)
    assert here.client.get(here.vote_path(1, "up")).status_code == 200

    here.clock.now += timedelta(seconds=1)
    answers = [here.client.get(here.vote_path(1, "up")), here.client.post(here.vote_path(1, "up"))]

    assert [answer.status_code for answer in answers] == [410] * 2
    for answer in answers:
        assert "90 days" in answer.text
        offered = re.findall(r'<a href="([^"]+)">', answer.text.partition("<main")[2])
        paper = f"/paper/{here.papers[0].uid}"
        edition = here.path(here.program.links.edition(here.edition))
        assert offered[:2] == [paper, edition]
        assert offered[2:] == [f"{BASE}/trending.atom", f"{BASE}/archive.atom"]
        paths = [one.removeprefix(BASE) for one in offered]
        assert [here.client.get(one).status_code for one in paths] == [200] * 4
        assert here.papers[0].title in answer.text
    assert here.thumb(1) is None


def test_a_late_vote_on_what_only_readers_brought_leads_to_no_public_page(here: Place) -> None:
    with here.program.store.begin() as connection:
        connection.execute(update(schema.paper).values(owner_id=here.reader.id))
    here.clock.now = NOW + timedelta(days=91)

    answer = here.client.get(here.vote_path(1, "up"))

    assert answer.status_code == 410
    assert "/paper/" not in answer.text
    assert here.path(here.program.links.edition(here.edition)) in answer.text


def test_a_clock_set_back_does_not_expire_links(here: Place) -> None:
    here.clock.now = NOW - timedelta(days=1)

    assert here.client.post(here.vote_path(1, "up")).status_code == 303


def test_a_link_of_somebody_else_who_had_the_number_before_opens_nothing(here: Place) -> None:
    """A database put back from a backup gives numbers out a second time."""
    before = replace(here.reader, uid="6f1c4f0e-8f0e-4b59-9f5e-0f5f0d8a9b11")
    links = here.program.links

    answers = [
        here.client.get(here.path(link))
        for link in (
            links.page(before),
            links.leave(before),
            links.edition(replace(here.edition, reader=before)),
            links.vote(replace(here.edition, reader=before), 1, Thumb.UP),
        )
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


def test_links_of_a_removed_reader_open_nothing(here: Place) -> None:
    paths = [here.vote_path(1, "up"), here.path(here.program.links.page(here.reader))]
    subscriptions.remove(here.program.store, here.reader.id)

    assert [here.client.get(path).status_code for path in paths] == [404, 404]


HOSTILE = "<script>alert(1)</script> {{7*7}} \u202eevil <b>x</b> \"'>&amp;"


def publish_hostile(here: Place) -> Edition:
    draft = PaperRecord(
        title=HOSTILE,
        abstract=f"{HOSTILE}\n\n{HOSTILE}",
        identifiers=(Identifier("url", "javascript:alert(1)"),),
        authors=(HOSTILE,),
        url="javascript:alert(1)",
        first_seen=NOW,
    )
    with here.program.store.begin() as connection:
        found = papers.absorb(connection, [draft], now=NOW)
        chosen = list(papers.get(connection, [found[0].paper_id]).values())
        reader = readers.all(connection)[0]
        edition = editions.publish(
            connection,
            reader=reader,
            date=TODAY + timedelta(days=1),
            picks=[replace(picks_of(chosen)[0], interest=HOSTILE)],
            now=NOW,
            next_slot=reader.next_slot,
            message_id=None,
        )
    assert edition
    return edition


def test_what_stands_in_a_dump_is_text_on_every_page(here: Place) -> None:
    subscriptions.change(here.program.store, here.reader.id, now=NOW, name=HOSTILE, words=[HOSTILE])
    edition = publish_hostile(here)
    links = here.program.links
    voting = f"{here.path(links.ballot(edition))}/1/up"
    here.client.post(voting)

    pages = [
        here.client.get(path).text
        for path in (
            voting,
            here.path(links.edition(edition)),
            here.path(links.page(here.reader)),
            here.path(links.leave(here.reader)),
        )
    ]

    for page in pages:
        assert "<script" not in page
        assert "<b>x" not in page
        assert 'href="javascript' not in page
        assert "49 " not in page
        assert "\u202e" not in page
    assert "&lt;script&gt;" in pages[0]
    assert "{{7*7}}" in pages[0]
