"""Tests that the bytes of bodies are limited, and freed whatever happens."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from starlette.exceptions import HTTPException

from larkpost.web.form_body import LARGEST_BODY
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


def test_a_form_is_accepted_whatever_uploads_others_hold() -> None:
    """Four addresses of one owner held every byte, with uploads that never ended."""
    budget = ByteBudget(100, per_network=25, spared=5)
    with ExitStack() as stack:
        for owner in ("192.0.2", "198.51.100"):
            for number in range(2):
                stack.enter_context(budget.reserve(f"{owner}.{number}")).grow(25)
        form = stack.enter_context(budget.reserve("203.0.113.9"))
        form.grow(5)
        with pytest.raises(HTTPException):
            form.grow(1)
        more = stack.enter_context(budget.reserve("192.0.2.1"))
        with pytest.raises(HTTPException):
            more.grow(1)
    assert budget.held == 0


def test_one_owner_of_many_networks_holds_half_of_all_bytes() -> None:
    budget = ByteBudget(100, per_network=25)
    with ExitStack() as stack:
        for number in range(2):
            stack.enter_context(budget.reserve(f"192.0.2.{number}")).grow(25)
        neighbour = stack.enter_context(budget.reserve("192.0.2.200"))
        with pytest.raises(HTTPException):
            neighbour.grow(1)
        stack.enter_context(budget.reserve("203.0.113.9")).grow(25)
    assert budget.held == 0


def test_a_whole_form_fits_into_what_each_network_is_spared() -> None:
    assert body_budget().spared >= LARGEST_BODY
