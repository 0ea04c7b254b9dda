"""Tests sources by command, and a daemon that makes the next day's edition from them."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.polling import until
from tests.helpers.sources.source_server import FAILURES, SourceServer, paper
from tests.helpers.web.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.helpers.cli_helpers import Shell

OPML = (
    '<opml version="2.0"><body><outline title="One" xmlUrl="https://a.example/feed"/>'
    '<outline title="Two" xmlUrl="https://b.example/feed"/></body></opml>'
)


def list_days(name: str) -> list[date]:
    """List the last five days with papers: for ``hf-daily`` working days, for others any."""
    today = datetime.now(UTC).date()
    days = (today - timedelta(days=ago) for ago in range(14))
    return [day for day in days if name != "hf-daily" or day.weekday() < 5][:5]


@contextmanager
def source_server(name: str = "", papers: int = 8) -> Iterator[SourceServer]:
    """Play Hugging Face, with so many papers on each of the last days of a source."""
    with SourceServer() as server:
        for ago, day in enumerate(list_days(name)):
            server.days[day] = [paper(100 * ago + n, day=day) for n in range(papers)]
        yield server


def settings(shell: Shell, server: SourceServer, *names: str) -> None:
    """Name sources in the settings file, and the server in place of the sites."""
    shell.home.mkdir(exist_ok=True)
    tables = "".join(f'[[sources]]\nname = "{name}"\nallow_private = true\n' for name in names)
    sites = "".join(f'{name} = "{server.url}"\n' for name in ("hugging_face", "arxiv", "arxiv_api"))
    fetch = f"[fetch]\n{sites}timeout = 2.0\n"
    (shell.home / "config.toml").write_text(f"{tables}{fetch}[scheduler]\ninterval_seconds = 0.2\n")


def query(shell: Shell, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(shell.home / "larkpost.db", timeout=30)) as database, database:
        return database.execute(sql).fetchall()


def let_it_poll(shell: Shell) -> None:
    """Make all sources due, and wait until each was polled."""
    rested = "SELECT 1 FROM polled_source WHERE next_poll_at < '2021-01-01' OR last_poll_at IS NULL"
    until(lambda: not query(shell, rested))
    query(shell, "UPDATE polled_source SET next_poll_at = '2020-01-01 00:00:00.000000'")
    until(lambda: not query(shell, rested))


def test_sources_are_added_listed_and_removed(shell: Shell) -> None:
    (added,) = shell.json("source", "add", "arXiv:cs.cl+cs.LG", "--every", 90)
    assert (added["name"], added["added"]) == ("arxiv:cs.CL+cs.LG", True)
    shell("source", "add", "https://a.example/feed", "--name", "A blog")

    assert shell.json("source", "add", "https://a.example/feed")[0]["added"] is False
    listed = {one["name"]: one for one in shell.json("source", "list")}
    assert set(listed) == {"arxiv:cs.CL+cs.LG", "A blog"}
    assert listed["arxiv:cs.CL+cs.LG"]["interval_minutes"] == 90
    assert listed["A blog"]["by"] == "command"
    assert "A blog" in shell("source", "list").out

    assert shell.json("source", "remove", "A blog")[0]["removed"] is True
    assert [one["name"] for one in shell.json("source", "list")] == ["arxiv:cs.CL+cs.LG"]
    assert "there is no source" in shell("source", "remove", "A blog", code=2).err


@pytest.mark.parametrize(
    "what", ["hf-dayly", "arxiv:cs.XX", "file:///etc/passwd", "gone.opml", "ftp://a.example/"]
)
def test_what_is_no_source_is_refused_and_nothing_is_added(shell: Shell, what: str) -> None:
    assert shell("source", "add", what, code=2).err
    assert shell.json("source", "list") == []


def test_the_feeds_of_an_opml_file_are_added_by_their_names(shell: Shell) -> None:
    (shell.folder / "feeds.opml").write_text(OPML)

    assert [one["name"] for one in shell.json("source", "add", "feeds.opml")] == ["One", "Two"]
    assert len(shell.json("source", "list")) == 2


def test_sources_of_the_settings_are_listed_and_not_removed_by_command(shell: Shell) -> None:
    shell.home.mkdir()
    (shell.home / "feeds.opml").write_text(OPML)
    (shell.home / "config.toml").write_text(
        '[[sources]]\nname = "hf-daily"\n[[sources]]\nopml = "feeds.opml"'
    )

    listed = shell.json("source", "list")

    assert [(one["name"], one["by"]) for one in listed] == [
        ("One", "settings"),
        ("Two", "settings"),
        ("hf-daily", "settings"),
    ]
    assert "in the settings file" in shell("source", "remove", "hf-daily", code=2).err


def test_a_source_is_checked_and_nothing_taken_in(shell: Shell) -> None:
    with source_server() as server:
        settings(shell, server, "hf-trending")
        (checked,) = shell.json("source", "check")
        assert (checked["ok"], checked["papers"]) == (True, 40)
        assert checked["first_title"]
        server.failure = FAILURES["HTML in place of JSON"]
        (bad,) = shell.json("source", "check", "hf-trending", code=1)
        assert bad["problem"]["kind"] == "shape"

    assert shell.json("papers") == []


def test_nothing_is_asked_until_a_source_is_named(shell: Shell) -> None:
    with source_server() as server:
        settings(shell, server)
        shell("tick")
        assert server.requests == []
        assert 'name = "hf-daily"' in shell("init").out


def test_a_tick_asks_the_sources_and_publishes_what_they_brought(shell: Shell) -> None:
    with source_server("hf-daily") as server:
        settings(shell, server, "hf-daily")
        (done,) = shell.json("tick")
        asked = len(server.requests)
        shell("tick")

    assert done["polled"][0]["new"] == 40
    assert len(server.requests) == asked  # not due yet
    (status,) = shell.json("status")
    assert status["sources"][0]["name"] == "hf-daily"
    assert status["sources"][0]["problem"] is None


@pytest.mark.parametrize("name", ["hf-daily", "hf-trending", "arxiv:cs.CL"])
def test_a_daemon_brings_the_next_day_s_edition_and_survives_each_failure(
    shell: Shell, name: str
) -> None:
    with source_server(name) as server:
        settings(shell, server, name)
        shell("reader", "add", "ann@example.org", "--at", "00:00")
        with serving(shell) as daemon:
            until(lambda: bool(query(shell, "SELECT 1 FROM paper")))
            for failure, reply in FAILURES.items():
                server.failure = reply
                let_it_poll(shell)
                (state,) = query(shell, "SELECT failures > 0, problem_text FROM polled_source")
                assert state[0], failure
                assert state[1], failure
                assert daemon.process.poll() is None, failure
            (status,) = shell.json("status")
            assert status["sources"][0]["problem"]["text"]

            server.failure = None
            newest = list_days(name)[0]
            server.days[newest] += [paper(7000 + n, day=newest) for n in range(5)]
            let_it_poll(shell)
            brought = {str(title) for (title,) in query(shell, "SELECT title FROM paper")}
            assert {str(item["title"]) for item in server.days[newest]} <= brought
            assert len(brought) == (13 if name.startswith("arxiv") else 45)
            slot = datetime.now(UTC) - timedelta(minutes=1)
            moment = f"{slot:%Y-%m-%d %H:%M:%S.%f}"
            query(shell, f"UPDATE reader SET next_slot = '{moment}'")  # noqa: S608 - a time
            until(lambda: bool(query(shell, "SELECT 1 FROM pick")))
            assert daemon.end() == 0

    (status,) = shell.json("status")
    assert status["sources"][0]["problem"] is None
