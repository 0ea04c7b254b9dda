"""Tests for any text that segments decode to it, and headers stay intact."""

from __future__ import annotations

import email
import quopri
from email import policy

from hypothesis import example, given
from hypothesis import strategies as st
from tests.helpers.edition_factories import HOSTILE

from larkpost.render.email import mime
from larkpost.render.email.quoted_printable import LONGEST_LINE, segment
from larkpost.text.normalize import clean, one_line

wild = st.one_of(st.text(), st.text("=.F rom\n-_?é👍", max_size=300), st.sampled_from(HOSTILE))
cleaned = wild.map(clean)


@given(st.lists(cleaned))
@example([".", ".", "From ", "From x"])
@example(["=" * 100, "é" * 100, " ", " \n ", "a "])
def test_joined_segments_decode_to_the_joined_text(texts: list[str]) -> None:
    wire = b"".join(map(segment, texts))

    decoded = quopri.decodestring(wire).decode().replace("\r\n", "\n")
    assert decoded == "".join(texts)


@given(st.lists(cleaned, min_size=1))
def test_the_lines_of_segments_are_safe_on_every_mail_server(texts: list[str]) -> None:
    lines = b"".join(map(segment, texts)).split(b"\r\n")

    for line in lines:
        assert len(line) <= LONGEST_LINE
        assert line.isascii()
        assert not line.startswith((b".", b"From ", b"--" + mime.BOUNDARY.encode()))
        assert not line.endswith((b" ", b"\t"))
        assert b"\n" not in line
        assert b"\r" not in line


@given(wild)
def test_a_header_reads_back_as_its_text_and_brings_no_other(text: str) -> None:
    field = mime.header("Subject", text)
    read = email.message_from_bytes(field + b"\r\nbody", policy=policy.default)

    assert read.keys() == ["Subject"]
    assert " ".join(read["Subject"].split()) == " ".join(one_line(text).split())
    assert all(len(line) <= 76 for line in field.split(b"\r\n"))
    assert field.isascii()


@given(wild)
def test_a_name_brings_no_other_address(name: str) -> None:
    field = mime.mailbox_header("To", mime.Mailbox(name, "ada@example.org"))
    read = email.message_from_bytes(field + b"\r\nbody", policy=policy.default)

    assert read.keys() == ["To"]
    assert [address.addr_spec for address in read["To"].addresses] == ["ada@example.org"]
