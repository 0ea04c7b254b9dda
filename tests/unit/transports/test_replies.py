"""What the server's words mean for a letter."""

from __future__ import annotations

import pytest

from larkpost.transports.smtp_replies import Reply, Stage, Verdict, classify, reply_of


@pytest.mark.parametrize(
    ("code", "enhanced", "stage", "verdict"),
    [
        (250, "2.0.0", Stage.END, Verdict.TAKEN),
        (251, "", Stage.RECIPIENT, Verdict.TAKEN),  # will forward
        (354, "", Stage.CONTENT, Verdict.TAKEN),
        (354, "", Stage.END, Verdict.ROAD),  # out of place
        # Later.
        (450, "4.2.0", Stage.RECIPIENT, Verdict.LATER),  # greylisting
        (450, "", Stage.RECIPIENT, Verdict.LATER),
        (451, "4.7.1", Stage.RECIPIENT, Verdict.LATER),  # greylisting
        (451, "4.3.0", Stage.RECIPIENT, Verdict.LATER),  # greylisting
        (450, "4.3.2", Stage.RECIPIENT, Verdict.LATER),  # the host of the mailbox is not there
        (452, "4.2.2", Stage.RECIPIENT, Verdict.LATER),  # mailbox full
        (451, "4.7.1", Stage.CONTENT, Verdict.LATER),  # greylisting, delayed
        (451, "4.7.1", Stage.END, Verdict.LATER),  # greylisting by a filter
        (451, "4.5.0", Stage.END, Verdict.LATER),
        # Later, and the next letter would be told the same.
        (450, "", Stage.SENDER, Verdict.TIRED),
        (451, "4.7.1", Stage.SENDER, Verdict.TIRED),
        (452, "4.3.1", Stage.CONTENT, Verdict.TIRED),  # disk full
        (452, "4.3.1", Stage.END, Verdict.TIRED),
        (452, "4.5.3", Stage.RECIPIENT, Verdict.TIRED),  # too many recipients, and there is one
        (421, "4.7.0", Stage.RECIPIENT, Verdict.ROAD),  # closes the connection
        # There is no such address.
        (550, "5.1.1", Stage.RECIPIENT, Verdict.NOBODY),
        (550, "5.1.2", Stage.RECIPIENT, Verdict.NOBODY),
        (553, "5.1.3", Stage.RECIPIENT, Verdict.NOBODY),
        (556, "5.1.10", Stage.RECIPIENT, Verdict.NOBODY),  # null MX, RFC 7505
        (550, "5.2.1", Stage.RECIPIENT, Verdict.NOBODY),  # switched off
        # Never, and it counts against the address, which may be a good one.
        (550, "", Stage.RECIPIENT, Verdict.UNWELCOME),
        (550, "5.1.0", Stage.RECIPIENT, Verdict.UNWELCOME),  # said of anything
        (552, "5.2.2", Stage.RECIPIENT, Verdict.UNWELCOME),  # mailbox full
        # Never, and it says nothing of the address.
        (550, "5.7.1", Stage.RECIPIENT, Verdict.NEVER),  # policy
        (552, "5.3.4", Stage.RECIPIENT, Verdict.NEVER),  # too large
        (550, "5.1.1", Stage.END, Verdict.NEVER),  # too late to be about the address alone
        (554, "5.7.1", Stage.END, Verdict.NEVER),  # spam
        (552, "5.3.4", Stage.SENDER, Verdict.NEVER),  # too large
        # Nobody's letter would be taken.
        (550, "5.7.1", Stage.SENDER, Verdict.ROAD),
        (553, "5.1.8", Stage.RECIPIENT, Verdict.ROAD),  # our own address is bad
        (550, "5.1.7", Stage.RECIPIENT, Verdict.ROAD),
        (530, "5.7.0", Stage.RECIPIENT, Verdict.ROAD),  # log in first
        (554, "", Stage.GREETING, Verdict.ROAD),
        (454, "4.7.0", Stage.LOGIN, Verdict.ROAD),
        (535, "5.7.8", Stage.LOGIN, Verdict.ROAD),
        (100, "", Stage.RECIPIENT, Verdict.ROAD),  # no such codes
        (999, "", Stage.RECIPIENT, Verdict.ROAD),
    ],
)
def test_a_reply_means_one_thing_at_each_stage(
    code: int, enhanced: str, stage: Stage, verdict: Verdict
) -> None:
    assert classify(code, enhanced, stage) is verdict


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        (["ok"], Reply(250, "", ("ok",))),
        (["2.1.5 fine"], Reply(250, "2.1.5", ("fine",))),
        (["2.1.5"], Reply(250, "2.1.5", ("",))),
        (["2.1.5 one", "2.1.5 two"], Reply(250, "2.1.5", ("one", "two"))),
        # A class that contradicts the code is text, and so is what only begins like a code.
        (["5.1.1 odd"], Reply(250, "", ("5.1.1 odd",))),
        (["2.1.5.7 version"], Reply(250, "", ("2.1.5.7 version",))),
    ],
)
def test_the_enhanced_code_is_taken_off_the_text(lines: list[str], reply: Reply) -> None:
    assert reply_of(250, lines) == reply


def test_a_reply_reads_as_one_line() -> None:
    assert str(Reply(550, "5.1.1", ("no", "such user"))) == "550 5.1.1 no such user"
    assert str(Reply(250)) == "250"
