"""Distinguishes a full disk, which needs space, from a broken one, which needs a backup."""

from __future__ import annotations

import errno
import os
import resource
import tempfile
from pathlib import Path

from larkpost.errors import NoRoom

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# SQLite creates a file of 32 KiB next to an open database, and extends its journal by 4 KiB pages.
_TRIED = 64 * 1024  # bytes


def is_no_room(error: BaseException | None) -> bool:
    """Whether an error is due to lack of space: full disk, used-up quota, limit on a file."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def lacks_room(folder: Path) -> bool:
    """Whether writing a small file in a folder fails only for lack of space; leaves no file.

    SQLite reports "disk I/O error" for a quota, for its shared memory on a full disk, and for a
    failing disk. False if the folder has another problem.
    """
    try:
        check_room(folder)
    except NoRoom:
        return True
    except OSError:
        return False
    return False


def check_room(folder: Path) -> None:
    """Write a small file in a folder and delete it; raises NoRoom, and OSError otherwise."""
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".larkpost-") as file:
            file.write(bytes(_TRIED))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if is_no_room(error):
            raise no_room(folder, error) from error
        raise


def is_at_limit(database: Path) -> bool:
    """Whether the limit on the size of files keeps a database, or its journal, from growing.

    SQLite reports "disk I/O error" or "database is full" then (setrlimit(2), RLIMIT_FSIZE).
    """
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit == resource.RLIM_INFINITY:
        return False
    files = (Path(f"{database}{end}") for end in ("", "-wal", "-journal"))
    return max((file.stat().st_size for file in files if file.exists()), default=0) > limit - _TRIED


def no_room(what: object, why: object, *, limited: bool = False) -> NoRoom:
    """Make the NoRoom error; ``what`` could not be written, ``why`` is an error or its text.

    ``limited``: the reason is a limit on the size of files; EFBIG means the same.
    """
    words = why.strerror if isinstance(why, OSError) else why
    if limited or (isinstance(why, OSError) and why.errno == errno.EFBIG):
        return NoRoom(
            f"no room left for {what}: a limit on the size of files forbids it ({words})",
            hint="raise the limit of this process (`ulimit -f`, LimitFSIZE= of systemd) and try"
            " again; nothing was lost",
        )
    return NoRoom(
        f"no room left for {what} ({words})",
        hint="make room on the disk and try again; nothing was lost",
    )
