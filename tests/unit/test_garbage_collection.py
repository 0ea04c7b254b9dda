"""Tests that the garbage collector does not scan permanent objects again."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from larkpost.garbage_collection import DAEMON, shorten_collections
from larkpost.serve import free_memory_after

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_is_here_is_not_looked_at_again_and_few_objects_at_a_time() -> None:
    shorten_collections()

    assert gc.get_threshold()[0] == DAEMON[0]
    assert gc.get_freeze_count() > len(gc.get_objects())


def test_collections_are_shortened_after_the_first_round_even_where_it_fails() -> None:
    rounds: list[int] = []

    def work() -> None:
        rounds.append(gc.get_freeze_count())
        if len(rounds) == 1:
            raise OSError("no disk")

    gc.unfreeze()
    tick = free_memory_after(lambda _program, _moved: work())
    with pytest.raises(OSError, match="no disk"):
        tick(None, lambda: None)  # type: ignore[arg-type]  # no program is needed
    frozen = gc.get_freeze_count()
    gc.unfreeze()
    tick(None, lambda: None)  # type: ignore[arg-type]  # as above

    assert frozen > 0
    assert rounds == [0, 0]
    assert gc.get_freeze_count() == 0
