"""The relay against mail servers, well behaved and not."""

from __future__ import annotations

import email
import re
import ssl
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from pydantic import SecretStr
from tests.smtp_server import PASSWORD, Answer, Fault, Script, SmtpServer, always, free_port, when

from larkpost.domain import Letter
from larkpost.errors import Deferred, Refused, Unanswered
from larkpost.settings.model import Smtp
from larkpost.transports.smtp import Relay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiosmtpd.smtp import SMTP, Envelope, Session

CONTENT = (
    b"From: Larkpost <post@example.org>\r\n"
    b"To: ada@example.org\r\n"
    b"Subject: Your paper\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"Date: Fri, 07 Aug 2026 06:00:00 +0000\r\n"
    b"\r\n"
    b".starts with a dot\r\n"
    b".\r\n"
    b"..\r\n"
    b"ends\r\n"
)
ADA = Letter("Larkpost <post@example.org>", "ada@example.org", "<1@example.org>", CONTENT)
BOB = replace(ADA, recipient="bob@example.org", message_id="<2@example.org>")
CY = replace(ADA, recipient="cy@example.org", message_id="<3@example.org>")

SIZES = pytest.mark.parametrize(
    "extensions", [("8BITMIME",), ("PIPELINING", "SIZE 100000000")], ids=["one by one", "pipelined"]
)


def settings(server: SmtpServer, **changes: Any) -> Smtp:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "timeout": 5.0,
    }
    return Smtp(**{**values, **changes})


def no_road(smtp: Smtp, context: ssl.SSLContext | None = None) -> Deferred:
    """Send a letter over a road that must be closed; gives the reason."""
    with Relay(smtp, context=context) as relay, pytest.raises(Deferred) as deferral:
        relay.send(ADA)
    assert deferral.value.whole_road
    return deferral.value


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """What a machine that trusts the authority of the tests verifies with."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def served_by(
    authority: trustme.CA, name: str = "localhost", *, until: datetime | None = None
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    since = until - timedelta(days=9) if until else None
    authority.issue_cert(name, not_before=since, not_after=until).configure_cert(context)
    return context


def secured(security: str, context: ssl.SSLContext) -> SmtpServer:
    """Make a server with TLS from the start, or one that offers STARTTLS."""
    if security == "tls":
        return SmtpServer(tls=context)
    return SmtpServer(starttls=context)


class Keeper:
    """An aiosmtpd handler that keeps what it is given."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name for it
        self.envelopes.append(envelope)
        return "250 kept"


@pytest.fixture
def keeper() -> Iterator[tuple[Keeper, int]]:
    """Run a real aiosmtpd server; gives what it keeps, and its port."""
    handler = Keeper()
    port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


def test_aiosmtpd_receives_the_bytes_of_the_letter(keeper: tuple[Keeper, int]) -> None:
    handler, port = keeper

    with Relay(Smtp(host="127.0.0.1", port=port, security="none")) as relay:
        relay.send(ADA)
        relay.send(BOB)

    assert [envelope.content for envelope in handler.envelopes] == [CONTENT, CONTENT]
    assert [envelope.rcpt_tos for envelope in handler.envelopes] == [
        ["ada@example.org"],
        ["bob@example.org"],
    ]
    received = handler.envelopes[0].content
    assert isinstance(received, bytes)
    assert email.message_from_bytes(received, policy=policy.default).defects == []


def test_nothing_is_said_to_the_server_when_there_is_no_letter() -> None:
    with SmtpServer() as server:
        with Relay(settings(server)):
            pass

        assert server.connections == 0


@SIZES
def test_many_letters_go_over_one_connection(extensions: tuple[str, ...]) -> None:
    with SmtpServer(extensions=extensions) as server:
        with Relay(settings(server)) as relay:
            for letter in (ADA, BOB, CY):
                relay.send(letter)

        assert [arrived.recipient for arrived in server.taken] == [
            "ada@example.org",
            "bob@example.org",
            "cy@example.org",
        ]
        assert {arrived.content for arrived in server.taken} == {CONTENT}
        assert server.connections == 1
        assert server.verbs()[-1] == "QUIT"


def test_a_new_connection_is_made_when_one_has_carried_its_fill() -> None:
    with SmtpServer() as server:
        with Relay(settings(server).model_copy(update={"per_connection": 2})) as relay:
            for letter in (ADA, BOB, CY):
                relay.send(letter)

        assert len(server.taken) == 3
        assert server.connections == 2


