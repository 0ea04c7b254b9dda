"""Letters from the outbox to a mail server, through every fault of FAULTS on the way."""

from __future__ import annotations

import email
import threading
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from email import policy
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from tests.making import NOW, TODAY, add_papers, add_readers, picks_of
from tests.smtp_server import Answer, Fault, SmtpServer, always, when

from larkpost.domain import DeliveryState, Letter, Status
from larkpost.errors import Deferred, Refused, Unanswered
from larkpost.flows import membership
from larkpost.flows.deliver import Ledger, deliver, would_go
from larkpost.links import Links
from larkpost.render import Press
from larkpost.settings.model import Smtp
from larkpost.store import bounces, deliveries, editions, events, readers
from larkpost.tokens import Tokens
from larkpost.transports.smtp import Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import date, datetime

    from larkpost.domain import Delivery, Edition, Reader
    from larkpost.seams import FeedFormat, Transport
    from larkpost.store.engine import Store

    Road = Callable[[], AbstractContextManager[Transport]]

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


class PlainPress:
    """Sets every edition in a few plain lines; refuses the titles it is told to refuse."""

    def __init__(self, *, hates: str = "", whole_batches: bool = True) -> None:
        self._hates = hates
        self._whole_batches = whole_batches

    def newsletter(self, editions: Sequence[Edition]) -> Iterator[Letter]:
        if not self._whole_batches and len(editions) > 1:
            raise RuntimeError("one hostile edition spoils them all")
        return map(self._letter, editions)

    def _letter(self, edition: Edition) -> Letter:
        address = str(edition.reader.address)
        if self._hates and self._hates in address:
            raise ValueError(f"cannot set the paper of {address}")
        name = name_of(edition.reader, edition.date)
        head = f"From: post@example.org\r\nTo: {address}\r\nMessage-ID: {name}\r\n\r\n"
        titles = "".join(f"{pick.paper.title}\r\n" for pick in edition.picks)
        return Letter("post@example.org", address, name, (head + titles).encode())

    def feed(
        self,
        editions: Sequence[Edition],
        format: FeedFormat,  # noqa: A002 - the seam's name for it
        *,
        reader: Reader | None = None,
    ) -> bytes:
        raise NotImplementedError


class Mailbag:
    """A road that keeps letters, or raises what it is told to for an address."""

    def __init__(self, **troubles: Exception) -> None:
        self._troubles = troubles
        self.letters: list[Letter] = []
        self.tries: list[str] = []
        self.before_each: Callable[[Letter], None] = lambda _letter: None
        self.when_ready: Callable[[], None] = lambda: None
        self.opened = 0

    @contextmanager
    def road(self) -> Iterator[Transport]:
        self.opened += 1
        yield self

    def ready(self) -> None:
        self.when_ready()

    def send(self, letter: Letter) -> None:
        self.before_each(letter)
        self.tries.append(letter.recipient)
        if trouble := self._troubles.get(letter.recipient.partition("@")[0]):
            raise trouble
        self.letters.append(letter)

    def recipients(self) -> list[str]:
        return [letter.recipient.partition("@")[0] for letter in self.letters]


def name_of(reader: Reader, day: date) -> str:
    return f"<{reader.uid}.{day}@example.org>"


def publish(store: Store, count: int, day: date = TODAY, now: datetime = NOW) -> list[Reader]:
    """Publish an edition to each of so many readers; makes the readers where there are none."""
    with store.begin() as connection:
        found = readers.all(connection) or add_readers(connection, count)
        picks = picks_of(add_papers(connection, 2))
        for reader in found:
            assert editions.publish(
                connection,
                reader=reader,
                date=day,
                picks=picks,
                now=now,
                next_slot=now + DAY,
                message_id=name_of(reader, day),
            )
        return [readers.get(connection, reader.id) for reader in found]


def smtp(server: SmtpServer, timeout: float = 5.0) -> Callable[[], Relay]:
    settings = Smtp(host="127.0.0.1", port=server.port, security="none", timeout=timeout)
    return lambda: Relay(settings)


def run(store: Store, road: Road, now: datetime = NOW, **options: Any) -> Ledger:
    return deliver(store, PlainPress(), road, now=now, holder="test", **options)


def outbox(store: Store) -> list[Delivery]:
    with store.read() as connection:
        return sorted(deliveries.by_state(connection, list(DeliveryState)), key=lambda d: d.id)


