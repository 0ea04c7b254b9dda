"""Tests SMTP when a connection is cut, a server hangs, or the process is to stop."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest
from tests.helpers.mail.smtp_helpers import ADA, BOB, CONTENT, SIZES, login, settings
from tests.helpers.mail.smtp_server import Answer, Fault, Script, SmtpServer, always
from tests.helpers.polling import PATIENCE

from larkpost.errors import Deferred, Refused, Unanswered
from larkpost.transports.smtp import Relay


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
        assert not deferral.value.server_fault
        assert [arrived.recipient for arrived in server.arrived] == ["bob@example.org"]


@pytest.mark.parametrize("fault", [Fault.CUT, b"25", b"250", b"rubbish\r\n"])
def test_a_connection_cut_after_the_dot_leaves_the_outcome_open(fault: Answer) -> None:
    script: Script = {"DOT": [fault], "QUIT": [Fault.CUT]}
    with SmtpServer(script) as server, ExitStack() as stack:
        relay = stack.enter_context(Relay(settings(server, timeout=0.5)))
        with pytest.raises(Unanswered, match="got the message, but did not answer"):
            relay.send(ADA)
        relay.send(BOB)

        assert [arrived.recipient for arrived in server.arrived] == [
            "ada@example.org",
            "bob@example.org",
        ]


@SIZES
@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
def test_a_server_that_is_tired_after_three_messages_is_called_again(
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


def test_421_at_every_message_is_not_knocked_at_for_ever() -> None:
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

    assert time.monotonic() - started < PATIENCE


def test_a_server_that_refuses_before_the_dot_is_heard() -> None:
    large = replace(ADA, content=CONTENT + b"x\r\n" * 100_000)
    script = {"BODY": [b"552 5.3.4 that is enough\r\n"]}
    with SmtpServer(script, body_limit=250_000) as server, Relay(settings(server)) as relay:
        with pytest.raises(Refused, match=r"552 5\.3\.4 that is enough"):
            relay.send(large)
        relay.send(BOB)

        assert [arrived.recipient for arrived in server.arrived] == ["bob@example.org"]


def test_a_server_that_says_yes_before_the_dot_is_not_believed() -> None:
    """The server cannot have the message: its reply is to another command."""
    large = replace(ADA, content=CONTENT + b"x" * 70 + b"\r\n" * 10_000_000)
    with SmtpServer({"BODY": [b"250 2.0.0 taken\r\n"]}) as server:
        with Relay(settings(server)) as relay:
            with pytest.raises(Deferred, match="too early") as deferral:
                relay.send(large)
            relay.send(BOB)

        assert deferral.value.cut
        assert [arrived.recipient for arrived in server.arrived] == ["bob@example.org"]


def test_the_answer_to_the_whole_message_may_take_longer_than_any_other() -> None:
    def slow(_recipient: str) -> Answer:
        time.sleep(3)
        return None

    with SmtpServer({"DOT": slow}) as server, Relay(settings(server, timeout=2.0)) as relay:
        relay.send(ADA)

        assert len(server.taken) == 1


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
        Relay(settings(server, timeout=600), stopped=stop.is_set) as relay,
        pytest.raises(Deferred, match="was stopped"),
    ):
        relay.send(ADA)

    assert time.monotonic() - started < PATIENCE


def test_who_is_told_to_stop_hears_whether_the_message_was_taken() -> None:
    """Otherwise each end of the daemon would put a message in doubt, and it would be sent twice."""
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
        pytest.raises(Unanswered, match="was stopped"),
    ):
        relay.send(ADA)
