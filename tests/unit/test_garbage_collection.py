"""Tests that the garbage collector does not scan long-lived objects again."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from larkpost.garbage_collection import DAEMON, CollectionPauses
from larkpost.serve import free_memory_after

if TYPE_CHECKING:
    from collections.abc import Iterator


class Ring:
    """An object that refers to itself, so that only the collector frees it."""

    def __init__(self) -> None:
        self.ring = self


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_is_here_is_not_looked_at_again_and_few_objects_at_a_time() -> None:
    CollectionPauses().shorten()

    assert gc.get_threshold() == DAEMON
    assert gc.get_freeze_count() > len(gc.get_objects())


def test_what_came_since_is_exempted_after_each_power_of_two_of_ticks() -> None:
    pauses, exempted, lasting = CollectionPauses(), [], []
    for tick in range(1, 34):
        lasting.append([tick])
        pauses.shorten()
        if not any(one is lasting[-1] for one in gc.get_objects()):
            exempted.append(tick)

    assert exempted == [1, 2, 4, 8, 16, 32]


def test_garbage_is_collected_before_the_rest_is_exempted() -> None:
    ring = Ring()
    alive = weakref.ref(ring)

    del ring
    CollectionPauses().shorten()

    assert alive() is None


def test_collections_are_shortened_after_the_first_tick_even_where_it_fails() -> None:
    rounds: list[int] = []

    def work() -> None:
        rounds.append(gc.get_freeze_count())
        if len(rounds) == 1:
            raise OSError("no disk")

    gc.unfreeze()
    tick = free_memory_after(lambda _program, _moved: work())
    with pytest.raises(OSError, match="no disk"):
        tick(None, lambda: None)  # type: ignore[arg-type]  # no program is needed
    tick(None, lambda: None)  # type: ignore[arg-type]  # as above

    assert rounds[0] == 0
    assert rounds[1] > 0