def states(store: Store) -> list[str]:
    return [delivery.state.value for delivery in outbox(store)]


# The ordinary morning.


def test_each_reader_gets_one_letter_with_the_bytes_of_the_press(store: Store) -> None:
    who = publish(store, 3)

    with SmtpServer() as server:
        ledger = run(store, smtp(server))
        again = run(store, smtp(server), NOW + DAY)

        assert ledger == Ledger(sent=3)
        assert again == Ledger()
        assert [arrived.recipient for arrived in server.taken] == [r.address for r in who]
        with store.read() as connection:
            pages = [editions.on(connection, reader.id, TODAY) for reader in who]
        letters = PlainPress().newsletter([page for page in pages if page])
        assert [arrived.content for arrived in server.taken] == [x.content for x in letters]
        assert server.connections == 1
    assert states(store) == ["sent"] * 3


def test_the_newsletter_of_the_press_arrives_whole_and_without_a_defect(store: Store) -> None:
    who = publish(store, 2)
    press = Press(
        Links("https://paper.example", Tokens([b"k" * 32])),
        sender="Larkpost <post@example.org>",
        title="Larkpost",
    )

    with SmtpServer(extensions=("SIZE 200000", "PIPELINING")) as server:
        ledger = deliver(store, press, smtp(server), now=NOW, holder="test")

        assert ledger == Ledger(sent=2)
        with store.read() as connection:
            pages = editions.get_many(connection, [row.edition_id for row in outbox(store)])
        letters = {x.recipient: x.content for x in press.newsletter(list(pages.values()))}
        for arrived, reader in zip(server.taken, who, strict=True):
            message = email.message_from_bytes(arrived.content, policy=policy.default)
            assert message["Message-ID"] == name_of(reader, TODAY)
            assert [part.defects for part in message.walk()] == [[], [], []]
            own = letters[arrived.recipient].splitlines()
            kept = arrived.content.splitlines()
            assert [line for line in kept if not line.startswith(b"Message-ID:")] == [
                line for line in own if not line.startswith(b"Message-ID:")
            ]


def test_the_road_is_not_opened_when_there_is_nothing_to_send(store: Store) -> None:
    bag = Mailbag()

    assert run(store, bag.road) == Ledger()
    assert bag.opened == 0


def test_a_limit_is_the_number_of_letters_of_a_run(store: Store) -> None:
    publish(store, 3)
    bag = Mailbag()

    assert run(store, bag.road, limit=2) == Ledger(sent=2)
    assert states(store) == ["sent", "sent", "planned"]
    assert run(store, bag.road, limit=2) == Ledger(sent=1)


def test_progress_is_told_after_each_letter(store: Store) -> None:
    publish(store, 3)
    told: list[tuple[int, int]] = []

    run(store, Mailbag().road, progress=lambda done, total: told.append((done, total)))

    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_letter_is_settled_before_the_next_one_is_begun(store: Store) -> None:
    publish(store, 3)
    seen: list[list[str]] = []
    bag = Mailbag()
    bag.before_each = lambda _letter: seen.append(states(store))

    run(store, bag.road)

    assert [found.count("sending") for found in seen] == [1, 1, 1]
    assert [found.count("sent") for found in seen] == [0, 1, 2]


def test_todays_letters_go_before_last_weeks_retries(store: Store) -> None:
    publish(store, 2, TODAY - 2 * DAY, NOW - timedelta(hours=23))
    busy = Mailbag(reader1=Deferred("450"), reader2=Deferred("450"))
    run(store, busy.road, NOW - timedelta(hours=23))
    publish(store, 2)
    bag = Mailbag()

    run(store, bag.road)

    assert [letter.message_id.partition("@")[0][-10:] for letter in bag.letters] == [
        "2026-08-07",
        "2026-08-07",
        "2026-08-05",
        "2026-08-05",
    ]


def test_the_message_id_of_the_first_try_is_kept_when_the_senders_domain_has_moved(
    store: Store,
) -> None:
    with store.begin() as connection:
        reader = add_readers(connection, 1)[0]
        editions.publish(
            connection,
            reader=reader,
            date=TODAY,
            picks=picks_of(add_papers(connection, 1)),
            now=NOW,
            next_slot=None,
            message_id="<as.planned@old.example>",
        )
    bag = Mailbag()

    run(store, bag.road)

    assert bag.letters[0].message_id == "<as.planned@old.example>"
    assert b"Message-ID: <as.planned@old.example>\r\n" in bag.letters[0].content
    assert b"@example.org>\r\n" not in bag.letters[0].content


