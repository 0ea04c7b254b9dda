"""The tests depend neither on the machine's speed nor on files that are not in the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[3]
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py") if path.name != Path(__file__).name)
# A sibling of the checkout, or a folder of somebody's machine; folders that every system has may
# be named, and so may those that stand in for one in a text.
OUTSIDE = re.compile(r"\.\./shared\b|/home/[a-z]+/|/root/|/Users/|/mnt/|/tmp/[a-z]+/|~/[A-Za-z]")
SPEED = re.compile(r"\bdeadline=|\bperf_counter\b|(?:process_time|monotonic)\(\) - \w+ < [0-9]")


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_test_names_no_file_outside_and_no_limit_of_time(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert OUTSIDE.findall(text) == []
    if path.name != "conftest.py":
        assert SPEED.findall(text) == []


def test_no_example_has_a_deadline() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check