def test_letters_keep_their_distance_where_the_relay_limits_the_rate() -> None:
    started = time.monotonic()
    with (
        SmtpServer() as server,
        Relay(settings(server).model_copy(update={"per_second": 10.0})) as relay,
    ):
        for letter in (ADA, BOB, CY):
            relay.send(letter)

    assert time.monotonic() - started >= 0.2


@SIZES
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
def test_later_for_one_letter_leaves_the_others_alone(
    verb: str, extensions: tuple[str, ...]
) -> None:
    with SmtpServer({verb: ["450 4.2.0 greylisted"]}, extensions=extensions) as server:
        with Relay(settings(server)) as relay:
            with pytest.raises(Deferred, match=r"450 4\.2\.0 greylisted") as deferral:
                relay.send(ADA)
            relay.send(BOB)

        assert not deferral.value.whole_road
        assert [arrived.recipient for arrived in server.taken] == ["bob@example.org"]


@SIZES
@pytest.mark.parametrize(("verb", "nobody"), [("RCPT", True), ("DATA", False), ("DOT", False)])
def test_never_for_one_letter_leaves_the_others_alone(
    verb: str, nobody: bool, extensions: tuple[str, ...]
) -> None:
    with SmtpServer({verb: ["550 5.1.1 no such user"]}, extensions=extensions) as server:
        with Relay(settings(server)) as relay:
            with pytest.raises(Refused, match=r"550 5\.1\.1 no such user") as refusal:
                relay.send(ADA)
            relay.send(BOB)

        assert refusal.value.nobody is nobody
        assert [arrived.recipient for arrived in server.taken] == ["bob@example.org"]


@SIZES
def test_a_sender_that_is_not_allowed_concerns_every_letter(extensions: tuple[str, ...]) -> None:
    script = {"MAIL": always("550 5.7.1 not your address")}
    with SmtpServer(script, extensions=extensions) as server, Relay(settings(server)) as relay:
        with pytest.raises(Deferred, match=r"not your address at MAIL FROM") as deferral:
            relay.send(ADA)

        assert deferral.value.whole_road
        assert "mail.sender" in deferral.value.hint


def test_a_server_that_waits_for_a_letter_without_recipient_gets_none() -> None:
    """RFC 2920, 3.1: DATA may be accepted although the pipelined RCPT was not."""
    script = {"RCPT": when("ada@", "550 5.1.1 no")}
    with SmtpServer(script, extensions=("PIPELINING",), lenient=True) as server:
        with Relay(settings(server)) as relay:
            with pytest.raises(Refused):
                relay.send(ADA)
            relay.send(BOB)

        assert [arrived.recipient for arrived in server.arrived] == ["bob@example.org"]


@SIZES
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "BODY"])
def test_a_connection_cut_before_the_dot_means_not_sent(
    verb: str, extensions: tuple[str, ...]
) -> None:
    large = replace(ADA, content=CONTENT + b"x" * 70 + b"\r\n" * 10_000_000)
    with SmtpServer({verb: [Fault.CUT]}, extensions=extensions) as server:
        with Relay(settings(server)) as relay:
            with pytest.raises(Deferred) as deferral:
                relay.send(large)
            relay.send(BOB)

        assert deferral.value.cut
        assert not deferral.value.whole_road
        assert [arrived.recipient for arrived in server.arrived] == ["bob@example.org"]


@pytest.mark.parametrize("fault", [Fault.CUT, b"25", b"250", b"rubbish\r\n"])
def test_a_connection_cut_after_the_dot_leaves_the_outcome_open(fault: Answer) -> None:
    script: Script = {"DOT": [fault], "QUIT": [Fault.CUT]}
    with SmtpServer(script) as server, ExitStack() as stack:
        relay = stack.enter_context(Relay(settings(server, timeout=0.1)))
        with pytest.raises(Unanswered, match="had the whole letter and gave no answer"):
            relay.send(ADA)
        relay.send(BOB)

        assert [arrived.recipient for arrived in server.arrived] == [
            "ada@example.org",
            "bob@example.org",
        ]


@SIZES
@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
def test_a_server_that_is_tired_after_three_letters_is_called_again(
    verb: str, extensions: tuple[str, ...]
) -> None:
    script = {verb: [None, None, None, "421 4.7.0 enough for one connection"]}
    with SmtpServer(script, extensions=extensions) as server:
        with Relay(settings(server)) as relay:
            for _ in range(5):
                relay.send(ADA)

        assert len(server.taken) == 5
        assert server.connections == 2


def test_a_connection_that_died_while_idle_is_made_again() -> None:
    with SmtpServer({"MAIL": [None, Fault.CUT]}) as server:
        with Relay(settings(server)) as relay:
            relay.send(ADA)
            relay.send(BOB)

        assert len(server.taken) == 2