# Later (51).


@pytest.mark.parametrize("verb", ["RCPT", "DATA", "DOT"])
def test_a_greylisted_letter_waits_and_the_others_go(store: Store, verb: str) -> None:
    publish(store, 3)

    with SmtpServer({verb: [None, "450 4.2.0 greylisted"]}) as server:
        assert run(store, smtp(server)) == Ledger(sent=2, deferred=1)
        waiting = outbox(store)[1]
        early = run(store, smtp(server), NOW + 4 * MINUTE)
        late = run(store, smtp(server), NOW + 6 * MINUTE)

        assert waiting.state is DeliveryState.DEFERRED
        assert "450 4.2.0 greylisted" in waiting.reply
        assert NOW + 5 * MINUTE <= waiting.next_try <= NOW + 6 * MINUTE
        assert (early, late) == (Ledger(), Ledger(sent=1))
        assert Counter(arrived.recipient for arrived in server.taken) == {
            "reader1@example.org": 1,
            "reader2@example.org": 1,
            "reader3@example.org": 1,
        }


def test_a_letter_that_is_put_off_for_five_days_is_reported_and_given_up(store: Store) -> None:
    publish(store, 1)
    bag = Mailbag(reader1=Deferred("450 4.2.0 greylisted"))

    tries = 0
    now = NOW
    while outbox(store)[0].state is not DeliveryState.FAILED:
        run(store, bag.road, now)
        tries += 1
        now = outbox(store)[0].next_try

    assert 10 < tries < 30
    assert "given up after 5 days: 450 4.2.0 greylisted" in outbox(store)[0].reply
    assert run(store, bag.road, NOW + 30 * DAY) == Ledger()


def test_a_letter_whose_road_was_closed_for_days_is_not_given_up_at_its_first_try(
    store: Store,
) -> None:
    publish(store, 1)
    shut = Mailbag(reader1=Deferred("closed", whole_road=True))
    for days in range(6):
        run(store, shut.road, NOW + days * DAY)
    busy = Mailbag(reader1=Deferred("450 4.2.0 greylisted"))

    first = run(store, busy.road, NOW + 6 * DAY)
    waiting = outbox(store)[0].next_try
    second = run(store, busy.road, waiting)

    assert (first, second) == (Ledger(deferred=1), Ledger(failed=1))
    assert "given up" in outbox(store)[0].reply


# Never (52).


def test_a_dead_address_suspends_its_reader_and_nobody_else(store: Store) -> None:
    publish(store, 3)

    with SmtpServer({"RCPT": when("reader2@", "550 5.1.1 no such user")}) as server:
        assert run(store, smtp(server)) == Ledger(sent=2, failed=1)
        assert run(store, smtp(server), NOW + DAY) == Ledger()

    with store.read() as connection:
        status = [reader.status for reader in readers.all(connection)]
    assert status == [Status.ACTIVE, Status.SUSPENDED, Status.ACTIVE]
    assert states(store) == ["sent", "failed", "sent"]


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("RCPT", "550 5.1.0 sender rejected"),
        ("RCPT", "550 5.7.1 not today"),
        ("RCPT", "550 no"),
        ("RCPT", "552 5.2.2 mailbox full"),
        ("DATA", "554 5.6.0 no"),
        ("DOT", "554 5.7.1 looks like spam"),
    ],
)
def test_a_refusal_that_is_not_about_the_address_suspends_nobody(
    store: Store, verb: str, answer: str
) -> None:
    publish(store, 2)

    with SmtpServer({verb: [answer]}) as server:
        assert run(store, smtp(server)) == Ledger(sent=1, failed=1)

    with store.read() as connection:
        assert len(readers.all(connection, Status.ACTIVE)) == 2
    assert answer in outbox(store)[0].reply


