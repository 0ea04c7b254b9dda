"""Tests that writers wait in order of arrival, however many come later."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest

from larkpost.db.coordination.writer_queue import WriterQueue
from larkpost.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = 60.0


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_turns_come_in_the_order_of_asking() -> None:
    queue, begun, first = WriterQueue("db"), list[int](), Event()

    def write(number: int) -> None:
        with queue.slot(LONG):
            begun.append(number)
            if number == 0:
                first.wait(LONG)

    with ThreadPoolExecutor(8) as pool:
        for number in range(8):
            pool.submit(write, number)
            wait_until(lambda: len(begun) + len(queue) == number + 1)  # noqa: B023 - at once
        first.set()

    assert begun == list(range(8))


def test_who_waits_too_long_is_told_so_and_takes_no_turn() -> None:
    queue = WriterQueue("larkpost.db")
    refusal = pytest.raises(Busy, match=r"larkpost\.db is being written to")
    with queue.slot(LONG), refusal, queue.slot(0.01):
        pass
    with queue.slot(0.01):
        assert len(queue) == 0


def test_a_turn_ends_with_an_error() -> None:
    queue = WriterQueue("db")
    with pytest.raises(ValueError, match="broken"), queue.slot(LONG):
        raise ValueError("broken")
    with queue.slot(0.01):
        assert len(queue) == 0
