"""Tests what the daemon reads beside its ticks when it is stopped."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import NOW

from larkpost.cli.daemon_jobs import DaemonJobs
from larkpost.db import papers
from larkpost.errors import TryAgainLater
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.ingest import ingest as ingesting
from larkpost.ingest.ingest import ingest
from larkpost.ingest.transaction_limit import TransactionLimit
from larkpost.scheduler.side_work import SideWork
from larkpost.serve.jobs import run_jobs

if TYPE_CHECKING:
    from pathlib import Path

    from larkpost.db.engine import Store
    from larkpost.inbound.process import InboundKind
    from larkpost.ingest.inbox import Taken

SOON = 0.01  # seconds


def test_the_daemon_ends_after_the_file_that_it_reads_was_put_back() -> None:
    jobs, stopping = DaemonJobs(SideWork("inbox", SOON)), threading.Event()
    put_back: list[str] = []

    def read() -> list[Taken]:
        stopping.wait()
        time.sleep(0.2)  # to the end of its transaction
        put_back.append("a file")
        return []

    assert jobs.inbox_work.do(read) is None  # it goes on

    with run_jobs({}, {}, jobs.finish):
        stopping.set()

    assert put_back == ["a file"]


def test_it_does_not_wait_for_a_file_that_does_not_end() -> None:
    jobs, go_on = DaemonJobs(mail_work=SideWork("inbound", SOON)), threading.Event()

    def read() -> Counter[InboundKind]:
        go_on.wait()
        return Counter()

    assert jobs.mail_work.do(read) is None

    jobs.finish(SOON)

    assert jobs.mail_work.is_going_on
    go_on.set()


def test_a_dump_is_put_back_between_two_of_its_transactions(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (
        json.dumps({"title": f"Paper {n} on larks", "abstract": f"{n} " * 9}) for n in range(2_000)
    )
    dump = tmp_path / "dump.jsonl"
    dump.write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(TransactionLimit, "is_reached", lambda _limit: True)

    def count() -> int:
        with store.read() as connection:
            return papers.count(connection)

    def stop(_done: int, _size: int) -> None:
        if count():
            raise TryAgainLater("Larkpost was stopped")

    with pytest.raises(TryAgainLater):
        ingest(store, DUMP_FORMATS, dump, now=NOW, progress=stop)

    assert count() == ingesting.SLICE