def test_421_at_every_letter_is_not_knocked_at_for_ever() -> None:
    with SmtpServer({"MAIL": always("421 4.3.2 closing")}) as server:
        with Relay(settings(server)) as relay, pytest.raises(Deferred, match="421") as deferral:
            relay.send(ADA)

        assert deferral.value.cut
        assert server.connections == 1


def test_421_after_the_dot_means_not_taken() -> None:
    with SmtpServer({"DOT": ["421 4.3.2 closing"]}) as server:
        with Relay(settings(server)) as relay:
            with pytest.raises(Deferred, match="421"):
                relay.send(ADA)
            relay.send(BOB)

        assert [arrived.recipient for arrived in server.taken] == ["bob@example.org"]


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.TRICKLE], ids=["hang", "trickle"])
@pytest.mark.parametrize(
    "verb", ["BANNER", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "DOT"]
)
def test_a_server_that_never_finishes_its_answer_is_left(verb: str, fault: Fault) -> None:
    started = time.monotonic()
    with SmtpServer({verb: always(fault)}, extensions=("STARTTLS", "AUTH PLAIN")) as server:
        expected = Unanswered if verb == "DOT" else Deferred
        security = "starttls" if verb == "STARTTLS" else "none"
        with (
            Relay(login(server, security=security, timeout=0.2)) as relay,
            pytest.raises(expected, match="did not answer in time"),
        ):
            relay.send(ADA)

    assert time.monotonic() - started < 8  # the dot may take ten times as long, and QUIT is said


def test_a_server_that_refuses_before_the_dot_is_heard() -> None:
    large = replace(ADA, content=CONTENT + b"x\r\n" * 100_000)
    script = {"BODY": [b"552 5.3.4 that is enough\r\n"]}
    with SmtpServer(script, body_limit=250_000) as server, Relay(settings(server)) as relay:
        with pytest.raises(Refused, match=r"552 5\.3\.4 that is enough"):
            relay.send(large)
        relay.send(BOB)

        assert [arrived.recipient for arrived in server.arrived] == ["bob@example.org"]


def test_a_server_that_says_yes_before_the_dot_is_not_believed() -> None:
    """It cannot have the letter: what it said is the answer to something else."""
    large = replace(ADA, content=CONTENT + b"x" * 70 + b"\r\n" * 10_000_000)
    with SmtpServer({"BODY": [b"250 2.0.0 taken\r\n"]}) as server:
        with Relay(settings(server)) as relay:
            with pytest.raises(Deferred, match="too early") as deferral:
                relay.send(large)
            relay.send(BOB)

        assert deferral.value.cut
        assert [arrived.recipient for arrived in server.arrived] == ["bob@example.org"]


def test_the_answer_to_the_whole_letter_may_take_longer_than_any_other() -> None:
    def slow(_recipient: str) -> Answer:
        time.sleep(2.5)
        return None

    with SmtpServer({"DOT": slow}) as server, Relay(settings(server, timeout=1.0)) as relay:
        relay.send(ADA)

        assert len(server.taken) == 1


def test_what_a_refused_letter_left_behind_is_cleared_before_the_next() -> None:
    """RFC 5321, 4.1.4: a second MAIL in one transaction is out of sequence."""
    with SmtpServer({"RCPT": ["550 5.1.1 no"]}) as server:
        with Relay(settings(server)) as relay:
            with pytest.raises(Refused):
                relay.send(ADA)
            for letter in (BOB, CY):
                relay.send(letter)

        first, second, third = ["MAIL", "RCPT"], ["RSET", "MAIL", "RCPT", "DATA"], ["MAIL", "RCPT"]
        assert server.verbs() == ["EHLO", *first, *second, *third, "DATA", "QUIT"]


def test_a_server_that_stops_reading_in_the_middle_is_left() -> None:
    large = replace(ADA, content=CONTENT + b"x\r\n" * 4_000_000)
    with SmtpServer({"BODY": [Fault.HANG]}) as server:
        with Relay(settings(server, timeout=0.3)) as relay, pytest.raises(Deferred) as deferral:
            relay.send(large)

        assert deferral.value.cut
        assert server.arrived == []


def test_who_is_told_to_stop_does_not_wait_for_the_answer() -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    started = time.monotonic()

    with (
        SmtpServer({"EHLO": always(Fault.HANG)}) as server,
        Relay(settings(server, timeout=60), stopped=stop.is_set) as relay,
        pytest.raises(Deferred, match="told to stop"),
    ):
        relay.send(ADA)

    assert time.monotonic() - started < 5


