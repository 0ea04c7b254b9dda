"""Moves a file that was read out of the inbox: never over another one, and across disks too."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from itertools import chain, count
from typing import TYPE_CHECKING

from larkpost.files import NO_LINKS, flush_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONGEST = 240  # bytes of a name, so that ".why" still fits where 255 are allowed


def move(path: Path, folder: Path) -> Path:
    """Move a regular file into a folder and return where it is now.

    A name that is taken there gets a number. The file is whole in one of the two places at every
    moment: linked there before it goes here, or copied and flushed where links cannot reach.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in _free_names(path.name):
        target = folder / name
        try:
            _put(path, target)
        except FileExistsError:
            continue
        flush_folder(folder)
        path.unlink()
        return target
    raise AssertionError("numbers do not end")  # pragma: no cover


def _put(path: Path, target: Path) -> None:
    try:
        os.link(path, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _copy(path, target)


def _copy(path: Path, target: Path) -> None:
    """Copy to a hidden name first, so that a crash leaves no half file under the real one."""
    hidden = target.with_name(f".{target.name[:60]}.{os.getpid()}.part")
    try:
        with path.open("rb") as source, hidden.open("wb") as copy:
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fsync(copy.fileno())
        with suppress(OSError):  # a disk that keeps no rights may refuse to be told of them
            shutil.copystat(path, hidden)
        if target.exists():
            raise FileExistsError(target)
        hidden.rename(target)
    finally:
        hidden.unlink(missing_ok=True)


def _free_names(name: str) -> Iterator[str]:
    """Yield the name, cut where it is too long, then the same with 2, 3, … before its ending."""
    stem, dot, ending = name.rpartition(".")
    if not stem or len(os.fsencode(ending)) > 20:
        stem, dot, ending = name, "", ""
    for number in chain([""], (f"-{n}" for n in count(2))):
        tail = os.fsencode(number + dot + ending)
        yield os.fsdecode(os.fsencode(stem)[: _LONGEST - len(tail)] + tail)
