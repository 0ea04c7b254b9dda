"""Copies a file of the inbox to another disk, where it takes no more room than before."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from larkpost.ingest.dump_limits import LARGEST
from larkpost.safe_files import CAREFUL, create_draft, name_new

_CHUNK = 64 * 1024


def copy_file(path: Path, here: int, target: Path, there: int) -> None:
    """Copy a regular file from an open folder to a free name in another one.

    It gets a hidden name first, so that a crash leaves no partial file under the real one. Raises
    FileExistsError if the name is taken, and OSError, also for a file over ``LARGEST``.
    """
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


def _copy_content(source: BinaryIO, copy: BinaryIO, status: os.stat_result) -> None:
    """Copy bytes, rights and times of a file onto the disk; where it has a hole, so has the copy.

    Otherwise a file that takes no room in the inbox would take half a gigabyte outside.
    """
    left = status.st_size
    while left > 0 and (chunk := source.read(min(_CHUNK, left))):
        left -= len(chunk)
        if left and chunk.count(0) == len(chunk):  # the last bytes are written: they end the file
            copy.seek(len(chunk), os.SEEK_CUR)
        else:
            copy.write(chunk)
    copy.flush()
    with suppress(OSError):  # a disk without permissions may refuse to set them
        os.fchmod(copy.fileno(), status.st_mode & 0o777)
        os.utime(copy.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
    os.fsync(copy.fileno())
