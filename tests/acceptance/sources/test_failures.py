"""Tests a daemon with a source for each failure: each is reported, and papers still arrive."""

from __future__ import annotations

import json
import sqlite3
import ssl
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.request import urlopen

import trustme
from tests.helpers.mail.smtp_server import free_port
from tests.helpers.polling import PATIENCE, until
from tests.helpers.sources.source_server import (
    BOMB,
    DRIP,
    WEB_PAGE,
    Reply,
    SourceServer,
    half,
    paper,
    redirect,
    too_many,
)
from tests.helpers.web.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.helpers.cli_helpers import Shell

# What becomes of each source: the kind of its problem, as docs/sources.md has it.
PROBLEMS = {
    "hf-daily": None,
    "arxiv:cs.CL": None,
    "lying-etag": None,
    "moved": None,
    "same-for-weeks": "stopped",
    "web-page": "shape",
    "error-as-json": "shape",
    "empty-answer": "shape",
    "no-papers-any-more": "empty",
    "half-a-body": "cut",
    "ten-gigabytes": "too-large",
    "slow-drip": "timeout",
    "not-found": "gone",
    "no-address": "redirects",
    "round-and-round": "redirects",
    "inwards": "private-address",
    "redirect-inwards": "private-address",
    "broken-tls": "tls",
    "nobody-there": "unreachable",
    "busy": "rate-limited",
    "failing": "http-status",
}
# Told to the operator at once; others of the network after six hours without an answer.
AT_ONCE = {"stopped", "shape", "empty", "too-large", "gone", "redirects", "private-address"}


def listed(numbers: Iterable[int], day: date) -> bytes:
    return json.dumps([paper(number, day=day) for number in numbers]).encode()


@dataclass
class LyingFeed:
    """Says that nothing has changed, whatever comes."""

    numbers: list[int]
    day: date = field(default_factory=lambda: datetime.now(UTC).date())

    def __call__(self, headers: Mapping[str, str]) -> Reply:
        if headers.get("If-None-Match"):
            return Reply(status=304)
        return Reply(listed(self.numbers, self.day), headers={"ETag": '"always"'})


@dataclass
class World:
    """The servers of all sources, and the settings that name them."""

    good: SourceServer
    busy: SourceServer
    broken: SourceServer
    lying: LyingFeed = field(default_factory=lambda: LyingFeed([6001, 6002]))

    def __post_init__(self) -> None:
        """Put a source for each failure on the servers."""
        self.today = datetime.now(UTC).date()
        for ago in range(5):
            day = self.today - timedelta(days=ago)
            self.good.days[day] = [paper(100 * ago + n, day=day) for n in range(8)]
        many = Reply(listed(range(6101, 6107), self.today))
        self.good.routes |= {
            "/lying-etag": self.lying,
            "/moved": redirect("/new"),
            "/new": Reply(listed([6201], self.today)),
            "/same-for-weeks": Reply(listed([6301], self.today)),
            "/web-page": Reply(WEB_PAGE, headers={"Content-Type": "text/html"}),
            "/error-as-json": Reply(b'{"error":"Internal Error"}'),
            "/empty-answer": Reply(b""),
            "/no-papers-any-more": many,
            "/half-a-body": half(many.body),
            "/ten-gigabytes": BOMB,
            "/slow-drip": DRIP,
            "/redirect-inwards": redirect(f"{self.busy.url}/admin", 302),
            "/no-address": redirect("file:///etc/passwd"),
            "/round-and-round": redirect("/round-and-round", 302),
            "/failing": Reply(b"Backend fetch failed", 500),
        }
        self.busy.failure = too_many("7200")

    def settings(self) -> str:
        """Write the settings: two lines for each source, and what makes the test short."""
        elsewhere = {
            "broken-tls": f"{self.broken.url}/feed",
            "nobody-there": f"http://127.0.0.1:{free_port()}/feed",
            "busy": f"{self.busy.url}/feed",
        }
        tables = []
        for name in PROBLEMS:
            known = name in ("hf-daily", "arxiv:cs.CL")
            url = "" if known else f'url = "{elsewhere.get(name, f"{self.good.url}/{name}")}"\n'
            private = "false" if name == "inwards" else "true"
            tables.append(f'[[sources]]\nname = "{name}"\n{url}allow_private = {private}\n')
        return (
            f'{"".join(tables)}[fetch]\nhugging_face = "{self.good.url}"\n'
            f'arxiv = "{self.good.url}"\narxiv_api = "{self.good.url}"\n'
            "timeout = 3.0\nmax_megabytes = 1\n"
            '[mail]\nadmin_address = "boss@example.org"\n[web]\nadmin_link_version = 1\n'
            "[scheduler]\ninterval_seconds = 0.2\n"
        )


