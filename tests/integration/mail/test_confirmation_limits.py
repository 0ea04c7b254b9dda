"""Tests limits of mail that strangers request for the addresses of others."""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event
from tests.helpers.mail.message_checks import RENDERER
from tests.helpers.mail.outbox_helpers import Mailbag
from tests.helpers.web.site_client import NOW, place

from larkpost.db.coordination import rate_limits
from larkpost.db.outbox import delivery_queue
from larkpost.errors import Crowded, Deferred, UsageError
from larkpost.mail import confirmation_limits, confirmations
from larkpost.mail.deliver import deliver
from larkpost.readers import subscriptions
from larkpost.scheduler.tick import tick
from larkpost.text.ip_networks import neighbourhood
from larkpost.web import client_ip
from larkpost.web.public import subscribe

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from typing import Any

    from tests.helpers.web.site_client import Place

    from larkpost.db.engine import Store
    from larkpost.readers.subscriptions import Preferences

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
WISHES: Preferences = {
    "zone": "UTC",
    "send_time": time(6),
    "weekdays": frozenset({0}),
    "papers_per_edition": 3,
}
SPELLINGS = (
    "annlee@gmail.com",
    "ann.lee@gmail.com",
    "a.n.n.l.e.e@gmail.com",
    "Ann.Lee@gmail.com",
    "ANNLEE@GMAIL.COM",
    "annlee+1@gmail.com",
    "annlee+news@gmail.com",
    "ann.lee+2@gmail.com",
    "annlee@googlemail.com",
    "ann.lee+3@googlemail.com",
    "annlee@gmail.com.",
    "annlee@\uff47\uff4d\uff41\uff49\uff4c.com",
    "annlee@gmail\u3002com",
    "\uff41nnlee@gmail.com",
    "annlee\uff0bx@gmail.com",
)


def ask(store: Store, address: str, *, network: str = "192.0.2.1", now: datetime = NOW) -> None:
    confirmations.ask(store, confirmations.check_request(address, WISHES), network=network, now=now)


def answer(store: Store, bag: Mailbag, now: datetime = NOW, per_domain: int = 60) -> int:
    done = deliver(
        store,
        RENDERER,
        bag.open_transport,
        now=now,
        holder="test",
        patient=True,
        per_domain=per_domain,
    )
    return done.confirmations


def waiting(store: Store) -> int:
    with store.read() as connection:
        return delivery_queue.count_waiting(connection)


def test_fifteen_spellings_of_one_mailbox_bring_one_message(here: Place) -> None:
    bag = Mailbag()
    for spelling in SPELLINGS:
        asked = here.client.post("/subscribe", data={"address": spelling, "zone": "UTC"})
        assert asked.status_code == 200

    assert answer(here.program.store, bag, here.clock.now) == 1
    assert bag.recipients().count("annlee") == 1
    assert waiting(here.program.store) == 0


def test_a_reader_is_told_the_way_to_their_page_once_however_their_mailbox_is_spelt(
    store: Store,
) -> None:
    subscriptions.add(store, "annlee@gmail.com", now=NOW)
    subscriptions.add(store, "annlee+papers@gmail.com", now=NOW)
    for spelling in ("annlee@gmail.com", "annlee+papers@gmail.com", "ann.lee@gmail.com"):
        ask(store, spelling)

    assert answer(store, Mailbag()) == 1


def test_readers_whose_spellings_differ_stay_two_and_are_written_to_as_they_typed(
    store: Store,
) -> None:
    bag = Mailbag()
    ask(store, "Ann.Lee+papers@gmail.com")
    answer(store, bag)
    later = NOW + HOUR + MINUTE
    ask(store, "annlee@gmail.com", now=later)
    answer(store, bag, later)

    assert [message.recipient for message in bag.messages] == [
        "Ann.Lee+papers@gmail.com",
        "annlee@gmail.com",
    ]


def test_a_mailbox_gets_four_messages_a_day_however_long_somebody_asks(store: Store) -> None:
    bag = Mailbag()
    for hours in range(24):
        now = NOW + hours * HOUR
        ask(store, f"grace+{hours}@example.org", now=now)
        answer(store, bag, now)

    assert len(bag.messages) == 4 + 3  # four at once, then one in six hours
    assert waiting(store) == 0


def test_a_domain_gets_so_many_messages_an_hour_from_all_networks_and_the_others_wait(
    store: Store,
) -> None:
    bag = Mailbag()
    for number in range(40):
        ask(store, f"victim{number}@example.org", network=f"198.51.{number}.1")

    assert answer(store, bag, per_domain=10) == 10
    assert answer(store, bag, per_domain=10) == 0
    steps = [answer(store, bag, NOW + MINUTE + step * HOUR / 4, 10) for step in range(1, 13)]

    assert [sum(steps[hour * 4 : hour * 4 + 4]) for hour in range(3)] == [10, 10, 10]
    assert waiting(store) == 0
    assert len(set(bag.recipients())) == 40


