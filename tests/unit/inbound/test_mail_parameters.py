"""Tests that the parameters of a mail's fields cost little, however they are written (RFC 2045)."""

from __future__ import annotations

import email.message
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import NOW

from larkpost.errors import UnreadableDump
from larkpost.formats.mail.mail_dump import MailDump
from larkpost.formats.mail.mail_parser import OutsizedMail, parse
from larkpost.inbound import maildir
from larkpost.inbound.digest_mail import DigestMail
from larkpost.inbound.digest_senders import DigestSenders
from larkpost.inbound.process import InboundKind
from larkpost.inbound.return_address import ReturnAddresses
from larkpost.tokens import Tokens

if TYPE_CHECKING:
    from larkpost.db.engine import Store

NEAR = date(2026, 11, 27)
HEAD = b"From: a@example.org\nMIME-Version: 1.0\n"
OUTER = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n"
PART = b'--b\nContent-Type: multipart/mixed; x="%s\n\nx\n'
FOUR_PARTS = OUTER + (PART % (b";" * 15_000)) * 4
SAVED_PAGE = b"Snapshot-Content-Location: https://a.example\n" + FOUR_PARTS


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record the squares of the lengths of the fields whose parameters the library parses."""
    squares: list[int] = []
    real = email.message._parseparam  # type: ignore[attr-defined]  # of the standard library

    def parse_parameters(text: str) -> object:
        squares.append(len(text) * (str(text).count(";") + 1))
        return real(text)

    monkeypatch.setattr(email.message, "_parseparam", parse_parameters)
    return squares


@pytest.mark.parametrize(
    ("field", "why"),
    [
        (b'Content-Type: multipart/mixed; x="' + b";" * 1_000, "more than 50 parameters"),
        (b"content-disposition: attachment" + b";a=b" * 51, "more than 50 parameters"),
        (b"Content-Type: text/plain; x=" + b"a" * 2_000, "more than 2000 characters"),
        (b"Content-Transfer-Encoding: base64;" + b"x" * 2_000, "more than 2000 characters"),
    ],
)
def test_more_parameters_than_any_program_writes_are_refused_before_they_are_parsed(
    field: bytes, why: str, searched: list[int]
) -> None:
    with pytest.raises(OutsizedMail, match=why):
        parse(HEAD + field + b"\n\nx\n")

    assert searched == []


def test_four_parts_of_semicolons_are_refused_at_the_first(searched: list[int]) -> None:
    with pytest.raises(OutsizedMail, match="more than 2000 characters"):
        parse(FOUR_PARTS)

    assert sum(searched) < 1_000


@pytest.mark.parametrize("dump", [FOUR_PARTS, SAVED_PAGE], ids=["eml", "mhtml"])
def test_so_are_saved_mails_and_saved_pages(dump: bytes, searched: list[int]) -> None:
    with pytest.raises(UnreadableDump, match="more than 2000 characters"):
        list(MailDump().read(BytesIO(dump), NEAR))

    assert sum(searched) < 1_000


def test_ninety_parts_within_the_limits_cost_little(searched: list[int]) -> None:
    parts = (b'--b\nContent-Type: text/plain; x="' + b";" * 48 + b"y" * 500 + b"\n\nx\n") * 90

    assert len(list(parse(OUTER + parts).walk())) > 90
    assert sum(searched) < 90 * 100_000


def test_a_long_name_of_a_file_is_within_the_limits() -> None:
    pieces = b"".join(b";\n filename*%d*=%s" % (n, b"%C3%A9" * 10) for n in range(20))
    message = parse(HEAD + b"Content-Disposition: attachment" + pieces + b"\n\nx\n")

    assert "filename*19*" in str(message["Content-Disposition"])


def test_a_long_address_of_a_picture_is_no_parameter() -> None:
    message = parse(HEAD + b"Content-Location: https://a.example/?" + b"a;" * 2_000 + b"\n\nx\n")

    assert "Content-Location" in message


@pytest.mark.parametrize("sender", ["a@example.org", "b@example.net"])
def test_a_mail_is_parsed_once_before_anybody_is_allowed_anything(
    sender: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []

    def record(content: bytes) -> object:
        parsed.append(content)
        return parse(content)

    for module in ("maildir", "process", "digest_mail"):
        monkeypatch.setattr(f"larkpost.inbound.{module}.parse", record, raising=False)
    mailboxes = ReturnAddresses("post@paper.example", Tokens([b"k" * 32]))
    digests = DigestMail(DigestSenders(("c@example.org",)))
    content = f"From: {sender}\nTo: post@paper.example\n\nx\n".encode()

    result = maildir.receive_safely(store, mailboxes, content, now=NOW, digests=digests)

    assert result.meaning is InboundKind.FOREIGN
    assert parsed == [content]
