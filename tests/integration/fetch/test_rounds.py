"""A polling run of the daemon: under its lease, and safe from errors of one source."""

from __future__ import annotations

import sys
from dataclasses import replace
from subprocess import run
from typing import TYPE_CHECKING

import pytest
from tests.helpers.sources.polling_helpers import FRIDAY, HF_DAILY, Polling
from tests.helpers.sources.source_server import SourceServer, paper

from larkpost.bootstrap import build
from larkpost.errors import Busy, NoRoom
from larkpost.fetch import pages
from larkpost.ingest.ingest import ingest
from larkpost.scheduler.mutex import alone
from larkpost.scheduler.tick import poll, tick
from larkpost.settings import load
from larkpost.settings.polled_sources import PolledSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from larkpost.bootstrap import Program
    from larkpost.db.engine import Store

NOW = FRIDAY


@pytest.fixture
def program(tmp_path: Path, server: SourceServer) -> Iterator[Program]:
    """Build a program whose settings name the daily list of the server."""
    (tmp_path / "config.toml").write_text(
        '[[sources]]\nname = "hf-daily"\nallow_private = true\n'
        f'[fetch]\nhugging_face = "{server.url}"\n'
    )
    made = build(load(home=tmp_path, environ={}))
    made.prepare()
    yield made
    made.store.close()


def test_a_round_polls_what_is_due_and_the_next_one_nothing(
    program: Program, server: SourceServer
) -> None:
    (result,) = poll(program.tick_context, now=NOW).polled

    assert result.new == 7 * 8
    asked = len(server.requests)
    assert poll(program.tick_context, now=NOW).polled == []
    assert len(server.requests) == asked


def test_two_processes_never_poll_at_once_and_a_tick_goes_on_without(
    program: Program, server: SourceServer
) -> None:
    with alone(program.store, "poll"):
        with pytest.raises(Busy):
            poll(program.tick_context, now=NOW)
        done = tick(program.tick_context, now=NOW)

    assert server.requests == []
    assert done.troubles == {}


def test_a_round_without_a_source_writes_nothing(tmp_path: Path) -> None:
    made = build(load(home=tmp_path, environ={}))
    made.prepare()
    before = made.places.data.joinpath("larkpost.db-wal").stat().st_size

    assert poll(made.tick_context, now=NOW).polled == []
    assert made.places.data.joinpath("larkpost.db-wal").stat().st_size == before
    made.store.close()


def test_an_opml_file_that_is_gone_is_reported_and_keeps_no_source_away(
    program: Program, tmp_path: Path, server: SourceServer
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'{config.read_text()}\n[[sources]]\nopml = "gone.opml"\n')
    program = program.with_settings(load(home=tmp_path, environ={}))

    done = poll(program.tick_context, now=NOW)

    assert "gone.opml" in done.troubles["settings"]
    assert done.polled[0].new == 7 * 8


def test_an_answer_that_breaks_our_code_is_reported_and_stops_no_other_source(
    store: Store, server: SourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = ingest

    def breaks(*arguments: object, name: str, **more: object) -> object:
        if name.startswith("broken"):
            raise ZeroDivisionError("on one answer")
        return read(*arguments, name=name, **more)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(pages, "ingest", breaks)
    server.routes["/feed"] = server._papers({})
    broken = PolledSource("broken", f"{server.url}/feed", allow_private=True)
    polling = Polling(store, server, (broken, HF_DAILY))

    polling.poll()

    assert "ZeroDivisionError: on one answer" in polling.state("broken").problem_text
    assert polling.state("broken").next_poll_at > polling.now
    assert polling.state("hf-daily").problem is None


def test_while_the_disk_is_full_a_source_is_not_asked_at_every_round(
    store: Store, server: SourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> object:
        raise NoRoom("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(pages, "ingest", full)
        polling = Polling(store, server)
        polling.poll()
        polling.poll(seconds=30)
        assert len(server.requests) == 1

    assert polling.poll(minutes=5)[0].new == 7 * 8


def test_a_source_whose_address_changes_in_the_settings_begins_anew(
    store: Store, server: SourceServer
) -> None:
    feed = PolledSource("blog", f"{server.url}/gone", allow_private=True)
    polling = Polling(store, server, (feed,))
    polling.poll()
    assert polling.state("blog").problem == "gone"
    server.routes["/here"] = server._papers({})

    polling.sources = (replace(feed, address=f"{server.url}/here"),)
    polling.poll()
    assert polling.state("blog").problem is None

    polling.sources = ()
    polling.poll()
    with pytest.raises(StopIteration):
        polling.state("blog")


def test_papers_of_two_sources_are_one_and_both_sources_move(
    store: Store, server: SourceServer
) -> None:
    trending = PolledSource("hf-trending", "hf-trending", allow_private=True)
    polling = Polling(store, server, (HF_DAILY, trending))
    polling.poll()
    day = polling.now.date()
    server.days[day].append(paper(900, day=day))

    polling.poll(hours=7)

    assert len(polling.titles()) == 7 * 8 + 1
    for name in ("hf-daily", "hf-trending"):
        assert polling.state(name).last_news_at == polling.now


def test_the_http_library_is_imported_at_the_first_request_only() -> None:
    script = "import sys, larkpost.scheduler.tick; sys.exit('httpx2' in sys.modules)"

    assert run([sys.executable, "-c", script], check=False).returncode == 0
