"""The SMTP commands for a message, and the bytes sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larkpost.domain import Message
from larkpost.errors import Refused
from larkpost.transports.smtp_envelope import dot_stuff, seal


def message(
    recipient: str = "ada@example.org", content: bytes = b"A: b\r\n\r\nHello\r\n"
) -> Message:
    return Message("Larkpost <post@example.org>", recipient, "<1@example.org>", content)


def said(message: Message, **extensions: str) -> list[bytes]:
    return [command for _, command in seal(message, extensions).commands]


def test_the_envelope_names_addresses_only() -> None:
    assert said(message()) == [
        b"MAIL FROM:<post@example.org>\r\n",
        b"RCPT TO:<ada@example.org>\r\n",
        b"DATA\r\n",
    ]


def test_the_size_is_told_to_a_server_that_asks() -> None:
    assert said(message(), SIZE="1000")[0] == b"MAIL FROM:<post@example.org> SIZE=15\r\n"


@pytest.mark.parametrize("limit", ["0", "", "15"])
def test_a_message_within_the_limit_goes(limit: str) -> None:
    assert said(message(), SIZE=limit)


def test_a_message_over_the_limit_is_refused_before_it_is_sent() -> None:
    with pytest.raises(Refused, match="15 bytes, but the mail server accepts 14") as refusal:
        seal(message(), {"SIZE": "14"})

    assert not refusal.value.nobody
    assert "size" in refusal.value.hint


def test_an_address_beyond_ascii_needs_smtputf8() -> None:
    ostrich = message("strauß@example.org")

    assert said(ostrich, SMTPUTF8="") == [
        b"MAIL FROM:<post@example.org> SMTPUTF8\r\n",
        "RCPT TO:<strauß@example.org>\r\n".encode(),
        b"DATA\r\n",
    ]
    with pytest.raises(Refused, match=r"SMTPUTF8.*strauß@example\.org"):
        seal(ostrich, {})


def test_a_head_beyond_ascii_needs_smtputf8() -> None:
    with pytest.raises(Refused, match="SMTPUTF8"):
        seal(message(content="Subject: ß\r\n\r\nHello\r\n".encode()), {"8BITMIME": ""})


def test_a_body_of_eight_bits_needs_8bitmime() -> None:
    warm = message(content="A: b\r\n\r\nGrüße\r\n".encode())

    assert said(warm, **{"8BITMIME": ""})[0].endswith(b" BODY=8BITMIME\r\n")
    with pytest.raises(Refused, match="8BITMIME"):
        seal(warm, {})


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org>\r\nRCPT TO:<eve@example.org",
        "ada@example.org> SIZE=1",
        "ada@example.org\n",
        "ada@exa\0mple.org",
        "two words@example.org",
        "nobody",
        "@example.org",
        "",
    ],
)
def test_an_address_that_would_break_out_of_the_envelope_is_refused(address: str) -> None:
    with pytest.raises(Refused, match="not an email address"):
        seal(message(address), {"SMTPUTF8": ""})


def test_a_quoted_local_part_goes_as_it_is() -> None:
    assert said(message('"two words"@example.org'))[1] == b'RCPT TO:<"two words"@example.org>\r\n'


def test_a_message_not_to_be_answered_has_an_empty_path() -> None:
    receipt = Message("", "ada@example.org", "<1@example.org>", b"A: b\r\n\r\n")

    assert said(receipt)[0] == b"MAIL FROM:<>\r\n"


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b"", b"\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".\r\n..\r\n", b"..\r\n...\r\n.\r\n"),
        # Nothing but CRLF ends a line on the wire.
        (b"a\n.\nb\r.\r\n", b"a\r\n..\r\nb\r\n..\r\n.\r\n"),
    ],
)
def test_dots_at_the_start_of_a_line_are_doubled(content: bytes, wire: bytes) -> None:
    assert dot_stuff(content) == wire


@given(st.lists(st.sampled_from([b".", b"\r\n", b"\r", b"\n", b"a", b" "]), max_size=30))
def test_only_the_last_line_of_any_message_is_a_single_dot(parts: list[bytes]) -> None:
    lines = dot_stuff(b"".join(parts)).split(b"\r\n")

    assert lines[-2:] == [b".", b""]
    assert b"." not in lines[:-2]
    assert not any(b"\r" in line or b"\n" in line for line in lines)
