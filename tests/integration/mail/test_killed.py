"""A process that delivers is killed (SIGKILL) at every turn of the conversation."""

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
from tests.helpers.factories import NOW, TODAY, add_papers, add_readers, picks_of
from tests.helpers.mail.smtp_server import Answer, Script, SmtpServer

from larkpost.db import editions
from larkpost.db.engine import Store
from larkpost.db.outbox import deliveries
from larkpost.domain import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Callable

READERS = 12
ROOT = Path(__file__).parents[3]

DELIVERING = """
import sys
from datetime import datetime
from tests.helpers.mail.outbox_helpers import PlainPress
from larkpost.mail.deliver import deliver
from larkpost.settings.model import SmtpSettings
from larkpost.db.engine import Store
from larkpost.transports.smtp import Relay

url, port, now = sys.argv[1:]
smtp = SmtpSettings(host="127.0.0.1", port=int(port), security="none")
deliver(
    Store(url), PlainPress(), lambda: Relay(smtp), now=datetime.fromisoformat(now), holder=now
)
"""


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


@pytest.fixture
def outbox(sqlite_url: str) -> str:
    """Plan one letter to each of a dozen readers; gives the URL of the database."""
    store = Store(sqlite_url)
    with store.begin() as connection:
        picks = picks_of(add_papers(connection, 2))
        for reader in add_readers(connection, READERS):
            editions.publish(
                connection,
                reader=reader,
                date=TODAY,
                picks=picks,
                now=NOW,
                next_slot=None,
                message_id=f"<{reader.uid}.{TODAY}@example.org>",
            )
    store.close()
    return sqlite_url


def test_a_process_killed_anywhere_loses_no_letter_and_doubles_none_without_doubt(
    outbox: str,
) -> None:
    killer = Killer()
    turns = [
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
    doubted = 0
    with SmtpServer(killer.script()) as server:
        for turn, fault in enumerate(turns):
            killer.turns = dict(fault)
            moment = (NOW + timedelta(minutes=10 * turn)).isoformat()
            command = [sys.executable, "-c", DELIVERING, outbox, str(server.port), moment]
            environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'daemon'}{os.pathsep}{ROOT}"}
            killer.victim = subprocess.Popen(command, cwd=ROOT, env=environment)
            code = killer.victim.wait(60)
            assert code == (-signal.SIGKILL if fault else 0)
            doubted += "DOT" in fault

        copies = Counter(arrived.recipient for arrived in server.arrived)
        assert len(copies) == READERS
        assert copies.total() <= READERS + doubted
        for recipient in copies:
            same = {a.content for a in server.arrived if a.recipient == recipient}
            assert len(same) == 1
    store = Store(outbox)
    with store.read() as connection:
        counts = deliveries.counts(connection)
    store.close()
    assert {state: n for state, n in counts.items() if n} == {DeliveryState.SENT: READERS}