def query(shell: Shell, sql: str, *values: object) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(shell.home / "larkpost.db", timeout=30)) as database, database:
        return database.execute(sql, values).fetchall()


def let_all_poll(shell: Shell) -> None:
    """Make all sources due, and wait until each was polled."""
    waiting = "SELECT 1 FROM polled_source WHERE next_poll_at < '2021-01-01'"
    query(shell, "UPDATE polled_source SET next_poll_at = '2020-01-01 00:00:00.000000'")
    until(lambda: not query(shell, waiting))


def pass_weeks(shell: Shell, world: World) -> None:
    """Let weeks pass for the sources whose failure takes so long, and their papers change."""
    ago = f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%d %H:%M:%S.%f}"
    query(shell, "UPDATE polled_page SET whole_at = ? WHERE source = 'lying-etag'", ago)
    query(
        shell,
        "UPDATE polled_source SET last_news_at = ?1, watched_since = ?1"
        " WHERE name = 'same-for-weeks'",
        ago,
    )
    world.lying.numbers.append(6003)
    world.good.routes["/no-papers-any-more"] = Reply(b"[]")


def admin_page(shell: Shell, log: str) -> str:
    """Open the admin page of the daemon that wrote this log."""
    base = log.partition("Larkpost is up: ")[2].split()[0].rstrip("/")
    path = shell("admin").out.partition("/admin/")[2].strip()
    with urlopen(f"{base}/admin/{path}", timeout=PATIENCE) as answer:  # noqa: S310 - loopback
        return str(answer.read().decode())


def test_a_daemon_survives_every_failure_at_once_and_tells_each(shell: Shell) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with ExitStack() as stack:
        world = World(
            good=stack.enter_context(SourceServer()),
            busy=stack.enter_context(SourceServer(host="127.0.0.2")),
            broken=stack.enter_context(SourceServer(certificate=context)),
        )
        shell.home.mkdir(exist_ok=True)
        (shell.home / "config.toml").write_text(world.settings())
        shell("reader", "add", "ann@example.org", "--at", "00:00")
        daemon = stack.enter_context(serving(shell))
        first = "SELECT count(*) FROM polled_source WHERE last_poll_at IS NOT NULL"
        until(lambda: query(shell, first) == [(len(PROBLEMS),)])
        pass_weeks(shell, world)
        let_all_poll(shell)

        listed_sources = {one["name"]: one for one in shell.json("source", "list")}
        (status,) = shell.json("status")
        found = {
            name: one["problem"] and one["problem"]["kind"] for name, one in listed_sources.items()
        }
        assert found == PROBLEMS
        assert listed_sources["moved"]["moved_to"] == f"{world.good.url}/new"
        assert all(one["problem"]["text"] for one in listed_sources.values() if one["problem"])
        assert {one["name"]: one["problem"] for one in status["sources"]} == {
            name: one["problem"] for name, one in listed_sources.items()
        }

        titles = {str(title) for (title,) in query(shell, "SELECT title FROM paper")}
        for number in (6001, 6003, 6101, 6201, 6301):
            assert any(f"Study {number}:" in title for title in titles), number
        assert {str(item["title"]) for item in world.good.days[world.today]} <= titles

        slot = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%d %H:%M:%S.%f}"
        query(shell, "UPDATE reader SET next_slot = ?", slot)
        until(lambda: bool(query(shell, "SELECT 1 FROM pick")))
        report = "SELECT payload FROM delivery WHERE kind = 'operator_report'"
        until(lambda: bool(query(shell, report)))
        ((payload,),) = query(shell, report)
        page = admin_page(shell, daemon.log.read_text())
        for name, kind in PROBLEMS.items():
            if kind:
                assert name in page, name
            assert (f"source {name} has a problem" in str(payload)) == (kind in AT_ONCE), name
        assert daemon.process.poll() is None
        assert daemon.end() == 0