def test_readers_who_are_shown_the_way_to_their_page_count_for_the_domain_as_well(
    store: Store,
) -> None:
    for number in range(4):
        subscriptions.add(store, f"known{number}@example.org", now=NOW)
        ask(store, f"known{number}@example.org", network=f"198.51.{number}.1")
        ask(store, f"new{number}@example.org", network=f"203.0.{number}.1")

    assert answer(store, Mailbag(), per_domain=5) == 5


@pytest.mark.parametrize("address", ["v{}@{}.example.org", "v{}@EXAMPLE.ORG", "v{}+{}@example.org"])
def test_a_domain_is_one_domain_however_its_addresses_are_spelt(store: Store, address: str) -> None:
    for number in range(12):
        ask(store, address.format(number, number), network=f"198.51.{number}.1")

    assert answer(store, Mailbag(), per_domain=5) == 5


def test_the_setting_says_how_many_messages_a_domain_gets(tmp_path: Path, sqlite_url: str) -> None:
    with place(tmp_path, sqlite_url, {"mail.domain_hourly_limit": 2}) as here:
        for number in range(4):
            here.client.post(
                "/subscribe", data={"address": f"v{number}@example.org", "zone": "UTC"}
            )

        first = tick(here.program.tick_context, now=here.clock.now)
        half_an_hour_later = tick(here.program.tick_context, now=here.clock.now + HOUR / 2 + MINUTE)

    assert (first.ledger.confirmations, half_an_hour_later.ledger.confirmations) == (2, 1)


def test_a_large_provider_may_get_ten_times_as_many(store: Store) -> None:
    for number in range(25):
        ask(store, f"victim{number}@gmail.com", network=f"198.51.{number}.1")

    assert answer(store, Mailbag(), per_domain=2) == 20


def test_one_crowded_domain_keeps_no_other_waiting(store: Store) -> None:
    bag = Mailbag()
    for number in range(20):
        ask(store, f"victim{number}@example.org", network=f"198.51.{number}.1")
    ask(store, "ada@example.net")

    answer(store, bag, per_domain=5)

    assert "ada@example.net" in bag.tries


def test_who_asks_once_goes_before_all_but_the_first_of_a_network_that_asks_often(
    store: Store,
) -> None:
    bag = Mailbag()
    for number in range(20):
        ask(store, f"flood{number}@example.org", network=f"198.51.100.{number}")
    ask(store, "honest@example.org", network="203.0.113.9", now=NOW + MINUTE)

    answer(store, bag, NOW + MINUTE, per_domain=2)

    assert bag.recipients() == ["flood0", "honest"]


def test_networks_of_one_customer_count_as_one_in_the_queue(store: Store) -> None:
    bag = Mailbag()
    for number in range(20):
        ask(store, f"flood{number}@example.org", network=f"2001:db8:1:{number:x}00::/56")
    ask(store, "honest@example.org", network="2001:db8:2::/56", now=NOW + MINUTE)

    answer(store, bag, NOW + MINUTE, per_domain=2)

    assert bag.recipients() == ["flood0", "honest"]


def test_a_class_that_joins_from_one_network_waits_for_nobody(store: Store) -> None:
    for number in range(20):
        ask(store, f"pupil{number}@school.example", network="192.0.2.7")

    assert answer(store, Mailbag()) == 20


def test_what_waits_for_a_domain_is_bounded_and_who_asks_once_still_gets_in(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirmation_limits, "MOST_HOURS_WAITING", 1)
    for number in range(5):
        confirmations.ask(
            store, confirmations.check_request(f"flood{number}@example.org", WISHES),
            now=NOW, network="198.51.100.1", per_domain=5,
        )  # fmt: skip
    with pytest.raises(Crowded, match="are waiting already"):
        confirmations.ask(
            store, confirmations.check_request("flood5@example.org", WISHES),
            now=NOW, network="198.51.100.1", per_domain=5,
        )  # fmt: skip
    confirmations.ask(
        store, confirmations.check_request("honest@example.org", WISHES),
        now=NOW, network="203.0.113.9", per_domain=5,
    )  # fmt: skip
    bag = Mailbag()
    answer(store, bag)

    assert waiting(store) == 0
    assert bag.recipients() == ["flood0", "honest", "flood1", "flood2", "flood3"]


