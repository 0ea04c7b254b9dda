"""Headers and segments that no title or name can break."""

from __future__ import annotations

import email
import re
from datetime import date
from email import policy
from email.header import decode_header, make_header

import pytest
from tests.helpers.edition_factories import HOSTILE

from larkpost.errors import SettingsError, UsageError
from larkpost.render import message_id
from larkpost.render.email import mime
from larkpost.render.email.mime import Mailbox
from larkpost.text.normalize import one_line


def read(field: bytes) -> email.message.EmailMessage:
    return email.message_from_bytes(field + b"\r\n", policy=policy.default)


def written_name(field: bytes) -> str:
    """Read a display name by RFC 2047; Python's own parser leaves blanks between encoded-words."""
    phrase = email.message_from_bytes(field)["To"].rpartition(" <ada@example.org>")[0]
    if phrase.startswith('"'):
        return re.sub(r"\\(.)", r"\1", phrase[1:-1].replace("\n", ""))
    return str(make_header(decode_header(phrase)))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_subject_is_one_field_and_keeps_its_words(text: str) -> None:
    found = read(mime.header("Subject", text))

    assert found.keys() == ["Subject"]
    assert found["Subject"] == one_line(text)
    assert not found.defects


def test_a_subject_that_is_an_encoded_word_never_becomes_a_header_on_the_way() -> None:
    trap = "=?utf-8?q?a=0d=0aBcc:_x@y.z?="

    found = read(mime.header("Subject", trap))

    assert found["Subject"] == trap
    assert b"Bcc" not in found.as_bytes().replace(b"Subject", b"")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_beside_its_address(name: str) -> None:
    field = mime.mailbox_header("To", Mailbox(name, "ada@example.org"))
    found = read(field)

    assert found.keys() == ["To"]
    assert [address.addr_spec for address in found["To"].addresses] == ["ada@example.org"]
    assert written_name(field) == one_line(name)[: mime.LONGEST_PHRASE]


def test_a_name_with_commas_and_quotes_is_quoted() -> None:
    field = mime.mailbox_header("To", Mailbox('Lovelace, "Ada" \\ Co.', "ada@example.org"))

    assert field == b'To: "Lovelace, \\"Ada\\" \\\\ Co." <ada@example.org>\r\n'


@pytest.mark.parametrize("length", [20, 70, 200, 900])
def test_the_way_out_is_never_encoded_or_cut(length: int) -> None:
    link = "https://larkpost.example.org/leave/" + "x" * length

    fields = mime.leave_headers(link)

    assert f"<{link}>\r\n".encode() in fields[0]
    assert read(fields[0])["List-Unsubscribe"].strip() == f"<{link}>"
    assert fields[1] == b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    assert max(map(len, fields[0].split(b"\r\n"))) < 998


def test_lines_of_a_long_subject_stay_short() -> None:
    for text in ("word " * 80, "Wörter " * 80, "x" * 500):
        field = mime.header("Subject", text)

        assert max(map(len, field.split(b"\r\n"))) <= 76
        assert read(field)["Subject"] == text.strip()


def test_the_message_id_is_the_same_for_a_reader_and_a_day_and_tells_neither_name() -> None:
    uid, day = "6f9619ff-8b86-4011-b42d-00c04fc964ff", date(2026, 8, 7)

    assert message_id(uid, day, "e.org") == message_id(uid, day, "e.org")
    assert message_id(uid, day, "e.org").endswith("@e.org>")
    assert uid not in message_id(uid, day, "e.org")
    assert message_id(uid, day, "e.org") != message_id(uid, date(2026, 8, 8), "e.org")
    assert message_id(uid, day, "e.org") != message_id(uid[::-1], day, "e.org")


def test_a_sender_that_is_no_mailbox_is_refused_by_the_name_of_the_setting() -> None:
    with pytest.raises(SettingsError, match=r"mail\.sender"):
        mime.sender_of("Larkpost")


def test_a_sender_may_have_a_name_outside_ascii() -> None:
    sender = mime.sender_of("Lärchenpost <post@example.org>")

    assert sender == Mailbox("Lärchenpost", "post@example.org")
    assert read(mime.mailbox_header("From", sender))["From"].addresses[0].display_name == (
        "Lärchenpost"
    )


@pytest.mark.parametrize("address", ["", "ada", "ada@", "a\r\nBcc: b@e.org", "a b@e.org", "a@b c"])
def test_an_address_that_would_break_the_header_is_refused(address: str) -> None:
    with pytest.raises(UsageError):
        mime.check_address(address)


def test_an_address_outside_ascii_goes_as_utf_8_and_its_domain_as_ascii() -> None:
    address = mime.check_address("josé@bücher.example")

    assert address == "josé@xn--bcher-kva.example"
    assert address.encode() in mime.mailbox_header("To", Mailbox("", address))
