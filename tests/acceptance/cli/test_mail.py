"""Letters by command: listed before and after, sent again, tried out, and taken in."""

from __future__ import annotations

import email
import re
import signal
import threading
from email import policy
from typing import TYPE_CHECKING

import pytest
from tests.helpers.mail.smtp_server import Fault, SmtpServer, always
from tests.helpers.polling import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.helpers.cli_helpers import Shell

ANN = "ann@example.org"
RETURNS = {"LARKPOST_INBOUND__ADDRESS": "post@example.org"}


@pytest.fixture
def relayed(furnished: Shell) -> Callable[[SmtpServer], Shell]:
    """Make the home send to a server that the test starts."""

    def over(server: SmtpServer) -> Shell:
        furnished.extra.update(
            LARKPOST_MAIL__TRANSPORT="smtp",
            LARKPOST_SMTP__HOST="127.0.0.1",
            LARKPOST_SMTP__PORT=str(server.port),
            LARKPOST_SMTP__SECURITY="none",
        )
        return furnished

    return over


def test_a_dry_run_lists_what_would_go_and_sends_nothing(
    relayed: Callable[[SmtpServer], Shell],
) -> None:
    with SmtpServer() as server:
        shell = relayed(server)
        shell("publish", ANN)

        (listed,) = shell.json("deliver", "--dry-run")

        assert (listed["reader"], listed["state"], listed["attempts"]) == (ANN, "planned", 0)
        assert server.connections == 0
        assert shell.json("deliver")[0]["sent"] == 1
        assert shell.json("deliver", "--dry-run") == []


def test_a_failed_message_is_listed_and_goes_again_when_told_to(
    relayed: Callable[[SmtpServer], Shell],
) -> None:
    with SmtpServer({"DOT": ["554 5.7.1 looks like spam"]}) as server:
        shell = relayed(server)
        shell("publish", ANN)
        shell("deliver", code=1)

        (failed,) = shell.json("deliveries", "--failed")
        assert shell.json("deliveries", "--unknown") == []
        assert "1 will be sent again" in shell("deliveries", "--retry").out
        shell("deliver")

        assert "554 5.7.1 looks like spam" in failed["last_response"]
        (sent,) = shell.json("deliveries")
        assert (sent["state"], sent["message_id"]) == ("sent", failed["message_id"])
        assert f"Message-ID: {sent['message_id']}".encode() in server.taken[0].content
        assert "no such emails" in shell("deliveries", "--failed").out


def test_a_message_to_a_suspended_reader_is_not_sent_again_and_it_is_said_what_is_needed(
    relayed: Callable[[SmtpServer], Shell],
) -> None:
    with SmtpServer({"RCPT": ["550 5.1.1 no such user"]}) as server:
        shell = relayed(server)
        shell("publish", ANN)
        shell("deliver", code=1)

        refused = shell("deliveries", "--retry", code=1)
        (record,) = shell.json("deliveries", "--retry", code=1)
        (shown,) = shell.json("reader", "show", ANN)
        for_people = shell("reader", "show", ANN).out

        assert "will be sent again" not in refused.out
        assert f"nothing is sent again to {ANN}: suspended: mail to it came back" in refused.err
        assert "550 5.1.1 no such user" in refused.err
        assert (
            f"larkpost reader set {ANN} --resume; then larkpost deliveries --retry" in refused.err
        )
        assert (record["retried"], record["state"]) == (False, "failed")
        assert record["hold"] == shown["hold"]
        assert [bounce["code"] for bounce in shown["bounces"]] == ["5.1.1"]
        assert "suspended: mail to it came back" in for_people
        assert "550 5.1.1 no such user" in for_people
        assert f"larkpost reader set {ANN} --resume" in for_people

        shell("reader", "set", ANN, "--resume")
        assert shell.json("deliveries", "--retry")[0]["retried"] is True
        shell("deliver")
        assert shell.json("reader", "show", ANN)[0]["hold"] is None
        assert len(server.taken) == 1


