"""Tests the daemon's tick, killed (SIGKILL) at every commit and at random times.

Then the outbox is checked.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.helpers.mail.smtp_server import SmtpServer

from larkpost.bootstrap import build
from larkpost.db import editions, readers
from larkpost.db.engine import Store
from larkpost.db.outbox import deliveries
from larkpost.domain import DeliveryState
from larkpost.packaged_files import shipped_path
from larkpost.readers import subscriptions
from larkpost.scheduler.tick import tick
from larkpost.settings import load

if TYPE_CHECKING:
    from larkpost.bootstrap import Program

READERS = 400  # more messages than are sent before the last run, however slow the machine
COMMITS = 44  # turns that are killed before or after the n-th commit, n = 1, 2, 3, …
AT_RANDOM = 12
ROOT = Path(__file__).parents[3]
EVENING = datetime(2026, 8, 7, 5, tzinfo=UTC)
AFTERWARDS = datetime(2026, 8, 8, 20, tzinfo=UTC)

# One interpreter that forks a child for each turn: a fresh one would take a second each time.
TICKING = """
import json, os, random, signal, sqlite3, sys, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlalchemy import event
from larkpost import logs
from larkpost.scheduler.tick import tick
from larkpost.bootstrap import build
from larkpost.settings import load
import larkpost.mail.deliver, larkpost.ranking.ranker, larkpost.render.renderer
import larkpost.transports.smtp

home, port, commits, at_random = Path(sys.argv[1]), *map(int, sys.argv[2:])
flags = {
    "inbox.stable_seconds": 0, "mail.transport": "smtp", "smtp.host": "127.0.0.1",
    "smtp.port": port, "smtp.security": "none",
}
dice = random.Random(5)
logs.configure("error", "json")
morning = datetime(2026, 8, 8, 6, 0, 1, tzinfo=UTC)

def turn(number, last):
    program = build(load(home=home, flags=flags, environ={}))
    points = [0]
    def point(*_):
        points[0] += 1
        if points[0] == last:
            os.kill(os.getpid(), signal.SIGKILL)
    event.listen(program.store.engine, "commit", point)
    event.listen(program.store.engine, "checkin", point)
    done = tick(program.tick_context, now=morning + timedelta(minutes=10 * number))
    os._exit(1 if done.troubles else 0)

def left_lying():
    with sqlite3.connect(home / "larkpost.db") as connection:
        # A minute passes: the lease of the dead process on the tick runs out.
        connection.execute("DELETE FROM lease")
        rows = connection.execute(
            "SELECT address FROM delivery JOIN reader ON reader.id = delivery.reader_id"
            " WHERE state = 'sending'"
        )
        return [address for address, in rows]

plan = [*range(1, commits + 1)]
for place in dice.sample(range(commits), at_random):
    plan.insert(place, None)
plan.append(0)
for number, last in enumerate(plan):
    child = os.fork()
    if child == 0:
        turn(number, last)
    if last is None:
        time.sleep(dice.uniform(0.05, 0.4))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps({"code": code, "doubt": left_lying()}), flush=True)
"""


def furnish(home: Path) -> Program:
    """Make a home with the sample's papers, and readers whose editions are due.

    The papers are read before the killing begins: a file that breaks the program three times is
    put aside, and that is another test.
    """
    program = build(load(home=home, flags={"inbox.stable_seconds": 0}, environ={}))
    program.prepare()
    sample = next(iter(sorted(shipped_path("seeds").glob("*.txt"))))
    shutil.copyfile(sample, program.places.inbox / sample.name)
    for number in range(READERS):
        subscriptions.add(program.store, f"reader{number}@example.org", now=EVENING)
    tick(program.tick_context, now=EVENING)
    program.store.close()
    return program


def ticked(home: Path, port: int) -> list[dict[str, Any]]:
    """Run the turns; returns for each how it ended and who was left in doubt."""
    command = [sys.executable, "-c", TICKING, str(home), str(port), str(COMMITS), str(AT_RANDOM)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'daemon'}{os.pathsep}{ROOT}"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def send_again(home: Path, port: int) -> set[str]:
    """Do what an operator does about messages in doubt; returns their readers."""
    smtp = {"smtp.host": "127.0.0.1", "smtp.port": port, "smtp.security": "none"}
    program = build(load(home=home, flags={"mail.transport": "smtp"} | smtp, environ={}))
    with program.store.begin() as connection:
        rows = deliveries.by_state(connection, [DeliveryState.UNKNOWN], limit=READERS)
        known = readers.many(connection, {row.reader_id or 0 for row in rows}).values()
        deliveries.reopen(connection, [row.id for row in rows], now=AFTERWARDS)
    done = tick(program.tick_context, now=AFTERWARDS)
    program.store.close()
    assert not done.troubles
    return {str(reader.address) for reader in known}


def test_a_daemon_killed_dozens_of_times_loses_nobody_and_doubles_only_what_was_in_doubt(
    tmp_path: Path,
) -> None:
    furnish(tmp_path)

    with SmtpServer(extensions=("PIPELINING",)) as server:
        turns = ticked(tmp_path, server.port)

        killed = [turn for turn in turns if turn["code"] == -signal.SIGKILL]
        assert len(killed) >= 40
        assert any(turn["doubt"] for turn in killed)
        assert turns[-1] == {"code": 0, "doubt": []}
        assert max(len(turn["doubt"]) for turn in turns) == 1
        doubts = Counter(address for turn in turns for address in turn["doubt"])
        # Twice in doubt is left to a person, who says: send it again.
        left = send_again(tmp_path, server.port)
        assert left <= {who for who, times in doubts.items() if times > 1}
        copies = Counter(arrived.recipient for arrived in server.arrived)
        assert len(copies) == READERS
        assert all(count <= 1 + doubts[who] for who, count in copies.items())
        for recipient in doubts:
            same = {a.content for a in server.arrived if a.recipient == recipient}
            assert len(same) == 1
    store = Store(f"sqlite:///{tmp_path / 'larkpost.db'}")
    with store.read() as connection:
        counts = deliveries.counts(connection)
        sent = deliveries.by_state(connection, [DeliveryState.SENT], limit=READERS)
        pages = editions.get_many(connection, [row.edition_id or 0 for row in sent])
    store.close()
    assert {state: n for state, n in counts.items() if n} == {DeliveryState.SENT: READERS}
    assert {len(page.picks) for page in pages.values()} == {10}
