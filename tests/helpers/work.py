"""Counts work, so that a test of a cost does not depend on the machine's speed."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from larkpost.errors import LarkpostError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


def executed_lines(work: Callable[[], object]) -> int:
    """Return how many lines of Python the work executes, even if it ends with one of our errors."""
    count = 0

    def trace(_frame: FrameType, event: str, _value: object) -> object:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]  # that of typeshed is recursive
    try:
        with suppress(LarkpostError):
            work()
    finally:
        sys.settrace(before)
    return count
