"""Tests delivery that is killed (SIGKILL) at every step of the SMTP conversation."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import NOW
from tests.helpers.mail.every_kind import KINDS, queue, rows
from tests.helpers.mail.smtp_server import Answer, Script, SmtpServer

from larkpost.db.engine import Store
from larkpost.domain import MessageKind

if TYPE_CHECKING:
    from collections.abc import Callable

READERS = 12
ROOT = Path(__file__).parents[3]

DELIVERING = """
import sys
from datetime import datetime
from tests.helpers.mail.outbox_helpers import PlainRenderer
from larkpost.mail.deliver import deliver
from larkpost.settings.model import SmtpSettings
from larkpost.db.engine import Store
from larkpost.transports.smtp import Relay

url, port, now = sys.argv[1:]
smtp = SmtpSettings(host="127.0.0.1", port=int(port), security="none")
deliver(
    Store(url), PlainRenderer(), lambda: Relay(smtp), now=datetime.fromisoformat(now), holder=now,
    operator="boss@example.org",
)
"""


# In each turn the process is killed the n-th time that a verb is heard; in the last it is not.
TURNS: list[dict[str, int]] = [
    {"BANNER": 1},
    {"EHLO": 1},
    {"MAIL": 2},
    {"RCPT": 1},
    {"DATA": 2},
    {"DOT": 1},
    {"DOT": 3},
    {"MAIL": 1},
    {},
]
TURNS_OF_ONE: list[dict[str, int]] = [
    {"BANNER": 1},
    {"EHLO": 1},
    {"DOT": 1},
    {},
]


class Killer:
    """Kills the delivering process the n-th time a verb is heard."""

    def __init__(self) -> None:
        self.victim: subprocess.Popen[bytes] | None = None
        self.turns: dict[str, int] = {}

    def __call__(self, verb: str) -> Answer:
        if verb in self.turns:
            self.turns[verb] -= 1
            if self.turns[verb] == 0 and self.victim is not None:
                os.kill(self.victim.pid, signal.SIGKILL)
                self.victim.wait()
        return None

    def script(self) -> Script:
        verbs = ("BANNER", "EHLO", "MAIL", "RCPT", "DATA", "DOT", "QUIT")
        return {verb: self._hears(verb) for verb in verbs}

    def _hears(self, verb: str) -> Callable[[str], Answer]:
        return lambda _line: self(verb)


def settled(url: str, kind: MessageKind) -> bool:
    """Return whether nothing waits: of an edition the row stays, of another kind nothing does."""
    store = Store(url)
    left = rows(store)
    store.close()
    return left == ([("edition", "sent")] * READERS if kind is MessageKind.EDITION else [])


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_killed_anywhere_loses_no_message_and_doubles_none_without_doubt(
    sqlite_url: str, kind: MessageKind
) -> None:
    store = Store(sqlite_url)
    to = queue(store, kind, READERS)
    store.close()
    killer = Killer()
    doubted = 0
    with SmtpServer(killer.script()) as server:
        for turn, fault in enumerate(TURNS if len(to) > 1 else TURNS_OF_ONE):
            killer.turns = dict(fault)
            moment = (NOW + timedelta(minutes=10 * turn)).isoformat()
            command = [sys.executable, "-c", DELIVERING, sqlite_url, str(server.port), moment]
            environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'daemon'}{os.pathsep}{ROOT}"}
            killer.victim = subprocess.Popen(command, cwd=ROOT, env=environment)
            code = killer.victim.wait(60)
            assert code == (-signal.SIGKILL if fault else 0)
            doubted += "DOT" in fault

        copies = Counter(arrived.recipient for arrived in server.arrived)
        assert set(copies) == set(to)
        assert copies.total() <= len(to) + doubted
        for recipient in copies:
            same = {a.content for a in server.arrived if a.recipient == recipient}
            assert len(same) == 1
    assert settled(sqlite_url, kind)
