"""Tests the reader's own page: preferences, pauses, feed addresses and thumbs."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.web.site_client import BASE, NOW, contents

from larkpost.db.outbox import bounces, deliveries
from larkpost.domain import Bounce, BounceKind, DeliveryState, Status, Thumb
from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place


LEASE = timedelta(minutes=5)


WISHES = {
    "action": "save",
    "name": "Ada L.",
    "zone": "America/New_York",
    "send_time": "07:30",
    "weekdays": ["0", "2", "4"],
    "papers_per_edition": "5",
    "threshold": "40",
}


def test_the_page_shows_the_readers_wishes_feeds_and_editions(here: Place, me: str) -> None:
    page = here.client.get(me).text

    assert 'value="Europe/Berlin"' in page
    assert 'value="06:00"' in page
    assert page.count(" checked") == 7
    for form in ("rss", "atom", "json"):
        assert f"{BASE}/feed/{here.reader.feed_key}.{form}" in page
    assert here.path(here.program.links.edition(here.edition)) in page
    assert "Saturday, 8 August 2026 at 06:00" in page


def test_saved_wishes_are_what_was_typed_and_a_reload_does_not_act(here: Place, me: str) -> None:
    answer = here.client.post(me, data=WISHES)

    assert answer.status_code == 303
    assert answer.headers["location"] == f"{me}?done=saved"
    assert "Settings saved" in here.client.get(answer.headers["location"]).text
    now = here.current()
    assert (now.name, now.zone, now.send_time, now.papers_per_edition, now.weekly) == (
        "Ada L.",
        "America/New_York",
        time(7, 30),
        5,
        False,
    )
    assert now.weekdays == {0, 2, 4}
    assert now.threshold == 0.4
    assert now.next_slot == datetime(2026, 8, 10, 11, 30, tzinfo=UTC)


def test_a_box_on_the_page_asks_for_notices_of_empty_days_and_takes_it_back(
    here: Place, me: str
) -> None:
    box = 'name="notify_when_empty" value="yes"'
    assert f"{box}> Email me when a day has no papers for me" in here.client.get(me).text

    here.client.post(me, data=WISHES | {"notify_when_empty": "yes"})

    assert here.current().notify_when_empty
    assert f"{box} checked" in here.client.get(me).text
    mistaken = here.client.post(
        me, data=WISHES | {"notify_when_empty": "yes", "papers_per_edition": "0"}
    ).text
    assert f"{box} checked" in mistaken
    here.client.post(me, data=WISHES)
    assert not here.current().notify_when_empty


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"zone": "Mars/Olympus"}, "no time zone"),
        ({"send_time": "25:00"}, "is not a time"),
        ({"send_time": ""}, "is not a time"),
        ({"zone": "\x00"}, "no time zone"),
        ({"zone": "A" * 5000}, "no time zone"),
        ({"weekdays": []}, "at least one weekday"),
        ({"weekdays": ["7"]}, "at least one weekday"),
        ({"weekdays": ["monday"]}, "is not a weekday"),
        ({"papers_per_edition": "0"}, "0 papers"),
        ({"threshold": "100"}, "is not possible"),
        ({"threshold": "most"}, "is not a percentage"),
        ({"threshold": "9" * 400}, "is not a percentage"),
        ({"papers_per_edition": "ten"}, "is not a number"),
        ({"papers_per_edition": "9" * 5000}, "is not a number"),
    ],
)
def test_a_mistake_is_reported_and_nothing_typed_is_lost(
    here: Place, me: str, wrong: dict[str, object], said: str
) -> None:
    before = contents(here.program.store)

    answer = here.client.post(me, data=WISHES | wrong)

    assert answer.status_code == 400
    assert said in answer.text
    assert 'role="alert"' in answer.text
    assert ".." not in answer.text
    assert not re.search(r"(?<!\S)--\w", answer.text)  # words of the command line
    assert 'value="Ada L."' in answer.text
    assert contents(here.program.store) == before


def test_a_holiday_and_its_end(here: Place, me: str) -> None:
    paused = here.client.post(me, data={"action": "pause", "until": "2026-08-20"})
    assert paused.status_code == 303
    assert here.current().paused_until == date(2026, 8, 20)
    assert "Resume" in here.client.get(me).text

    here.client.post(me, data={"action": "resume"})

    assert here.current() == here.reader


def test_a_pause_without_an_end(here: Place, me: str) -> None:
    here.client.post(me, data={"action": "pause", "until": ""})

    assert here.current().status is Status.PAUSED
    assert "Your editions are paused" in here.client.get(me).text


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("2026-08-07", "is not in the future"),
        ("9999-12-31", "lasts too long"),
        ("2026-02-30", "is not a day"),
        ("soon", "is not a day"),
    ],
)
def test_a_pause_that_cannot_be_is_reported(here: Place, me: str, until: str, said: str) -> None:
    answer = here.client.post(me, data={"action": "pause", "until": until})

    assert answer.status_code == 400
    assert said in answer.text
    assert here.current() == here.reader


def test_thumbs_are_listed_changed_and_undone(here: Place, me: str) -> None:
    here.client.post(here.vote_path(1, "up"))
    paper = here.edition.picks[0].paper
    assert paper.title in here.client.get(me).text

    changed = here.client.post(me, data={"action": "vote", "paper": paper.id, "thumb": "down"})
    assert here.thumb(1) is Thumb.DOWN
    assert 'name="thumb" value="up">\n<button class="small">Undo' in changed.text
    here.client.post(me, data={"action": "vote", "paper": paper.id, "thumb": "up"})

    assert here.thumb(1) is Thumb.UP


def test_a_thumb_given_twice_can_be_taken_back(here: Place, me: str) -> None:
    here.client.post(here.vote_path(1, "up"))
    form = {"action": "vote", "paper": here.edition.picks[0].paper.id, "thumb": "up"}

    page = here.client.post(me, data=form).text

    assert "More like this: you said so before." in page
    assert 'name="thumb" value="clear">\n<button class="small">Undo' in page


def test_a_thumb_can_be_taken_back_from_the_page(here: Place, me: str) -> None:
    here.client.post(here.vote_path(1, "up"))
    paper = here.edition.picks[0].paper

    here.client.post(me, data={"action": "vote", "paper": paper.id, "thumb": "clear"})

    assert here.thumb(1) is None


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({}, 400),
        ({"action": "delete"}, 400),
        ({"action": "vote", "paper": "999", "thumb": "up"}, 404),
        ({"action": "vote", "paper": "one", "thumb": "up"}, 400),
        ({"action": "vote", "paper": "1", "thumb": "sideways"}, 400),
        ({"action": "vote", "paper": str(2**70), "thumb": "up"}, 404),
        ({"action": "vote", "paper": "-1", "thumb": "up"}, 404),
    ],
)
def test_forms_that_make_no_sense_do_nothing(
    here: Place, me: str, form: dict[str, str], status: int
) -> None:
    before = contents(here.program.store)

    answer = here.client.post(me, data=form)

    assert answer.status_code == status
    assert contents(here.program.store) == before


def test_interests_are_added_changed_and_removed(here: Place, me: str) -> None:
    def send(**form: str) -> int:
        return here.client.post(me, data=form).status_code

    added = send(action="interest", interest="Birds", words="birdsong\r\nrivers", quota="3")
    send(action="interest", interest="main", words="routing", quota="2")

    assert added == 303
    assert [(i.name, i.words, i.quota) for i in here.current().interests] == [
        ("main", ("routing",), 2),
        ("Birds", ("birdsong", "rivers"), 3),
    ]
    page = here.client.get(me).text
    assert f"{BASE}/feed/{here.reader.feed_key}/birds.atom" in page
    assert f"{BASE}/feed/{here.reader.feed_key}.opml" in page
    send(action="drop", interest="Birds")
    assert [i.name for i in here.current().interests] == ["main"]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"interest": ""}, "needs a name"),
        ({"interest": "x" * 41}, "needs a name"),
        ({"interest": "\x00"}, "needs a name"),
        ({"interest": "Birds", "quota": "0"}, "not possible"),
        ({"interest": "Birds", "quota": "101"}, "not possible"),
        ({"interest": "Birds", "quota": "half"}, "is not a share"),
        ({"interest": "Birds", "words": "x" * 101}, "interest words"),
        ({"action": "drop", "interest": "main"}, "the last interest"),
        ({"action": "drop", "interest": "<b>"}, "no interest called"),
    ],
)
def test_an_interest_that_cannot_be_had_is_reported(
    here: Place, me: str, form: dict[str, str], said: str
) -> None:
    answer = here.client.post(me, data={"action": "interest"} | form)

    assert answer.status_code == 400
    assert said in answer.text
    assert "<b>'" not in answer.text
    assert here.current() == here.reader


def test_there_are_only_so_many_interests(here: Place, me: str) -> None:
    answers = [
        here.client.post(me, data={"action": "interest", "interest": f"Theme {n}"})
        for n in range(10)
    ]

    assert [one.status_code for one in answers] == [303] * 9 + [400]
    assert "Add an interest" not in here.client.get(me).text


def test_the_page_says_why_todays_papers_are_there(here: Place, me: str) -> None:
    why = here.client.get(me).text.partition("Why these papers")[2].partition("What you get")[0]

    assert all(pick.paper.title in why for pick in here.edition.picks)
    assert "mixture of experts" in why
    assert "Counting against it: " in why


def test_all_thumbs_are_taken_back_only_by_who_is_sure(here: Place, me: str) -> None:
    here.client.post(here.vote_path(1, "up"))
    here.client.post(here.vote_path(2, "down"))

    unsure = here.client.post(me, data={"action": "clear"})
    assert unsure.status_code == 400
    assert here.thumb(1) is Thumb.UP
    here.client.post(me, data={"action": "clear", "sure": "yes"})

    assert (here.thumb(1), here.thumb(2)) == (None, None)


def test_everything_kept_about_a_reader_can_be_taken_along(here: Place, me: str) -> None:
    here.client.post(here.vote_path(1, "up"))
    bounce = Bounce(here.reader.id, NOW, BounceKind.SOFT, "4.2.2", "mailbox full")
    with here.program.store.begin() as connection:
        (message,) = deliveries.claim(connection, NOW, limit=1, lease=LEASE, holder="one")
        assert deliveries.begin(connection, message.id, "one", now=NOW, lease=LEASE)
        deliveries.settle(
            connection, message.id, DeliveryState.SENT, now=NOW, response="250 kept", holder="one"
        )
        bounces.record(connection, bounce)

    answer = here.client.get(f"{me}/export.jsonl")

    assert int(answer.headers["content-length"]) == len(answer.content)  # it goes out in parts
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["kind"] for one in lines] == [
        *("reader", "vote", "paper", "paper", "paper", "delivery", "bounce")
    ]
    assert lines[0]["created"] == "2026-08-07T10:00:00Z"
    delivery, bounced = lines[-2:]
    assert (delivery["date"], delivery["state"]) == ("2026-08-07", "sent")
    assert (delivery["sent_at"], delivery["last_response"]) == ("2026-08-07T10:00:00Z", "250 kept")
    assert (delivery["message_id"], delivery["attempts"]) == (message.message_id, 1)
    assert (bounced["bounce"], bounced["code"]) == ("soft", "4.2.2")
    assert (bounced["at"], bounced["text"]) == ("2026-08-07T10:00:00Z", "mailbox full")
    assert lines[0]["reader"] == "ada@example.org"
    assert lines[0]["editions"][0]["date"] == "2026-08-07"
    assert lines[1]["paper"] == str(here.papers[0].identifier)
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"


def test_a_reader_is_forgotten_only_when_sure(here: Place, me: str) -> None:
    assert "Delete everything?" in here.client.get(f"{me}/delete").text
    assert here.client.post(f"{me}/delete").status_code == 400
    assert here.current() == here.reader

    answer = here.client.post(f"{me}/delete", data={"sure": "yes"})

    assert "Everything is deleted" in answer.text
    rows = contents(here.program.store)
    assert all(not rows[name] for name in ("reader", "interest", "vote", "edition", "delivery"))
    for path in (me, here.vote_path(1, "up"), f"/feed/{here.reader.feed_key}.rss"):
        assert here.client.get(path).status_code == 404


def test_who_left_may_come_back_from_their_page(here: Place, me: str) -> None:
    subscriptions.change(here.program.store, here.reader.id, now=NOW, status="leave")
    assert "You are unsubscribed" in here.client.get(me).text

    here.client.post(me, data={"action": "resume"})

    assert here.current() == here.reader


@pytest.mark.parametrize("done", ["<script>", "nonsense", ""])
def test_the_address_cannot_put_words_into_the_page(here: Place, me: str, done: str) -> None:
    answer = here.client.get(me, params={"done": done})

    assert answer.status_code == 200
    assert 'role="status"' not in answer.text
    assert "<script" not in answer.text