@pytest.mark.parametrize(
    ("answer", "days"),
    [("552 5.2.2 mailbox full", 5), ("550 no", 5), ("554 5.7.1 relay access denied", None)],
)
def test_an_address_that_refuses_its_letters_day_after_day_suspends_its_reader(
    store: Store, answer: str, days: int | None
) -> None:
    """As it would by the bounces of a server that takes letters first; not so policy towards us."""
    active: list[bool] = []
    with SmtpServer({"RCPT": always(answer)}) as server:
        for ahead in range(8):
            who = publish(store, 1, TODAY + ahead * DAY, NOW + ahead * DAY)
            run(store, smtp(server), NOW + ahead * DAY)
            with store.read() as connection:
                active.append(readers.get(connection, who[0].id).status is Status.ACTIVE)

    with store.read() as connection:
        codes = {bounce.code for bounce in bounces.of(connection, who[0].id)}
    assert active == [days is None or ahead < days - 1 for ahead in range(8)]
    assert codes <= {"5.2.2", ""}


# Cut and hang (53, 54, 55, 56).


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_connection_cut_before_the_letter_costs_one_retry_and_no_copy(
    store: Store, verb: str
) -> None:
    publish(store, 3)

    with SmtpServer({verb: [Fault.CUT]}) as server:
        assert run(store, smtp(server)) == Ledger(sent=2, deferred=1)
        assert run(store, smtp(server), NOW + 6 * MINUTE) == Ledger(sent=1)

        assert len({arrived.recipient for arrived in server.arrived}) == 3
        assert len(server.arrived) == 3


def test_a_connection_cut_in_the_middle_of_a_letter_leaves_one_copy(store: Store) -> None:
    """So short a letter is out before the cut shows: it may count as in doubt, and goes again."""
    publish(store, 2)

    with SmtpServer({"BODY": [Fault.CUT]}, body_limit=10) as server:
        first = run(store, smtp(server))
        second = run(store, smtp(server), NOW + 6 * MINUTE)

        assert first in (Ledger(sent=1, deferred=1), Ledger(sent=1, unknown=1))
        assert second == Ledger(sent=1)
        assert len(server.arrived) == 2


def test_a_connection_cut_after_the_dot_costs_one_copy_under_the_same_name(store: Store) -> None:
    publish(store, 2)

    with SmtpServer({"DOT": [Fault.CUT]}) as server:
        assert run(store, smtp(server)) == Ledger(sent=1, unknown=1)
        assert states(store) == ["unknown", "sent"]
        assert "gave no answer" in outbox(store)[0].reply
        assert run(store, smtp(server), NOW + 6 * MINUTE) == Ledger(sent=1)

        first, _, copy = server.arrived
        assert first.recipient == copy.recipient == "reader1@example.org"
        assert first.content == copy.content
    assert states(store) == ["sent", "sent"]


def test_a_letter_in_doubt_twice_is_left_to_the_operator(store: Store) -> None:
    publish(store, 1)
    bag = Mailbag(reader1=Unanswered("no answer"))

    assert run(store, bag.road) == Ledger(unknown=1)
    assert run(store, bag.road) == Ledger()
    assert run(store, bag.road, NOW + 6 * MINUTE) == Ledger(unknown=1)
    assert run(store, bag.road, NOW + 30 * DAY) == Ledger()
    assert len(bag.tries) == 2
    assert states(store) == ["unknown"]


class Killed(BaseException):
    """Stands for the end of the process: nothing after it runs."""


def test_a_run_killed_again_and_again_leaves_one_letter_in_doubt_each_time(store: Store) -> None:
    publish(store, 12)
    bag = Mailbag()
    now = NOW

    for crash in range(5):

        def strike(letter: Letter, crash: int = crash) -> None:
            if letter.recipient.startswith(f"reader{2 * crash + 2}@"):
                raise Killed

        bag.before_each = strike
        with pytest.raises(Killed):
            run(store, bag.road, now)
        assert states(store).count("sending") == 1
        now += 10 * MINUTE

    bag.before_each = lambda _letter: None
    run(store, bag.road, now)
    assert states(store) == ["sent"] * 12
    assert Counter(bag.recipients()) == {f"reader{n}": 1 for n in range(1, 13)}


