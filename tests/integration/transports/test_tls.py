"""Tests SMTP over TLS: as the settings demand, and never with less security."""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from tests.helpers.mail.smtp_helpers import ADA, BOB, CONTENT, login, server_fault, settings
from tests.helpers.mail.smtp_server import SmtpServer

from larkpost.transports.smtp import Relay


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


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_messages_go_encrypted(
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


def test_starttls_that_is_not_offered_sends_nothing_in_the_clear() -> None:
    with SmtpServer(extensions=("AUTH PLAIN LOGIN",)) as server:
        reason = server_fault(login(server, security="starttls"))

        assert f"localhost:{server.port} does not offer STARTTLS" in str(reason)
        assert_nothing_leaks(server)


@pytest.mark.parametrize("answer", ["454 4.7.0 not now", "501 5.5.4 no", "220 go ahead"])
def test_starttls_that_does_not_work_sends_nothing_in_the_clear(answer: str) -> None:
    script = {"STARTTLS": [answer]}
    with SmtpServer(script, extensions=("STARTTLS", "AUTH PLAIN")) as server:
        reason = server_fault(login(server, security="starttls", timeout=2.0))

        assert "at STARTTLS" in str(reason)
        assert_nothing_leaks(server)


def test_words_slipped_in_before_tls_are_not_believed(
    authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    script = {"STARTTLS": [b"220 go ahead\r\n250-AUTH PLAIN\r\n250 fine\r\n"]}
    with SmtpServer(script, starttls=served_by(authority)) as server:
        reason = server_fault(login(server, security="starttls"), trusting)

        assert "before TLS" in str(reason)
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
        reason = server_fault(login(server, security=security), trusting)

        assert re.search(words, str(reason))
        assert f"localhost:{server.port}" in str(reason)
        assert "certificate" in reason.hint
        assert_nothing_leaks(server)


def test_this_machines_own_trust_is_used_by_default(authority: trustme.CA) -> None:
    with SmtpServer(tls=served_by(authority)) as server:
        reason = server_fault(login(server, security="tls"))

        assert "certificate cannot be trusted" in str(reason)
        assert_nothing_leaks(server)


def test_a_server_that_speaks_no_tls_gets_nothing() -> None:
    with SmtpServer() as server:
        reason = server_fault(login(server, security="tls", timeout=5.0))

        assert "at STARTTLS" in str(reason)
        assert_nothing_leaks(server)
