"""Tests that the bytes of bodies are limited, and freed whatever happens."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from starlette.exceptions import HTTPException

from larkpost.web.limits.byte_budget import AT_A_TIME, ByteBudget, body_budget


def test_the_bytes_of_bodies_are_bounded_for_a_network_and_in_all() -> None:
    budget = ByteBudget(100, per_network=60)
    with budget.reserve("a") as first, budget.reserve("b") as second, budget.reserve("c") as third:
        first.grow(60)
        with pytest.raises(HTTPException) as refusal:
            first.grow(1)
        second.grow(40)
        with pytest.raises(HTTPException):
            third.grow(1)

    assert refusal.value.status_code == 503
    assert int((refusal.value.headers or {})["Retry-After"]) > 0
    assert budget.held == 0
    with budget.reserve("a") as again:
        again.grow(60)
    assert budget.held == 0


def test_the_bytes_of_a_body_that_broke_are_given_back() -> None:
    budget = ByteBudget(100, per_network=60)

    def read_a_form() -> None:
        with budget.reserve("a") as body:
            body.grow(60)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        read_a_form()
    assert budget.held == 0


def test_a_network_may_send_so_many_bodies_at_a_time() -> None:
    budget = body_budget()
    with ExitStack() as stack:
        for _ in range(AT_A_TIME):
            stack.enter_context(budget.reserve("a"))
        with pytest.raises(HTTPException) as refusal, budget.reserve("a"):
            pass
        with budget.reserve("b") as other:
            other.grow(1)

    assert refusal.value.status_code == 503
    with budget.reserve("a"):
        pass