def test_a_letter_taken_but_not_recorded_comes_once_more_under_its_name(store: Store) -> None:
    """Killed between the server's 250 and the record of it."""
    publish(store, 3)
    bag = Mailbag()

    class Bag:
        def ready(self) -> None: ...

        def send(self, letter: Letter) -> None:
            bag.send(letter)
            if letter.recipient.startswith("reader2"):
                raise Killed

    @contextmanager
    def road() -> Iterator[Transport]:
        yield Bag()

    with pytest.raises(Killed):
        run(store, road)
    run(store, bag.road, NOW + 10 * MINUTE)

    assert Counter(bag.recipients()) == {"reader1": 1, "reader2": 2, "reader3": 1}
    copies = [letter for letter in bag.letters if letter.recipient.startswith("reader2")]
    assert copies[0] == copies[1]


def test_a_server_tired_after_three_letters_gets_the_rest_over_a_new_connection(
    store: Store,
) -> None:
    publish(store, 5)

    with SmtpServer({"MAIL": [None, None, None, "421 4.7.0 enough"]}) as server:
        assert run(store, smtp(server)) == Ledger(sent=5)
        assert server.connections == 2
        assert [arrived.recipient[:7] for arrived in server.taken] == [
            f"reader{n}" for n in range(1, 6)
        ]


def test_a_rate_limit_puts_off_what_is_over_it(store: Store) -> None:
    publish(store, 5)
    limit = [None, None, *["450 4.7.1 too fast"] * 3]

    with SmtpServer({"RCPT": limit}) as server:
        assert run(store, smtp(server)) == Ledger(sent=2, deferred=3)
        assert run(store, smtp(server), NOW + 6 * MINUTE) == Ledger(sent=3)
        assert len(server.taken) == 5


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("MAIL", "452 4.3.1 insufficient system storage"),
        ("MAIL", "450 try later"),
        ("RCPT", "450 4.7.1 too fast"),
        ("DATA", "451 4.3.0 queue full"),
        ("DOT", "451 4.7.0 too many"),
    ],
)
def test_a_server_that_is_tired_of_us_three_times_in_a_row_is_left_alone(
    store: Store, verb: str, answer: str
) -> None:
    publish(store, 8)

    with SmtpServer({verb: always(answer)}) as server:
        first = run(store, smtp(server), patient=True)
        soon = run(store, smtp(server), NOW + MINUTE / 2, patient=True)

        assert (first, soon) == (Ledger(deferred=3), Ledger())
        assert server.verbs().count("MAIL") == 3
    assert states(store).count("planned") == 5
    assert answer in closed(store).detail["problem"]
    assert "smtp.per_second" in closed(store).detail["hint"]


@pytest.mark.parametrize(
    "answers", [["450 4.2.0 greylisted"], ["450 4.7.1 a", None, "451 4.3.0 b"]]
)
def test_a_server_that_greylists_single_readers_gets_the_other_letters(
    store: Store, answers: list[Answer]
) -> None:
    publish(store, 12)

    with SmtpServer({"RCPT": answers * 12}) as server:
        ledger = run(store, smtp(server))

        assert server.verbs().count("RCPT") == 12
    assert ledger.deferred == sum(answer is not None for answer in (answers * 12)[:12])
    assert closed(store).ok


def test_a_road_that_took_letters_before_it_closed_does_not_rest_longer_and_longer(
    store: Store,
) -> None:
    """A server that takes five letters a minute gets five a minute."""
    publish(store, 20)
    now = NOW
    taken: list[int] = []
    while states(store).count("planned"):
        with SmtpServer({"MAIL": [*[None] * 5, *["451 4.7.1 too fast"] * 99]}) as server:
            run(store, smtp(server), now, patient=True)
            taken.append(len(server.taken))
        now += 2 * MINUTE

    assert taken == [5, 5, 4]  # and three are put off each time


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.CUT])
def test_a_road_that_breaks_three_times_in_a_row_is_left_alone(store: Store, fault: Fault) -> None:
    publish(store, 8)

    with SmtpServer({"MAIL": always(fault)}) as server:
        ledger = run(store, smtp(server, timeout=0.1))

        assert ledger == Ledger(deferred=3)
        assert server.connections == 3
    assert states(store).count("planned") == 5


# The whole road (57, 58, 63).


def closed(store: Store) -> events.Event:
    with store.read() as connection:
        return events.latest(connection)["deliver"]


