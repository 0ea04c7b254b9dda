"""The relay before its first message: greetings, refused connections, and the login."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from tests.helpers.mail.smtp_helpers import ADA, BOB, login, server_fault, settings
from tests.helpers.mail.smtp_server import Answer, Fault, SmtpServer

from larkpost.errors import Deferred
from larkpost.transports.smtp import Relay


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
def test_a_greeting_that_is_none_stops_sending(banner: Answer, words: str) -> None:
    with SmtpServer({"BANNER": [banner]}) as server:
        reason = server_fault(settings(server))

        assert words in str(reason)
        assert f"127.0.0.1:{server.port}" in str(reason)


def test_a_server_that_is_not_there_stops_sending() -> None:
    with SmtpServer() as server:
        gone = settings(server)

    reason = server_fault(gone)

    assert "refused" in str(reason)
    assert "smtp.port" in reason.hint


def test_a_mail_server_that_was_closed_works_once_it_is_open() -> None:
    with SmtpServer({"BANNER": ["421 4.3.2 full"]}) as server, Relay(settings(server)) as relay:
        with pytest.raises(Deferred):
            relay.send(ADA)
        relay.send(ADA)

        assert len(server.taken) == 1


# The login.


@pytest.mark.parametrize("ways", ["AUTH PLAIN LOGIN", "AUTH LOGIN", "AUTH=LOGIN"])
def test_the_login_goes_by_plain_or_login(ways: str) -> None:
    with SmtpServer(extensions=(ways,)) as server, Relay(login(server)) as relay:
        relay.send(ADA)
        relay.send(BOB)

        assert len(server.taken) == 2
        assert server.verbs().count("AUTH") == 1


@pytest.mark.parametrize("ways", ["AUTH PLAIN", "AUTH LOGIN"])
def test_a_refused_login_stops_sending_and_asks_for_a_long_rest(ways: str) -> None:
    with SmtpServer(extensions=(ways,)) as server:
        reason = server_fault(login(server, password=SecretStr("hunter2")))

        assert "535 5.7.8 wrong password" in str(reason)
        assert reason.rest >= 600
        assert "smtp.password" in reason.hint
        assert server.arrived == []


@pytest.mark.parametrize(
    ("verb", "reply"),
    [
        ("MAIL", "530 5.7.0 Must issue a STARTTLS command first"),
        ("MAIL", "530 5.7.0 Authentication required"),
        ("MAIL", "538 5.7.11 Encryption required"),
        ("RCPT", "530 5.7.1 Authentication required"),
        ("EHLO", "530 5.7.0 Must issue a STARTTLS command first"),
    ],
)
def test_a_server_that_wants_tls_or_a_login_first_is_reported_by_their_settings(
    verb: str, reply: str
) -> None:
    with SmtpServer({verb: [reply]}) as server:
        reason = server_fault(settings(server))

    for name in ("smtp.security", "smtp.username", "smtp.password"):
        assert name in str(reason)
        assert name in reason.hint
    assert "mail.sender" not in reason.hint


def test_a_login_that_fails_for_now_asks_for_no_long_rest() -> None:
    with SmtpServer({"AUTH": ["454 4.7.0 try later"]}, extensions=("AUTH PLAIN",)) as server:
        reason = server_fault(login(server))
        with Relay(login(server)) as relay:
            relay.send(ADA)

        assert "454 4.7.0 try later" in str(reason)
        assert reason.rest == 0
        assert len(server.taken) == 1


def test_a_login_that_is_not_offered_stops_sending() -> None:
    with SmtpServer(extensions=("AUTH CRAM-MD5",)) as server:
        reason = server_fault(login(server))

        assert "offers none of the logins" in str(reason)
        assert server.arrived == []


def test_a_password_that_the_server_echoes_is_in_no_error() -> None:
    def echo(line: str) -> Answer:
        return f"535 5.7.8 did not like {line} with hunter2 in aHVudGVyMg=="

    with SmtpServer({"AUTH": echo}, extensions=("AUTH PLAIN",)) as server:
        reason = server_fault(login(server, password=SecretStr("hunter2")))

    told = f"{reason} {reason.hint} {reason.__cause__!r}"
    assert "did not like AUTH PLAIN" in told
    assert "hunter2" not in told
    assert "aHVudGVyMg" not in told
    assert "AGxhcmsAaHVudGVyMg" not in told
