"""Tests that pages, emails, help and errors use the words of ``docs/glossary.md``."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

import larkpost
from larkpost import errors
from larkpost.cli import larkpost as root_command

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
PACKAGE = Path(larkpost.__file__).parent
TEMPLATES = ROOT / "templates"
# Words of an older vocabulary, each of which a reader had to decode.
BANNED = [
    "told",
    "road",
    "roads",
    "morning",
    "mornings",
    "shelf",
    "shelves",
    "desk",
    "desks",
    "books",
    "press",
    "presses",
    "pressed",
    "sheet",
    "sheets",
    "standing",
    "kept",
    "found",
    "story",
    "stories",
    "crowd",
    "crowds",
    "turn",
    "turns",
    "doors",
    "door",
    "wire",
    "quiet",
    "house",
    "houses",
    "office",
    "offices",
    "works",
    "round",
    "rounds",
    "newsroom",
    "occasion",
    "occasions",
    "wishes",
    "beats",
    "letter",
    "letters",
]
PATTERN = re.compile(rf"(?<![-\w])(?:{'|'.join(BANNED)})(?![-\w])", re.IGNORECASE)
# Texts that may hold such a word, and why.
ALLOWED = {
    "The morning paper that learns what you like": "the tagline is that of a newspaper",
    "Larkpost, the morning paper that learns what its reader likes": "the tagline, for systemd",
}
HIDDEN = re.compile(
    r"\{%.*?%\}|\{#.*?#\}|<!--.*?-->|<style>.*?</style>|^\s*//.*?$", re.DOTALL | re.MULTILINE
)
OUTPUT = re.compile(r"\{\{.*?\}\}", re.DOTALL)
LITERAL = re.compile(r"'([^']* [^']*)'|\"([^\"]* [^\"]*)\"")
SPOKEN = re.compile(r'\s(?:aria-label|title|alt|placeholder)="([^"]*)"')
NAMES = re.compile(r'\s(?:class|id)="([^"]*)"')
# What only programs read: patterns of re, SQL, and the code of the bookmarklet.
FOR_PROGRAMS = re.compile(r"\(\?[:P=!<>]|\\[bsdwS]|\b(?:SELECT|INSERT|UPDATE|DELETE|CREATE)\b")


def _banned(text: str) -> list[str]:
    for allowed in ALLOWED:
        text = text.replace(allowed, "")
    return PATTERN.findall(text)


def _templates() -> list[Path]:
    return sorted(path for path in TEMPLATES.rglob("*") if path.suffix in {".html", ".txt", ".js"})


def _texts_of_template(path: Path) -> Iterator[str]:
    """Return what a template shows: its text, its attributes that are read out, its literals."""
    source = HIDDEN.sub(" ", path.read_text("utf-8"))
    for output in OUTPUT.findall(source):
        yield from (one or other for one, other in LITERAL.findall(output))
    source = OUTPUT.sub("", source)
    if path.suffix == ".js":
        yield from (one or other for one, other in LITERAL.findall(source))
        return
    yield from SPOKEN.findall(source)
    yield re.sub(r"<[^>]*>", " ", source)


def _is_command(node: ast.AST) -> bool:
    decorators = getattr(node, "decorator_list", [])
    return any(re.search(r"\b(command|group)\b", ast.unparse(one)) for one in decorators)


def _documented(tree: ast.Module) -> set[int]:
    """Return the ids of the nodes that are docstrings, but for those that are help texts."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    bodies = [
        node.body[0]
        for node in ast.walk(tree)
        if isinstance(node, kinds) and node.body and not _is_command(node)
    ]
    return {id(one.value) for one in bodies if isinstance(one, ast.Expr)}


def _prose() -> Iterator[tuple[str, str]]:
    """Return every text of the code that has several words: errors, hints, results, log events."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.parent.name == "versions":
            continue
        tree = ast.parse(path.read_text("utf-8"))
        documented = _documented(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            if id(node) in documented or " " not in node.value or FOR_PROGRAMS.search(node.value):
                continue
            yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node.value


def _commands(
    command: click.Command = root_command, name: str = "larkpost"
) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from _commands(found, f"{name} {child}")


@pytest.mark.parametrize("path", _templates(), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_page_and_no_email_holds_a_banned_word(path: Path) -> None:
    texts = list(_texts_of_template(path))

    assert {text.strip()[:80]: _banned(text) for text in texts if _banned(text)} == {}


def test_no_class_or_id_of_a_page_is_a_banned_word() -> None:
    sources = [path.read_text("utf-8") for path in TEMPLATES.rglob("*.html")]
    names = {name for source in sources for one in NAMES.findall(source) for name in one.split()}
    styles = [path.read_text("utf-8") for path in TEMPLATES.rglob("*.css")]
    styles += [
        style for one in sources for style in re.findall("<style>(.*?)</style>", one, re.DOTALL)
    ]
    names |= {name for style in styles for name in re.findall(r"[.#]([a-z]+)(?=[\s,:{.>])", style)}

    assert {"actions", "masthead", "pager"} <= names
    assert names & set(BANNED) == set()


def test_no_text_of_the_program_holds_a_banned_word() -> None:
    prose = list(_prose())

    assert len(prose) > 1000
    assert {place: text for place, text in prose if _banned(text)} == {}


@pytest.mark.parametrize(("name", "command"), list(_commands()), ids=lambda one: str(one)[:40])
def test_no_help_holds_a_banned_word(name: str, command: click.Command) -> None:
    text = command.get_help(click.Context(command, info_name=name)).replace("--quiet", "")

    assert _banned(text) == []


@pytest.mark.parametrize(
    "name", ["default.toml", "laptop.toml", "service.toml", "larkpost.service"]
)
def test_no_settings_file_holds_a_banned_word(name: str) -> None:
    text = (ROOT / "config" / name).read_text("utf-8")

    assert _banned(text) == []


def test_no_name_in_json_is_a_banned_word() -> None:
    names = {
        key.value
        for folder in ("cli", "portability")
        for path in (PACKAGE / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }

    assert {"papers", "deliveries", "hint"} <= names
    assert names & set(BANNED) == set()


def test_every_allowed_text_is_still_there() -> None:
    sources = [*_templates(), *(ROOT / "config").iterdir()]
    everything = "\n".join(path.read_text("utf-8") for path in sources)

    assert [text for text in ALLOWED if text not in everything] == []


def _kinds_of_error(of: type[Exception] = errors.LarkpostError) -> Iterator[str]:
    yield of.__name__
    for kind in of.__subclasses__():
        yield from _kinds_of_error(kind)


def _first_text(node: ast.expr) -> str:
    """Return what a text begins with, where that is written in the code."""
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _last_text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[-1]
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _messages() -> Iterator[tuple[str, ast.expr]]:
    """Return the messages and hints of all errors that the code raises."""
    kinds = {*_kinds_of_error(), "BadParameter", "UsageError"}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
            if name in kinds and node.args:
                yield place, node.args[0]
            yield from ((place, one.value) for one in node.keywords if one.arg == "hint")


def test_every_error_and_hint_begins_small_and_ends_without_a_full_stop() -> None:
    messages = list(_messages())
    begins = {place: _first_text(node) for place, node in messages}
    ends = {place: _last_text(node) for place, node in messages}

    assert len(messages) > 300
    assert {p: text for p, text in begins.items() if re.match(r"[A-Z][a-z]+ ", text)} == {
        place: text for place, text in begins.items() if text.startswith(("Larkpost ", "Monday "))
    }
    assert {place: text for place, text in ends.items() if text.endswith(".")} == {}
