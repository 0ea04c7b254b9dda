"""Tests that names follow ``docs/glossary.md``, and that files and folders stay small."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import larkpost

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
PACKAGE = Path(larkpost.__file__).parent
MIGRATIONS = PACKAGE / "db" / "migrations" / "versions"
MODULES = {
    path: ast.parse(path.read_text("utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.parent != MIGRATIONS
}
CODE = [
    *PACKAGE.rglob("*.py"),
    *(file for top in ("tests", "bench", "scripts") for file in (ROOT / top).rglob("*.py")),
]

# The whole name of nothing that is defined here; as a part of a name (`turn_off`) they are fine.
BANNED = frozenset(
    [
        "told",
        "road",
        "morning",
        "mornings",
        "shelf",
        "desk",
        "books",
        "press",
        "sheet",
        "standing",
        "kept",
        "found",
        "story",
        "crowd",
        "turn",
        "doors",
        "wire",
        "quiet",
        "house",
        "office",
        "works",
        "round",
        "newsroom",
        "occasion",
        "wishes",
        "beats",
    ]
)
# Past participles that do not end in -ed, and words in -ed that are none.
IRREGULAR = frozenset(
    [
        "told",
        "found",
        "kept",
        "shown",
        "laid",
        "gone",
        "said",
        "written",
        "taken",
        "given",
        "made",
        "seen",
        "known",
        "held",
        "sent",
        "begun",
        "drawn",
        "hidden",
        "thrown",
        "brought",
        "bought",
        "thought",
        "taught",
        "sold",
        "built",
        "meant",
        "spent",
        "lent",
        "bent",
        "felt",
        "dealt",
        "slept",
        "lost",
        "stood",
        "understood",
        "won",
        "led",
        "fed",
        "met",
        "heard",
        "paid",
        "learnt",
        "spoilt",
        "spelt",
        "torn",
        "worn",
        "born",
        "sworn",
        "broken",
        "spoken",
        "chosen",
        "frozen",
        "stolen",
        "woken",
        "driven",
        "risen",
        "ridden",
        "forgiven",
        "forbidden",
        "eaten",
        "fallen",
        "grown",
        "blown",
        "flown",
        "sung",
        "sunk",
        "hung",
        "stuck",
        "struck",
    ]
)
NO_PARTICIPLES = frozenset(
    ["feed", "need", "seed", "speed", "embed", "proceed", "succeed", "indeed"]
)
MOST_PARTICIPLES = 0.02
MOST_LINES = 400
MOST_MODULES = 20
# Lines of functions and of modules, as few as the tree had when its names were given.
FUNCTION_MEDIAN, FUNCTION_P90, LONGEST_FUNCTION = 7, 19, 50
MODULE_MEDIAN, LONGEST_MODULE = 105, 390


def _is_participle(word: str) -> bool:
    regular = word.endswith("ed") and len(word) > 3 and word not in NO_PARTICIPLES
    return regular or word in IRREGULAR


def _is_named_by_a_participle(name: str) -> bool:
    """Whether a name consists only of participles: ``_told``, ``laid``, ``unmatched``."""
    return all(_is_participle(word) for word in name.strip("_").split("_"))


def _functions() -> list[str]:
    return [
        node.name
        for tree in MODULES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _classes() -> Iterator[tuple[str, Path]]:
    for path, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                yield node.name, path


def _definitions() -> Iterator[tuple[str, Path]]:
    """Return the names of modules, classes, functions and module constants."""
    for path, tree in MODULES.items():
        yield path.parent.name if path.stem == "__init__" else path.stem, path
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name, path
        for statement in tree.body:
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                for node in ast.walk(statement):
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                        yield node.id, path


def test_no_class_name_is_defined_in_two_modules() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for name, path in _classes():
        places[name].add(str(path.relative_to(PACKAGE)))

    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_at_most_two_functions_in_a_hundred_are_named_by_a_participle() -> None:
    names = _functions()
    participles = [name for name in names if _is_named_by_a_participle(name)]

    assert len(names) > 1000
    assert len(participles) <= MOST_PARTICIPLES * len(names), sorted(participles)


def test_nothing_has_a_banned_word_for_its_whole_name() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}: {name}"
        for name, path in _definitions()
        if name.strip("_").lower() in BANNED
    ]

    assert found == []


def test_no_file_of_code_is_longer_than_four_hundred_lines() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in CODE
        if path.is_relative_to(ROOT)
    }

    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def _function_lengths() -> list[int]:
    """Count the lines of every function, its docstring too; migrations are there as well."""
    migrations = (ast.parse(path.read_text("utf-8")) for path in MIGRATIONS.glob("*.py"))
    return sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for tree in (*MODULES.values(), *migrations)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_functions_stay_as_short_as_they_are() -> None:
    lengths = _function_lengths()

    assert median(lengths) <= FUNCTION_MEDIAN
    assert lengths[len(lengths) * 9 // 10] <= FUNCTION_P90
    assert lengths[-1] <= LONGEST_FUNCTION


def test_modules_stay_as_short_as_they_are() -> None:
    lengths = [len(path.read_text("utf-8").splitlines()) for path in PACKAGE.rglob("*.py")]

    assert median(lengths) <= MODULE_MEDIAN
    assert max(lengths) <= LONGEST_MODULE


def test_no_folder_holds_more_than_twenty_modules() -> None:
    modules: dict[str, int] = defaultdict(int)
    for path in CODE:
        if path.parent != MIGRATIONS and path.name != "__init__.py":
            modules[str(path.parent)] += 1

    assert {folder: count for folder, count in modules.items() if count > MOST_MODULES} == {}


def test_every_package_says_in_a_line_what_it_holds() -> None:
    silent = [
        str(path.relative_to(PACKAGE))
        for path, tree in MODULES.items()
        if path.name == "__init__.py" and not ast.get_docstring(tree)
    ]

    assert silent == []


def test_the_glossary_has_at_most_sixty_terms_in_the_order_of_the_alphabet() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    terms = re.findall(r"^\| \*\*(.+?)\*\*", text, re.MULTILINE)

    assert 40 <= len(terms) <= 60
    assert all(one.lower() < other.lower() for one, other in pairwise(terms))