def test_a_paused_reader_is_shown_with_what_ends_the_pause(furnished: Shell) -> None:
    furnished("reader", "set", ANN, "--pause")
    assert furnished.json("reader", "show", ANN)[0]["hold"]["reason"] == "paused until resumed"

    furnished("reader", "set", ANN, "--pause", "--until", "2999-01-01")
    assert "paused until 2999-01-01" in furnished("reader", "show", ANN).out

    furnished("reader", "set", ANN, "--leave")
    assert "unsubscribed" in furnished("reader", "show", ANN).out


def test_a_message_put_off_is_listed_with_its_next_try(
    relayed: Callable[[SmtpServer], Shell],
) -> None:
    with SmtpServer({"RCPT": always("451 4.7.1 greylisted")}) as server:
        shell = relayed(server)
        shell("publish", ANN)
        shell("deliver", code=75)

        (message,) = shell.json("deliveries")
        _, row = shell("deliveries").out.splitlines()

    assert (message["state"], message["attempts"]) == ("deferred", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row.split("\t")[5])
    assert message["next_attempt_at"]
    assert "451 4.7.1 greylisted" in message["last_response"]


def test_messages_that_may_have_arrived_are_named_in_status_with_the_command_that_sends_them(
    relayed: Callable[[SmtpServer], Shell],
) -> None:
    with SmtpServer({"DOT": [Fault.CUT, Fault.CUT]}) as server:
        shell = relayed(server)
        shell("publish", ANN)
        (first,) = shell.json("deliver", code=75)  # goes once more by itself
        once = shell("status").out
        shell("deliveries", "--unknown", "--retry")
        assert shell("deliver", code=1).out == "1 unknown\n"

        twice = shell("status").out
        (record,) = shell.json("status")

        assert (first["unknown"], first["undecided"]) == (1, 0)
        assert "It is unknown whether" not in once
        assert "It is unknown whether these emails arrived" in twice
        assert f"  {ANN}, " in twice
        assert "larkpost deliveries --unknown --retry" in twice
        assert [one["reader"] for one in record["unknown"]] == [ANN]
        shell("deliveries", "--unknown", "--retry")
        shell("deliver")
        assert shell.json("status")[0]["unknown"] == []


def test_who_only_delivers_has_the_clock_watched_as_by_ticks(shell: Shell) -> None:
    shell("deliver", "--dry-run")
    assert "clock check" not in shell.json("status")[0]["jobs"]

    shell("deliver")

    assert shell.json("status")[0]["jobs"]["clock check"]["ok"]


def test_messages_that_a_failed_mail_server_left_in_doubt_or_never_tried_are_for_later(
    relayed: Callable[[SmtpServer], Shell],
) -> None:
    with SmtpServer({"DOT": always(Fault.CUT)}) as server:
        shell = relayed(server)
        for number in range(4):
            shell("reader", "add", f"reader{number}@example.org")
            shell("publish", f"reader{number}@example.org")
        shell("publish", ANN)

        (counts,) = shell.json("deliver", code=75)
        waiting = [one["state"] for one in shell.json("deliveries")]

    assert counts == {
        "sent": 0, "deferred": 0, "failed": 0, "unknown": 3, "cancelled": 0, "undecided": 0,
        "confirmations": 0,
    }  # fmt: skip
    assert sorted(waiting) == ["planned", "planned", "unknown", "unknown", "unknown"]


@pytest.mark.parametrize(
    ("command", "number", "code"),
    [
        ("deliver", signal.SIGTERM, 75),
        ("deliver", signal.SIGINT, 130),
        ("tick", signal.SIGTERM, 75),
        ("tick", signal.SIGINT, 130),
    ],
)
def test_who_delivers_and_is_told_to_end_puts_the_message_back(
    relayed: Callable[[SmtpServer], Shell], command: str, number: signal.Signals, code: int
) -> None:
    asked = threading.Event()

    def hang(_line: str) -> Fault:
        asked.set()
        return Fault.HANG

    with SmtpServer({"RCPT": hang}) as server:
        shell = relayed(server)
        shell("publish", ANN)
        call = shell.start(command)
        try:
            assert asked.wait(PATIENCE)
            call.send_signal(number)
            _, err = call.communicate(timeout=PATIENCE)
        finally:
            call.kill()

    (message,) = shell.json("deliveries")
    assert call.returncode == code
    assert (message["state"], message["attempts"]) == ("deferred", 0)
    assert b"Traceback" not in err
    assert "mail server did not accept emails" not in shell("status").out


