"""Tests that files are written by ``larkpost.safe_files``, with listed exceptions."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import larkpost

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(larkpost.__file__).parent
# Calls that make, write, name or link a file or a folder, by their last name.
WRITING = """
write_text write_bytes touch mkdir makedirs mknod mkfifo symlink symlink_to hardlink_to link mkstemp
mktemp mkdtemp NamedTemporaryFile copy2 copyfile copytree copystat copymode renames truncate
"""
ALWAYS = frozenset(WRITING.split())
# Those that have other meanings as well: only as functions of these modules.
OF_MODULES = {
    "rename": {"os"}, "replace": {"os"}, "open": {"os", "io", "codecs"}, "copy": {"shutil"},
    "move": {"shutil"}, "fdopen": {"os"},
}  # fmt: skip
WRITING_FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND", "O_TRUNC"}
EXCEPTIONS = {
    ("cli/streams.py", "open"): "the null device, in place of a closed standard stream",
    ("ingest/file_moves.py", "link"): "by descriptors, never over a file: the move itself",
    ("inbound/maildir.py", "mkdir"): "the cur/ of a Maildir, with mode 0700",
    ("inbound/maildir_files.py", "mkdir"): "a folder of a Maildir, with mode 0700",
    ("inbound/maildir_files.py", "rename"): "within one Maildir, over nothing",
    ("render/feeds/feeds.py", "link"): "a method of feedgen",
}


def _called(call: ast.Call) -> tuple[str, str]:
    """Name what is called, and on what: ``("os", "open")``; the latter is empty for a name."""
    match call.func:
        case ast.Name(name):
            return "", name
        case ast.Attribute(ast.Name(owner), name):
            return owner, name
        case ast.Attribute(_, name):
            return "?", name
    return "", ""


def _mode(call: ast.Call, place: int) -> str:
    """Return the mode with which ``open`` is called; ``?`` where it is not written out."""
    given = [word.value for word in call.keywords if word.arg == "mode"]
    found = given or call.args[place : place + 1]
    if not found:
        return "r"
    return str(found[0].value) if isinstance(found[0], ast.Constant) else "?"


def _is_writing(call: ast.Call) -> bool:
    owner, name = _called(call)
    if name in ALWAYS:
        return True
    if name == "open" and owner == "os":
        names = {node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute)}
        return bool(names & WRITING_FLAGS)
    if name in ("open", "fdopen"):
        mode = _mode(call, 1 if owner in ("", "os", "io", "codecs") else 0)
        return name == "open" and bool(set(mode) & set("wax+?"))
    if name in ("rename", "replace"):  # of a path: one argument; of text: two
        return owner in OF_MODULES[name] or (len(call.args) == 1 and not call.keywords)
    return owner in OF_MODULES.get(name, ())


def _writers(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _is_writing(node):
            yield node.lineno, _called(node)[1]


@pytest.mark.parametrize(
    "path",
    sorted(path for path in PACKAGE.rglob("*.py") if path.name != "safe_files.py"),
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_no_module_writes_files_in_a_way_of_its_own(path: Path) -> None:
    name = str(path.relative_to(PACKAGE))

    found = [
        (line, call)
        for line, call in _writers(path.read_text("utf-8"))
        if (name, call) not in EXCEPTIONS
    ]

    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "open(p, 'w')", "p.open('ab')", "p.open(mode='x')", "open(p, mode)", "p.write_text(t)",
        "p.write_bytes(b)", "os.open(p, os.O_WRONLY | os.O_CREAT)", "p.touch()", "p.mkdir()",
        "os.makedirs(p)", "shutil.copy(a, b)", "shutil.move(a, b)", "os.rename(a, b)",
        "a.rename(b)", "a.replace(b)", "os.replace(a, b)", "os.link(a, b)", "a.symlink_to(b)",
        "tempfile.mkstemp()", "tempfile.NamedTemporaryFile()",
    ],
)  # fmt: skip
def test_what_writes_is_seen(line: str) -> None:
    assert list(_writers(line))


@pytest.mark.parametrize(
    "line",
    ["open(p)", "p.open('rb')", "text.replace(a, b)", "os.open(p, os.O_RDONLY)", "list.copy()",
     "day.replace(year=1)", "tempfile.TemporaryFile()"],
)  # fmt: skip
def test_what_reads_is_not_taken_for_writing(line: str) -> None:
    assert not list(_writers(line))
