"""Soaks a daemon with hostile and honest visitors side by side, and measures the honest ones.

    python -m bench.soak [--papers 3000] [--calm 30] [--seconds 180] [--data FOLDER] [--json]

`larkpost serve` as it is, on a SQLite home with some thousand papers and 102 readers; it ticks
every five seconds and sends its letters to a mail server on loopback. Ten honest visitors ask for
feeds, pages, searches, papers and votes, for ``--calm`` seconds alone and then ``--seconds`` beside
the attacks of bench/support/soak_attacks.py, each of which comes from a network of its own
(127.1.x.1). In between somebody subscribes, whose letter has to arrive.

It ends with 1 where the honest p99 is 250 ms or more, where an honest visitor was refused, where a
tick was skipped (two of them lie more than two periods apart), or where the letter did not come.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from bench.support.readers import data_folder
from bench.support.soak_attacks import Target, attacked
from bench.support.soak_visitors import Errand, Visits, ask, median, percentile, visiting
from bench.support.web_world import world

from larkpost.domain import Thumb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aiosmtpd.smtp import SMTP, Envelope, Session
    from bench.support.web_world import World

PROMISED = 0.25  # seconds, of which the honest p99 stays below
VISITORS = 10
TICK = 5.0  # seconds
LISTED = 5000  # titles of the lists that attackers bring
LETTER = 30.0  # seconds that the letter may come after the last attack
START = 120.0  # seconds that the daemon may take to answer
SUBSCRIBER = "somebody@example.org"


@dataclass
class Soaked:
    """The results: visits alone and under attack, gaps between ticks, and of the letter.

    ``tick`` is the period and ``gaps`` what lay between one tick and the next, in seconds;
    ``letter`` the seconds until the letter came, None if it did not.
    """

    calm: Visits
    attacked: Visits
    tick: float
    gaps: list[float] = field(default_factory=list)
    letter: float | None = None
    alive: bool = True

    @property
    def skipped(self) -> int:
        """Count the ticks that did not come in time."""
        return sum(gap > 2 * self.tick for gap in self.gaps)

    def breaches(self, most: float) -> list[str]:
        """Say what was not kept, with ``most`` seconds for the honest p99."""
        refused = [*self.calm.refused, *self.attacked.refused]
        p99 = self.attacked.p99()
        return [
            *([f"the honest p99 was {p99 * 1e3:.0f} ms"] if p99 >= most else []),
            *([f"{len(refused)} honest visits failed: {refused[:3]}"] if refused else []),
            *([f"{self.skipped} ticks were skipped"] if self.skipped else []),
            *(["there were no ticks"] if not self.gaps else []),
            *(["the letter did not come"] if self.letter is None else []),
            *([] if self.alive else ["the daemon died"]),
        ]


def _wait_for_letter(postbox: _Postbox) -> float | None:
    """Return the moment at which the subscriber's letter came; it may come a little later."""
    end = time.monotonic() + LETTER
    while SUBSCRIBER not in postbox.got and time.monotonic() < end:
        time.sleep(0.2)
    return postbox.got.get(SUBSCRIBER)


