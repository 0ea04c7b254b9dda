"""Tests the parsers with the first texts of bench/fuzz_ingest.py."""

from __future__ import annotations

import signal
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from bench import fuzz_ingest
from bench.support import processor_budget
from bench.support.mutations import encode, mutate

from larkpost.formats.registry import DUMP_FORMATS

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = [one.name for one in DUMP_FORMATS]
NAMES += [
    "kinds",
    "ingest",
    "gzip",
    "zip",
    "zip as papers",
    "enrich",
    "opml",
    "answer",
    "references",
    "references as papers",
    "sender",
    "identifier",
    "address",
    "days",
    "text",
]
SLOW = {"huggingface", "ingest", "gzip", "zip", "zip as papers", "mail", "links", "html"}


@cache
def samples() -> Sequence[str]:
    return fuzz_ingest.samples(Path(__file__).parents[2])


@pytest.mark.parametrize("name", NAMES)
def test_no_parser_raises_what_it_does_not_declare(name: str) -> None:
    with fuzz_ingest.empty_store() as store:
        parse = fuzz_ingest.parsers(store)[name]
        seeds = range(4 if name in SLOW else 20)
        outcome = fuzz_ingest.run(name, parse, samples(), seeds, budget=False)

    assert outcome.texts == len(seeds)
    assert outcome.failures == {}


def test_every_parser_is_fuzzed() -> None:
    with fuzz_ingest.empty_store() as store:
        assert list(fuzz_ingest.parsers(store)) == NAMES


def test_a_failure_is_reported_with_its_seed_and_its_place() -> None:
    def parse(dump: bytes) -> None:
        if b"a" in dump:
            raise ZeroDivisionError("no lantern")

    outcome = fuzz_ingest.run("x", parse, samples(), range(3), budget=False)

    assert set(outcome.failures) == {0, 1, 2}
    assert "ZeroDivisionError('no lantern') (" in outcome.failures[0]


def test_a_text_over_its_budget_is_a_failure() -> None:
    def parse(dump: bytes) -> None:
        while True:
            dump.count(b"a")

    outcome = fuzz_ingest.run("x", parse, ["a"], range(1), budget=True)

    assert "over its budget" in outcome.failures[0]


def test_a_text_is_given_the_time_that_a_slow_machine_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    budgets = []

    def parse(_: bytes) -> None:
        budgets.append(signal.getitimer(signal.ITIMER_VIRTUAL)[0])
        while len(budgets) == 1:
            pass

    monkeypatch.setattr(processor_budget, "slowdown", lambda: 1_000)

    processor_budget.run_within(0.01, parse, b"a")

    first, second = budgets
    assert first <= 0.02 < 9 < second


def test_the_same_seed_makes_the_same_text() -> None:
    first, again, other = (
        encode(dice, mutate(dice, samples())) for dice in map(Random, ("x 1", "x 1", "x 2"))
    )

    assert first == again != other


def test_seeds_come_until_the_processor_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([10.0, 10.0, 12.0, 12.1])
    monkeypatch.setattr(fuzz_ingest, "process_time", lambda: next(now))

    assert list(fuzz_ingest.seeds_for(2, 7)) == [7, 8]
