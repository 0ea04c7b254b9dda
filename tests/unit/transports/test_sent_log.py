"""Tests the log of sent messages: shared for weeks; if it fails, messages are still sent."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from larkpost.domain import Message
from larkpost.errors import Deferred
from larkpost.transports.sent_log import DAYS, SentLog, SkipAlreadySent

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 8, 7)


class Road:
    """Accepts messages, or defers them all."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.taken: list[str] = []

    def ready(self) -> None:
        pass

    def send(self, message: Message) -> None:
        if self.fault:
            raise self.fault
        self.taken.append(message.message_id)


def message(number: int) -> Message:
    return Message("a@example.org", "b@example.org", f"<{number}@example.org>", b"\r\n")


def sent(folder: Path, *numbers: int, day: date = TODAY) -> list[str]:
    open_transport = Road()
    with SentLog(folder, day) as log:
        for number in numbers:
            SkipAlreadySent(open_transport, log).send(message(number))
    return open_transport.taken


def test_what_was_sent_does_not_go_again(tmp_path: Path) -> None:
    assert sent(tmp_path / "sent", 1, 2) == ["<1@example.org>", "<2@example.org>"]
    assert sent(tmp_path / "sent", 2, 3, day=TODAY + timedelta(days=1)) == ["<3@example.org>"]


def test_what_was_put_off_goes_again(tmp_path: Path) -> None:
    with SentLog(tmp_path, TODAY) as log, pytest.raises(Deferred):
        SkipAlreadySent(Road(Deferred("later")), log).send(message(1))

    assert sent(tmp_path, 1) == ["<1@example.org>"]


def test_the_log_keeps_forty_days_on_which_anything_was_sent(tmp_path: Path) -> None:
    for number in range(DAYS + 5):
        sent(tmp_path, number, day=TODAY + timedelta(weeks=number))
    later = TODAY + timedelta(weeks=99)

    assert len(list(tmp_path.iterdir())) <= DAYS + 1
    assert sent(tmp_path, 6, day=later) == []
    assert sent(tmp_path, 0, day=later) == ["<0@example.org>"]


def test_processes_that_send_at_once_lose_no_line(tmp_path: Path) -> None:
    write = (
        "import sys; from datetime import date; from pathlib import Path;"
        "from larkpost.transports.sent_log import SentLog;"
        "log = SentLog(Path(sys.argv[1]), date(2026, 8, 7)).__enter__();"
        "[log.add(f'<{sys.argv[2]}.{n}@x>') for n in range(2_000)]"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", write, str(tmp_path), str(n)]) for n in range(3)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]

    log = SentLog(tmp_path, TODAY)
    assert all(f"<{who}.{n}@x>" in log for who in range(3) for n in range(2_000))
    assert "<3.0@x>" not in log


def test_nobody_is_named_in_it(tmp_path: Path) -> None:
    sent(tmp_path, 1)

    assert b"example.org" not in next(tmp_path.iterdir()).read_bytes()


@pytest.mark.parametrize("spoilt", [b"", b"\x00\xff", b"half a li"])
def test_a_spoilt_log_stops_no_message(tmp_path: Path, spoilt: bytes) -> None:
    (tmp_path / f"{TODAY}.log").write_bytes(spoilt)

    assert sent(tmp_path, 1, 2) == ["<1@example.org>", "<2@example.org>"]


def test_a_log_that_cannot_be_written_stops_no_message(tmp_path: Path) -> None:
    (tmp_path / "sent").write_text("a file where the folder should be")

    assert sent(tmp_path / "sent", 1, 2) == ["<1@example.org>", "<2@example.org>"]