def test_who_is_told_to_stop_hears_whether_the_letter_was_taken() -> None:
    """Else each end of the daemon would put a letter in doubt, which then comes twice."""
    stop = threading.Event()

    def slow(_recipient: str) -> Answer:
        stop.set()
        time.sleep(2)
        return None

    with (
        SmtpServer({"DOT": slow}) as server,
        Relay(settings(server), stopped=stop.is_set) as relay,
    ):
        relay.send(ADA)

        assert len(server.taken) == 1


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.TRICKLE], ids=["hang", "trickle"])
def test_who_is_told_to_stop_does_not_wait_for_ever_for_the_last_answer(fault: Fault) -> None:
    stop = threading.Event()

    def never(_recipient: str) -> Answer:
        stop.set()
        return fault

    with (
        SmtpServer({"DOT": never}) as server,
        Relay(settings(server, timeout=60), stopped=stop.is_set) as relay,
        pytest.raises(Unanswered, match="told to stop"),
    ):
        relay.send(ADA)


@pytest.mark.parametrize(
    ("banner", "words"),
    [
        ("421 4.3.2 too many connections", "421 4.3.2 too many connections at its greeting"),
        ("554 no service here", "554 no service here at its greeting"),
        (b"HTTP/1.1 400 Bad Request\r\n", "which is no SMTP"),
        (b"220-" + b"x" * 10_000, "no end"),
        (b"220-more\r\n" * 1000, "no end"),
        (Fault.CUT, "it hung up"),
    ],
)
def test_a_greeting_that_is_none_stops_the_whole_road(banner: Answer, words: str) -> None:
    with SmtpServer({"BANNER": [banner]}) as server:
        reason = no_road(settings(server))

        assert words in str(reason)
        assert f"127.0.0.1:{server.port}" in str(reason)


def test_a_server_that_is_not_there_stops_the_whole_road() -> None:
    with SmtpServer() as server:
        gone = settings(server)

    reason = no_road(gone)

    assert "refused" in str(reason)
    assert "smtp.port" in reason.hint


def test_a_road_that_was_closed_works_once_it_is_open() -> None:
    with SmtpServer({"BANNER": ["421 4.3.2 full"]}) as server, Relay(settings(server)) as relay:
        with pytest.raises(Deferred):
            relay.send(ADA)
        relay.send(ADA)

        assert len(server.taken) == 1


