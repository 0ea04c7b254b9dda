"""Tests that no regular expression takes more than linear time, even on hostile text.

The compiled patterns of all modules are found automatically, and tried in the way in which the code
uses them: ``search`` begins at every character, ``match`` only at the first.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from tests.helpers.timing import assert_grows_less_than, cpu_seconds

import larkpost

if TYPE_CHECKING:
    from collections.abc import Iterator

Pattern = re.Pattern[Any]

USES = ("match", "fullmatch", "search", "finditer", "findall", "sub", "subn", "split")
ANYWHERE = {"search", "finditer", "findall", "sub", "subn", "split"}
SIZES = (250, 2_000)  # characters; the first is enough for cubic time
SLOW = 0.002  # seconds for so many; quadratic time is far more, and what is quicker is not weighed
MOST = 3.0  # times as long for twice the size

# Patterns that are given only text of bounded length, and where the bound is.
BOUNDED: dict[str, str] = {}

UNITS = (
    *"aA1 \n\t-._/([{<>\"'\\$*`#@:,|&%=!~^é",
    *("a ", "a-", "a\n", "\n ", ". ", "a.", "1.", "(a", "[a]", "[a](", "](", "<a", "<a ", "<!--"),
    *("-- ", "{\\'", "\\a", "\\a{", "&amp", "a@", "a,", "**a", "a*", "`a", "  \n", "\r\n", "1 "),
    *("Aa ", "a:", "://", "http://", "www.", "a=", 'a="', '<a href="', "@a{", "{a", "1a", "-\n"),
    *("\u00ad\n", "e\u0301", "\u0301\u0323", "and ", "On ", "at ", "by ", "Abstract "),
)


def modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages(larkpost.__path__, "larkpost."):
        if not found.name.endswith(("__main__", "migrations.env")):
            yield importlib.import_module(found.name)


def patterns_in(name: str, value: object) -> Iterator[tuple[str, Pattern]]:
    if isinstance(value, re.Pattern):
        yield name, value
    elif isinstance(value, (tuple, list, dict, frozenset)):
        inner = value.values() if isinstance(value, dict) else value
        for at, one in enumerate(inner):
            yield from patterns_in(f"{name}[{at}]", one)


@cache
def found() -> dict[str, tuple[Pattern, frozenset[str]]]:
    """Find every pattern, and how it is used; unknown uses count as ``search``."""
    uses: dict[Pattern, set[str]] = {}
    names: dict[Pattern, str] = {}
    for module in modules():
        called = calls(module)
        for name, value in vars(module).items():
            for full, pattern in patterns_in(name, value):
                names.setdefault(pattern, f"{module.__name__}.{full}")
                uses.setdefault(pattern, set()).update(called.get(full, ()))
    return {
        name: (pattern, frozenset(uses[pattern] or {"search"})) for pattern, name in names.items()
    }


def calls(module: Any) -> dict[str, set[str]]:
    """Return the methods that a module calls on its patterns, by the patterns' names."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Attribute) and node.attr in USES:
            name = ast.unparse(node.value).rpartition(".")[2]
            found.setdefault(name, set()).add(node.attr)
    return found


def units(pattern: Pattern) -> Iterator[str]:
    source = pattern.pattern
    text = source if isinstance(source, str) else source.decode("latin-1")
    yield from UNITS
    yield from sorted(set(re.findall("[A-Za-z]{2,}", text)))[:20]


def seconds(pattern: Pattern, anywhere: bool, unit: str, size: int) -> float:
    text: Any = "x" + unit * (size // len(unit))
    if isinstance(pattern.pattern, bytes):
        text = text.encode()

    def work() -> None:
        for start in (text, text[1:]):
            if anywhere:
                for _ in pattern.finditer(start):
                    pass
            else:
                pattern.match(start)
                pattern.fullmatch(start)

    return cpu_seconds(work)


def test_the_patterns_of_the_program_are_found() -> None:
    assert len(found()) > 150
    assert set(BOUNDED) <= set(found())


@pytest.mark.parametrize("name", sorted(found()))
def test_a_pattern_takes_time_in_proportion_to_the_text(name: str) -> None:
    pattern, used = found()[name]
    if name in BOUNDED:
        pytest.skip(BOUNDED[name])
    anywhere = bool(used & ANYWHERE)
    for unit in units(pattern):
        slow = [size for size in SIZES if seconds(pattern, anywhere, unit, size) > SLOW][:1]
        for size in slow:  # none for linear time, on all but a very slow machine

            def ratio(unit: str = unit, size: int = size) -> float:
                once, twice = (seconds(pattern, anywhere, unit, n * size) for n in (1, 2))
                return twice / max(once, SLOW / 4)

            assert_grows_less_than(ratio, MOST)
