"""Tests the readers of the ranking benchmark: their earlier papers, and their digests."""

from __future__ import annotations

import numpy as np
import pytest
from bench.support import readers
from tests.helpers.bench_worlds import CUT, a_world


def the_case(*, near: bool = False, k: int = 5, downs: str = "random") -> readers.Case:
    (case,) = readers.cases(a_world(), k, near=near, downs=downs)
    return case


def test_equally_near_papers_are_drawn_and_not_taken_in_the_order_of_their_days(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readers, "NEAREST", 45)
    world = a_world()
    (library,) = world.libraries

    found = [
        readers._nearest(world, library, world.pool, np.random.default_rng(seed))
        for seed in range(20)
    ]

    ages = [float((one - CUT).mean()) for one in found]
    assert all((one % 3 == 0).all() for one in found)  # of the reader's own corner
    assert np.mean(ages) == pytest.approx(150, abs=15)  # and from all days of it
    assert len(set(ages)) > 10


def test_a_case_is_the_same_at_every_call() -> None:
    first, second = the_case(near=True), the_case(near=True)

    np.testing.assert_array_equal(first.digest, second.digest)
    np.testing.assert_array_equal(first.downs, second.downs)


@pytest.mark.parametrize("near", [False, True])
@pytest.mark.parametrize("downs", ["random", "near", "none"])
def test_no_thumb_is_from_the_future_and_no_digest_from_the_past(near: bool, downs: str) -> None:
    case = the_case(near=near, downs=downs)

    (library,) = a_world().libraries
    assert case.ups.max() < CUT
    assert not len(case.downs) or case.downs.max() < CUT
    assert case.digest.min() >= CUT
    assert set(case.digest[case.liked]) <= set(library.after)
    assert not set(case.digest[~case.liked]) & set(library.after)
    assert not set(case.downs) & set(library.before)
    assert (case.liked.sum(), len(case.digest)) == (10, 100)


def test_thumbs_are_the_newest_papers_and_come_the_oldest_first() -> None:
    (library,) = a_world().libraries

    np.testing.assert_array_equal(the_case(k=5).ups, library.before[-5:])
