"""Tests `larkpost serve` as a process: stopped while it sends, and reloading its settings."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.mail.smtp_server import Fault, SmtpServer
from tests.helpers.polling import PATIENCE, until
from tests.helpers.web.serving import serving

if TYPE_CHECKING:
    from tests.helpers.cli_helpers import Shell

READERS = 8


@pytest.fixture
def due(furnished: Shell) -> Shell:
    """Make messages to some readers due as soon as the daemon starts."""
    for number in range(2, READERS + 1):
        furnished("reader", "add", f"reader{number}@example.org", "--at", "00:00")
    with sqlite3.connect(furnished.home / "larkpost.db") as database:
        today = datetime.now(UTC)
        database.execute("UPDATE paper SET first_seen = ?", (f"{today:%Y-%m-%d %H:%M:%S.%f}",))
        slot = today - timedelta(minutes=1)
        database.execute("UPDATE reader SET next_slot = ?", (f"{slot:%Y-%m-%d %H:%M:%S.%f}",))
    database.close()
    return furnished


def by_smtp(server: SmtpServer) -> dict[str, str]:
    return {
        "LARKPOST_MAIL__TRANSPORT": "smtp",
        "LARKPOST_SMTP__HOST": "127.0.0.1",
        "LARKPOST_SMTP__PORT": str(server.port),
        "LARKPOST_SMTP__SECURITY": "none",
        "LARKPOST_SMTP__TIMEOUT": "600",  # for longer than a test waits
    }


def outbox(shell: Shell) -> list[str]:
    with sqlite3.connect(shell.home / "larkpost.db") as database:
        rows = database.execute("SELECT state FROM delivery ORDER BY state").fetchall()
    database.close()
    return [state for (state,) in rows]


def test_a_daemon_told_to_end_in_a_run_finishes_its_message_and_leaves_the_rest(due: Shell) -> None:
    pid: list[int] = []

    def tell_to_end(_recipient: str) -> None:
        if len(server.taken) == 2:  # the third message is out, and waits for its answer
            os.kill(pid[0], signal.SIGTERM)
            time.sleep(3)  # the daemon's loop looks for signals ten times a second

    def hold_back(_line: str) -> None:
        while not pid:
            time.sleep(0.01)

    with (
        SmtpServer({"DOT": tell_to_end, "EHLO": hold_back}) as server,
        serving(due, **by_smtp(server)) as daemon,
    ):
        pid.append(daemon.process.pid)
        assert daemon.process.wait(PATIENCE) == 0

        assert len(server.taken) == 3
        assert not daemon.said(r"job\.interrupted")
    assert outbox(due) == ["planned"] * (READERS - 3) + ["sent"] * 3


@pytest.mark.parametrize("stage", ["BANNER", "EHLO", "MAIL"])
def test_a_daemon_told_to_end_does_not_wait_for_a_server_that_hangs(due: Shell, stage: str) -> None:
    with (
        SmtpServer({stage: [Fault.HANG]}) as server,
        serving(due, **by_smtp(server)) as daemon,
    ):
        until(lambda: server.connections > 0)
        until(lambda: stage == "BANNER" or stage in server.verbs())
        code = daemon.end()

        assert code == 0
        assert not daemon.said(r"job\.interrupted")
    assert set(outbox(due)) <= {"planned", "deferred"}


def test_a_hangup_has_the_settings_read_anew(shell: Shell) -> None:
    shell("init")
    settings = shell.home / "config.toml"
    settings.write_text('[site]\ntitle = "The Early Lark"\n')
    with serving(shell) as daemon:
        assert "The Early Lark" in daemon.page()

        settings.write_text(
            '[site]\ntitle = "The Late Lark"\n[scheduler]\ninterval_seconds = 7\n'
            '[log]\nlevel = "debug"\n'
        )
        daemon.process.send_signal(signal.SIGHUP)

        until(lambda: bool(daemon.said(r"settings\.reloaded")))
        assert "The Late Lark" in daemon.page()
        assert daemon.said(r"(?=.*setting\.deferred).*scheduler\.interval_seconds")
        assert daemon.end() == 0


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ('[site]\ntitel = "misspelt"\n', r"site\.titel"),
        ("[site\n", r"config\.toml"),
        ('[dkim]\nselector = "nokey"\n', r"dkim\.pem"),
        ("[log]\nlevel = 'loud'\n", r"log\.level"),
    ],
)
def test_settings_that_are_broken_are_reported_and_the_old_ones_stay(
    shell: Shell, broken: str, problem: str
) -> None:
    shell("init")
    settings = shell.home / "config.toml"
    settings.write_text('[site]\ntitle = "The Early Lark"\n')
    with serving(shell) as daemon:
        settings.write_text(broken)
        daemon.process.send_signal(signal.SIGHUP)

        until(lambda: bool(daemon.said(r"settings\.rejected")))
        assert daemon.said(problem)
        assert "The Early Lark" in daemon.page()
        assert daemon.end() == 0