def test_a_refused_login_is_tried_once_and_told_once(store: Store) -> None:
    publish(store, 5)

    with SmtpServer(extensions=("AUTH PLAIN",)) as server:
        settings = Smtp(
            host="127.0.0.1",
            port=server.port,
            security="none",
            username="lark",
            password=SecretStr("no"),
        )
        first = run(store, lambda: Relay(settings), patient=True)
        for minutes in range(1, 29):
            assert run(store, lambda: Relay(settings), NOW + minutes * MINUTE, patient=True) == (
                Ledger()
            )

        assert first == Ledger(deferred=1)
        assert server.verbs().count("AUTH") == 1
        assert server.arrived == []
    assert "535 5.7.8 wrong password" in closed(store).detail["problem"]
    assert "smtp.password" in closed(store).detail["hint"]


def test_a_closed_road_costs_the_letters_nothing(store: Store) -> None:
    publish(store, 3)

    with SmtpServer({"BANNER": ["421 4.3.2 full"]}) as server:
        assert run(store, smtp(server)) == Ledger(deferred=1)
        assert not closed(store).ok
        assert run(store, smtp(server)) == Ledger(sent=3)
        assert closed(store).ok
        assert len(server.taken) == 3


def test_a_person_need_not_wait_for_the_road_to_have_rested(store: Store) -> None:
    publish(store, 1)
    shut = Mailbag(reader1=Deferred("closed", whole_road=True))
    run(store, shut.road)
    bag = Mailbag()

    assert run(store, bag.road, NOW + MINUTE / 2, patient=True) == Ledger()
    assert run(store, bag.road, NOW + MINUTE / 2) == Ledger(sent=1)


def test_a_road_rests_longer_while_it_stays_closed(store: Store) -> None:
    publish(store, 1)
    shut = Mailbag(reader1=Deferred("closed", whole_road=True))

    for minute in range(60):
        run(store, shut.road, NOW + minute * MINUTE, patient=True)

    assert 5 <= len(shut.tries) <= 7  # at 0, 1, 3, 7, 15, 31 minutes
    assert closed(store).detail["failures"] == len(shut.tries)


def test_a_clock_set_back_does_not_keep_a_road_closed(store: Store) -> None:
    publish(store, 1, now=NOW - 9 * DAY)
    shut = Mailbag(reader1=Deferred("closed", whole_road=True))
    run(store, shut.road, NOW)
    bag = Mailbag()

    assert run(store, bag.road, NOW - 2 * DAY, patient=True) == Ledger(sent=1)


def test_after_three_days_without_a_road_each_reader_gets_todays_letter_only(store: Store) -> None:
    shut = Mailbag(
        reader1=Deferred("closed", whole_road=True), reader2=Deferred("closed", whole_road=True)
    )
    for days in (3, 2, 1, 0):
        publish(store, 2, TODAY - days * DAY, NOW - days * DAY)
        run(store, shut.road, NOW - days * DAY)
    bag = Mailbag()

    ledger = run(store, bag.road, NOW + MINUTE)

    assert ledger == Ledger(sent=2, cancelled=6)
    assert sorted(bag.recipients()) == ["reader1", "reader2"]
    assert all("2026-08-07" in letter.message_id for letter in bag.letters)
    assert Counter(d.reply for d in outbox(store))["gave way to the edition of 2026-08-07"] == 6


def test_what_an_operator_sends_again_gives_way_to_nothing_and_has_its_time_anew(
    store: Store,
) -> None:
    publish(store, 1, TODAY - 6 * DAY, NOW - 6 * DAY)
    run(store, Mailbag(reader1=Refused("554 spam")).road, NOW - 6 * DAY)
    publish(store, 1)
    run(store, Mailbag().road)
    with store.begin() as connection:
        failed = deliveries.by_state(connection, [DeliveryState.FAILED])
        deliveries.reopen(connection, [row.id for row in failed], now=NOW + MINUTE)

    first = run(store, Mailbag(reader1=Deferred("450")).road, NOW + MINUTE)
    waiting = outbox(store)[0].next_try
    second = run(store, Mailbag().road, waiting)

    assert (first, second) == (Ledger(deferred=1), Ledger(sent=1))
    assert NOW + 6 * MINUTE <= waiting <= NOW + 7 * MINUTE
    assert states(store) == ["sent", "sent"]


