"""Tests the results that bounces report for an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larkpost.inbound.automatic_mail import is_automatic
from larkpost.inbound.bounce_parser import (
    BounceNews,
    BounceReport,
    parse,
    parse_bounce,
    plain_text,
)


def dsn(*recipients: str, told: str = "Your mail could not be delivered.") -> bytes:
    """A delivery status notification (RFC 3464) with these fields a recipient."""
    blocks = "\r\n\r\n".join(recipients)
    return (
        "From: MAILER-DAEMON@mx.example\r\nTo: post@paper.example\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\n"
        f"{told}\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx.example\r\n\r\n{blocks}\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: Sparse routing\r\n\r\n5.1.1\r\n"
        "--b--\r\n"
    ).encode()


def fields(action: str, status: str, diagnostic: str = "") -> str:
    told = f"\r\nDiagnostic-Code: smtp; {diagnostic}" if diagnostic else ""
    return f"Final-Recipient: rfc822; a@b.example\r\nAction: {action}\r\nStatus: {status}{told}"


@pytest.mark.parametrize(
    ("block", "news", "code"),
    [
        (fields("failed", "5.1.1", "550 5.1.1 no such user"), BounceNews.DEAD, "5.1.1"),
        (fields("Failed", "5.1.2 (bad domain)"), BounceNews.DEAD, "5.1.2"),
        (fields("failed", "5.2.1", "550 5.2.1 disabled"), BounceNews.DEAD, "5.2.1"),
        (fields("failed", "5.0.0", "550 5.1.1 User unknown"), BounceNews.DEAD, "5.1.1"),
        (fields("failed", "5.0.0", "550 administrative prohibition"), BounceNews.FAILED, "5.0.0"),
        (fields("failed", "5.2.2", "552 5.2.2 mailbox full"), BounceNews.FAILED, "5.2.2"),
        (fields("failed", "5.7.1", "554 5.7.1 looks like spam"), BounceNews.REFUSED, "5.7.1"),
        (fields("failed", "5.0.0", "554 5.7.0 rejected"), BounceNews.REFUSED, "5.7.0"),
        (fields("failed", "5.6.0", "554 5.6.0 bad content"), BounceNews.REFUSED, "5.6.0"),
        (fields("failed", "5.3.4", "552 5.3.4 too large"), BounceNews.REFUSED, "5.3.4"),
        (fields("failed", "4.4.1", "timed out after five days"), BounceNews.FAILED, "4.4.1"),
        (fields("delayed", "4.4.1", "trying for five days"), BounceNews.WAITING, "4.4.1"),
        (fields("delivered", "2.0.0"), BounceNews.WAITING, "2.0.0"),
        (fields("relayed", "2.0.0"), BounceNews.WAITING, "2.0.0"),
    ],
)
def test_a_delivery_status_is_read_by_action_and_code(
    block: str, news: BounceNews, code: str
) -> None:
    returned = parse_bounce(parse(dsn(block)))

    assert (returned.news, returned.code) == (news, code)


@pytest.mark.parametrize(
    ("status", "words", "news"),
    [
        ("5.0.0", "SMTP error from remote mail server after end of data:", BounceNews.REFUSED),
        ("5.0.0", "550 spam (in reply to end of DATA command)", BounceNews.REFUSED),
        ("5.0.0", "SMTP error from remote mail server after RCPT TO:", BounceNews.FAILED),
        ("5.2.2", "552 full (in reply to end of DATA command)", BounceNews.FAILED),
    ],
)
def test_a_refusal_after_the_message_says_nothing_about_the_address_unless_its_code_does(
    status: str, words: str, news: BounceNews
) -> None:
    plain = b"Your mail could not be delivered."
    report = dsn(fields("failed", status)).replace(plain, words.encode())

    assert parse_bounce(parse(report)).news is news


def test_of_several_recipients_the_worst_counts() -> None:
    report = dsn(fields("delayed", "4.4.1"), fields("failed", "5.1.1"), fields("failed", "5.2.2"))

    assert parse_bounce(parse(report)).code == "5.1.1"


QMAIL = b"""From: MAILER-DAEMON@mx.example
Subject: failure notice

Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<reader1@example.org>:
%b

--- Below this line is a copy of the message.

