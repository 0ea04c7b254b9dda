"""Moves a file out of the inbox, without overwriting another one, also across disks."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, count
from pathlib import Path

from larkpost.ingest.file_copies import copy_file
from larkpost.safe_files import (
    NO_LINKS,
    flush_descriptor,
    is_there,
    make_folder,
    open_folder,
    rename_new,
)

_LONGEST = 240  # bytes of a name, so that ".why" still fits where 255 are allowed


def move(path: Path, folder: Path, *, beside: str = "") -> Path:
    """Move a regular file into a folder and return its new path.

    A name that is taken there gets a number, and so does a name whose companion exists: the same
    name with the ending ``beside``. The file is always complete in one of the two places: it is
    linked in the new one before it is removed from the old one, renamed if it must not be linked
    (Linux: a file of others that we may not write to), or copied and flushed across disks; if it
    cannot be removed from the old one (a sticky folder of others), it is there only. No symbolic
    link of others is followed, neither as the file nor as a folder. Raises OSError.
    """
    make_folder(folder)
    with open_folder(path.parent) as here, open_folder(folder) as there:
        for name in _free_names(path.name):
            if beside and is_there(f"{name}{beside}", there):
                continue
            try:
                is_in_both = _put(path, here, folder / name, there)
            except FileExistsError:
                continue
            flush_descriptor(there)
            if is_in_both:
                _remove_old(path.name, here, name, there)
            return folder / name
    raise AssertionError("numbers do not end")  # pragma: no cover


def _put(path: Path, here: int, target: Path, there: int) -> bool:
    """Give the file its new name; returns whether it has the old one, too."""
    try:
        os.link(path.name, target.name, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
    else:
        return True
    _must_be_regular(path, here)
    try:
        rename_new(path.name, here, target.name, there)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy_file(path, here, target, there)
        return True
    return False


def _must_be_regular(path: Path, here: int) -> None:
    mode = os.lstat(path.name, dir_fd=here).st_mode
    if not stat.S_ISREG(mode):
        what = "a symbolic link" if stat.S_ISLNK(mode) else "not a regular file any more"
        raise OSError(errno.EINVAL, f"it is {what}", str(path))


def _remove_old(old: str, here: int, new: str, there: int) -> None:
    try:
        os.unlink(old, dir_fd=here)
    except PermissionError:  # it stays; otherwise each attempt would add one more copy
        with suppress(OSError):
            os.unlink(new, dir_fd=there)
        raise


def _free_names(name: str) -> Iterator[str]:
    """Yield the name, cut if it is too long, then the same with 2, 3, … before its ending."""
    stem, dot, ending = name.rpartition(".")
    if not stem or len(os.fsencode(ending)) > 20:
        stem, dot, ending = name, "", ""
    for number in chain([""], (f"-{n}" for n in count(2))):
        tail = os.fsencode(number + dot + ending)
        yield os.fsdecode(os.fsencode(stem)[: _LONGEST - len(tail)] + tail)