def test_what_would_go_is_what_goes(store: Store) -> None:
    """Neither what gives way to a newer letter, nor what its reader does not want any more."""
    for days in (3, 2, 0):
        who = publish(store, 6, TODAY - days * DAY, NOW - days * DAY)
    with store.begin() as connection:
        readers.update(connection, who[0].id, paused_until=TODAY + DAY)
        readers.update(connection, who[1].id, paused_until=TODAY)
        readers.update(connection, who[2].id, status=Status.PAUSED)
        readers.update(connection, who[3].id, address=None)
    bag = Mailbag()

    listed = [row.message_id for row in would_go(store, now=NOW)]
    first = [row.message_id for row in would_go(store, now=NOW, limit=2)]
    run(store, bag.road)

    assert listed == [letter.message_id for letter in bag.letters]
    assert len(listed) == 3
    assert first == listed[:2]


def test_an_old_letter_goes_where_there_is_no_newer_one(store: Store) -> None:
    publish(store, 1)
    bag = Mailbag()

    assert run(store, bag.road, NOW + 3 * DAY) == Ledger(sent=1)


def test_a_road_that_cannot_be_opened_leaves_the_outbox_as_it_was(store: Store) -> None:
    publish(store, 2)

    def nowhere() -> AbstractContextManager[Transport]:
        raise Deferred("no road", whole_road=True)

    with pytest.raises(Deferred):
        run(store, nowhere)
    assert states(store) == ["planned", "planned"]


# What cannot be made (59, 61).


@pytest.mark.parametrize("whole_batches", [True, False])
def test_an_edition_that_cannot_be_set_stops_no_other(store: Store, whole_batches: bool) -> None:
    publish(store, 3)
    bag = Mailbag()
    press = PlainPress(hates="reader2@", whole_batches=whole_batches)

    ledger = deliver(store, press, bag.road, now=NOW, holder="test")

    assert ledger == Ledger(sent=2, deferred=1)
    assert bag.recipients() == ["reader1", "reader3"]
    assert "ValueError: cannot set the paper of reader2" in outbox(store)[1].reply


def test_one_hostile_edition_among_a_hundred_costs_no_other_its_letter(store: Store) -> None:
    publish(store, 130)
    bag = Mailbag()
    press = PlainPress(hates="reader77@", whole_batches=False)

    ledger = deliver(store, press, bag.road, now=NOW, holder="test")

    assert ledger == Ledger(sent=129, deferred=1)
    assert len(set(bag.recipients())) == 129
    assert bag.opened == 1


def test_a_paper_that_cannot_be_set_is_left_out_and_the_letter_goes(store: Store) -> None:
    publish(store, 2)
    bag = Mailbag()

    class Picky(PlainPress):
        def _letter(self, edition: Edition) -> Letter:
            if any("Glaciers" in pick.paper.title for pick in edition.picks):
                raise ValueError("no ice today")
            return super()._letter(edition)

    ledger = deliver(store, Picky(), bag.road, now=NOW, holder="test")

    assert ledger == Ledger(sent=2)
    assert all(b"Sparse routing" in letter.content for letter in bag.letters)
    assert not any(b"Glaciers" in letter.content for letter in bag.letters)


def test_an_unforeseen_error_of_the_road_stops_no_other_letter(store: Store) -> None:
    publish(store, 3)
    bag = Mailbag(reader2=ZeroDivisionError("oh"))

    assert run(store, bag.road) == Ledger(sent=2, unknown=1)
    assert "ZeroDivisionError: oh" in outbox(store)[1].reply


def test_a_letter_too_large_for_the_server_fails_alone_and_says_so(store: Store) -> None:
    publish(store, 1)

    with SmtpServer(extensions=("SIZE 10",)) as server:
        assert run(store, smtp(server)) == Ledger(failed=1)
    assert "the mail server takes 10" in outbox(store)[0].reply
    with store.read() as connection:
        assert readers.all(connection, Status.ACTIVE)


def test_an_address_beyond_ascii_fails_alone_where_the_server_cannot_write_it(
    store: Store,
) -> None:
    with store.begin() as connection:
        add_readers(connection, 1)
        readers.add(connection, address="strauß@example.org", now=NOW, next_slot=NOW)
    publish(store, 2)

    with SmtpServer() as server:
        assert run(store, smtp(server)) == Ledger(sent=1, failed=1)
    assert "SMTPUTF8" in outbox(store)[1].reply


# Who is not to be written to (64).


