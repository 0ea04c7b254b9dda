"""Moves a file out of the inbox, without overwriting another one, also across disks."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import BinaryIO

from larkpost.safe_files import (
    CAREFUL,
    NO_LINKS,
    create_draft,
    flush_descriptor,
    is_there,
    make_folder,
    name_new,
    open_folder,
)

_LONGEST = 240  # bytes of a name, so that ".why" still fits where 255 are allowed


def move(path: Path, folder: Path, *, beside: str = "") -> Path:
    """Move a regular file into a folder and return its new path.

    A name that is taken there gets a number, and so does a name whose companion exists: the same
    name with the ending ``beside``. The file is always complete in one of the two places: it is
    linked in the new one before it is removed from the old one, or copied and flushed across disks;
    if it cannot be removed from the old one (a sticky folder of others), it is there only. No
    symbolic link of others is followed, neither as the file nor as a folder. Raises OSError.
    """
    make_folder(folder)
    with open_folder(path.parent) as here, open_folder(folder) as there:
        for name in _free_names(path.name):
            if beside and is_there(f"{name}{beside}", there):
                continue
            try:
                _put(path, here, folder / name, there)
            except FileExistsError:
                continue
            flush_descriptor(there)
            try:
                os.unlink(path.name, dir_fd=here)
            except PermissionError:  # it stays; otherwise each attempt would add one more copy
                with suppress(OSError):
                    os.unlink(name, dir_fd=there)
                raise
            return folder / name
    raise AssertionError("numbers do not end")  # pragma: no cover


def _put(path: Path, here: int, target: Path, there: int) -> None:
    try:
        os.link(path.name, target.name, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _copy(path, here, target, there)


def _copy_content(source: BinaryIO, copy: BinaryIO, status: os.stat_result) -> None:
    """Copy bytes, rights and times of a file onto the disk."""
    shutil.copyfileobj(source, copy)
    copy.flush()
    with suppress(OSError):  # a disk without permissions may refuse to set them
        os.fchmod(copy.fileno(), status.st_mode & 0o777)
        os.utime(copy.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
    os.fsync(copy.fileno())


def _copy(path: Path, here: int, target: Path, there: int) -> None:
    """Copy to a hidden name first, so that a crash leaves no partial file under the real one."""
    number = os.open(path.name, os.O_RDONLY | CAREFUL, dir_fd=here)
    status = os.fstat(number)
    if not stat.S_ISREG(status.st_mode):  # for a folder, fdopen would leave the descriptor open
        os.close(number)
        raise OSError(errno.EINVAL, "it is not a regular file any more", str(path))
    with os.fdopen(number, "rb") as source:
        draft, copy = create_draft(target, there)
        try:
            with copy:
                _copy_content(source, copy, status)
            name_new(draft, there, target.name, there)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(draft, dir_fd=there)


def _free_names(name: str) -> Iterator[str]:
    """Yield the name, cut if it is too long, then the same with 2, 3, … before its ending."""
    stem, dot, ending = name.rpartition(".")
    if not stem or len(os.fsencode(ending)) > 20:
        stem, dot, ending = name, "", ""
    for number in chain([""], (f"-{n}" for n in count(2))):
        tail = os.fsencode(number + dot + ending)
        yield os.fsdecode(os.fsencode(stem)[: _LONGEST - len(tail)] + tail)
