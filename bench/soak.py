"""Soaks a daemon with hostile and honest visitors at the same time, and measures the honest ones.

    python -m bench.soak [--papers 3000] [--calm 30] [--seconds 180] [--data FOLDER] [--json]

`larkpost serve` runs unchanged, on a SQLite home with some thousand papers and 102 readers; it
ticks every five seconds and sends messages to a mail server on loopback. Ten honest visitors
request feeds, pages, searches, papers and votes, for ``--calm`` seconds alone and for ``--seconds``
during the attacks of bench/support/soak_attacks.py, each of which has its own network (127.1.x.1).
Meanwhile somebody subscribes, and the message to them has to arrive.

It exits with 1 if the honest p99 is 250 ms or more, an honest visitor was refused, a tick was
skipped (more than two periods between two ticks), or the message did not arrive.
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

PROMISED = 0.25  # seconds; the honest p99 must be below this
VISITORS = 10
TICK = 5.0  # seconds
LISTED = 5000  # titles per list that attackers import
NEWSLETTER = 30.0  # seconds within which the message must arrive after the last attack
START = 120.0  # seconds within which the daemon must answer
SUBSCRIBER = "somebody@example.org"


@dataclass
class Soaked:
    """The results: visits without and with attacks, gaps between ticks, and the message.

    ``tick`` is the period, ``gaps`` are the times between ticks, in seconds; ``newsletter`` is the
    number of seconds until the message came, None if it did not.
    """

    calm: Visits
    attacked: Visits
    tick: float
    gaps: list[float] = field(default_factory=list)
    newsletter: float | None = None
    alive: bool = True

    @property
    def skipped(self) -> int:
        """Count the ticks that did not come in time."""
        return sum(gap > 2 * self.tick for gap in self.gaps)

    def breaches(self, most: float) -> list[str]:
        """Describe the broken conditions, with ``most`` seconds for the honest p99."""
        refused = [*self.calm.refused, *self.attacked.refused]
        p99 = self.attacked.p99()
        return [
            *([f"the honest p99 was {p99 * 1e3:.0f} ms"] if p99 >= most else []),
            *([f"{len(refused)} honest visits failed: {refused[:3]}"] if refused else []),
            *([f"{self.skipped} ticks were skipped"] if self.skipped else []),
            *(["there were no ticks"] if not self.gaps else []),
            *(["the newsletter did not come"] if self.newsletter is None else []),
            *([] if self.alive else ["the daemon died"]),
        ]


def _wait_for_newsletter(postbox: _Postbox) -> float | None:
    """Return when the subscriber's message came; waits a little for it."""
    end = time.monotonic() + NEWSLETTER
    while SUBSCRIBER not in postbox.got and time.monotonic() < end:
        time.sleep(0.2)
    return postbox.got.get(SUBSCRIBER)


class _Postbox:
    """Accepts messages, and records their recipients."""

    def __init__(self) -> None:
        self.got: dict[str, float] = {}

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Accept a message."""
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
    """Soak a daemon with a new home in ``folder``."""
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
        for errand in errands:  # the first page of each kind takes longer, even without attacks
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
        came = _wait_for_newsletter(postbox)
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
    """Return the seconds from each tick to the next, and from the last one to the end."""
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
    """Wait for the first ticks, which publish what is due, and do not count their times."""
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
    """Record when each tick began, as the database says, inside the context."""
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
    """Parse a time as it is stored in SQLite: in UTC, without a zone."""
    return datetime.fromisoformat(told).replace(tzinfo=UTC)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def record(found: Soaked, most: float) -> dict[str, Any]:
    """Return the results as JSON values: times in milliseconds, gaps in seconds."""
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
        "newsletter": found.newsletter,
        "breaches": found.breaches(most),
    }


def show(told: dict[str, Any]) -> None:
    """Print a table of visits, and the other results as sentences."""
    print(f"{'':8} {'alone':>25} {'beside attackers':>25}")
    print(f"{'':8} " + f"{'visits':>7} {'p50 ms':>8} {'p99 ms':>8} " * 2)
    for errand in told["calm"]:
        sides = (told[name][errand] for name in ("calm", "attacked"))
        columns = (f"{one['visits']:7} {one['p50']:8.1f} {one['p99']:8.1f}" for one in sides)
        print(f"{errand:8} {' '.join(columns)}")
    print(f"{told['ticks']} ticks, at most {told['longest_gap']:.1f} s apart")
    if told["newsletter"] is not None:
        print(f"the newsletter came after {told['newsletter']:.1f} s")
    for breach in told["breaches"]:
        print(f"NOT KEPT: {breach}")


def main() -> int:
    """Soak and print; returns 1 if a condition was broken."""
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