# TLS: what the settings say, and nothing less.


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_letters_go_encrypted(
    security: str, authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    with secured(security, served_by(authority)) as server:
        smtp = settings(server, host="localhost", security=security)
        with Relay(smtp, context=trusting) as relay:
            relay.send(ADA)
            relay.send(BOB)

        assert [arrived.content for arrived in server.taken] == [CONTENT, CONTENT]


def assert_nothing_leaks(server: SmtpServer) -> None:
    assert server.arrived == []
    assert not {"MAIL", "RCPT", "DATA", "AUTH"} & set(server.verbs())


def login(server: SmtpServer, **changes: Any) -> Smtp:
    values: dict[str, Any] = {
        "host": "localhost",
        "username": "lark",
        "password": SecretStr(PASSWORD),
    }
    return settings(server, **{**values, **changes})


def test_starttls_that_is_not_offered_sends_nothing_in_the_clear() -> None:
    with SmtpServer(extensions=("AUTH PLAIN LOGIN",)) as server:
        reason = no_road(login(server, security="starttls"))

        assert f"localhost:{server.port} does not offer STARTTLS" in str(reason)
        assert_nothing_leaks(server)


@pytest.mark.parametrize("answer", ["454 4.7.0 not now", "501 5.5.4 no", "220 go ahead"])
def test_starttls_that_does_not_work_sends_nothing_in_the_clear(answer: str) -> None:
    script = {"STARTTLS": [answer]}
    with SmtpServer(script, extensions=("STARTTLS", "AUTH PLAIN")) as server:
        reason = no_road(login(server, security="starttls", timeout=0.5))

        assert "at STARTTLS" in str(reason)
        assert_nothing_leaks(server)


def test_words_slipped_in_before_tls_are_not_believed(
    authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    script = {"STARTTLS": [b"220 go ahead\r\n250-AUTH PLAIN\r\n250 fine\r\n"]}
    with SmtpServer(script, starttls=served_by(authority)) as server:
        reason = no_road(login(server, security="starttls"), trusting)

        assert "out of turn" in str(reason)
        assert_nothing_leaks(server)


YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        ("badly named", "not valid for 'localhost'"),
        ("expired", "expired"),
        ("unknown", "issuer|self.signed"),
    ],
)
def test_a_certificate_that_cannot_be_trusted_sends_nothing(
    security: str, flaw: str, words: str, authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    context = {
        "badly named": lambda: served_by(authority, "elsewhere.example"),
        "expired": lambda: served_by(authority, until=YESTERDAY),
        "unknown": lambda: served_by(trustme.CA()),
    }[flaw]()
    with secured(security, context) as server:
        reason = no_road(login(server, security=security), trusting)

        assert re.search(words, str(reason))
        assert f"localhost:{server.port}" in str(reason)
        assert "certificate" in reason.hint
        assert_nothing_leaks(server)


def test_this_machines_own_trust_is_used_by_default(authority: trustme.CA) -> None:
    with SmtpServer(tls=served_by(authority)) as server:
        reason = no_road(login(server, security="tls"))

        assert "certificate cannot be trusted" in str(reason)
        assert_nothing_leaks(server)


def test_a_server_that_speaks_no_tls_gets_nothing() -> None:
    with SmtpServer() as server:
        reason = no_road(login(server, security="tls", timeout=1.0))

        assert "at STARTTLS" in str(reason)
        assert_nothing_leaks(server)


# The login.


@pytest.mark.parametrize("ways", ["AUTH PLAIN LOGIN", "AUTH LOGIN", "AUTH=LOGIN"])
def test_the_login_goes_by_plain_or_login(ways: str) -> None:
    with SmtpServer(extensions=(ways,)) as server, Relay(login(server)) as relay:
        relay.send(ADA)
        relay.send(BOB)

        assert len(server.taken) == 2
        assert server.verbs().count("AUTH") == 1


@pytest.mark.parametrize("ways", ["AUTH PLAIN", "AUTH LOGIN"])
def test_a_refused_login_stops_the_road_and_asks_for_a_long_rest(ways: str) -> None:
    with SmtpServer(extensions=(ways,)) as server:
        reason = no_road(login(server, password=SecretStr("hunter2")))

        assert "535 5.7.8 wrong password" in str(reason)
        assert reason.rest >= 600
        assert "smtp.password" in reason.hint
        assert server.arrived == []


def test_a_login_that_fails_for_now_asks_for_no_long_rest() -> None:
    with SmtpServer({"AUTH": ["454 4.7.0 try later"]}, extensions=("AUTH PLAIN",)) as server:
        reason = no_road(login(server))
        with Relay(login(server)) as relay:
            relay.send(ADA)

        assert "454 4.7.0 try later" in str(reason)
        assert reason.rest == 0
        assert len(server.taken) == 1


def test_a_login_that_is_not_offered_stops_the_road() -> None:
    with SmtpServer(extensions=("AUTH CRAM-MD5",)) as server:
        reason = no_road(login(server))

        assert "offers no login" in str(reason)
        assert server.arrived == []


def test_a_password_that_the_server_echoes_is_in_no_error() -> None:
    def echo(line: str) -> Answer:
        return f"535 5.7.8 did not like {line} with hunter2 in aHVudGVyMg=="

    with SmtpServer({"AUTH": echo}, extensions=("AUTH PLAIN",)) as server:
        reason = no_road(login(server, password=SecretStr("hunter2")))

    told = f"{reason} {reason.hint} {reason.__cause__!r}"
    assert "did not like AUTH PLAIN" in told
    assert "hunter2" not in told
    assert "aHVudGVyMg" not in told
    assert "AGxhcmsAaHVudGVyMg" not in told


def test_what_the_server_says_is_told_on_one_short_line() -> None:
    script = {
        "RCPT": [b"550-5.1.1 no\x1b[31m\r\n550 5.1.1 such \xe2\x80\xae" + b"x" * 900 + b"\r\n"]
    }
    with SmtpServer(script) as server, Relay(settings(server)) as relay:
        with pytest.raises(Refused) as refusal:
            relay.send(ADA)

        assert str(refusal.value).isprintable()
        assert len(str(refusal.value)) < 400


def test_one_recipient_among_many_is_refused_alone() -> None:
    with SmtpServer({"RCPT": when("bob@", "550 5.1.1 gone")}) as server:
        with Relay(settings(server)) as relay:
            relay.send(ADA)
            with pytest.raises(Refused):
                relay.send(BOB)
            relay.send(CY)

        assert [arrived.recipient for arrived in server.taken] == [
            "ada@example.org",
            "cy@example.org",
        ]