def test_a_crowded_domain_is_told_alike_to_readers_and_others(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirmation_limits, "MOST_HOURS_WAITING", 0)
    subscriptions.add(here.program.store, "known@example.org", now=NOW)
    pages = []
    for name in ("known", "nobody"):
        form = {"address": f"{name}@example.org", "zone": "UTC"}
        page = here.client.post("/subscribe", data=form)
        assert "try again in an hour" in page.text
        pages.append((page.status_code, page.headers["retry-after"], page.text.replace(name, "")))

    assert pages[0] == pages[1]
    assert pages[0][:2] == (429, "3600")


def test_askings_for_known_and_unknown_addresses_are_written_with_the_same_statements(
    store: Store,
) -> None:
    subscriptions.add(store, "known@example.org", now=NOW)
    statements: list[str] = []

    def note(*execution: Any) -> None:
        statements.append(execution[2])

    def work(address: str) -> list[str]:
        statements.clear()
        ask(store, address)
        return list(statements)

    event.listen(store.engine, "before_cursor_execute", note)
    known = [work("known@example.org") for _ in range(2)]
    unknown = [work(f"nobody{number}@example.org") for number in range(2)]

    assert len(known[0]) > 1
    assert known == unknown


def test_a_message_that_was_greylisted_takes_no_second_turn(store: Store) -> None:
    ask(store, "grace@example.org")
    answer(store, Mailbag(grace=Deferred("451 4.7.1 greylisted")), per_domain=1)

    assert answer(store, Mailbag(), NOW + 10 * MINUTE, per_domain=1) == 1


def test_neighbours_of_a_network_ask_together_four_times_as_often_as_one(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribe, "A_NETWORK", 1)
    hosts = [f"2001:db8:1:{number}00::1" for number in range(5)] + ["2001:db8:2::1"]
    monkeypatch.setattr(client_ip, "network", lambda *_: f"{hosts[0][:-1]}/56")

    answers = []
    while hosts:
        address = f"a{len(hosts)}@example.org"
        answers.append(here.client.post("/subscribe", data={"address": address, "zone": "UTC"}))
        hosts.pop(0)

    assert [one.status_code for one in answers] == [200, 200, 200, 200, 429, 200]


@pytest.mark.parametrize("local", ["\u017fusan", "\ufb01nn", "stra\u00dfe"])
def test_nobody_keeps_an_address_from_subscribing_by_one_with_the_same_key(local: str) -> None:
    with pytest.raises(UsageError, match="characters before the @ that are read as others"):
        confirmations.check_request(f"{local}@example.org", WISHES)

    for other in ("\u00fcbung@example.org", "\u00dcBUNG@example.org", "Susan@example.org"):
        assert confirmations.check_request(other, WISHES).address == other


def test_a_network_asks_a_limited_number_of_times_a_day(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request may be stored for a month, with 20 kB of words."""
    monkeypatch.setattr(subscribe, "A_DAY", 2)

    def answer_at(hours: int) -> int:
        here.clock.now = NOW + timedelta(hours=hours)
        form = {"address": f"a{hours}@example.org", "zone": "UTC"}
        return here.client.post("/subscribe", data=form).status_code

    assert [answer_at(hours) for hours in (0, 1, 2, 24)] == [200, 200, 429, 200]


def test_a_neighbourhood_is_24_bits_or_48() -> None:
    assert neighbourhood("192.0.2.77/32") == "192.0.2.0/24"
    assert neighbourhood("2001:db8:1:200::/56") == "2001:db8:1::/48"
    assert neighbourhood("testclient") == "testclient"


def test_places_in_a_queue_lie_apart_and_come_nearer_with_time(store: Store) -> None:
    def place_of(key: str, now: datetime) -> datetime:
        with store.begin() as connection:
            return rate_limits.place_in_queue(connection, key, now=now, per=HOUR, most=2)

    assert [place_of("a", NOW) for _ in range(5)] == [NOW + n * HOUR for n in (0, 1, 2, 2, 2)]
    assert place_of("b", NOW) == NOW
    assert place_of("a", NOW + 2 * HOUR) == NOW + 3 * HOUR
    assert place_of("a", NOW + 90 * HOUR) == NOW + 90 * HOUR


def test_a_limit_tells_when_it_has_a_turn_again(store: Store) -> None:
    with store.begin() as connection:
        seen = []
        for _ in range(3):
            seen.append(rate_limits.free_at(connection, "a", now=NOW, most=2, per=HOUR))
            rate_limits.allow(connection, "a", now=NOW, most=2, per=HOUR)
        before = rate_limits.free_at(connection, "a", now=NOW + 29 * MINUTE, most=2, per=HOUR)
        after = rate_limits.free_at(connection, "a", now=NOW + 30 * MINUTE, most=2, per=HOUR)

    assert seen == [None, None, NOW + HOUR / 2]
    assert (before, after) == (NOW + HOUR / 2, None)
