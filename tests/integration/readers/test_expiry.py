"""Tests that unused readers without mail are removed, and that page views wait for no write."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, select
from tests.helpers.web.site_client import NOW, TODAY, contents, publish

from larkpost.db import readers, schema
from larkpost.db.usage import last_use
from larkpost.domain import Thumb
from larkpost.errors import UnknownReader
from larkpost.readers import expiry, record_votes, subscriptions
from larkpost.scheduler.tick import post

if TYPE_CHECKING:
    from datetime import datetime

    from tests.helpers.web.site_client import Place

    from larkpost.domain import Reader

DAY = timedelta(days=1)


def join(here: Place) -> Reader:
    """Come by the form without an address, and follow where it leads."""
    wishes = {
        "action": "feed",
        "send_time": "06:00",
        "weekdays": ["0"],
        "papers_per_edition": "5",
        "zone": "UTC",
    }
    answer = here.client.post("/subscribe", data=wishes)
    assert answer.status_code == 303
    assert here.client.get(answer.headers["location"]).status_code == 200
    with here.program.store.read() as connection:
        return readers.newest(connection, limit=1)[0]


def is_here(here: Place, reader: Reader) -> bool:
    with here.program.store.read() as connection:
        try:
            readers.get(connection, reader.id)
        except UnknownReader:
            return False
    return True


def round_at(here: Place, moment: datetime) -> None:
    """Do the round of the daemon that writes down and removes."""
    here.clock.now = moment
    assert post(here.program.tick_context, now=moment).troubles == {}


def last_used(here: Place, reader: Reader) -> date | None:
    with here.program.store.read() as connection:
        column = select(schema.reader.c.last_used).where(schema.reader.c.id == reader.id)
        found: date | None = connection.execute(column).scalar_one()
    return found


def test_who_never_came_back_goes_after_a_week(here: Place) -> None:
    reader = join(here)

    round_at(here, NOW + 6 * DAY)
    assert is_here(here, reader)
    round_at(here, NOW + 7 * DAY)
    assert not is_here(here, reader)


@pytest.mark.parametrize("use", ["feed", "page", "edition", "thumb"])
def test_who_is_used_goes_ninety_days_after_the_last_use(here: Place, use: str) -> None:
    reader, links = join(here), here.program.links
    _, edition = publish(here.program.store, reader, 3)
    here.clock.now = used = NOW + 5 * DAY
    if use == "thumb":
        paper = here.papers[0].id
        record_votes.cast(here.program.store, reader.id, paper, Thumb.UP, source="page", now=used)
    else:
        link = {
            "feed": links.feed(reader, "rss"),
            "page": links.page(reader),
            "edition": links.edition(edition),
        }[use]
        assert here.client.get(here.path(link)).status_code == 200
    round_at(here, used + timedelta(minutes=1))

    round_at(here, used + 89 * DAY)
    assert is_here(here, reader)
    round_at(here, used + 90 * DAY)
    assert not is_here(here, reader)


def test_a_feed_fetched_on_the_first_day_is_use(here: Place) -> None:
    reader = join(here)
    here.client.get(here.path(here.program.links.feed(reader, "rss")))

    round_at(here, NOW + timedelta(minutes=1))
    round_at(here, NOW + 30 * DAY)

    assert is_here(here, reader)


def test_a_feed_answered_from_memory_is_use_of_that_day(here: Place) -> None:
    reader = join(here)
    feed = here.path(here.program.links.feed(reader, "rss"))
    here.client.get(feed)
    round_at(here, NOW + timedelta(minutes=1))
    here.client.get(feed)

    here.clock.now = NOW + 3 * DAY
    before = contents(here.program.store)
    here.client.head(feed)
    assert contents(here.program.store) == before
    round_at(here, NOW + 3 * DAY)

    assert last_used(here, reader) == TODAY + 3 * DAY


def test_who_has_an_address_or_came_by_the_command_line_never_goes(here: Place) -> None:
    made = subscriptions.add(here.program.store, None, now=NOW)
    mailed = join(here)
    subscriptions.change(here.program.store, mailed.id, now=NOW, address="emmy@example.org")

    round_at(here, NOW + 4000 * DAY)

    assert is_here(here, made)
    assert is_here(here, mailed)
    assert is_here(here, here.reader)


def test_with_zero_days_nobody_goes(here: Place) -> None:
    reader = join(here)

    assert expiry.expire(here.program.store, last_use.ExpiryRule(0, 0), now=NOW + 4000 * DAY) == 0
    assert is_here(here, reader)


def test_a_day_of_reading_writes_once_for_each_reader_and_never_while_somebody_waits(
    here: Place,
) -> None:
    reader = join(here)
    feed = here.path(here.program.links.feed(reader, "rss"))
    here.clock.now = NOW + DAY
    written: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "last_used=" in statement.replace(" ", ""):
            written.append(statement)

    event.listen(here.program.store.engine, "before_cursor_execute", listen)
    for _ in range(5):
        here.client.get(feed)
    assert written == []
    for minute in range(3):
        here.client.get(feed)
        round_at(here, NOW + DAY + timedelta(minutes=minute))

    assert len(written) == 1


def test_uses_that_cannot_be_written_are_written_later(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = join(here)
    here.program.uses.note(reader.id, NOW + DAY)
    with monkeypatch.context() as broken:
        broken.setattr(last_use, "write", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            expiry.write_down(here.program.store, here.program.uses)

    expiry.write_down(here.program.store, here.program.uses)

    assert last_used(here, reader) == TODAY + DAY


def test_a_use_is_written_under_the_day_of_the_use(here: Place) -> None:
    reader = join(here)
    midnight = NOW.astimezone(UTC).replace(hour=23, minute=59)
    here.program.uses.note(reader.id, midnight)

    expiry.write_down(here.program.store, here.program.uses)

    assert last_used(here, reader) == TODAY


def test_the_page_and_the_commands_tell_when_a_reader_goes(here: Place) -> None:
    reader = join(here)
    page = here.path(here.program.links.page(reader))

    assert "if nobody uses the page or its feed for 7 days" in here.client.get(page).text
    record_votes.cast(
        here.program.store, reader.id, here.papers[0].id, Thumb.UP, source="x", now=NOW + DAY
    )
    assert "if nobody uses the page or its feed for 90 days" in here.client.get(page).text
    own = here.path(here.program.links.page(here.reader))
    assert "if nobody uses the page" not in here.client.get(own).text


def test_a_thumb_on_the_page_is_use_also_long_after_the_one_before(here: Place) -> None:
    reader = join(here)
    page = here.path(here.program.links.page(reader))
    form = {"action": "vote", "paper": str(here.papers[0].id), "thumb": "up"}
    for days in (0, 80):
        here.clock.now = NOW + days * DAY
        assert here.client.post(page, data=form).status_code == 200
        round_at(here, here.clock.now)

    round_at(here, NOW + 169 * DAY)
    assert is_here(here, reader)
    round_at(here, NOW + 170 * DAY)
    assert not is_here(here, reader)
