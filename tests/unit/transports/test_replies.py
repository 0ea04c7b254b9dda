"""The meaning of the server's replies for a message."""

from __future__ import annotations

import pytest

from larkpost.transports.smtp_replies import Reply, ReplyMeaning, SmtpStage, classify, reply_of


@pytest.mark.parametrize(
    ("code", "enhanced", "stage", "verdict"),
    [
        (250, "2.0.0", SmtpStage.END, ReplyMeaning.TAKEN),
        (251, "", SmtpStage.RECIPIENT, ReplyMeaning.TAKEN),  # will forward
        (354, "", SmtpStage.CONTENT, ReplyMeaning.TAKEN),
        (354, "", SmtpStage.END, ReplyMeaning.SERVER_FAULT),  # out of place
        # Later.
        (450, "4.2.0", SmtpStage.RECIPIENT, ReplyMeaning.LATER),  # greylisting
        (450, "", SmtpStage.RECIPIENT, ReplyMeaning.LATER),
        (451, "4.7.1", SmtpStage.RECIPIENT, ReplyMeaning.LATER),  # greylisting
        (451, "4.3.0", SmtpStage.RECIPIENT, ReplyMeaning.LATER),  # greylisting
        (
            450,
            "4.3.2",
            SmtpStage.RECIPIENT,
            ReplyMeaning.LATER,
        ),  # the host of the mailbox is not there
        (452, "4.2.2", SmtpStage.RECIPIENT, ReplyMeaning.LATER),  # mailbox full
        (451, "4.7.1", SmtpStage.CONTENT, ReplyMeaning.LATER),  # greylisting, delayed
        (451, "4.7.1", SmtpStage.END, ReplyMeaning.LATER),  # greylisting by a filter
        (451, "4.5.0", SmtpStage.END, ReplyMeaning.LATER),
        # Later, and the next message would be told the same.
        (450, "", SmtpStage.SENDER, ReplyMeaning.TIRED),
        (451, "4.7.1", SmtpStage.SENDER, ReplyMeaning.TIRED),
        (452, "4.3.1", SmtpStage.CONTENT, ReplyMeaning.TIRED),  # disk full
        (452, "4.3.1", SmtpStage.END, ReplyMeaning.TIRED),
        (
            452,
            "4.5.3",
            SmtpStage.RECIPIENT,
            ReplyMeaning.TIRED,
        ),  # too many recipients, and there is one
        (421, "4.7.0", SmtpStage.RECIPIENT, ReplyMeaning.SERVER_FAULT),  # closes the connection
        # There is no such address.
        (550, "5.1.1", SmtpStage.RECIPIENT, ReplyMeaning.NOBODY),
        (550, "5.1.2", SmtpStage.RECIPIENT, ReplyMeaning.NOBODY),
        (553, "5.1.3", SmtpStage.RECIPIENT, ReplyMeaning.NOBODY),
        (556, "5.1.10", SmtpStage.RECIPIENT, ReplyMeaning.NOBODY),  # null MX, RFC 7505
        (550, "5.2.1", SmtpStage.RECIPIENT, ReplyMeaning.NOBODY),  # switched off
        # Never, and it counts against the address, which may be a good one.
        (550, "", SmtpStage.RECIPIENT, ReplyMeaning.UNWELCOME),
        (550, "5.1.0", SmtpStage.RECIPIENT, ReplyMeaning.UNWELCOME),  # said of anything
        (552, "5.2.2", SmtpStage.RECIPIENT, ReplyMeaning.UNWELCOME),  # mailbox full
        # Never, and it says nothing of the address.
        (550, "5.7.1", SmtpStage.RECIPIENT, ReplyMeaning.NEVER),  # policy
        (552, "5.3.4", SmtpStage.RECIPIENT, ReplyMeaning.NEVER),  # too large
        (550, "5.1.1", SmtpStage.END, ReplyMeaning.NEVER),  # too late to be about the address alone
        (554, "5.7.1", SmtpStage.END, ReplyMeaning.NEVER),  # spam
        (552, "5.3.4", SmtpStage.SENDER, ReplyMeaning.NEVER),  # too large
        # Nobody's message would be taken.
        (550, "5.7.1", SmtpStage.SENDER, ReplyMeaning.SERVER_FAULT),
        (553, "5.1.8", SmtpStage.RECIPIENT, ReplyMeaning.SERVER_FAULT),  # our own address is bad
        (550, "5.1.7", SmtpStage.RECIPIENT, ReplyMeaning.SERVER_FAULT),
        (530, "5.7.0", SmtpStage.RECIPIENT, ReplyMeaning.SERVER_FAULT),  # log in first
        (554, "", SmtpStage.GREETING, ReplyMeaning.SERVER_FAULT),
        (454, "4.7.0", SmtpStage.LOGIN, ReplyMeaning.SERVER_FAULT),
        (535, "5.7.8", SmtpStage.LOGIN, ReplyMeaning.SERVER_FAULT),
        (100, "", SmtpStage.RECIPIENT, ReplyMeaning.SERVER_FAULT),  # no such codes
        (999, "", SmtpStage.RECIPIENT, ReplyMeaning.SERVER_FAULT),
    ],
)
def test_a_reply_means_one_thing_at_each_stage(
    code: int, enhanced: str, stage: SmtpStage, verdict: ReplyMeaning
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