class _Postbox:
    """Takes letters, and knows who got one."""

    def __init__(self) -> None:
        self.got: dict[str, float] = {}

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take a letter."""
        for recipient in envelope.rcpt_tos:
            self.got.setdefault(recipient, time.monotonic())
        return "250 OK"


def soak(
    folder: Path,
    data: Path,
    *,
    papers: int,
    calm: float,
    seconds: float,
    tick: float = TICK,
    listed: int = LISTED,
) -> Soaked:
    """Soak a daemon whose home is made in ``folder``."""
    port, mail_port = _free_port(), _free_port()
    flags = {"site.base_url": f"http://127.0.0.1:{port}", "web.admin_link_version": 0}
    with ExitStack() as stack:
        now = datetime.now(UTC)
        made = stack.enter_context(world(folder, papers, data, now=now, flags=flags))
        errands, target = _errands(made), _target(made, port, listed)
        made.program.spaces.refresh(made.program.store, made.program.ranker, now=now)
        postbox = _Postbox()
        stack.enter_context(_mail_server(postbox, mail_port))
        daemon = stack.enter_context(_serving(folder, port, mail_port, tick))
        ticks = stack.enter_context(_ticks(folder / "larkpost.db"))
        _wait_for_ticks(ticks, daemon)
        for errand in errands:  # a first page of a kind takes longer, whoever else is there
            ask(port, "127.0.1.100", errand)
        with visiting(port, errands, visitors=VISITORS) as alone:
            time.sleep(calm)
        began = time.monotonic()
        with attacked(target), visiting(port, errands, visitors=VISITORS) as beside:
            time.sleep(seconds / 3)
            asked = time.monotonic()
            form = {"action": "mail", "address": SUBSCRIBER}
            ask(port, "127.0.1.100", Errand("subscribe", "/subscribe", form))
            time.sleep(max(0.0, began + seconds - time.monotonic()))
            alive, gaps = daemon.poll() is None, _gaps(ticks)
        came = _wait_for_letter(postbox)
        return Soaked(alone, beside, tick, gaps, came and came - asked, alive)


def _errands(made: World) -> list[Errand]:
    links, picks = made.program.links, made.edition.picks
    vote = made.path(links.vote(made.edition, 3, Thumb.UP))
    feed = made.path(links.feed(made.reader, "atom"))
    return [
        Errand("front", "/"),
        Errand("feed", feed),
        Errand("paper", made.path(links.paper(picks[0].paper.uid))),
        Errand("search", made.path(links.search("graph neural networks"))),
        Errand("feed", f"{feed}?min=0.1"),
        Errand("paper", made.path(links.paper(picks[7].paper.uid))),
        Errand("vote", vote, {}),
        Errand("search", made.path(links.search("quantization"))),
    ]


def _target(made: World, port: int, listed: int) -> Target:
    hostile = made.newcomer()
    page = made.path(made.program.links.page(hostile))
    return Target(port, page, tuple(pick.paper.id for pick in made.edition.picks), listed)


def _gaps(ticks: Sequence[datetime]) -> list[float]:
    """Return the seconds from each tick to the next, and from the last to the end."""
    ends = [*ticks, datetime.now(UTC)] if ticks else []
    return [(b - a).total_seconds() for a, b in pairwise(ends)]


@contextmanager
def _serving(
    home: Path, port: int, mail_port: int, tick: float
) -> Iterator[subprocess.Popen[bytes]]:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LARKPOST_WEB__PORT": str(port),
        "LARKPOST_SITE__BASE_URL": f"http://127.0.0.1:{port}",
        "LARKPOST_MAIL__TRANSPORT": "smtp",
        "LARKPOST_SMTP__HOST": "127.0.0.1",
        "LARKPOST_SMTP__PORT": str(mail_port),
        "LARKPOST_SMTP__SECURITY": "none",
        "LARKPOST_SCHEDULER__INTERVAL_SECONDS": str(tick),
    }
    program = str(Path(sys.executable).with_name("larkpost"))
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            [program, "--home", str(home), "serve"], env=environ, stderr=log
        )
        try:
            _wait_until_it_answers(port, process, home / "log")
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_it_answers(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START
    while time.monotonic() < end and process.poll() is None:
        if ask(port, "127.0.0.1", Errand("healthz", "/healthz")) == "200":
            return
        time.sleep(0.2)
    raise SystemExit(f"the daemon does not answer:\n{log.read_text()}")


def _wait_for_ticks(ticks: list[datetime], process: subprocess.Popen[bytes]) -> None:
    """Wait for the rounds of a start, which publish what is due, and forget when they were."""
    end = time.monotonic() + START
    while len(ticks) < 3:
        if time.monotonic() > end or process.poll() is not None:
            raise SystemExit("the daemon does not tick")
        time.sleep(0.2)
    del ticks[:-1]


@contextmanager
def _mail_server(postbox: _Postbox, port: int) -> Iterator[None]:
    server = Controller(postbox, hostname="127.0.0.1", port=port, server_hostname="mail.test")
    server.start()
    try:
        yield
    finally:
        server.stop()


@contextmanager
def _ticks(database: Path) -> Iterator[list[datetime]]:
    """Write down meanwhile when each tick began, as the daemon tells it in its database."""
    found: list[datetime] = []
    over = threading.Event()

    def look() -> None:
        address = f"file:{database}?mode=ro"
        query = "SELECT at FROM job_status WHERE kind = 'tick'"
        with closing(sqlite3.connect(address, uri=True, timeout=30)) as connection:
            while not over.wait(0.2):
                row = connection.execute(query).fetchone()
                at = _moment(row[0]) if row else None
                if at and (not found or at > found[-1]):
                    found.append(at)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join(60)


def _moment(told: str) -> datetime:
    """Read a moment as the store keeps it in SQLite: in UTC, without saying so."""
    return datetime.fromisoformat(told).replace(tzinfo=UTC)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def record(found: Soaked, most: float) -> dict[str, Any]:
    """Return all of it for a program; times in milliseconds, gaps in seconds."""
    return {
        name: {
            errand: {
                "visits": len(some),
                "p50": median(some) * 1e3,
                "p99": percentile(some, 99) * 1e3,
            }
            for errand, some in (*visits.seconds.items(), ("all", visits.all))
        }
        for name, visits in (("calm", found.calm), ("attacked", found.attacked))
    } | {
        "refused": [*found.calm.refused, *found.attacked.refused],
        "ticks": len(found.gaps),
        "longest_gap": max(found.gaps, default=0.0),
        "letter": found.letter,
        "breaches": found.breaches(most),
    }


def show(told: dict[str, Any]) -> None:
    """Print a table of visits, and the rest in sentences."""
    print(f"{'':8} {'alone':>25} {'beside attackers':>25}")
    print(f"{'':8} " + f"{'visits':>7} {'p50 ms':>8} {'p99 ms':>8} " * 2)
    for errand in told["calm"]:
        sides = (told[name][errand] for name in ("calm", "attacked"))
        columns = (f"{one['visits']:7} {one['p50']:8.1f} {one['p99']:8.1f}" for one in sides)
        print(f"{errand:8} {' '.join(columns)}")
    print(f"{told['ticks']} ticks, at most {told['longest_gap']:.1f} s apart")
    if told["letter"] is not None:
        print(f"the letter came after {told['letter']:.1f} s")
    for breach in told["breaches"]:
        print(f"NOT KEPT: {breach}")


def main() -> int:
    """Soak and print; 1 where something was not kept."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--papers", type=int, default=3000)
    arguments.add_argument("--calm", type=float, default=30.0, help="seconds without attackers")
    arguments.add_argument("--seconds", type=float, default=180.0, help="with them")
    arguments.add_argument("--data", type=Path, help="the folder with arxiv-background")
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    with TemporaryDirectory() as folder:
        found = soak(
            Path(folder),
            data_folder(given.data),
            papers=given.papers,
            calm=given.calm,
            seconds=given.seconds,
        )
    told = record(found, PROMISED)
    if given.json:
        print(json.dumps(told, indent=1))
    else:
        show(told)
    return int(bool(told["breaches"]))


if __name__ == "__main__":
    sys.exit(main())