Return-Path: <post@paper.example>
"""

EXIM = b"""From: Mail Delivery System <Mailer-Daemon@mx.example>
X-Failed-Recipients: reader1@example.org
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

  reader1@example.org
    Unrouteable address
"""


@pytest.mark.parametrize(
    ("mail", "news"),
    [
        (QMAIL % b"Sorry, no mailbox here by that name. (#5.1.1)", BounceNews.DEAD),
        (
            QMAIL % b"mx.example does not like recipient.\nRemote host said: 552 quota",
            BounceNews.FAILED,
        ),
        (EXIM, BounceNews.FAILED),
    ],
)
def test_the_old_formats_are_read(mail: bytes, news: BounceNews) -> None:
    assert parse_bounce(parse(mail)).news is news


@pytest.mark.parametrize(
    "mail",
    [
        b"Subject: Out of office\nAuto-Submitted: auto-replied\n\nBack on Monday.\n",
        b"Subject: Please confirm that you are no robot\n\nhttps://challenge.example/x\n",
        b"",
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_bounce_is_none(mail: bytes) -> None:
    assert parse_bounce(parse(mail)) == BounceReport(BounceNews.NOTHING)


@pytest.mark.parametrize(
    ("header", "automatic"),
    [
        (b"Auto-Submitted: auto-replied (vacation)", True),
        (b"Auto-Submitted: auto-generated; type=x", True),
        (b"Auto-Submitted: no", False),
        (b"Precedence: bulk", True),
        (b"X-Autoreply: yes", True),
        (b"Return-Path: <>", True),
        (b"Subject: 3 +", False),
    ],
)
def test_what_a_program_wrote_is_known_as_such(header: bytes, automatic: bool) -> None:
    assert is_automatic(parse(header + b"\n\nhello\n")) is automatic


@pytest.mark.parametrize(
    ("mail", "text"),
    [
        (b"Content-Type: text/plain; charset=utf-8\n\n3 +\n", "3 +\n"),
        (b"Content-Type: text/plain; charset=martian\n\n3 +\n", "3 +\n"),
        (b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nMyArCg==\n", "3 +\n"),
        (
            b"Content-Type: text/html\n\n<p>3 +</p><p>5 &minus;</p><blockquote>1 +</blockquote>",
            "\n3 +\n\n5 \N{MINUS SIGN}\n",
        ),
        (b"Content-Type: image/png\n\nx\n", ""),
    ],
)
def test_the_words_of_a_mail_are_found(mail: bytes, text: str) -> None:
    assert plain_text(parse(mail)) == text


@given(st.binary(max_size=400))
def test_nothing_that_comes_in_makes_reading_fail(noise: bytes) -> None:
    for mail in (
        noise,
        b"Content-Type: message/delivery-status\n\n" + noise,
        dsn("Status: x") + noise,
    ):
        message = parse(mail)

        assert parse_bounce(message).news in BounceNews
        assert is_automatic(message) in (True, False)
        assert isinstance(plain_text(message), str)


@pytest.mark.parametrize(
    ("status", "told", "is_of_content"),
    [
        ("5.7.1", "said: 554 5.7.1 spam (in reply to end\r\n    of DATA command)", True),
        ("5.0.0", "said: 554 spam (in reply\r\n    to end of DATA command)", True),
        ("5.0.0", "after end of\r\n    data: 554 spam", True),
        ("5.7.1", "said: 554 5.7.1 on a list (in reply to\r\n    RCPT TO command)", False),
        ("5.7.1", "said: 550 5.7.1 S3150 (in reply to MAIL FROM command)", False),
        ("5.7.1", "said: 550 5.7.1 no (in reply to DATA command)", False),
        ("5.7.1", "from remote mail server after initial connection: 554 5.7.1 no", False),
        ("5.7.1", "from remote mail server after RCPT TO:<a@b.example>: 554 5.7.1", False),
        ("5.7.1", "said: 554 5.7.1 spam; if it is not, reply to mail of us", True),
    ],
)
def test_the_content_is_refused_only_by_a_server_that_has_read_it(
    status: str, told: str, is_of_content: bool
) -> None:
    returned = parse_bounce(parse(dsn(fields("failed", status, "554 no"), told=told)))

    assert returned.news is BounceNews.REFUSED
    assert returned.is_of_content is is_of_content
