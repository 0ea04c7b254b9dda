"""Measures the daemon's feeds over HTTP against nginx, which serves the same bytes as a file.

    python -m bench.feeds --http [--rounds 5] [--seconds 3]

It needs nginx and wrk (Debian: nginx-light and wrk) and says so if they are missing. nginx has one
worker and no access log; `larkpost serve` runs unchanged, with a reader's Atom feed of 50 entries,
and checks for commits in SQLite at every response. "writing" is the same while another process
commits ten times per second. With 32 connections, sides interleaved, it measures requests per
second, CPU time per request, and the median of the rounds' ratios.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.request import urlopen

from bench.editions import OUT, papers

from larkpost.bootstrap import build
from larkpost.db import editions, readers
from larkpost.db import papers as shelf
from larkpost.db.coordination import job_status
from larkpost.domain import PaperRecord, Pick, TermWeight
from larkpost.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larkpost.bootstrap import Program

CONNECTIONS = 32
NGINX = """worker_processes 1; daemon off; master_process off;
pid {root}/pid; error_log stderr crit;
events {{ worker_connections 512; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
 client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fast;
 uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
 types {{ application/atom+xml atom; }}
 server {{ listen 127.0.0.1:{port}; root {root}/files; }} }}
"""


@dataclass(frozen=True)
class Side:
    """A server: its process, the URL of the feed, and the feed's ETag."""

    pid: int
    address: str
    etag: str


def missing() -> list[str]:
    """List the required programs that are not installed."""
    return [name for name in ("nginx", "wrk") if _found(name) is None]


def _found(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


def measure(rounds: int, seconds: int) -> dict[str, dict[str, float]]:
    """Return requests per second, CPU microseconds per request and ratios, by kind of response."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        program, key = populated(home / "home")
        ours = stack.enter_context(larkpost(home / "home", key))
        with urlopen(ours.address) as answer:  # noqa: S310 - loopback
            body = answer.read()
        theirs = stack.enter_context(nginx(home / "nginx", body))
        taken: list[dict[str, tuple[float, float]]] = []
        for _ in range(rounds):
            one = {
                f"{who} {kind}": load_of(side, seconds, known=kind == "304")
                for kind in ("200", "304")
                for who, side in (("nginx", theirs), ("larkpost", ours))
            }
            with writing(program):
                for kind in ("200", "304"):
                    one[f"writing {kind}"] = load_of(ours, seconds, known=kind == "304")
            taken.append(one)
        program.store.close()
    return {"bytes": {"body": float(len(body))}} | _summary(taken)


def _summary(taken: list[dict[str, tuple[float, float]]]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for name in taken[0]:
        _, kind = name.split()
        found[name] = {
            "requests_a_second": statistics.median(one[name][0] for one in taken),
            "cpu_us_a_request": statistics.median(one[name][1] for one in taken),
            "of_nginx": statistics.median(one[name][0] / one[f"nginx {kind}"][0] for one in taken),
        }
    return found


def load_of(side: Side, seconds: int, *, known: bool) -> tuple[float, float]:
    """Load a server with wrk; returns requests per second and CPU microseconds per request."""
    condition = ["-H", f"If-None-Match: {side.etag}"] if known else []
    command = [str(_found("wrk")), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *condition]
    before = _ticks(side.pid)
    said = subprocess.run(  # noqa: S603 - our own arguments
        [*command, side.address], capture_output=True, text=True, check=True
    ).stdout
    spent = _ticks(side.pid) - before
    if "Non-2xx" in said and not known:
        raise SystemExit(f"{side.address} failed under load:\n{said}")
    words = said.split()
    requests = int(words[words.index("requests") - 1])
    return float(words[words.index("Requests/sec:") + 1]), spent / requests * 10_000


def _ticks(pid: int) -> int:
    """Read the CPU time of a process in hundredths of a second (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def populated(home: Path) -> tuple[Program, str]:
    """Make a home whose reader has five editions of ten papers; returns their feed key."""
    program = build(load(home=home))
    program.prepare()
    drafts = [
        PaperRecord(
            title=one.title,
            abstract=one.abstract,
            identifiers=(one.identifier,),
            authors=one.authors,
            categories=one.categories,
            first_seen=OUT - timedelta(days=9),
        )
        for one in papers()
    ]
    with program.store.begin() as connection:
        ids = [one.paper_id for one in shelf.absorb(connection, drafts, now=OUT)]
        found = list(shelf.get(connection, ids).values())
        reader = readers.add(connection, address=None, now=OUT - timedelta(days=9))
    for back in range(5):
        picks = [
            Pick(
                paper,
                position,
                1.0,
                0.5,
                positive_terms=(TermWeight("routing", 1.0),),
                similar_paper=found[0],
            )
            for position, paper in enumerate(found[back * 10 : back * 10 + 10], 1)
        ]
        out = OUT - timedelta(days=5 - back)
        with program.store.begin() as connection:
            editions.publish(
                connection,
                reader=replace(reader),
                date=out.date(),
                picks=picks,
                now=out,
                next_slot=None,
                message_id=None,
            )
    return program, reader.feed_key


@contextmanager
def larkpost(home: Path, key: str) -> Iterator[Side]:
    """Run the daemon with us as a trusted proxy: a single visitor would be rate-limited."""
    port = _free_port()
    program = str(Path(sys.executable).with_name("larkpost"))
    command = [program, "--home", str(home), "serve", "--port", port]
    with _running(command, LARKPOST_WEB__TRUSTED_PROXIES="127.0.0.1") as process:
        yield _side(process, f"http://127.0.0.1:{port}/feed/{key}.atom")


@contextmanager
def nginx(root: Path, body: bytes) -> Iterator[Side]:
    """Run nginx, with the feed as a file."""
    (root / "files").mkdir(parents=True)
    (root / "files" / "feed.atom").write_bytes(body)
    root.chmod(0o755)
    port = _free_port()
    (root / "conf").write_text(NGINX.format(root=root, port=port))
    with _running([str(_found("nginx")), "-p", str(root), "-c", str(root / "conf")]) as process:
        yield _side(process, f"http://127.0.0.1:{port}/feed.atom")


@contextmanager
def _running(command: list[str], **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    environ = {**os.environ, **settings}
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environ)  # noqa: S603 - our own arguments
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _side(process: subprocess.Popen[bytes], address: str) -> Side:
    """Wait until a server answers; asks twice, so that the feed is cached."""
    for _ in range(200):
        try:
            with urlopen(address) as answer:  # noqa: S310 - loopback
                etag = answer.headers["ETag"]
            return Side(process.pid, address, etag)
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nothing answers at {address}")


@contextmanager
def writing(program: Program) -> Iterator[None]:
    """Commit ten times per second inside the context."""
    done = threading.Event()

    def write() -> None:
        number = 0
        while not done.wait(0.1):
            number += 1
            with program.store.begin() as connection:
                job_status.record(connection, "bench", ok=True, now=OUT + timedelta(seconds=number))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])
