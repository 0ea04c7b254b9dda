"""Moves a file out of the inbox, without overwriting another one, also across disks."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import BinaryIO

from larkpost.ingest.dump_limits import LARGEST
from larkpost.safe_files import (
    CAREFUL,
    NO_LINKS,
    create_draft,
    flush_descriptor,
    is_there,
    make_folder,
    name_new,
    open_folder,
    rename_new,
)

_CHUNK = 64 * 1024
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
    try:
        rename_new(path.name, here, target.name, there)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(path, here, target, there)
        return True
    return False


def _remove_old(old: str, here: int, new: str, there: int) -> None:
    try:
        os.unlink(old, dir_fd=here)
    except PermissionError:  # it stays; otherwise each attempt would add one more copy
        with suppress(OSError):
            os.unlink(new, dir_fd=there)
        raise


def _copy_content(source: BinaryIO, copy: BinaryIO, status: os.stat_result) -> None:
    """Copy bytes, rights and times of a file onto the disk; where it has a hole, so has the copy.

    Otherwise a file that takes no room in the inbox would take half a gigabyte outside.
    """
    left = status.st_size
    while left > 0 and (chunk := source.read(min(_CHUNK, left))):
        left -= len(chunk)
        if chunk.count(0) == len(chunk):
            copy.seek(len(chunk), os.SEEK_CUR)
        else:
            copy.write(chunk)
    copy.truncate()
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
    if status.st_size > LARGEST:  # reading a hole of a terabyte takes hours
        os.close(number)
        raise OSError(errno.EFBIG, "it is too large to be copied to another disk", str(path))
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