@pytest.mark.parametrize("status", [Status.LEFT, Status.PAUSED, Status.SUSPENDED, Status.PENDING])
def test_who_is_not_active_any_more_gets_nothing(store: Store, status: Status) -> None:
    who = publish(store, 2)
    with store.begin() as connection:
        readers.update(connection, who[0].id, status=status)
    bag = Mailbag()

    run(store, bag.road)

    assert bag.recipients() == ["reader2"]
    assert states(store) == ["cancelled", "sent"]


def test_who_leaves_while_the_letter_is_being_set_gets_nothing(store: Store) -> None:
    """After the claim, before the sending."""
    who = publish(store, 2)

    class SlowPress(PlainPress):
        def _letter(self, edition: Edition) -> Letter:
            if edition.reader.id == who[0].id:
                with store.begin() as connection:
                    readers.update(connection, who[0].id, status=Status.LEFT)
            return super()._letter(edition)

    bag = Mailbag()
    ledger = deliver(store, SlowPress(), bag.road, now=NOW, holder="test")

    assert ledger == Ledger(sent=1, cancelled=1)
    assert bag.recipients() == ["reader2"]


def test_who_leaves_while_the_road_is_made_ready_gets_nothing(store: Store) -> None:
    """Connecting, or keeping the distance to the letter before, may take minutes."""
    who = publish(store, 2)
    bag = Mailbag()

    def leave() -> None:
        membership.leave(store, who[1].id, now=NOW)

    bag.when_ready = leave
    assert run(store, bag.road) == Ledger(sent=1)
    assert bag.recipients() == ["reader1"]
    assert states(store) == ["sent", "cancelled"]


def test_who_leaves_while_a_letter_waits_for_its_turn_gets_nothing(store: Store) -> None:
    who = publish(store, 2)

    def leave(_recipient: str) -> None:
        timer = threading.Timer(0.3, membership.leave, (store, who[1].id), {"now": NOW})
        timer.start()

    with SmtpServer({"DOT": leave}) as server:
        settings = Smtp(host="127.0.0.1", port=server.port, security="none", per_second=0.5)
        assert run(store, lambda: Relay(settings)) == Ledger(sent=1)
        assert [arrived.recipient for arrived in server.arrived] == ["reader1@example.org"]


def test_who_goes_on_holiday_while_a_letter_waits_gets_it_no_more(store: Store) -> None:
    """By their own calendar: in Auckland it is the eighth already."""
    who = publish(store, 3)
    run(store, Mailbag(**dict.fromkeys(("reader1", "reader2", "reader3"), Deferred("450"))).road)
    membership.change(store, who[1].id, now=NOW, zone="Pacific/Auckland")
    evening = NOW + timedelta(hours=10)
    with store.begin() as connection:
        for reader, until in zip(who, (TODAY + DAY, TODAY + DAY, TODAY), strict=True):
            readers.update(connection, reader.id, paused_until=until)
    bag = Mailbag()

    assert run(store, bag.road, evening) == Ledger(sent=2, cancelled=1)
    assert bag.recipients() == ["reader2", "reader3"]


def test_who_has_no_address_any_more_gets_nothing(store: Store) -> None:
    who = publish(store, 1)
    with store.begin() as connection:
        readers.update(connection, who[0].id, address=None)
    bag = Mailbag()

    assert run(store, bag.road) == Ledger(cancelled=1)
    assert bag.tries == []


# Two at once, and being told to stop (37, 55, 62, 87).


def test_two_runs_at_once_send_each_letter_once(store: Store) -> None:
    publish(store, 12)
    bags = [Mailbag(), Mailbag()]

    def one(number: int) -> None:
        deliver(store, PlainPress(), bags[number].road, now=NOW, holder=f"run {number}")

    threads = [threading.Thread(target=one, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    everything = bags[0].recipients() + bags[1].recipients()
    assert Counter(everything) == {f"reader{n}": 1 for n in range(1, 13)}


def test_a_run_told_to_stop_finishes_its_letter_and_leaves_the_rest(store: Store) -> None:
    publish(store, 5)
    bag = Mailbag()

    ledger = run(store, bag.road, stopped=lambda: len(bag.letters) == 2)

    assert ledger == Ledger(sent=2)
    assert states(store) == ["sent", "sent", "planned", "planned", "planned"]
