"""Moves work into a queue of its own once a handler knows that it is large."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request


class LargeWork(Exception):
    """Raised by a handler, before it changes anything, in a turn that is too short for its work."""


def wait_for_large_turn(request: Request) -> None:
    """Go on only in a turn for large work; raises LargeWork in any other."""
    if not getattr(request.state, "has_large_turn", False):
        raise LargeWork