def test_a_test_message_tries_the_mail_server_and_changes_nothing(
    relayed: Callable[[SmtpServer], Shell],
) -> None:
    with SmtpServer() as server:
        shell = relayed(server)

        assert "was accepted (smtp)" in shell("send-test", "boss@example.org").out
        shell("send-test", ANN)

        notice, edition = (
            email.message_from_bytes(arrived.content, policy=policy.default)
            for arrived in server.taken
        )
        assert (notice["To"], edition["To"]) == ("boss@example.org", ANN)
        for kind in ("plain", "html"):
            part = notice.get_body((kind,))
            assert part
            assert "the mail settings are right" in part.get_content()
        assert edition["List-Unsubscribe"]
        assert edition["Message-ID"].startswith("<test.")
        assert shell.json("deliveries") == []


def test_a_mail_server_that_does_not_work_is_reported_with_what_to_try(
    relayed: Callable[[SmtpServer], Shell],
) -> None:
    with SmtpServer({"MAIL": always("550 5.7.1 who are you")}) as server:
        done = relayed(server)("send-test", "boss@example.org", code=75)

    assert "550 5.7.1 who are you at MAIL FROM" in done.err
    assert "check mail.sender" in done.err


def test_a_bounce_comes_in_by_the_pipe(furnished: Shell) -> None:
    furnished.extra.update(RETURNS)
    furnished("publish", ANN)
    furnished("deliver")
    (mail,) = (furnished.home / "mail" / "new").iterdir()
    message = email.message_from_bytes(mail.read_bytes(), policy=policy.default)
    answers = message["Reply-To"]
    answer = f"To: {answers}\nIn-Reply-To: {message['Message-ID']}\n\n2 +\n".encode()

    assert furnished.json("receive-mail")[0] == {"kind": "foreign", "votes": 0}
    done = furnished("receive-mail", "--json", stdin=answer)

    assert done.lines == [{"kind": "voted", "votes": 1}]
    assert furnished.json("status")[0]["votes"] == 1


def test_a_mail_that_no_mail_program_sends_is_refused_with_a_word_and_not_bounced(
    furnished: Shell,
) -> None:
    furnished.extra.update(RETURNS)

    done = furnished("receive-mail", "--json", stdin=b"Subject: x\n\n" + b"x\n" * 1_000_000)

    assert done.lines[0]["kind"] == "refused"
    assert "2000012 bytes" in done.lines[0]["reason"]
    assert "inbound.rejected" in done.err


def test_mail_stays_with_the_server_where_no_address_is_set(furnished: Shell) -> None:
    assert "inbound.address is not set" in furnished("receive-mail", stdin=b"x\n", code=75).err


def test_an_empty_day_is_reported_by_words_and_by_the_exit_code(shell: Shell) -> None:
    shell("reader", "add", ANN)

    assert "no recent dump had a new paper" in shell("status", "--why", code=1).out
    assert [one["reason"] for one in shell.json("status", "--why", code=1)] == ["no-dump"]


def test_a_day_with_papers_is_not_empty(furnished: Shell) -> None:
    furnished("publish", ANN)

    assert "no known reason why papers" in furnished("status", "--why").out
    assert furnished.json("status", "--why") == []


def test_a_selector_without_a_key_sends_nothing_unsigned(furnished: Shell) -> None:
    furnished.extra["LARKPOST_DKIM__SELECTOR"] = "lark1"
    furnished("publish", ANN)

    assert "dkim.pem cannot be read" in furnished("deliver", code=2).err
    assert "dkim.pem cannot be read" in furnished("serve", "--port", 0, code=2).err
    assert furnished.json("deliveries")[0]["state"] == "planned"
