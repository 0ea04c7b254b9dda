"""The mail server of the tests follows its script, however the bytes arrive."""

from __future__ import annotations

import socket

import pytest
from tests.helpers.mail.smtp_server import Talk

MESSAGE = b"To: ada@example.org\r\n\r\n..two dots\r\n"


@pytest.mark.parametrize(("most", "content"), [(10, None), (None, MESSAGE.replace(b"..", b"."))])
def test_a_letter_and_its_dot_in_one_piece_are_cut_where_they_were_to_be_cut(
    most: int | None, content: bytes | None
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        talk = Talk(theirs)
        ours.sendall(MESSAGE + b".\r\n")

        assert talk.content(most) == content
