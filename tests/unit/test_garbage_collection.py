"""The garbage collector is set back by the last one out."""

from __future__ import annotations

import gc

from larkpost.garbage_collection import collect_rarely


def test_thresholds_are_raised_within_and_set_back_by_the_last_one_out() -> None:
    usual = gc.get_threshold()
    first, second = collect_rarely(), collect_rarely()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold()[0] > usual[0]
    second.__exit__(None, None, None)
    assert gc.get_threshold() == usual
