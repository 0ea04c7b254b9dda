"""Tests unsubscribing by RFC 8058 and by page, coming back, and confirming."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.web.site_client import NOW, contents, place

from larkpost.db import readers
from larkpost.domain import Status
from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.web.site_client import Place

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
)


@pytest.fixture
def leave(here: Place) -> str:
    return here.path(here.program.links.leave(here.reader))


def test_opening_the_unsubscribe_link_shows_a_button_and_does_nothing(
    here: Place, leave: str
) -> None:
    before = contents(here.program.store)

    answer = here.client.get(leave)

    assert answer.status_code == 200
    assert "<form" in answer.text
    assert "a…@example.org" in answer.text
    assert contents(here.program.store) == before


def test_no_page_that_a_message_passed_on_opens_without_its_own_link_tells_whose_it_is(
    here: Place, leave: str
) -> None:
    subscriptions.change(here.program.store, here.reader.id, now=NOW, name="Augusta")
    edition = here.path(here.program.links.edition(here.edition))
    asked = [here.client.get(path).text for path in (leave, edition, here.vote_path(2, "up"))]
    asked += [here.client.post(leave, data={"action": one}).text for one in ("leave", "return")]

    for page in asked:
        assert "ada@" not in page
        assert "Augusta" not in page
        assert "/me/" not in page
    assert "a…@example.org" in asked[3]


def test_who_reads_by_feed_alone_leaves_without_a_word_of_an_address(here: Place) -> None:
    reader = subscriptions.add(here.program.store, None, now=NOW)

    page = here.client.get(here.path(here.program.links.leave(reader))).text

    assert "nothing is sent any more. You can come back" in page


@pytest.mark.parametrize("encoding", ["urlencoded", "multipart"])
def test_one_click_unsubscribes_at_once_without_redirect_cookie_or_origin(
    here: Place, leave: str, encoding: str
) -> None:
    body, kind = {
        "urlencoded": (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        "multipart": (MULTIPART, "multipart/form-data; boundary=x"),
    }[encoding]
    headers = {
        "Content-Type": kind,
        "Origin": "https://mail.example.com",
        "Sec-Fetch-Site": "cross-site",
    }

    answers = [here.client.post(leave, content=body, headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert "set-cookie" not in answers[0].headers
    assert here.current().status is Status.LEFT
    assert here.current().next_slot is None


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"", "application/x-www-form-urlencoded", id="empty"),
        pytest.param(b"List-Unsubscribe=Two-Click", "application/x-www-form-urlencoded", id="two"),
        pytest.param(b"action=delete", "application/x-www-form-urlencoded", id="another action"),
        pytest.param(b"\xff\x00=%zz&&&", "application/x-www-form-urlencoded", id="rubbish"),
        pytest.param(b"List-Unsubscribe=One-Click", "text/plain", id="not a form"),
        pytest.param(b'{"List-Unsubscribe": "One-Click"}', "application/json", id="JSON"),
        pytest.param(b"--x\r\nrubbish", "multipart/form-data; boundary=x", id="cut multipart"),
        pytest.param(b"--x--", "multipart/form-data", id="no boundary"),
        pytest.param(
            b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"; filename="f"\r\n\r\n'
            b"One-Click\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
            id="a file",
        ),
    ],
)
def test_a_body_that_says_something_else_does_nothing(
    here: Place, leave: str, body: bytes, kind: str
) -> None:
    before = contents(here.program.store)

    answer = here.client.post(leave, content=body, headers={"Content-Type": kind})

    assert answer.status_code == 400
    assert contents(here.program.store) == before


def test_the_button_unsubscribes_and_the_next_one_undoes_it(here: Place, leave: str) -> None:
    left = here.client.post(leave, data={"action": "leave"})
    assert here.current().status is Status.LEFT
    back = here.client.post(leave, data={"action": "return"})

    assert [left.status_code, back.status_code] == [200, 200]
    assert "Nothing will be sent" in left.text
    assert "Welcome back" in back.text
    assert here.current() == here.reader


def test_the_link_of_a_newsletter_subscribes_again_only_once_a_month(
    here: Place, leave: str
) -> None:
    for _ in range(2):
        here.client.post(leave, data={"action": "leave"})
        back = here.client.post(leave, data={"action": "return"})

    assert back.status_code == 429
    assert "Please use your page" in back.text
    assert here.current().status is Status.LEFT
    here.clock.now = NOW + timedelta(days=31)
    assert "Welcome back" in here.client.post(leave, data={"action": "return"}).text
    assert here.current().status is Status.ACTIVE


def test_a_second_click_to_subscribe_again_says_the_same(here: Place, leave: str) -> None:
    here.client.post(leave, data={"action": "leave"})

    pages = [here.client.post(leave, data={"action": "return"}) for _ in range(2)]

    assert [page.status_code for page in pages] == [200, 200]
    assert pages[0].text == pages[1].text


def test_the_link_of_a_newsletter_ends_no_pause(here: Place, leave: str) -> None:
    paused = subscriptions.change(here.program.store, here.reader.id, now=NOW, status="pause")

    page = here.client.post(leave, data={"action": "return"})

    assert "Unsubscribe?" in page.text
    assert here.current() == paused


@pytest.mark.parametrize("until", [None, NOW.date() + timedelta(days=9)])
def test_the_link_of_a_newsletter_ends_no_pause_by_unsubscribing_either(
    here: Place, leave: str, me: str, until: date | None
) -> None:
    subscriptions.change(here.program.store, here.reader.id, now=NOW, status="pause", until=until)

    for _ in range(2):  # two letters, or two clicks
        here.client.post(leave, data=ONE_CLICK)
    page = here.client.post(leave, data={"action": "return"})

    assert page.status_code == 429
    assert "Please use your page" in page.text
    assert here.current().status is Status.LEFT
    here.client.post(me, data={"action": "resume"})
    assert here.current().status is Status.ACTIVE


def test_who_once_had_a_holiday_may_undo_a_click_on_unsubscribe(here: Place, leave: str) -> None:
    until = NOW.date() + timedelta(days=9)
    subscriptions.change(here.program.store, here.reader.id, now=NOW, status="pause", until=until)
    here.clock.now = NOW + timedelta(days=40)

    here.client.post(leave, data={"action": "leave"})
    back = here.client.post(leave, data={"action": "return"})

    assert "Welcome back" in back.text
    assert here.current().status is Status.ACTIVE


def test_the_unsubscribe_link_works_years_later(here: Place, leave: str) -> None:
    here.clock.now = NOW.replace(year=2046)

    assert here.client.post(leave, data=ONE_CLICK).status_code == 200
    assert here.current().status is Status.LEFT


def test_known_and_unknown_links_to_unsubscribe_do_not_tell_who_reads(here: Place) -> None:
    gone = subscriptions.add(here.program.store, "gone@example.org", now=NOW)
    link = here.path(here.program.links.leave(gone))
    subscriptions.remove(here.program.store, gone.id)

    answers = [here.client.post(path, data=ONE_CLICK) for path in (link, "/leave/forged")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].text == answers[1].text


def test_a_pending_reader_confirms_with_a_button(here: Place) -> None:
    pending = subscriptions.add(
        here.program.store, "new@example.org", now=NOW, status=Status.PENDING
    )
    path = here.path(here.program.links.confirm(pending))

    shown = here.client.get(path)
    with here.program.store.read() as connection:
        before = readers.get(connection, pending.id)
    confirmed = here.client.post(path)
    again = here.client.post(path)

    assert "new@example.org" in shown.text
    assert before == pending
    assert "Your subscription is confirmed" in confirmed.text
    assert "/me/" in confirmed.text
    assert "was used before" in again.text
    with here.program.store.read() as connection:
        assert readers.get(connection, pending.id).status is Status.ACTIVE


def test_a_used_confirmation_never_shows_the_link_to_the_page(here: Place) -> None:
    pending = subscriptions.add(
        here.program.store, "new@example.org", now=NOW, status=Status.PENDING
    )
    path = here.path(here.program.links.confirm(pending))
    here.client.post(path)
    subscriptions.relink(here.program.store, pending.id)  # after a message fell into other hands

    found = [here.client.get(path), here.client.post(path), here.client.get(path)]

    assert [answer.status_code for answer in found] == [200, 200, 200]
    assert all("/me/" not in answer.text for answer in found)


def test_an_old_confirmation_does_not_bring_back_who_left(here: Place) -> None:
    subscriptions.change(here.program.store, here.reader.id, now=NOW, status="leave")

    answer = here.client.post(here.path(here.program.links.confirm(here.reader)))

    assert "You have unsubscribed" in answer.text
    assert here.current().status is Status.LEFT


def test_a_network_confirms_few_mailboxes_a_day_and_in_three_months(
    tmp_path: Path, database_url: str
) -> None:
    """Who owns a domain has any number of mailboxes, and each gets a hundred papers a day."""
    flags = {"quotas.network_readers": 2, "quotas.all_readers": 24}  # three in three months
    with place(tmp_path, database_url, flags) as here:
        paths = [
            here.path(
                here.program.links.confirm(
                    subscriptions.add(
                        here.program.store, f"{n}@example.org", now=NOW, status=Status.PENDING
                    )
                )
            )
            for n in range(4)
        ]
        used = [here.client.post(path) for path in (paths[0], paths[0], paths[0], paths[1])]
        assert [answer.status_code for answer in used] == [200] * 4

        refused = here.client.post(paths[2])
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 3600
        assert "too many subscriptions were confirmed" in refused.text.lower()
        assert here.client.get(paths[2]).status_code == 200

        here.clock.now = NOW + timedelta(days=1)
        assert "Your subscription is confirmed" in here.client.post(paths[2]).text
        months = here.client.post(paths[3])
        assert months.status_code == 429
        assert "in the last months" in months.text
