"""The relay with working mail servers: each message, and the replies."""

from __future__ import annotations

import email
import time
from email import policy
from typing import TYPE_CHECKING

import pytest
from aiosmtpd.controller import Controller
from tests.helpers.mail.smtp_helpers import ADA, BOB, CONTENT, CY, SIZES, settings
from tests.helpers.mail.smtp_server import SmtpServer, always, free_port, when

from larkpost.errors import Deferred, Refused
from larkpost.settings.model import SmtpSettings
from larkpost.transports.smtp import Relay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiosmtpd.smtp import SMTP, Envelope, Session


class Keeper:
    """An aiosmtpd handler that keeps what it is given."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name for it
        self.envelopes.append(envelope)
        return "250 kept"


@pytest.fixture
def keeper() -> Iterator[tuple[Keeper, int]]:
    """Run a real aiosmtpd server; returns what it keeps, and its port."""
    handler = Keeper()
    port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


def test_aiosmtpd_receives_the_bytes_of_the_message(keeper: tuple[Keeper, int]) -> None:
    handler, port = keeper

    with Relay(SmtpSettings(host="127.0.0.1", port=port, security="none")) as relay:
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


def test_nothing_is_said_to_the_server_when_there_is_no_message() -> None:
    with SmtpServer() as server:
        with Relay(settings(server)):
            pass

        assert server.connections == 0


@SIZES
def test_many_messages_go_over_one_connection(extensions: tuple[str, ...]) -> None:
    with SmtpServer(extensions=extensions) as server:
        with Relay(settings(server)) as relay:
            for message in (ADA, BOB, CY):
                relay.send(message)

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
            for message in (ADA, BOB, CY):
                relay.send(message)

        assert len(server.taken) == 3
        assert server.connections == 2


def test_messages_keep_their_distance_where_the_relay_limits_the_rate() -> None:
    started = time.monotonic()
    with (
        SmtpServer() as server,
        Relay(settings(server).model_copy(update={"per_second": 10.0})) as relay,
    ):
        for message in (ADA, BOB, CY):
            relay.send(message)

    assert time.monotonic() - started >= 0.2


@SIZES
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
def test_later_for_one_message_leaves_the_others_alone(
    verb: str, extensions: tuple[str, ...]
) -> None:
    with SmtpServer({verb: ["450 4.2.0 greylisted"]}, extensions=extensions) as server:
        with Relay(settings(server)) as relay:
            with pytest.raises(Deferred, match=r"450 4\.2\.0 greylisted") as deferral:
                relay.send(ADA)
            relay.send(BOB)

        assert not deferral.value.server_fault
        assert [arrived.recipient for arrived in server.taken] == ["bob@example.org"]


@SIZES
@pytest.mark.parametrize(("verb", "nobody"), [("RCPT", True), ("DATA", False), ("DOT", False)])
def test_never_for_one_message_leaves_the_others_alone(
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
def test_a_sender_that_is_not_allowed_concerns_every_message(extensions: tuple[str, ...]) -> None:
    script = {"MAIL": always("550 5.7.1 not your address")}
    with SmtpServer(script, extensions=extensions) as server, Relay(settings(server)) as relay:
        with pytest.raises(Deferred, match=r"not your address at MAIL FROM") as deferral:
            relay.send(ADA)

        assert deferral.value.server_fault
        assert "mail.sender" in deferral.value.hint


def test_a_server_that_waits_for_a_message_without_recipient_gets_none() -> None:
    """RFC 2920, 3.1: DATA may be accepted although the pipelined RCPT was not."""
    script = {"RCPT": when("ada@", "550 5.1.1 no")}
    with SmtpServer(script, extensions=("PIPELINING",), lenient=True) as server:
        with Relay(settings(server)) as relay:
            with pytest.raises(Refused):
                relay.send(ADA)
            relay.send(BOB)

        assert [arrived.recipient for arrived in server.arrived] == ["bob@example.org"]


def test_what_a_refused_message_left_behind_is_cleared_before_the_next() -> None:
    """RFC 5321, 4.1.4: a second MAIL in one transaction is out of sequence."""
    with SmtpServer({"RCPT": ["550 5.1.1 no"]}) as server:
        with Relay(settings(server)) as relay:
            with pytest.raises(Refused):
                relay.send(ADA)
            for message in (BOB, CY):
                relay.send(message)

        first, second, third = ["MAIL", "RCPT"], ["RSET", "MAIL", "RCPT", "DATA"], ["MAIL", "RCPT"]
        assert server.verbs() == ["EHLO", *first, *second, *third, "DATA", "QUIT"]


def test_what_the_server_says_is_reported_on_one_short_line() -> None:
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
