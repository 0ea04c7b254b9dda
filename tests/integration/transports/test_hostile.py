"""Tests a hostile mail server: it costs bounded time and memory, and breaks nothing."""

from __future__ import annotations

import pytest
from tests.helpers.mail.smtp_helpers import ADA, BOB, settings
from tests.helpers.mail.smtp_server import SmtpServer, always

from larkpost.errors import Deferred, Refused
from larkpost.transports.smtp import Relay
from larkpost.transports.smtp_connection import LONGEST_LINE, MOST_LINES


@pytest.mark.parametrize(
    "limit", ["\u00b2", "\u0663", "9" * 3000, "-1", "1e3", "", "0", "0x10"],
    ids=["superscript", "arabic", "long", "negative", "float", "empty", "zero", "hex"],
)  # fmt: skip
def test_a_size_that_is_no_number_is_no_limit(limit: str) -> None:
    with SmtpServer(extensions=(f"SIZE {limit}",)) as server, Relay(settings(server)) as relay:
        relay.send(ADA)

        assert len(server.taken) == 1


@pytest.mark.parametrize("verb", ["BANNER", "EHLO", "MAIL", "RCPT"])
def test_a_line_without_measure_is_no_answer_though_its_end_comes_at_once(verb: str) -> None:
    flood = b"550 " + b"x" * 40_000 + b"\r\n"
    with SmtpServer({verb: always(flood)}) as server, Relay(settings(server)) as relay:
        with pytest.raises(Deferred):
            relay.send(ADA)

        assert server.taken == []


def test_a_long_answer_of_many_lines_is_reported_on_one_short_line() -> None:
    marks = "\u0301".encode() * (LONGEST_LINE // 2 - 10)
    flood = (b"550-" + marks + b"\r\n") * (MOST_LINES - 1) + b"550 end\r\n"
    with SmtpServer({"RCPT": [flood]}) as server, Relay(settings(server)) as relay:
        with pytest.raises(Refused) as refusal:
            relay.send(ADA)
        relay.send(BOB)

        assert len(str(refusal.value)) < 400
        assert [arrived.recipient for arrived in server.taken] == ["bob@example.org"]
